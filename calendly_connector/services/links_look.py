"""What a run of links would do, looked at before it begins: who gets one, how many calls, how long it takes."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from math import ceil
from typing import Any

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_scheduling import BookableType
from calendly_connector.clients.pace import SPARE, Pace
from calendly_connector.models import BrevoAccount, BrevoList, Connection, DebugRecord, SchedulingLink
from calendly_connector.services import (
    accounts,
    catalogue,
    debug,
    links,
    links_list,
    links_use,
    mapping_check,
    new_attributes,
    setup,
    tokens,
)
from calendly_connector.services import connection as connections

USUAL = 500
"""Calls a minute of a paid plan (calendly-api.md §1.6), where the answer names none."""

NAMES = (*links_list.FIRST_NAMES, *links_list.LAST_NAMES)


class Unfit(Exception):
    """The wish can't be carried out; the text says what to change."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was found. Of the `contacts` on the list, `looked_at` were sorted; of a longer one, the rest is guessed."""

    event_type: str  # its name
    attribute: str
    is_attribute_missing: bool
    scheduling_url: str  # Calendly's common page of the event type
    per_minute: int  # calls that Calendly allows
    contacts: int = 0
    looked_at: int = 0
    to_make: int = 0
    to_write_again: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def is_estimate(self) -> bool:
        """Return whether only the beginning of the list was looked at."""
        return self.looked_at < self.contacts

    @property
    def calls(self) -> int:
        """Return how many calls to Calendly it takes: one for each link."""
        return (
            ceil(self.to_make * self.contacts / self.looked_at) if self.is_estimate and self.looked_at else self.to_make
        )

    @property
    def minutes(self) -> int:
        """Return how many minutes Calendly's limit makes of that; Brevo's import comes after."""
        return ceil(self.calls / max(1.0, self.per_minute * (1 - SPARE)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "calls": self.calls, "minutes": self.minutes, "is_estimate": self.is_estimate}


def look(connection: Connection, wish: links.Wish, *, most_pages: int = 0) -> Look:
    """Return what a wish would do, reading at most so many pages of the list (0: all). Changes nothing at either side.

    Raises Unfit, ApiError, NotConfigured, queue.Later while Brevo's limit has to be waited for.
    """
    account = connection.brevo_account
    kind, per_minute = bookable(connection, wish.event_type)
    is_missing = need_attribute(connection, wish.attribute)
    links_use.expire(connection=connection)
    row, counts = links.unsaved(connection, wish), Counter[str]()
    left_out, contacts, looked_at = Counter[str](), 0, 0
    pages = accounts.client_of(account).list_members(wish.list_number or 0)
    read = 0
    while wish.list_number and (not most_pages or read < most_pages):
        page = _next(account, pages)
        if page is None:
            break
        found, read = links_list.sort_out(row, page.contacts), read + 1
        wanting = SchedulingLink.objects.filter(pk__in=found.again, state=SchedulingLink.State.WANTED).count()
        counts.update(make=len(found.wanted) + wanting, again=len(found.again) - wanting)
        left_out += found.left_out
        contacts, looked_at = page.total, looked_at + len(page.contacts)
    return Look(
        event_type=kind.name,
        attribute=wish.attribute,
        is_attribute_missing=is_missing,
        scheduling_url=kind.scheduling_url,
        per_minute=per_minute,
        contacts=max(contacts, looked_at) if read == most_pages else looked_at,
        looked_at=looked_at,
        to_make=counts["make"],
        to_write_again=counts["again"],
        left_out=dict(+left_out),
    )


def _next(account: BrevoAccount, pages: Any) -> Any:
    try:
        return accounts.call(account, "contacts", lambda: next(pages, None), renew=_nothing, patience=accounts.TURN)
    except errors.NotFound as missing:
        raise Unfit("Brevo has no list of this number. Refresh the lists, and choose another.") from missing


def bookable(connection: Connection, event_type: str) -> tuple[BookableType, int]:
    """Return an event type as Calendly has it, and the calls a minute that it allows us. Raises Unfit for one that
    can't be booked."""
    pace = Pace()
    client = CalendlyClient(
        token=partial(tokens.access_token, connection),
        renew=lambda rejected: tokens.refresh_now(connection, rejected=rejected),
        base_url=conf.calendly_api_url(),
        observe=pace.observe,
        witness=debug.witness_for(debug.watched_by(connection), DebugRecord.Direction.TO_CALENDLY),
    )
    try:
        kind = client.get_bookable_type(event_type)
    except errors.NotFound as missing:
        raise Unfit("Calendly has no such event type any more. Choose another.") from missing
    if not kind.is_active:
        raise Unfit(f"The event type “{kind.name}” is switched off in Calendly, so nobody could book with a link.")
    return kind, pace.per_minute or USUAL


def need_attribute(connection: Connection, name: str) -> bool:
    """Return whether Brevo lacks an attribute, as read just now; raise Unfit for one that links can't be written to."""
    account = connection.brevo_account
    client = connections.brevo_client(account)
    read = partial(catalogue.refresh_attributes, account, client)
    accounts.call(account, "contacts", read, renew=_nothing, patience=accounts.TURN)
    is_name = not mapping_check.attribute_error(name) and not name[0].isdigit()
    if not is_name or len(name) > new_attributes.LONGEST_NAME or name in (*NAMES, *setup.BUILT_IN):
        raise Unfit(f"“{name}” can't hold links. Choose a text attribute, or a new name such as BOOKING_LINK.")
    if connection.field_mappings.filter(attribute=name).exists():
        raise Unfit(f"The mapping of fields writes {name} already, and would overwrite the links. Choose another.")
    found = account.attributes.filter(name=name).first()
    if found and found.kind != "text":
        raise Unfit(f"{name} is of the type {found.kind} in Brevo; links need one of the type text. Choose another.")
    return found is None


def make_attribute(connection: Connection, name: str) -> None:
    """Make the attribute in Brevo; one that is there already is as good. Raises Unfit when Brevo refuses."""
    for outcome in new_attributes.create_each(connection, [(name, "text")]):
        if outcome.refusal:
            raise Unfit(f"The attribute {name} can't be made. {outcome.refusal}")


def find_list(account: BrevoAccount, text: str) -> BrevoList:
    """Return a list by its number or name, as Brevo has them now; raise Unfit with those that there are."""
    client = connections.brevo_client(account)
    read = partial(catalogue.refresh_lists, account, client)
    accounts.call(account, "contacts", read, renew=_nothing, patience=accounts.TURN)
    wanted = text.strip().casefold()
    rows = list(account.lists.order_by("name"))
    found = [row for row in rows if str(row.number) == wanted] or [row for row in rows if row.name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    problem = f"Several lists are called {text!r}: name one by its number" if found else f"Brevo has no list {text!r}"
    raise Unfit(f"{problem}. There are: {', '.join(map(str, rows)) or 'none'}.")


def _nothing() -> None:
    """Renew no job: none is held while somebody looks."""
