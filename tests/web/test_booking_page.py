"""The booking page without a script: from the first address to the contact in Brevo, and whatever comes between."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.test import Client

from calendly_connector.models import BookingPage, BookingRequest, Connection, ConsentRule, EventType
from calendly_connector.services import booking_limits, booking_lookup, booking_outcome, form_token, visitors
from calendly_connector.web.booking import timetable
from sandbox.calendly_world import PERSONAL_TOKEN
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.web import calendar_reader
from tests.web.booking_pages import (
    CONSENT,
    DEMO,
    DISCOVERY,
    GROUP_DEMO,
    SITE,
    SUPPORT,
    WHO,
    ask_more,
    field_of,
    make_page,
    question,
)
from tests.web.visitor import Visitor

__all__ = ["river"]

TAKEN = "Somebody else was a little faster"
COMPANY = field_of("Company")
DEMO_ANSWERS = {"place": "0", COMPANY: "Benali"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill in forms faster than people do."""
    monkeypatch.setattr(form_token, "YOUNGEST", 0.0)


def at_the_form(address: str = "/book/talk?zone=Europe/Copenhagen", *, words: str = r"\d+ times?$") -> Visitor:
    """Return a visitor who has chosen the first day and its first time."""
    return Visitor().open(address).follow(words).follow(r"^\d\d:\d\d")


def booked_start(river: River) -> str:
    [event] = [each for each in river.calendly.state.events.values() if each["status"] == "active"]
    return str(event["start_time"])


def test_a_visitor_books_without_a_script_and_becomes_a_contact(river: River) -> None:
    river.map_lists("booked", join=[number := int(river.brevo.add_list("Demos"))])
    make_page(river, DEMO, DISCOVERY)

    visitor = Visitor().open("/book/talk/?utm_source=letter&utm_content=t-1&zone=Europe/Copenhagen&evil=1")
    visitor.follow("^Demo").follow(r"\d+ times?$").follow(r"^\d\d:\d\d")
    visitor.send(**WHO, **DEMO_ANSWERS, guests="bo@example.com, eva@example.com")
    river.flow()

    assert "It is booked" in visitor.page.text and "Google Meet" in visitor.page.text
    contact = river.contact("ada@example.com")
    assert contact["listIds"] == [number]
    assert (contact["attributes"]["FIRSTNAME"], contact["attributes"]["COMPANY"]) == ("Ada", "Benali")
    assert river.event_names("ada@example.com") == ["booked"]
    [invitee] = river.calendly.state.invitees.values()
    assert (invitee["tracking"]["utm_source"], invitee["tracking"]["utm_content"]) == ("letter", "t-1")
    assert invitee["timezone"] == "Europe/Copenhagen"
    links = dict(visitor.page.links)
    assert links["Cancel the meeting"] == invitee["cancel_url"]
    assert links["Move to another time"] == invitee["reschedule_url"]


def test_the_calendar_file_says_what_the_page_says(river: River) -> None:
    make_page(river)
    visitor = at_the_form().send(**WHO, **DEMO_ANSWERS)

    visitor.follow("Add to calendar")

    [(uri, invitee)] = river.calendly.state.invitees.items()
    found = calendar_reader.read(visitor.answer.content)
    assert visitor.answer["Content-Type"].startswith("text/calendar")
    assert visitor.answer["Content-Disposition"] == 'attachment; filename="demo.ics"'
    assert (found["UID"], found["SUMMARY"]) == (uri, "Demo")
    assert found["DTSTART"] == re.sub(r"[-:]|\.\d+", "", booked_start(river))
    assert invitee["cancel_url"] in found["DESCRIPTION"]
    key = BookingRequest.objects.get().key
    assert len(key) >= 32
    assert Client().get(f"/book/talk/{'x' * len(key)}.ics").status_code == 404


def booked_by(river: River, visitor: Visitor) -> tuple[str, str]:
    """Book the demo, and return the invitee's and the meeting's URIs."""
    visitor.send(**WHO, **DEMO_ANSWERS)
    [invitee] = river.calendly.state.invitees.values()
    return str(invitee["uri"]), str(invitee["event"])


def test_the_page_of_a_canceled_booking_says_so_and_gives_out_no_calendar_file(river: River) -> None:
    make_page(river)
    invitee, _meeting = booked_by(river, visitor := at_the_form())
    [file] = [href for name, href in visitor.page.links if name == "Add to calendar"]

    river.calendly.cancel(invitee)
    cache.clear()  # which forgets by itself after half a minute
    visitor.open(visitor.address)

    assert "This meeting was canceled" in visitor.page.text and "It is booked" not in visitor.page.text
    assert [name for name, _href in visitor.page.links] == ["Book another meeting"]
    assert Client().get(file).status_code == 302


