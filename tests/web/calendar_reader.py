"""Reads a calendar file by RFC 5545, and believes nothing that isn't written as the standard says."""

import re

LINE = re.compile(r"(?P<name>[A-Z0-9-]+)(?:;[A-Z-]+=[^:;,\"]+)*:(?P<value>.*)", re.DOTALL)
TEXTS = ("UID", "SUMMARY", "LOCATION", "DESCRIPTION")
NEEDED = {"UID", "DTSTAMP", "DTSTART", "DTEND"}
PLAIN = {"\\\\": "\\", "\\;": ";", "\\,": ",", "\\n": "\n", "\\N": "\n"}


def read(content: bytes) -> dict[str, str]:
    """Return the properties of the only VEVENT; raise AssertionError for whatever is wrong."""
    assert content.endswith(b"\r\n"), "the last line has no end"
    raw = content.split(b"\r\n")[:-1]
    assert all(len(line) <= 75 for line in raw), "a line is longer than 75 octets"
    assert b"\n" not in b"".join(raw) and b"\r" not in b"".join(raw), "a line ends otherwise than by CRLF"
    for line in raw:
        line.decode()  # no character is cut in two
    lines = content.decode().replace("\r\n ", "").replace("\r\n\t", "").split("\r\n")[:-1]
    found = [_property(line) for line in lines]
    names = [f"{name}:{value}" for name, value in found if name in ("BEGIN", "END")]
    assert names == ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR"], names
    start = found.index(("BEGIN", "VEVENT"))
    head, body = dict(found[1:start]), found[start + 1 : found.index(("END", "VEVENT"))]
    assert head["VERSION"] == "2.0" and head["PRODID"]
    assert len({name for name, _ in body}) == len(body), "a property is there twice"
    assert {name for name, _ in body} >= NEEDED
    return {name: _text(value) if name in TEXTS else value for name, value in body}


def _property(line: str) -> tuple[str, str]:
    found = LINE.fullmatch(line)
    assert found, f"no property: {line!r}"
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), f"a control character: {line!r}"
    return found["name"], found["value"]


def _text(value: str) -> str:
    rest = re.sub(r"\\[\\;,nN]", "", value)
    assert not re.search(r"[\\;,]", rest), f"not escaped: {value!r}"
    return re.sub(r"\\[\\;,nN]", lambda found: PLAIN[found[0]], value)
