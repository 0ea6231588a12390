"""/metrics: right whatever processes there are, cheap however many rows, and closed to strangers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from calendly_connector.models import BrevoAccount, Connection, Job, Schedule, SyncLogEntry, Tally, WebhookDelivery
from calendly_connector.services import arrivals, journal, metrics, metrics_sql, queue, schedule, tally
from calendly_connector.tasks import SCHEDULES
from tests.admin.rows import make_some_of_everything
from tests.journeys.river import River

BASE = Path(__file__).resolve().parents[2]
MOST_QUERIES = 13
SMALL_OR_ONE_END = ("delivery_received_at", "delivery_oldest_waiting", "delivery_left_behind", "delivery_waiting")
"""Indexes of few rows, or of which the last row alone is read."""

BIG = ("webhookdelivery", "synclogentry", "job", "booking", "person", "statuschange", "ratelimit", "dailyfigure")


@pytest.fixture
def river(running_sandbox: Any, settings: Settings, transactional_db: None) -> Iterator[River]:
    """Return a connected installation."""
    found = River(running_sandbox, settings)
    found.connect()
    yield found
    running_sandbox.reset()


def scrape(client: Client | None = None, **options: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """Return every sample, as Prometheus reads it: name → values of the labels → value."""
    response = (client or Client()).get("/metrics", **options)
    assert response.status_code == 200, response.content
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.content.decode()):
        labels = metrics.METRICS[family.name.removeprefix(metrics.PREFIX)].labels
        for sample in family.samples:
            key = tuple(sample.labels[name] for name in labels)
            found.setdefault(sample.name.removeprefix(metrics.PREFIX), {})[key] = sample.value
    return found


def deliver_one(river: River, name: str = "nadia") -> None:
    river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name.title())
    river.deliver()


# -- What it says -----------------------------------------------------------------------------------------------


def test_a_booking_is_seen_from_its_arrival_to_its_outcome(river: River) -> None:
    schedule.install(SCHEDULES)
    river.work()  # the repeating work runs
    key = (str(river.connection.pk),)
    assert scrape()["deliveries_received_total"][key] == 0

    deliver_one(river)
    before = scrape()
    river.work()
    after = scrape()

    assert before["deliveries_received_total"][key] == after["deliveries_received_total"][key] == 1
    assert (before["deliveries_waiting"][()], after["deliveries_waiting"][()]) == (1, 0)
    assert before["delivery_lag_seconds"][()] > 0 == after["delivery_lag_seconds"][()]
    assert before["last_delivery_timestamp_seconds"][()] == pytest.approx(time.time(), abs=60)
    assert after["outcomes_total"]["contact", "done", "none"] == 1
    assert after["outcomes_total"]["event", "done", "none"] == 1
    assert after["api_calls_total"]["Brevo", "2xx"] >= 2
    assert after["api_calls_total"]["Calendly", "2xx"] >= 2
    assert after["worker_last_seen_timestamp_seconds"][()] == pytest.approx(time.time(), abs=60)
    assert after["schedule_last_run_timestamp_seconds"].keys() <= {(name,) for name in SCHEDULES}


def test_failures_are_told_by_cause_and_calls_by_status(river: River) -> None:
    river.break_brevo("status", "/events", status=400, body={"code": "invalid_parameter", "message": "no"})
    deliver_one(river)
    river.work()

    found = scrape()

    assert found["outcomes_total"]["event", "failed", "event_refused"] == 1
    assert found["steps_failed"][("event_refused",)] == 1
    assert found["api_calls_total"]["Brevo", "4xx"] == 1


def test_a_call_without_an_answer_and_a_rate_limit_are_told_apart(river: River) -> None:
    river.break_brevo("reset", "/contacts", times=1)
    deliver_one(river)
    river.work()
    river.mend()
    river.break_brevo("status", "/contacts", times=1, status=429, body={})
    river.hurry()
    river.work()

    found = scrape()

    assert found["api_calls_total"]["Brevo", "none"] == found["api_calls_total"]["Brevo", "429"] == 1
    assert found["api_blocked_seconds"][str(river.account.pk), "contacts"] > 0


def test_the_remaining_limits_are_what_the_services_said(river: River) -> None:
    river.brevo.limits.enabled = True
    deliver_one(river)
    river.work()

    found = scrape()["api_remaining_calls"]

    assert 0 <= found["Brevo", str(river.account.pk), "contacts"] <= 36_000
    assert 0 < found["Calendly", str(river.connection.pk), "all"] <= 500


def test_refused_deliveries_are_counted_by_door_and_reason(river: River) -> None:
    assert river.post_raw(b"{}", "t=1,v1=abc") == 403
    assert river.post_raw(b"x" * 1_048_577, "t=1,v1=abc") == 413
    assert river.post_raw(b"[]", "", path=f"/webhooks/brevo/{river.account.webhook_token}") == 403

    found = scrape()["deliveries_refused_total"]

    assert found == {("calendly", "signature"): 1, ("calendly", "too_large"): 1, ("brevo", "token"): 1}


def test_trouble_with_accounts_and_connections_is_told(db: None) -> None:
    make_some_of_everything(2)
    one, *_ = Connection.objects.order_by("pk")
    Connection.objects.filter(pk=one.pk).update(
        state="reconnect", subscription_state="disabled", is_silent=True, token_expires_at=timezone.now()
    )
    BrevoAccount.objects.filter(pk=one.brevo_account_id).update(state="paused")

    found, key = scrape(), (str(one.pk),)

    assert found["connection_needs_reconnect"][key] == found["connection_subscription_dead"][key] == 1
    assert found["connection_silent"][key] == 1
    assert found["connection_token_expires_timestamp_seconds"][key] == pytest.approx(time.time(), abs=60)
    assert found["account_paused"][(str(one.brevo_account_id),)] == 1


def test_waiting_jobs_are_told_by_kind_with_the_age_of_the_oldest(db: None) -> None:
    queue.enqueue("push", 1, delay=-300)
    queue.enqueue("push", 2, delay=300)  # not due
    queue.enqueue("take_in", 1)

    found = scrape()

    assert found["jobs_waiting"] == {("push",): 1, ("take_in",): 1}
    assert found["jobs_oldest_seconds"][("push",)] == pytest.approx(300, abs=30)


def test_repeating_work_that_failed_says_so(db: None) -> None:
    schedule.install(SCHEDULES)
    schedule.note_result("watch", f"{schedule.FAILED} Calendly is away")
    schedule.note_result("prune", "0 rows")

    found = scrape()

    assert (found["schedule_failed"][("watch",)], found["schedule_failed"][("prune",)]) == (1, 0)
    assert found["schedule_interval_seconds"][("watch",)] == SCHEDULES["watch"]


# -- Counters stay right ----------------------------------------------------------------------------------------


def test_what_was_received_stays_counted_when_deliveries_are_deleted(river: River) -> None:
    deliver_one(river)
    deliver_one(river, "bram")
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(minutes=5))

    arrivals.advance()
    arrivals.advance()
    WebhookDelivery.objects.all().delete()
    deliver_one(river, "carl")

    assert scrape()["deliveries_received_total"] == {(str(river.connection.pk),): 3}


PROCESS = """
import django; django.setup()
from calendly_connector.services import tally
for _ in range(50):
    for name in ("a", "b", "c"):
        tally.count("outcomes", "contact", name, "none")
    tally.write()
