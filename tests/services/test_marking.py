"""Staff mark who came, and cancel: at the sandbox's Calendly first, in its Brevo at once, each event once."""

import threading
from typing import Any

import pytest
from django.db import connections as databases

from calendly_connector.models import Booking, Job, StatusChange
from calendly_connector.services import clock, marking
from calendly_connector.services.marking import Outcome, Said
from sandbox import scenarios
from sandbox.calendly_world import CAMILLE, GROUP_DEMO, HUGO
from sandbox.world import Fault
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]

AMIRA = scenarios.AMIRA.email
MARK, UNMARK, READ = (
    "/invitee_no_shows",
    "/invitee_no_shows/{uuid}",
    "/scheduled_events/{event_uuid}/invitees/{invitee_uuid}",
)
CANCEL = "/scheduled_events/{uuid}/cancellation"
COLUMNS = [("commit_then_reset", True), ("reset", False)]


def held(river: River, *, ago: float = 3600, person: scenarios.Person = scenarios.AMIRA) -> Booking:
    """Return a booking whose meeting began so many seconds ago; it lasts for half an hour."""
    uri = scenarios.book(river.calendly, person, start_time=river.calendly.clock.now() - ago)
    river.flow()
    return Booking.objects.get(uri=uri)


def coming(river: River, person: scenarios.Person = scenarios.AMIRA) -> Booking:
    uri = scenarios.book(river.calendly, person)
    river.flow()
    return Booking.objects.get(uri=uri)


def status_in_brevo(river: River, email: str = AMIRA) -> str:
    """Return the status as staff read it in Brevo."""
    number = river.contact(email)["attributes"].get("BOOKING_STATUS")
    return str(number)


def calls(river: River, method: str, template: str) -> int:
    return len(river.sandbox.world.journal.calls("calendly", method=method, template=template))


def break_call(river: River, kind: Any, method: str, path: str, **details: Any) -> None:
    river.sandbox.world.faults.add(Fault(provider="calendly", kind=kind, method=method, path=path, **details))


def test_a_mark_is_in_brevo_before_its_webhook_which_brings_no_news(river: River) -> None:
    booking = held(river)

    outcome = marking.mark_no_show(booking, by="anna")
    river.work()

    assert (outcome.said, outcome.is_done, booking.status) == (Said.MARKED, True, "no_show")
    assert river.calendly.invitee(booking.uri)["no_show"]
    assert status_in_brevo(river) == "no_show"
    assert river.event_names(AMIRA) == ["booked", "no_show"]
    assert [delivery.event for delivery in river.pending()] == ["invitee_no_show.created"]
    river.flow()
    assert river.event_names(AMIRA) == ["booked", "no_show"]


def test_a_mark_is_taken_back_and_set_again(river: River) -> None:
    booking = held(river)

    said = [act(booking, by="anna").said for act in (marking.mark_no_show, marking.undo_no_show, marking.mark_no_show)]
    river.flow()

    assert said == [Said.MARKED, Said.UNDONE, Said.MARKED]
    assert sorted(river.event_names(AMIRA)) == ["booked", "no_show", "no_show", "no_show_undone"]
    assert status_in_brevo(river) == "no_show"


def test_the_mark_that_is_there_now_is_taken_back_not_the_one_that_we_know(river: River) -> None:
    booking = held(river)
    marking.mark_no_show(booking, by="anna")
    river.calendly.undo_no_show(booking.uri)
    river.calendly.mark_no_show(booking.uri)

    outcome = marking.undo_no_show(booking, by="anna")

    assert outcome.said is Said.UNDONE
    assert river.calendly.invitee(booking.uri)["no_show"] is None


def test_there_may_be_nothing_to_take_back(river: River) -> None:
    booking = held(river)

    assert marking.undo_no_show(booking, by="anna").said is Said.NOT_MARKED
    assert calls(river, "DELETE", UNMARK) == 0


def test_a_mark_without_an_address_is_left_to_calendly(river: River) -> None:
    booking = held(river)
    marking.mark_no_show(booking, by="anna")
    river.calendly.state.invitees[booking.uri]["no_show"] = {"created_at": "2026-12-03T09:45:10.250000Z"}
    river.calendly.state.invitees[booking.uri]["updated_at"] = "2099-12-03T09:45:10.250000Z"

    assert marking.undo_no_show(booking, by="anna").said is Said.NAMELESS


def test_who_attended_counts_at_once_and_leaves_for_the_lists(river: River) -> None:
    guests = river.brevo.add_list("Came")
    river.map_lists("attended", join=[guests])
    booking = held(river)

    outcome = marking.mark_attended(booking, by="anna")
    river.work()
    clock.turn(booking.person_id)
    river.flow()

    assert outcome.said is Said.ATTENDED
    assert sorted(river.event_names(AMIRA)) == ["attended", "booked"]
    assert status_in_brevo(river) == "attended"
    assert river.contact(AMIRA)["listIds"] == [guests]
    assert list(StatusChange.objects.filter(booking=booking).values_list("status", "source")) == [
        ("booked", "webhook"),
        ("attended", "staff"),
    ]


