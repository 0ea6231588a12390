"""Many people at once: contacts by import, events by batch (design.md §4.8).

    gather   people who wait in a crowd ─▶ one prepared import per set of lists; their single jobs are dropped
    advance  prepared ─▶ running at Brevo ─▶ imported ─▶ lists left, events sent ─▶ done

Each stage is a row's state, so a worker that dies leaves work that any other goes on with. An import is an upsert and
may be repeated; a batch of events may not, and is noted as being sent before it is.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice

from django.db import transaction
from django.db.models import F, QuerySet

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_imports import Process
from calendly_connector.models import BrevoAccount, BulkImport, Job, Person, SyncLogEntry
from calendly_connector.services import (
    accounts,
    batches,
    bulk_rows,
    catalogue,
    common_clock,
    crm_tasks,
    gathering,
    import_reports,
    journal,
    ledger,
    limits,
    push,
    queue,
)

logger = logging.getLogger(__name__)

GATHER, ADVANCE, CLOSE = "bulk_gather", gathering.ADVANCE, gathering.CLOSE
AT_ONCE = 5000  # waiting people prepared in one transaction
PATIENCE = timedelta(seconds=1)  # somebody who waits longer may stand in a crowd
AHEAD = 3600.0  # seconds by which gathering goes before the crowd that it is to relieve
COOL_DOWN = timedelta(minutes=5)  # after a failed import
POLLS = (1, 1, 2, 2, 4, 4, 8, 10, 30, 60)  # seconds between looks
MANY, LONG_POLLS = 1000, (10, 20, 40, 60, 120)  # from so many people on, Brevo needs a while
MANY_OF_HISTORY = 100
MOST_LOOKS = 120  # two hours, with many people four: who is in an import is written by nothing else meanwhile
PIECE = 250  # people settled in one transaction
IMPORT_LIST_NAME = "Calendly connector: imports (emptied by itself)"

State = BulkImport.State


def push_or_gather(job: queue.Claimed) -> None:
    """Write one person; when a crowd waits behind them in the same lane, ask for an import as well."""
    if common_clock.now() - job.run_after < PATIENCE:
        push.push(job.subject, job.renew)  # nobody has to wait: no crowd, and no need to count
        return
    waiting = Job.objects.filter(
        kind=ledger.PUSH, lane=job.lane, state=Job.State.READY, run_after__lte=common_clock.now()
    )
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
    make_ready(account, client, renew)
    with transaction.atomic():
        jobs = dict(_waiting_jobs(account_id))
        if len(jobs) < conf.people_at_once_from():
            return
        people = Person.objects.select_for_update(of=("self",)).filter(pk__in=jobs, bulk_import=None)
        people = people.select_related("connection__brevo_account", "mirror").prefetch_related("bookings")
        imports = bulk_rows.Imports(account=account)
        added = imports.add(bulk_rows.prepared(people))
        for number in imports.numbers:
            queue.enqueue(ADVANCE, number)
        Job.objects.filter(pk__in=[jobs[number] for number in added], state=Job.State.READY).delete()


def close(import_id: int, renew: accounts.Renew) -> None:
    """Put the people whom a reading has gathered into imports. Raises queue.Later when Brevo has to be asked first."""
    row = BulkImport.objects.select_related("account").filter(pk=import_id).first()
    if row and not row.account.is_paused:
        make_ready(row.account, accounts.client_of(row.account), renew)
    gathering.close(import_id, renew)


def make_ready(account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> None:
    """See that values can be converted, and that there is a list to import into."""
    if catalogue.is_stale(account):
        read = partial(catalogue.refresh_attributes, account, client)
        accounts.call(account, "contacts", read, renew=renew, patience=accounts.TURN)
    if account.import_list is None:
        make = partial(_make_import_list, account, client)
        accounts.call(account, "contacts", make, renew=renew, patience=accounts.TURN)


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


def _waiting_jobs(account_id: int) -> Iterator[tuple[int, int]]:
    """Yield (person id, job id) of single writes that nobody has begun; held until the transaction ends."""
    jobs = Job.objects.select_for_update(skip_locked=True).filter(
        kind=ledger.PUSH, lane=_lane(account_id), state=Job.State.READY, run_after__lte=common_clock.now()
    )
    yield from jobs.order_by("run_after", "pk").values_list("subject", "pk")[:AT_ONCE]


def _start(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    rows = [bulk_rows.import_row(step.person.email, step.request["attributes"]) for step in _carriers(row)]
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
    except queue.Later as later:
        if not isinstance(later.__cause__, errors.BadAnswer):
            raise
        _fail(row, str(later))  # to begin it over and over would only let its people wait
        return
    row.state = State.RUNNING
    row.save(update_fields=["process", "state"])
    raise queue.Later("Brevo imports", seconds=_pause(row), is_failure=False)


def _look(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    try:
        process = _process(row, client, renew)
    except errors.Refused as unknown:  # Brevo doesn't know it any more
        _fail(row, f"What became of Brevo's import can't be seen. {unknown}")
        return
    if not process.is_over:
        _look_again(row)
        return
    if process.status != "completed":
        _fail(row, f"Brevo's import ended as “{process.status}”.")
        return
    emails = set(row.people.values_list("email", flat=True))
    refused = import_reports.refused_emails(client, process, among=emails, renew=renew)
    if import_reports.UNNAMED in refused:  # failed, so that no crowd of the same people is imported at once again
        _fail(row, "Brevo's import refused somebody, and it can't be read whom.")
        return
    _settle_contacts(row, set().union(*refused.values()))
    row.state, row.refused = State.IMPORTED, {name: len(emails) for name, emails in refused.items() if emails}
    row.save(update_fields=["refused", "state"])


def _look_again(row: BulkImport) -> None:
    """Raise queue.Later, unless an import has been looked at so often that its people shall not wait any longer."""
    row.polls += 1
    row.save(update_fields=["polls"])
    if row.polls < MOST_LOOKS:
        raise queue.Later("Brevo still imports", seconds=_pause(row), is_failure=False)
    _fail(row, f"Brevo's import {row.process} doesn't come to an end.")


_looked: dict[tuple[int, datetime], Process] = {}  # import (key, made at) → what a look at several told of it


def _process(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> Process:
    """Return an import's process. While several run, one call looks at all of them, and each uses its part of it."""
    if (told := _looked.pop((row.pk, row.created_at), None)) and told.id == row.process:
        return told
    running = list(BulkImport.objects.filter(account=row.account_id, state=State.RUNNING))
    if len(running) > 1:
        found = accounts.call(row.account, "other", client.list_processes, renew=renew)
        _looked.update({(each.pk, each.created_at): found[each.process] for each in running if each.process in found})
        if mine := _looked.pop((row.pk, row.created_at), None):
            return mine
    return accounts.call(row.account, "other", partial(client.get_process, row.process or 0), renew=renew)


