"""A comparison of everybody: ledger and Brevo here, Calendly and ledger by a reading that notes what it finds.

    listing   all contacts of the account, a thousand a call, page by page ─▶ the people of that page are compared
    asking    whom the listing didn't show, and everybody where people are few: one call each
    calendly  until the reading is over ─▶ finished

The row keeps the place: a killed worker, the rate limit or a pause of the account only delays it. Every step is one
call and one transaction that moves the place on, so nothing is counted twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_contacts import PER_PAGE, Page
from calendly_connector.core import drift as core_drift
from calendly_connector.core import gap
from calendly_connector.core.rules import RuleSet
from calendly_connector.models import BrevoAccount, Connection, Drift, DriftRun, Person, Reading
from calendly_connector.services import accounts, drift, drift_people, queue
from calendly_connector.services import reading as readings
from calendly_connector.services.drift_people import Pair

RUN, WEEKLY = "drift_run", "drift"
FEW = 50  # people who are asked for one by one from the start
STALE = timedelta(days=2)  # a comparison that stood still for so long begins anew
LOOK_EVERY = 15.0  # seconds between looks at Calendly's reading
AT_ONCE = 50  # people looked through together for whom to ask for
LONG = 5.0  # seconds of waiting from which on staff are told why
Stage = DriftRun.Stage


def compare_all(connection: Connection, *, by: str, reads_calendly: bool = True) -> DriftRun:
    """Ask for everybody of a connection to be compared; return the row that shows how far it is.

    Unless a reading compares Calendly with the ledger too, what was noted of Calendly before stays. While a comparison
    is open, a second wish joins it.
    """
    now = timezone.now()
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=connection.pk)
        row = DriftRun.objects.filter(connection=connection, finished_at=None).first()
        reading = _reading(connection, by) if reads_calendly else None
        if row is None:
            row = DriftRun.objects.create(
                connection=connection, asked_by=by[:150], asked_at=now, reading=reading, stage=_first(connection)
            )
        elif row.asked_at < now - STALE:
            _begin_anew(row, now, reading)
        elif reading and row.reading is None:
            row.reading = reading
            row.save(update_fields=["reading"])
        queue.enqueue(RUN, row.pk)
    return row


def compare_each(*, by: str = "schedule") -> str:
    """Ask for a comparison of every connected connection; return words for the schedule."""
    rows = Connection.objects.filter(state=Connection.State.CONNECTED).only("pk", "name").order_by("pk")
    names = [row.name for row in rows if compare_all(row, by=by)]
    return f"Comparing: {', '.join(names)}." if names else "Nothing is connected yet."


def _reading(connection: Connection, by: str) -> Reading | None:
    """Return the reading of Calendly that goes with a comparison; None where Calendly doesn't let us in."""
    if not connection.organization or connection.state != Connection.State.CONNECTED:
        return None
    row = readings.open_reading(connection, Reading.Kind.DRIFT)
    if row is None:
        now = timezone.now()
        row = Reading.objects.create(
            connection=connection,
            kind=Reading.Kind.DRIFT,
            since=now - gap.LOOK_BACK,
            unknown_since=connection.created_at,
            asked_by=by[:150],
            asked_at=now,
        )
    readings.ask(row)
    return row


def _first(connection: Connection) -> DriftRun.Stage:
    people = Person.objects.filter(connection=connection).values_list("pk")[: FEW + 1]
    return Stage.LISTING if len(people) > FEW else Stage.ASKING


def _begin_anew(row: DriftRun, now: datetime, reading: Reading | None) -> None:
    row.asked_at, row.stage, row.reading = now, _first(row.connection), reading or row.reading
    row.offset = row.total = row.reached = row.people = row.waiting = row.calls = 0
    row.tail, row.words = [], ""
    row.save()


def advance(run_id: int, renew: accounts.Renew) -> None:
    """Compare on where a comparison stands, to its end; the job's work. Raises queue.Later when it has to wait."""
    rows = DriftRun.objects.select_related("connection__brevo_account")
    run = rows.filter(pk=run_id, finished_at=None).first()
    if run is None:
        return
    try:
        Comparing(run, renew).go_on()
    except queue.Later as later:
        if later.seconds is None or later.seconds > LONG:
            _note(run, words=str(later))
        raise
    except errors.ApiError as refused:
        _note(run, words=str(refused))
        raise queue.Later(str(refused)) from refused


def give_up(run_id: int, reason: str) -> None:
    """End a comparison whose tries are used up, with words; what it found stays, and another may be asked for."""
    words = f"It failed many times, and was ended. {reason}"
    DriftRun.objects.filter(pk=run_id, finished_at=None).update(words=words, finished_at=timezone.now())


