"""A past that nobody told us of, the command that reads it as an operator would run it, and what must come of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError

from calendly_connector.models import Booking
from sandbox import generate
from sandbox.calendly import Calendly
from sandbox.world import Fault
from tests.journeys.river import River

Json = dict[str, Any]
GRACE = timedelta(hours=24)
YEAR = 400  # days back: everything that is made up here


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the command ended: its exit status, its report, and the words on standard error."""

    status: int
    report: Json
    words: str


def backfill(*arguments: str, days: int = YEAR) -> Outcome:
    """Run `calendly_backfill` in this process."""
    out, err, status = StringIO(), StringIO(), 0
    since = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d")
    try:
        call_command("calendly_backfill", "--since", since, "--json", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        status = error.returncode
        err.write(str(error))
    except SystemExit as error:
        status = int(error.code or 0)
    printed = out.getvalue()
    return Outcome(status=status, report=json.loads(printed) if printed else {}, words=err.getvalue())


def make_up(calendly: Calendly, events: int, invitees: int = 0, *, seed: int = 1, around: str = "") -> None:
    """Fill Calendly with meetings that are over for days and others that are days ahead; nothing ends about now."""
    about = {"around": around} if around else {}
    halves = (events * 3 // 4, events - events * 3 // 4)
    extra = max(0, invitees - events)
    past = {"events": halves[0], "invitees": halves[0] + extra, "days_back": YEAR - 30, "days_ahead": -4}
    future = {"events": halves[1], "invitees": halves[1], "days_back": -4, "days_ahead": 60}
    for number, half in enumerate((past, future)):
        generate.generate(calendly, {**half, **about, "seed": 2 * seed + number})


def make_old(calendly: Calendly, *uris: str, days: int = 20) -> None:
    """Let these invitees and their meetings be as they are for days: their webhooks are long lost."""
    at = _text(datetime.now(UTC) - timedelta(days=days))
    state = calendly.state
    for uri in uris:
        state.invitees[uri] = {**state.invitees[uri], "created_at": at, "updated_at": at}
        meeting = state.events[state.invitees[uri]["event"]]
        state.replace_event({**meeting, "created_at": at, "updated_at": at})
    for delivery in calendly.deliveries.pending():
        calendly.deliveries.drop(delivery)


def meanwhile(river: River, act: str, path: str = "/scheduled_events", *, skip: int = 0, **body: Any) -> None:
    """Let something happen while Calendly answers: before the first page is sent, or the one after `skip` others."""
    river.sandbox.world.faults.add(
        Fault(
            provider="calendly", kind="meanwhile", method="GET", path=path, skip=skip, act=f"/sandbox/{act}", body=body
        )
    )


def by_start(river: River) -> list[str]:
    """Return the meetings in the order in which they are listed."""
    return [uri for _, uri in river.calendly.state.by_start]


def truth(river: River) -> dict[str, tuple[str, str]]:
    """Return what Calendly knows: invitee → (status by our rules, start of the meeting)."""
    state = river.calendly.state
    return {uri: _status(row, state.events[row["event"]]) for uri, row in state.invitees.items()}


def ledger() -> dict[str, tuple[str, str]]:
    """Return what we know, in the same form."""
    rows = Booking.objects.values_list("uri", "status", "start_at")
    return {uri: (status, _text(start)) for uri, status, start in rows}


def asked(river: River) -> list[str]:
    """Return what Calendly was asked for, oldest first: whole addresses, with what they ask for."""
    calls = sorted(river.sandbox.world.journal.calls("calendly", method="GET"), key=lambda call: call.at)
    return [f"{call.path}?{sorted(call.query.items())}" for call in calls if call.template.startswith("/scheduled_eve")]


def _status(invitee: Json, meeting: Json) -> tuple[str, str]:
    return _status_word(invitee, meeting), str(meeting["start_time"])


def _status_word(invitee: Json, meeting: Json) -> str:
    if invitee["status"] == "canceled":
        return "rescheduled" if invitee["rescheduled"] else "canceled"
    if invitee["no_show"]:
        return "no_show"
    is_over = datetime.fromisoformat(meeting["end_time"]) + GRACE < datetime.now(UTC)
    return "attended" if is_over else "booked"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
