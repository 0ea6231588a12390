"""Fills the tables with any number of rows in a few statements: each is a copy of one real row with a few changes."""

from collections.abc import Mapping
from datetime import timedelta

from django.db import connection as database
from django.db.models import Model
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import (
    Booking,
    Connection,
    DailyFigure,
    EventType,
    Person,
    StatusChange,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import figures, schedule
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step

COUNTING = {"today and yesterday": figures.count_recent, "the 90 days before": figures.count_past}
DAYS = 400  # over which the rows are spread
TYPES = 40
BOOKINGS_OF_A_PERSON, BOOKINGS_OF_A_STEP = 4, 10
CONNECTIONS = ("Main", "Second", "Never used")

DIALECTS = {
    "sqlite": {
        "ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', (-({seconds})) || ' seconds')",
        "blob": "randomblob(32)",
    },
    "postgresql": {
        "ago": "now() - ({seconds}) * interval '1 second'",
        "blob": "decode(md5(n.i::text) || md5((n.i + 1)::text), 'hex')",
    },
}
COPY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO {table} ({columns}) SELECT {values} FROM n, {table} t WHERE t.id = {key}
"""


def fill(count: int, *, every: int = BOOKINGS_OF_A_STEP, body: bytes = b"{}") -> None:
    """Fill a database with `count` bookings and status changes, and a log entry and a delivery for `every` so many.

    What was there before is deleted. The newest row has the highest key, as in real life. `body` is what each of the
    deliveries holds.
    """
    _clear()
    first, second = (_connection(name) for name in CONNECTIONS[:2])
    _connection(CONNECTIONS[2])
    schedule.install(tasks.SCHEDULES)
    owner = f"CASE WHEN n.i % 5 = 0 THEN {second.pk} ELSE {first.pk} END"
    add(count, first, owner=owner, every=every, body=body)
    settle()


def settle() -> None:
    """Let PostgreSQL learn what its tables hold, and SQLite bring it from its log to its place: each does by itself
    before long."""
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)")


def add(
    count: int, connection: Connection, *, owner: str = "", every: int = BOOKINGS_OF_A_STEP, body: bytes = b"{}"
) -> None:
    """Add `count` bookings and what belongs to them, copies of a new one of the connection's.

    `owner` is the expression of the connection's key, where that isn't always this one; `every` so many bookings have
    a log entry and a delivery, which holds `body`.
    """
    owner = owner or str(connection.pk)
    booking = make_booking_row(connection)
    _change(booking)
    make_delivery(connection, body, state="processed", processed_at=timezone.now())
    make_step(booking, state="done", sent_at=timezone.now(), settled_at=timezone.now())
    _fill_ledger(count, booking, owner)
    _fill_log(count // every, booking, owner, every)


def _fill_ledger(count: int, booking: Booking, owner: str) -> None:
    ago, soon = _ago(count), _ago(count, timedelta(hours=-36))
    people = count // BOOKINGS_OF_A_PERSON + 1
    _copy(booking.person, people, {"connection_id": owner, "email": "'p' || n.i || '@example.com'"})
    _copy(
        booking,
        count,
        {
            "connection_id": owner,
            "person_id": f"{booking.person_id} + n.i / {BOOKINGS_OF_A_PERSON}",
            "uri": _invitee("n.i"),
            "meeting_uri": "'https://api.calendly.com/scheduled_events/e' || n.i",
            "event_type": f"'{_type(0)[:-1]}' || (n.i % {TYPES})",
            "status": _status(),
            **_where_from(),
            **dict.fromkeys(("booked_at", "updated_at", "created_at"), ago),
            **dict.fromkeys(("start_at", "end_at"), soon),
        },
    )
    change = {"booking_id": f"{booking.pk} + n.i", "status": _status(), "happened_at": ago, "noted_at": ago}
    _copy(StatusChange.objects.latest("pk"), count, change)


def _fill_log(count: int, booking: Booking, owner: str, every: int) -> None:
    """Write two steps of a hundred as failed, one as waiting, and say of each fiftieth what is to be mended."""
    ago = _ago(count)
    deliveries = {"connection_id": owner, "digest": DIALECTS[database.vendor]["blob"]}
    deliveries |= {"received_at": ago, "processed_at": ago, "booking_uri": "'https://b/' || n.i"}
    _copy(WebhookDelivery.objects.latest("pk"), count, deliveries)
    state = "CASE n.i % 100 WHEN 0 THEN 'failed' WHEN 1 THEN 'failed' WHEN 2 THEN 'waiting' ELSE 'done' END"
    steps = {
        "connection_id": owner,
        "person_id": f"{booking.person_id} + n.i * {every} / {BOOKINGS_OF_A_PERSON}",
        "booking_id": f"{booking.pk} + n.i * {every}",
        "happening": "'booked:' || n.i",
        "state": state,
        "cause": "CASE n.i % 50 WHEN 0 THEN 'attribute_missing:A' || (n.i % 7) ELSE '' END",
        **dict.fromkeys(("created_at", "sent_at", "settled_at"), ago),
    }
    _copy(SyncLogEntry.objects.latest("pk"), count, steps)


def _copy(row: Model, count: int, changes: Mapping[str, str]) -> None:
    """Insert copies of a row; `changes` are columns with what they hold, an expression over n.i from 1 on."""
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = [changes.get(column, f't."{column}"') for column in columns]
    statement = COPY.format(
        table=row._meta.db_table,
        columns=", ".join(f'"{column}"' for column in columns),
        values=", ".join(values),
        key=row.pk,
        count=count,
    )
    with database.cursor() as cursor:
        cursor.execute(statement)


def _clear() -> None:
    for model in (SyncLogEntry, StatusChange, Booking, WebhookDelivery, Person, DailyFigure):
        model._default_manager.all().delete()


def _connection(name: str) -> Connection:
    """Return a connection with its event types, all well."""
    known = Connection.objects.filter(name=name).first()
    if known:
        return known
    made = make_connection(name, is_environment=False)
    well = {"state": "connected", "subscription": "https://s/1", "subscription_state": "active"}
    Connection.objects.filter(pk=made.pk).update(**well)
    EventType.objects.bulk_create(
        EventType(connection=made, uri=_type(number), name=f"Type {number}", read_at=timezone.now())
        for number in range(TYPES)
    )
    return made


def _change(booking: Booking) -> None:
    StatusChange.objects.create(booking=booking, status="booked", source="webhook", happened_at=booking.booked_at)


def _type(number: int) -> str:
    return f"https://api.calendly.com/event_types/t{number}"


def _status() -> str:
    others = ("canceled", "no_show", "rescheduled")
    cases = " ".join(f"WHEN {number} THEN '{status}'" for number, status in enumerate(others))
    return f"CASE n.i % 20 {cases} ELSE 'attended' END"


def _where_from() -> dict[str, str]:
    """Return the columns by which a report groups, and those of moves: the third of twenty was moved to the fourth.

    Half of the bookings came by a campaign, of which there are many.
    """
    comes = "CASE n.i % 2 WHEN 0 THEN '' ELSE {} END"
    return {
        "utm_source": comes.format("'source-' || ((n.i / 2) % 30)"),
        "utm_medium": comes.format("'medium-' || ((n.i / 2) % 8)"),
        "utm_campaign": comes.format("'campaign-' || ((n.i / 2) % 500)"),
        "host": "'host-' || (n.i % 25) || '@example.com'",
        "successor": f"CASE n.i % 20 WHEN 2 THEN {_invitee('(n.i + 1)')} ELSE '' END",
        "old_invitee": f"CASE n.i % 20 WHEN 3 THEN {_invitee('(n.i - 1)')} ELSE '' END",
        "moves": "CASE n.i % 20 WHEN 3 THEN 1 ELSE 0 END",
    }


def _invitee(number: str) -> str:
    return f"'https://api.calendly.com/scheduled_events/e' || {number} || '/invitees/i' || {number}"


def _ago(count: int, later: timedelta = timedelta()) -> str:
    """Return the expression of a moment: the last row is of now (or `later`), the first of DAYS days before."""
    seconds = f"({count} - n.i) * {DAYS * 86_400 / count:.3f} + {int(later.total_seconds())}"
    return DIALECTS[database.vendor]["ago"].format(seconds=seconds)
