"""The secrets that test_no_secrets.py plants, looked for in all that an installation tells: every address, the metrics,
what commands print, personal links, debug records, the trail of a log, a backup, a report to Sentry."""

import logging
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from structlog import contextvars

from calendly_connector.models import DebugRecord, Person, SchedulingLink, StaffLogin
from calendly_connector.services import debug, keep_alive, second_factor
from project import backup, logs, sentry
from tests.login import walk
from tests.test_no_secrets import Planted, deliver, planted
from tests.test_trail import console

__all__ = ["planted"]


def deliver_a_booking(planted: Planted) -> None:
    """Let somebody book, and do all the work."""
    planted.river.calendly.book(event_type="Demo", email="nadia@example.com", name="Nadia Benali")
    deliver(planted.river)
    planted.river.work()


def test_no_address_of_the_project_tells_one(planted: Planted) -> None:
    walk.make_world()
    deliver_a_booking(planted)
    browser, user = walk.person("superuser")
    assert user is not None
    program, token = Client(raise_request_exception=False), walk.token_of(user)
    opened = 0

    for route in walk.routes():
        is_api = route.startswith("api/")
        headers = {"Authorization": f"Bearer {token}"} if is_api else {}
        answer = (program if is_api else browser).get(walk.address_of(route), headers=headers)
        assert answer.status_code != 500, route
        told = b"".join(answer) if answer.streaming else answer.content
        assert planted.found_in(f"{told.decode(errors='replace')} {answer.headers}") == set(), route
        opened += answer.status_code == 200
        if "logout" in route:
            browser.force_login(user)

    assert opened > 100


def test_the_api_tells_none_of_a_person(planted: Planted) -> None:
    deliver_a_booking(planted)
    number = Person.objects.get(connection=planted.river.connection).pk
    client, headers = Client(), {"Authorization": f"Bearer {planted.api_token}"}

    for path in ("people", f"people/{number}?brevo=true", f"people/{number}/export", "schema"):
        answer = client.get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 200, answer.content
        assert planted.found_in(answer.content.decode()) == set()
    wrong = client.get("/api/v1/people", headers={"Authorization": f"Bearer {planted.api_token[:-1]}"})
    assert wrong.status_code == 401
    assert planted.found_in(wrong.content.decode()) == set()


def test_the_metrics_tell_none(planted: Planted) -> None:
    deliver_a_booking(planted)

    open_, closed = (
        Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
        for token in ("planted-metrics-token-7e6f5a4b3c2d", "wrong")
    )

    assert (open_.status_code, closed.status_code) == (200, 403)
    assert b"calendly_connector_" in open_.content
    assert planted.found_in(f"{open_.content.decode()}{closed.content.decode()}") == set()


COMMANDS = (
    ("calendly_doctor",),
    ("calendly_doctor", "--json"),
    ("calendly_connect", "--json"),
    ("calendly_subscribe", "--json"),
    ("calendly_config", "export", "--connection", "Paris"),
    ("calendly_links", "--event-type", "Demo", "--email", "nadia@example.com", "--yes", "--connection", "Paris"),
    ("calendly_person", "show", "nadia@example.com", "--json"),
    ("calendly_person", "export", "nadia@example.com"),
    ("calendly_rotate_keys", "--dry-run", "--json"),
    ("calendly_restored", "--dry-run", "--json"),
    ("calendly_purge", "--dry-run", "--json"),
    ("calendly_worker", "--jobs"),
)


def test_no_command_prints_one(planted: Planted) -> None:
    deliver_a_booking(planted)
    for command in COMMANDS:
        said = StringIO()
        try:
            call_command(*command, stdout=said, stderr=said)
        except (CommandError, SystemExit) as ended:  # the doctor finds an account without a good key
            said.write(str(ended))
        assert len(said.getvalue()) > 20, command
        assert planted.found_in(said.getvalue()) == set(), command


def test_a_personal_link_holds_none(planted: Planted) -> None:
    call_command("calendly_links", event_type="Demo", email="nadia@example.com", yes=True, connection="Paris")

    link = SchedulingLink.objects.get()

    assert link.url.startswith("https://")
    assert planted.found_in(f"{vars(link)}") == set()


def test_debug_mode_keeps_none(planted: Planted) -> None:
    for connection in (planted.river.connection, planted.paris, planted.lyon):
        debug.switch(connection, is_on=True)
    deliver_a_booking(planted)
    keep_alive.keep_alive()

    kept = "\n".join(f"{vars(row)}" for row in DebugRecord.objects.all())

    assert DebugRecord.objects.count() > 5
    assert planted.found_in(kept) == set()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_of_the_trail_tells_one(planted: Planted, form: str) -> None:
    root, text = logging.getLogger(), StringIO()
    handler, level = logging.StreamHandler(text), root.level
    handler.filters, handler.formatter = console().filters, logs.formatter(form)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        deliver_a_booking(planted)
        with contextvars.bound_contextvars(delivery=7):
            for value in planted.values:
                logging.getLogger("calendly_connector").warning("Using %s", value, extra={"value": value})
    finally:
        root.setLevel(level)
        root.removeHandler(handler)

    assert "POST /contacts" in text.getvalue()
    assert planted.found_in(text.getvalue()) == set()


def test_no_report_to_sentry_holds_one(planted: Planted) -> None:
    for value in planted.values:
        frames = [{"vars": {"innocent": value}, "context_line": f"call({value})"}]
        report = {
            "exception": {"values": [{"value": f"cannot use {value}", "stacktrace": {"frames": frames}}]},
            **{"request": {"headers": {"X": value}}, "breadcrumbs": [value], "extra": {"x": value}},
            "logentry": {"message": "using %s", "params": [value]},
        }

        sent = sentry.cleaned(report, {})

        assert "cannot use" in str(sent)
        assert planted.found_in(str(sent)) == set()


def test_a_stolen_backup_tells_none(planted: Planted, tmp_path: Path) -> None:
    second_factor.start(User.objects.create_user("ole", is_staff=True))
    deliver_a_booking(planted)

    backup.back_up(database.settings_dict, target := tmp_path / "backup")

    assert StaffLogin.objects.count() == 3
    told = contents(target)
    assert "nadia@example.com" in told  # it can be read, so keep it safe; its secrets can't
    assert planted.found_in(told) == set()


def contents(target: Path) -> str:
    """Return everything that somebody without the keys reads in a backup."""
    if database.vendor == "sqlite":
        return target.read_bytes().decode("latin-1")
    done = subprocess.run(["pg_restore", "--file", "-", str(target)], capture_output=True, text=True, check=True)
    return done.stdout
