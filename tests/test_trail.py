"""One delivery's number on every line, from the webhook to the last call for it, and nobody's address on any."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from calendly_connector.models import Booking, CrmTask, WebhookDelivery
from calendly_connector.services import trail
from project import logs
from tests.journeys.river import SIGNING_KEY, River

Line = dict[str, Any]
Lines = Callable[[], list[Line]]
SECRETS = (SIGNING_KEY, "sandbox-calendly-token", "sandbox-brevo-key")


@pytest.fixture
def river(running_sandbox: Any, settings: Settings, transactional_db: None) -> Iterator[River]:
    """Return a connected installation."""
    found = River(running_sandbox, settings)
    found.connect()
    yield found
    running_sandbox.reset()


def console() -> logging.Handler:
    """Return the handler that production writes its lines with."""
    handlers = logging.getLogger().handlers
    return next(each for each in handlers if isinstance(each.formatter, logging.Formatter) and len(each.filters) == 2)


@pytest.fixture
def written() -> Iterator[StringIO]:
    """Return what is logged from now on, down to DEBUG, as JSON and through the filters of production."""
    root, text = logging.getLogger(), StringIO()
    handler, level = logging.StreamHandler(text), root.level
    handler.filters, handler.formatter = console().filters, logs.formatter("json")
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


def lines_of(text: StringIO) -> list[Line]:
    """Return the lines about the river; what repeats by itself, and what Django says, is about nobody."""
    found = [json.loads(line) for line in text.getvalue().splitlines()]
    ours = [line for line in found if line["logger"].startswith("calendly_connector")]
    return [line for line in ours if line.get("job", "").split("/")[0] not in ("catalogues", "watch", "keep_alive")]


def book(river: River, name: str = "nadia") -> int:
    """Let somebody book, and return the number of the delivery."""
    river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name.title())
    river.deliver()
    return int(WebhookDelivery.objects.latest("pk").pk)


def test_every_line_of_a_booking_has_its_delivery(river: River, written: StringIO) -> None:
    number = book(river)
    river.work()

    lines = lines_of(written)
    messages = [line["message"] for line in lines]
    assert {line.get("delivery") for line in lines} == {number}, lines
    assert messages[0] == "Delivery stored"
    assert any(each.startswith(f"Delivery {number} (invitee.created): processed") for each in messages)
    assert any(each.startswith("Brevo: POST /contacts answered") for each in messages)
    assert any(each.startswith("Brevo: POST /events answered") for each in messages)
    assert sum(each.startswith("Step ") for each in messages) == 2


def test_lines_name_booking_person_job_and_try(river: River, written: StringIO) -> None:
    book(river)
    river.work()

    call = next(line for line in lines_of(written) if "POST /contacts" in line["message"])

    booking = Booking.objects.get()
    assert (call["booking"], call["person"], call["attempt"]) == (booking.pk, booking.person_id, 1)
    assert call["job"].startswith("push/")


def test_neither_addresses_nor_secrets_are_on_any_line(river: River, written: StringIO) -> None:
    river.break_brevo("status", "/contacts", times=1, status=400, body={"message": "nadia@example.com is odd"})
    book(river)
    river.work()
    river.hurry()
    river.work()

    text = written.getvalue()
    assert "Brevo: POST /contacts" in text
    assert "example.com" not in text
    assert "adia" not in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_two_deliveries_are_told_apart(river: River, written: StringIO) -> None:
    numbers = [book(river), book(river, "bram")]
    river.work()

    lines = lines_of(written)
    for number in numbers:
        mine = [line["message"] for line in lines if line.get("delivery") == number]
        assert sum("POST /contacts answered" in each for each in mine) == 1
        assert sum(each.startswith("Step ") for each in mine) == 2


def test_one_write_for_two_deliveries_names_both(river: River, written: StringIO) -> None:
    river.calendly.book(event_type="Demo", email="nadia@example.com", name="Nadia")
    river.calendly.book(event_type="Demo", email="nadia@example.com", name="Nadia")
    river.deliver()
    first, second = WebhookDelivery.objects.order_by("pk").values_list("pk", flat=True)
    river.work()

    [call] = [line for line in lines_of(written) if "POST /contacts answered" in line["message"]]
    assert call["delivery"] == f"{first},{second}"


def test_a_later_try_still_has_it(river: River, written: StringIO) -> None:
    river.break_brevo("status", "/events", times=1, status=503, body={})
    number = book(river)
    river.work()
    river.hurry()
    river.work()

    calls = [line for line in lines_of(written) if "POST /events answered" in line["message"]]
    assert [call["delivery"] for call in calls] == [number, number]
    assert calls[-1]["attempt"] > calls[0]["attempt"] or calls[-1]["job"] != calls[0]["job"]


def test_an_answer_that_was_lost_is_followed_up_under_it(river: River, written: StringIO) -> None:
    river.break_brevo("commit_then_reset", "/events", times=1)
    number = book(river)
    river.work()
    river.wait_for_lost_answers()
    river.work()

    said = [line for line in lines_of(written) if line["message"].startswith("Step ")]
    assert {line["delivery"] for line in said} == {number}
    assert any("(event): unknown" in line["message"] for line in said)
    assert said[-1]["message"].endswith("(event): done")
    assert said[-1]["job"].startswith("settle/")


def test_the_new_half_that_is_fetched_has_the_delivery_of_the_old_one(river: River, written: StringIO) -> None:
    book(river)
    river.work()
    river.calendly.move(Booking.objects.get().uri)
    old = next(each for each in river.pending() if b'"invitee.canceled"' in each.body)
    river.deliver(old)
    number = WebhookDelivery.objects.latest("pk").pk
    river.work()
    river.hurry()
    river.work()

    fetched = [line for line in lines_of(written) if line.get("job", "").startswith("missing_half/")]
    assert fetched
    assert {line["delivery"] for line in fetched} == {number}


def test_a_task_in_the_crm_has_it_too(river: River, written: StringIO) -> None:
    type(river.connection).objects.update(makes_tasks=True)
    number = book(river)
    river.work()
    river.hurry()
    river.work()

    assert CrmTask.objects.exists()
    called = [line for line in lines_of(written) if line.get("job", "").startswith("crm_task/")]
    assert called
    assert {line["delivery"] for line in called} == {number}


def test_an_error_in_a_job_has_it(river: River, written: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nadia@example.com")

    monkeypatch.setattr("calendly_connector.services.catalogue.refresh_attributes", stumble)
    river.forget_attributes()
    number = book(river)
    river.work()

    [error] = [line for line in lines_of(written) if line["level"] == "error"]
    assert error["delivery"] == number
    assert "ZeroDivisionError" in error["exception"]
    assert "example.com" not in written.getvalue()


def test_nothing_is_left_over_for_the_next_piece_of_work(river: River, written: StringIO) -> None:
    book(river)
    river.work()
    logging.getLogger("calendly_connector.after").info("Something else")

    last = lines_of(written)[-1]
    assert last.keys() == {"time", "level", "logger", "message"}


def test_outside_of_any_work_nothing_is_noted(written: StringIO) -> None:
    trail.note(delivery=1)
    logging.getLogger("calendly_connector.outside").info("Hello")

    assert "delivery" not in lines_of(written)[-1]


def test_at_the_usual_level_a_delivery_is_followed_only_if_asked(
    river: River, written: StringIO, settings: Settings
) -> None:
    logging.getLogger().setLevel(logging.INFO)
    book(river)
    river.work()
    assert lines_of(written) == []

    settings.LOG_WEBHOOKS = True
    number = book(river, "bram")
    river.work()
    assert [line["delivery"] for line in lines_of(written)] == [number] * 4


# -- How lines look ---------------------------------------------------------------------------------------------


def line_as(kind: str) -> str:
    """Return one line of a library's, with a traceback, through production's filters."""
    text = StringIO()
    handler = logging.StreamHandler(text)
    handler.filters, handler.formatter = console().filters, logs.formatter(kind)
    given = logging.getLogger("some.library")
    given.addHandler(handler)
    try:
        raise ValueError("key xkeysib-0123456789 of anna@example.com")
    except ValueError:
        with trail.scope(delivery=5, job="push/7"):
            given.exception("sending to %s", "anna%40example.com")
    finally:
        given.removeHandler(handler)
    return text.getvalue()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_librarys_lines_are_masked_and_say_what_they_are_about(kind: str) -> None:
    line = line_as(kind)

    assert "ValueError: key ******** of …@…" in line
    assert "example" not in line
    assert "0123456789" not in line


def test_text_is_for_people() -> None:
    first, second, *_ = line_as("text").splitlines()

    assert first.endswith("ERROR   some.library: sending to …@… [delivery=5 job=push/7]")
    assert second == "Traceback (most recent call last):"


def test_json_is_one_line_with_the_same() -> None:
    [line] = line_as("json").splitlines()
    found = json.loads(line)

    assert (found["level"], found["logger"], found["delivery"]) == ("error", "some.library", 5)
    assert found["time"].endswith("+00:00")
    assert found["exception"].startswith("Traceback")


def test_what_somebody_wrote_never_looks_like_a_line_of_ours() -> None:
    record = logging.LogRecord(
        "some.library", logging.WARNING, "", 1, "Refused: %s", ("a\n2026 ERROR\x1b[2J\u2028b",), None
    )

    assert logs.formatter("text").format(record).endswith(r"some.library: Refused: a\x0a2026 ERROR\x1b[2J\u2028b")


def test_another_format_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT is 'xml'"):
        logs.formatter("xml")
