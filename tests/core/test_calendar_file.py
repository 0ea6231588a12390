"""A calendar file holds what it was given, whatever that was."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from calendly_connector.core import calendar_file
from calendly_connector.core.calendar_file import Meeting
from tests.web import calendar_reader

START = datetime(2026, 12, 3, 10, 0, tzinfo=timezone(timedelta(hours=1)))
STAMP = datetime(2026, 11, 28, 7, 30, tzinfo=UTC)


def written(**changes: str) -> dict[str, str]:
    values = {"uid": "https://api.calendly.com/scheduled_events/a/invitees/b", "title": "Demo", **changes}
    meeting = Meeting(**values, start_at=START, end_at=START + timedelta(minutes=45), stamp_at=STAMP)
    return calendar_reader.read(calendar_file.write(meeting).encode())


def test_times_are_in_utc_and_the_uid_is_the_bookings() -> None:
    found = written()

    assert (found["DTSTART"], found["DTEND"], found["DTSTAMP"]) == (
        "20261203T090000Z",
        "20261203T094500Z",
        "20261128T073000Z",
    )
    assert found["UID"] == "https://api.calendly.com/scheduled_events/a/invitees/b"


@pytest.mark.parametrize(
    "text", ["Rue, 12; \\ Lyon", "two\nlines", "æøå 漢字 🎉 " * 30, "x" * 200, "END:VEVENT", "a,b;c\\n"]
)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    found = written(title=text, place=text, notes=text)

    assert {found[name] for name in ("SUMMARY", "LOCATION", "DESCRIPTION")} == {text}


def test_nothing_can_begin_a_line_of_its_own() -> None:
    found = written(title="Demo\r\nATTENDEE:mailto:x@example.com\x00", url="https://example.com/\r\nX-EVIL:1")

    assert found["SUMMARY"] == "Demo\nATTENDEE:mailto:x@example.com"
    assert found["URL"] == "https://example.com/X-EVIL:1"
    assert "X-EVIL" not in found and "ATTENDEE" not in found
