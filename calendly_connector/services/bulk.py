"""Many people at once: contacts by import, events by batch (design.md §4.8).

    gather   people who wait in a crowd ─▶ one prepared import per set of lists; their single jobs are dropped
    advance  prepared ─▶ running at Brevo ─▶ imported ─▶ lists left, events sent ─▶ done

Each stage is a row's state, so a worker that dies leaves work that any other goes on with. An import is an upsert and
may be repeated; a batch of events may not, and is noted as being sent before it is.
"""

import csv
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import brevo, errors
from calendly_connector.clients.brevo import BrevoClient, Process
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.rules import Overwrite, RuleSet
from calendly_connector.models import BrevoAccount, BulkImport, Job, Person, SyncLogEntry
from calendly_connector.services import (
    accounts,
    batches,
    catalogue,
    journal,
    ledger,
    limits,
    mapping,
    proofs,
    push,
    queue,
)

logger = logging.getLogger(__name__)

GATHER, ADVANCE = "bulk_gather", "bulk_import"
AT_ONCE = 5000
PATIENCE = timedelta(seconds=1)  # somebody who waits longer may stand in a crowd
AHEAD = 3600.0  # seconds by which gathering goes before the crowd that it is to relieve
COOL_DOWN = timedelta(minutes=5)  # after a failed import
POLLS = (1, 1, 2, 2, 4, 4, 8, 10, 30, 60)  # seconds between looks: of 100 an hour, few may be spent
REMEMBER = "remember"  # where a step carries what to keep about its person once the import has succeeded
IMPORT_LIST_NAME = "Calendly connector: imports (emptied by itself)"

State = BulkImport.State


def push_or_gather(job: queue.Claimed) -> None:
    """Write one person; when a crowd waits behind them in the same lane, ask for an import as well."""
    if timezone.now() - job.run_after < PATIENCE:
        push.push(job.subject, job.renew)  # nobody has to wait: no crowd, and no need to count
        return
    waiting = Job.objects.filter(kind=ledger.PUSH, lane=job.lane, state=Job.State.READY, run_after__lte=timezone.now())
    crowd = conf.people_at_once_from()
    if job.lane and len(waiting.values_list("pk")[:crowd]) >= crowd:
        queue.enqueue(GATHER, limits.account_of(job.lane), delay=-AHEAD)
    push.push(job.subject, job.renew)


def gather(account_id: int, renew: accounts.Renew) -> None:
    """Prepare imports for the people who wait in a crowd. Raises queue.Later when Brevo has to be asked first."""
    account = BrevoAccount.objects.filter(pk=account_id).first()
    if account is None or account.is_paused or _failed_lately(account):
        return
    client = accounts.client_of(account)
    if catalogue.is_stale(account):
        accounts.call(account, "contacts", lambda: catalogue.refresh_attributes(account, client), renew=renew)
    if account.import_list is None:
        accounts.call(account, "contacts", lambda: _make_import_list(account, client), renew=renew)
    with transaction.atomic():
        jobs = dict(_waiting_jobs(account_id))
        if len(jobs) < conf.people_at_once_from():
            return
        prepared = list(_prepared(jobs))
        for lists, rows in _grouped(prepared):
            _create(account, lists, rows)
        Job.objects.filter(pk__in=[jobs[row.person.pk] for row in prepared], state=Job.State.READY).delete()


def advance(import_id: int, renew: accounts.Renew) -> None:
    """Bring an import one or more stages further. Raises queue.Later to be called again."""
    row = BulkImport.objects.select_related("account").filter(pk=import_id).first()
    if row is None or row.state in (State.DONE, State.FAILED):
        return
    client = accounts.client_of(row.account)
    if row.state == State.PREPARED:
        _start(row, client, renew)
    if row.state == State.RUNNING:
        _look(row, client, renew)
    if row.state == State.IMPORTED:
        _follow_up(row, client, renew)


