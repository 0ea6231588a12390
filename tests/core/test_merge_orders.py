"""Whatever order deliveries arrive in, and however often: the same ledger, the same contact, each event at most once.

Every order is played, from the empty ledger, one delivery at a time; orders that begin alike share their beginning.
After *every* delivery, not only the last, the ledger must be the one that the same deliveries give in another order,
so that a failure names the shortest beginning that shows it. The core is pure: what it made of one ledger (rows in
the same order) and one delivery is remembered, and played again for the next order without being computed again.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from calendly_connector.core import merge, person
from calendly_connector.core.booking import Status
from calendly_connector.core.decide import ContactDecision, decide_contact
from calendly_connector.core.interpret import Seen, interpret_webhook
from calendly_connector.core.lists import JOIN
from calendly_connector.core.merge import Happening
from calendly_connector.core.person import Summary
from calendly_connector.core.rules import FieldRule, TriggerRule
from calendly_connector.core.trigger import Trigger
from tests import payload_files
from tests.core import ledger
from tests.core.ledger import Entries
from tests.factories import ATTRIBUTES, make_rules

NOW = datetime(2026, 12, 3, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=24)
BOOKED, MOVED, CANCELED, MISSED, EXCUSED, ATTENDED = 10, 20, 30, 40, 50, 60

RULES = make_rules(
    grid={
        ("", Trigger.BOOKED): TriggerRule(join_lists=(BOOKED,), leave_lists=(CANCELED,)),
        ("", Trigger.RESCHEDULED): TriggerRule(join_lists=(MOVED,), leave_lists=(BOOKED, CANCELED)),
        ("", Trigger.CANCELED): TriggerRule(join_lists=(CANCELED,), leave_lists=(BOOKED, MOVED)),
        ("", Trigger.NO_SHOW): TriggerRule(join_lists=(MISSED,), leave_lists=(BOOKED, EXCUSED)),
        ("", Trigger.NO_SHOW_UNDONE): TriggerRule(join_lists=(EXCUSED,), leave_lists=(MISSED,)),
        ("", Trigger.ATTENDED): TriggerRule(join_lists=(ATTENDED,)),
    },
    fields=(
        FieldRule(source="first_name", attribute="FIRSTNAME"),
        FieldRule(source="answer:company", attribute="COMPANY"),
        FieldRule(source="meeting_date", attribute="MEETING_DATE"),
        FieldRule(source="status", attribute="BOOKING_STATUS"),
        FieldRule(source="bookings", attribute="MEETINGS_BOOKED"),
    ),
    attributes={**ATTRIBUTES, "BOOKING_STATUS": replace(ATTRIBUTES["BOOKING_STATUS"], kind="text")},
    grace=GRACE,
)


def delivery(name: str) -> Seen:
    seen = interpret_webhook(payload_files.load(name))
    assert isinstance(seen, Seen)
    return seen


def marked_again() -> Seen:
    """Return a second mark, an hour after the first was withdrawn: no file tells that."""
    first = delivery("invitee_no_show.created__marked")
    later = datetime(2026, 12, 3, 11, 2, 44, tzinfo=UTC)
    invitee = replace(first.booking.invitee, no_show_uri="https://marks/2", updated_at=later, taken_at=later)
    return Seen(booking=replace(first.booking, invitee=invitee))


CHAIN = {
    name: delivery(name)
    for name in (
        "invitee.created__chain_0_created",
        "invitee.canceled__chain_1_old_canceled",
        "invitee.created__chain_1_new_created",
        "invitee.canceled__chain_2_old_canceled",
        "invitee.created__chain_2_new_created",
        "invitee.canceled__chain_3_old_canceled",
        "invitee.created__chain_3_new_created",
        "invitee.canceled__chain_4_final_cancel",
    )
}
STORIES: dict[str, dict[str, Seen]] = {
    "three moves and a cancel": CHAIN,
    "a move": {
        name: delivery(name)
        for name in (
            "invitee.created__discovery_call",
            "invitee.canceled__reschedule_old_half",
            "invitee.created__reschedule_new_half",
        )
    },
    "booked and canceled": {
        name: delivery(name) for name in ("invitee.created__discovery_call", "invitee.canceled__by_invitee")
    },
    "marked, excused, marked again": {
        "booked": delivery("invitee.created__discovery_call"),
        "marked": delivery("invitee_no_show.created__marked"),
        "excused": delivery("invitee_no_show.deleted__no_show_null"),
        "marked again": marked_again(),
    },
    "a group of two, one leaves, then the host cancels": {
        name: delivery(name)
        for name in (
            "invitee.created__group_nadia",
            "invitee.created__group_jonas",
            "invitee.canceled__group_jonas_leaves",
            "invitee.canceled__group_whole_event_nadia",
        )
    },
    "two bookings of one person, one canceled": {
        name: delivery(name)
        for name in (
            "invitee.created__discovery_call",
            "invitee.created__second_booking",
            "invitee.canceled__second_booking",
        )
    },
    "one missed, one canceled, one moved": {
        name: delivery(name)
        for name in (
            "invitee_no_show.created__marked",
            "invitee_no_show.deleted__no_show_missing",
            "invitee.created__second_booking",
            "invitee.canceled__second_booking",
            "invitee.created__reschedule_new_half",
        )
    },
}
each_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())


Rows = tuple[str, ...]  # invitee URIs in the order of the ledger's rows
Applied = frozenset[tuple[int, str]]  # list operations done so far


@dataclass
class Played:
    """What all orders of a story came to."""

    story: Mapping[str, Seen]
    orders: int = 0
    ledgers: dict[tuple[frozenset[str], Rows], Entries] = field(default_factory=dict)  # by what has arrived
    failures: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._take, self._push = cache(self._merge), cache(self._decide)
        self.ledgers[frozenset(), ()] = {}
        self._play((), frozenset(), (), frozenset(), frozenset())

    @property
    def end(self) -> Entries:
        return next(entries for (arrived, _), entries in self.ledgers.items() if len(arrived) == len(self.story))

    @property
    def shortest_failure(self) -> tuple[tuple[str, ...], str] | None:
        return min(self.failures, key=lambda failure: len(failure[0]), default=None)

    def _play(
        self,
        order: tuple[str, ...],
        arrived: frozenset[str],
        rows: Rows,
        fired: frozenset[tuple[str, str]],
        applied: Applied,
    ) -> None:
        self.orders += len(order) == len(self.story)
        for name in self.story.keys() - arrived:
            order_now, arrived_now = (*order, name), arrived | {name}
            rows_now, new, complaint = self._take(arrived, rows, name)
            if complaint:
                self.failures.append((order_now, complaint))
            if fired.intersection(new):
                self.failures.append((order_now, "the same event twice"))
            applied_now = self._push(arrived_now, rows_now, applied)
            if applied_now is None:
                self.failures.append((order_now, "other lists"))
                continue
            self._play(order_now, arrived_now, rows_now, fired.union(new), applied_now)

    def _merge(self, arrived: frozenset[str], rows: Rows, name: str) -> tuple[Rows, list[tuple[str, str]], str]:
        """Return the ledger's rows after one more delivery, the events it fired and what is wrong with it."""
        entries, happenings = ledger.take(self.ledgers[arrived, rows], self.story[name])
        arrived, rows, complaint = arrived | {name}, tuple(entries), ""
        in_another_order = next((it for (key, _), it in self.ledgers.items() if key == arrived), entries)
        if in_another_order != entries or self.ledgers.setdefault((arrived, rows), entries) != entries:
            complaint = "another ledger"
        elif picture(entries) != picture(in_another_order):
            complaint = "another contact"
        elif any(it.trigger is Trigger.CANCELED and it.entry.status is not Status.CANCELED for it in happenings):
            complaint = "a cancel of what isn't canceled"
        return rows, [(happening.entry.uri, happening.key) for happening in happenings], complaint

    def _decide(self, arrived: frozenset[str], rows: Rows, applied: Applied) -> Applied | None:
        """Return the list operations done after a push, None when they lead to other lists than one push at the end."""
        entries = list(self.ledgers[arrived, rows].values())
        operations = decide_contact(summary_of(entries), entries, rules=RULES, applied=dict(applied)).operations
        is_alike = memberships(operations) == memberships(picture(self.ledgers[arrived, rows]).operations)
        return frozenset(operations.items()) if is_alike else None


