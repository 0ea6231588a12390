"""A subscription that looks after itself: every way in which it breaks, and every way back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.models import Booking, BrevoAccount, Connection, Job, Person, Reading, WebhookDelivery
from calendly_connector.services import clock, subscription, watch
from calendly_connector.services.subscription import LoopBack
from tests.journeys.river import River

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def now(installation: River) -> Iterator[time_machine.Traveller]:
    """Move time by hand, on from a Monday morning."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def river(
    installation: River, settings: Settings, now: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> River:
    """Return a subscribed installation, made three days ago, which can be reached."""
    settings.NOTICE_EMAILS = ["staff@example.com"]
    installation.connect()
    Connection.objects.update(created_at=START - 3 * DAY)
    be_reached(monkeypatch, True)
    return installation


def be_reached(monkeypatch: pytest.MonkeyPatch, is_reached: bool) -> None:
    """Say how the loop-back test ends."""
    words = "It arrived." if is_reached else "Nobody listens."
    found = LoopBack(is_reached=is_reached, words=words)
    monkeypatch.setattr(subscription, "test_loop_back", lambda connection: found)


def look(river: River) -> str:
    """Check the subscription as the schedule does, and do the work that follows."""
    words = watch.watch(Connection.objects.select_related("brevo_account").get(pk=river.connection.pk))
    river.work()
    return words


def change(river: River, **changes: Any) -> None:
    """Change the only subscription at Calendly."""
    ((uri, row),) = river.calendly.state.subscriptions.items()
    river.calendly.state.subscriptions[uri] = {**row, **changes}