def give_up(import_id: int, reason: str) -> None:
    """Hand the people of an import that failed too often back to single writing."""
    row = BulkImport.objects.filter(pk=import_id).exclude(state__in=[State.DONE, State.FAILED]).first()
    if row:
        _fail(row, reason)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One person ready to be imported."""

    person: Person
    steps: list[SyncLogEntry]  # contact steps that the import covers
    decision: ContactDecision


def _waiting_jobs(account_id: int) -> Iterator[tuple[int, int]]:
    """Yield (person id, job id) of single writes that nobody has begun; held until the transaction ends."""
    jobs = Job.objects.select_for_update(skip_locked=True).filter(
        kind=ledger.PUSH, lane=_lane(account_id), state=Job.State.READY, run_after__lte=timezone.now()
    )
    yield from jobs.order_by("run_after", "pk").values_list("subject", "pk")[:AT_ONCE]


def _prepared(jobs: dict[int, int]) -> Iterator[_Row]:
    """Yield the people whom an import can serve; the others stay in the single lane."""
    people = Person.objects.select_for_update(of=("self",)).filter(pk__in=jobs, bulk_import=None)
    rules: dict[int, RuleSet] = {}
    steps = _open_steps(jobs)
    for person in people.select_related("connection__brevo_account").prefetch_related("bookings"):
        if person.connection_id not in rules:
            rules[person.connection_id] = mapping.rules_of(person.connection)
        mine = steps[person.pk]
        contacts = [step for step in mine if step.kind == SyncLogEntry.Kind.CONTACT]
        is_settled = all(step.state == SyncLogEntry.State.WAITING for step in mine)
        is_settled = is_settled and not any({journal.RULES_AT, journal.SET} & step.request.keys() for step in contacts)
        if not contacts or not is_settled or _needs_reading(rules[person.connection_id]):
            continue
        decision, person.clock_at = push.decide_now(person, rules[person.connection_id])
        if decision and not decision.asks:  # asking for consent needs calls of its own
            yield _Row(person=person, steps=contacts, decision=decision)


def _open_steps(people: Iterable[int]) -> dict[int, list[SyncLogEntry]]:
    steps: dict[int, list[SyncLogEntry]] = defaultdict(list)
    for step in SyncLogEntry.objects.filter(person__in=people, state__in=journal.OPEN).order_by("pk"):
        steps[step.person_id].append(step)
    return steps


def _needs_reading(rules: RuleSet) -> bool:
    """Return whether contacts must be read before they are written: an import can't write "only if empty"."""
    return any(rule.overwrite is Overwrite.IF_EMPTY for rule in rules.fields)


