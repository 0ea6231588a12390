"""Staff are told of a change, once, by e-mail and in the chat; and now and then of what only they can mend."""

import json
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.models import BrevoAccount, Connection, Job, Notice
from calendly_connector.services import accounts, notices, webhook_out
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from tests.clients.odd_server import answer, odd_server

KEY = "connection:1:subscription"
DAY = 86_400


@pytest.fixture
def clock(db: None, settings: Settings) -> Iterator[time_machine.Traveller]:
    """Let time stand still until a test moves it; staff have an address."""
    settings.NOTICE_EMAILS = ["staff@example.com"]
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as traveller:
        yield traveller


def _work() -> None:
    Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()


def _subjects() -> list[str]:
    _work()
    return [message.subject.removeprefix("[Calendly → Brevo] ") for message in mail.outbox]


def test_a_trouble_is_told_once_and_its_end_once(clock: time_machine.Traveller) -> None:
    for _ in range(3):
        notices.open_notice(KEY, "It broke", "Do something.")
        assert _subjects() == ["It broke"]
        clock.shift(60)
    assert notices.close_notice(KEY, "All is well.")
    assert not notices.close_notice(KEY, "All is well.")

    assert _subjects() == ["It broke", "Recovered: It broke"]
    assert mail.outbox[0].to == ["staff@example.com"]
    assert "Do something." in mail.outbox[0].body
    assert "/admin/" in mail.outbox[0].body
    assert "All is well." in mail.outbox[1].body


def test_what_breaks_again_is_told_again(clock: time_machine.Traveller) -> None:
    notices.open_notice(KEY, "It broke", "…")
    _work()
    clock.shift(60)
    notices.close_notice(KEY, "…")
    _work()
    clock.shift(60)

    notices.open_notice(KEY, "It broke", "…")

    assert _subjects() == ["It broke", "Recovered: It broke", "It broke"]
    assert Notice.objects.count() == 1


def test_the_newest_words_of_an_open_trouble_are_kept_silently(clock: time_machine.Traveller) -> None:
    notices.open_notice(KEY, "It broke", "First words.")
    notices.open_notice(KEY, "It broke badly", "Newer words.")

    assert _subjects() == ["It broke"]
    assert Notice.objects.get().message == "Newer words."


def test_what_was_over_before_anybody_heard_of_it_is_not_told(clock: time_machine.Traveller) -> None:
    notices.open_notice(KEY, "It broke", "…")
    notices.close_notice(KEY, "…")

    assert _subjects() == []


def test_closing_what_was_never_open_says_nothing(clock: time_machine.Traveller) -> None:
    assert not notices.close_notice(KEY, "…")
    assert _subjects() == []


def test_a_needed_reconnect_is_told_on_days_0_1_3_7_and_14_until_it_is_done(clock: time_machine.Traveller) -> None:
    connection = _connection(state=Connection.State.RECONNECT, state_reason="Press the button.")
    told = []
    for day in range(30):
        before = len(mail.outbox)
        for _ in range(3):
            notices.remind()
            _work()
        told += [day] * (len(mail.outbox) - before)
        clock.shift(DAY)
    Connection.objects.filter(pk=connection.pk).update(state=Connection.State.CONNECTED)
    notices.remind()

    assert told == [0, 1, 3, 7, 14]
    assert _subjects()[-1] == "Recovered: Sales: connect Calendly again"
    assert "Press the button." in mail.outbox[0].body


def test_a_paused_account_is_told_of_and_so_is_its_resumption(clock: time_machine.Traveller) -> None:
    account = BrevoAccount.objects.create(name="Acme")

    accounts.pause(account, "The key is dead.")
    accounts.pause(account, "The key is dead.")
    first = _subjects()
    clock.shift(60)
    accounts.resume(account)

    assert first == ["Acme: writing to Brevo is paused"]
    assert _subjects() == [*first, "Recovered: Acme: writing to Brevo is paused"]


def test_without_named_recipients_active_superusers_are_told(clock: time_machine.Traveller, settings: Settings) -> None:
    settings.NOTICE_EMAILS = []
    User.objects.create_superuser("ada", "ada@example.com")
    User.objects.create_superuser("bob", "")
    User.objects.create_superuser("cleo", "cleo@example.com", is_active=False)
    User.objects.create_user("dan", "dan@example.com", is_staff=True)

    notices.open_notice(KEY, "It broke", "…")
    _work()

    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


def test_with_nobody_to_tell_nothing_breaks(clock: time_machine.Traveller, settings: Settings) -> None:
    settings.NOTICE_EMAILS = []

    notices.open_notice(KEY, "It broke", "…")

    assert _subjects() == []
    assert not Job.objects.exists()


@pytest.mark.parametrize("error", [smtplib.SMTPServerDisconnected("…"), ConnectionRefusedError(), TimeoutError()])
def test_a_dead_mail_server_is_tried_again(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    notices.open_notice(KEY, "It broke", "…")
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.message.EmailMessage.send", fail)
        _work()
    assert "can't be sent" in Job.objects.get().last_error
    clock.shift(60)

    assert _subjects() == ["It broke"]


def test_a_title_with_a_line_break_is_no_header_of_its_own(clock: time_machine.Traveller) -> None:
    notices.open_notice(KEY, "It\r\nBcc: x@example.com", "…")

    assert _subjects() == ["It Bcc: x@example.com"]


# -- The chat tool ------------------------------------------------------------------------------------------------


def test_a_chat_tool_is_told_the_same(clock: time_machine.Traveller, settings: Settings) -> None:
    settings.NOTICE_WEBHOOK_LOOPBACK = True
    with odd_server(answer(200, b"ok")) as server:
        settings.NOTICE_WEBHOOK_URL = f"{server.url}/hooks/secret?x=1"
        notices.open_notice(KEY, "It broke", "Do something.")
        _work()

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hooks/secret?x=1 ")
    assert json.loads(body) == {"text": "It broke\nDo something."}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_chat_tool_that_refuses_holds_nothing_up(
    clock: time_machine.Traveller, settings: Settings, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings.NOTICE_WEBHOOK_LOOPBACK = True
    with odd_server(answer(status, location="http://127.0.0.1:1/")) as server:
        settings.NOTICE_WEBHOOK_URL = f"{server.url}/hooks/secret"
        notices.open_notice(KEY, "It broke", "…")

        assert _subjects() == ["It broke"]
    assert len(server.requests) == 1
    assert f"answered with {status}" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "http://127.0.0.1:1/x", "https://localhost/x", "https://[::1]/x", "https://[", "x"]
)
def test_this_machine_is_no_chat_tool(settings: Settings, url: str, caplog: pytest.LogCaptureFixture) -> None:
    settings.NOTICE_WEBHOOK_URL = url

    assert not webhook_out.post("…")
    assert "could not be told" in caplog.text


def _connection(**values: Any) -> Connection:
    return Connection.objects.create(name="Sales", brevo_account=BrevoAccount.objects.create(name="Brevo"), **values)
