"""A look ahead stays within its bounds, and says when there is more than it saw."""

import time

import pytest

from calendly_connector.clients import calendly, errors
from calendly_connector.models import KnownMeeting, Reading
from calendly_connector.services import backfill, foresight
from calendly_connector.services.foresight import Bounds
from sandbox import generate
from tests.journeys.river import River

PATH = "/scheduled_events"


@pytest.fixture
def river(installation: River, monkeypatch: pytest.MonkeyPatch) -> River:
    """Return a connected installation with twenty meetings, which Calendly lists three at a time."""
    installation.connect()
    generate.generate(installation.calendly, {"events": 20, "invitees": 20, "days_back": 60, "days_ahead": 10})
    monkeypatch.setattr(calendly, "PER_PAGE", 3)
    return installation


@pytest.fixture
def row(river: River) -> Reading:
    """Return the reading of everything, unsaved."""
    return backfill.unsaved(river.connection, backfill.Wish())


def full_minute(river: River, wait: int, **details: int | None) -> None:
    headers = {"X-RateLimit-Reset": str(wait)}
    river.break_calendly("status", PATH, status=429, headers=headers, **details)


def test_everything_is_counted_without_bounds(row: Reading) -> None:
    found = foresight.foresee(row)

    assert (found.meetings, found.to_read, found.is_cut) == (20, 20, False)
    assert 0 < found.sampled <= foresight.SAMPLE
    assert not KnownMeeting.objects.exists()


def test_no_more_pages_are_listed_than_wanted(row: Reading) -> None:
    found = foresight.foresee(row, bounds=Bounds(pages=2))

    assert (found.meetings <= 6, found.is_cut) == (True, True)
    assert found.sampled == found.to_read == found.meetings


def test_as_many_pages_as_there_are_cut_nothing(row: Reading) -> None:
    assert not foresight.foresee(row, bounds=Bounds(pages=30)).is_cut


def test_when_the_time_is_over_no_more_is_asked_for(row: Reading, river: River) -> None:
    found = foresight.foresee(row, bounds=Bounds(seconds=0))

    assert (found.meetings, found.sampled, found.is_cut) == (0, 0, True)


def test_a_short_wait_for_calendlys_minute_is_taken(row: Reading, river: River) -> None:
    full_minute(river, 1, times=1)

    assert foresight.foresee(row, bounds=Bounds(patience=2)).meetings == 20


def test_a_long_wait_at_the_beginning_is_refused_at_once(row: Reading, river: River) -> None:
    full_minute(river, 50, times=None)
    began = time.monotonic()

    with pytest.raises(errors.RateLimited):
        foresight.foresee(row, bounds=foresight.QUICK)

    assert time.monotonic() - began < 20


def test_a_long_wait_while_listing_keeps_what_was_counted(row: Reading, river: River) -> None:
    full_minute(river, 50, times=None, skip=2)

    found = foresight.foresee(row, bounds=foresight.QUICK)

    assert found.is_cut
    assert 0 < found.meetings <= 6


def test_the_time_it_takes_follows_from_calendlys_limit(row: Reading) -> None:
    assert foresight.foresee(row).minutes == pytest.approx(20 / foresight.PER_MINUTE)
