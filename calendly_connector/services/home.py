"""Asks the few questions of the home page. None of them walks through a big table, however many rows there are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Model, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from calendly_connector.core import banner
from calendly_connector.models import (
    BookingPage,
    BrevoAccount,
    BrevoList,
    Connection,
    ConsentRule,
    DailyFigure,
    Drift,
    EventType,
    FieldMapping,
    Notice,
    Schedule,
    SyncLogEntry,
    TriggerMapping,
    WebhookDelivery,
)
from calendly_connector.services import connection as connections
from calendly_connector.services import figures, journal, subscription, unasked, unmapped
from calendly_connector.services.unasked import Unasked
from calendly_connector.services.unmapped import RenamedQuestion, UnknownTargets

CAP = 2_000
"""Counting stops here: staff needn't know how many more there are."""

NEWEST = 20_000
"""How far back the last booking and the last write are looked for; the figures know the day of older ones."""

NOTICES = 20
State = SyncLogEntry.State


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What moved last in one connection, and what stands still. Counts end at CAP."""

    received_at: datetime | None = None
    written_at: datetime | None = None
    waiting: int = 0
    failed: int = 0
    failed_today: int = 0
    left_out: int = 0  # written without a value, and somebody could mend that
    unexplained: int = 0  # of those that failed: nobody knows what is to be mended


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """What of a connection's mapping waits for a decision."""

    types: Sequence[str] = ()
    questions: Sequence[RenamedQuestion] = ()
    unknown: UnknownTargets = UnknownTargets()
    unasked: Sequence[Unasked] = ()


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Log entries of one connection that have the same to be mended; an empty code: nobody knows what."""

    connection_id: int
    code: str
    count: int


@dataclass(kw_only=True)
class Outcome:
    """What became of the meetings of one event type, or of one host."""

    name: str
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def booked(self) -> int:
        """Return how many there were."""
        return self.counts[figures.BOOKED]

    @property
    def attended(self) -> int:
        """Return to how many the invitee came."""
        return self.counts[figures.ATTENDED]


def connections_shown() -> list[Connection]:
    """Return every connection with its account, secrets unread. One query."""
    rows = Connection.objects.select_related("brevo_account").order_by("pk")
    return list(rows.defer(*connections.SECRETS, "brevo_account__api_key"))


def pulses() -> dict[int, Pulse]:
    """Return each connection's pulse. Four queries, and a fifth where something is long ago."""
    failed = SyncLogEntry.objects.filter(state=State.FAILED).order_by("-created_at")
    failures = list(failed.values_list("connection_id", "settled_at", "cause")[:CAP])
    waiting = SyncLogEntry.objects.filter(state__in=journal.OPEN).values_list("connection_id", flat=True)
    partly = SyncLogEntry.objects.exclude(cause="").exclude(state=State.FAILED).values_list("connection_id", flat=True)
    midnight = _midnight()
    counts = {
        "waiting": Counter(waiting.order_by()[:CAP]),
        "failed": Counter(key for key, _at, _cause in failures),
        "failed_today": Counter(key for key, at, _cause in failures if at and at >= midnight),
        "left_out": Counter(partly.order_by()[:CAP]),
        "unexplained": Counter(key for key, _at, cause in failures if not cause),
    }
    return {
        key: Pulse(received_at=received_at, written_at=written_at, **{name: each[key] for name, each in counts.items()})
        for key, (received_at, written_at) in _last_moments().items()
    }


def undecided() -> dict[int, Undecided]:
    """Return what each connection's mapping lacks. Seven queries, of tables with a few hundred rows at most."""
    types: dict[int, list[EventType]] = defaultdict(list)
    lines: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in EventType.objects.order_by("name").defer("owner", "kind"):
        types[row.connection_id].append(row)
    mapped = FieldMapping.objects.exclude(overwrite=FieldMapping.Overwrite.NEVER).order_by("pk")
    for connection, source, attribute in mapped.values_list("connection_id", "source", "attribute"):
        lines[connection].append((source, attribute))
    grids = _grids()
    unknown = _unknown(types, grids)
    return {
        key: replace(_undecided(rows, lines[key]), unknown=unknown[key], unasked=_unasked(rows, grids[key]))
        for key, rows in types.items()
    }


