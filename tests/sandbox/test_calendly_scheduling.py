"""Booking, canceling, no-shows and links through the API; moves and edits through the desk's methods."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.calendly_bookings import BookingError
from sandbox.calendly_world import CAMILLE, DEMO, DISCOVERY, GROUP_DEMO, HUGO, INES, SUPPORT
from tests.sandbox.calendly_api import Answer, Api, Json

TRACKING = dict.fromkeys(("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid"))
COMPANY = {"question": "Company", "answer": "Benali Conseil", "position": 0}


def path_of(uri: str) -> str:
    return urlsplit(uri).path


def in_days(api: Api, days: float) -> str:
    now: datetime = api.calendly.clock.utc()
    return (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def slots(api: Api, event_type: str = DISCOVERY, days: float = 10) -> list[Json]:
    window = {"start_time": in_days(api, 1), "end_time": in_days(api, days)}
    rows: list[Json] = api.get("/event_type_available_times", event_type=event_type, **window).rows
    return rows


def wish(api: Api, **changes: Any) -> Json:
    person = {"first_name": "Nadia", "last_name": "Benali", "email": "nadia@example.com", "timezone": "Europe/Paris"}
    asked = {"event_type": DISCOVERY, "start_time": slots(api)[0]["start_time"], "invitee": person}
    return {**asked, "questions_and_answers": [COMPANY], **changes}


def book(api: Api, **changes: Any) -> Answer:
    return api.call("POST", "/invitees", wish(api, **changes))


# Open and busy times.


def test_open_slots_are_working_hours_without_a_fraction(calendly: Api) -> None:
    open_slots = slots(calendly)

    starts = [datetime.fromisoformat(slot["start_time"]) for slot in open_slots]
    assert len(starts) > 50
    assert all(start.weekday() < 5 and start.minute in (0, 30) for start in starts)
    assert len(open_slots[0]["start_time"]) == len("2026-12-03T09:00:00Z")
    assert {slot["invitees_remaining"] for slot in open_slots} == {1}


def test_a_booked_slot_is_open_no_more_and_again_after_the_cancel(calendly: Api) -> None:
    taken = slots(calendly)[0]["start_time"]

    invitee = calendly.calendly.book(email="a@example.com", start_time=taken)
    assert taken not in [slot["start_time"] for slot in slots(calendly)]
    calendly.calendly.cancel(invitee)

    assert slots(calendly)[0]["start_time"] == taken


def test_a_group_slot_counts_its_places(calendly: Api) -> None:
    start = slots(calendly, GROUP_DEMO)[0]["start_time"]

    calendly.calendly.book(event_type=GROUP_DEMO, email="a@example.com", start_time=start)

    left = {slot["start_time"]: slot["invitees_remaining"] for slot in slots(calendly, GROUP_DEMO)}
    assert left[start] == 9


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (-1, 3, "start_time must be in the future"),
        (3, 2, "start_time must be before end_time"),
        (1, 33, "31 days"),
    ],
)
def test_windows_of_open_slots_have_limits(calendly: Api, start: int, end: int, words: str) -> None:
    window = {"start_time": in_days(calendly, start), "end_time": in_days(calendly, end)}

    answer = calendly.get("/event_type_available_times", event_type=DISCOVERY, **window)

    assert answer.status == 400
    assert words in answer.body["details"][0]["message"]
    assert calendly.get("/event_type_available_times", event_type=DISCOVERY).status == 400


def test_31_days_are_allowed(calendly: Api) -> None:
    window = {"start_time": in_days(calendly, 1), "end_time": in_days(calendly, 32)}

    assert calendly.get("/event_type_available_times", event_type=DISCOVERY, **window).status == 200


def test_busy_times_are_the_bookings_with_their_buffers(calendly: Api) -> None:
    invitee = calendly.calendly.book(email="a@example.com", start_time=in_days(calendly, 2))
    window = {"start_time": in_days(calendly, 1), "end_time": in_days(calendly, 7)}

    busy = calendly.get("/user_busy_times", user=CAMILLE, **window)

    assert [row["event"]["uri"] for row in busy.rows] == [calendly.calendly.invitee(invitee)["event"]]
    assert busy.rows[0]["buffered_start_time"] < busy.rows[0]["start_time"]
    assert calendly.get("/user_busy_times", user=HUGO, **window).rows == []
    assert calendly.get("/user_busy_times", user="https://api.calendly.com/users/x", **window).status == 403
    long = {**window, "end_time": in_days(calendly, 9)}
    assert calendly.get("/user_busy_times", user=CAMILLE, **long).status == 400


# POST /invitees.


def test_booking_by_api_makes_an_event_and_its_invitee(calendly: Api) -> None:
    answer = book(calendly, tracking={**TRACKING, "utm_source": "bot"}, event_guests=["colleague@example.com"])

    invitee = answer.resource
    assert answer.status == 201
    assert invitee["scheduling_method"] == "api"
    assert invitee["invitee_scheduled_by"] == CAMILLE
    assert invitee["tracking"]["utm_source"] == "bot"
    assert calendly.get(path_of(invitee["event"])).resource["event_guests"][0]["email"] == "colleague@example.com"


def test_a_taken_slot_is_already_filled(calendly: Api) -> None:
    first = wish(calendly)
    assert calendly.call("POST", "/invitees", first).status == 201

    answer = calendly.call("POST", "/invitees", first)

    assert answer.status == 400
    assert answer.body == {
        "title": "Invalid Argument",
        "message": "The supplied parameters are invalid.",
        "details": [
            {"parameter": "event.start_time", "message": "That start time has been filled", "code": "already_filled"}
        ],
    }


def test_a_full_group_is_already_filled(calendly: Api) -> None:
    start = slots(calendly, GROUP_DEMO)[0]["start_time"]
    for number in range(10):
        calendly.calendly.book(event_type=GROUP_DEMO, start_time=start, email=f"p{number}@example.com")

    answer = book(calendly, event_type=GROUP_DEMO, start_time=start)

    assert answer.body["details"][0]["code"] == "already_filled"


def test_a_group_event_is_joined_by_the_next_who_books_its_slot(calendly: Api) -> None:
    start = slots(calendly, GROUP_DEMO)[0]["start_time"]

    events = {book(calendly, event_type=GROUP_DEMO, start_time=start).resource["event"] for _ in range(2)}

    assert len(events) == 1


def test_round_robin_takes_turns(calendly: Api) -> None:
    starts = [slot["start_time"] for slot in slots(calendly, SUPPORT)]
    hosts = []
    for start in starts[:3]:
        event = book(calendly, event_type=SUPPORT, start_time=start, questions_and_answers=[]).resource["event"]
        hosts.append(calendly.calendly.event(event)["event_memberships"][0]["user"])

    assert hosts == [HUGO, INES, HUGO]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"invitee": {"email": "a@example.com", "timezone": "UTC"}}, "either name or first_name must be filled"),
        ({"invitee": {"name": "A", "email": "a", "timezone": "UTC"}}, "invitee.email"),
        ({"invitee": {"name": "A", "email": "a@example.com"}}, "invitee.timezone"),
        ({"invitee": {"name": "A", "email": "a@example.com", "timezone": "Paris"}}, "invitee.timezone"),
        ({"invitee": None}, "invitee is missing"),
        ({"event_type": ""}, "event_type is missing"),
        ({"start_time": "soon"}, "start_time must be a UTC time"),
        ({"start_time": "2020-01-01T10:00:00Z"}, "must be in the future"),
        ({"questions_and_answers": []}, "Required Questions and Answers cannot be blank."),
        ({"questions_and_answers": [{**COMPANY, "question": "company"}]}, "is not a question"),
        ({"tracking": {"utm_source": "x"}}, "tracking.utm_campaign is missing"),
        ({"tracking": {key: None for key in TRACKING if key != "utm_content"}}, "tracking.utm_content is missing"),
        ({"event_guests": ["x@example.com"] * 11}, "at most 10"),
        ({"location": {"kind": "physical"}}, "location.location is missing"),
    ],
)
def test_wrong_bookings_are_400(calendly: Api, changes: Json, words: str) -> None:
    answer = book(calendly, **changes)

    assert answer.status == 400
    assert words in str(answer.body)


def test_a_wrong_phone_answer_names_its_question(calendly: Api) -> None:
    phone = {"question": "Mobile number", "answer": "12", "position": 2}

    answer = book(calendly, questions_and_answers=[COMPANY, phone])

    assert answer.body["message"] == "questions_and_answers Mobile number is not a valid phone number"


@pytest.mark.parametrize("changes", [{"location": {"kind": "webex_conference"}}, {"event_type": SUPPORT}])
def test_a_location_must_be_configured_and_round_robin_takes_none(calendly: Api, changes: Json) -> None:
    start = slots(calendly, changes.get("event_type", DISCOVERY))[0]["start_time"]
    questions = [] if "event_type" in changes else [COMPANY]
    asked = {"start_time": start, "location": {"kind": "google_conference"}, "questions_and_answers": questions}

    answer = book(calendly, **{**asked, **changes})

    assert answer.status == 400
    assert answer.body["message"] == "Specified location kind is not configured for this event type."
    assert answer.body["details"][0]["code"] == "invalid_location_choice"


def test_the_wished_location_becomes_the_events(calendly: Api) -> None:
    place = {"kind": "physical", "location": "12 rue des Lilas, Lyon"}

    event = book(calendly, location=place).resource["event"]

    location = calendly.get(path_of(event)).resource["location"]
    assert (location["type"], location["location"]) == ("physical", "12 rue des Lilas, Lyon")


def test_unknown_and_inactive_types_are_404(calendly: Api) -> None:
    calendly.calendly.edit_event_type(DEMO, active=False)

    assert book(calendly, event_type="https://api.calendly.com/event_types/x").status == 404
    assert book(calendly, event_type=DEMO).status == 404


def test_the_scheduling_api_has_its_own_limits(calendly: Api) -> None:
    open_slots = [slot["start_time"] for slot in slots(calendly)]
    statuses = [book(calendly, start_time=start).status for start in open_slots[:11]]

    assert statuses == [201] * 10 + [429]
    calendly.calendly.settings.booking_limits = False
    assert book(calendly).status == 201


def test_a_trial_books_five_a_day(calendly: Api) -> None:
    calendly.calendly.set_plan(stage="trial")

    assert [book(calendly).status for _ in range(6)] == [201] * 5 + [429]


def test_a_body_must_be_a_json_object(calendly: Api) -> None:
    assert calendly.call("POST", "/invitees", []).status == 400
    assert calendly.call("POST", "/invitees", form={"a": "b"}).status == 400
    assert calendly.call("POST", "/invitees", {}, headers={"Content-Type": "text/plain"}).status == 400


# Cancel.


def test_canceling_an_event(calendly: Api) -> None:
    invitee = calendly.calendly.book(email="a@example.com", name="Ann")
    event = calendly.calendly.invitee(invitee)["event"]
    before = calendly.calendly.event(event)["updated_at"]

    answer = calendly.call("POST", path_of(event) + "/cancellation", {"reason": "Host unavailable"})

    assert answer.status == 201
    assert answer.resource["canceled_by"] == "Camille Durand"
    assert answer.resource["canceler_type"] == "host"
    canceled = calendly.get(path_of(event)).resource
    assert canceled["status"] == "canceled"
    assert canceled["cancellation"] == answer.resource
    assert canceled["invitees_counter"] == {"total": 1, "active": 0, "limit": 1}
    assert canceled["updated_at"] > before
    assert calendly.get(path_of(invitee)).resource["cancellation"] == answer.resource


def test_cancel_refuses_a_second_time_the_past_and_strangers(calendly: Api) -> None:
    desk = calendly.calendly
    desk.add_token("ines", user=INES)
    future = path_of(desk.invitee(desk.book(email="a@example.com"))["event"]) + "/cancellation"
    past = path_of(desk.invitee(desk.book(email="a@example.com", start_time=in_days(calendly, -1)))["event"])

    assert calendly.call("POST", future, token="ines").body["message"] == "You are not allowed to cancel this event"
    assert calendly.call("POST", future, {"reason": "x" * 10_001}).status == 400
    assert calendly.call("POST", future).status == 201
    assert calendly.call("POST", future).body["message"] == "Event is already canceled"
    assert calendly.call("POST", past + "/cancellation").body["message"] == "Event in the past"
    assert calendly.call("POST", "/scheduled_events/x/cancellation").status == 404


# No-shows.


def test_a_no_show_is_marked_read_and_taken_back(calendly: Api) -> None:
    invitee = calendly.calendly.book(email="a@example.com", start_time=in_days(calendly, -1))
    event = calendly.calendly.invitee(invitee)["event"]
    before = calendly.calendly.event(event)["updated_at"]

    marked = calendly.call("POST", "/invitee_no_shows", {"invitee": invitee})

    assert marked.status == 201
    shown = calendly.get(path_of(invitee)).resource
    assert shown["status"] == "active"
    assert shown["no_show"] == {"uri": marked.resource["uri"], "created_at": marked.resource["created_at"]}
    assert shown["updated_at"] == marked.resource["created_at"]
    assert calendly.calendly.event(event)["updated_at"] == before  # as in the reference's example
    mark = path_of(marked.resource["uri"])
    assert calendly.get(mark).resource == marked.resource
    assert calendly.call("DELETE", mark).status == 204
    assert calendly.get(mark).status == 404
    assert calendly.call("DELETE", mark).status == 404
    assert calendly.get(path_of(invitee)).resource["no_show"] is None


def test_no_shows_that_make_no_sense_are_400(calendly: Api) -> None:
    desk = calendly.calendly
    early, twice, gone = desk.book(email="a@example.com"), *(
        desk.book(email="b@example.com", start_time=in_days(calendly, -1)) for _ in range(2)
    )  # fmt: skip
    desk.mark_no_show(twice)
    desk.cancel(gone)

    for invitee in (early, twice, gone, ""):
        assert calendly.call("POST", "/invitee_no_shows", {"invitee": invitee}).status == 400
    assert calendly.call("POST", "/invitee_no_shows", {"invitee": "https://api.calendly.com/x"}).status == 404


def test_a_stranger_may_not_mark(calendly: Api) -> None:
    calendly.calendly.add_token("ines", user=INES)
    invitee = calendly.calendly.book(email="a@example.com", start_time=in_days(calendly, -1))

    assert calendly.call("POST", "/invitee_no_shows", {"invitee": invitee}, token="ines").status == 403


# Scheduling links.


def test_a_scheduling_link_is_for_one_booking_of_one_type(calendly: Api) -> None:
    asked = {"max_event_count": 1, "owner": DISCOVERY, "owner_type": "EventType"}

    link = calendly.call("POST", "/scheduling_links", asked)

    assert link.status == 201
    assert link.resource["booking_url"].endswith("/discovery-call")
    for wrong in ({"max_event_count": 2}, {"owner_type": "User"}, {"owner": ""}):
        assert calendly.call("POST", "/scheduling_links", asked | wrong).status == 400
    assert calendly.call("POST", "/scheduling_links", asked | {"owner": CAMILLE}).status == 404


# What only a browser or a calendar can do.


def test_a_move_leaves_two_linked_halves(calendly: Api) -> None:
    old = calendly.calendly.book(email="a@example.com", name="Ann", answers={"Company": "Ann & Co"})

    new = calendly.calendly.move(old, start_time="2031-03-04T10:00:00Z")

    old_half, new_half = (calendly.get(path_of(uri)).resource for uri in (old, new))
    assert (old_half["status"], old_half["rescheduled"], old_half["new_invitee"]) == ("canceled", True, new)
    assert old_half["cancellation"]["canceler_type"] == "invitee"
    assert (new_half["status"], new_half["rescheduled"], new_half["old_invitee"]) == ("active", False, old)
    assert new_half["questions_and_answers"] == old_half["questions_and_answers"]
    assert new_half["event"] != old_half["event"]
    assert calendly.get(path_of(old_half["event"])).resource["status"] == "canceled"
    assert calendly.get(path_of(new_half["event"])).resource["start_time"] == "2031-03-04T10:00:00.000000Z"


def test_moving_out_of_a_group_leaves_the_others(calendly: Api) -> None:
    desk = calendly.calendly
    ann = desk.book(event_type=GROUP_DEMO, email="ann@example.com")
    ben = desk.book(event=desk.invitee(ann)["event"], email="ben@example.com")

    desk.move(ann)

    event = desk.event(desk.invitee(ben)["event"])
    assert (event["status"], event["invitees_counter"]["active"]) == ("active", 1)
    assert "cancellation" not in event


def test_a_host_moves_too(calendly: Api) -> None:
    old = calendly.calendly.book(email="a@example.com")

    calendly.calendly.move(old, by="host")

    assert calendly.calendly.invitee(old)["cancellation"]["canceled_by"] == "Camille Durand"


@pytest.mark.parametrize("act", ["move", "cancel", "mark_no_show"])
def test_a_canceled_booking_stays_canceled(calendly: Api, act: str) -> None:
    invitee = calendly.calendly.book(email="a@example.com")
    calendly.calendly.cancel(invitee)

    with pytest.raises(BookingError):
        getattr(calendly.calendly, act)(invitee)


def test_what_was_done_cannot_be_done_twice(calendly: Api) -> None:
    invitee = calendly.calendly.book(email="a@example.com")
    event = calendly.calendly.invitee(invitee)["event"]
    with pytest.raises(BookingError):
        calendly.calendly.undo_no_show(invitee)
    calendly.calendly.mark_no_show(invitee)
    with pytest.raises(BookingError):
        calendly.calendly.mark_no_show(invitee)
    calendly.calendly.cancel_event(event)
    with pytest.raises(BookingError):
        calendly.calendly.cancel_event(event)


def test_every_change_of_an_invitee_is_newer_than_the_one_before(calendly: Api) -> None:
    desk = calendly.calendly
    invitee = desk.book(email="a@example.com")
    stamps = [desk.invitee(invitee)["updated_at"]]

    for act in (desk.mark_no_show, desk.undo_no_show, desk.mark_no_show, desk.cancel):
        act(invitee)
        stamps.append(desk.invitee(invitee)["updated_at"])

    assert stamps == sorted(set(stamps))


def test_an_edit_in_the_calendar_moves_the_event_in_every_list(calendly: Api) -> None:
    desk = calendly.calendly
    event = desk.invitee(desk.book(email="a@example.com"))["event"]
    before = desk.event(event)

    desk.edit_event(event, start_time=datetime(2031, 3, 4, 10, tzinfo=UTC), host=HUGO)

    after = calendly.get(path_of(event)).resource
    assert after["updated_at"] > before["updated_at"]
    assert after["end_time"] == "2031-03-04T10:30:00.000000Z"
    assert calendly.get("/scheduled_events", user=CAMILLE).rows == []
    window = {"invitee_email": "a@example.com", "min_start_time": "2031-01-01T00:00:00Z"}
    organization = {"organization": calendly.get("/users/me").resource["current_organization"]}
    assert calendly.get("/scheduled_events", **organization, **window).rows == [after]
    assert calendly.get("/scheduled_events", **organization, user=HUGO).rows == [after]
