"""The doctor: a healthy installation has nothing to mend, and each check finds exactly what was broken."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.db import connection as database
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import checks, tasks
from calendly_connector.clients import callback
from calendly_connector.core.diagnosis import Level, Page, Place, Symptom, good
from calendly_connector.models import (
    BookingPage,
    BrevoAccount,
    Connection,
    ConsentRule,
    EventType,
    FieldMapping,
    Job,
    LinkRun,
    RateLimit,
    Schedule,
    SyncLogEntry,
    TriggerMapping,
    WebhookDelivery,
)
from calendly_connector.services import (
    accounts,
    brevo_listen,
    catalogue,
    doctor,
    doctor_brevo,
    doctor_calendly,
    doctor_check,
    doctor_flow,
    doctor_mapping,
    doctor_outside,
    doctor_queue,
    doctor_settings,
    doctor_storage,
    limits,
    queue,
    schedule,
    subscription,
)
from calendly_connector.services import connection as connections
from calendly_connector.services.doctor_check import Check
from tests.clients.odd_server import Odd, answer, odd_server
from tests.journeys.river import SIGNING_KEY, River

ROOT = Path(__file__).resolve().parent.parent.parent
GIGABYTE = 1024**3
SECRETS = ("sandbox-calendly-token", "sandbox-brevo-key", SIGNING_KEY)


@pytest.fixture
def well(installation: River, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> River:
    """Return an installation that is connected, subscribed, mapped and told a booking, and of which all is right."""
    settings.SECRET_KEY = "Zq4-a-long-and-random-key-for-tests-0123456789-abcdefghijklmnop"
    settings.NOTICE_EMAILS = ["staff@example.com"]
    settings.PUBLIC_URL = f"{installation.sandbox.url}/front"
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=50 * GIGABYTE))
    monkeypatch.setattr(callback, "get", lambda url, timeout: {"status": "ok"})
    installation.connect()
    brevo_listen.listen(installation.account)
    installation.open_limits()
    EventType.objects.update(is_ignored=True)
    installation.map_lists("booked", join=[installation.brevo.add_list("Demos")])
    catalogue.refresh_lists(installation.account, connections.brevo_client(installation.account))
    schedule.install(tasks.SCHEDULES)
    now = timezone.now()
    Schedule.objects.update(last_started_at=now, last_finished_at=now, next_run_at=now + timedelta(hours=1))
    installation.calendly.book(email="ada@example.com")
    installation.flow()
    return installation


def examined(**asked: Any) -> doctor.Report:
    """Return what the doctor finds; whatever it is, nothing in it may be a secret or anybody's address."""
    report = doctor.examine(**asked)
    said = json.dumps([[line.subject, line.finding.words, line.finding.remedy] for line in report.lines])
    assert "@example" not in said
    assert not [secret for secret in SECRETS if secret in said]
    for line in report.wrong:
        assert line.finding.remedy, line
        assert line.finding.symptom, line
    return report


def wrong(**asked: Any) -> dict[str, tuple[Level, str]]:
    """Return level and words of what is to be mended, by check."""
    return {line.check: (line.finding.level, line.finding.words) for line in examined(**asked).wrong}


def only(check: str, level: Level, words: str = "", **asked: Any) -> None:
    """Assert that one check alone finds something, of this level, in words that hold these."""
    found = wrong(**asked)
    assert found.keys() == {check}, found
    assert found[check][0] is level
    assert words in found[check][1]


def line_of(check: str, **asked: Any) -> doctor.Line:
    """Return the only line of a check."""
    (line,) = [line for line in examined(**asked).lines if line.check == check]
    return line


def change_subscription(river: River, **changes: Any) -> None:
    """Change the only subscription at Calendly."""
    ((uri, row),) = river.calendly.state.subscriptions.items()
    river.calendly.state.subscriptions[uri] = {**row, **changes}


# -- Well -------------------------------------------------------------------------------------------------------


def test_a_healthy_installation_has_nothing_to_mend_and_nothing_is_changed(well: River) -> None:
    before = well.sandbox.snapshot()
    well.sandbox.world.journal.clear()

    report = examined()

    assert wrong() == {}
    assert {line.check for line in report.lines} == {name for name, _module in every_check()} | {"database"}
    assert {line.finding.level for line in report.lines} == {Level.GOOD}
    assert {call.method for call in well.sandbox.world.journal.calls()} == {"GET"}
    assert len(well.sandbox.snapshot()) == len(before)