class Comparing:
    """The steps of one comparison."""

    def __init__(self, run: DriftRun, renew: accounts.Renew) -> None:
        self.run, self.renew, self.connection = run, renew, run.connection

    @property
    def account(self) -> BrevoAccount:
        """Return the Brevo account."""
        return self.connection.brevo_account

    def go_on(self) -> None:
        """Take step after step until it is finished."""
        if self.run.stage != Stage.CALENDLY:
            self.client: BrevoClient = drift_people.client_of(self.account)
            self.rules: RuleSet = drift_people.rules_of(self.connection, self.client, self.renew)
        steps: dict[str, Callable[[], None]] = {
            Stage.LISTING: self._list,
            Stage.ASKING: self._ask,
            Stage.CALENDLY: self._finish,
        }
        while self.run.finished_at is None:
            self.renew()
            steps[self.run.stage]()
            self.run.refresh_from_db()

    def _list(self) -> None:
        """Read a page of contacts and compare whom of our people it shows."""
        pages = self.client.list_contacts(offset=self.run.offset, tail=self.run.tail)
        read_at = timezone.now()
        page = accounts.call(self.account, "contacts", lambda: next(pages), renew=self.renew)
        found = drift_people.compare(self.connection, self._shown(page), rules=self.rules, read_at=read_at)
        with transaction.atomic():
            if not self._is_mine(stage=Stage.LISTING, offset=page.offset):
                return
            count = found.keep()
            is_over = page.is_last or self._is_too_long(page)
            stage = {"stage": Stage.ASKING} if is_over else {}
            place = {"offset": page.next_offset, "tail": list(page.tail), "total": page.total}
            _note(self.run, calls=F("calls") + 1, people=F("people") + count, words="", **place, **stage)

    def _shown(self, page: Page) -> list[Pair]:
        """Return the people of a page that this comparison hasn't come to yet."""
        contacts = {contact.email.strip().lower(): contact for contact in page.contacts if contact.email}
        people = self._not_yet().filter(email__in=contacts)
        return [Pair(person=person, contact=contacts[person.email]) for person in people]

    def _is_too_long(self, page: Page) -> bool:
        """Return whether asking for everybody by name costs fewer calls than reading on."""
        to_read = ceil((page.total - page.next_offset) / PER_PAGE)
        return len(self._not_yet().values_list("pk")[:to_read]) < to_read

    def _ask(self) -> None:
        """Ask for the next people whom the listing didn't show, one by one, and pass over who needs no call."""
        people = list(self._not_yet().filter(pk__gt=self.run.reached).order_by("pk")[:AT_ONCE])
        passed: list[Person] = []
        for person in people:
            if drift_people.is_busy(person) or not drift_people.decision_of(person, self.connection, self.rules):
                passed.append(person)
                continue
            self._pass(passed)
            passed = []
            self._ask_for(person)
        self._pass(passed)
        if not people:
            _note(self.run, stage=Stage.CALENDLY)

    def _ask_for(self, person: Person) -> None:
        read_at = timezone.now()
        pair = drift_people.ask(person, self.client, self.renew)
        pairs = [pair] if pair else []
        found = drift_people.compare(self.connection, pairs, rules=self.rules, read_at=read_at)
        with transaction.atomic():
            if self._is_mine(stage=Stage.ASKING, reached__lt=person.pk):
                _note(self.run, calls=F("calls") + 1, people=F("people") + found.keep(), reached=person.pk, words="")

    def _pass(self, people: list[Person]) -> None:
        """Leave people out: they are about to be written, or no booking speaks for them, so nothing can differ."""
        if not people:
            return
        with transaction.atomic():
            if self._is_mine(stage=Stage.ASKING, reached__lt=people[-1].pk):
                unwanted: dict[Person, list[Any]] = {each: [] for each in people if not drift_people.is_busy(each)}
                drift.keep(self.connection, unwanted, at=timezone.now())
                _note(self.run, waiting=F("waiting") + len(people) - len(unwanted), reached=people[-1].pk)

    def _not_yet(self) -> Any:
        """Return the people whom this comparison hasn't come to."""
        is_unread = Q(mirror=None) | Q(mirror__read_at=None) | Q(mirror__read_at__lt=self.run.asked_at)
        return drift_people.people_of(self.connection).filter(is_unread)

    def _is_mine(self, **place: Any) -> bool:
        """Lock the row; return whether it stands where this step began: another worker may have come further."""
        return DriftRun.objects.select_for_update().filter(pk=self.run.pk, finished_at=None, **place).exists()

    def _finish(self) -> None:
        """Wait for Calendly's part, then count what was found."""
        reading = self.run.reading
        if reading and reading.finished_at is None and reading.state != Reading.State.CANCELED:
            words = f"Calendly is still being read. {reading.words}".strip()
            raise queue.Later(words, seconds=LOOK_EVERY, is_failure=False)
        with transaction.atomic():
            if not self._is_mine(stage=Stage.CALENDLY):
                return
            if reading and reading.state == Reading.State.FINISHED:
                drift.drop_calendly(self.connection, run=self.run)
            counts = count(self.connection)
            words = _summary(self.run, counts)
            _note(self.run, stage=Stage.FINISHED, counts=counts, words=words, finished_at=timezone.now())


def count(connection: Connection) -> dict[str, Any]:
    """Return how many people's differences there are, by what may become of them and by kind."""
    rows = Drift.objects.filter(connection=connection)
    return {
        "fixable": rows.filter(is_fixable=True).exclude(state=Drift.State.IGNORED).count(),
        "left": rows.filter(is_fixable=False).exclude(state=Drift.State.IGNORED).count(),
        "ignored": rows.filter(state=Drift.State.IGNORED).count(),
        **core_drift.count(rows.values_list("kinds", flat=True).iterator()),
    }


def same_of(run: DriftRun) -> int:
    """Return of how many people who were compared nothing differs."""
    seen = Drift.objects.filter(connection=run.connection_id, person__isnull=False, seen_at__gte=run.asked_at)
    return max(0, run.people - seen.count())


def _summary(run: DriftRun, counts: dict[str, Any]) -> str:
    words = f"{run.people} people were compared, {same_of(run)} of them without a difference. "
    words += f"{counts['fixable']} can be fixed, {counts['left']} are respected, {counts['ignored']} are ignored."
    return words if run.reading else f"{words} Calendly wasn't read for it."


def _note(run: DriftRun, **changes: Any) -> None:
    DriftRun.objects.filter(pk=run.pk, finished_at=None).update(**changes)
