"""What /metrics tells: read from the database when somebody asks, so it is right whatever processes there are.

A dozen queries, none of which walks through a big table. What may be many is counted up to CAP; what only grows is a
running total (services.tally, services.arrivals), so a million rows are never counted.
"""

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import django
from django.db import connection as database
from django.utils import timezone

from calendly_connector.clients import VERSION
from calendly_connector.models import BrevoAccount, Connection, Notice, RateLimit, Schedule, Tally
from calendly_connector.services import arrivals, journal, limits, metrics_sql, schedule, tally
from calendly_connector.services import connection as connections

PREFIX = "calendly_connector_"
HEARTBEAT = "sweep"  # the repeating work that a worker does most often: as long as it runs, there is a worker

Sample = tuple[tuple[str, ...], float]
"""The values of a metric's labels, and its own."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: what it is for, and the names of its labels. A counter only grows."""

    help: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


METRICS = {
    "build_info": Metric(help="Always 1.", labels=("version", "django", "python", "database")),
    "deliveries_received": Metric(help="Stored webhooks of Calendly's.", labels=("connection",), is_counter=True),
    "deliveries_refused": Metric(
        help="Webhooks that were not believed or were too large.", labels=("door", "reason"), is_counter=True
    ),
    "deliveries_waiting": Metric(help=f"Stored and not taken in yet, up to {metrics_sql.CAP}."),
    "delivery_lag_seconds": Metric(help="Age of the oldest delivery that isn't taken in yet; 0: none waits."),
    "deliveries_left_behind": Metric(help=f"Can't be read, or given up, up to {metrics_sql.CAP}."),
    "last_delivery_timestamp_seconds": Metric(help="When Calendly last posted something that was new."),
    "jobs_waiting": Metric(help=f"Jobs that are due, up to {metrics_sql.CAP}.", labels=("kind",)),
    "jobs_oldest_seconds": Metric(help="For how long the oldest job that is due has been due.", labels=("kind",)),
    "jobs_running": Metric(help="Jobs in a worker's hands.", labels=("kind",)),
    "jobs_given_up": Metric(help=f"Jobs that failed too often, up to {metrics_sql.CAP}.", labels=("kind",)),
    "steps_open": Metric(help=f"Steps for Brevo that aren't settled, up to {metrics_sql.CAP}.", labels=("state",)),
    "steps_oldest_seconds": Metric(help="Age of the oldest of them.", labels=("state",)),
    "steps_failed": Metric(
        help=f"Steps that failed and still wait for staff: the newest {metrics_sql.CAP} by cause.", labels=("cause",)
    ),
    "outcomes": Metric(help="What became of steps for Brevo.", labels=("kind", "outcome", "cause"), is_counter=True),
    "api_calls": Metric(
        help="Calls to the two services by status (none: no answer came).",
        labels=("service", "status"),
        is_counter=True,
    ),
    "api_remaining_calls": Metric(
        help="Calls that a service said are left, when it was last asked.", labels=("service", "account", "bucket")
    ),
    "api_remaining_told_timestamp_seconds": Metric(help="When it said so.", labels=("service", "account", "bucket")),
    "api_blocked_seconds": Metric(
        help="For how long no call to Brevo may be made, after a 429. A paused account is told by account_paused.",
        labels=("account", "bucket"),
    ),
    "schedule_last_run_timestamp_seconds": Metric(help="When repeating work last ended.", labels=("name",)),
    "schedule_interval_seconds": Metric(help="How often it is to run.", labels=("name",)),
    "schedule_failed": Metric(help="1: its last run failed.", labels=("name",)),
    "worker_last_seen_timestamp_seconds": Metric(help="When any worker last did its most frequent work."),
    "account_paused": Metric(help="1: writing to this Brevo account waits for staff.", labels=("account",)),
    "connection_needs_reconnect": Metric(help="1: Calendly doesn't let it in.", labels=("connection",)),
    "connection_subscription_dead": Metric(help="1: no active webhook subscription.", labels=("connection",)),
    "connection_undeliverable": Metric(help="1: Calendly says that it can't reach us.", labels=("connection",)),
    "connection_silent": Metric(help="1: nothing has come for much longer than usual.", labels=("connection",)),
    "connection_token_expires_timestamp_seconds": Metric(
        help="When its OAuth token ends; refreshed half an hour before.", labels=("connection",)
    ),
    "notices_open": Metric(help="Troubles that staff were told of and that last."),
    "disk_free_bytes": Metric(help="Free where the SQLite file is, or the program when the database is elsewhere."),
    "disk_size_bytes": Metric(help="Size of that disk."),
}
"""Name, without prefix → what it is. Label values are numbers and words of our own, never names or addresses."""


def read() -> dict[str, list[Sample]]:
    """Return the samples of every metric that has any."""
    found: dict[str, list[Sample]] = {}
    for part in PARTS:
        for name, labels, value in part():
            found.setdefault(name, []).append((tuple(map(str, labels)), float(value)))
    return found


Samples = Iterator[tuple[str, tuple[object, ...], float]]


def _build() -> Samples:
    labels = (VERSION, django.get_version(), platform.python_version(), database.vendor)
    yield "build_info", labels, 1


