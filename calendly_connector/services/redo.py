"""Does log entries once more: what failed goes on as the same row, what was sent gets a new one. The one way there is.

Nothing is sent here: rows wait in the outbox, and their people's jobs are asked for. A contact is decided anew just
before it is written; an event is decided here, or its stored request is sent as it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q

from calendly_connector.core import decide
from calendly_connector.core.replay import Effect, Facts, Outcome, Wish, outcome_of
from calendly_connector.core.rules import ConsentMode, RuleSet
from calendly_connector.core.steps import Skip
from calendly_connector.models import Connection, Person, SyncLogEntry
from calendly_connector.services import journal, ledger, mapping
from calendly_connector.services.happenings import MARK, happening_of

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
CHANGED = ("state", "reason", "cause", "request", "summary", "happening", "settled_at")


@dataclass(frozen=True, kw_only=True)
class Redone:
    """How many of the chosen entries are done once more, of how many people; how many were left out; and how many
    steps wait now, with the contacts that come along."""

    entries: int = 0
    people: int = 0
    left_out: int = 0
    waiting: int = 0


def facts_of(row: SyncLogEntry) -> Facts:
    """Return what decides about an entry; `row.booking` should have been read with it."""
    return Facts(
        kind=row.kind,
        state=row.state,
        cause=row.cause,
        trigger=row.happening.partition(":")[0] if row.kind == Kind.EVENT else "",
        event_type=row.booking.event_type if row.booking else "",
        event_name=row.request.get("name", "") if row.kind == Kind.EVENT else "",
        lists=tuple(row.request.get("lists", ())) if row.kind == Kind.LEAVE_LISTS else (),
        is_history=row.state == State.SKIPPED and row.reason in decide.HELD,
    )


def redo(rows: Sequence[SyncLogEntry], *, connection: Connection, wish: Wish, number: int = 0) -> Redone:
    """Let entries of one connection, locked by the caller, be done once more; `number` is the replay's.

    Within one replay a person's contact is written once and an event sent once, in however many pieces it comes.
    """
    rules = mapping.rules_of(connection)
    outcomes = {row.pk: outcome_of(facts_of(row), rules=rules, wish=wish) for row in rows}
    wanted: dict[int, list[SyncLogEntry]] = defaultdict(list)
    for row in rows:
        if outcomes[row.pk].effect:
            wanted[row.person_id].append(row)
    people = Person.objects.select_related("connection").in_bulk(list(wanted))
    contacts = _contacts(wanted, number)
    changed: list[SyncLogEntry] = []
    made: list[SyncLogEntry] = []
    mended: list[int] = []
    for key, mine in wanted.items():
        work = _Redo(people[key], mine, outcomes, contacts[key], rules, wish, number)
        work.run()
        changed += work.changed
        made += work.made
        mended += work.mended
    for row in changed:  # Django's bulk_update takes five times as long
        row.save(update_fields=CHANGED)
    SyncLogEntry.objects.filter(pk__in=mended).update(cause="")
    SyncLogEntry.objects.bulk_create(made, ignore_conflicts=True)  # an event of this replay exists once
    for person in people.values():
        ledger.ask_for_push(person)
    count = sum(len(mine) for mine in wanted.values())
    waiting = len(made) + len(changed)
    return Redone(entries=count, people=len(people), left_out=len(rows) - count, waiting=waiting)


def locked(numbers: Iterable[int], *, connection: Connection) -> list[SyncLogEntry]:
    """Return entries of one connection by their keys, locked until the transaction ends, as `redo` wants them."""
    found = SyncLogEntry.objects.select_for_update(of=("self",)).select_related("booking")
    return list(found.filter(pk__in=list(numbers), connection=connection).order_by("pk"))


def redo_now(numbers: Sequence[int], *, wish: Wish) -> Redone:
    """Let picked entries be done once more, each connection's at once."""
    total = Redone()
    connections = Connection.objects.filter(sync_log__in=numbers).distinct().select_related("brevo_account")
    for connection in connections:
        with transaction.atomic():
            done = redo(locked(numbers, connection=connection), connection=connection, wish=wish)
        total = Redone(
            entries=total.entries + done.entries,
            people=total.people + done.people,
            left_out=total.left_out + done.left_out,
            waiting=total.waiting + done.waiting,
        )
    return total


def _contacts(people: Iterable[int], number: int) -> dict[int, list[SyncLogEntry]]:
    """Return each person's contact steps that matter here: not written, or made by this replay."""
    found: dict[int, list[SyncLogEntry]] = defaultdict(list)
    matters = Q(state__in=[State.FAILED, State.SKIPPED, *journal.OPEN])
    if number:
        matters |= Q(happening=f"{MARK}{number}")
    rows = SyncLogEntry.objects.select_for_update(of=("self",)).filter(matters, person__in=people, kind=Kind.CONTACT)
    for row in rows.order_by("pk"):
        found[row.person_id].append(row)
    return found


