"""What the pages about readings share: the badge, how far one is, why it stands still, and what came of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import parts
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.core import cause, remedy
from calendly_connector.models import Reading, SyncLogEntry
from calendly_connector.services import backfill, reading

State, Kind = Reading.State, Reading.Kind
Text = str | Promise
TONES: Mapping[Any, Tone] = {
    State.RUNNING: Tone.WAIT,
    State.PAUSED: Tone.WARN,
    State.CANCELED: Tone.QUIET,
    State.FINISHED: Tone.GOOD,
}
WAYS_OUT: Mapping[Any, tuple[str, ...]] = {State.RUNNING: ("pause", "cancel"), State.PAUSED: ("go_on", "cancel")}
"""State → what staff may do about it."""

ACTS: Mapping[str, tuple[Callable[[Reading], bool], Text, Text]] = {
    "pause": (reading.pause, gettext_lazy("Pause"), gettext_lazy("Paused. What it has taken in is written.")),
    "go_on": (reading.go_on, gettext_lazy("Go on"), gettext_lazy("It goes on where it stood.")),
    "cancel": (
        reading.cancel,
        gettext_lazy("Cancel"),
        gettext_lazy("Canceled. What it has taken in stays, and is written."),
    ),
}
"""What staff may do about a reading: how it is done, the button, and what is said afterwards."""

SEEN, STILL = "seen", "still"
"""Parameters of a page that refreshes itself: what it showed first, and that it shall not."""

SEEN_FORM = re.compile(r"(\d{1,11})-(\d{1,9})")
REFRESH_SECONDS = 5
SHORTEST = 4  # seconds from which a rate can be told
AFTERWARDS = timedelta(days=1)  # for which a finished reading's page waits for Brevo


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a reading is, as a page shows it. Without a total, nobody knows yet how much there is."""

    row: Reading
    name: str
    badge: SafeString
    bar: str
    reached: int
    total: int
    pace: str
    standing: str  # why it doesn't go on
    result: "Result"
    refresh: str  # the address that shows it again by itself; empty: it doesn't
    again: str  # the address that shows it again by a click
    still: str  # the address without refreshing; empty where that makes no difference
    ways_out: list[tuple[str, Text]]  # name and button


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a reading so far: lines of name and value, what was left out, and what Brevo refused."""

    facts: list[tuple[str, Cell]]
    left_out: list[tuple[str, str]]
    refused: list[tuple[str, str]]


def badge(row: Reading) -> SafeString:
    """Return a reading's state."""
    return parts.badge(row.get_state_display(), TONES[row.state])


def ways_out(row: Reading) -> tuple[str, ...]:
    """Return what may be done about a reading. What a gap missed can't be given up: it would be asked for again."""
    found = WAYS_OUT.get(row.state, ())
    return tuple(name for name in found if name != "cancel" or row.kind != Kind.GAP)


def is_live(row: Reading) -> bool:
    """Return whether a reading is under way, or ended lately and Brevo has not got everything yet."""
    if row.finished_at is None:
        return True
    is_recent = row.finished_at > timezone.now() - AFTERWARDS
    return is_recent and row.kind == Kind.HISTORY and not backfill.is_settled(row)


def progress_of(row: Reading, request: HttpRequest) -> Progress:
    """Return how far a reading is, for a page that is asked for again and again."""
    reached, total = row.meetings_read, max(backfill.noted(row), row.meetings_read)
    mark = _mark(row, request)
    is_moving = request.method == "GET" and row.state in (State.RUNNING, State.FINISHED) and is_live(row)
    seen = f"{request.path}?{SEEN}={mark[0]}-{mark[1]}"
    is_still = STILL in request.GET
    return Progress(
        row=row,
        name=_("%(kind)s: %(name)s") % {"kind": row.get_kind_display(), "name": parts.name_of(row)},
        badge=badge(row),
        bar=_bar(row, reached, total),
        reached=reached if row.is_listed else 0,
        total=total if row.is_listed else 0,
        pace=_pace(row, total - reached, mark),
        standing=why_still(row),
        result=result_of(row),
        refresh=seen if is_moving and not is_still else "",
        again=f"{seen}&{STILL}=1" if is_still else seen,
        still=(seen if is_still else f"{seen}&{STILL}=1") if is_moving else "",
        ways_out=[(name, ACTS[name][1]) for name in ways_out(row)],
    )


def _bar(row: Reading, reached: int, total: int) -> str:
    counts = {"reached": _number(reached), "total": _number(total), "meetings": _number(row.meetings)}
    if row.is_listed or row.finished_at:
        return _("%(reached)s of %(total)s meetings read") % counts
    return _("The meetings are being listed: %(meetings)s so far, %(reached)s read") % counts


