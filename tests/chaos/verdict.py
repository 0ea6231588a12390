"""What must be true in the end, by the oracle, which knows the rules and nothing of the app."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from calendly_connector.models import Booking, SyncLogEntry, WebhookDelivery
from sandbox.app import Sandbox
from tests.journeys.oracle import Oracle

PREFIX = "calendly_meeting_"
Event = tuple[str, str]  # booking, name
LISTS = {"canceled": "canceled", "no_show": "no-shows", "booked": "bookers"}
"""Status of a booking → the list that its person must be on."""


def problems(sandbox: Sandbox, lists: dict[str, int], *, taken: int) -> Iterator[str]:
    """Yield what is wrong, in words. `taken` is how many different messages were acknowledged."""
    oracles = _oracles(sandbox)
    yield from _ledger(oracles)
    yield from _deliveries(taken)
    yield from _events(sandbox, oracles)
    for email, oracle in oracles.items():
        yield from _contact(sandbox, email, oracle, lists)
    for entry in SyncLogEntry.objects.filter(state__in=("waiting", "sending", "unknown", "failed"))[:20]:
        yield f"step {entry.pk} is {entry.state}: {entry.reason}"


def _oracles(sandbox: Sandbox) -> dict[str, Oracle]:
    """Return one for each person: nothing that counts goes beyond one."""
    found: dict[str, Oracle] = defaultdict(Oracle)
    state, now = sandbox.calendly.state, datetime.now(UTC).isoformat()
    for uri in state.invitees:
        invitee = sandbox.calendly.invitee(uri)
        found[invitee["email"]].hear(invitee, sandbox.calendly.event(invitee["event"]), now)
    return found


def _ledger(oracles: dict[str, Oracle]) -> Iterator[str]:
    wanted = {uri: (one.status(uri), one.moves(uri)) for one in oracles.values() for uri in one.rows}
    found = {row.uri: (row.status, row.moves) for row in Booking.objects.only("uri", "status", "moves")}
    for uri in wanted.keys() | found.keys():
        if wanted.get(uri) != found.get(uri):
            yield f"booking {uri} is {found.get(uri)} instead of {wanted.get(uri)}"


def _deliveries(taken: int) -> Iterator[str]:
    states = Counter(WebhookDelivery.objects.values_list("state", flat=True))
    if states != {"processed": taken}:
        yield f"deliveries are {dict(states)}, and {taken} were acknowledged"


def _events(sandbox: Sandbox, oracles: dict[str, Oracle]) -> Iterator[str]:
    """Compare Brevo's events with the log, and with what must and what must not have been sent.

    Which of the earlier ones were sent depends on what was seen first: a meeting that was canceled before anybody
    heard of it was never "booked".
    """
    sent = Counter(_event(each["event_properties"], each["event_name"]) for each in sandbox.brevo.events())
    steps = SyncLogEntry.objects.filter(kind="event", state="done").values_list("request", flat=True)
    logged = Counter(_event(request["properties"], request["name"]) for request in steps)
    for event in sent.keys() | logged.keys():
        if sent[event] != 1 or logged[event] != 1:
            yield f"event {event} is in Brevo {sent[event]} times and {logged[event]} times in the log"
    for oracle in oracles.values():
        for uri in oracle.rows:
            status = oracle.status(uri)
            if (last := _last_event(oracle, uri)) and not sent[uri, last]:
                yield f"booking {uri} is {status}, and Brevo has no event “{last}”"
            if status == "rescheduled" and sent[uri, "canceled"]:
                yield f"booking {uri} was moved, and Brevo has “canceled”"


def _event(properties: dict[str, Any], name: str) -> Event:
    return properties["booking_id"], name.removeprefix(PREFIX)


def _last_event(oracle: Oracle, uri: str) -> str:
    """Return the event that a booking's status can't be without; empty where none is certain."""
    status = oracle.status(uri)
    if status == "booked":
        return "rescheduled" if oracle.rows[uri].invitee["old_invitee"] else "booked"
    return "" if status == "rescheduled" else status


def _contact(sandbox: Sandbox, email: str, oracle: Oracle, lists: dict[str, int]) -> Iterator[str]:
    contact = sandbox.brevo.contact(email)
    if contact is None:
        yield f"{email} is not in Brevo"
        return
    wanted = oracle.contact(email, datetime.now(UTC))
    must = {LISTS[status] for uri in oracle.rows if (status := oracle.status(uri)) in LISTS}
    may = wanted.pop("lists") | must
    on = {name for name, number in lists.items() if number in contact["listIds"]}
    if not must <= on or on - may - {"no-shows"}:  # of a mark that was taken back nothing tells any more
        yield f"{email} is on {sorted(on)} instead of {sorted(must)}"
    shown = {name: contact["attributes"].get(name) for name in wanted}
    if shown != wanted:
        yield f"{email} shows {shown} instead of {wanted}"
