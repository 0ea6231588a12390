"""The commands as an operator calls them: closing words, JSON for scripts, and an exit status that can be trusted."""

import json
import signal
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import ManagementUtility, call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from calendly_connector.models import Job, Schedule
from calendly_connector.services import queue
from tests.journeys.river import River


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Give Ctrl-C back to whoever runs the tests: the worker takes it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _call(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


def _exit_status(*arguments: str) -> int:
    """Run a command as `manage.py` does and return its exit status."""
    try:
        ManagementUtility(["manage.py", *arguments]).execute()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


# -- calendly_connect -------------------------------------------------------------------------------------------


def test_connecting_says_what_was_found_and_what_is_missing(installation: River) -> None:
    said = _call("calendly_connect")

    assert "Camille Durand, owner" in said
    assert "MEETING_DATE (date)" in said
    assert "add --create-attributes" in said
    assert said.endswith("Connected.\n")


def test_connecting_creates_what_is_missing_when_asked(installation: River) -> None:
    said = _call("calendly_connect", "--create-attributes")

    assert "Brevo: created COMPANY" in said
    assert "Brevo lacks" not in said
    assert "Brevo lacks" not in _call("calendly_connect")


def test_connecting_reports_as_json(installation: River) -> None:
    said = json.loads(_call("calendly_connect", "--json"))

    assert said.keys() == {"lines", "created", "missing"}
    assert "MEETING_DATE (date)" in said["missing"]


def test_connecting_fails_with_words_for_a_wrong_key(installation: River, settings: Settings) -> None:
    settings.BREVO_API_KEY = "wrong"

    with pytest.raises(CommandError, match="Key not found") as failed:
        _call("calendly_connect")

    assert failed.value.returncode == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("CALENDLY_ACCESS_TOKEN", "set CALENDLY_ACCESS_TOKEN"), ("BREVO_API_KEY", "set BREVO_API_KEY")],
)
def test_connecting_without_a_credential_names_the_variable(
    installation: River, settings: Settings, name: str, words: str
) -> None:
    setattr(settings, name, "")

    with pytest.raises(CommandError, match=words):
        _call("calendly_connect")


def test_connecting_fails_with_words_while_calendly_is_away(installation: River) -> None:
    installation.break_calendly("status", status=503)

    with pytest.raises(CommandError, match="503"):
        _call("calendly_connect")


def test_connecting_to_another_account_is_refused_with_the_way_out(installation: River) -> None:
    type(installation.account).objects.update(organization_id="another")

    with pytest.raises(CommandError, match="Put the former account's key back"):
        _call("calendly_connect")


# -- calendly_subscribe -----------------------------------------------------------------------------------------


def test_subscribing_before_connecting_says_what_to_do_first(installation: River) -> None:
    with pytest.raises(CommandError, match="run calendly_connect first"):
        _call("calendly_subscribe")


def test_subscribing_twice_finds_nothing_to_do(installation: River) -> None:
    _call("calendly_connect")

    assert _call("calendly_subscribe").startswith("Subscribed http://127.0.0.1:1/webhooks/calendly")
    assert "nothing to do" in _call("calendly_subscribe")
    assert "replacing 1" in _call("calendly_subscribe", "--force")


def test_a_dry_run_subscribes_nothing(installation: River) -> None:
    _call("calendly_connect")

    assert _call("calendly_subscribe", "--dry-run").startswith("Would subscribe")
    assert installation.calendly.subscriptions() == []


def test_subscribing_reports_as_json(installation: River) -> None:
    _call("calendly_connect")

    said = json.loads(_call("calendly_subscribe", "--json"))

    assert said["subscription"] == installation.calendly.subscriptions()[0]["uri"]
    assert said["words"].startswith("Subscribed")


def test_subscribing_fails_with_words_when_calendly_refuses(installation: River, settings: Settings) -> None:
    _call("calendly_connect")
    settings.CALENDLY_ACCESS_TOKEN = "wrong"

    with pytest.raises(CommandError, match="401"):
        _call("calendly_subscribe")


# -- calendly_worker --------------------------------------------------------------------------------------------


def test_a_worker_that_runs_once_does_what_is_due_and_says_how_much(installation: River) -> None:
    queue.enqueue("turn", 404)

    said = _call("calendly_worker", "--once")

    assert said == f"{1 + Schedule.objects.count()} jobs done.\n"
    assert Job.objects.count() == 0


def test_a_worker_that_runs_once_leaves_what_is_not_due(installation: River) -> None:
    queue.enqueue("turn", 404, delay=3600)

    _call("calendly_worker", "--once")

    assert [job.kind for job in Job.objects.all()] == ["turn"]


# -- Exit status ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["calendly_worker", "--once"], 0),
        (["calendly_worker", "--concurrency", "0"], 2),
        (["calendly_worker", "--concurrency", "many"], 2),
        (["calendly_worker", "--no-such-option"], 2),
        (["calendly_connect"], 1),
        (["calendly_connect", "--no-such-option"], 2),
        (["calendly_subscribe"], 1),
        (["calendly_subscribe", "surplus"], 2),
    ],
    ids=str,
)
def test_the_exit_status_says_done_failed_or_wrong_usage(
    transactional_db: None, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int
) -> None:
    assert _exit_status(*arguments) == status
    assert bool(capsys.readouterr().err) is (status != 0)