def picture(entries: Entries) -> ContactDecision:
    """Return how the contact looks when it is written for the first time with this ledger."""
    rows = list(entries.values())
    return decide_contact(summary_of(rows), rows, rules=RULES, applied={})


def summary_of(entries: list[merge.Entry]) -> Summary:
    summary = person.summarise(entries, now=NOW, grace=GRACE)
    assert summary
    return summary


def memberships(operations: Mapping[int, str]) -> set[int]:
    return {number for number, what in operations.items() if what == JOIN}


@cache
def played(story_name: str) -> Played:
    return Played(STORIES[story_name])


@pytest.mark.parametrize("story_name", STORIES)
def test_every_order_of_a_story_ends_alike_and_fires_each_event_at_most_once(story_name: str) -> None:
    result = played(story_name)

    assert result.shortest_failure is None
    assert result.orders == math.factorial(len(STORIES[story_name]))


@each_story
def test_duplicates_change_nothing_wherever_they_arrive(story: dict[str, Seen]) -> None:
    dice = random.Random(20261203)
    expected, _ = play(list(story), story)

    for _round in range(200):
        order = list(story) * dice.randint(1, 3)
        dice.shuffle(order)
        entries, happenings = play(order, story)

        assert entries == expected, order
        assert len({(it.entry.uri, it.key) for it in happenings}) == len(happenings), order