def test_attended_by_mistake_becomes_a_no_show(river: River) -> None:
    booking = held(river)
    marking.mark_attended(booking, by="anna")

    outcome = marking.mark_no_show(booking, by="anna")
    river.flow()

    assert outcome.said is Said.MARKED
    assert status_in_brevo(river) == "no_show"
    assert sorted(river.event_names(AMIRA)) == ["attended", "booked", "no_show"]


@pytest.mark.parametrize("act", [marking.mark_no_show, marking.mark_attended])
def test_pressing_twice_says_that_it_is_so_already(act: Any, river: River) -> None:
    booking = held(river)
    stale = Booking.objects.get(pk=booking.pk)
    act(booking, by="anna")

    said = [act(row, by="ben").said for row in (booking, stale)]
    river.flow()

    assert said == [Said.ALREADY, Said.ALREADY]
    assert len(river.event_names(AMIRA)) == 2


def test_two_who_press_at_the_same_time_make_one_event(river: River) -> None:
    booking = held(river)
    said: list[Said] = []

    def press() -> None:
        try:
            said.append(marking.mark_attended(Booking.objects.get(pk=booking.pk), by="anna").said)
        finally:
            databases.close_all()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    river.flow()

    assert set(said) <= {Said.ATTENDED, Said.ALREADY}
    assert len(said) == 4
    assert sorted(river.event_names(AMIRA)) == ["attended", "booked"]


def test_what_happened_at_calendly_meanwhile_is_taken_in_and_told(river: River) -> None:
    marked, gone = held(river), held(river, person=scenarios.TOM)
    river.calendly.mark_no_show(marked.uri)
    river.calendly.cancel(gone.uri)

    said = [
        marking.mark_no_show(marked, by="anna").said,
        marking.mark_no_show(gone, by="anna").said,
        marking.mark_attended(marked, by="anna").said,
        marking.mark_attended(gone, by="anna").said,
        marking.undo_no_show(gone, by="anna").said,
    ]

    assert said == [Said.ALREADY, Said.OTHERWISE, Said.IS_NO_SHOW, Said.OTHERWISE, Said.OTHERWISE]
    assert (marked.status, gone.status) == ("no_show", "canceled")


def test_nobody_is_marked_before_the_meeting(river: River) -> None:
    booking, running = coming(river), held(river, ago=60, person=scenarios.TOM)

    assert marking.mark_no_show(booking, by="anna").said is Said.NOT_BEGUN
    assert marking.mark_attended(booking, by="anna").said is Said.NOT_OVER
    assert marking.mark_attended(running, by="anna").said is Said.NOT_OVER
    assert marking.mark_no_show(running, by="anna").said is Said.MARKED


@pytest.mark.parametrize(("kind", "is_done"), COLUMNS)
def test_a_lost_answer_is_looked_up_before_anything_is_said(kind: str, is_done: bool, river: River) -> None:
    booking = held(river)
    break_call(river, kind, "POST", MARK)

    outcome = marking.mark_no_show(booking, by="anna")

    assert outcome.said is (Said.MARKED if is_done else Said.LOST)
    assert calls(river, "POST", MARK) <= 1
    assert booking.status == ("no_show" if is_done else "booked")


@pytest.mark.parametrize(("kind", "is_done"), COLUMNS)
def test_a_lost_answer_to_an_undo_is_looked_up_too(kind: str, is_done: bool, river: River) -> None:
    booking = held(river)
    marking.mark_no_show(booking, by="anna")
    break_call(river, kind, "DELETE", UNMARK)

    outcome = marking.undo_no_show(booking, by="anna")

    assert outcome.said is (Said.UNDONE if is_done else Said.LOST)
    assert booking.status == ("booked" if is_done else "no_show")


def test_what_can_not_be_read_back_is_read_later(river: River) -> None:
    booking = held(river)
    break_call(river, "commit_then_reset", "POST", MARK)
    break_call(river, "status", "GET", READ, times=None)

    outcome = marking.mark_no_show(booking, by="anna")
    river.mend()
    river.hurry()
    river.work()

    assert outcome.said is Said.UNKNOWN
    booking.refresh_from_db()
    assert booking.status == "no_show"
    assert river.event_names(AMIRA) == ["booked", "no_show"]


def test_a_mark_that_was_taken_and_can_not_be_read_is_under_way(river: River) -> None:
    booking = held(river)
    break_call(river, "status", "GET", READ, times=None)

    assert marking.mark_no_show(booking, by="anna") == Outcome(
        said=Said.UNDERWAY, why=marking.mark_attended(booking, by="anna").why
    )
    assert Job.objects.filter(kind=marking.CATCH_UP, subject=booking.pk).exists()