def _tallies() -> Samples:
    """One query for the running totals, and one for what came since the mark of deliveries."""
    mark, received = None, dict[int, float]()
    for key, value, changed_at in Tally.objects.values_list("key", "value", "changed_at"):
        name, *labels = key.split(tally.SEPARATOR)
        if name == arrivals.MARK:
            mark = value
        elif name == arrivals.RECEIVED:
            received[int(labels[0])] = value
        elif name == limits.REMAINING:
            yield "api_remaining_calls", tuple(labels), value
            yield "api_remaining_told_timestamp_seconds", tuple(labels), changed_at
        elif name in (tally.API_CALLS, journal.OUTCOMES, tally.REFUSED):
            yield name, tuple(labels), value
    for number in Connection.objects.order_by("pk").values_list("pk", flat=True) if mark is not None else ():
        received.setdefault(number, 0.0)  # a counter that begins at 0 shows its first increase
    for number, count in arrivals.since(mark).items() if mark is not None else ():
        received[number] = received.get(number, 0) + count
    for number, value in received.items():
        yield arrivals.RECEIVED, (number,), value


def _deliveries() -> Samples:
    """One query."""
    row = metrics_sql.deliveries()
    yield "deliveries_waiting", (), row.waiting
    yield "delivery_lag_seconds", (), _age(row.oldest)
    yield "deliveries_left_behind", (), row.left_behind
    if row.last:
        yield "last_delivery_timestamp_seconds", (), row.last.timestamp()


def _jobs() -> Samples:
    """One query."""
    names = {"ready": "jobs_waiting", "running": "jobs_running", "failed": "jobs_given_up"}
    for state, kind, count, since in metrics_sql.jobs():
        yield names[state], (kind,), count
        if state == "ready":
            yield "jobs_oldest_seconds", (kind,), _age(since)


def _steps() -> Samples:
    """Two queries."""
    rows = {state: (count, since) for state, count, since in metrics_sql.open_steps()}
    for state in journal.OPEN:
        count, since = rows.get(state, (0, None))
        yield "steps_open", (state.value,), count
        yield "steps_oldest_seconds", (state.value,), _age(since)
    for cause, number in metrics_sql.failures().items():
        yield "steps_failed", (cause,), number


def _schedules() -> Samples:
    """One query."""
    for row in Schedule.objects.filter(is_enabled=True).order_by("name"):
        yield "schedule_interval_seconds", (row.name,), row.every_seconds
        yield "schedule_failed", (row.name,), row.last_result.startswith(schedule.FAILED)
        ended = row.last_finished_at or row.last_started_at
        if ended:
            yield "schedule_last_run_timestamp_seconds", (row.name,), ended.timestamp()
        if ended and row.name == HEARTBEAT:
            yield "worker_last_seen_timestamp_seconds", (), ended.timestamp()


def _connections() -> Samples:
    """One query, secrets unread."""
    for row in Connection.objects.filter(is_active=True).order_by("pk").defer(*connections.SECRETS):
        labels, is_connected = (row.pk,), row.state != Connection.State.NEW
        yield "connection_needs_reconnect", labels, row.state == Connection.State.RECONNECT
        yield "connection_subscription_dead", labels, is_connected and row.subscription_state != "active"
        yield "connection_undeliverable", labels, row.retry_started_at is not None
        yield "connection_silent", labels, row.is_silent
        if row.token_expires_at:
            yield "connection_token_expires_timestamp_seconds", labels, row.token_expires_at.timestamp()


def _accounts() -> Samples:
    """Two queries: the accounts, and their rate limits by key (visitors have some in the same table)."""
    states = dict(BrevoAccount.objects.order_by("pk").values_list("pk", "state"))
    now = timezone.now().timestamp()
    for number, state in states.items():
        yield "account_paused", (number,), state == BrevoAccount.State.PAUSED
    keys = {limits.key_of(number, bucket): (number, bucket) for number in states for bucket in limits.INTERVALS}
    rows = RateLimit.objects.filter(pk__in=list(keys)).order_by("pk")
    for key, until in rows.values_list("key", "blocked_until"):
        is_paused = until >= limits.PAUSED
        yield "api_blocked_seconds", keys[key], 0 if is_paused else max(0.0, until - now)


def _notices() -> Samples:
    """One query, of a table with a row per kind of trouble."""
    yield "notices_open", (), Notice.objects.filter(is_open=True).count()


def _disk() -> Samples:
    usage = shutil.disk_usage(_place())
    yield "disk_free_bytes", (), usage.free
    yield "disk_size_bytes", (), usage.total


@cache
def _place() -> Path:
    """Return a folder on the disk that matters."""
    name = Path(str(database.settings_dict["NAME"]))
    is_file = database.vendor == "sqlite" and name.is_file()
    return name.resolve().parent if is_file else Path(__file__).resolve().parent


def _age(since: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since else 0.0


PARTS: tuple[Callable[[], Samples], ...] = (
    *(_build, _tallies, _deliveries, _jobs, _steps, _schedules, _connections, _accounts, _notices, _disk),
)
