"""Settles events whose answer was lost: looked up in Brevo, then closed, or sent again if they aren't there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_events import RecordedEvent
from calendly_connector.models import BrevoAccount, SyncLogEntry
from calendly_connector.services import accounts, common_clock, journal, ledger, limits, queue

SETTLE = "settle"
LOOK_AFTER = (60, 300)  # seconds after sending at which an event is looked for; absent at the last: send again
SLACK = timedelta(days=1)  # Brevo searches by calendar day


def ask(account: BrevoAccount, *, delay: float = LOOK_AFTER[0]) -> None:
    """Ask for an account's events of unknown outcome to be looked up."""
    queue.enqueue(SETTLE, account.pk, lane=limits.key_of(account.pk, "other"), delay=delay)


def settle(account_id: int, renew: accounts.Renew) -> None:
    """Look up events whose answer was lost: found ones are done, absent ones are sent again in the end.

    Brevo accepts before it processes, so an event absent soon after sending is looked for once more later.
    """
    account = BrevoAccount.objects.filter(pk=account_id).first()
    steps = list(_unknown(account_id))
    if account is None or not steps:
        return
    client = accounts.client_of(account)
    now = common_clock.now()
    for name in sorted({step.request["name"] for step in steps}):
        mine = [step for step in steps if step.request["name"] == name]
        found = _recorded(_Reader(account, client, renew), name, mine, now)
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
    return (step.sent_at or step.created_at) + timedelta(seconds=LOOK_AFTER[-1])


def _settle_one(step: SyncLogEntry, found: set[tuple[str, str]], now: datetime) -> None:
    with transaction.atomic():
        if (step.request["properties"]["booking_id"], step.request["at"]) in found:
            journal.done([step], "Its answer was lost; it was found in Brevo afterwards.")
        elif now >= _looks_at(step):
            journal.waiting(step, "Its answer was lost and Brevo doesn't have it: it is sent again.")
        else:
            return
        ledger.ask_for_push(step.person)


def _recorded(reader: "_Reader", name: str, steps: list[SyncLogEntry], now: datetime) -> set[tuple[str, str]]:
    """Return (booking id, instant) of every event of a name that Brevo has around the time of the lost ones."""
    moments = [datetime.fromisoformat(step.request["at"]) for step in steps]
    wanted: dict[str, list[SyncLogEntry]] = {}
    for step in steps:
        wanted.setdefault(step.request["properties"]["booking_id"], []).append(step)
    found: set[tuple[str, str]] = set()
    for event in reader.events(name, since=min(moments) - SLACK, until=max([*moments, now]) + SLACK):
        booking_id = str(event.properties.get("booking_id") or "")
        mine = wanted.get(booking_id, [])
        found |= {(booking_id, step.request["at"]) for step in mine if _is_same_instant(event.at, step)}
    return found


@dataclass(frozen=True)
class _Reader:
    """Reads recorded events page by page, within the account's pace."""

    account: BrevoAccount
    client: BrevoClient
    renew: accounts.Renew

    def events(self, name: str, *, since: datetime, until: datetime) -> Iterator[RecordedEvent]:
        offset = 0
        while True:
            read = partial(self.client.find_events, name, since=since, until=until, offset=offset)
            page = accounts.call(self.account, "other", read, renew=self.renew)
            yield from page.events
            offset += len(page.events)
            if page.is_last(read=offset):
                return


def _is_same_instant(recorded: str, step: SyncLogEntry) -> bool:
    """Return whether a recorded event is this one: a booking may have several no-shows. Brevo keeps whole seconds."""
    try:
        at = datetime.fromisoformat(recorded)
    except ValueError:
        return True  # unreadable: better to believe it was recorded than to send it twice
    return abs((at - datetime.fromisoformat(step.request["at"])).total_seconds()) <= 1
