"""Alive and ready: what load balancers ask. Cheap, and in words when something is wrong."""

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.models import Schedule
from calendly_connector.web import health

NOW = "2026-11-28 10:00:00+00:00"
NEWEST = ("calendly_connector", "9999_newest")


@pytest.fixture
def newest(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the code know a migration more than there is, whichever way the tests' database was made."""
    monkeypatch.setattr(health, "_newest_migrations", lambda: frozenset([NEWEST]))
    with database.cursor() as cursor:  # a database made without migrations hasn't their table
        cursor.execute("CREATE TABLE IF NOT EXISTS django_migrations (id integer, app text, name text, applied text)")


@pytest.mark.parametrize("address", ["/health/live", "/health/live/", "/health/ready", "/health/ready/"])
def test_all_is_well(db: None, address: str) -> None:
    response = Client().get(address)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_waits_for_the_newest_migration(newest: None) -> None:
    before = Client().get("/health/ready")
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (id, app, name, applied) VALUES (9999, %s, %s, %s)", [*NEWEST, NOW]
        )
    after = Client().get("/health/ready")

    assert (before.status_code, before.json()["status"]) == (503, health.MIGRATE)
    assert after.status_code == 200


def test_the_newest_migrations_are_those_of_the_code(settings: Settings) -> None:
    settings.MIGRATION_MODULES = {}
    health._newest_migrations.cache_clear()

    found = dict(health._newest_migrations())
    health._newest_migrations.cache_clear()

    assert found["calendly_connector"] >= "0022"
    assert found.keys() >= {"auth", "sessions", "admin"}


def test_ready_costs_two_small_queries(newest: None) -> None:
    Client().get("/health/ready")
    with CaptureQueriesContext(database) as asked:
        Client().get("/health/ready")

    assert len(asked) == 2


def test_without_a_database_it_is_alive_but_not_ready(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("connection refused by 10.0.0.5, password swordfish")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", refuse)
        alive = Client().get("/health/live")
        response = Client().get("/health/ready")

    assert alive.status_code == 200
    assert (response.status_code, response.json()) == (503, {"status": health.NO_DATABASE})


def test_a_dead_worker_makes_nobody_unready(db: None) -> None:
    Schedule.objects.create(name="sweep", every_seconds=15, next_run_at=timezone.now())

    assert Client().get("/health/ready").status_code == 200


@pytest.mark.parametrize("address", ["/health/live", "/health/ready"])
def test_only_reading_is_possible(db: None, address: str) -> None:
    assert Client().post(address).status_code == 405
