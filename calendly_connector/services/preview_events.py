"""Which events a preview shows: those that wait, those that a supposed change calls for, and why others aren't sent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from calendly_connector.core import explain, lists
from calendly_connector.core.explain import EventLine
from calendly_connector.core.steps import Skip, TrackEvent
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import SyncLogEntry
from calendly_connector.services import journal
from calendly_connector.services.preview_subject import Subject

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
MOST_ENTRIES = 100  # of one booking's log


def events_of(subject: Subject, waiting: Sequence[SyncLogEntry]) -> list[EventLine]:
    """Return the events that would be sent, those that wait first, and why others wouldn't."""
    written = _log_of(subject)
    lines = [_logged(step, subject) for step in waiting if step.kind == Kind.EVENT]
    if subject.happenings:
        for happening in subject.happenings:
            earlier = next((step for step in written if step.happening == happening.key), None)
            line = explain.event_of(happening, rules=subject.rules)
            lines.append(replace(line, decision=_settled(earlier)) if earlier else line)
    else:
        lines += [_logged(step, subject) for step in written if step.state not in journal.OPEN]
        lines += _never_logged(subject, written)
    return _in_order(lines, waiting)


def _log_of(subject: Subject) -> list[SyncLogEntry]:
    if subject.row is None:
        return []
    log = SyncLogEntry.objects.filter(booking=subject.row, kind=Kind.EVENT).order_by("pk")
    return list(log[:MOST_ENTRIES])


def _logged(step: SyncLogEntry, subject: Subject) -> EventLine:
    """Return a line of the log as what it leads to: an event while it waits, else the reason why no more is sent."""
    trigger = Trigger(step.happening.partition(":")[0])
    event_type = str((step.request.get("properties") or {}).get("event_type_uri") or subject.event_type)
    row = explain.row_of(subject.rules, event_type, trigger)
    decision = _waiting_event(step, subject.email) if step.state == State.WAITING else _settled(step)
    return EventLine(trigger=trigger, event_type=event_type, row=row, decision=decision)


def _waiting_event(step: SyncLogEntry, email: str) -> TrackEvent:
    request = step.request
    at = datetime.fromisoformat(request["at"])
    return TrackEvent(name=request["name"], email=email, at=at, properties=request["properties"])


def _settled(step: SyncLogEntry) -> Skip:
    """Return why an event of the log isn't sent (again)."""
    name = str(step.request.get("name") or step.summary.removeprefix("No event "))
    if step.state == State.DONE:
        return Skip(what=name, reason=_("It was sent once already, and is never sent twice."))
    if step.state in (State.UNKNOWN, State.SENDING):
        return Skip(what=name, reason=_("Its outcome isn't known: it is looked up in Brevo first."))
    if step.state == State.WAITING:
        return Skip(what=name, reason=_("It waits to be sent already, and is never sent twice."))
    return Skip(what=name, reason=step.reason or _("It is in the log already, and is never decided twice."))


def _never_logged(subject: Subject, written: Iterable[SyncLogEntry]) -> list[EventLine]:
    """Return the stages of the booking's life for which no event was ever decided, such as a history's."""
    known = {step.happening.partition(":")[0] for step in written}
    reason = _("Nothing new has happened: an event is decided once, when a change comes in.")
    return [
        EventLine(
            trigger=trigger,
            event_type=subject.event_type,
            row=explain.row_of(subject.rules, subject.event_type, trigger),
            decision=Skip(what=str(trigger), reason=reason),
        )
        for trigger in lists.stages(subject.entry)
        if trigger not in known
    ]


def _in_order(lines: list[EventLine], waiting: Iterable[SyncLogEntry]) -> list[EventLine]:
    """Return the lines without events that would have to wait behind one of unknown outcome."""
    events = [step for step in waiting if step.kind == Kind.EVENT]
    stuck = next((n for n, step in enumerate(events) if step.state in (State.UNKNOWN, State.SENDING)), None)
    if stuck is None:
        return lines
    reason = _("It waits behind an earlier event whose outcome isn't known yet.")
    return [
        replace(line, decision=Skip(what=line.decision.name, reason=reason))
        if n > stuck and isinstance(line.decision, TrackEvent)
        else line
        for n, line in enumerate(lines)
    ]
