"""Random lives of several people, told in random order with duplicates, losses and faults, always end right.

HISTORIES says how many (default 500, in four shards for two cores), HISTORIES_SEED repeats a run.
"""

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from calendly_connector import tasks
from calendly_connector.models import (
    Booking,
    BulkImport,
    FieldMapping,
    Job,
    Person,
    RateLimit,
    Schedule,
    StatusChange,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import catalogue, schedule, sync
from calendly_connector.services import connection as connections
from sandbox.calendly_bookings import BookingError
from sandbox.calendly_webhooks import Delivery
from sandbox.world import Fault
from tests.journeys.oracle import Oracle
from tests.journeys.river import River

SHARDS = 4
HISTORIES = int(os.environ.get("HISTORIES") or 500)
SEED = int(os.environ.get("HISTORIES_SEED") or random.randrange(10**9))
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PEOPLE = [f"{name}@example.com" for name in ("ada", "bob", "cleo")]
FAULTS = [
    {"kind": "status", "status": 429, "headers": {"x-sib-ratelimit-reset": "1"}},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 425},
    {"kind": "reset"},
    {"kind": "commit_then_reset"},
]
ROLL_UPS = {"BOOKINGS": "bookings", "NO_SHOWS": "no_shows", "MOVES": "moves"}

people = st.sampled_from(PEOPLE)
numbers = st.integers(0, 10**6)


class ReadyRiver(River):
    """A river prepared once, and brought back to that state for each history."""

    def __init__(self, river: River) -> None:
        self.__dict__.update(river.__dict__)
        for attribute, source in ROLL_UPS.items():
            self.brevo.add_attribute(attribute, "float")
            FieldMapping.objects.create(connection=self.connection, attribute=attribute, source=source)
        self.lists = {name: self.brevo.add_list(name) for name in ("bookers", "canceled", "no-shows")}
        self.map_lists("booked", join=[self.lists["bookers"]])
        self.map_lists("rescheduled", join=[self.lists["bookers"]])
        self.map_lists("canceled", join=[self.lists["canceled"]])
        self.map_lists("no_show", join=[self.lists["no-shows"]])
        catalogue.refresh_attributes(self.account, connections.brevo_client(self.account))
        schedule.install({name: tasks.SCHEDULES[name] for name in ("sweep", "clock")})
        self._prepared = self.sandbox.snapshot()

    def start_again(self) -> None:
        """Forget everybody on all three sides; keep accounts, lists, attributes, mapping and subscription."""
        self.sandbox.reset()
        self.sandbox.restore(self._prepared)
        self.calendly.deliveries.mode = "hold"
        with connection.cursor() as cursor:
            for model in (StatusChange, SyncLogEntry, WebhookDelivery, Booking, Person, BulkImport, Job):
                cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - our own names
        Schedule.objects.update(next_run_at=timezone.now())
        self.open_limits()


