"""The steps that follow an import, many people's in one call: lists left, and events in batches of 200."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone

from calendly_connector.clients import brevo_bodies, brevo_catalogue, brevo_events, errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.core import cause
from calendly_connector.models import BrevoAccount, BulkImport, SyncLogEntry
from calendly_connector.services import accounts, journal, queue, settle

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind


def leave_lists(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    """Do the waiting "leave lists" steps of an import's people, 150 a call. May be repeated."""
    account = row.account
    waiting = SyncLogEntry.objects.filter(person__bulk_import=row, kind=Kind.LEAVE_LISTS, state=State.WAITING)
    steps = list(waiting.select_related("person").order_by("pk"))
    wanted = {step.pk: journal.lists_to_leave(step) for step in steps}
    leaving: dict[int, list[str]] = defaultdict(list)
    for step in steps:
        for number in wanted[step.pk]:
            leaving[number].append(step.person.email)
    refusals = {number: _leave(account, client, number, emails, renew) for number, emails in leaving.items()}
    refused = {step.pk: why for step in steps for number in wanted[step.pk] if (why := refusals[number])}
    journal.settle_all([step for step in steps if wanted[step.pk] and step.pk not in refused], State.DONE)
    journal.settle_all([step for step in steps if not wanted[step.pk]], State.SKIPPED, journal.JOINED_SINCE)
    for step in steps:
        if step.pk in refused:
            journal.failed([step], refused[step.pk], cause=cause.LISTS_REFUSED)


def _leave(account: BrevoAccount, client: BrevoClient, number: int, emails: list[str], renew: accounts.Renew) -> str:
    """Take people off one list; return why Brevo refused, "" when it didn't."""
    try:
        for piece in _pieces(emails, brevo_catalogue.NAMES_PER_REMOVAL):
            accounts.call(
                account,
                "contacts",
                partial(client.remove_from_list, number, piece),
                renew=renew,
                patience=accounts.TURN,
            )
    except errors.Refused as refused:
        return journal.LISTS_REFUSED.format(refused)
    return ""


def send_events(row: BulkImport, client: BrevoClient, renew: accounts.Renew) -> None:
    """Send the waiting events of an import's people, each person's in order. Never sends one twice."""
    steps = SyncLogEntry.objects.filter(person__bulk_import=row, kind=Kind.EVENT, state__in=journal.OPEN)
    blocked = set(steps.exclude(state=State.WAITING).values_list("person", flat=True))
    waiting = [
        step for step in steps.select_related("person").order_by("person", "pk") if step.person_id not in blocked
    ]
    lost: set[int] = set()  # people whose later events keep their order behind one of unknown outcome
    for batch in _batches(waiting):
        ready = [step for step in batch if step.person_id not in lost]
        if ready and not _send(row.account, client, ready, renew):
            lost |= {step.person_id for step in ready}


def _send(account: BrevoAccount, client: BrevoClient, batch: list[SyncLogEntry], renew: accounts.Renew) -> bool:
    """Send one batch and settle its steps; return False when the answer was lost."""
    accounts.wait_for(account, "other")
    numbers = [step.pk for step in batch]
    SyncLogEntry.objects.filter(pk__in=numbers).update(state=State.SENDING, sent_at=timezone.now())
    bodies = [_body(step) for step in batch]
    try:
        refused = accounts.call(account, "other", partial(client.create_events, bodies), renew=renew, is_paced=False)
    except queue.Later as later:
        lost = accounts.is_outcome_unknown(later)
        state = State.UNKNOWN if lost else State.WAITING
        SyncLogEntry.objects.filter(pk__in=numbers).update(state=state, reason=str(later))
        if lost:
            for step in batch:
                step.state = State.UNKNOWN
            journal.tell(batch)
            settle.ask(account)
            return False
        raise
    except errors.Refused as error:
        words = f"Brevo refused the whole batch. {error}"
        journal.settle_all(batch, State.FAILED, words, cause=cause.EVENT_REFUSED)
        return True
    journal.settle_all([step for at, step in enumerate(batch) if at not in refused], State.DONE)
    for at, why in refused.items():
        if at < len(batch):
            journal.failed([batch[at]], f"Brevo refused the event: {why}", cause=cause.EVENT_REFUSED)
    return True


def _batches(steps: list[SyncLogEntry]) -> Iterator[list[SyncLogEntry]]:
    """Yield pieces within Brevo's number and size."""
    piece: list[SyncLogEntry] = []
    size = 0
    for step in steps:
        length = len(json.dumps(_body(step)).encode()) + 2
        if piece and (len(piece) == brevo_events.EVENTS_PER_BATCH or size + length > brevo_events.BATCH_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(step)
        size += length
    if piece:
        yield piece


def _body(step: SyncLogEntry) -> dict[str, Any]:
    return brevo_bodies.event_body(
        step.request["name"],
        email=step.person.email,
        at=datetime.fromisoformat(step.request["at"]),
        properties=step.request["properties"],
    )


def _pieces(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
