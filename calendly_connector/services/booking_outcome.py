"""What a visitor is told of a request, now or later."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.core.cache import cache

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_scheduling import AvailableTime, BookableType, prefilled
from calendly_connector.clients.calendly_values import Row
from calendly_connector.models import BookingRequest
from calendly_connector.services import booking_lookup
from calendly_connector.services import booking_words as words
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

LIMIT = "limit"
SHOWN_SECONDS = 30  # a booking is read again for who asks for it later: it may have been moved or canceled
JOIN_SECONDS = 3  # while Calendly still makes the conference: the link to join comes some seconds after the booking
MOST_MOVES = 10

State = BookingRequest.State
LEADS_ON = (LIMIT, State.UNKNOWN)
"""States that lead to Calendly's own page; so does a refusal that isn't the visitor's to mend."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a wish. `state` is one of BookingRequest.State's values, or "limit".

    `words` say it to the visitor; `problems` (field → words) when they have to mend something. `fallback_url` is
    Calendly's own page, filled in, where we can't go on; else empty. A request that was never kept has no pk.
    """

    state: str
    request: BookingRequest
    invitee: Row | None = None
    scheduled_event: Row | None = None
    words: str = ""
    fallback_url: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_canceled(self) -> bool:
        """Return whether it was booked and then canceled."""
        found = self.invitee
        return found is not None and found.get("status") == "canceled" and not found.get("rescheduled")


def of(
    row: BookingRequest,
    kind: BookableType | None,
    *,
    slot: AvailableTime | None = None,
    said: str = "",
    problems: Mapping[str, str] | None = None,
) -> Outcome:
    """Return what came of a request; `said` when there is more to say than its row does."""
    if row.state == State.BOOKED:
        invitee, meeting = _shown(row)
        found = Outcome(state=row.state, request=row, invitee=invitee, scheduled_event=meeting, words=words.BOOKED)
        return replace(found, words=words.CANCELED) if found.is_canceled else found
    state = _state(row, is_busy=bool(said))
    leads_on = state in LEADS_ON or row.reason in (words.FAILED, booking_lookup.NOT_BOOKED)
    return Outcome(
        state=state,
        request=row,
        words=said or (words.UNKNOWN if row.reason == booking_lookup.NEVER_KNOWN else row.reason),
        problems=problems or {},
        fallback_url=_own_page(row, kind, slot) if leads_on else "",
    )


def _state(row: BookingRequest, *, is_busy: bool) -> str:
    """Return a request's state as visitors have it: waiting in vain is an answer too."""
    if row.state == State.ASKED and row.reason == words.LIMIT:
        return LIMIT
    if row.state == State.ASKED and is_busy:
        return State.TAKEN
    return State.REFUSED if row.state == State.ASKED and row.reason else row.state


def _own_page(row: BookingRequest, kind: BookableType | None, slot: AvailableTime | None) -> str:
    url = (slot.scheduling_url if slot else "") or (kind.scheduling_url if kind else "")
    wish = booking_lookup.from_json(row)
    name = wish.name or f"{wish.first_name} {wish.last_name}".strip()
    return prefilled(url, name=name, email=wish.email, tracking=wish.tracking) if url else ""


def remember(row: BookingRequest, invitee: Row, meeting: Row | None) -> None:
    """Keep what Calendly answered for whoever clicked twice."""
    seconds = JOIN_SECONDS if _waits_for_conference(meeting) else SHOWN_SECONDS
    cache.set(f"booked:{row.pk}", (invitee, meeting), seconds)


def _waits_for_conference(meeting: Row | None) -> bool:
    """Return whether a meeting's link to join is still to come (calendly-api.md §4.6)."""
    location = (meeting or {}).get("location")
    return isinstance(location, Mapping) and location.get("status") in ("initiated", "processing")


def _shown(row: BookingRequest) -> tuple[Row | None, Row | None]:
    """Return the invitee and the meeting of a booked request, None for what Calendly can't show now."""
    kept: tuple[Row, Row | None] | None = cache.get(f"booked:{row.pk}")
    if kept is not None:
        return kept
    try:
        client = connections.calendly_client(row.connection)
        invitee = _newest(client, client.get_invitee(row.invitee))
        meeting = client.get_scheduled_event(str(invitee.get("event") or ""))
    except (errors.ApiError, connections.NotConfigured) as error:
        logger.warning("A booking can't be shown: %s", error)
        return None, None
    remember(row, invitee, meeting)
    return invitee, meeting


def _newest(client: CalendlyClient, invitee: Row) -> Row:
    """Return the half of a moved booking that counts now."""
    for _move in range(MOST_MOVES):
        moved_to = str(invitee.get("new_invitee") or "")
        if not (invitee.get("rescheduled") and moved_to):
            break
        invitee = client.get_invitee(moved_to)
    return invitee
