"""A command beside a running `make run` talks to its sandbox; any other command doesn't."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import at_hand
from project.environment import Environment

SANDBOX = {"CALENDLY_ACCESS_TOKEN": "sandbox-calendly-token", "BREVO_API_URL": "http://127.0.0.1:8400/v3"}
NAMES = (*at_hand.CREDENTIALS, "BREVO_API_URL", "DATABASE_URL")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which a `make run` wrote down its sandbox; nothing of it is in our environment."""
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    (tmp_path / ".run").mkdir()
    at_hand.note_sandbox(tmp_path / ".run", Environment(tmp_path / ".env"), SANDBOX)
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[Path]:
    """Return the folder while its `make run` runs."""
    with (folder / ".run" / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def borrowed() -> dict[str, str]:
    """Return what is in our environment of what was noted."""
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_a_command_beside_it_talks_to_the_same_sandbox(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert at_hand.borrow_sandbox(running)

    assert borrowed() == SANDBOX
    assert "sandbox" in capsys.readouterr().err


def test_what_was_noted_is_for_our_eyes_only(folder: Path) -> None:
    assert (folder / ".run" / at_hand.NOTE).stat().st_mode & 0o777 == 0o600


def test_a_run_that_is_over_or_was_killed_lends_nothing(folder: Path) -> None:
    assert not at_hand.borrow_sandbox(folder)
    (folder / ".run" / "lock").touch()

    assert not at_hand.borrow_sandbox(folder)
    assert borrowed() == {}


def test_a_run_with_the_real_services_lends_nothing(running: Path) -> None:
    at_hand.forget_sandbox(running / ".run")

    assert not at_hand.borrow_sandbox(running)


@pytest.mark.parametrize("name", at_hand.CREDENTIALS)
def test_whoever_has_credentials_borrows_nothing(running: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "real")

    assert not at_hand.borrow_sandbox(running)
    assert borrowed() == {name: "real"}


def test_credentials_of_the_file_count_too(running: Path) -> None:
    (running / ".env").write_text("BREVO_API_KEY=real\n", encoding="utf-8")

    assert not at_hand.borrow_sandbox(running)


def test_another_database_has_nothing_to_do_with_it(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://real@localhost/bookings")

    assert not at_hand.borrow_sandbox(running)
    assert "BREVO_API_URL" not in borrowed()