def _pause(row: BulkImport) -> float:
    """Return the seconds until the next look. Nobody waits for history: it is looked at when all of it may be over."""
    if not row.reading_id:
        return pause_before_look(row.people_count, row.polls)
    imports = BulkImport.objects.filter(reading=row.reading_id, state__in=[State.PREPARED, State.RUNNING])
    return pause_before_look(sum(imports.values_list("people_count", flat=True)), row.polls, many=MANY_OF_HISTORY)


def pause_before_look(people: int, looks: int, *, many: int = MANY) -> float:
    """Return the seconds until the next look: of a hundred an hour, an import of many may spend few."""
    pauses = LONG_POLLS if people >= many else POLLS
    return pauses[min(looks, len(pauses) - 1)]


def _follow_up(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    """Leave lists, send events, then let the people go."""
    batches.leave_lists(row, client, renew)
    batches.send_events(row, client, renew)
    if not row.lists and row.account.import_list:
        empty_import_list(row.account, client, renew)
    _finish(row, State.DONE, "")


def empty_import_list(account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> None:
    """Take everybody off the list that imports need; one that was deleted in Brevo is made anew when it is needed."""
    number = account.import_list or 0
    try:
        accounts.call(account, "contacts", partial(client.empty_list, number), renew=renew, patience=accounts.TURN)
    except errors.Refused as refused:
        logger.warning("The list of imports can't be emptied: %s", refused)
        look = partial(client.has_list, number)
        is_gone = isinstance(refused, errors.NotFound)
        if not is_gone and accounts.call(account, "contacts", look, renew=renew, patience=accounts.TURN):
            return  # perhaps it was empty: what Brevo says to that isn't documented
        BrevoAccount.objects.filter(pk=account.pk, import_list=number).update(import_list=None)


def _carriers(row: BulkImport) -> Iterator[SyncLogEntry]:
    """Yield the step of each person that carries what is imported, the last one covered, without holding them all."""
    steps = SyncLogEntry.objects.filter(
        person__bulk_import=row, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
    ).select_related("person")
    ordered = steps.order_by("person_id", "pk").iterator(chunk_size=PIECE)
    for _person, mine in groupby(ordered, key=lambda step: step.person_id):
        *_, last = mine
        yield last


def _settle_contacts(row: BulkImport, refused: set[str]) -> None:
    """Settle the contact steps, a piece at a time; people whom Brevo refused go on one by one."""
    while piece := list(islice(_carriers(row), PIECE)):
        taken = [step for step in piece if step.person.email not in refused]
        back = [step.person_id for step in piece if step.person.email in refused]
        with transaction.atomic():
            SyncLogEntry.objects.filter(
                person__in=back, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
            ).update(state=SyncLogEntry.State.WAITING, reason="Refused within an import; tried by itself.")
            crm_tasks.ask_for_people([step.person_id for step in taken])
            for step in taken:
                push.remember(step.person_id, step.request.pop(bulk_rows.REMEMBER))
            journal.imported(taken)
            BulkImport.objects.filter(pk=row.pk).update(refused_count=F("refused_count") + len(back))
            _release(Person.objects.filter(pk__in=back))


def _fail(row: BulkImport, reason: str) -> None:
    logger.warning("Import %s failed; its %s people are written one by one: %s", row.pk, row.people_count, reason)
    with transaction.atomic():
        SyncLogEntry.objects.filter(
            person__bulk_import=row, kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.SENDING
        ).update(state=SyncLogEntry.State.WAITING, reason=reason)
        _finish(row, State.FAILED, reason)


def _finish(row: BulkImport, state: BulkImport.State, reason: str) -> None:
    with transaction.atomic():
        row.state, row.reason, row.finished_at = state, reason, common_clock.now()
        row.save(update_fields=["state", "reason", "finished_at"])
        _release(row.people.all())


def _release(people: QuerySet[Person]) -> None:
    """Let people be written one by one again, beginning with what still waits for them.

    They are named by a query, not by their keys: a statement with thousands of them would stay in SQLite's cache.
    """
    waiting = SyncLogEntry.objects.filter(person__in=people.values("pk"), state__in=journal.OPEN).values("person")
    behind = list(Person.objects.filter(pk__in=waiting).select_related("connection"))
    people.update(bulk_import=None)
    for person in behind:
        ledger.ask_for_push(person)


def _failed_lately(account: BrevoAccount) -> bool:
    since = common_clock.now() - COOL_DOWN
    return account.bulk_imports.filter(state=State.FAILED, finished_at__gt=since).exists()


def _make_import_list(account: BrevoAccount, client: BrevoClient) -> None:
    account.import_list = client.create_list(IMPORT_LIST_NAME, folder=client.first_folder())
    account.save(update_fields=["import_list"])


def _lane(account_id: int) -> str:
    return limits.key_of(account_id, "contacts")
