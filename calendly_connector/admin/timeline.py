"""The story of a person or a booking, block by block: Calendly said → we decided → Brevo answered.

A block is one piece of news: a delivery, something read from Calendly, time that passed, or staff who asked. What we
decided because of it stands beside it. A constant number of queries, however long the story.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import parts
from calendly_connector.admin.booking_parts import TONES as BOOKING_TONES
from calendly_connector.admin.booking_parts import deliveries_about
from calendly_connector.admin.delivery import TONES as DELIVERY_TONES
from calendly_connector.admin.parts import Cell
from calendly_connector.admin.replay import link_of
from calendly_connector.admin.sync_log import badge_of
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    BrevoList,
    Person,
    StatusChange,
    SyncLogEntry,
    WebhookDelivery,
)

NEWEST = 50  # blocks
STEPS, CHANGES, BOOKINGS = 5 * NEWEST, 2 * NEWEST, 200  # read for them
NEAR = timedelta(seconds=2)  # rows of one transaction are that close, and hardly anything else is

Source, State = StatusChange.Source, SyncLogEntry.State
SIDES: Mapping[str, Promise] = {
    Source.WEBHOOK: gettext_lazy("Calendly said"),
    Source.LISTING: gettext_lazy("We read from Calendly"),
    Source.CLOCK: gettext_lazy("Time passed"),
    Source.NEIGHBOUR: gettext_lazy("The other half of a move"),
    Source.STAFF: gettext_lazy("Staff did"),
}
STAFF, NOTICED = gettext_lazy("Staff did"), gettext_lazy("We noticed")


@dataclass
class Block:
    """One piece of news and what it led to. `moments` tell which later rows belong to it."""

    at: datetime
    side: Cell | Promise
    what: Cell = ""
    reason: str = ""
    about: Cell = ""
    booking_id: int | None = None
    badges: list[SafeString] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    @property
    def when(self) -> SafeString:
        """Return how long ago it was."""
        return parts.age(self.at)

    def is_near(self, at: datetime) -> bool:
        """Return whether something of that moment belongs here."""
        return any(abs(moment - at) <= NEAR for moment in (self.at, *self.moments))

    def takes(self, step: SyncLogEntry) -> bool:
        """Return whether a step that no delivery called for belongs here."""
        is_same_booking = self.booking_id == step.booking_id or None in (self.booking_id, step.booking_id)
        return is_same_booking and self.is_near(step.created_at)


def of_person(person: Person, *, is_newest_first: bool = True) -> list[Block]:
    """Return a person's newest blocks."""
    named = person.bookings.order_by("-pk").values_list("uri", "pk", "meeting_name")[:BOOKINGS]
    bookings = {uri: parts.link(Booking, key, name or _("Meeting")) for uri, key, name in named}
    waiting = WebhookDelivery.objects.filter(
        connection=person.connection_id, email=person.email, state=WebhookDelivery.State.STORED
    )
    story = _Story(person.connection.brevo_account, bookings)
    story.add_deliveries(waiting.defer("body", "digest").order_by("-pk")[:NEWEST])
    story.add_deliveries(deliveries_about(person.connection_id, list(bookings), newest=NEWEST))
    story.add_steps_and_changes(
        person.sync_log.all(), StatusChange.objects.filter(booking__person=person), _acts(person)
    )
    return story.told(is_newest_first=is_newest_first)


def of_booking(row: Booking) -> list[Block]:
    """Return a booking's blocks, oldest first."""
    story = _Story(row.connection.brevo_account, {})
    story.add_deliveries(deliveries_about(row.connection_id, [row.uri], newest=NEWEST))
    story.add_steps_and_changes(row.sync_log.all(), StatusChange.objects.filter(booking=row), [])
    return story.told(is_newest_first=False)


