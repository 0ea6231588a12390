"""Mends differences: bookings are read from Calendly again, contacts are written through the outbox.

What is respected is left: somebody's wish, told in Brevo. Every fix is a row's state, so a killed worker loses none.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import drift as core_drift
from calendly_connector.models import Connection, Drift, Person
from calendly_connector.services import accounts, drift, drift_people, drift_run, queue, resync, sync

FIX, LOOK, AFTER = "drift_fix", "drift_look", "drift_after"
NEWS = timedelta(hours=24)  # automation events leave for what happened since
FEW = 50  # people who are looked at one by one before they are written, and after
SHORTEST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds between looks at whether something is written
State = Drift.State


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What fixing would do: people by what becomes of them; `why_left`: kind → how many people."""

    fixable: int
    left: int
    ignored: int
    why_left: dict[str, int]


def plan(connection: Connection) -> Plan:
    """Return what `fix_all` would do now."""
    rows = Drift.objects.filter(connection=connection)
    left = rows.filter(is_fixable=False).exclude(state=State.IGNORED)
    return Plan(
        fixable=rows.filter(is_fixable=True, state=State.OPEN).count(),
        left=left.count(),
        ignored=rows.filter(state=State.IGNORED).count(),
        why_left=dict(core_drift.count(left.values_list("kinds", flat=True).iterator())["respected"]),
    )


def fix(row: Drift, *, by: str) -> bool:
    """Ask for one person's differences to be mended; return whether there was anything to mend."""
    return bool(fix_chosen(Drift.objects.filter(pk=row.pk), by=by))


def fix_all(connection: Connection, *, by: str) -> int:
    """Ask for all open differences of a connection that can be fixed to be mended; return of how many people."""
    return fix_chosen(Drift.objects.filter(connection=connection, state=State.OPEN), by=by)


def fix_chosen(rows: QuerySet[Drift], *, by: str) -> int:
    """Ask for the differences of these rows to be mended, as far as they can be; return of how many people."""
    with transaction.atomic():
        open_rows = Drift.objects.filter(pk__in=rows.order_by().values("pk"), is_fixable=True)
        open_rows = open_rows.exclude(state=State.FIXING)
        numbers = list(open_rows.order_by().values_list("connection", flat=True).distinct())
        changed = open_rows.update(state=State.FIXING, is_asked=False, settled_at=timezone.now(), settled_by=by[:150])
        for number in numbers:
            queue.enqueue(FIX, number)
    return changed


def look_again(rows: QuerySet[Drift]) -> int:
    """Ask for these people to be compared once more; return how many."""
    numbers = list(rows.values_list("pk", flat=True))
    for number in numbers:
        queue.enqueue(LOOK, number)
    return len(numbers)


def advance(connection_id: int, renew: accounts.Renew) -> None:
    """Mend what was asked for, person by person; the job's work. Raises queue.Later when it has to wait.

    What one person's booking or contact is refused for keeps nobody else: they are tried again at the end.
    """
    rows = Drift.objects.filter(connection=connection_id, state=State.FIXING, is_asked=False)
    is_many = len(rows.values_list("pk")[: FEW + 1]) > FEW
    reached, trouble = 0, None
    while row := rows.filter(pk__gt=reached).select_related("connection__brevo_account").order_by("pk").first():
        renew()
        reached = row.pk
        try:
            _mend(row, renew, looks_first=not is_many)
        except queue.Later as later:
            if not later.is_failure:
                raise
            trouble = later
    if is_many:
        queue.enqueue(AFTER, connection_id, delay=SHORTEST_WAIT)
    if trouble:
        raise trouble


def give_up(connection_id: int, reason: str) -> None:
    """Open what couldn't be mended again; the job's row keeps the words."""
    rows = Drift.objects.filter(connection=connection_id, state=State.FIXING, is_asked=False)
    rows.update(state=State.OPEN, settled_at=None, settled_by="")


