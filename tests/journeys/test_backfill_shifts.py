"""History that is read while it changes: many pages, rows that shift between them, and access that goes in the middle.

Written against the command alone. Each ends with what Calendly knows, or with a clear stop from which it goes on.
"""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from calendly_connector.models import Booking, Connection, Person
from calendly_connector.services import connection as connections
from calendly_connector.services import oauth
from sandbox.calendly_world import PERSONAL_TOKEN
from tests import consent
from tests.journeys.history import asked, backfill, by_start, ledger, make_old, make_up, meanwhile, truth
from tests.journeys.river import River

MEETINGS = 150
LISTED, UNREAD = 5, 120  # a place on the first page, and one on the second
INVITEES = "/scheduled_events/{uuid}/invitees"
SOON = timedelta(days=30)


def repeated(requests: list[str]) -> dict[str, int]:
    """Return what was asked for more than once."""
    return {request: count for request, count in Counter(requests).items() if count > 1}


def pages(requests: list[str]) -> list[str]:
    """Return the requests for pages of meetings."""
    return [request for request in requests if request.startswith("/scheduled_events?")]


def far_ahead() -> str:
    return (datetime.now(UTC) + 3 * SOON).strftime("%Y-%m-%dT%H:00:00.000000Z")


@pytest.fixture
def past(river: River) -> River:
    """Return an installation to whose Calendly two pages of meetings belong that we know nothing of."""
    make_up(river.calendly, MEETINGS, MEETINGS + 30)
    return river


# -- Many pages ------------------------------------------------------------------------------------------------


def test_a_hundred_and_thirty_meetings_at_one_moment_among_many_pages_are_all_read(river: River) -> None:
    make_up(river.calendly, 160)
    moment = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%dT09:00:00.000000Z")
    together = [
        river.calendly.book(event_type="Demo", email=f"together.{number}@example.com", start_time=moment)
        for number in range(130)
    ]
    make_old(river.calendly, *together, days=101)

    done = backfill()

    requests = asked(river)
    assert done.status == 0, done.words
    assert ledger() == truth(river)
    assert (done.report["meetings"], done.report["meetings_read"], done.report["new"]) == (290, 290, 290)
    assert len(pages(requests)) <= 290 // 100 + 1 + 3  # a page more where many begin at one moment
    assert repeated(requests) == {}
    assert len(requests) - len(pages(requests)) == 290


def test_every_person_is_in_brevo_once_and_as_the_ledger_says(past: River) -> None:
    done = backfill()

    people = {row["email"].lower() for row in past.calendly.state.invitees.values()}
    assert {contact["email"] for contact in past.brevo.contacts()} == people
    assert done.report["brevo"] == {"written": len(people), "refused": {}, "waiting": 0, "paused": ""}
    assert Person.objects.count() == len(people)


def test_a_second_run_asks_for_the_pages_alone_and_changes_nothing(past: River) -> None:
    backfill()
    before, contacts = ledger(), past.brevo.contacts()
    past.sandbox.world.journal.clear()

    done = backfill()

    assert done.status == 0, done.words
    assert asked(past) == pages(asked(past))
    assert past.calls("/contacts/import") == []
    assert (done.report["new"], done.report["changed"]) == (0, 0)
    assert (ledger(), past.brevo.contacts()) == (before, contacts)


# -- Rows that shift -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [LISTED, UNREAD])
def test_a_meeting_that_is_put_off_while_pages_are_listed_is_taken_in_at_its_new_time(past: River, place: int) -> None:
    meeting = by_start(past)[place]
    meanwhile(past, "calendly/edit-event", event=meeting, start_time=far_ahead())

    done = backfill()

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    assert {row.start_at.isoformat()[:10] for row in Booking.objects.filter(meeting_uri=meeting)} == {far_ahead()[:10]}


def test_a_meeting_that_moves_into_what_was_listed_is_found_by_the_next_run(past: River) -> None:
    first, moved = by_start(past)[0], by_start(past)[UNREAD]
    early = past.calendly.event(first)["start_time"]
    meanwhile(past, "calendly/edit-event", event=moved, start_time=early)

    done = backfill()
    again = backfill()

    assert (done.status, again.status) == (0, 0), done.words + again.words
    assert ledger() == truth(past)


@pytest.mark.parametrize("place", [LISTED, UNREAD])
def test_a_meeting_deleted_after_its_page_was_made_is_left_out_and_nobody_else(past: River, place: int) -> None:
    meeting = by_start(past)[place]
    meanwhile(past, "calendly/delete-event", event=meeting)

    done = backfill()

    assert done.status == 0, done.words
    assert not Booking.objects.filter(meeting_uri=meeting).exists()
    assert ledger() == truth(past)
    assert sum(done.report["skipped"].values()) >= (place == LISTED)


def test_a_meeting_deleted_between_listing_and_reading_is_counted_among_the_skipped(past: River) -> None:
    *_, last = by_start(past)
    meanwhile(past, "calendly/delete-event", INVITEES, event=last)

    done = backfill()

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    assert sum(done.report["skipped"].values()) == 1