def causes(pulses: Mapping[int, Pulse]) -> list[Cause]:
    """Return what there is to mend, the most frequent first. One query, of a small index of its own."""
    coded = SyncLogEntry.objects.exclude(cause="").order_by().values_list("connection_id", "cause")
    found = [Cause(connection_id=key, code=code, count=number) for key, code, number in coded.annotate(Count("pk"))]
    found += [
        Cause(connection_id=key, code="", count=pulse.unexplained) for key, pulse in pulses.items() if pulse.unexplained
    ]
    return sorted(found, key=lambda cause: -cause.count)


def differences() -> dict[int, int]:
    """Return of how many people something differs that could be fixed, by connection. One query; counts end at CAP."""
    rows = Drift.objects.filter(state=Drift.State.OPEN, is_fixable=True).order_by()
    return Counter(rows.values_list("connection_id", flat=True)[:CAP])


def open_notices() -> list[Notice]:
    """Return the troubles that last, the oldest first."""
    return list(Notice.objects.filter(is_open=True).order_by("opened_at")[:NOTICES])


def schedules() -> list[Schedule]:
    """Return repeating work, what is due next first."""
    return list(Schedule.objects.order_by("next_run_at"))


def counted_at() -> datetime | None:
    """Return when the figures of today were counted. One query."""
    return Schedule.objects.filter(name=figures.SCHEDULE).values_list("last_finished_at", flat=True).first()


def daily(days: int) -> dict[str, dict[date, float]]:
    """Return each figure of the last days, all connections together: sums, and of delays the longest. One query."""
    since = figures.today() - timedelta(days=days - 1)
    rows = DailyFigure.objects.filter(date__gte=since, detail="").order_by().values_list("name", "date")
    found: dict[str, dict[date, float]] = defaultdict(dict)
    for name, day, total, longest in rows.annotate(Sum("value"), Max("value")):
        found[name][day] = longest if name in (figures.LAG_P50, figures.LAG_P95) else total
    return found


def outcomes(prefix: str, *, days: int, top: int) -> list[Outcome]:
    """Return the most booked event types (figures.TYPE) or hosts (figures.HOST) with what became of their meetings.

    Today's and yesterday's are left out: whether somebody came isn't known before the grace time is over. Event types
    have their names; those that are called alike are one. Two queries.
    """
    last = figures.today() - 2 * figures.DAY
    rows = DailyFigure.objects.filter(date__range=(last - timedelta(days=days - 1), last), detail__startswith=prefix)
    names = dict(EventType.objects.values_list("uri", "name")) if prefix == figures.TYPE else {}
    found: dict[str, Outcome] = {}
    for detail, name, total in rows.order_by().values_list("detail", "name").annotate(Sum("value")):
        about = detail.removeprefix(prefix)
        called = names.get(about, about.rsplit("/", 1)[-1])
        found.setdefault(called, Outcome(name=called)).counts[name] += round(total)
    return sorted(found.values(), key=lambda each: (-each.booked, each.name))[:top]


def facts_of(connection: Connection, pulse: Pulse, lacks: Undecided) -> banner.Facts:
    """Return what the banner is chosen by."""
    state, expires_at = Connection.State(connection.state), connection.token_expires_at
    return banner.Facts(
        must_reconnect=state is Connection.State.RECONNECT,
        is_connected=state is not Connection.State.NEW,
        is_disabled=connection.subscription_state == "disabled",
        is_subscribed=bool(connection.subscription),
        is_paused=connection.brevo_account.is_paused,
        is_expired=bool(expires_at and expires_at < timezone.now()),
        cant_deliver=connection.retry_started_at is not None,
        is_active=connection.is_active,
        failed=pulse.failed,
        left_out=pulse.left_out,
        unknown=lacks.unknown.count,
        unasked=len(lacks.unasked),
        undecided=len(lacks.types),
        renamed=len(lacks.questions),
        is_silent=connection.is_silent,
    )


def paused_accounts(rows: Iterable[Connection]) -> list[BrevoAccount]:
    """Return the accounts of these connections that aren't written to, each once."""
    return list({row.brevo_account_id: row.brevo_account for row in rows if row.brevo_account.is_paused}.values())


