"""Who fits into an import, and into which: people by the lists they join, in pieces of Brevo's size."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from calendly_connector.clients import brevo_imports
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.rules import Overwrite, RuleSet
from calendly_connector.models import BrevoAccount, BulkImport, Person, Reading, SyncLogEntry
from calendly_connector.services import journal, mapping, mirror, proofs, push

AT_ONCE = 10_000  # people of one import; what Brevo's 8 MB hold of usual ones
REMEMBER = "remember"  # where a step carries what to keep about its person once the import has succeeded


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One person ready to be imported."""

    person: Person
    steps: list[SyncLogEntry]  # contact steps that the import covers
    decision: ContactDecision


def import_row(email: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `POST /contacts/import`."""
    return {"email": email, "attributes": attributes}


def prepared(people: Iterable[Person]) -> Iterator[ImportRow]:
    """Yield those of these people, locked by the caller, whom an import can serve. Their bookings, connection, account
    and mirror should have been read with them.

    Whose contact was deleted in Brevo isn't among them: it is left alone, or made anew with what an import can't say.
    """
    people = list(people)
    rules: dict[int, RuleSet] = {}
    steps = _open_steps([person.pk for person in people])
    for person in people:
        if mirror.standing_of(person).deleted_at:
            continue
        if person.connection_id not in rules:
            rules[person.connection_id] = mapping.rules_of(person.connection)
        mine = steps[person.pk]
        contacts = [step for step in mine if step.kind == SyncLogEntry.Kind.CONTACT]
        is_settled = all(step.state == SyncLogEntry.State.WAITING for step in mine)
        is_settled = is_settled and not any({journal.RULES_AT, journal.SET} & step.request.keys() for step in contacts)
        if not contacts or not is_settled or _needs_reading(rules[person.connection_id]):
            continue
        decision, person.clock_at = push.decide_now(person, rules[person.connection_id])
        # Asking for consent needs calls of its own, and an import's empty cells clear nothing.
        if decision and not decision.asks and not decision.upsert.clears:
            yield ImportRow(person=person, steps=contacts, decision=decision)


def _open_steps(people: Iterable[int]) -> dict[int, list[SyncLogEntry]]:
    steps: dict[int, list[SyncLogEntry]] = defaultdict(list)
    for step in SyncLogEntry.objects.filter(person__in=people, state__in=journal.OPEN).order_by("pk"):
        steps[step.person_id].append(step)
    return steps


def _needs_reading(rules: RuleSet) -> bool:
    """Return whether contacts must be read before they are written: an import can't write "only if empty"."""
    return any(rule.overwrite is Overwrite.IF_EMPTY for rule in rules.fields)


@dataclass
class _Open:
    """An import that takes in more people."""

    row: BulkImport
    size: int = 0
    people: int = 0


@dataclass
class Imports:
    """Puts people into imports, one for each set of lists, a new one when Brevo's size is reached."""

    account: BrevoAccount
    reading: Reading | None = None
    _open: dict[tuple[int, ...], _Open] = field(default_factory=dict)
    _made: list[int] = field(default_factory=list)

    def add(self, rows: Iterable[ImportRow]) -> list[int]:
        """Note what is imported for each person; return their keys. The caller's transaction keeps it."""
        added = [self._add(row) for row in rows]
        for each in self._open.values():
            BulkImport.objects.filter(pk=each.row.pk).update(people_count=each.people)
        return added

    @property
    def numbers(self) -> list[int]:
        """Return the keys of the imports made."""
        return list(self._made)

    def _add(self, row: ImportRow) -> int:
        upsert = row.decision.upsert
        size = len(json.dumps(import_row(row.person.email, journal.plain(upsert.attributes))).encode()) + 2
        into = self._with_room(upsert.join_lists, size)
        into.size, into.people = into.size + size, into.people + 1
        _carry(row)
        if row.decision.proofs:
            proofs.keep(row.person, row.decision.proofs)
        SyncLogEntry.objects.filter(pk__in=[step.pk for step in row.steps]).update(
            state=SyncLogEntry.State.SENDING, sent_at=timezone.now()
        )
        Person.objects.filter(pk=row.person.pk).update(bulk_import=into.row)
        return row.person.pk

    def _with_room(self, lists: tuple[int, ...], size: int) -> _Open:
        found = self._open.get(lists)
        if found is None or found.people >= AT_ONCE or found.size + size > brevo_imports.IMPORT_BYTES:
            made = BulkImport.objects.create(account=self.account, reading=self.reading, lists=list(lists))
            found = self._open[lists] = _Open(row=made)
            self._made.append(made.pk)
        return found


def _carry(row: ImportRow) -> None:
    """Let a person's last step hold what is imported."""
    *_, last = row.steps
    upsert, leave = row.decision.upsert, row.decision.leave
    last.request = {
        "attributes": journal.plain(upsert.attributes),
        "lists": list(upsert.join_lists),
        "leave": list(leave.lists) if leave else [],
        "warnings": " ".join((*upsert.warnings, *upsert.notes)),
        "cause": next(iter(upsert.causes), ""),
        REMEMBER: push.memory(row.decision, row.person.clock_at),
    }
    last.save(update_fields=["request"])