def test_without_calendly_nothing_is_marked(river: River) -> None:
    booking = held(river)
    break_call(river, "status", "GET", READ, times=None)

    outcome = marking.mark_attended(booking, by="anna")

    assert (outcome.said, booking.status) == (Said.NOT_SENT, "booked")
    assert outcome.why.startswith("Calendly")


def test_a_missing_scope_is_named_and_shown_among_the_features(river: River) -> None:
    booking = held(river)
    river.calendly.add_token("sandbox-calendly-token", user=CAMILLE, scopes="scheduled_events:read users:read")

    outcome = marking.mark_no_show(booking, by="anna")

    assert outcome == Outcome(said=Said.LACKS_SCOPE, why="scheduled_events:write")
    booking.connection.refresh_from_db()
    assert "scheduled_events:write" not in (booking.connection.scopes or ())
    assert booking.status == "booked"


def test_a_plain_member_marks_only_meetings_of_their_own(river: River) -> None:
    theirs = held(river)
    river.calendly.set_role("user", HUGO)
    river.calendly.add_token("sandbox-calendly-token", user=HUGO)

    outcome = marking.mark_no_show(theirs, by="anna")

    assert outcome.said is Said.NOT_ALLOWED
    assert outcome.why
    assert theirs.status == "booked"


def test_a_token_that_is_not_accepted_is_said_with_what_to_do(river: River) -> None:
    booking = held(river)
    break_call(river, "status", "POST", MARK, status=401, times=None)

    outcome = marking.mark_no_show(booking, by="anna")

    assert outcome.said is Said.NOT_SENT
    assert "Make a new one in Calendly" in outcome.why


def group(river: River, *people: scenarios.Person) -> list[Booking]:
    """Let people book the same slot of a group meeting."""
    first, *others = people
    uris = [scenarios.book(river.calendly, first, GROUP_DEMO)]
    start = river.calendly.invitee(uris[0])["event"]
    at = river.calendly.event(start)["start_time"]
    uris += [
        river.calendly.book(event_type=GROUP_DEMO, email=each.email, name=each.first_name, start_time=at)
        for each in others
    ]
    river.flow()
    return [Booking.objects.get(uri=uri) for uri in uris]


def test_canceling_a_group_meeting_hits_everybody_and_says_how_many(river: River) -> None:
    nadia, zoe, tom = group(river, scenarios.NADIA, scenarios.ZOE, scenarios.TOM)
    river.calendly.cancel(tom.uri)

    hit = marking.hit_by_cancel(nadia)
    outcome = marking.cancel(nadia, by="anna", reason="The speaker is ill")
    river.work()

    assert (hit.people, hit.is_sure) == (2, True)
    assert outcome.said is Said.CANCELED
    zoe.refresh_from_db()
    assert (nadia.status, zoe.status) == ("canceled", "canceled")
    assert zoe.to_entry().booking.invitee.cancellation
    assert zoe.data["invitee"]["cancellation"]["reason"] == "The speaker is ill"
    for person in (scenarios.NADIA, scenarios.ZOE, scenarios.TOM):
        assert river.event_names(person.email) == ["booked", "canceled"]
    river.flow()
    assert river.event_names(scenarios.ZOE.email) == ["booked", "canceled"]


def test_whom_a_cancellation_hits_is_known_by_us_when_calendly_can_not_be_asked(river: River) -> None:
    nadia, *_others = group(river, scenarios.NADIA, scenarios.ZOE)
    break_call(river, "status", "GET", "/scheduled_events/{uuid}", times=None)

    hit = marking.hit_by_cancel(nadia)

    assert (hit.people, hit.is_sure) == (2, False)
    assert hit.names == ("Nadia Benali", "Zoé")


def test_a_meeting_that_has_begun_is_not_canceled(river: River) -> None:
    assert marking.cancel(held(river), by="anna", reason="x").said is Said.TOO_LATE
    assert calls(river, "POST", CANCEL) == 0


@pytest.mark.parametrize(("kind", "is_done"), COLUMNS)
def test_a_lost_answer_to_a_cancellation_is_looked_up(kind: str, is_done: bool, river: River) -> None:
    booking = coming(river)
    break_call(river, kind, "POST", CANCEL)

    outcome = marking.cancel(booking, by="anna", reason="x")

    assert outcome.said is (Said.CANCELED if is_done else Said.LOST)
    assert booking.status == ("canceled" if is_done else "booked")


def test_what_was_canceled_or_moved_already_is_no_error(river: River) -> None:
    canceled, moved = coming(river), coming(river, scenarios.ZOE)
    river.calendly.cancel(canceled.uri)
    river.calendly.move(moved.uri)

    said = [marking.cancel(row, by="anna", reason="x").said for row in (canceled, moved, canceled)]

    assert said == [Said.ALREADY, Said.OTHERWISE, Said.ALREADY]
