"""The receiver is away for thirty hours, Calendly gives up and switches our subscription off; nobody is lost."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.models import (
    Booking,
    Connection,
    Job,
    Notice,
    RateLimit,
    Schedule,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import schedule, subscription
from sandbox.calendly_bookings import BookingError
from tests.journeys.listener import Listener
from tests.journeys.oracle import Oracle
from tests.journeys.river import River
from tests.journeys.test_histories import ReadyRiver

HOURS = 30
HOUR = timedelta(hours=1)
REPEATING = set(tasks.SCHEDULES)


class Outage:
    """An installation with a real receiver, and people who book, move and cancel whether it listens or not."""

    def __init__(self, river: River, settings: Settings, clock: time_machine.Traveller) -> None:
        self.listener = Listener()
        settings.PUBLIC_URL = self.listener.url
        settings.NOTICE_EMAILS = ["staff@example.com"]
        self.river, self.clock, self.oracle = ReadyRiver(river), clock, Oracle()
        self.chance = random.Random(30)
        self.open: list[str] = []
        river.calendly.state.subscriptions.clear()  # the river's own posts to nobody
        subscription.subscribe(Connection.objects.get())
        schedule.install(tasks.SCHEDULES)
        river.calendly.deliveries.mode = "auto"
        mail.outbox.clear()

    # -- What people do ---------------------------------------------------------------------------------------------

    def live(self, number: int) -> None:
        """Let one person book, and others change their minds."""
        self.book(f"person{number}@example.com")
        self._change(self.river.calendly.move)
        self._change(self.river.calendly.cancel)

    def book(self, email: str) -> None:
        """Book a meeting within the next days."""
        start = (timezone.now() + self.chance.randint(1, 90) * HOUR).replace(microsecond=0)
        kind = self.chance.choice(["Discovery call", "Group demo"])
        try:
            uri = self.river.calendly.book(event_type=kind, email=email, name="Any Body", start_time=start)
        except BookingError:
            return
        self.open.append(uri)

    def _change(self, do: Any) -> None:
        coming = [uri for uri in self.open if self._starts(uri) > timezone.now()]
        if not coming or self.chance.random() < 0.4:
            return
        uri = self.chance.choice(coming)
        self.open.remove(uri)
        new = do(uri)
        if new != uri:
            self.open.append(new)

    def _starts(self, uri: str) -> datetime:
        meeting = self.river.calendly.event(self.river.calendly.invitee(uri)["event"])
        return datetime.fromisoformat(meeting["start_time"])

    # -- Time, and what the app does -----------------------------------------------------------------------------------

    def pass_hours(self, hours: float) -> None:
        """Let time pass; Calendly tries what is due, again and again."""
        self.clock.shift(hours * HOUR)
        self.river.sandbox.world.clock.advance(0)
        assert self.river.calendly.deliveries.settle(30)

    def work(self) -> None:
        """Do all work until nothing waits."""
        for _ in range(60):
            self.river.work()
            jobs = Job.objects.exclude(kind__in=REPEATING)
            if not jobs.exists() and not SyncLogEntry.objects.filter(state__in=["waiting", "sending"]).exists():
                return
            RateLimit.objects.update(free_at=0, blocked_until=0)
            self.river.hurry()
        raise AssertionError(f"the work doesn't end: {list(jobs.values('kind', 'last_error'))}")

    def watch(self) -> None:
        """Let the next check of the subscription come, and do all work."""
        self.pass_hours(0.3)
        self.work()

    def hear_deliveries(self) -> None:
        """Tell the oracle what has been delivered, in the order in which it came."""
        for delivery in WebhookDelivery.objects.order_by("pk"):
            body = json.loads(bytes(delivery.body))
            self.oracle.hear(body["payload"], body["payload"]["scheduled_event"], body["created_at"])

    def hear_truth(self) -> None:
        """Tell the oracle how everything stands at Calendly."""
        for invitee in sorted(self.river.calendly.state.invitees.values(), key=lambda row: str(row["created_at"])):
            meeting = self.river.calendly.event(invitee["event"])
            self.oracle.hear(invitee, meeting, timezone.now().isoformat())
        self.oracle.pass_time(timezone.now())

    # -- What must be true ---------------------------------------------------------------------------------------------

    def everybody_is_right(self) -> None:
        """Compare ledger, contacts and events with the oracle."""
        self.ledger_and_contacts_are_right()
        assert self.sent() == sorted((uri, name) for uri, name, _ in self.oracle.events)

    def ledger_and_contacts_are_right(self) -> None:
        """Compare what is known of everybody, here and in Brevo, with the oracle."""
        ledger = {row.uri: (row.status, row.moves) for row in Booking.objects.all()}
        assert ledger == {uri: (self.oracle.status(uri), self.oracle.moves(uri)) for uri in self.oracle.rows}
        for email in self.oracle.emails():
            wanted = self.oracle.contact(email, timezone.now())
            contact = self.river.contact(email)
            lists = {name for name, number in self.river.lists.items() if number in contact["listIds"]}
            shown = {name: contact["attributes"].get(name) for name in wanted if name != "lists"}
            assert shown | {"lists": lists} == wanted

    def sent(self) -> list[tuple[str, str]]:
        """Return the automation events that reached Brevo: booking and name, sorted."""
        events = [(each["event_properties"]["booking_id"], each["event_name"]) for each in self.river.brevo.events()]
        return sorted((uri, name.removeprefix("calendly_meeting_")) for uri, name in events)

    @property
    def states(self) -> list[str]:
        """Return the states of the subscriptions at Calendly."""
        return [str(row["state"]) for row in self.river.calendly.subscriptions()]


@pytest.fixture
def outage(river: River, settings: Settings) -> Iterator[Outage]:
    """Return an installation with a real receiver and twelve known people, on a clock that the test moves."""
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=True) as clock:
        outage = Outage(river, settings, clock)
        for number in range(12):
            outage.live(number)
        assert river.calendly.deliveries.settle(30)
        outage.work()
        outage.hear_deliveries()
        outage.everybody_is_right()
        yield outage
        river.calendly.deliveries.mode = "hold"
        outage.listener.switch_off()


def _subjects() -> list[str]:
    return [str(message.subject) for message in mail.outbox]


def test_thirty_hours_without_a_receiver_lose_nobody_and_double_nobody(outage: Outage) -> None:
    outage.listener.switch_off()
    for hour in range(HOURS):
        outage.live(100 + hour)
        outage.pass_hours(1)
    assert outage.states == ["disabled"]

    outage.listener.switch_on()
    outage.watch()
    outage.watch()

    outage.hear_truth()
    outage.everybody_is_right()
    assert outage.states == ["active"]
    assert _subjects() == [
        "[Calendly → Brevo] Calendly → Brevo: the webhook subscription broke",
        "[Calendly → Brevo] Recovered: Calendly → Brevo: the webhook subscription broke",
    ]
    assert "was made again" in mail.outbox[0].body
    assert "were news" in mail.outbox[1].body


def test_after_the_outage_webhooks_come_in_again_and_nothing_more_is_said(outage: Outage) -> None:
    outage.listener.switch_off()
    for hour in range(HOURS):
        outage.live(100 + hour)
        outage.pass_hours(1)
    outage.listener.switch_on()
    outage.watch()
    outage.watch()
    outage.hear_truth()

    for hour in range(6):
        outage.live(200 + hour)
        outage.pass_hours(0.5)
        outage.work()

    outage.hear_deliveries()
    outage.oracle.pass_time(timezone.now())
    outage.everybody_is_right()
    assert len(_subjects()) == 2
    assert not Notice.objects.filter(is_open=True).exists()


def test_staff_hear_twice_too_while_the_worker_goes_on_without_a_receiver(outage: Outage) -> None:
    outage.listener.switch_off()
    for hour in range(HOURS):
        outage.live(100 + hour)
        outage.pass_hours(1)
        outage.work()
    outage.listener.switch_on()
    for _ in range(20):
        outage.pass_hours(1)
        outage.work()

    outage.hear_truth()
    outage.ledger_and_contacts_are_right()
    assert len(outage.sent()) == len(set(outage.sent()))
    assert {uri for uri, _ in outage.sent()} >= {uri for uri, _, _ in outage.oracle.events}
    assert outage.states == ["active"]
    assert _subjects() == [
        "[Calendly → Brevo] Calendly → Brevo: Calendly can't deliver",
        "[Calendly → Brevo] Recovered: Calendly → Brevo: Calendly can't deliver",
    ]
    assert "disabled" not in Schedule.objects.get(name="watch").last_result