def stamp(moment: datetime) -> str:
    """Return a moment as Calendly writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def told() -> list[str]:
    """Return the subjects of what staff were told, without what they all begin with."""
    return [message.subject.removeprefix("[Calendly → Brevo] ") for message in mail.outbox]


def receive(river: River, email: str = "ada@example.com") -> None:
    """Let a delivery come in."""
    river.calendly.book(email=email)
    river.flow()


def connection() -> Connection:
    """Return the connection as it is now."""
    return Connection.objects.get()


BROKE, FAILING = "Calendly → Brevo: the webhook subscription broke", "Calendly → Brevo: Calendly can't deliver"


def test_a_healthy_subscription_is_noted_and_left_alone(river: River) -> None:
    assert look(river) == "active."

    assert connection().subscription_state == "active"
    assert connection().subscription_checked_at == START
    assert told() == []
    assert not Reading.objects.exists()


def test_calendlys_trouble_is_told_while_it_still_tries(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    be_reached(monkeypatch, False)
    change(river, retry_started_at=stamp(START - HOUR))

    look(river)
    look(river)

    assert told() == [FAILING]
    assert "can't deliver since 2026-11-23 07:00 UTC" in mail.outbox[0].body
    assert "Nobody listens." in mail.outbox[0].body
    assert connection().retry_started_at == START - HOUR
    assert connection().reread_since == START - 2 * HOUR
    assert not Reading.objects.exists()


def test_when_we_are_reached_again_calendlys_next_try_is_not_waited_for(river: River) -> None:
    river.calendly.book(email="ada@example.com")
    change(river, retry_started_at=stamp(START))

    look(river)
    look(river)

    assert Booking.objects.count() == 1
    assert Reading.objects.count() == 1


def test_a_delivery_after_the_trouble_ends_it(
    river: River, now: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_reached(monkeypatch, False)
    change(river, retry_started_at=stamp(START - HOUR))
    look(river)
    now.shift(HOUR)

    receive(river)
    look(river)
    look(river)

    assert told() == [FAILING, f"Recovered: {FAILING}"]
    assert connection().retry_started_at is None
    assert connection().reread_since is None
    assert Reading.objects.count() == 1


def test_a_disabled_subscription_is_made_again_and_the_gap_is_read(river: River, now: time_machine.Traveller) -> None:
    look(river)
    old = connection().subscription
    now.shift(26 * HOUR)
    river.calendly.book(email="ada@example.com")
    change(river, state="disabled", retry_started_at=stamp(START + HOUR))

    words = look(river)
    now.shift(900)
    look(river)

    assert "was made again" in words
    assert [row["state"] for row in river.calendly.subscriptions()] == ["active"]
    assert connection().subscription != old
    assert Reading.objects.get().since == START - HOUR  # the last good check, less the margin
    assert Booking.objects.count() == 1
    assert told() == [BROKE, f"Recovered: {BROKE}"]
    assert "1 bookings were news" in mail.outbox[1].body


def test_a_deleted_subscription_is_made_again(river: River, now: time_machine.Traveller) -> None:
    look(river)
    river.calendly.state.subscriptions.clear()
    now.shift(HOUR)

    words = look(river)
    now.shift(900)
    look(river)

    assert "was deleted" in words
    assert len(river.calendly.subscriptions()) == 1
    assert told() == [BROKE, f"Recovered: {BROKE}"]


def test_it_is_over_only_when_something_comes_through(
    river: River, now: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_reached(monkeypatch, False)
    change(river, state="disabled")
    look(river)

    assert "nothing has come through yet" in look(river)
    assert told() == [BROKE]

    now.shift(60)
    receive(river)
    look(river)
    assert told() == [BROKE, f"Recovered: {BROKE}"]


def test_the_gap_survives_a_refusal_between_deleting_and_making_anew(river: River, now: time_machine.Traveller) -> None:
    look(river)
    now.shift(30 * HOUR)
    change(river, state="disabled", retry_started_at=stamp(START + HOUR))
    river.break_calendly("status", "/webhook_subscriptions", method="POST", status=500)

    words = look(river)
    assert words.startswith("Failed: ")
    assert "can't be made again" in mail.outbox[0].body
    assert river.calendly.subscriptions() == []
    now.shift(HOUR)
    look(river)

    assert len(river.calendly.subscriptions()) == 1
    assert Reading.objects.get().since == START - HOUR
    now.shift(900)
    look(river)
    assert told() == [BROKE, f"Recovered: {BROKE}"]


def test_a_gap_never_reaches_back_before_the_connection(river: River) -> None:
    Connection.objects.update(created_at=START - HOUR, subscription_checked_at=START - 9 * DAY)
    change(river, state="disabled")

    look(river)

    assert Reading.objects.get().since == START - HOUR


def test_trouble_that_came_and_went_while_we_slept_has_its_gap_read_silently(
    river: River, now: time_machine.Traveller
) -> None:
    look(river)
    now.shift(20 * HOUR)
    receive(river)
    change(river, retry_started_at=stamp(START + 10 * HOUR))

    look(river)

    assert Reading.objects.get().since == START - HOUR
    assert told() == []


def test_a_subscription_that_posts_elsewhere_is_pointed_out_and_never_touched(river: River) -> None:
    change(river, callback_url="https://other.example.com/webhooks/calendly")
    before = river.calendly.subscriptions()

    look(river)
    words = look(river)

    assert "https://other.example.com/webhooks/calendly" in words
    assert river.calendly.subscriptions() == before
    assert told() == ["Calendly → Brevo: webhooks go to another address"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 500}, "tried again"),
        ({"kind": "status", "status": 429}, "tried again"),
        ({"kind": "reset"}, "tried again"),
        ({"kind": "status", "status": 403, "body": {"message": "You do not have permission"}}, "role"),
    ],
)
def test_what_calendly_refuses_is_words(river: River, fault: dict[str, Any], words: str) -> None:
    river.break_calendly(path="/webhook_subscriptions/{uuid}", **fault)

    said = watch.watch_all()

    assert "Failed: " in said
    assert words in said
    assert told() == []


def test_one_connections_trouble_does_not_stop_the_others(river: River) -> None:
    account = BrevoAccount.objects.get()
    Connection.objects.create(name="Broken", brevo_account=account, subscription="https://api.calendly.com/x/1")
    Connection.objects.create(name="New", brevo_account=account)
    Connection.objects.create(
        name="Lost", brevo_account=account, subscription="x", state="reconnect", state_reason="R."
    )
    Connection.objects.create(name="Off", brevo_account=account, is_active=False)

    lines = dict(line.split(": ", 1) for line in watch.watch_all().splitlines())

    assert lines["Calendly → Brevo"] == "active."
    assert lines["Broken"].startswith("Failed: ")
    assert lines["New"] == "not subscribed."
    assert lines["Lost"] == "R."
    assert "Off" not in lines


def test_without_any_connection_there_is_nothing_to_watch(db: None) -> None:
    assert watch.watch_all() == "No connection receives webhooks."


# -- Nobody counts as attended for lack of news -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({}, 1),
        ({"subscription_checked_at": START - HOUR}, 1),
        ({"subscription_checked_at": START - 3 * HOUR}, 0),
        ({"reread_since": START - DAY}, 0),
    ],
    ids=["never checked", "just checked", "checked long ago", "being read again"],
)
def test_attendance_waits_until_nothing_can_be_missing(river: River, changes: dict[str, Any], due: int) -> None:
    Person.objects.create(connection=river.connection, email="ada@example.com", clock_at=START - HOUR)
    Connection.objects.update(**changes)

    clock.find_due()

    assert Job.objects.filter(kind=clock.TURN).count() == due


# -- Silence ----------------------------------------------------------------------------------------------------------


def _habits(river: River, until: datetime) -> None:
    """Let deliveries have come in every office hour of four weeks."""
    hours = (until - 28 * DAY + step * HOUR for step in range(28 * 24))
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            connection=river.connection,
            digest=at.isoformat().encode()[:32],
            body=b"{}",
            received_at=at,
            state="processed",
        )
        for at in hours
        if at.weekday() < 5 and 9 <= at.hour < 17
    )


def test_an_unusual_silence_is_told_once_and_ends_with_the_next_delivery(
    river: River, now: time_machine.Traveller
) -> None:
    _habits(river, until=START)
    now.shift(2 * DAY)

    words = look(river)
    look(river)
    assert "Unusually quiet" in words
    assert connection().is_silent
    assert told() == ["Calendly → Brevo: unusually quiet"]
    assert Reading.objects.count() == 1
    assert Reading.objects.get().since <= timezone.now() - DAY

    now.shift(60)
    receive(river)
    look(river)
    assert not connection().is_silent
    assert told() == ["Calendly → Brevo: unusually quiet", "Recovered: Calendly → Brevo: unusually quiet"]


def test_a_silence_is_not_over_because_habits_are_forgotten(river: River, now: time_machine.Traveller) -> None:
    _habits(river, until=START)
    now.shift(2 * DAY)
    look(river)
    now.shift(40 * DAY)

    look(river)

    assert connection().is_silent
    assert len(told()) == 1


def test_a_new_installation_is_never_silent(river: River, now: time_machine.Traveller) -> None:
    receive(river)
    now.shift(20 * DAY)

    look(river)

    assert not connection().is_silent
    assert told() == []


def test_every_piece_of_repeating_work_that_staying_connected_needs_is_there() -> None:
    assert {"refresh_tokens", "watch", "catalogues", "clock", "notices", "sweep", "prune"} <= tasks.SCHEDULES.keys()
    assert tasks.SCHEDULES["watch"] == 900
