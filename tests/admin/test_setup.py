"""The set-up wizard: every step judges itself, can be taken by who may, and left and resumed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import page, parts
from calendly_connector.models import Connection, EventType, MappingVersion, Reading
from calendly_connector.services import reading, subscription, wizard
from tests.admin.pressing import address
from tests.admin.pressing import press as press_step
from tests.journeys.river import River

ACTIONS = ("test", "default", "history", "no-history")


def setup_of(row: Connection, rest: str = "") -> str:
    return page.address_of(row, "setup", rest)


def press(client: Client, row: Connection, action: str, **values: str) -> str:
    """Press one of the wizard's own buttons, expecting to be led back to it; return what is said."""
    answer = client.post(setup_of(row, action), values)
    assert (answer.status_code, answer.headers["Location"]) == (302, setup_of(row))
    said = "\n".join(str(message) for message in get_messages(answer.wsgi_request))
    client.cookies.pop("messages", None)
    return said


def states(row: Connection) -> dict[str, str]:
    return {step.name: str(step.state) for step in wizard.look(Connection.objects.get(pk=row.pk))}


def test_new_connection_has_everything_to_do(connection: Connection) -> None:
    assert set(states(connection).values()) == {"open"}


def test_page_opens_the_first_step_that_is_left(staff: Client, river: River) -> None:
    text = staff.get(setup_of(river.connection)).content.decode()

    assert text.count("<details open>") == 1
    assert text.index('id="step-mapping"') < text.index("<details open>") < text.index('id="step-test"')


def test_connected_accounts_count_as_done(river: River) -> None:
    assert (states(river.connection)["calendly"], states(river.connection)["brevo"]) == ("done", "done")


def test_subscription_that_is_gone_opens_the_first_step_again(river: River) -> None:
    Connection.objects.update(subscription_state="disabled")

    assert states(river.connection)["calendly"] == "open"


def test_undecided_types_follow_the_default_row_by_one_button(staff: Client, river: River) -> None:
    count = EventType.objects.filter(is_active=True).count()

    said = press(staff, river.connection, "default")

    assert said == f"{count} event types follow the default row."
    assert states(river.connection)["mapping"] == "done"
    assert MappingVersion.objects.latest("number").made_by_name == "anna"


def test_type_that_is_renamed_is_to_be_decided_again(staff: Client, river: River) -> None:
    press(staff, river.connection, "default")

    EventType.objects.filter(name="Demo").update(name="Product demo")

    assert states(river.connection)["mapping"] == "open"


def test_test_that_fails_says_so_and_is_not_done(staff: Client, river: River) -> None:
    said = press(staff, river.connection, "test")  # nobody listens at the public address

    assert "Brevo: " in said
    assert states(river.connection)["test"] == "open"


def test_the_two_tests_on_the_connections_page_are_the_same_test_in_halves(
    staff: Client, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = subscription.LoopBack(is_reached=True, words="Calendly can reach us.")
    monkeypatch.setattr(subscription, "test_loop_back", lambda connection: reached)

    press_step(staff, river.connection, "test")
    half = states(river.connection)["test"]
    press_step(staff, river.connection, "reach")

    assert (half, states(river.connection)["test"]) == ("open", "done")


def test_test_that_succeeds_is_noted(staff: Client, river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = subscription.LoopBack(is_reached=True, words="Calendly can reach us.")
    monkeypatch.setattr(subscription, "test_loop_back", lambda connection: reached)

    said = press(staff, river.connection, "test")

    assert "Calendly can reach us." in said
    assert states(river.connection)["test"] == "done"


def test_service_that_does_not_answer_is_told_in_words(staff: Client, river: River) -> None:
    river.break_calendly("status", "/users/me", status=503)

    said = press(staff, river.connection, "test")

    assert "503" in said
    assert states(river.connection)["test"] == "open"


def test_history_is_brought_in_and_shown(staff: Client, river: River) -> None:
    said = press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=90)}")
    running = states(river.connection)["history"]
    river.work()

    assert "goes on by itself" in said
    assert (running, states(river.connection)["history"]) == ("running", "done")
    assert Reading.objects.get().kind == "history"


def test_history_step_says_how_it_stands_and_leads_to_its_page(staff: Client, river: River) -> None:
    press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=90)}")
    reading.pause(Reading.objects.get())

    text = staff.get(setup_of(river.connection)).content.decode()

    assert "It is paused." in text
    assert f'<a href="{page.address_of(river.connection, "history")}">See how far it is' in text


def test_another_history_that_is_under_way_is_told(staff: Client, river: River) -> None:
    press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=90)}")

    said = press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=9)}")

    assert "Another history is being brought in" in said
    assert Reading.objects.count() == 1


def test_history_that_was_canceled_may_be_asked_for_again_or_left_out(staff: Client, river: River) -> None:
    press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=90)}")
    reading.cancel(Reading.objects.get())
    canceled = states(river.connection)["history"]

    press(staff, river.connection, "no-history")

    assert (canceled, states(river.connection)["history"]) == ("open", "skipped")


@pytest.mark.parametrize("since", ["", "yesterday", "2001-01-01", "2126-01-01"])
def test_day_that_makes_no_sense_is_refused_and_nothing_begins(staff: Client, river: River, since: str) -> None:
    answer = staff.post(setup_of(river.connection, "history"), {"since": since})

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not Reading.objects.exists()


def test_history_may_be_left_out_and_asked_for_later(staff: Client, river: River) -> None:
    press(staff, river.connection, "no-history")
    before = states(river.connection)["history"]
    press(staff, river.connection, "history", since=f"{timezone.localdate() - timedelta(days=1)}")

    assert (before, states(river.connection)["history"]) == ("skipped", "running")


def test_buttons_of_the_boxes_lead_back_to_the_wizard(staff: Client, river: River) -> None:
    page_with_boxes = staff.get(setup_of(river.connection)).content.decode()

    answer = staff.post(address(river.connection, "subscribe"), {"back": "setup"})

    assert 'name="back" value="setup"' in page_with_boxes
    assert answer.headers["Location"] == setup_of(river.connection)


def test_question_in_between_keeps_the_way_back(staff: Client, river: River) -> None:
    asked = staff.post(address(river.connection, "disconnect"), {"back": "setup"}).content.decode()

    assert 'name="back" value="setup"' in asked
    assert setup_of(river.connection) in asked


def test_way_back_is_never_somebody_elses_address(staff: Client, river: River) -> None:
    answer = staff.post(address(river.connection, "subscribe"), {"back": "https://evil.example"})

    assert answer.headers["Location"] == parts.page_of(Connection, river.connection.pk)


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_only_look_takes_no_step(log_in: Callable[..., Client], connection: Connection, action: str) -> None:
    client = log_in("view_connection")

    shown = client.get(setup_of(connection))
    refused = client.post(setup_of(connection, action), {"since": "2026-01-01"})

    assert (shown.status_code, refused.status_code) == (200, 403)
    assert f"setup/{action}/" not in shown.content.decode()
    assert Connection.objects.get().setup_notes == {}


@pytest.mark.parametrize("action", ACTIONS)
def test_steps_are_taken_by_post_alone(staff: Client, connection: Connection, action: str) -> None:
    assert staff.get(setup_of(connection, action)).status_code == 404


def test_every_step_leaves_a_line_for_the_audit(staff: Client, river: River) -> None:
    press(staff, river.connection, "default")
    press(staff, river.connection, "no-history")

    lines: Any = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert [line.split(" ")[0] for line in lines] == ["4", "Left"]