def _grouped(rows: Iterable[_Row]) -> Iterator[tuple[tuple[int, ...], list[_Row]]]:
    """Yield rows by the lists they join, in pieces under Brevo's size."""
    groups: dict[tuple[int, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.decision.upsert.join_lists].append(row)
    for lists, members in groups.items():
        piece: list[_Row] = []
        size = 0
        for row in members:
            length = len(json.dumps(_import_row(row.person.email, row.decision.upsert.attributes)).encode()) + 2
            if size + length > brevo.IMPORT_BYTES:
                yield lists, piece
                piece, size = [], 0
            piece.append(row)
            size += length
        yield lists, piece


def _create(account: BrevoAccount, lists: tuple[int, ...], rows: list[_Row]) -> None:
    made = BulkImport.objects.create(account=account, lists=list(lists), people_count=len(rows))
    for row in rows:
        *_, last = row.steps
        last.request = {
            "attributes": journal.plain(row.decision.upsert.attributes),
            "lists": list(lists),
            "leave": list(row.decision.leave.lists) if row.decision.leave else [],
            "warnings": " ".join((*row.decision.upsert.warnings, *row.decision.upsert.notes)),
            "cause": next(iter(row.decision.upsert.causes), ""),
            REMEMBER: push.memory(row.decision, row.person.clock_at),
        }
        last.save(update_fields=["request"])
        if row.decision.proofs:
            proofs.keep(row.person, row.decision.proofs)
    SyncLogEntry.objects.filter(pk__in=[step.pk for row in rows for step in row.steps]).update(
        state=SyncLogEntry.State.SENDING, sent_at=timezone.now()
    )
    Person.objects.filter(pk__in=[row.person.pk for row in rows]).update(bulk_import=made)
    queue.enqueue(ADVANCE, made.pk)


def _start(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    rows = [_import_row(step.person.email, step.request["attributes"]) for step in _carriers(row)]
    lists = row.lists or [row.account.import_list]
    try:
        row.process = accounts.call(
            row.account, "contacts", partial(client.import_contacts, rows, lists=lists), renew=renew
        )
    except errors.Refused as refused:
        if not row.lists:
            BrevoAccount.objects.filter(pk=row.account_id).update(import_list=None)  # perhaps somebody deleted it
        _fail(row, str(refused))
        return
    row.state = State.RUNNING
    row.save(update_fields=["process", "state"])
    raise queue.Later("Brevo imports", seconds=POLLS[0], is_failure=False)


def _look(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    process = accounts.call(row.account, "other", partial(client.get_process, row.process or 0), renew=renew)
    if not process.is_over:
        row.polls += 1
        row.save(update_fields=["polls"])
        seconds = POLLS[min(row.polls, len(POLLS) - 1)]
        raise queue.Later("Brevo still imports", seconds=seconds, is_failure=False)
    if process.status != "completed":
        _fail(row, f"Brevo's import ended as “{process.status}”.")
        return
    refused = _refused_emails(client, process)
    with transaction.atomic():
        row.refused_count = _settle_contacts(row, refused)
        row.state = State.IMPORTED
        row.save(update_fields=["refused_count", "state"])


def _follow_up(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    """Leave lists, send events, then let the people go."""
    people = list(row.people.values_list("pk", flat=True))
    batches.leave_lists(row.account, client, people, renew)
    batches.send_events(row.account, client, people, renew)
    if not row.lists and row.account.import_list:
        accounts.call(row.account, "contacts", partial(client.empty_list, row.account.import_list), renew=renew)
    _finish(row, State.DONE, "")


def _carriers(row: BulkImport) -> Iterator[SyncLogEntry]:
    """Yield the step of each person that carries what is imported: the last one covered."""
    steps = SyncLogEntry.objects.filter(
        person__bulk_import=row, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
    ).select_related("person")
    last = {step.person_id: step for step in steps.order_by("pk")}
    yield from last.values()


def _settle_contacts(row: BulkImport, refused: set[str]) -> int:
    """Settle the contact steps; return how many people Brevo refused and who go on one by one."""
    carriers = list(_carriers(row))
    taken = [step for step in carriers if step.person.email not in refused]
    back = [step.person_id for step in carriers if step.person.email in refused]
    SyncLogEntry.objects.filter(
        person__in=back, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
    ).update(state=SyncLogEntry.State.WAITING, reason="Refused within an import; tried by itself.")
    for step in taken:
        push.remember(step.person_id, step.request.pop(REMEMBER))
    journal.imported(taken)
    _release(back)
    return len(back)


def _refused_emails(client: BrevoClient, process: Process) -> set[str]:
    """Return every address in the process's error reports; every cell is looked at, for columns are undocumented."""
    cells: set[str] = set()
    for address in process.reports.values():
        try:
            text = client.read_report(address)
        except errors.ApiError as error:
            raise queue.Later(f"An error report of Brevo's import can't be read: {error}") from error
        rows = csv.reader(text.splitlines(), delimiter=";")
        cells |= {cell.strip().lower() for line in rows for cell in line if "@" in cell}
    return cells


def _fail(row: BulkImport, reason: str) -> None:
    logger.warning("Import %s failed; its %s people are written one by one: %s", row.pk, row.people_count, reason)
    with transaction.atomic():
        SyncLogEntry.objects.filter(
            person__bulk_import=row, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
        ).update(state=SyncLogEntry.State.WAITING, reason=reason)
        _finish(row, State.FAILED, reason)


def _finish(row: BulkImport, state: BulkImport.State, reason: str) -> None:
    with transaction.atomic():
        row.state, row.reason, row.finished_at = state, reason, timezone.now()
        row.save(update_fields=["state", "reason", "finished_at"])
        _release(list(row.people.values_list("pk", flat=True)))


def _release(people: list[int]) -> None:
    """Let people be written one by one again, beginning with what still waits for them."""
    Person.objects.filter(pk__in=people).update(bulk_import=None)
    waiting = SyncLogEntry.objects.filter(person__in=people, state__in=journal.OPEN).values("person")
    for person in Person.objects.filter(pk__in=waiting).select_related("connection"):
        ledger.ask_for_push(person)


def _failed_lately(account: BrevoAccount) -> bool:
    since = timezone.now() - COOL_DOWN
    return account.bulk_imports.filter(state=State.FAILED, finished_at__gt=since).exists()


def _make_import_list(account: BrevoAccount, client: BrevoClient) -> None:
    account.import_list = client.create_list(IMPORT_LIST_NAME, folder=client.first_folder())
    account.save(update_fields=["import_list"])


def _import_row(email: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"email": email, "attributes": attributes}


def _lane(account_id: int) -> str:
    return limits.key_of(account_id, "contacts")
