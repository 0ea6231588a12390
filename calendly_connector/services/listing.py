"""First half of a reading: the meetings of its window are listed, page by page, and those worth reading are noted.

A page and the place where the next begins are kept in one transaction, so a listed page is never asked for again.
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Page, Place, ScheduledEvent
from calendly_connector.core import gap
from calendly_connector.models import Booking, Connection, KnownMeeting, PendingMeeting, Reading

Kind = Reading.Kind
FINAL = (Booking.Status.RESCHEDULED, Booking.Status.CANCELED)
UNCHANGED, OTHER_TYPE = "unchanged since it was read", "another event type"
"""Why a meeting's invitees are not read."""


def list_on(row: Reading, client: CalendlyClient, keep_going: Callable[[], bool]) -> bool:
    """List on from where a reading stands, to the end; return False when it was stopped or begun anew meanwhile."""
    while not row.is_listed:
        if not keep_going():
            return False
        page = client.get_scheduled_events(_place(row), max_start=row.until, **whose(row.connection))
        if not _keep(row, page):
            return False
    return True


def first_place(row: Reading) -> Place:
    """Return where the listing of a reading begins."""
    return Place(start=gap.first_start(row.since) if row.kind == Kind.GAP else row.since)


def _place(row: Reading) -> Place:
    if row.listed_to is None:
        return first_place(row)
    return Place(start=row.listed_to, token=row.page_token, seen=tuple(row.listed_last))


def whose(connection: Connection) -> dict[str, Any]:
    """Return whose meetings the connection's token may list (calendly-api.md §4.6)."""
    is_whole = connection.scope == Connection.Scope.ORGANIZATION
    return {"organization": connection.organization} if is_whole else {"user": connection.user}


def _keep(row: Reading, page: Page) -> bool:
    """Note a page; return False when the reading was stopped or begun anew meanwhile, and nothing was noted."""
    wanted, passed_over = choose(row, page.events)
    now, changes = timezone.now(), _moved_on(page.following)
    changes |= {"meetings": row.meetings + len(page.events), "skipped": dict(Counter(row.skipped) + passed_over)}
    with transaction.atomic():
        mine = Reading.objects.filter(pk=row.pk, since=row.since, until=row.until, state=Reading.State.RUNNING)
        if not mine.update(**changes, words=""):
            return False
        rows = [PendingMeeting(reading=row, uri=each.uri, row=dict(each.row), listed_at=now) for each in wanted]
        PendingMeeting.objects.bulk_create(  # listed again: it was put off meanwhile, and looks as it does now
            rows, update_conflicts=True, unique_fields=["reading", "uri"], update_fields=["row", "listed_at"]
        )
    for name, value in changes.items():
        setattr(row, name, value)
    return True


def _moved_on(following: Place | None) -> dict[str, Any]:
    if following is None:
        return {"is_listed": True}
    return {"listed_to": following.start, "page_token": following.token, "listed_last": list(following.seen)}


def choose(row: Reading, events: Collection[ScheduledEvent]) -> tuple[list[ScheduledEvent], Counter[str]]:
    """Return which of these meetings a reading looks into, and why it leaves out the others."""
    uris = [event.uri for event in events]
    if row.kind == Kind.GAP:
        return _changed_in_gap(row, events, uris)
    known = {each.uri: each for each in KnownMeeting.objects.filter(connection=row.connection, uri__in=uris)}
    wanted, passed_over = list[ScheduledEvent](), Counter[str]()
    for event in events:
        if row.event_types and event.event_type not in row.event_types:
            passed_over[OTHER_TYPE] += 1
        elif _is_news_possible(row, event, known.get(event.uri)):
            wanted.append(event)
        else:
            passed_over[UNCHANGED] += 1
    return wanted, passed_over


def _is_news_possible(row: Reading, event: ScheduledEvent, known: KnownMeeting | None) -> bool:
    if known is None or known.mark != event.mark or (known.is_partial and row.unknown_since is None):
        return True
    return not event.is_canceled and gap.may_be_marked(
        event.start_at, read_at=known.read_at, now=timezone.now(), is_thorough=row.is_thorough
    )


def _changed_in_gap(
    row: Reading, events: Collection[ScheduledEvent], uris: list[str]
) -> tuple[list[ScheduledEvent], Counter[str]]:
    known = Booking.objects.filter(connection=row.connection, meeting_uri__in=uris).exclude(status__in=FINAL)
    open_ones = set(known.values_list("meeting_uri", flat=True))
    now = timezone.now()
    wanted = [
        event
        for event in events
        if gap.is_worth_reading(
            event.start_at, event.updated_at, since=row.since, now=now, is_open=event.uri in open_ones
        )
    ]
    return wanted, Counter({UNCHANGED: len(events) - len(wanted)})
