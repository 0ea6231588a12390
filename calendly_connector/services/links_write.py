"""Third stage of a run of links: their addresses go into the contacts' attribute, by imports of Brevo's size.

An import is an upsert and may be repeated, so a kill between its start and the note of its number does no harm.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calendly_connector.clients import brevo_imports
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_imports import Process
from calendly_connector.models import BrevoAccount, ContactMirror, LinkRun, SchedulingLink
from calendly_connector.services import accounts, bulk, bulk_rows, catalogue, import_reports, links_one, queue

DELETED, REFUSED = "were deleted in Brevo meanwhile", "refused by Brevo"
AGAIN = 60.0  # seconds until an import that failed is started again
State = SchedulingLink.State


class AttributeGone(Exception):
    """The attribute isn't in Brevo any more, so whatever is written to it would be dropped without a word."""


def write_all(row: LinkRun, keep_going: Callable[[], bool]) -> bool:
    """Write every link of a run that was made; return False when it was stopped meanwhile.

    Raises errors.Refused and AttributeGone for what needs a person, queue.Later while Brevo imports.
    """
    account = row.connection.brevo_account
    client = accounts.client_of(account)

    def renew() -> None:  # between calls; whether to stop is asked between pieces
        keep_going()

    while keep_going():
        if row.process is None and not _start(row, account, client, renew):
            return True
        _look(row, account, client, renew)
    return False


def _start(row: LinkRun, account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> bool:
    """Start the import of the next piece; return False when nothing is left to be written."""
    _leave_out_the_deleted(row, account)
    piece = _next_piece(row)
    if not piece:
        return False
    _make_ready(row, account, client, renew)
    rows = [_import_row(row, link) for link in piece]
    send = partial(client.import_contacts, rows, lists=[account.import_list or 0])
    process = accounts.call(account, "contacts", send, renew=renew, patience=accounts.TURN)
    _note(row, process=process, piece_to=piece[-1].pk, polls=0)
    raise queue.Later("Brevo imports the links.", seconds=bulk.pause_before_look(len(piece), 0), is_failure=False)


def _make_ready(row: LinkRun, account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> None:
    read = partial(catalogue.refresh_attributes, account, client)
    accounts.call(account, "contacts", read, renew=renew, patience=accounts.TURN)
    if not account.attributes.filter(name=row.attribute).exists():
        raise AttributeGone(f"Brevo has no attribute {row.attribute} any more. Make it there, of the type text.")
    bulk.make_ready(account, client, renew)


def _look(row: LinkRun, account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> None:
    """See how far Brevo is with the piece under way; raise queue.Later unless it is done."""
    process = accounts.call(account, "other", partial(client.get_process, row.process or 0), renew=renew)
    if not process.is_over:
        _note(row, polls=row.polls + 1)
        if row.polls >= bulk.MOST_LOOKS:
            _note(row, process=None)
            raise queue.Later("Brevo's import doesn't come to an end; it is started again.", seconds=AGAIN)
        people = _piece(row).count()
        raise queue.Later(
            "Brevo imports the links.", seconds=bulk.pause_before_look(people, row.polls), is_failure=False
        )
    if process.status != "completed":
        _note(row, process=None)
        raise queue.Later(f"Brevo's import ended as “{process.status}”; it is started again.", seconds=AGAIN)
    _settle(row, client, process, renew)
    bulk.empty_import_list(account, client, renew)


def _settle(row: LinkRun, client: BrevoClient, process: Process, renew: accounts.Renew) -> None:
    """Note what Brevo has, and what it refused by cause: of those, the next run writes the same link again."""
    piece = set(_piece(row).values_list("email", flat=True))
    refused = import_reports.refused_emails(client, process, among=piece, renew=renew)
    emails = set().union(*refused.values())
    causes = {f"{REFUSED}: {name}": len(found) for name, found in refused.items() if found}
    with transaction.atomic():
        written = _piece(row).exclude(email__in=emails).update(written_at=timezone.now())
        LinkRun.objects.filter(pk=row.pk).update(written=F("written") + written)
        left_out = {name: row.left_out.get(name, 0) + causes.get(name, 0) for name in {**row.left_out, **causes}}
        _note(row, process=None, written_to=row.piece_to, left_out=left_out)


def _piece(row: LinkRun) -> Any:
    """Return the links of the import under way."""
    return SchedulingLink.objects.filter(run=row, pk__gt=row.written_to, pk__lte=row.piece_to).exclude(url="")


def _next_piece(row: LinkRun) -> list[SchedulingLink]:
    """Return the next links to be written, as many as one import holds."""
    rows = SchedulingLink.objects.filter(run=row, state=State.LIVE, written_at=None, pk__gt=row.written_to)
    piece: list[SchedulingLink] = []
    size = 0
    for link in rows.order_by("pk")[: bulk_rows.AT_ONCE]:
        size += len(json.dumps(_import_row(row, link)).encode()) + 2
        if size > brevo_imports.IMPORT_BYTES:
            break
        piece.append(link)
    return piece


def _import_row(row: LinkRun, link: SchedulingLink) -> dict[str, Any]:
    return bulk_rows.import_row(link.email, {row.attribute: links_one.address_of(link, tracking=row.tracking)})


def _leave_out_the_deleted(row: LinkRun, account: BrevoAccount) -> None:
    """Let go of the links of contacts of whose end Brevo has told since they were listed: an import would make them
    anew."""
    mirrors = ContactMirror.objects.filter(person__connection__brevo_account=account, deleted_at__gte=row.asked_at)
    gone = SchedulingLink.objects.filter(run=row, written_at=None, email__in=mirrors.values("person__email"))
    with transaction.atomic():
        if count := gone.filter(pk__gt=row.written_to).update(run=None):
            _note(row, left_out={**row.left_out, DELETED: row.left_out.get(DELETED, 0) + count})


def _note(row: LinkRun, **changes: Any) -> None:
    """Keep how far a run is, whoever stopped it: what Brevo was asked for is asked for."""
    LinkRun.objects.filter(pk=row.pk).update(**changes)
    for name, value in changes.items():
        setattr(row, name, value)