def _mark(row: Reading, request: HttpRequest) -> tuple[int, int]:
    """Return when this page was first shown, and how many meetings were read then: Unix seconds and a number."""
    found = SEEN_FORM.fullmatch(request.GET.get(SEEN, ""))
    now = int(timezone.now().timestamp())
    if found and row.state == State.RUNNING and row.is_listed:
        at, count = int(found[1]), int(found[2])
        if at <= now and count <= row.meetings_read:
            return at, count
    return now, row.meetings_read


def _pace(row: Reading, left: int, mark: tuple[int, int]) -> str:
    """Return the rate since this page was first shown, and the time left by it; empty when it isn't known."""
    spent, done = timezone.now().timestamp() - mark[0], row.meetings_read - mark[1]
    if row.finished_at and row.state == State.FINISHED and is_live(row):
        return _("Everything is read. What came of it is on its way to Brevo.")
    if row.state != State.RUNNING or not row.is_listed or spent < SHORTEST or done < 1:
        return ""
    rate = _("%(count)s meetings a minute") % {"count": _number(round(done / spent * 60))}
    return _("%(rate)s, about %(time)s left") % {"rate": rate, "time": parts.length(left * spent / done)}


def why_still(row: Reading) -> str:
    """Return why a reading, or what comes after it, doesn't go on; empty when it does."""
    account = row.connection.brevo_account
    if row.state == State.PAUSED and row.kind == Kind.CHECK:
        return _("It is paused. Press “Go on”; else the next regular check goes on with it.")
    if row.state == State.PAUSED:
        return _("It is paused. Nothing is lost: “Go on” lets it go on where it stood.")
    if row.state == State.RUNNING and row.words:
        return parts.said(row.words)
    if account.is_paused:
        return _("Writing to Brevo is paused: %(why)s") % {"why": parts.said(account.pause_reason)}
    return ""


def result_of(row: Reading) -> Result:
    """Return what came of a reading so far."""
    told = backfill.report(row)
    known = {name: _number(told[name]) for name in ("new", "changed", "unchanged")}
    bookings = _("%(invitees)s read: %(new)s new, %(changed)s changed, %(unchanged)s known as they are")
    facts: list[tuple[str, Cell]] = [
        (_("Meetings"), _("%(count)s looked at") % {"count": _number(row.meetings)}),
        (_("Bookings"), bookings % {**known, "invitees": _number(row.invitees)}),
        (_("Events held back"), held_link(row)),
        (_("Brevo"), _brevo(told["brevo"])),
    ]
    return Result(
        facts=facts,
        left_out=left_out(row),
        refused=[(cause_words(code), _number(count)) for code, count in told["brevo"]["refused"].items()],
    )


def left_out(row: Reading) -> list[tuple[str, str]]:
    """Return what a reading did not read, by reason, most first."""
    counts = sorted(row.skipped.items(), key=lambda each: -each[1])
    return [(parts.said(reason), _number(count)) for reason, count in counts if count]


def held_link(row: Reading) -> SafeString | str:
    """Return how many automation events a reading held back, leading to them in the sync log."""
    if not row.held_back:
        return _("None")
    filters = {"held": "any", "connection__id__exact": row.connection_id, "created_at__gte": row.asked_at.isoformat()}
    if row.finished_at:
        filters["created_at__lt"] = (row.finished_at + timedelta(seconds=1)).isoformat()
    words = ngettext("%(count)s event", "%(count)s events", row.held_back) % {"count": _number(row.held_back)}
    return parts.link_to_list(SyncLogEntry, words, **filters)


def cause_words(code: str) -> str:
    """Return why Brevo refused something: a cause of the log, or the name of one of Brevo's own reports."""
    known, about = cause.split(code)
    if known in remedy.REMEDIES:
        return _(remedy.REMEDIES[known].title) % {"about": about}
    return code.replace("_", " ")


def _brevo(told: Mapping[str, Any]) -> str:
    written = ngettext("%(count)s contact written", "%(count)s contacts written", told["written"])
    waiting = ngettext("%(count)s person waits", "%(count)s people wait", told["waiting"])
    refused = _("%(count)s refused") % {"count": _number(sum(told["refused"].values()))}
    counts = [written % {"count": _number(told["written"])}, waiting % {"count": _number(told["waiting"])}]
    return ", ".join([*counts, *([refused] if told["refused"] else [])])


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