def test_offline_nobody_is_called(well: River) -> None:
    well.sandbox.world.journal.clear()

    report = examined(is_offline=True)

    assert not report.wrong
    assert not well.sandbox.world.journal.calls()
    assert {line.finding.level for line in report.lines} == {Level.GOOD}
    assert not {line.check for line in report.lines} & {"token", "key", "public_address", "clock"}


def test_one_connection_alone_may_be_looked_at(well: River) -> None:
    other = Connection.objects.create(name="Paris", brevo_account=BrevoAccount.objects.create(name="Another"))

    assert "Paris" not in {line.subject for line in examined(only=well.connection).lines}
    assert {"Paris", "Another"} <= {line.subject for line in examined(only=other).lines}


def every_check() -> list[tuple[str, Any]]:
    modules = (
        doctor_settings,
        doctor_storage,
        doctor_queue,
        doctor_calendly,
        doctor_brevo,
        doctor_mapping,
        doctor_flow,
    )
    found = [(check.name, module) for module in modules for check in module.CHECKS]
    return [*found, (doctor_outside.ADDRESS.name, doctor_outside), (doctor_outside.CLOCK.name, doctor_outside)]


def test_every_check_has_a_name_of_its_own_and_every_symptom_its_heading() -> None:
    names = [name for name, _module in every_check()]
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "repair.md").read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert len(names) == len(set(names))
    assert {str(symptom) for symptom in Symptom} <= anchors


def test_a_check_that_stumbles_is_a_finding_and_stops_nobody(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(about: object) -> list[Any]:
        raise ZeroDivisionError

    broken = (Check(name="pace", run=stumble), *doctor_brevo.CHECKS[:1])
    monkeypatch.setattr(doctor_brevo, "CHECKS", broken)

    only("pace", Level.BAD, "ZeroDivisionError")


def test_secrets_and_people_in_a_services_words_are_masked(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "Key sandbox-brevo-key of ada@example.com at https://x.example/webhooks/calendly/abc-DEF"
    monkeypatch.setattr(doctor_brevo, "CHECKS", (Check(name="key", run=lambda look: [good(words)]),))

    said = line_of("key").finding.words

    assert said == "Key ******** of …@… at https://x.example/webhooks/calendly/…"


# -- This installation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "check", "level"),
    [
        ("DEBUG", True, "debug", Level.BAD),
        ("SECRET_KEY", "short", "secret_key", Level.BAD),
        ("SECRET_KEY", "django-insecure-Zq4-a-long-and-random-key-for-tests-0123456789-abc", "secret_key", Level.BAD),
        ("FIELD_ENCRYPTION_KEYS", ["no key"], "stored_secrets", Level.BAD),
        ("ALLOWED_HOSTS", ["elsewhere.example"], "allowed_hosts", Level.BAD),
        ("ALLOWED_HOSTS", ["*"], "allowed_hosts", Level.WARN),
        ("TRUSTED_PROXIES", 1, "proxies", Level.WARN),
    ],
)
def test_a_setting(well: River, settings: Settings, name: str, value: Any, check: str, level: Level) -> None:
    setattr(settings, name, value)

    only(check, level, is_offline=True)


REAL = ("https://api.calendly.com", "https://api.brevo.com/v3")
CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.GOOD, "Somebody is told"),
        ({"NOTICE_EMAILS": []}, Level.WARN, "Nobody is told"),
        ({"EMAIL_BACKEND": CONSOLE}, Level.WARN, "only go into the log"),
        (
            {"EMAIL_BACKEND": CONSOLE, "NOTICE_WEBHOOK_URL": "https://chat.example.com/x"},
            Level.GOOD,
            "Somebody is told",
        ),
    ],
)
def test_somebody_has_to_hear_of_it(
    well: River, settings: Settings, changes: dict[str, Any], level: Level, words: str
) -> None:
    settings.CALENDLY_API_URL, settings.BREVO_API_URL = REAL
    for name, value in changes.items():
        setattr(settings, name, value)

    found = line_of("told", is_offline=True).finding

    assert found.level is level
    assert words in found.words


def test_in_the_sandbox_nobody_has_to_be_told(well: River, settings: Settings) -> None:
    """So that the first look of all, beside `make run`, finds nothing to mend."""
    settings.NOTICE_EMAILS = []

    assert wrong() == {}
    assert "right for the sandbox" in line_of("told").finding.words