def _undecided(types: Sequence[EventType], lines: Sequence[tuple[str, str]]) -> Undecided:
    active = [row for row in types if row.is_active]
    asked, sources = [question for row in active for question in row.questions], [source for source, _ in lines]
    renamed = (unmapped.find_renamed(asked, sources, source=source, attribute=attribute) for source, attribute in lines)
    return Undecided(
        types=[row.name for row in active if row.is_undecided and not row.is_ignored],
        questions=[each for each in renamed if each],
    )


@dataclass(kw_only=True)
class _Grid:
    """What one connection's mapping says, and which event types its open booking pages offer."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    consents: list[tuple[str, str, str]] = field(default_factory=list)  # event type, mode, question
    on_pages: set[str] = field(default_factory=set)


def _grids() -> dict[int, _Grid]:
    """Return each connection's. Three queries."""
    grids: dict[int, _Grid] = defaultdict(_Grid)
    for cell in TriggerMapping.objects.values("connection_id", "trigger", *unmapped.CELL):
        grids[cell["connection_id"]].cells.append(cell)
    for key, *consent in ConsentRule.objects.values_list("connection_id", "event_type", "mode", "question"):
        grids[key].consents.append((consent[0], consent[1], consent[2]))
    for key, uris in BookingPage.objects.filter(is_active=True).values_list("connection_id", "event_types"):
        grids[key].on_pages.update(uris)
    return grids


def _unasked(types: Sequence[EventType], grid: _Grid) -> list[Unasked]:
    return unasked.find(types, unasked.questions_of(grid.consents), grid.cells, on_pages=grid.on_pages)


def _unknown(types: Mapping[int, Sequence[EventType]], grids: Mapping[int, _Grid]) -> dict[int, UnknownTargets]:
    """Return what each mapping names that the mirrors don't know. Two queries. `types`: those that were read."""
    lists: dict[int, set[int]] = defaultdict(set)
    for account, number in BrevoList.objects.values_list("account_id", "number"):
        lists[account].add(number)
    accounts = Connection.objects.filter(pk__in=types).order_by()
    return {
        key: unmapped.find_unknown(
            grids[key].cells,
            [uri for uri, _mode, _question in grids[key].consents],
            types={row.uri: row.is_ignored for row in types[key]},
            lists=lists[account] if read_at or lists[account] else None,
        )
        for key, account, read_at in accounts.values_list("pk", "brevo_account_id", "brevo_account__attributes_read_at")
    }


def _last_moments() -> Mapping[int, tuple[datetime | None, datetime | None]]:
    """Return when each connection's last webhook came and when its last step was done."""
    heard = WebhookDelivery.objects.exclude(webhook_name=subscription.PING).values("received_at")
    done = SyncLogEntry.objects.filter(state=State.DONE, sent_at__isnull=False).values("sent_at")
    rows = Connection.objects.order_by().values_list("pk")
    known = rows.annotate(heard=_newest(heard), done=_newest(done))
    days = _last_days() if any(None in (heard_at, done_at) for _, heard_at, done_at in known) else {}
    return {
        key: (heard_at or days.get((key, figures.RECEIVED)), done_at or days.get((key, figures.WRITTEN)))
        for key, heard_at, done_at in known
    }


def _newest(rows: QuerySet[Any, Any]) -> Subquery:
    """Return the value of a connection's newest row, among the newest of all: rows come in the order of their keys."""
    newest: type[Model] = rows.model
    last = newest._default_manager.order_by("-pk").values("pk")[:1]
    window = rows.filter(connection=OuterRef("pk"), pk__gt=Subquery(last) - NEWEST)
    return Subquery(window.order_by("-pk")[:1])


def _last_days() -> dict[tuple[int, str], datetime]:
    """Return the noon of the last day on which something came, and was written, by connection and figure."""
    since = figures.today() - timedelta(days=figures.PAST_DAYS)
    rows = DailyFigure.objects.filter(date__gte=since, name__in=(figures.RECEIVED, figures.WRITTEN)).order_by()
    zone = timezone.get_default_timezone()
    return {
        (connection, name): min(timezone.now(), datetime.combine(day, time(12), zone))
        for connection, name, day in rows.values_list("connection_id", "name").annotate(Max("date"))
    }


def _midnight() -> datetime:
    return figures.Days(first=figures.today(), last=figures.today()).start