def test_the_page_of_a_moved_booking_shows_its_new_time(river: River) -> None:
    make_page(river)
    invitee, _meeting = booked_by(river, visitor := at_the_form())

    newest = river.calendly.move(river.calendly.move(invitee))
    later = datetime.now(UTC) + timedelta(hours=1)
    river.calendly.state.invitees[newest]["updated_at"] = later.isoformat()
    cache.clear()
    visitor.open(visitor.address)

    assert "It is booked" in visitor.page.text
    assert dict(visitor.page.links)["Cancel the meeting"] == river.calendly.invitee(newest)["cancel_url"]
    visitor.follow("Add to calendar")
    start = river.calendly.event(river.calendly.invitee(newest)["event"])["start_time"]
    file = calendar_reader.read(visitor.answer.content)
    assert file["DTSTART"] == re.sub(r"[-:]|\.\d+", "", start)
    assert file["DTSTAMP"] == f"{later:%Y%m%dT%H%M%SZ}"  # newer than the first file's, so that calendars take it


def test_a_link_to_join_that_comes_late_is_on_the_page_soon(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking_outcome, "JOIN_SECONDS", 0)
    make_page(river)
    slow = {"type": "zoom", "status": "processing", "join_url": None, "data": None}
    take_in = booking_lookup.take_in

    def before_the_conference(connection: Connection, invitee: dict[str, Any]) -> Any:
        river.calendly.edit_event(invitee["event"], location=slow)
        return take_in(connection, invitee)

    monkeypatch.setattr(booking_lookup, "take_in", before_the_conference)
    _invitee, meeting = booked_by(river, visitor := at_the_form())
    assert "Zoom" in visitor.page.text and "Link to join" not in dict(visitor.page.links)

    river.calendly.edit_event(
        meeting, location={**slow, "status": "pushed", "join_url": "https://zoom.example.com/j/1"}
    )
    visitor.open(visitor.address)

    assert dict(visitor.page.links)["Link to join"] == "https://zoom.example.com/j/1"
    visitor.follow("Add to calendar")
    assert calendar_reader.read(visitor.answer.content)["LOCATION"] == "https://zoom.example.com/j/1"


def test_an_event_type_without_a_name_is_called_by_its_address_and_can_be_booked(river: River) -> None:
    for uri in (DEMO, DISCOVERY):
        river.calendly.state.event_types[uri]["name"] = None
    river.calendly.state.event_types[DISCOVERY]["slug"] = None
    make_page(river, DEMO, DISCOVERY)

    visitor = Visitor().open("/book/talk?zone=Europe/Copenhagen")
    assert "discovery-call" in visitor.page.text
    assert set(EventType.objects.filter(uri__in=[DEMO, DISCOVERY]).values_list("name", flat=True)) == {
        "demo",
        "discovery-call",
    }
    visitor.follow("^demo").follow(r"\d+ times?$")
    visitor.follow(r"^\d\d:\d\d").send(**WHO, **DEMO_ANSWERS)

    assert "It is booked" in visitor.page.text


@pytest.mark.parametrize(
    ("zone", "at", "words"),
    [
        ("Europe/Copenhagen", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "02:30 CEST"),
        ("Europe/Copenhagen", datetime(2027, 10, 31, 1, 30, tzinfo=UTC), "02:30 CET"),
        ("Europe/Copenhagen", datetime(2027, 10, 31, 2, 30, tzinfo=UTC), "03:30"),
        ("America/New_York", datetime(2027, 3, 14, 7, 30, tzinfo=UTC), "03:30"),
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 14, 45, tzinfo=UTC), "01:45 +11"),
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, 15, tzinfo=UTC), "01:45 +1030"),
        ("Asia/Kolkata", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "06:00"),
    ],
)
def test_an_hour_that_comes_twice_says_which_of_them_is_meant(zone: str, at: datetime, words: str) -> None:
    assert timetable.clock(at.astimezone(ZoneInfo(zone))) == words


