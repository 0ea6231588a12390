"""How the subscription is, where a gap begins, and what is read again after it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calendly_connector.core import gap, health, interpret
from calendly_connector.core.health import Health
from tests import payload_files

NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOW - 300 * DAY


@pytest.mark.parametrize(
    ("state", "retry", "heard", "expected"),
    [
        ("active", None, None, Health.GOOD),
        ("active", None, NOW, Health.GOOD),
        ("active", NOW, None, Health.FAILING),
        ("active", NOW, NOW - HOUR, Health.FAILING),
        ("active", NOW - HOUR, NOW, Health.GOOD),
        ("disabled", None, NOW, Health.DISABLED),
        ("disabled", NOW, None, Health.DISABLED),
        ("", None, None, Health.DISABLED),
    ],
)
def test_health(state: str, retry: datetime | None, heard: datetime | None, expected: Health) -> None:
    assert health.judge(state, retry_started_at=retry, last_delivery_at=heard) is expected


def test_a_gap_begins_an_hour_before_the_earliest_sign_of_it() -> None:
    assert health.gap_start(NOW - HOUR, None, NOW - DAY, now=NOW, floor=LONG_AGO) == NOW - DAY - HOUR


def test_without_any_sign_a_gap_begins_an_hour_ago() -> None:
    assert health.gap_start(None, None, now=NOW, floor=LONG_AGO) == NOW - HOUR


def test_a_gap_never_begins_before_the_connection() -> None:
    assert health.gap_start(NOW - DAY, now=NOW, floor=NOW - HOUR) == NOW - HOUR


@pytest.mark.parametrize("text", ["", "yesterday", "2026-12-20T12:00:00", "None"])
def test_a_time_that_is_none_is_none(text: str) -> None:
    assert health.parse_moment(text) is None


def test_a_time_is_read_and_written() -> None:
    assert health.parse_moment("2026-12-20T13:00:00.000000+01:00") == NOW
    assert health.in_words(NOW) == "2026-12-20 12:00 UTC"


@pytest.mark.parametrize(
    ("start", "updated", "is_open", "expected"),
    [
        (NOW + 9 * DAY, NOW - 2 * DAY, False, False),  # to come, and unchanged
        (NOW + 9 * DAY, NOW - HOUR, False, True),  # changed in the gap
        (NOW + 9 * DAY, NOW - 2 * DAY, True, True),  # we hold a booking of it that may still change
        (NOW - HOUR, NOW - 9 * DAY, False, True),  # has begun: a no-show mark changes nothing of the event's
        (NOW - 30 * DAY, NOW - 40 * DAY, False, True),
        (NOW - 40 * DAY, NOW - 50 * DAY, False, False),  # too long ago
        (None, NOW - 9 * DAY, False, True),  # unreadable counts as changed
        (NOW + DAY, None, False, True),
    ],
)
def test_which_meetings_are_read(
    start: datetime | None, updated: datetime | None, is_open: bool, expected: bool
) -> None:
    since = NOW - DAY

    assert gap.is_worth_reading(start, updated, since=since, now=NOW, is_open=is_open) is expected


@pytest.mark.parametrize(
    ("updated", "is_known", "expected"),
    [(NOW - 2 * DAY, False, False), (NOW - 2 * DAY, True, True), (NOW - HOUR, False, True)],
    ids=["history", "known", "missed"],
)
def test_which_bookings_are_taken_in(updated: datetime, is_known: bool, expected: bool) -> None:
    found = interpret.interpret_webhook(payload_files.load("invitee.created__discovery_call"))
    assert isinstance(found, interpret.Seen)
    invitee = replace(found.booking.invitee, created_at=NOW - 9 * DAY, updated_at=updated)

    seen = replace(found.booking, invitee=invitee)

    assert gap.is_missed(seen, since=NOW - DAY, is_known=is_known) is expected


def test_the_earliest_is_the_first_moment_that_is_known() -> None:
    assert health.earliest(NOW, None, NOW - DAY, NOW - HOUR) == NOW - DAY
    assert health.earliest(None) is health.earliest() is None
