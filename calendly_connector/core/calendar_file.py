"""A booking as a calendar file, by RFC 5545: one VEVENT, times in UTC, lines folded at 75 octets."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

WIDEST = 75  # octets of a line, without its end (RFC 5545 §3.1)
ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """What a calendar needs to know. `uid` never changes, so that a calendar which takes it in twice shows it once."""

    uid: str
    title: str
    start_at: datetime
    end_at: datetime
    stamp_at: datetime
    place: str = ""
    notes: str = ""
    url: str = ""


def write(meeting: Meeting) -> str:
    """Return the file's text, with the line ends that the standard asks for."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Calendly connector//Booking page//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(meeting.uid)}",
        f"DTSTAMP:{_utc(meeting.stamp_at)}",
        f"DTSTART:{_utc(meeting.start_at)}",
        f"DTEND:{_utc(meeting.end_at)}",
        f"SUMMARY:{_text(meeting.title)}",
        *([f"LOCATION:{_text(meeting.place)}"] if meeting.place else []),
        *([f"DESCRIPTION:{_text(meeting.notes)}"] if meeting.notes else []),
        *([f"URL:{_bare(meeting.url)}"] if meeting.url else []),
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _text(value: str) -> str:
    """Return a value of type TEXT: escaped, and without what may not stand in it (RFC 5545 §3.3.11)."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in unified if sign in "\n\t" or sign.isprintable()).translate(ESCAPED)


def _bare(value: str) -> str:
    """Return an address, which isn't escaped, without whatever could end its line."""
    return "".join(sign for sign in value if sign.isprintable() and not sign.isspace())


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> Iterator[str]:
    """Yield a line in pieces that fit; no character is cut in two, and all but the first begin with a space."""
    piece, size = "", 0
    for sign in line:
        weight = len(sign.encode())
        if size + weight > WIDEST:
            yield piece
            piece, size = " ", 1
        piece, size = piece + sign, size + weight
    yield piece
