"""A Brevo account's troubles: pausing with words, going on again, and settling events of unknown outcome."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient, RecordedEvent
from calendly_connector.models import BrevoAccount, SyncLogEntry
from calendly_connector.services import connection as connections
from calendly_connector.services import journal, ledger, limits, queue

logger = logging.getLogger(__name__)

SETTLE = "settle"
SETTLE_AFTER = (60, 300)  # seconds after sending at which an event is looked for; absent at the last: send again
SLACK = timedelta(days=1)  # Brevo searches by calendar day


def pause(account: BrevoAccount, reason: str) -> queue.Later:
    """Stop writing to an account until somebody resumes it; return the exception that puts the job back.

    Nothing is lost: steps wait, and what was decided in the meantime waits with them.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = BrevoAccount.objects.filter(pk=account.pk, state=BrevoAccount.State.ACTIVE).update(
            state=BrevoAccount.State.PAUSED, pause_reason=reason, paused_at=now
        )
        limits.pause(account.pk)
    if changed:
        logger.error("Writing to Brevo account %s is paused: %s", account.pk, reason)
    return queue.Later(reason, seconds=1, is_failure=False)  # its lane is closed until `resume`


def resume(account: BrevoAccount) -> None:
    """Go on writing; what waited is written now."""
    with transaction.atomic():
        BrevoAccount.objects.filter(pk=account.pk).update(
            state=BrevoAccount.State.ACTIVE, pause_reason="", paused_at=None
        )
        limits.resume(account.pk)
        ask_for_settlement(account, delay=0)
    account.refresh_from_db()


def words_for(refused: errors.ApiError) -> str:
    """Return what staff should do about an account that refuses us."""
    if isinstance(refused, errors.UnknownAddress):
        return (
            "Brevo doesn't know this machine's address. In Brevo, open Security → Authorised IPs and add the address "
            f"that Brevo names, then resume. Brevo said: {refused}"
        )
    if isinstance(refused, errors.Unauthorized):
        return f"Brevo doesn't accept the API key any more. Make a new one in Brevo, put it in, then resume. {refused}"
    if isinstance(refused, errors.PaymentRequired):
        return f"The Brevo account has no credits or isn't activated. Settle that in Brevo, then resume. {refused}"
    return f"The Brevo account may not do this. Check its plan and permissions, then resume. {refused}"


def ask_for_settlement(account: BrevoAccount, *, delay: float = SETTLE_AFTER[0]) -> None:
    """Ask for an account's events of unknown outcome to be looked up."""
    queue.enqueue(SETTLE, account.pk, lane=limits.key_of(account.pk, "other"), delay=delay)


def settle(account_id: int) -> None:
    """Look up events whose answer was lost: found ones are done, absent ones are sent again in the end.

    Brevo accepts before it processes, so an event absent soon after sending is looked for once more later.
    """
    account = BrevoAccount.objects.filter(pk=account_id).first()
    steps = list(_unknown(account_id))
    if account is None or not steps:
        return
    client = connections.brevo_client(account)
    now = timezone.now()
    for name in sorted({step.request["name"] for step in steps}):
        mine = [step for step in steps if step.request["name"] == name]
        found = _recorded(account, client, name, mine, now)
        for step in mine:
            _settle_one(step, found, now)
    if waiting := list(_unknown(account_id)):
        soonest = min(_looks_at(step) for step in waiting)
        raise queue.Later(
            "Events not found in Brevo yet", seconds=max(1.0, (soonest - now).total_seconds()), is_failure=False
        )


def _unknown(account_id: int) -> QuerySet[SyncLogEntry]:
    return SyncLogEntry.objects.filter(
        connection__brevo_account_id=account_id, state=SyncLogEntry.State.UNKNOWN, kind=SyncLogEntry.Kind.EVENT
    ).select_related("person__connection")


def _looks_at(step: SyncLogEntry) -> datetime:
    return (step.sent_at or step.created_at) + timedelta(seconds=SETTLE_AFTER[-1])


def _settle_one(step: SyncLogEntry, found: set[tuple[str, str]], now: datetime) -> None:
    with transaction.atomic():
        if (step.request["properties"]["booking_id"], step.request["at"]) in found:
            journal.done([step], "Its answer was lost; it was found in Brevo afterwards.")
        elif now >= _looks_at(step):
            journal.waiting(step, "Its answer was lost and Brevo doesn't have it: it is sent again.")
        else:
            return
        ledger.ask_for_push(step.person)


def _recorded(
    account: BrevoAccount, client: BrevoClient, name: str, steps: list[SyncLogEntry], now: datetime
) -> set[tuple[str, str]]:
    """Return (booking id, instant) of every event of a name that Brevo has around the time of the lost ones."""
    moments = [datetime.fromisoformat(step.request["at"]) for step in steps]
    since, until = min(moments) - SLACK, max([*moments, now]) + SLACK
    found: set[tuple[str, str]] = set()
    offset = 0
    while True:
        page = _page(account, client, name, since, until, offset)
        for event in page:
            booking_id = str(event.properties.get("booking_id") or "")
            found |= {
                (booking_id, step.request["at"])
                for step in steps
                if step.request["properties"]["booking_id"] == booking_id and _is_same_instant(event.at, step)
            }
        offset += len(page)
        if len(page) < 1000:
            return found


def _page(
    account: BrevoAccount, client: BrevoClient, name: str, since: datetime, until: datetime, offset: int
) -> list[RecordedEvent]:
    wait = limits.acquire(account.pk, "other")
    if wait:
        raise queue.Later("Brevo's hourly rate limit", seconds=wait, is_failure=False)
    try:
        return client.find_events(name, since=since, until=until, offset=offset)
    except errors.RateLimited as limited:
        seconds = limits.block(account.pk, "other", seconds=limited.wait)
        raise queue.Later(str(limited), seconds=seconds, is_failure=False) from limited
    except (errors.Unauthorized, errors.PaymentRequired, errors.Forbidden) as refused:
        raise pause(account, words_for(refused)) from refused
    except errors.ApiError as error:
        raise queue.Later(str(error)) from error


def _is_same_instant(recorded: str, step: SyncLogEntry) -> bool:
    """Return whether a recorded event is this one: a booking may have several no-shows. Brevo keeps whole seconds."""
    try:
        at = datetime.fromisoformat(recorded)
    except ValueError:
        return True  # unreadable: better to believe it was recorded than to send it twice
    return abs((at - datetime.fromisoformat(step.request["at"])).total_seconds()) <= 1
