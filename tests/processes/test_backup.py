"""A backup taken while a worker writes is whole; a day-old one, restored, tells Brevo nothing a second time."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from calendly_connector.models import Booking, BrevoAccount, Connection, Job, SyncLogEntry, WebhookDelivery
from calendly_connector.services import sync
from tests.journeys.river import River
from tests.postgres import find_programs
from tests.processes.programs import BASE, Crew, wait_for

KNOWN, WAITING, TAKEN_IN, LATER, MISSED = (f"{name}@example.com" for name in ("ada", "ben", "cleo", "dan", "eve"))
COPY = "restored_elsewhere"


def run(*command: str, url: str) -> str:
    """Run a program with this database and return what it printed; fail when it fails."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url}
    done = subprocess.run(command, cwd=BASE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def back_up(url: str, target: Path) -> Path:
    """Take a backup as an operator does."""
    said = run(sys.executable, "-m", "project.backup", str(target), url=url)
    assert "FIELD_ENCRYPTION_KEYS" in said
    assert target.stat().st_mode & 0o777 == 0o600
    return target


def postgres(program: str, *arguments: str) -> None:
    names = connection.settings_dict
    where = ("-h", str(names["HOST"]), "-p", str(names["PORT"]), "-U", str(names["USER"]))
    subprocess.run([str(find_programs() / program), *where, *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere(database_url: str, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database that isn't there yet, dropped in the end."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / COPY}"
        return
    parts = urlsplit(database_url)
    postgres("createdb", COPY)
    yield urlunsplit(parts._replace(path=f"/{COPY}"))
    postgres("dropdb", COPY)


def restore_elsewhere(backup: Path, url: str) -> None:
    if connection.vendor == "sqlite":
        shutil.copy(backup, url.removeprefix("sqlite:///"))
    else:
        postgres("pg_restore", "--exit-on-error", "--no-owner", "-d", COPY, str(backup))


def restore_here(backup: Path) -> None:
    """Replace what the installation has by its backup."""
    name = str(connection.settings_dict["NAME"])
    connection.close()
    if connection.vendor == "sqlite":
        for suffix in ("-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)
        shutil.copy(backup, name)
    else:
        postgres("pg_restore", "--clean", "--if-exists", "--exit-on-error", "--no-owner", "-d", name, str(backup))


def test_a_backup_beside_a_writing_worker_is_whole(
    river: River, crew: Crew, database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    account = river.account
    account.api_key = "a-secret-to-be-decrypted"
    account.save()
    worker = crew.hire_ready()
    for number in range(60):
        river.calendly.book(event_type="Demo", email=f"person{number}@example.com", name="Ada Berg")
    river.deliver()
    wait_for(lambda: Booking.objects.count() > 5)

    backup = back_up(database_url, tmp_path / "backup")
    bookings_then = Booking.objects.count()
    assert worker.stop() == 0
    restore_elsewhere(backup, elsewhere)

    manage = (sys.executable, "manage.py")
    run(*manage, "migrate", "--check", url=elsewhere)
    run(*manage, "check", "--database", "default", url=elsewhere)
    rotation = json.loads(run(*manage, "calendly_rotate_keys", "--dry-run", "--json", url=elsewhere))
    assert rotation["unreadable"] == []
    assert rotation["current"] >= 1
    counts = json.loads(run(*manage, "shell", "--no-imports", "-c", COUNTS, url=elsewhere))
    assert 5 < counts["bookings"] <= bookings_then
    assert counts["deliveries"] == WebhookDelivery.objects.count()
    assert counts["key"] == "a-secret-to-be-decrypted"


COUNTS = """
import json
from calendly_connector.models import Booking, BrevoAccount, WebhookDelivery
found = {"bookings": Booking.objects.count(), "deliveries": WebhookDelivery.objects.count()}
print(json.dumps({**found, "key": BrevoAccount.objects.get().api_key}))
"""


@pytest.fixture
def restored(river: River, database_url: str, tmp_path: Path) -> River:
    """Return an installation whose database is a backup from before most of what it has sent.

    Ada was known; Ben's delivery waited; Cleo's event waited. Since then all were sent, Ada canceled, Dan booked, and
    nobody heard that Eve did.
    """
    ada = river.calendly.book(event_type="Demo", email=KNOWN, name="Ada Berg")
    river.flow()
    for email in (TAKEN_IN, WAITING):
        river.calendly.book(event_type="Demo", email=email, name="Ben Berg")
    river.deliver()
    sync.take_in(WebhookDelivery.objects.get(email=TAKEN_IN).pk)
    backup = back_up(database_url, tmp_path / "backup")
    river.work()
    river.calendly.cancel(ada, by="host", reason="Ill")
    river.calendly.book(event_type="Demo", email=LATER, name="Dan Berg")
    river.flow()
    river.calendly.book(event_type="Demo", email=MISSED, name="Eve Berg")
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)
    restore_here(backup)
    assert sorted(Booking.objects.values_list("person__email", flat=True)) == [KNOWN, TAKEN_IN]
    return river


def let_time_pass(river: River) -> None:
    """Do everything that is due, then what becomes due within an hour."""
    for _ in range(4):
        river.work()
        SyncLogEntry.objects.filter(state="unknown").update(created_at=F("created_at") - timedelta(hours=1))
        river.hurry()
    river.work()


def events_of(river: River) -> dict[str, list[str]]:
    return {email: river.event_names(email) for email in (KNOWN, WAITING, TAKEN_IN, LATER, MISSED)}


def test_nothing_is_sent_twice_after_a_restore_and_nothing_is_missed(restored: River) -> None:
    call_command("calendly_restored")
    let_time_pass(restored)

    assert events_of(restored) == {
        KNOWN: ["booked", "canceled"],
        WAITING: ["booked"],
        TAKEN_IN: ["booked"],
        LATER: ["booked"],
        MISSED: ["booked"],
    }
    assert Booking.objects.get(person__email=KNOWN).status == "canceled"
    assert Booking.objects.count() == 5
    assert not SyncLogEntry.objects.filter(state__in=["waiting", "sending", "unknown"]).exists()
    assert not Job.objects.filter(state="failed").exists()


def test_what_happens_after_the_restore_is_sent_at_once(restored: River) -> None:
    call_command("calendly_restored")
    Connection.objects.update(restored_at=F("restored_at") - timedelta(seconds=5))

    restored.calendly.book(event_type="Demo", email="new@example.com", name="Fay Berg")
    restored.flow()

    assert restored.event_names("new@example.com") == ["booked"]


def test_a_dry_run_says_what_the_backup_left_open(restored: River, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("calendly_restored", "--dry-run", "--json")

    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["opt_ins"], found["connections"]) == (1, 0, [Connection.objects.get().name])
    assert not Connection.objects.exclude(restored_at=None).exists()
    assert BrevoAccount.objects.exists()


def test_without_the_command_something_is_sent_twice(restored: River) -> None:
    """The test of the test: what the guide asks for is what makes the difference."""
    let_time_pass(restored)

    assert restored.event_names(TAKEN_IN) == ["booked", "booked"]


def test_a_backup_never_replaces_a_file(database_url: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("precious")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url}

    done = subprocess.run(
        [sys.executable, "-m", "project.backup", str(there)],
        cwd=BASE,
        env=environment,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert there.read_text() == "precious"