class Histories(RuleBasedStateMachine):
    """Calendly lives on, its deliveries arrive in any way, and the app has to keep up."""

    river: ClassVar[ReadyRiver]

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.open: list[str] = []  # active invitees at Calendly
        self.mail: list[Delivery] = []
        self.traveller = time_machine.travel(START, tick=True)
        self.traveller.start()
        self.river.start_again()

    # -- What people do at Calendly -------------------------------------------------------------------------------

    @rule(email=people, hours=st.integers(1, 72))
    def book(self, email: str, hours: int) -> None:
        """Book a meeting of one's own."""
        start = (timezone.now() + timedelta(hours=hours)).replace(microsecond=0)
        self._note(
            self.river.calendly.book(event_type="Discovery call", email=email, name="Any Body", start_time=start)
        )

    @rule(email=people, days=st.integers(1, 3))
    def book_group(self, email: str, days: int) -> None:
        """Take a place in a group event."""
        start = (timezone.now() + timedelta(days=days)).replace(hour=10, minute=0, second=0, microsecond=0)
        self._note(self.river.calendly.book(event_type="Group demo", email=email, name="Any Body", start_time=start))

    @precondition(lambda self: self.open)
    @rule(number=numbers, hours=st.integers(1, 72), by=st.sampled_from(["invitee", "host"]))
    def move(self, number: int, hours: int, by: Any) -> None:
        """Move a meeting to another time (at most three times in a chain)."""
        uri = self.open[number % len(self.open)]
        if self._depth(uri) >= 3:
            return
        start = (timezone.now() + timedelta(hours=hours, minutes=1)).replace(microsecond=0)
        try:
            self._note(self.river.calendly.move(uri, start_time=start, by=by))
        except BookingError:
            return  # the group event at that time is full, or it is the same slot
        self.open.remove(uri)

    @precondition(lambda self: self.open)
    @rule(number=numbers, by=st.sampled_from(["invitee", "host"]))
    def cancel(self, number: int, by: Any) -> None:
        """Cancel one's own place."""
        self.river.calendly.cancel(self.open.pop(number % len(self.open)), by=by, reason="Changed plans")
        self._collect()

    @precondition(lambda self: self.open)
    @rule(number=numbers)
    def mark_or_unmark(self, number: int) -> None:
        """Mark a no-show, or take the mark back."""
        uri = self.open[number % len(self.open)]
        if self.river.calendly.invitee(uri)["no_show"]:
            self.river.calendly.undo_no_show(uri)
        else:
            self.river.calendly.mark_no_show(uri)
        self._collect()

    # -- How it reaches us ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.mail)
    @rule(order=st.randoms(use_true_random=False), share=st.floats(0.3, 1), duplicates=st.integers(0, 2))
    def deliver(self, order: random.Random, share: float, duplicates: int) -> None:
        """Deliver some of the mail in any order, some of it twice or more."""
        chosen = order.sample(self.mail, max(1, int(len(self.mail) * share)))
        again = [order.choice(chosen) for _ in range(duplicates)]
        for delivery in chosen + again:
            assert self.river.post(delivery) == 200
        for delivery in chosen:
            self.mail.remove(delivery)
            body = json.loads(delivery.body)
            self.oracle.hear(body["payload"], body["payload"]["scheduled_event"], body["created_at"])
        self.work()

    @precondition(lambda self: self.mail)
    @rule(number=numbers)
    def lose(self, number: int) -> None:
        """Lose a delivery for good."""
        self.mail.pop(number % len(self.mail))

    @rule(fault=st.sampled_from(FAULTS), path=st.sampled_from(["/contacts", "/events"]), skip=st.integers(0, 2))
    def break_something(self, fault: Any, path: str, skip: int) -> None:
        """Let one of Brevo's next answers go wrong."""
        self.river.sandbox.world.faults.add(Fault(provider="brevo", method="POST", path=path, skip=skip, **fault))

    @rule(hours=st.integers(1, 60))
    def pass_time(self, hours: int) -> None:
        """Let hours go by."""
        self.work()
        later = timezone.now() + timedelta(hours=hours)
        self.traveller.stop()
        self.traveller = time_machine.travel(later, tick=True)
        self.traveller.start()
        self.work()
        self.oracle.pass_time(timezone.now())
        self.work()

    # -- What must be true ----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Repair what was lost by a re-read, then compare everything."""
        try:
            self.river.sandbox.world.faults.clear()
            self.work()
            self._reread()
            self.work()
            self._compare()
        finally:
            self.traveller.stop()
            self.river.calendly.deliveries.mode = "hold"

    def work(self) -> None:
        """Do all work, hurrying what waits, until nothing is left to do."""
        for _ in range(60):
            self.river.work()
            waiting = SyncLogEntry.objects.filter(state__in=["waiting", "sending", "unknown"])
            jobs = Job.objects.exclude(kind__in=["sweep", "clock", "prune"])
            if not waiting.exists() and not jobs.exists():
                break
            SyncLogEntry.objects.filter(state="unknown").update(sent_at=timezone.now() - timedelta(minutes=10))
            RateLimit.objects.update(free_at=0, blocked_until=0)
            self.river.hurry()
        else:
            raise AssertionError(f"the work doesn't end: {list(jobs.values('kind', 'last_error'))}")
        while lost := self.oracle.lost_halves():
            for uri in lost:
                self._hear_truth(uri)

    def _reread(self) -> None:
        for uri in list(self.river.calendly.state.invitees):
            sync.fetch(self.river.connection, uri)
            self._hear_truth(uri)

    def _hear_truth(self, uri: str) -> None:
        invitee = self.river.calendly.invitee(uri)
        meeting = self.river.calendly.event(invitee["event"])
        self.oracle.hear(invitee, meeting, timezone.now().isoformat())

    def _compare(self) -> None:
        ledger = {row.uri: (row.status, row.moves) for row in Booking.objects.all()}
        assert ledger == {uri: (self.oracle.status(uri), self.oracle.moves(uri)) for uri in self.oracle.rows}
        sent = [self._event(event) for event in self.river.brevo.events()]
        assert sorted(sent) == sorted((uri, name) for uri, name, _ in self.oracle.events)
        moved = {uri for uri in self.oracle.rows if self.oracle.status(uri) == "rescheduled"}
        assert not [event for event in sent if event[0] in moved and event[1] == "canceled"]
        for email in self.oracle.emails():
            self._compare_contact(email)

    def _compare_contact(self, email: str) -> None:
        wanted = self.oracle.contact(email, timezone.now())
        contact = self.river.contact(email)
        lists = {name for name, number in self.river.lists.items() if number in contact["listIds"]}
        shown = {name: contact["attributes"].get(name) for name in wanted if name != "lists"}
        assert shown | {"lists": lists} == wanted

    @staticmethod
    def _event(event: Any) -> tuple[str, str]:
        return event["event_properties"]["booking_id"], event["event_name"].removeprefix("calendly_meeting_")

    def _note(self, uri: str) -> None:
        self.open.append(uri)
        self._collect()

    def _collect(self) -> None:
        for delivery in self.river.pending():
            self.mail.append(delivery)
            self.river.calendly.deliveries.drop(delivery)

    def _depth(self, uri: str) -> int:
        old = self.river.calendly.invitee(uri)["old_invitee"]
        return 1 + self._depth(old) if old else 0


@contextmanager
def seed_named_on_failure(number: int) -> Iterator[None]:
    """Add to a failure what repeats it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Repeat with HISTORIES={HISTORIES} HISTORIES_SEED={SEED} (this shard's seed: {number})")
        raise


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_history_ends_in_the_right_ledger_contacts_and_events(river: River, shard: int) -> None:
    Histories.river = ReadyRiver(river)
    chosen = settings(
        max_examples=max(1, HISTORIES // SHARDS),
        stateful_step_count=20,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )

    with seed_named_on_failure(SEED + shard):
        run_state_machine_as_test(seed(SEED + shard)(Histories), settings=chosen)