@each_story
def test_an_immediate_duplicate_fires_nothing(story: dict[str, Seen]) -> None:
    entries: Entries = {}

    for seen in story.values():
        entries, _ = ledger.take(entries, seen)
        again, happenings = ledger.take(entries, seen)

        assert again is entries
        assert happenings == ()


def play(order: list[str], story: Mapping[str, Seen]) -> tuple[Entries, list[Happening]]:
    entries: Entries = {}
    happened: list[Happening] = []
    for name in order:
        entries, happenings = ledger.take(entries, story[name])
        happened += happenings
    return entries, happened


def test_chain_ends_in_three_moved_halves_and_one_canceled_booking() -> None:
    end = [played("three moves and a cancel").end[seen.booking.invitee.uri] for seen in list(CHAIN.values())[::2]]
    uris = [entry.uri for entry in end]

    assert [entry.status for entry in end] == [Status.RESCHEDULED] * 3 + [Status.CANCELED]
    assert [entry.successor for entry in end] == [*uris[1:], ""]
    assert [entry.moves for entry in end] == [0, 1, 2, 3]


def test_chain_in_its_own_order_tells_booked_three_moves_and_one_cancel() -> None:
    _, happened = play(list(CHAIN), CHAIN)

    assert [it.trigger for it in happened] == [
        Trigger.BOOKED,
        Trigger.RESCHEDULED,
        Trigger.RESCHEDULED,
        Trigger.RESCHEDULED,
        Trigger.CANCELED,
    ]


def test_chain_backwards_tells_the_cancel_alone() -> None:
    _, happened = play(list(CHAIN)[::-1], CHAIN)

    assert [it.trigger for it in happened] == [Trigger.CANCELED]


def test_chain_leaves_one_booking_three_moves_one_cancel_on_the_contact() -> None:
    entries = list(played("three moves and a cancel").end.values())

    summary = summary_of(entries)
    decision = decide_contact(summary, entries, rules=RULES, applied={})

    assert (summary.booked, summary.moves, summary.canceled) == (1, 3, 1)
    assert decision.upsert.attributes == {
        "FIRSTNAME": "Lucas",
        "COMPANY": "Atelier Moreau",
        "MEETING_DATE": "2026-12-10",
        "BOOKING_STATUS": "cancelled",
        "MEETINGS_BOOKED": 1,
    }
    assert memberships(decision.operations) == {CANCELED}


def test_marks_in_their_own_order_fire_each_mark_and_each_undo() -> None:
    story = STORIES["marked, excused, marked again"]
    mark = story["marked"].booking.invitee.no_show_uri

    _, happened = play(list(story), story)

    assert [it.key for it in happened] == [
        "booked",
        f"no_show:{mark}",
        f"no_show_undone:{mark}",
        "no_show:https://marks/2",
    ]


def test_group_members_live_their_own_lives() -> None:
    story = STORIES["a group of two, one leaves, then the host cancels"]

    _, happened = play(list(story), story)

    assert [(it.entry.booking.invitee.first_name, str(it.trigger)) for it in happened] == [
        ("Nadia", "booked"),
        ("Jonas", "booked"),
        ("Jonas", "canceled"),
        ("Nadia", "canceled"),
    ]


def test_canceling_one_of_two_bookings_leaves_the_person_booked() -> None:
    entries = list(played("two bookings of one person, one canceled").end.values())
    before_both = datetime(2026, 11, 30, tzinfo=UTC)

    summary = person.summarise(entries, now=before_both, grace=GRACE)
    assert summary
    decision = decide_contact(summary, entries, rules=RULES, applied={})

    assert decision.upsert.attributes["BOOKING_STATUS"] == "booked"
    assert memberships(decision.operations) == {BOOKED}


@pytest.mark.parametrize("position", range(4), ids=lambda number: f"after {number} deliveries")
def test_a_mark_outweighs_attendance_whenever_the_grace_time_ends(position: int) -> None:
    story = STORIES["marked, excused, marked again"]
    order = list(story)
    entries, _ = play(order[: position + 1], story)
    uri = story["booked"].booking.invitee.uri

    after_grace = merge.attend(entries[uri], at=datetime(2026, 12, 4, 9, 30, tzinfo=UTC)).entry
    entries = {uri: after_grace}
    for name in order[position + 1 :]:
        entries, _ = ledger.take(entries, story[name])
    rows = list(entries.values())
    decision = decide_contact(summary_of(rows), rows, rules=RULES, applied={BOOKED: JOIN, ATTENDED: JOIN})

    assert rows[0].status is Status.NO_SHOW
    assert memberships(decision.operations) == {MISSED}