@pytest.mark.parametrize("year", ["0001", "9999"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_taken_for_nothing_said(river: River, year: str, zone: str) -> None:
    make_page(river)
    steps = (f"month={year}-01", f"month={year}-12", f"day={year}-01-01", f"day={year}-12-31")
    moments = (f"at={year}-01-01T00:00:00%2B14:00", f"at={year}-12-31T23:59:59-14:00")

    for step in (*steps, *moments):
        visitor = Visitor().open(f"/book/talk?zone={zone}&{step}")
        assert visitor.answer.status_code == 200 and "Demo: choose a day and a time" in visitor.page.text
    answer = Client().post(f"/book/talk?zone={zone}", {"at": f"{year}-12-31T23:59:59-14:00"})
    assert answer.status_code == 303


def test_another_pages_visitor_sees_nothing_of_a_booking(river: River) -> None:
    make_page(river)
    make_page(river, slug="other")
    at_the_form().send(**WHO, **DEMO_ANSWERS)
    key = BookingRequest.objects.get().key

    assert Client().get(f"/book/talk/{key}").status_code == 200
    assert Client().get(f"/book/other/{key}").status_code == 404
    assert Client().get(f"/book/other/{key}.ics").status_code == 404


def test_a_double_click_books_once(river: River) -> None:
    make_page(river)
    visitor = at_the_form()
    address = f"/book/talk{visitor.page.action.partition('/book/talk')[2]}"
    data = {**visitor.page.values, **WHO, **DEMO_ANSWERS}

    answers = [Client().post(address, data) for _click in range(2)]

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer["Location"] for answer in answers}) == 1
    assert len(river.calendly.state.invitees) == 1


def test_a_time_that_was_taken_meanwhile_leads_to_fresh_ones_with_everything_kept(river: River) -> None:
    make_page(river)
    visitor, rival = at_the_form(), at_the_form()
    rival.send(**{**WHO, "email": "rival@example.com"}, **DEMO_ANSWERS)

    visitor.send(**WHO, **DEMO_ANSWERS, guests="bo@example.com")

    assert visitor.answer.status_code == 409 and TAKEN in visitor.page.text
    assert visitor.page.values["first_name"] == ["Ada"] and visitor.page.values["guests"] == ["bo@example.com"]
    assert visitor.page.values["place"] == ["0"]
    fresh = visitor.page.offered["at"]
    assert len(fresh) > 3 and "at" not in visitor.page.values
    visitor.send(at=fresh[1])
    assert "It is booked" in visitor.page.text
    assert {each["email"] for each in river.calendly.state.invitees.values()} == {
        "rival@example.com",
        "Ada@example.com",
    }


def test_what_is_taken_before_it_is_chosen_says_so(river: River) -> None:
    make_page(river)
    visitor, rival = Visitor().open("/book/talk").follow(r"\d+ times?$"), at_the_form("/book/talk")
    rival.send(**WHO, **DEMO_ANSWERS)

    visitor.follow(r"^\d\d:\d\d")

    assert "isn't open any more" in visitor.page.text and visitor.page.action == ""