@dataclass
class _Redo:
    """One person's part: first the contact, since an event must not reach Brevo before its contact does."""

    person: Person
    rows: list[SyncLogEntry]
    outcomes: dict[int, Outcome]
    contacts: list[SyncLogEntry]
    rules: RuleSet
    wish: Wish
    number: int
    changed: list[SyncLogEntry] = field(default_factory=list)
    made: list[SyncLogEntry] = field(default_factory=list)
    mended: list[int] = field(default_factory=list)  # rows whose cause is forgotten

    def run(self) -> None:
        """Fill `changed`, `made` and `mended`."""
        chosen = [row for row in self.rows if row.kind == Kind.CONTACT]
        following = [row for row in self.rows if row.kind != Kind.CONTACT]
        self._write_contact(chosen, is_followed=bool(following))
        for row in following:
            self._follow(row)

    def _write_contact(self, chosen: list[SyncLogEntry], *, is_followed: bool) -> None:
        mine = {row.pk for row in chosen}
        failed = [row for row in self.contacts if row.state == State.FAILED and (row.pk in mine or is_followed)]
        for row in failed:
            row.happening = self._mark
            self._reopen(row, self._request(row))
        is_covered = bool(failed) or any(row.happening == self._mark for row in self.contacts if self.number)
        if chosen and not is_covered:
            self._make_contact(chosen[-1])
        elif is_followed and not is_covered and not self.person.pushed_at and self._is_contact_left_out:
            self._make_contact(self.rows[0])
        for row in chosen:
            if row.state != State.FAILED and row.cause:
                self.mended.append(row.pk)  # what it left out is written now, or said anew

    @property
    def _is_contact_left_out(self) -> bool:
        return bool(self.contacts) and all(row.state == State.SKIPPED for row in self.contacts)

    def _follow(self, row: SyncLogEntry) -> None:
        effect = self.outcomes[row.pk].effect
        if effect is Effect.EVENT_AGAIN:
            self._send_again(row)
        elif effect is Effect.EVENT and self.wish.is_today:
            self._reopen(row, self._event_request(row))
        elif effect is Effect.LISTS and self.wish.is_today:
            lists = [number for number in row.request["lists"] if number in self.rules.named_lists]
            self._reopen(row, {**row.request, "lists": lists})
        elif effect is Effect.OPT_IN and self.wish.is_today:
            self._reopen(row, self._consent_request(row))
        else:
            self._reopen(row, row.request)

    def _reopen(self, row: SyncLogEntry, request: dict[str, object]) -> None:
        row.state, row.reason, row.cause, row.settled_at, row.request = State.WAITING, "", "", None, request
        if row.kind == Kind.EVENT:
            row.summary = f"Send event {request['name']}"[:300]
        self.changed.append(row)

    def _make_contact(self, origin: SyncLogEntry) -> None:
        self.made.append(
            SyncLogEntry(
                connection_id=origin.connection_id,
                person=self.person,
                booking_id=origin.booking_id,
                delivery_id=origin.delivery_id,
                kind=Kind.CONTACT,
                happening=self._mark,
                summary="Bring the contact up to date (replay)",
                request=self._request(origin),
            )
        )

    def _request(self, row: SyncLogEntry) -> dict[str, object]:
        """Return what a contact's step carries: whether it is a guest, what was given, whose mapping decides."""
        kept = {name: row.request[name] for name in ("guest", journal.SET) if row.request.get(name)}
        return kept if self.wish.is_today else {**kept, journal.RULES_AT: row.created_at.isoformat()}

    def _send_again(self, row: SyncLogEntry) -> None:
        first = row.happening.partition(f":{MARK}")[0]
        request = self._event_request(row) if self.wish.is_today else row.request
        self.made.append(
            SyncLogEntry(
                connection_id=row.connection_id,
                person_id=row.person_id,
                booking_id=row.booking_id,
                delivery_id=row.delivery_id,
                kind=Kind.EVENT,
                happening=f"{first}:{self._mark}"[:300],
                summary=f"Send event {request['name']} again"[:300],
                request=request,
            )
        )

    def _event_request(self, row: SyncLogEntry) -> dict[str, object]:
        """Return an event decided anew. `outcome_of` has found that there is one."""
        step = decide.decide_event(happening_of(row), rules=self.rules)
        if isinstance(step, Skip):
            raise ValueError(f"Entry {row.pk} has no event by today's mapping: {step.reason}")
        at = row.request.get("at") or step.at.isoformat()  # what it was first called: Brevo is asked by it
        return {"name": step.name, "at": at, "properties": step.properties}

    def _consent_request(self, row: SyncLogEntry) -> dict[str, object]:
        """Return what is asked with today's template; as it was where the mapping asks by mail no more."""
        rule = self.rules.consent_for(row.booking.event_type if row.booking else "")
        asked: dict[str, object] = {**row.request}
        if rule.mode is not ConsentMode.DOUBLE_OPT_IN:
            return asked
        lists = [number for number in row.request["lists"] if number in self.rules.named_lists]
        today = {"template": rule.template, "redirect_url": rule.redirect_url}
        return {**asked, **today, "lists": lists or row.request["lists"]}

    @property
    def _mark(self) -> str:
        return f"{MARK}{self.number}" if self.number else ""
