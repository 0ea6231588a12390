"""One task in Brevo's CRM per meeting, where a connection makes them: created, moved and closed with the booking.

A job per booking, asked for when its contact was written. It takes one call a minute of the hundred an hour, and never
the part that may go at once: looking up events goes first. Of several bookings that wait, the newest goes first.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import tasks as core_tasks
from calendly_connector.core.tasks import Task
from calendly_connector.models import Booking, Connection, ContactMirror, CrmTask, Job, Notice, SyncLogEntry
from calendly_connector.services import accounts, journal, limits, mapping, mirror, notices, queue, trail
from calendly_connector.services.crm_calls import Calls, CrmOffError

WRITE = "crm_task"
IN_FLIGHT = timedelta(seconds=100)  # so long an answer may still come
OFF_SECONDS = 3600.0  # until the CRM is tried again after a refusal
MOST_AT_ONCE, LONGEST_CHAIN = 5000, 50

NO_OWNER = "Brevo knows no user {}, so the task has no owner."
REFUSED = "Brevo refused the task. {} It is tried again when the booking changes."
NO_CONTACT = "The contact isn't in Brevo, so there is no task. It is tried again when the contact is written."
GONE = "The task was deleted in Brevo, so it is left alone."
LOST = "Brevo's answer was lost: the task is looked for before it is made again."
OFF = (
    "Brevo makes no CRM tasks for this account. Switch the CRM on in Brevo and check its plan, or switch CRM tasks off "
    "on the connection's page. Contacts and events aren't concerned; tasks are tried again every hour. {}"
)
OFF_TITLE, ON_AGAIN = "CRM tasks can't be made", "CRM tasks are made again."


def ask(bookings: Iterable[int] | QuerySet[Any]) -> None:
    """Ask for the tasks of these bookings where their connection makes any: of meetings to come, and existing ones."""
    known = Q(end_at__gt=timezone.now()) | Q(crm_task__isnull=False) | ~Q(old_invitee="")
    found = Booking.objects.filter(known, pk__in=bookings, connection__makes_tasks=True).order_by("-pk")
    for number, account in found.values_list("pk", "connection__brevo_account")[:MOST_AT_ONCE]:
        queue.enqueue(WRITE, number, lane=limits.key_of(account, "tasks"))


def ask_for_people(people: Sequence[int]) -> None:
    """Ask for the tasks of the bookings whose contact was just imported: those of contact steps not yet settled."""
    mine = SyncLogEntry.objects.filter(person__in=people, state=SyncLogEntry.State.SENDING)
    ask(mine.filter(kind=SyncLogEntry.Kind.CONTACT, booking__isnull=False).values("booking"))


def begin(connection: Connection) -> None:
    """Ask for the tasks of all meetings to come, when staff have switched them on."""
    coming = Booking.objects.filter(connection=connection, start_at__gt=timezone.now(), status=Booking.Status.BOOKED)
    ask(coming.values("pk"))


def stop(connection: Connection) -> None:
    """Say no more of tasks that can't be made, when staff have switched them off. Tasks that exist stay as they are."""
    notices.close_notice(notices.key_of(connection, "tasks"), "CRM tasks were switched off.")


def write(job: queue.Claimed) -> None:
    """Bring a booking's task up to date. Raises queue.Later when it has to wait or to be tried again."""
    row = Booking.objects.select_related("connection__brevo_account", "person").filter(pk=job.subject).first()
    if row is None or not row.connection.makes_tasks:
        return
    account = row.connection.brevo_account
    if account.is_paused:
        raise queue.Later(account.pause_reason, seconds=60, is_failure=False)  # its lane is closed anyway
    trail.note(delivery=journal.delivery_of(row.pk), person=row.person_id)
    try:
        _Writer(row, job).write()
    except CrmOffError as off:
        words = OFF.format(off)
        notices.open_notice(notices.key_of(row.connection, "tasks"), OFF_TITLE, words)
        seconds = limits.block(account.pk, "tasks", seconds=OFF_SECONDS)
        raise queue.Later(words, seconds=seconds, is_failure=False) from off


