"""A person's differences as lines that are kept: between Calendly and the ledger, and the ledger and Brevo (pure).

What somebody did in Brevo on purpose is respected: it is shown, and never written over. Everything else can be fixed.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from calendly_connector.core.booking import Booking
from calendly_connector.core.difference import AttributeLine, Comparison, ListLine, Verdict
from calendly_connector.core.lists import ASK, JOIN
from calendly_connector.core.merge import Entry, Merged

CALENDLY, BREVO = "calendly", "brevo"
LONGEST = 500  # characters of a value that are kept

Line = dict[str, Any]
"""where, what, name (of an attribute or list), wanted, found, is_fixable. Calendly's also: booking (its URI), run."""


class What(StrEnum):
    """What differs. The values are stored, and are the kinds that staff filter by."""

    UNKNOWN = "unknown"  # Calendly has a booking that the ledger hasn't
    STATUS = "status"  # of a booking
    TIME = "time"
    DETAILS = "details"
    MISSING = "missing"  # the contact, which we never managed to write
    ATTRIBUTE = "attribute"
    LIST = "list"
    DELETED = "deleted"  # the contact, which we had written
    OPTED_OUT = "opted_out"
    UNSUBSCRIBED = "unsubscribed"  # not on a wanted list, for the person left it by mail, or opted out of everything
    LIST_CHANGED = "list_changed"  # what we did was undone in Brevo
    KEPT = "kept"  # a value that may be written only where there is none


SHOWN = (Verdict.DIFFERENT, Verdict.LEFT_ALONE)
RESPECTED = frozenset({What.DELETED, What.OPTED_OUT, What.UNSUBSCRIBED, What.LIST_CHANGED, What.KEPT})


def brevo_lines(
    found: Comparison,
    *,
    was_written: bool,
    opt_out: str = "",
    unsubscribed: Collection[int] = (),
    held_back: Iterable[int] = (),
) -> list[Line]:
    """Return what differs between the ledger and Brevo for one person.

    `was_written`: we had this contact there once. `opt_out`: why Brevo mails them nothing, "" when it does;
    `unsubscribed`: lists that they left by mail; `held_back`: those among the wanted ones that no write joins. Where
    opt-outs aren't followed, a write would join such lists again along with the rest, so then nothing of this person
    can be fixed.
    """
    if not found.is_wanted:
        return []
    if found.is_missing:
        return [_line(BREVO, What.DELETED if was_written else What.MISSING)]
    lines = [_line(BREVO, What.OPTED_OUT, found=opt_out)] if opt_out else []
    lines += [_attribute(each) for each in found.attributes if each.verdict in SHOWN]
    left = frozenset(each.number for each in found.lists if _is_left(each, opt_out=opt_out, unsubscribed=unsubscribed))
    lines += [_list(each, left) for each in found.lists if each.verdict in SHOWN]
    lines += [_line(BREVO, What.UNSUBSCRIBED, name=str(number), wanted=JOIN, found=False) for number in held_back]
    would_rejoin = any(each.number in left and each.verdict is Verdict.DIFFERENT for each in found.lists)
    return [{**line, "is_fixable": line["is_fixable"] and not would_rejoin} for line in lines]


def calendly_line(known: Entry | None, merged: Merged) -> Line:
    """Return how the ledger lags behind Calendly for one booking; `known` is None when it hasn't got it at all."""
    now = merged.entry
    if known is None:
        line = _line(CALENDLY, What.UNKNOWN, wanted=now.status.value)
    elif known.status is not now.status:
        line = _line(CALENDLY, What.STATUS, wanted=now.status.value, found=known.status.value)
    elif _times(known.booking) != _times(now.booking):
        line = _line(CALENDLY, What.TIME, wanted=_times(now.booking), found=_times(known.booking))
    else:
        line = _line(CALENDLY, What.DETAILS)
    return {**line, "booking": now.uri}


def with_part(lines: Iterable[Line], part: str, new: Iterable[Line]) -> list[Line]:
    """Return all lines with those of one part (CALENDLY or BREVO) replaced; Calendly's come first."""
    kept = [line for line in lines if line["where"] != part]
    return sorted([*kept, *new], key=lambda line: line["where"] != CALENDLY)


def with_line(lines: Iterable[Line], new: Line) -> list[Line]:
    """Return all lines with Calendly's one about the same booking replaced."""
    kept = [line for line in lines if line.get("booking") != new["booking"]]
    return [new, *kept]


def digest_of(lines: Iterable[Line]) -> str:
    """Return a fingerprint of what differs, whoever noted it and in whatever order."""
    facts = sorted(json.dumps({**line, "run": 0}, sort_keys=True) for line in lines)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def kinds_of(lines: Iterable[Line]) -> list[str]:
    """Return what differs, each once, in the order of `What`."""
    found = {line["what"] for line in lines}
    return [what.value for what in What if what in found]


def is_fixable(lines: Iterable[Line]) -> bool:
    """Return whether there is anything that a fix would mend."""
    return any(line["is_fixable"] for line in lines)


def of_part(lines: Iterable[Line], part: str) -> list[Line]:
    """Return what can be fixed in one part."""
    return [line for line in lines if line["where"] == part and line["is_fixable"]]


def count(rows: Iterable[Sequence[str]]) -> dict[str, Mapping[str, int]]:
    """Return in how many rows each kind occurs: of what differs, and of what is respected."""
    counts = dict.fromkeys(What, 0)
    for kinds in rows:
        for kind in kinds:
            counts[What(kind)] += 1
    found = {what: number for what, number in counts.items() if number}
    return {
        "different": {what.value: number for what, number in found.items() if what not in RESPECTED},
        "respected": {what.value: number for what, number in found.items() if what in RESPECTED},
    }


def _line(where: str, what: What, *, name: str = "", wanted: Any = None, found: Any = None) -> Line:
    return {
        "where": where,
        "what": what.value,
        "name": name,
        "wanted": _plain(wanted),
        "found": _plain(found),
        "is_fixable": what not in RESPECTED,
    }


def _attribute(line: AttributeLine) -> Line:
    what = What.KEPT if line.verdict is Verdict.LEFT_ALONE else What.ATTRIBUTE
    return _line(BREVO, what, name=line.name, wanted=line.wanted, found=line.found)


def _list(line: ListLine, left: Collection[int]) -> Line:
    what = What.LIST_CHANGED if line.verdict is Verdict.LEFT_ALONE else What.LIST
    if line.number in left:
        what = What.UNSUBSCRIBED
    return _line(BREVO, what, name=str(line.number), wanted=line.wanted, found=line.is_member)


def _is_left(line: ListLine, *, opt_out: str, unsubscribed: Collection[int]) -> bool:
    is_wanted = line.wanted in (JOIN, ASK) and not line.is_member
    return is_wanted and bool(opt_out or line.number in unsubscribed)


def _times(booking: Booking) -> str:
    return f"{booking.meeting.start_at.isoformat()}/{booking.meeting.end_at.isoformat()}"


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    return list(value) if isinstance(value, tuple) else value