@pytest.mark.parametrize("place", [LISTED, UNREAD])
def test_a_booking_canceled_while_pages_are_listed_ends_canceled_and_is_told(past: River, place: int) -> None:
    meeting = next(uri for uri in by_start(past)[place:] if _is_live(past, uri))
    [invitee, *_] = past.calendly.state.active_invitees(meeting)
    meanwhile(past, "calendly/cancel", invitee=invitee["uri"])

    done = backfill()
    past.flow()

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    assert Booking.objects.get(uri=invitee["uri"]).status == "canceled"
    assert past.event_names(invitee["email"].lower()) == ["canceled"]


def test_a_booking_moved_while_pages_are_listed_ends_with_both_halves(past: River) -> None:
    meeting = next(uri for uri in by_start(past)[UNREAD:] if _is_live(past, uri))
    [invitee, *_] = past.calendly.state.active_invitees(meeting)
    meanwhile(past, "calendly/move", invitee=invitee["uri"])

    done = backfill()
    past.flow()

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    assert past.event_names(invitee["email"].lower()) == ["rescheduled"]


def test_somebody_who_books_while_pages_are_listed_is_taken_in_by_their_webhook(past: River) -> None:
    meanwhile(past, "calendly/book", event_type="Demo", email="late@example.com", name="Late Comer")

    done = backfill()
    past.flow()

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    assert past.event_names("late@example.com") == ["booked"]


def _is_live(river: River, meeting: str) -> bool:
    event = river.calendly.event(meeting)
    return bool(event["status"] == "active") and river.calendly.state.active_invitees(meeting)[0]["no_show"] is None


# -- Access that goes ------------------------------------------------------------------------------------------


@pytest.fixture
def oauth_connection(past: River, settings: Settings) -> Connection:
    """Return a connection by OAuth besides the environment's."""
    consent.use_application(settings)
    past.calendly.settings.oauth_tokens_per_minute = None
    row = connections.make_connection("Paris", past.connection.brevo_account)
    start = oauth.begin(row)
    oauth.finish(row, start.saved, consent.answer(start.url))
    past.sandbox.world.journal.clear()
    return row


@pytest.mark.parametrize("path", ["/scheduled_events", INVITEES])
def test_an_oauth_token_that_expires_in_the_middle_is_refreshed(
    past: River, oauth_connection: Connection, path: str
) -> None:
    meanwhile(past, "clock", path, skip=0 if path == "/scheduled_events" else 20, advance=2.1 * 3600)

    done = backfill("--connection", "Paris")

    assert done.status == 0, done.words
    assert ledger() == truth(past)
    refreshes = past.sandbox.world.journal.calls("calendly", template="/oauth/token")
    assert len(refreshes) == 1


@pytest.mark.parametrize("path", ["/scheduled_events", INVITEES])
def test_a_dead_personal_token_stops_it_with_words_and_a_new_one_lets_it_go_on(past: River, path: str) -> None:
    meanwhile(past, "calendly/settings", path, skip=0 if path == "/scheduled_events" else 20, expires_in=0)

    stopped = backfill()
    past.calendly.add_token(PERSONAL_TOKEN)
    call_command("calendly_connect")
    resumed = backfill()

    assert stopped.status == 1
    assert re.search("token|reconnect", stopped.words + str(stopped.report.get("words")), re.IGNORECASE)
    assert resumed.status == 0, resumed.words
    assert ledger() == truth(past)
    assert_nothing_was_repeated(past)


@pytest.mark.parametrize("path", ["/scheduled_events", INVITEES])
def test_a_lost_role_stops_it_with_words_and_it_goes_on_when_the_role_is_back(past: River, path: str) -> None:
    skip = 0 if path == "/scheduled_events" else 20
    meanwhile(past, "calendly/settings", path, skip=skip, role="user")

    stopped = backfill()
    in_brevo = {contact["email"] for contact in past.brevo.contacts()}
    still = backfill()
    past.calendly.set_role("owner")
    resumed = backfill()

    assert (stopped.status, still.status) == (1, 1)
    assert len(in_brevo) == stopped.report["brevo"]["written"]
    assert (len(in_brevo) > 0) == (path == INVITEES), "what was read is written, although the rest has to wait"
    assert "role" in (stopped.words + str(stopped.report.get("words"))).lower()
    assert resumed.status == 0, resumed.words
    assert ledger() == truth(past)
    assert_nothing_was_repeated(past)


def assert_nothing_was_repeated(river: River) -> None:
    """Fail when something was asked for again that had been answered."""
    calls = river.sandbox.world.journal.calls("calendly", method="GET")
    answered = [
        f"{call.path}?{sorted(call.query.items())}"
        for call in calls
        if call.status == 200 and call.template.startswith("/scheduled_events")
    ]
    assert repeated(answered) == {}
