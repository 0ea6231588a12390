"""Settings are checked when they are read, and whoever started something reads a sentence."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, DataError, IntegrityError, OperationalError

from project.environment import Environment
from project.plainly import plainly

BASE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("written", "days"), [("", 365), ("0", 0), ("100", 100), ("5000", 5000)])
def test_days_are_0_for_ever_or_enough(written: str, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_LOG_DAYS", written)

    assert Environment(Path("nowhere")).days("KEEP_LOG_DAYS", 365, least=100) == days


@pytest.mark.parametrize("written", ["99", "1", "-1", "a year", "3.5"])
def test_too_few_days_stop_the_start(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_LOG_DAYS", written)

    with pytest.raises(ImproperlyConfigured, match=r"^KEEP_LOG_DAYS is "):
        Environment(Path("nowhere")).days("KEEP_LOG_DAYS", 365, least=100)


BAD = [
    ("DEBUG", "maybe", "true or false"),
    ("TRUSTED_PROXIES", "-1", "a whole number from 0 to"),
    ("LOGIN_FAILURES", "0", "a whole number from 1 to"),
    ("LOGIN_LOCK_MINUTES", "9" * 30, "a whole number from 1 to"),
    ("KEEP_LOG_DAYS", "999999", "a whole number from 0 to"),
    ("KEEP_LOG_DAYS", "5", "at least 100"),
    ("ADMIN_PATH", "api/", "back-office/"),
    ("PUBLIC_URL", "sync.example.com", "http:// or https:// and the host"),
    ("PUBLIC_URL", "https://sync.example.com:port", "http:// or https:// and the host"),
    ("PUBLIC_URL", "https://sync example.com", "http:// or https:// and the host"),
    ("PUBLIC_URL", "https://[::1", "http:// or https:// and the host"),
    ("PUBLIC_URL", "https://someone:pass@sync.example.com", "a user"),
    ("PUBLIC_URL", "https://sync.example.com/?from=here", "a question mark"),
    ("CALENDLY_API_URL", "calendly", "http:// or https:// and the host"),
    ("BREVO_API_URL", "ftp://api.brevo.com", "http:// or https:// and the host"),
    ("NOTICE_WEBHOOK_URL", "hooks/secret", "with https:// and the host"),
    ("NOTICE_WEBHOOK_URL", "http://chat.example.com/secret", "with https:// and the host"),
    ("TASK_QUEUE_URL", "http://broker", "redis:// or rediss:// or amqp:// or amqps:// and the host"),
    ("TASK_QUEUE_URL", "broker", "redis:// or rediss:// or amqp:// or amqps:// and the host"),
    ("DATABASE_URL", "nonsense", "postgres://user:password@host:5432/name"),
    ("DATABASE_URL", "mysql://user:secret@host/name", "postgres://user:password@host:5432/name"),
    ("DATABASE_URL", "postgres://user:secret@host", "postgres://user:password@host:5432/name"),
    ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3", "a folder that is there"),
    ("DATABASE_URL", "postgres://user:secret@127.0.0.1:9/name", "See that the database runs"),
    ("EMAIL_URL", "nonsense", "smtp+tls://"),
    ("TIME_ZONE", "Mars/Base", "Europe/Copenhagen"),
    ("ADMIN_LANGUAGE", "xx", "en, da"),
    ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
    ("LOG_FORMAT", "xml", "text, json"),
    ("SECRET_KEY_FILE", "/nowhere/at/all", "can't be read"),
]


@pytest.mark.parametrize(("name", "value", "advice"), BAD)
def test_a_bad_setting_is_named_with_what_to_do_and_without_a_traceback(name: str, value: str, advice: str) -> None:
    done = _run(["manage.py", "migrate", "--check"], {name: value})

    assert done.returncode == 1
    assert name in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["-m", "project.prepare"], ["-m", "project.backup", "copy"]])
def test_setting_up_and_backing_up_say_it_alike(arguments: list[str]) -> None:
    done = _run(arguments, {"DEBUG": "maybe"})

    assert (done.returncode, done.stderr) == (1, "DEBUG is 'maybe': write true or false.\n")


@pytest.mark.parametrize("name", ["WEB_WORKERS", "WEB_THREADS", "WEB_READ_SECONDS"])
@pytest.mark.parametrize("value", ["many", "0", "-1"])
def test_a_bad_setting_of_the_web_server_is_named(name: str, value: str) -> None:
    done = _run(["-m", "gunicorn", "--check-config", "--config", "deploy/gunicorn.conf.py"], {name: value})

    assert (done.returncode, done.stderr) == (1, f"{name} is {value!r}: write a whole number from 1 on.\n")


def test_whoever_wants_the_traceback_gets_it() -> None:
    done = _run(["manage.py", "migrate", "--check", "--traceback"], {"DEBUG": "maybe"})

    assert "Traceback" in done.stderr


def test_a_web_server_with_bad_settings_gives_up_in_a_sentence() -> None:
    """By the status with which gunicorn stops, instead of starting one process after the other."""
    done = _run(["-c", "import project.wsgi"], {"DEBUG": "maybe"})

    assert (done.returncode, done.stderr) == (3, "DEBUG is 'maybe': write true or false.\n")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("database or disk is full", "Make room"),
        ("disk I/O error", "neither full nor damaged"),
        ("attempt to write a readonly database", "the folder it is in"),
        ("no such table: calendly_connector_job", "manage.py migrate"),
        ("no such column: calendly_connector_job.connection_id", "manage.py migrate"),
        ("file is not a database", "SQLite didn't write"),
        ("connection failed: FATAL:  password authentication failed\nfor user", "DATABASE_URL is right"),
    ],
)
def test_what_a_database_says_comes_with_what_to_do(said: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, plainly():
        raise OperationalError(said)

    words = capsys.readouterr().err
    assert ended.value.code == 1
    assert words.count("\n") == 1
    assert said.partition("\n")[0] in words
    assert advice in words


@pytest.mark.parametrize(
    "error",
    [
        DataError("integer out of range"),
        IntegrityError("UNIQUE constraint failed: calendly_connector_connection.name"),
        IntegrityError('null value in column "connection_id"'),
    ],
)
def test_a_fault_of_ours_keeps_its_traceback(error: DatabaseError) -> None:
    with pytest.raises(type(error)), plainly():
        raise error


def test_an_address_that_is_posted_to_stays_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://chat.example.com/hooks/abc/")

    env = Environment(Path("nowhere"))

    assert env.address("HOOK", is_base=False) == "https://chat.example.com/hooks/abc/"
    assert env.address("HOOK") == "https://chat.example.com/hooks/abc"


@pytest.mark.parametrize("content", [None, b"SECRET_KEY=\xff\xfe"], ids=["a folder", "no text"])
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.mkdir() if content is None else path.write_bytes(content)

    done = _run(["manage.py", "check"], {"METRICS_TOKEN_FILE": str(path)})

    assert f"METRICS_TOKEN_FILE names {path}, which can't be read:" in done.stderr
    assert len(done.stderr.splitlines()) == 1


ODD = ("{} planted", "{} = planted", "{}: planted", " {}=planted")


@pytest.mark.parametrize("odd", ODD)
def test_a_line_that_would_be_left_out_stops_the_start_and_is_not_shown(odd: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"# first\n\n  # more\n{odd.format('METRICS_TOKEN')}\n")

    with pytest.raises(ImproperlyConfigured, match=r"\.env, line 4: write NAME=value") as raised:
        Environment(tmp_path / ".env")

    assert "planted" not in str(raised.value)


def test_a_dotenv_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SECRET_KEY=\xff\xfe")

    with pytest.raises(ImproperlyConfigured, match="can't be read: it is no text in UTF-8"):
        Environment(tmp_path / ".env")


def _run(arguments: Sequence[str], changes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **changes, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