"""


def test_many_processes_count_into_the_same_totals(database_url: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url}
    command = [sys.executable, "-c", PROCESS]
    processes = [subprocess.Popen(command, cwd=BASE, env=environment, stdin=subprocess.DEVNULL) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]

    found = scrape()["outcomes_total"]
    assert found == {("contact", name, "none"): 150 for name in "abc"}


def test_what_can_not_be_written_is_kept(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tally.write()
    tally.count("api_calls", "Brevo", "2xx")
    with monkeypatch.context() as patch:
        patch.setattr(tally, "UPSERT", "INSERT INTO nowhere VALUES {rows} -- {value}")
        tally.write()

    tally.write()

    assert Tally.objects.get(pk="api_calls|Brevo|2xx").value == 1


def test_an_outcome_that_is_rolled_back_is_not_counted(river: River) -> None:
    deliver_one(river)
    river.work()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        journal.done(river.log(kind="contact"))
        raise ZeroDivisionError

    assert scrape()["outcomes_total"]["contact", "done", "none"] == 1


# -- What it costs ----------------------------------------------------------------------------------------------


def test_a_scrape_costs_the_same_queries_however_much_there_is(db: None) -> None:
    make_some_of_everything(1)
    arrivals.advance()
    schedule.install(SCHEDULES)
    with CaptureQueriesContext(database) as few:
        scrape()
    make_some_of_everything(12)
    with CaptureQueriesContext(database) as many:
        scrape()

    assert len(few) == len(many) <= MOST_QUERIES


def test_no_scrape_walks_through_a_big_table(db: None) -> None:
    make_some_of_everything(3)
    arrivals.advance()
    with CaptureQueriesContext(database) as asked:
        scrape()
    statements = [each["sql"] for each in asked if each["sql"].lstrip().upper().startswith("SELECT")]
    if database.vendor == "postgresql":  # with tables as small as these it would rather read them whole
        with database.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")

    walks = [line for statement in statements for line in plan_of(statement) if is_walk(line)]

    assert len(statements) > 8
    assert walks == []


def plan_of(statement: str) -> list[str]:
    explain = "EXPLAIN" if database.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with database.cursor() as cursor:
        cursor.execute(f"{explain} {statement}".replace("%", "%%"), [])
        return [str(row[-1]) for row in cursor.fetchall()]


def is_walk(line: str) -> bool:
    """Return whether a line of a plan reads a whole big table, or the whole of an index that holds all its rows."""
    about = next((name for name in BIG if f"calendly_connector_{name}" in line), "")
    if database.vendor == "postgresql":
        return bool(about) and "Seq Scan" in line
    whole = line.startswith("SCAN calendly_connector_")
    return bool(about) and whole and not any(index in line for index in SMALL_OR_ONE_END)


def test_counting_ends_at_the_cap(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make_some_of_everything(1)
    row = WebhookDelivery.objects.first()
    assert row
    copies = [
        WebhookDelivery(connection=row.connection, digest=bytes([n]), body=b"", received_at=timezone.now())
        for n in range(20)
    ]
    WebhookDelivery.objects.bulk_create(copies)
    monkeypatch.setattr(metrics_sql, "DELIVERIES", metrics_sql.DELIVERIES.replace(str(metrics_sql.CAP), "7"))

    assert scrape()["deliveries_waiting"][()] == 7


# -- Who may see it, and what it doesn't tell --------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/metrics", "/metrics/"])
def test_this_machine_may_ask_without_a_token(db: None, address: str) -> None:
    response = Client().get(address)

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": "10.0.0.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "203.0.113.9"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
)
def test_nobody_else_may_ask_without_a_token(db: None, headers: dict[str, str]) -> None:
    response = Client().get("/metrics", **headers)  # type: ignore[arg-type]

    assert response.status_code == 403
    assert "METRICS_TOKEN" in response.content.decode()


def test_with_a_token_only_the_token_counts(db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-token-for-the-scraper"
    far = {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}

    statuses = [
        Client().get("/metrics", headers={"Authorization": given} if given else {}, **far).status_code  # type: ignore[arg-type]
        for given in ("Bearer a-token-for-the-scraper", "Bearer another", "Basic a-token-for-the-scraper", "")
    ]

    assert statuses == [200, 403, 403, 403]
    assert Client().get("/metrics").status_code == 403  # a proxy on this machine counts as this machine


def test_over_https_a_scraper_on_this_machine_is_not_sent_elsewhere(db: None, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/metrics").status_code == 200


def test_only_reading_is_possible(db: None) -> None:
    assert Client().post("/metrics").status_code == 405


def test_no_person_and_no_name_is_told(river: River) -> None:
    Connection.objects.update(name="Sales of nadia@example.com")
    deliver_one(river)
    river.work()
    SyncLogEntry.objects.update(state="failed", cause="unfit:COMPANY of Nadia")
    Job.objects.create(kind="push", dedupe_key="x", run_after=timezone.now(), last_error="nadia@example.com")
    Schedule.objects.update(last_result="nadia@example.com")

    text = Client().get("/metrics").content.decode()

    assert "@" not in text
    assert "adia" not in text
    assert 'steps_failed{cause="unfit"}' in text