def _mend(row: Drift, renew: accounts.Renew, *, looks_first: bool) -> None:
    """Mend one person's differences. Where few are, Brevo is looked at once more: what was done there since stands."""
    since = (row.settled_at or timezone.now()) - NEWS
    for line in core_drift.of_part(row.lines, core_drift.CALENDLY):
        renew()
        sync.fetch_if_there(row.connection, line["booking"], events_since=since)
    person = _person(row)
    is_due = bool(core_drift.of_part(row.lines, core_drift.BREVO)) and not (person and drift_people.is_busy(person))
    is_still_due = is_due and person is not None and (not looks_first or _still_due(row, person, renew))
    with transaction.atomic():
        if is_still_due and person:
            resync.sync_again(person, by=row.settled_by, makes_anew=False)
        _is_asked(row, person, is_mending=is_still_due or not is_due)
        if looks_first:
            queue.enqueue(LOOK, row.pk, delay=SHORTEST_WAIT)


def _still_due(row: Drift, person: Person, renew: accounts.Renew) -> bool:
    """Compare once more; return whether there is still something in Brevo to mend."""
    _compare(row.connection, person, renew)
    found = Drift.objects.filter(pk=row.pk).first()
    return bool(found and core_drift.of_part(found.lines, core_drift.BREVO))


def _is_asked(row: Drift, person: Person | None, *, is_mending: bool) -> None:
    """Note that what mends a row was asked for, or needn't be. Calendly's part is done: the ledger has it now."""
    found = Drift.objects.select_for_update().filter(pk=row.pk).first()
    if found is None:
        return
    lines = [line for line in found.lines if line["where"] != core_drift.CALENDLY]
    if not is_mending or not (lines or person):
        drift.settle(found, lines, at=timezone.now())
        return
    found.state, found.is_asked, found.lines, found.person = State.FIXING, True, lines, person
    found.settled_at, found.settled_by = row.settled_at, row.settled_by
    found.save()


def look(row_id: int, renew: accounts.Renew) -> None:
    """Compare one row's person once more, when nothing of theirs waits to be written any more; the job's work."""
    row = Drift.objects.select_related("connection__brevo_account").filter(pk=row_id).first()
    if row is None:
        return
    person = _person(row)
    if person and drift_people.is_busy(person):
        raise queue.Later("It is about to be written.", seconds=_wait(row), is_failure=False)
    if person:
        _compare(row.connection, person, renew)
    with transaction.atomic():
        if left := Drift.objects.select_for_update().filter(pk=row_id).first():
            drift.settle(left, drift.still_true(row.connection, left.lines), at=timezone.now())


def after(connection_id: int) -> None:
    """When everything of many people is written, compare everybody once more; the job's work."""
    rows = Drift.objects.filter(connection=connection_id, state=State.FIXING, is_asked=True)
    newest = rows.order_by("-settled_at").first()
    if newest is None:
        return
    people = drift_people.people_of(newest.connection).filter(drifts__in=rows)
    if any(drift_people.is_busy(person) for person in people.prefetch_related(None).iterator()):
        raise queue.Later("They are about to be written.", seconds=_wait(newest), is_failure=False)
    drift_run.compare_all(newest.connection, by=newest.settled_by, reads_calendly=False)


def _wait(row: Drift) -> float:
    """Return the seconds until the next look: the longer it takes, the rarer."""
    age = (timezone.now() - (row.settled_at or row.seen_at)).total_seconds()
    return min(LONGEST_WAIT, max(SHORTEST_WAIT, age / 4))


def _person(row: Drift) -> Person | None:
    """Return the row's person; Calendly's part may have made them known."""
    return drift_people.people_of(row.connection).filter(email=row.email).first()


def _compare(connection: Connection, person: Person, renew: accounts.Renew) -> None:
    """Ask Brevo for one person and keep what differs. Raises queue.Later."""
    client = drift_people.client_of(connection.brevo_account)
    rules = drift_people.rules_of(connection, client, renew)
    if drift_people.decision_of(person, connection, rules) is None:
        drift.keep(connection, {person: []}, at=timezone.now())
        return
    read_at = timezone.now()
    try:
        pair = drift_people.ask(person, client, renew)
    except errors.ApiError as refused:
        raise queue.Later(str(refused)) from refused
    if pair:
        drift_people.compare(connection, [pair], rules=rules, read_at=read_at).keep()
