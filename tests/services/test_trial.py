"""A preview is sent to a test address for real: never to somebody who booked, and nothing is noted in the ledger."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking, BrevoAccount, EventType, Person, RateLimit, SyncLogEntry
from calendly_connector.services import preview_subject, trial
from calendly_connector.services.preview_subject import MadeUp, Subject
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]  # a connected installation

EMAIL, TEST = "tom@example.com", "anna@company.example"


def real(river: River, trigger: Trigger | None = None) -> Subject:
    river.calendly.book(
        event_type="Discovery call",
        email=EMAIL,
        name="Tom Berg",
        answers={"Company": "Berg", "Mobile number": "+33 6 12 34 56 78"},
    )
    river.flow()
    river.sandbox.world.journal.clear()
    row = Booking.objects.select_related("connection__brevo_account", "person").get()
    return preview_subject.of_booking(row, trigger)


def made_up(river: River, trigger: Trigger = Trigger.NO_SHOW) -> Subject:
    wanted = MadeUp(
        event_type=EventType.objects.get(name="Demo"),
        trigger=trigger,
        name="Anna Test",
        email="nobody@example.com",
        start_at=timezone.now() - timedelta(days=1),
    )
    return preview_subject.made_up(river.connection, wanted)


def outcomes(subject: Subject, address: str = TEST) -> list[tuple[str, bool, str]]:
    sent = trial.send(trial.plan(subject, address))
    return [(each.call.path, each.is_done, each.words) for each in sent]


def test_what_is_planned_arrives_at_the_test_address(river: River) -> None:
    joined, left = river.brevo.add_list("Joined"), river.brevo.add_list("Left")
    river.brevo.add_contact(TEST, list_ids=[left])
    river.map_lists("booked", join=[joined])
    river.map_lists("no_show", leave=[left])

    found = outcomes(made_up(river), f" {TEST.upper()} ")

    assert [(path, is_done) for path, is_done, _ in found] == [
        ("/contacts", True),
        ("/contacts/anna%40company.example?identifierType=email_id", True),
        ("/events", True),
    ]
    contact = river.contact(TEST)
    assert contact["listIds"] == [joined]
    assert contact["attributes"]["BOOKING_STATUS"] == "no_show"
    assert river.event_names(TEST) == ["no_show"]


def test_nothing_goes_into_the_ledger(river: River) -> None:
    outcomes(made_up(river))

    assert not Person.objects.exists()
    assert not SyncLogEntry.objects.exists()
    assert not Booking.objects.exists()


def test_a_real_booking_is_sent_without_what_is_the_persons_own_and_under_another_id(river: River) -> None:
    subject = real(river)

    outcomes(subject)

    contact = river.contact(TEST)
    assert "SMS" not in contact["attributes"]
    assert contact["attributes"]["COMPANY"] == "Berg"
    (event,) = river.brevo.events(email=TEST)
    assert event["event_properties"]["booking_id"].endswith("#test")
    assert "cancel_url" not in event["event_properties"]
    assert "reschedule_url" not in event["event_properties"]
    assert any("real person's" in note for note in trial.plan(subject, TEST).notes)
    assert river.event_names(EMAIL) == ["booked"]
    assert [call.path for call in river.calls() if EMAIL in str(call.body)] == []


@pytest.mark.parametrize("address", [EMAIL, " Tom@Example.com "])
def test_the_address_of_somebody_who_booked_is_refused(river: River, address: str) -> None:
    subject = real(river)

    with pytest.raises(trial.Refused, match="belongs to somebody who booked"):
        trial.plan(subject, address)

    assert river.calls() == []


def test_an_address_that_brevo_refuses_ends_the_test_in_words(river: River) -> None:
    first, second = outcomes(made_up(river), "anna@localhost")

    assert first[:2] == ("/contacts", False)
    assert "Brevo refused it" in first[2]
    assert second[2] == "Not sent, since the call before it failed."


def test_a_paused_account_sends_nothing(river: River) -> None:
    BrevoAccount.objects.update(state="paused", pause_reason="Paused by Anna.")

    found = outcomes(made_up(river))

    assert "Paused by Anna." in found[0][2]
    assert river.calls() == []


def test_without_a_key_nothing_is_sent(river: River, settings: Settings) -> None:
    settings.BREVO_API_KEY = ""

    found = outcomes(made_up(river))

    assert "There is no Brevo key" in found[0][2]


def test_a_lost_answer_is_called_unknown(river: River) -> None:
    river.break_brevo("reset", "/events")

    found = outcomes(made_up(river))

    assert found[0][1]
    assert "may have been done or not" in found[-1][2]


def test_a_pace_that_allows_nothing_now_is_said(river: River) -> None:
    RateLimit.objects.filter(key__endswith=":events").update(blocked_until=timezone.now().timestamp() + 60)

    found = outcomes(made_up(river))

    assert found[-1] == ("/events", False, "Not now: Brevo's rate limit")


def test_a_short_wait_is_waited_for(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:  # the sandbox's threads call it too, with nothing
        if seconds:
            waited.append(seconds)
            river.open_limits()

    monkeypatch.setattr(time, "sleep", sleep)
    RateLimit.objects.filter(key__endswith=":events").update(free_at=timezone.now().timestamp() + 3)

    found = outcomes(made_up(river))

    assert all(is_done for _, is_done, _ in found)
    assert len(waited) == 1


def test_an_ignored_type_sends_nothing(river: River) -> None:
    EventType.objects.filter(name="Demo").update(is_ignored=True, decided_name="Demo")

    plan: Any = trial.plan(made_up(river), TEST)

    assert plan.calls == []