def test_a_stored_secret_that_no_key_reads_is_named(well: River, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    only("stored_secrets", Level.BAD, "BrevoAccount.webhook_secret of row", is_offline=True)


def test_an_address_without_https(well: River, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "http://sync.example.com", ["sync.example.com"]

    only("public_url", Level.BAD, "isn't https", is_offline=True)


@pytest.mark.parametrize(("count", "finds"), [(0, True), (1, False), (9, True)])
def test_https_without_a_trusted_proxy(well: River, settings: Settings, count: int, finds: bool) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://sync.example.com", ["sync.example.com"]
    settings.TRUSTED_PROXIES = count

    assert ("proxies" in wrong(is_offline=True)) is finds


def test_a_database_that_does_not_answer_is_the_only_finding(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection to server at db.example failed")

    with monkeypatch.context() as patch:
        patch.setattr(database, "cursor", refuse)
        only("database", Level.BAD, "OperationalError: connection to server at db.example failed")


def test_a_broker_that_cannot_be_reached(well: River, settings: Settings) -> None:
    settings.TASK_QUEUE_URL = "redis://worker:broker-password@127.0.0.1:9/0"

    only("broker", Level.BAD, "TASK_QUEUE_URL names can't be connected to (Connection refused)")
    assert "broker-password" not in str(line_of("broker"))


def test_a_broker_that_can_be_reached(well: River, settings: Settings) -> None:
    settings.TASK_QUEUE_URL = well.sandbox.url.replace("http://", "redis://")

    assert wrong() == {}
    assert line_of("broker").finding.level is Level.GOOD


def test_a_database_that_its_full_disk_keeps_from_answering(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with monkeypatch.context() as patch:
        patch.setattr(database, "cursor", refuse)
        found = wrong()

    assert found.keys() == {"database", "disk"}
    assert "disk I/O error" in found["database"][1]


@pytest.mark.parametrize(("app", "words"), [("auth", "lacks 1 migrations"), ("calendly_connector", "newer version")])
def test_migrations(well: River, monkeypatch: pytest.MonkeyPatch, app: str, words: str) -> None:
    applied = MigrationRecorder(database).applied_migrations()
    if app == "auth":
        monkeypatch.setattr(doctor_storage, "MigrationExecutor", lambda database: Executor(plan=[("auth", "0013")]))
    else:
        applied[app, "9999_from_tomorrow"] = None  # type: ignore[assignment]
        monkeypatch.setattr(doctor_storage, "MigrationExecutor", lambda database: Executor(applied=applied))

    only("migrations", Level.BAD, words)


def test_a_database_without_tables_is_told_and_nothing_stumbles(tmp_path: Path) -> None:
    given = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"}
    command = [sys.executable, "manage.py", "calendly_doctor", "--offline", "--json"]

    ended = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60)

    found = {each["check"]: each for each in json.loads(ended.stdout)["findings"]}
    assert ended.returncode == 1
    assert "migrate" in found["migrations"]["remedy"]
    assert found["told"]["level"] == "unknown"


class Executor:
    """As Django's, of a database in another state."""

    def __init__(self, *, plan: Any = (), applied: Any = None) -> None:
        graph = SimpleNamespace(leaf_nodes=list)
        self.loader = SimpleNamespace(
            migrated_apps={"calendly_connector"}, applied_migrations=applied or {}, disk_migrations={}, graph=graph
        )
        self.loader.disk_migrations = {name: None for name in applied or {} if not name[1].startswith("9999")}
        self._plan = list(plan)

    def migration_plan(self, targets: Any) -> Any:
        return self._plan


def test_the_databases_mode(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    is_sqlite = database.vendor == "sqlite"
    monkeypatch.setattr(doctor_storage, "_value", lambda statement: "delete" if is_sqlite else "serializable")
    monkeypatch.setattr(doctor_storage, "CHECKS", [c for c in doctor_storage.CHECKS if c.name == "isolation"])

    only("isolation", Level.BAD, "delete" if is_sqlite else "serializable")


def test_a_large_sqlite_is_a_note_and_no_fault(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_storage, "LARGE_SQLITE", 1)

    line = line_of("size")

    assert line.finding.level is (Level.NOTE if database.vendor == "sqlite" else Level.GOOD)
    assert not wrong()


@pytest.mark.parametrize(("free", "level"), [(GIGABYTE // 2, Level.WARN), (1000, Level.BAD)])
def test_a_full_disk(well: River, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))

    only("disk", level, "MB left")


@pytest.mark.parametrize(("name", "version"), [("Python", (3, 10)), ("Django", (9, 9))])
def test_a_version_that_nobody_tried(
    well: River, monkeypatch: pytest.MonkeyPatch, name: str, version: tuple[int, ...]
) -> None:
    if name == "Python":
        monkeypatch.setattr(doctor_storage, "sys", SimpleNamespace(version_info=version))
    else:
        monkeypatch.setattr(doctor_storage, "django", SimpleNamespace(VERSION=version))

    only("versions", Level.WARN, f"{name} is {'.'.join(map(str, version))}")


def test_an_old_sqlite_is_told_as_at_the_start(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(sqlite_version_info=(3, 30), sqlite_version="3.30.0")
    monkeypatch.setattr(checks, "sqlite3", old)

    assert ("versions" in wrong()) is (database.vendor == "sqlite")


def test_the_versions_are_those_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (named,) = [each for each in project["dependencies"] if each.startswith("django>=")]
    oldest, newest = doctor_storage.DJANGO

    assert project["requires-python"] == f">={'.'.join(map(str, doctor_storage.PYTHON[0]))}"
    assert named.startswith(f"django>={oldest[0]}.{oldest[1]}.")
    assert named.endswith(f"<{newest[0]}.{newest[1] + 1}")
    assert oldest <= django.VERSION[:2] <= newest
    assert doctor_storage.PYTHON[0] <= sys.version_info[:2] <= doctor_storage.PYTHON[1]


# -- Queue ------------------------------------------------------------------------------------------------------


def test_a_worker_that_never_ran(well: River) -> None:
    Schedule.objects.all().delete()

    only("worker", Level.BAD, "No worker has ever run")


def test_a_worker_that_stopped(well: River) -> None:
    Schedule.objects.update(last_started_at=timezone.now() - timedelta(minutes=20))

    only("worker", Level.BAD, "for 20 minutes")


@pytest.mark.parametrize(("minutes", "level"), [(10, Level.WARN), (60, Level.BAD)])
def test_due_work_that_waits(well: River, minutes: int, level: Level) -> None:
    queue.enqueue("sweep", 1, delay=-60 * minutes)

    only("waiting", level, f"for {minutes} minutes")


def test_work_of_a_closed_lane_waits_by_right(well: River) -> None:
    lane = limits.key_of(well.account.pk, "contacts")
    RateLimit.objects.filter(pk=lane).update(blocked_until=time.time() + 30)
    queue.enqueue("push", 1, lane=lane, delay=-3600)

    assert not wrong()


def test_work_in_the_hand_of_a_worker_that_died(well: River) -> None:
    queue.enqueue("sweep", 1)
    Job.objects.filter(subject=1).update(state="running", lease_until=timezone.now() - timedelta(hours=1))

    only("waiting", Level.BAD)


@pytest.mark.parametrize("changes", [{"state": "failed"}, {"failures": 7, "run_after": "later"}])
def test_work_that_was_given_up_or_fails_again_and_again(well: River, changes: dict[str, Any]) -> None:
    queue.enqueue("sweep", 1)
    later = {"run_after": timezone.now() + timedelta(hours=1)} if "run_after" in changes else {}
    Job.objects.filter(subject=1).update(**{**changes, **later})

    only("failed", Level.WARN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_enabled": False}, "switched off"),
        ({"last_result": "Failed: no disk"}, "no disk"),
        ({"last_finished_at": "long ago"}, "late"),
    ],
)
def test_repeating_work_that_does_not_run_well(well: River, changes: dict[str, Any], words: str) -> None:
    ago = {"last_finished_at": timezone.now() - timedelta(days=2)} if "last_finished_at" in changes else {}
    Schedule.objects.filter(name="watch").update(**{**changes, **ago})

    only("schedules", Level.WARN, words)


# -- From outside -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(301, location="https://www.example.com/"), "redirects to https://www.example.com/"),
        (answer(502), "answered 502"),
        (answer(200), "isn't this software"),
        (Odd.RESET, "can't be connected to"),
        (Odd.SILENCE, "doesn't answer in time"),
    ],
)
def test_a_public_address_that_does_not_answer_as_ours(
    well: River, settings: Settings, monkeypatch: pytest.MonkeyPatch, told: bytes | Odd, words: str
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(doctor_check, "READ_SECONDS", 0.3)
    with odd_server(told) as server:
        settings.PUBLIC_URL = server.url
        found = wrong()

    assert found["public_address"][0] is Level.BAD
    assert words in found["public_address"][1]


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [(40, Level.WARN, "behind"), (600, Level.BAD, "behind"), (-600, Level.BAD, "ahead")],
)
def test_a_clock_that_is_wrong(well: River, seconds: int, level: Level, words: str) -> None:
    well.sandbox.world.clock.advance(seconds)

    only("clock", level, words)


def test_a_clock_shows_also_when_the_token_is_refused(well: River, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = "dead"
    well.sandbox.world.clock.advance(600)

    assert {"clock", "token"} == wrong().keys()


# -- Calendly ---------------------------------------------------------------------------------------------------


def test_a_dead_token_is_a_401(well: River, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = "dead"

    only("token", Level.BAD, "401")
    assert line_of("token").finding.symptom is Symptom.CALENDLY_REFUSES
    assert line_of("subscription").finding.level is Level.UNKNOWN


def test_a_connection_that_has_to_be_connected_again(well: River) -> None:
    Connection.objects.update(state="reconnect", state_reason="Calendly no longer accepts this connection.")

    only("standing", Level.BAD, "no longer accepts")


def test_a_connection_that_was_never_connected(well: River) -> None:
    Connection.objects.create(name="Paris", brevo_account=well.account, signing_key=SIGNING_KEY)

    found = {(line.check, line.subject) for line in examined().wrong}

    assert found == {("standing", "Paris"), ("token", "Paris"), ("subscription", "Paris")}


@pytest.mark.parametrize(
    ("changes", "level"),
    [({"state_reason": "The answer to the last renewal got lost."}, Level.WARN), ({"token_expires_at": 1}, Level.BAD)],
)
def test_a_token_that_is_not_refreshed(well: River, changes: dict[str, Any], level: Level) -> None:
    moment = timezone.now() + timedelta(hours=-1 if "token_expires_at" in changes else 1)
    Connection.objects.update(
        token_kind="oauth", access_token="sandbox-calendly-token", **{**changes, "token_expires_at": moment}
    )

    only("standing", level)


def test_a_token_of_another_organization(well: River) -> None:
    Connection.objects.update(organization="https://api.calendly.com/organizations/another")

    assert wrong()["token"][0] is Level.BAD
    assert "another organization" in wrong()["token"][1]


@pytest.mark.parametrize(
    ("fault", "level", "symptom"),
    [
        ({"status": 429, "headers": {"X-RateLimit-Reset": "30"}}, Level.WARN, Symptom.TOO_MANY),
        ({"status": 503}, Level.BAD, Symptom.NOTHING_ARRIVES),
        ({"status": 403, "body": {"required_scopes": ["users:read"]}}, Level.BAD, Symptom.WRONG_SCOPE),
    ],
)
def test_calendly_refuses(well: River, fault: dict[str, Any], level: Level, symptom: Symptom) -> None:
    well.break_calendly("status", "/users/me", times=None, **fault)

    only("token", level, str(fault["status"]))
    assert line_of("token").finding.symptom is symptom


ALL_SCOPES = {"users:read", "organizations:read", "event_types:read", "webhooks:write", "scheduled_events:write"}


def use_token(river: River, settings: Settings, scopes: set[str]) -> None:
    """Let Calendly's token have these scopes only."""
    river.calendly.add_token("narrow", scopes=" ".join(sorted(scopes)))
    settings.CALENDLY_ACCESS_TOKEN = "narrow"
    Connection.objects.update(scopes=sorted(scopes))


def test_a_scope_that_is_missing_is_named_with_what_needs_it(well: River, settings: Settings) -> None:
    use_token(well, settings, ALL_SCOPES - {"event_types:read"})

    only("scopes", Level.BAD, "“Event types for the mapping” needs the scope event_types:read")


def test_a_scope_that_one_may_do_without_is_a_note(well: River, settings: Settings) -> None:
    use_token(well, settings, {*ALL_SCOPES, "scheduled_events:read"} - {"scheduled_events:write"})

    assert not wrong()
    assert {line.finding.level for line in examined().lines if line.check == "scopes"} == {Level.NOTE}


def test_what_is_switched_on_needs_scopes_of_its_own(well: River, settings: Settings) -> None:
    use_token(well, settings, ALL_SCOPES)
    assert not wrong()
    BookingPage.objects.create(connection=well.connection, slug="meet", title="Meet us")
    only("scopes", Level.BAD, "availability:read")
    BookingPage.objects.all().delete()
    LinkRun.objects.create(connection=well.connection, event_type="x", attribute="LINK", asked_at=timezone.now())

    only("scopes", Level.BAD, "scheduling_links:write")


def test_a_role_that_was_taken_away(well: River) -> None:
    well.calendly.set_role("user")

    assert wrong()["role"] == (
        Level.WARN,
        "The Calendly user's role is “user” now, which the subscription doesn't fit.",
    )


def test_a_plain_member_sees_their_own_bookings_which_is_a_note(well: River) -> None:
    well.calendly.state.subscriptions.clear()  # an owner's, which a plain member may neither see nor replace
    well.calendly.set_role("user")
    well.connect()

    assert not wrong()
    assert line_of("role").finding.level is Level.NOTE


def test_no_signing_key(well: River, settings: Settings) -> None:
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    only("signing_key", Level.BAD, "every delivery is refused")


def test_a_subscription_that_was_never_made(well: River) -> None:
    Connection.objects.update(subscription="")

    only("subscription", Level.BAD, "no webhook subscription")


def test_a_subscription_that_was_deleted(well: River) -> None:
    well.calendly.state.subscriptions.clear()

    only("subscription", Level.BAD, "deleted")


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"state": "disabled"}, Level.BAD, "switched our subscription off"),
        ({"callback_url": "https://elsewhere.example/webhooks/calendly"}, Level.BAD, "another address"),
        ({"retry_started_at": "2099-01-01T00:00:00.000000Z"}, Level.WARN, "can't deliver"),
        ({"events": ["invitee.created"]}, Level.WARN, "no-shows"),
    ],
)
def test_a_subscription_that_is_not_as_it_should_be(
    well: River, changes: dict[str, Any], level: Level, words: str
) -> None:
    change_subscription(well, **changes)

    only("subscription", level, words)


def add_subscription(river: River, callback_url: str) -> None:
    """Let a second subscription be there at Calendly."""
    ((uri, row),) = river.calendly.state.subscriptions.items()
    river.calendly.state.subscriptions[f"{uri}2"] = {**row, "uri": f"{uri}2", "callback_url": callback_url}


def test_two_subscriptions_that_post_to_us(well: River) -> None:
    add_subscription(well, f"{subscription.callback_url(well.connection)}/")

    only("rivals", Level.WARN, "2 subscriptions")


def test_a_former_connector_that_still_hears_of_bookings_is_a_note(well: River) -> None:
    add_subscription(well, "https://old.example/hook?secret=1")

    assert not wrong()
    assert line_of("rivals").finding.words == "Calendly also delivers to old.example."


def test_two_connections_of_the_same_accounts(well: River) -> None:
    row = well.connection
    Connection.objects.create(
        name="Twin", brevo_account=well.account, organization=row.organization, state="connected", is_active=True
    )

    found = [line for line in examined(is_offline=True).wrong if line.check == "twins"]

    assert {line.subject for line in found} == {"Twin", row.name}
    assert "each mail twice" in found[0].finding.words


# -- Brevo ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switches", "words"),
    [
        ({"dead_key": True}, accounts.DEAD_KEY),
        ({"unknown_ip": "198.51.100.7"}, "198.51.100.7"),
        ({"not_enough_credits": True}, "no credits"),
        ({"forbidden": True}, "may not do this"),
    ],
)
def test_brevo_refuses_the_account(well: River, switches: dict[str, Any], words: str) -> None:
    well.brevo.settings.update(switches)

    only("key", Level.BAD, words)
    assert not well.account.is_paused


def test_no_brevo_key(well: River, settings: Settings) -> None:
    settings.BREVO_API_KEY = ""

    only("key", Level.BAD, "There is no Brevo key")


def test_a_key_of_another_account(well: River) -> None:
    BrevoAccount.objects.update(organization_id="another")

    only("key", Level.BAD, "another account")


@pytest.mark.parametrize(
    ("fault", "level", "symptom"),
    [
        ({"status": 429, "headers": {"x-sib-ratelimit-reset": "900"}}, Level.WARN, Symptom.TOO_MANY),
        ({"status": 503}, Level.BAD, Symptom.NOTHING_WRITTEN),
    ],
)
def test_brevo_is_not_reached(well: River, fault: dict[str, Any], level: Level, symptom: Symptom) -> None:
    well.break_brevo("status", method="GET", times=None, **fault)

    only("key", level, str(fault["status"]))
    assert line_of("key").finding.symptom is symptom


def test_a_paused_account(well: River) -> None:
    accounts.pause_for_staff(well.account, by="anna", why="A test")

    only("paused", Level.BAD, "Paused by anna: A test")


def told_account(river: River, **changes: Any) -> None:
    """Let Brevo tell other things of its account."""
    body: dict[str, Any] = {"organization_id": river.account.organization_id, "email": "a@example.com", "plan": []}
    body |= {"companyName": "Sandbox", "marketingAutomation": {"enabled": True}, **changes}
    river.break_brevo("status", "/account", method="GET", times=None, status=200, body=body)


def test_marketing_automation_that_is_off(well: River) -> None:
    told_account(well, marketingAutomation={"enabled": False})

    only("automation", Level.WARN, "start nothing")


def test_credits_that_are_used_up_and_those_for_sms_do_not_count(well: River) -> None:
    plans = [
        {"type": "free", "credits": 0, "creditsType": "sendLimit"},
        {"type": "sms", "credits": 9, "creditsType": "sendLimit"},
    ]
    told_account(well, plan=plans)

    only("credit", Level.WARN, "No e-mail credits")


def test_a_long_wait_that_brevo_asked_for(well: River) -> None:
    limits.block(well.account.pk, "other", seconds=1800)

    only("pace", Level.WARN, "30 minutes")


def test_news_of_unsubscriptions_that_stopped(well: River) -> None:
    BrevoAccount.objects.update(webhook_id=None)
    only("news", Level.WARN, "its webhook is gone")
    BrevoAccount.objects.update(webhook_secret="")

    assert not wrong()
    assert line_of("news").finding.level is Level.NOTE


# -- Mapping ----------------------------------------------------------------------------------------------------


def test_an_attribute_that_was_deleted(well: River) -> None:
    del well.brevo.state.attributes["MEETING_DATE"]

    only("fields", Level.WARN, "no attribute MEETING_DATE")
    assert line_of("fields", is_offline=True).finding.level is Level.GOOD  # as it was read last


def test_an_attribute_of_another_type(well: River) -> None:
    well.add_attribute("NUMBER", type="float")
    well.map_field("status", "NUMBER")

    only("fields", Level.WARN, "“float”")


def test_a_question_that_was_renamed(well: River) -> None:
    EventType.objects.update(questions=["Your company?"], is_active=True)
    FieldMapping.objects.filter(source__startswith="answer:").delete()
    well.map_field("answer:Company", "COMPANY")

    only("questions", Level.WARN, "asked no longer")
    assert "Your company?" in line_of("questions").finding.remedy


def test_a_list_that_was_deleted(well: River) -> None:
    well.brevo.state.lists.clear()

    only("lists", Level.BAD, "#")
    assert line_of("lists", is_offline=True).finding.level is Level.GOOD


def test_an_event_type_that_is_gone(well: River) -> None:
    TriggerMapping.objects.create(connection=well.connection, event_type="https://x.example/gone", trigger="booked")

    only("lists", Level.WARN, "1 event types")


def test_an_event_name_that_brevo_refuses(well: River) -> None:
    TriggerMapping.objects.update(event_name="Å!")

    only("event_names", Level.BAD, "Å!")


def test_a_consent_rule_that_lacks_its_answer(well: River) -> None:
    ConsentRule.objects.create(connection=well.connection, mode="answer", question="May we write?")

    only("consent", Level.WARN, "nobody joins")


def test_event_types_that_nobody_mapped_are_a_note(well: River) -> None:
    EventType.objects.update(is_ignored=False, is_active=True, decided_name="")

    assert not wrong()
    assert line_of("undecided").finding.level is Level.NOTE


# -- What flows -------------------------------------------------------------------------------------------------


def test_an_unusual_silence(well: River) -> None:
    Connection.objects.update(is_silent=True)

    only("arrives", Level.WARN, "quiet")


@pytest.mark.parametrize("is_active", [True, False])
def test_nothing_that_ever_arrived_is_a_note(well: River, is_active: bool) -> None:
    WebhookDelivery.objects.all().delete()
    Connection.objects.update(is_active=is_active)

    assert not wrong()
    assert line_of("arrives").finding.level is Level.NOTE


@pytest.mark.parametrize(("minutes", "level"), [(10, Level.WARN), (40, Level.BAD)])
def test_a_delivery_that_nobody_takes_in(well: River, minutes: int, level: Level) -> None:
    WebhookDelivery.objects.update(state="stored", received_at=timezone.now() - timedelta(minutes=minutes))

    only("taken_in", level, f"for {minutes} minutes")


def test_a_delivery_that_was_left_behind(well: River) -> None:
    WebhookDelivery.objects.update(state="malformed", reason="No invitee.")

    assert [line.finding.words for line in examined().wrong] == ["Deliveries that weren't taken in: 1."]


@pytest.mark.parametrize(("hours", "level"), [(0.5, Level.WARN), (3, Level.BAD)])
def test_a_step_that_waits(well: River, hours: float, level: Level) -> None:
    SyncLogEntry.objects.update(state="waiting", created_at=timezone.now() - timedelta(hours=hours))

    only("written", level, f"for {round(hours * 60)} minutes")


@pytest.mark.parametrize(
    ("changes", "words", "symptom"),
    [
        ({"cause": "attribute_missing:ROLE"}, "The attribute ROLE is missing", Symptom.MISSING_ANSWERS),
        ({"cause": "lists_refused", "state": "failed"}, "refused a list", Symptom.NOT_ON_LIST),
        ({"state": "failed"}, "another reason", Symptom.NOTHING_WRITTEN),
    ],
)
def test_what_failed_or_was_left_out(well: River, changes: dict[str, str], words: str, symptom: Symptom) -> None:
    SyncLogEntry.objects.filter(pk=SyncLogEntry.objects.latest("pk").pk).update(**changes)

    only("causes", Level.WARN, words)
    assert line_of("causes").finding.symptom is symptom
    assert line_of("causes").finding.place == Place(page=Page.REPAIR)


# -- Time -------------------------------------------------------------------------------------------------------


def test_a_visit_ends_in_time_when_nobody_answers(well: River, monkeypatch: pytest.MonkeyPatch) -> None:
    well.break_calendly("timeout", seconds=3, times=None)
    well.break_brevo("timeout", method="", seconds=3, times=None)
    begun = time.monotonic()

    found = wrong(seconds=2.0)

    assert time.monotonic() - begun < 2.5
    assert {"key", "token"} == found.keys()


def test_without_any_time_nothing_is_called_wrong(well: River) -> None:
    report = examined(seconds=0.0)

    assert not report.wrong
    assert line_of("token", seconds=0.0).finding.level is Level.UNKNOWN


# -- The command ------------------------------------------------------------------------------------------------


def call(*arguments: str, status: int = 0) -> str:
    """Return what the command says; it has to end with this status."""
    out, ended = StringIO(), 0
    try:
        call_command("calendly_doctor", *arguments, stdout=out)
    except SystemExit as left:
        ended = int(str(left.code))
    except CommandError as failed:
        ended = failed.returncode
        out.write(str(failed))
    assert ended == status
    return out.getvalue()


def test_the_command_says_that_all_is_well_without_colours(well: River) -> None:
    said = call()

    assert said.endswith("All is well.\n")
    assert "  ok" in said
    assert "\x1b" not in said


def test_the_command_names_remedy_and_manual_and_fails(well: River, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = "dead"

    said = call(status=1)

    assert "BAD  Calendly doesn't accept the access token any more (401)" in said
    assert "docs/repair.md#401-from-calendly" in " ".join(said.split())
    assert said.endswith("1 to mend.\n")


def test_the_command_reports_as_json(well: River, settings: Settings) -> None:
    settings.DEBUG = True

    told = json.loads(call("--json", "--offline", "--connection", well.connection.name, status=1))

    assert (told["is_well"], told["worst"], told["is_offline"]) == (False, "bad", True)
    (found,) = [each for each in told["findings"] if each["level"] == "bad"]
    assert (found["group"], found["check"], found["subject"]) == ("installation", "debug", "")
    assert found["remedy"].startswith("Set DEBUG=false")
    assert found["see"] == "docs/repair.md#the-installation-itself"


@pytest.mark.parametrize("arguments", [("--connection", "nobody"), ("--symptom", "no such thing")])
def test_wrong_usage_has_a_status_of_its_own(well: River, arguments: tuple[str, ...]) -> None:
    call(*arguments, status=2)


def test_the_command_tells_what_the_manual_says_of_a_symptom(db: None) -> None:
    said = call("--symptom", "401")

    assert said.count("## 401 from") == 2
    assert "Wrong scope" not in said