def give_up(booking_id: int, reason: str) -> None:
    """Say on the booking's task that it was tried too often; its next change tries again."""
    if Booking.objects.filter(pk=booking_id).exists():
        words = f"Given up after {queue.MAX_FAILURES} tries. Last: {reason}"
        CrmTask.objects.update_or_create(booking_id=booking_id, defaults={"words": words, "digest": ""})


def words_about(connection: Connection) -> str:
    """Return why a connection's tasks can't be made now; empty while they can."""
    key = notices.key_of(connection, "tasks")
    return str(Notice.objects.filter(key=key, is_open=True).values_list("message", flat=True).first() or "")


class _Writer:
    """The calls for one booking's task."""

    def __init__(self, row: Booking, job: queue.Claimed) -> None:
        self.row, self.job = row, job
        self.calls = Calls(row.connection.brevo_account, job.renew)
        self.client = self.calls.client
        self.is_contact_fresh = False

    def write(self) -> None:
        rules, entry = mapping.rules_of(self.row.connection), self.row.to_entry()
        wanted = core_tasks.describe(entry, type_names=rules.type_names)
        if wanted is None or self.row.event_type in rules.ignored_types:
            return
        begins = core_tasks.may_begin(entry, now=timezone.now())
        task = _follow(self.row)
        if task is None and not begins:
            return
        if task and task.number and (task.digest == wanted.digest or task.words == GONE):
            return
        _let_newer_go_first(self.job)
        if task and not task.number and task.written_at:
            self._look_up(task)
        if task and task.number:
            self._change(task, wanted)
        elif begins:
            self._create(wanted)

    def _look_up(self, task: CrmTask) -> None:
        """Find out whether a task whose creation got no answer is there."""
        marks = [core_tasks.reference(each.uri) for each in _chain(self.row)]
        number = self._contact_number()
        found = self.calls.call(partial(self.client.find_tasks, contact=number)) if number else []
        known = next((each.id for each in found if any(mark in each.notes for mark in marks)), "")
        task.number, task.digest, task.written_at = known, "", task.written_at if known else None
        task.save(update_fields=["number", "digest", "written_at"])

    def _create(self, wanted: Task) -> None:
        owner = self._owner_of(wanted)
        number = self._contact_number()
        kind = self.calls.task_type() if number else ""
        while number:
            try:
                made = self._post({**_body(wanted, owner), "taskTypeId": kind, "contactsIds": [number]}, wanted)
            except errors.Refused as refused:
                if "contact" in str(refused.body.get("message", "")).casefold() and not self.is_contact_fresh:
                    number = self._contact_number(afresh=True)  # perhaps it was deleted and made anew
                elif owner:
                    owner = self._without(owner)
                else:
                    self._settle("", "", REFUSED.format(refused))
                    return
            else:
                self._settle(made, wanted.digest, _owner_words(wanted, owner))
                return

    def _post(self, body: dict[str, Any], wanted: Task) -> str:
        """Create the task, noted before the call: a crash from there on leaves one to look for."""
        self.calls.take_place()
        self.job.renew()
        sent = {"number": "", "digest": wanted.digest, "words": LOST, "written_at": timezone.now()}
        CrmTask.objects.update_or_create(booking=self.row, defaults=sent)
        try:
            return self.calls.call(partial(self.client.create_task, body))
        except (queue.Later, CrmOffError) as error:
            if isinstance(error, queue.Later) and accounts.is_outcome_unknown(error):
                raise queue.Later(LOST, seconds=IN_FLIGHT.total_seconds()) from error
            CrmTask.objects.filter(booking=self.row).update(written_at=None, words=str(error))
            raise

    def _change(self, task: CrmTask, wanted: Task) -> None:
        owner = self._owner_of(wanted)
        while True:
            try:
                self.calls.call(partial(self.client.update_task, task.number, _body(wanted, owner)), may_be_gone=True)
            except errors.NotFound:
                self._settle(task.number, wanted.digest, GONE)
            except errors.Refused as refused:
                if owner:
                    owner = self._without(owner)
                    continue
                self._settle(task.number, wanted.digest, REFUSED.format(refused))
            else:
                self._settle(task.number, wanted.digest, _owner_words(wanted, owner))
            return

    def _settle(self, number: str, digest: str, words: str) -> None:
        written = {"number": number, "digest": digest, "words": words, "written_at": timezone.now() if number else None}
        CrmTask.objects.update_or_create(booking=self.row, defaults=written)
        if number:
            notices.close_notice(notices.key_of(self.row.connection, "tasks"), ON_AGAIN)

    def _owner_of(self, wanted: Task) -> str:
        return wanted.owner if self.calls.may_own(wanted.owner) else ""

    def _without(self, owner: str) -> str:
        """Note that Brevo may not know a host, and return nobody in their place."""
        self.calls.note_stranger(owner)
        return ""

    def _contact_number(self, *, afresh: bool = False) -> int:
        """Return Brevo's number of the contact, kept in the mirror; 0 when there is no contact, which is said then."""
        person = self.row.person
        known = (
            ContactMirror.objects.filter(person=person, deleted_at=None).values_list("contact_id", flat=True).first()
        )
        if known and not afresh:
            return int(known)
        self.is_contact_fresh = True
        get = partial(self.client.get_contact, person.email)
        try:
            contact = accounts.call(self.calls.account, "contacts", get, renew=self.job.renew)
        except errors.NotFound:
            self._settle("", "", NO_CONTACT)
            return 0
        with transaction.atomic():
            row, _is_new = ContactMirror.objects.select_for_update().get_or_create(person=person)
            mirror.note_read(row, contact, was_there=True, at=timezone.now())
            row.save()
        return contact.id