class _Story:
    """Gathers rows into blocks."""

    def __init__(self, account: BrevoAccount, bookings: Mapping[str, SafeString]) -> None:
        self.lists = list_names(account.pk)
        self.is_paused = account.is_paused
        self.bookings = bookings
        self.deliveries: dict[int, Block] = {}
        self.others: list[Block] = []  # without a delivery

    def told(self, *, is_newest_first: bool) -> list[Block]:
        """Return the newest blocks in the order asked for."""
        blocks = sorted((*self.deliveries.values(), *self.others), key=lambda block: block.at, reverse=True)[:NEWEST]
        return blocks if is_newest_first else blocks[::-1]

    def add_deliveries(self, rows: Iterable[WebhookDelivery]) -> None:
        """Begin a block for each delivery."""
        for row in rows:
            self._block_of(row)

    def add_steps_and_changes(
        self, steps: QuerySet[SyncLogEntry], changes: QuerySet[StatusChange], acts: Iterable[Block]
    ) -> None:
        """Put steps and changes of status to the news that caused them; where none is known they are their own."""
        self.others += acts
        bodies = ("delivery__body", "delivery__digest")  # which stay in the database
        for change in reversed(changes.select_related("delivery").defer(*bodies).order_by("-pk")[:CHANGES]):
            self._add_change(change)
        for step in reversed(steps.select_related("delivery").defer(*bodies).order_by("-pk")[:STEPS]):
            self._add_step(step)

    def _block_of(self, row: WebhookDelivery) -> Block:
        if row.pk not in self.deliveries:
            state = WebhookDelivery.State(row.state)
            self.deliveries[row.pk] = Block(
                at=row.received_at,
                side=SIDES[Source.WEBHOOK],
                what=parts.link_to(row, row.webhook_name or _("delivery #%(number)s") % {"number": row.pk}),
                reason=parts.said(row.reason),
                about=self.bookings.get(row.booking_uri, ""),
                badges=[parts.badge(row.get_state_display(), DELIVERY_TONES[state])],
                moments=[row.processed_at] if row.processed_at else [],
            )
        return self.deliveries[row.pk]

    def _add_change(self, change: StatusChange) -> None:
        badge = parts.badge(change.get_status_display(), BOOKING_TONES[Booking.Status(change.status)])
        if change.delivery:
            block = self._block_of(change.delivery)
        else:
            told = (*self.deliveries.values(), *self.others) if change.source == Source.NEIGHBOUR else ()
            found = next((each for each in told if each.is_near(change.noted_at)), None)
            block = found or self._begin(change.noted_at, SIDES[change.source], change.booking_id)
        block.badges.append(badge)

    def _add_step(self, step: SyncLogEntry) -> None:
        if step.delivery:
            block = self._block_of(step.delivery)
        else:
            fitting = (each for each in reversed(self.others) if each.takes(step))
            block = next(fitting, None) or self._begin(step.created_at, NOTICED, step.booking_id)
        block.lines.append(self._line(step))
        block.moments += [at for at in (step.created_at, step.settled_at) if at]

    def _begin(self, at: datetime, side: Promise, booking_id: int | None) -> Block:
        self.others.append(Block(at=at, side=side, booking_id=booking_id))
        return self.others[-1]

    def _line(self, step: SyncLogEntry) -> dict[str, object]:
        is_left_out = step.state == State.SKIPPED
        badge = badge_of(step.state, step.cause, is_paused=self.is_paused)
        numbers = [*(step.request.get("lists") or ()), *(step.request.get("leave") or ())]
        return {
            "kind": step.get_kind_display(),
            "what": parts.link_to(step, parts.said(step.summary)),
            "replay": link_of(step.happening),
            "lists": ", ".join(self.lists.get(number, f"#{number}") for number in numbers),
            "is_left_out": is_left_out,
            "badge": badge,
            "when": parts.age(step.settled_at or step.sent_at) if step.settled_at or step.sent_at else "",
            "reason": parts.said(step.reason),
        }


def _acts(person: Person) -> list[Block]:
    """Return what staff did with this person, as blocks."""
    kind = ContentType.objects.get_for_model(Person)
    acts = LogEntry.objects.filter(content_type=kind, object_id=str(person.pk)).select_related("user")
    return [
        Block(at=act.action_time, side=STAFF, what=f"{act.user}: {parts.said(act.get_change_message())}")
        for act in acts.order_by("-pk")[:NEWEST]
    ]


def list_names(account_id: int) -> dict[int, str]:
    """Return every list of a Brevo account as staff know it: number and name."""
    rows = BrevoList.objects.filter(account=account_id).values_list("number", "name")
    return {number: f"#{number} {name}".strip() for number, name in rows}