def test_a_limit_leads_to_calendlys_own_page_filled_in(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    make_page(river)
    monkeypatch.setattr(booking_limits, "windows_of", lambda plan: (("day", 86_400, 0),))

    visitor = at_the_form("/book/talk?utm_source=letter").send(**WHO, **DEMO_ANSWERS)

    [address] = [href for name, href in visitor.page.links if name == "Book on Calendly's page"]
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://calendly.com/hugo-martin/demo")
    assert (query["name"], query["email"], query["utm_source"]) == (["Ada Berg"], ["Ada@example.com"], ["letter"])
    assert river.calendly.state.invitees == {}


def test_a_plan_without_the_scheduling_api_leads_to_calendlys_own_page(river: River) -> None:
    make_page(river)
    visitor = at_the_form()
    river.break_calendly("status", "/invitees", status=403)

    visitor.send(**WHO, **DEMO_ANSWERS)

    assert any(name == "Book on Calendly's page" and "hugo-martin/demo" in href for name, href in visitor.page.links)
    assert river.calendly.state.invitees == {}


def test_a_lost_answer_is_looked_up_and_never_booked_twice(river: River) -> None:
    make_page(river)
    visitor = at_the_form()
    river.break_calendly("commit_then_reset", "/invitees")

    visitor.send(**WHO, **DEMO_ANSWERS)

    assert "It is booked" in visitor.page.text
    assert len(river.calendly.state.invitees) == 1


@pytest.mark.parametrize(("ticked", "joins", "answer"), [(True, True, "Yes"), (False, False, "No")])
def test_only_who_ticks_the_box_joins_the_list(river: River, ticked: bool, joins: bool, answer: str) -> None:
    number = int(river.brevo.add_list("Newsletter"))
    river.map_lists("booked", join=[number])
    ConsentRule.objects.create(connection=river.connection, mode="answer", question=CONSENT, answer="yes")
    make_page(river, consent_text="Yes, send me the newsletter.")
    ask_more(river, DEMO, question(CONSENT, "single_select", 0, required=True, choices=("Yes", "No")))
    visitor = at_the_form()
    assert "consent" not in visitor.page.values and visitor.page.offered["consent"]
    assert "Yes, send me the newsletter." in visitor.page.text and CONSENT not in visitor.page.text

    visitor.send(**WHO, place="0", **({"consent": visitor.page.offered["consent"]} if ticked else {}))
    river.flow()

    assert river.contact("ada@example.com")["listIds"] == ([number] if joins else [])
    [invitee] = river.calendly.state.invitees.values()
    assert [(each["question"], each["answer"]) for each in invitee["questions_and_answers"]] == [(CONSENT, answer)]


def watch_consent(river: River, **rule: str) -> int:
    """Return the list that only those join who say yes to the question; the demo asks it."""
    river.map_lists("booked", join=[number := int(river.brevo.add_list("Newsletter"))])
    values = {"question": CONSENT, "answer": "Yes", **rule}
    ConsentRule.objects.create(connection=river.connection, mode="answer", **values)
    ask_more(river, DEMO, question("Customer?", "single_select", 0, choices=("Yes", "No")), CONSENT_QUESTION)
    return number


CONSENT_QUESTION = question(CONSENT, "single_select", 1, choices=("Yes", "No"))


def test_an_event_type_that_takes_nobody_without_consent_says_so_beside_the_box(river: River) -> None:
    watch_consent(river, answer="I agree")
    make_page(river)
    ask_more(river, DEMO, question(CONSENT, "single_select", 0, required=True, choices=("I agree",)))
    visitor = at_the_form()
    tick = visitor.page.offered["consent"]

    visitor.send(**WHO, place="0")
    refused = visitor.answer.status_code, visitor.page.described["consent"], visitor.page.focused
    visitor.send(consent=tick)

    assert refused == (422, "id_consent_error", "consent")
    assert "It is booked" in visitor.page.text


def test_a_box_that_was_ticked_beside_other_words_is_no_consent(river: River) -> None:
    watch_consent(river)
    page = make_page(river, consent_text="Send me the newsletter.")
    visitor = at_the_form()
    ticked = visitor.page.offered["consent"]
    page.consent_text = "Share my data with your partners."
    page.save()

    visitor.send(**WHO, place="0", consent=ticked)
    river.flow()

    assert river.contact("ada@example.com")["listIds"] == []
    [invitee] = river.calendly.state.invitees.values()
    assert [each["answer"] for each in invitee["questions_and_answers"]] == ["No"]


def test_an_answer_stays_with_its_question_when_the_questions_change_meanwhile(river: River) -> None:
    """With a third choice, consent is asked as it is, and what was said to another question must not count as given."""
    watch_consent(river)
    make_page(river)
    maybe = question(CONSENT, "single_select", 1, choices=("Yes", "No", "Later"))
    customer = question("Customer?", "single_select", 0, choices=("Yes", "No"))
    ask_more(river, DEMO, customer, maybe)
    visitor = at_the_form()
    ask_more(river, DEMO, {**maybe, "position": 0}, {**customer, "position": 1})

    visitor.send(**WHO, place="0", **{field_of("Customer?"): "Yes"})
    river.flow()

    [invitee] = river.calendly.state.invitees.values()
    assert [(each["question"], each["answer"]) for each in invitee["questions_and_answers"]] == [("Customer?", "Yes")]
    assert river.contact("ada@example.com")["listIds"] == []


def test_a_consent_question_that_vanished_is_no_consent(river: River) -> None:
    watch_consent(river)
    make_page(river)
    early = at_the_form()
    ticked = early.page.offered["consent"]
    ask_more(river, DEMO, question("Customer?", "single_select", 0, choices=("Yes", "No")))

    late = at_the_form()
    early.send(**WHO, place="0", consent=ticked)
    river.flow()

    assert "consent" not in late.page.offered and CONSENT not in late.page.text
    assert "It is booked" in early.page.text
    assert river.contact("ada@example.com")["listIds"] == []


def test_every_kind_of_question_is_asked_and_answered(river: River) -> None:
    make_page(river, SUPPORT, asks_for_guests=False)
    ask_more(
        river,
        SUPPORT,
        question("Why?", "text", 0, required=True),
        question("Mobile", "phone_number", 1),
        {**question("Size?", "single_select", 2, required=True, choices=("Small", "Large")), "include_other": True},
        question("Topics?", "multi_select", 3, required=True, choices=("Pricing", "Security")),
    )
    visitor = at_the_form()
    assert "guests" not in visitor.page.values and "place" not in visitor.page.offered
    why, mobile, size, topics = map(field_of, ("Why?", "Mobile", "Size?", "Topics?"))
    assert visitor.page.offered[size] == ["Small", "Large", "_other_"]

    answers = {why: "Because\nof you", mobile: "+33 6 12 34 56 78", size: "_other_", f"{size}_other": "Medium"}
    visitor.send(**WHO, **answers, **{topics: ["Pricing", "Security"], f"{topics}_other": "Price"})

    [invitee] = river.calendly.state.invitees.values()
    given = {each["question"]: each["answer"] for each in invitee["questions_and_answers"]}
    assert given["Why?"].replace("\r", "") == "Because\nof you" and given["Size?"] == "Medium"
    assert given["Topics?"] == "Pricing\nSecurity\nPrice"
    assert given["Mobile"].replace(" ", "") == "+33612345678"


def test_bad_input_is_named_beside_its_field_and_nothing_is_lost(river: River) -> None:
    make_page(river)
    ask_more(river, DEMO, question("Company", "string", 0, required=True))
    visitor = at_the_form()

    visitor.send(first_name="Ada", email="no address", place="1", place_phone="12", guests="a@b")

    page = visitor.page
    assert visitor.answer.status_code == 422
    assert page.values["first_name"] == ["Ada"] and page.values["email"] == ["no address"]
    assert page.values["place"] == ["1"] and page.values["place_phone"] == ["12"] and page.values["guests"] == ["a@b"]
    assert page.focused == "email"
    for name in ("email", COMPANY, "place_phone", "guests"):
        assert f"id_{name}_error" in page.described[name]
    assert "“a@b” isn't an e-mail address." in page.text
    assert river.calendly.state.invitees == {} and not BookingRequest.objects.exists()


def test_a_call_needs_a_number_only_where_it_is_chosen(river: River) -> None:
    make_page(river)

    visitor = at_the_form().send(**WHO, **{**DEMO_ANSWERS, "place": "1"})
    assert "This is needed for the place that you chose." in visitor.page.text
    visitor.send(place_phone="+33 6 12 34 56 78")

    [event] = river.calendly.state.events.values()
    assert (
        event["location"]["type"] == "outbound_call"
        and event["location"]["location"].replace(" ", "") == "+33612345678"
    )


def test_a_group_shows_how_many_can_still_come(river: River) -> None:
    make_page(river, GROUP_DEMO)

    visitor = Visitor().open("/book/talk").follow(r"\d+ times?$")

    assert any("10 places left" in name for name, _ in visitor.page.links)


def test_times_are_in_the_zone_that_was_chosen(river: River) -> None:
    make_page(river)

    paris, tokyo = (
        Visitor().open(f"/book/talk?zone={zone}").follow(r"\d+ times?$") for zone in ("Europe/Paris", "Asia/Tokyo")
    )

    first = [next(name for name, _ in each.page.links if re.match(r"\d\d:\d\d", name)) for each in (paris, tokyo)]
    assert first == ["09:00", "17:00"]
    assert "Europe/Paris" in Visitor().open("/book/talk?zone=Nowhere").follow("times?$").page.text


@pytest.mark.parametrize(
    ("headers", "address", "words"),
    [
        ({"Accept-Language": "da"}, "/book/talk", 'lang="da"'),
        ({"Accept-Language": "da"}, "/book/talk?lang=en", 'lang="en"'),
        ({}, "/book/talk?lang=da", 'lang="da"'),
        ({"Accept-Language": "fr"}, "/book/talk?lang=xx", 'lang="en"'),
    ],
)
def test_the_language_is_the_browsers_unless_the_address_says(
    river: River, headers: dict[str, str], address: str, words: str
) -> None:
    make_page(river)

    assert words in Visitor(**headers).open(address).answer.content.decode()


def test_who_fills_in_the_trap_or_is_too_quick_books_nothing_at_first(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_page(river)
    visitor = at_the_form().send(**WHO, **DEMO_ANSWERS, website="https://spam.example")
    assert "people can't see" in visitor.page.text and visitor.page.values["website"] == [""]
    monkeypatch.setattr(form_token, "YOUNGEST", 60.0)
    visitor.send()
    assert "very quick" in visitor.page.text and visitor.page.values[COMPANY] == ["Benali"]
    visitor.send(token="made-up")
    assert "couldn't be recognised" in visitor.page.text and visitor.page.values["email"] == ["Ada@example.com"]
    assert not BookingRequest.objects.exists()

    monkeypatch.setattr(form_token, "YOUNGEST", 0.0)
    visitor.send()

    assert "It is booked" in visitor.page.text


def test_a_token_of_another_page_or_of_yesterday_is_none() -> None:
    token = form_token.make("talk", key="k")

    assert form_token.read(token, page="talk").key == "k"
    assert form_token.read(token, page="other").age is form_token.Age.FALSE
    assert form_token.read(token + "x", page="talk").key == ""


def test_an_address_that_asks_too_often_waits(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    make_page(river)
    visitor = at_the_form()
    monkeypatch.setattr(visitors, "READS_PER_MINUTE", 2)  # places come free slowly, however slow this machine is

    answers = [visitor.client.post(visitor.page.action, visitor.page.values) for _press in range(5)]

    assert answers[0].status_code == 422 and answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) >= 1


def test_an_address_that_books_too_often_keeps_what_it_typed(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    make_page(river)
    monkeypatch.setattr(visitors, "BOOKINGS", 1)
    at_the_form().send(**WHO, **DEMO_ANSWERS)

    visitor = at_the_form().send(**WHO, **DEMO_ANSWERS)

    assert visitor.answer.status_code == 429 and "from your network" in visitor.page.text
    assert visitor.page.values[COMPANY] == ["Benali"]


@pytest.mark.parametrize("address", ["/book/unknown", "/book/unknown/", "/book/off", f"/book/off/{'k' * 32}"])
def test_what_is_not_there_is_a_friendly_404(river: River, address: str) -> None:
    make_page(river, slug="off", is_active=False)

    answer = Client().get(address)

    assert answer.status_code == 404 and "Nothing can be booked here" in answer.content.decode()


def test_calendly_that_does_not_answer_is_said_kindly(river: River) -> None:
    make_page(river)
    river.break_calendly("status", status=503, times=None)

    answer = Client().get("/book/talk")

    assert answer.status_code == 503 and "can't be shown just now" in answer.content.decode()


def test_only_the_named_sites_may_frame_a_page(river: River) -> None:
    make_page(river, allowed_origins=[SITE, "https://evil.example; script-src *"])
    make_page(river, slug="alone")

    named, alone = Client().get("/book/talk"), Client().get("/book/alone")

    assert f"frame-ancestors {SITE};" in named["Content-Security-Policy"] + ";"
    assert "script-src 'self';" in named["Content-Security-Policy"] + ";" and "evil" not in str(named.headers)
    assert "X-Frame-Options" not in named
    assert "frame-ancestors 'none'" in alone["Content-Security-Policy"] and alone["X-Frame-Options"] == "DENY"
    assert "no-store" in named["Cache-Control"]
    assert "Set-Cookie" not in named


def test_only_an_allowed_parent_is_spoken_to(river: River) -> None:
    make_page(river, allowed_origins=[SITE])

    pages = [Client().get("/book/talk", {"parent": each}).content.decode() for each in (SITE, "https://evil.example")]

    assert f'data-parent="{SITE}"' in pages[0] and 'data-parent=""' in pages[1]


def test_the_theme_is_a_stylesheet_and_the_embedding_a_script(db: None) -> None:
    answer = Client().get("/book/nothing.css")
    script = Client().get("/book/embed.js")

    assert answer["Content-Type"].startswith("text/css") and answer.content == b":root {\n}\n"
    assert script["Content-Type"].startswith("text/javascript") and b"postMessage" not in script.content
    assert script["Cache-Control"] == "public, max-age=300"


def test_fields_say_what_browsers_may_fill_in(river: River) -> None:
    make_page(river)

    found = at_the_form("/book/talk?name=Ada%20Berg&email=ada@example.com").page

    assert (found.autocomplete["first_name"], found.autocomplete["email"]) == ("given-name", "email")
    assert (found.autocomplete["last_name"], found.autocomplete["place_phone"]) == ("family-name", "tel")
    assert found.values["first_name"] == ["Ada"] and found.values["email"] == ["ada@example.com"]


def test_no_page_shows_a_credential(river: River) -> None:
    make_page(river)

    assert PERSONAL_TOKEN not in at_the_form().answer.content.decode()
    assert BookingPage.objects.count() == 1