def _body(wanted: Task, owner: str) -> dict[str, Any]:
    body = {
        "name": wanted.name,
        "date": wanted.at,
        "duration": wanted.duration,
        "notes": wanted.notes,
        "done": wanted.is_done,
    }
    return {**body, "assignToId": owner} if owner else body


def _owner_words(wanted: Task, owner: str) -> str:
    return NO_OWNER.format(wanted.owner) if wanted.owner and not owner else ""


def _follow(row: Booking) -> CrmTask | None:
    """Return a booking's task, or that of the booking it was moved from, which comes along.

    Raises queue.Later while one is just being made.
    """
    for each in _chain(row):
        task = CrmTask.objects.filter(booking=each).first()
        if task is None:
            continue
        if each.pk != row.pk:
            if not task.number and task.written_at and timezone.now() - task.written_at < IN_FLIGHT:
                raise queue.Later("The task is just being made.", seconds=IN_FLIGHT.total_seconds(), is_failure=False)
            CrmTask.objects.filter(booking=each).update(booking=row)
        return CrmTask.objects.filter(booking=row).first()
    return None


def _chain(row: Booking) -> list[Booking]:
    """Return a booking and those it was moved from, newest first."""
    chain, seen = [row], {row.uri}
    while (old := chain[-1].old_invitee) and old not in seen and len(chain) < LONGEST_CHAIN:
        found = Booking.objects.filter(connection=row.connection_id, uri=old).first()
        if found is None:
            break
        chain.append(found)
        seen.add(old)
    return chain


def _let_newer_go_first(job: queue.Claimed) -> None:
    """Change places with the newest booking that waits in the same lane, if that isn't this one."""
    waiting = Job.objects.filter(kind=WRITE, lane=job.lane, state=Job.State.READY, run_after__lte=timezone.now())
    newest = waiting.filter(subject__gt=job.subject).order_by("-subject").first()
    if newest is None:
        return
    Job.objects.filter(pk=newest.pk, state=Job.State.READY).update(run_after=job.run_after - timedelta(seconds=1))
    raise queue.Later("A newer booking goes first.", seconds=0, is_failure=False)
