"""What the page “history” says of a look ahead: what would be read, how long that takes, and what a sample changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import parts
from calendly_connector.admin.parts import Cell
from calendly_connector.admin.steps import words_for
from calendly_connector.clients import errors
from calendly_connector.models import Booking
from calendly_connector.services import subscription
from calendly_connector.services.foresight import Example, Foresight


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look ahead as the template shows it, and the form that brings in what was looked at."""

    lines: list[str]
    tables: list[tuple[str, SafeString]]  # heading and table
    refusal: str = ""
    may_begin: bool = False
    carried: Iterable[tuple[str, str]] = ()
    sends_events: bool = False


def look_of(found: Foresight, *, carried: Iterable[tuple[str, str]], sends_events: bool) -> Look:
    """Return what is shown of a look."""
    may_begin = bool(found.to_read or found.is_cut)
    return Look(
        lines=[_meetings(found), _to_read(found), *([_sample(found)] if found.sampled else [])],
        tables=_tables(found),
        may_begin=may_begin,
        carried=list(carried),
        sends_events=sends_events,
    )


def refused(error: Exception, *, carried: Iterable[tuple[str, str]], sends_events: bool) -> Look:
    """Return why nothing can be looked at. A full minute keeps nobody from beginning: reading waits by itself."""
    return Look(
        lines=[],
        tables=[],
        refusal=_refusal(error),
        may_begin=isinstance(error, errors.RateLimited),
        carried=list(carried),
        sends_events=sends_events,
    )


def _refusal(error: Exception) -> str:
    if isinstance(error, errors.RateLimited):
        return _(
            "Calendly's limit of calls a minute is used up just now. Look again in a minute; or begin without looking: "
            "the reading waits for Calendly by itself."
        )
    if isinstance(error, errors.Forbidden) and not error.required_scopes:
        return _(
            "Calendly refuses to show these bookings: has the connected user's role changed? Test the connection "
            "again. %(error)s"
        ) % {"error": error}
    if isinstance(error, errors.ApiError) and error.is_retryable:
        return _("Calendly can't be asked just now. Look again in a while. %(error)s") % {"error": error}
    if isinstance(error, errors.ApiError):
        return parts.said(subscription.words_for(error))
    return parts.said(words_for(error))


def _meetings(found: Foresight) -> str:
    if found.is_cut:
        words = _(
            "There are more than %(count)s meetings in this stretch. Only these were counted, so that you needn't wait."
        )
        return words % {"count": _number(found.meetings)}
    words = ngettext(
        "There is %(count)s meeting in this stretch.", "There are %(count)s meetings in this stretch.", found.meetings
    )
    return words % {"count": _number(found.meetings)}


def _to_read(found: Foresight) -> str:
    if not found.to_read:
        return (
            _("None of them has to be read: what they hold is known.") if found.meetings else _("Nothing to bring in.")
        )
    words = ngettext(
        "%(count)s of them is to be read, %(time)s.", "%(count)s of them are to be read, %(time)s.", found.to_read
    )
    return words % {"count": _number(found.to_read), "time": _time(found.minutes)}


def _time(minutes: float) -> str:
    if minutes < 1:
        return _("in less than a minute by Calendly's limit (ten on a free plan)")
    words = _("in about %(time)s by Calendly's limit (ten times as long on a free plan)")
    return words % {"time": parts.length(minutes * 60)}


def _sample(found: Foresight) -> str:
    counts = {name: _number(getattr(found, name)) for name in ("sampled", "new", "changed", "unchanged", "unreadable")}
    words = _(
        "A sample of %(sampled)s of them was read: %(new)s new bookings, %(changed)s that change, %(unchanged)s known "
        "as they are."
    )
    unreadable = _("%(unreadable)s can't be read, and would be left out.") if found.unreadable else ""
    return f"{words} {unreadable}".strip() % counts


def _tables(found: Foresight) -> list[tuple[str, SafeString]]:
    heads = (_("Event type"), _("Meetings"))
    tables = [(_("To be read"), _counted(heads, found.types))] if found.types else []
    if found.skipped:
        tables.append((_("Left out"), _counted((_("Reason"), _("Meetings")), found.skipped)))
    if found.examples:
        columns = (_("Invitee"), _("What would change"), _("Meeting"), _("Time"))
        rows = [_example(each) for each in found.examples]
        tables.append((_("From the sample"), parts.table(columns, rows, empty="")))
    return tables


def _counted(heads: tuple[str, str], counts: Mapping[str, int]) -> SafeString:
    rows = [(parts.said(name), _number(count)) for name, count in counts.items() if count]
    return parts.table(heads, rows, empty="–")


def _example(each: Example) -> list[Cell]:
    after = _status(each.after)
    change = f"{_status(each.before)} → {after}" if each.before else _("New: %(status)s") % {"status": after}
    return [parts.email(each.email), change, each.meeting, each.start_at]


def _status(value: str) -> str:
    known: dict[Any, Any] = dict(Booking.Status.choices)
    return str(known.get(value, value))


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
