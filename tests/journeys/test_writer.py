"""What the writer does when Brevo refuses, stumbles or keeps silent: nothing lost, nothing twice, words for staff."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.clients import brevo_events, http
from calendly_connector.models import BrevoAccount, EventType, Job, Person, RateLimit, SyncLogEntry
from calendly_connector.services import accounts, limits, queue, retry
from tests.journeys.river import River

ADA, BO = "ada@example.com", "bo@example.com"
CONTACTS, EVENTS = "/contacts", "/events"
LIST_LEAVING = "/contacts/{identifier}"


def _book(river: River, email: str = ADA, **details: Any) -> str:
    return river.calendly.book(**{"event_type": "Discovery call", "email": email, "name": "Ada Berg", **details})


def _states(email: str = ADA) -> list[tuple[str, str]]:
    entries = SyncLogEntry.objects.filter(person__email=email).order_by("pk")
    return [(entry.kind, entry.state) for entry in entries]


def _entry(kind: str, email: str = ADA) -> SyncLogEntry:
    return SyncLogEntry.objects.filter(person__email=email, kind=kind).latest("pk")


def _failures() -> list[int]:
    return list(Job.objects.filter(kind="push").values_list("failures", flat=True))


ALL_DONE = [("contact", "done"), ("event", "done")]
LIMITED: dict[str, Any] = {"kind": "status", "status": 429, "headers": {"x-sib-ratelimit-reset": "20"}}
LIMITED_WITHOUT_WORDS: dict[str, Any] = {"kind": "status", "status": 429}
NOT_DONE: dict[str, dict[str, Any]] = {
    "too early": {"kind": "status", "status": 425, "body": {"code": "account_in_process", "message": "Too early"}},
    "away": {"kind": "status", "status": 503},
}
IN_DOUBT: dict[str, dict[str, Any]] = {
    "a fault": {"kind": "status", "status": 500},
    "a bad gateway": {"kind": "status", "status": 502, "body": "<html>"},
    "a reset": {"kind": "reset"},
    "silence": {"kind": "timeout"},
    "a redirect": {"kind": "status", "status": 302, "headers": {"Location": "https://example.com/"}},
    "a page": {"kind": "status", "status": 200, "body": "hello"},
}
DONE_WITHOUT_ANSWER: dict[str, dict[str, Any]] = {
    "a reset after the work": {"kind": "commit_then_reset"},
    "silence after the work": {"kind": "commit_then_timeout"},
}


# -- A plain booking --------------------------------------------------------------------------------------------


def test_a_plain_booking_costs_two_calls(river: River) -> None:
    _book(river)

    river.flow()

    made = river.sandbox.world.journal.calls("brevo")
    assert [(call.method, call.template) for call in made] == [("POST", CONTACTS), ("POST", EVENTS)]
    assert _states() == ALL_DONE
    assert [(row.attempts, row.sent_at is not None) for row in river.log()] == [(1, True), (1, True)]


def test_the_blocklist_flags_are_never_sent_and_lists_only_when_mapped(river: River) -> None:
    _book(river)

    river.flow()

    assert set(river.calls(CONTACTS)[0].body) == {"email", "attributes", "updateEnabled"}
    assert set(river.calls(EVENTS)[0].body) == {"event_name", "event_date", "identifiers", "event_properties"}


# -- Writing the contact ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [LIMITED, LIMITED_WITHOUT_WORDS], ids=["with a header", "without"])
def test_a_rate_limit_on_contacts_is_waited_for_and_is_no_failure(river: River, fault: dict[str, Any]) -> None:
    river.break_brevo(path=CONTACTS, **fault)
    _book(river)

    river.flow()

    assert _states() == [("contact", "waiting"), ("event", "waiting")]
    assert _failures() == [0]
    assert river.work() == 0  # the whole lane waits, not only this person
    river.hurry()
    river.work()
    assert _states() == ALL_DONE
    assert river.event_names(ADA) == ["booked"]


@pytest.mark.parametrize("fault", [*NOT_DONE, *IN_DOUBT, *DONE_WITHOUT_ANSWER])
def test_a_contact_write_that_failed_is_simply_repeated(river: River, fault: str) -> None:
    river.break_brevo(path=CONTACTS, **{**NOT_DONE, **IN_DOUBT, **DONE_WITHOUT_ANSWER}[fault])
    _book(river)

    river.flow()
    assert _states() == [("contact", "waiting"), ("event", "waiting")]
    assert _failures() == [1]
    river.hurry()
    river.work()

    assert _states() == ALL_DONE
    assert len(river.calls(CONTACTS)) == 2
    assert river.event_names(ADA) == ["booked"]
    assert river.contact(ADA)["attributes"]["FIRSTNAME"] == "Ada"


def test_an_answer_that_takes_too_long_counts_as_lost(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.05)
    river.break_brevo("slow", EVENTS, seconds=0.3)
    _book(river)

    river.flow()

    assert _entry("event").state == "unknown"
    assert "no answer came" in _entry("event").reason


def test_one_persons_trouble_does_not_hold_up_the_others(river: River) -> None:
    river.break_brevo("status", CONTACTS, status=503)
    _book(river)
    _book(river, BO)

    river.flow()

    assert _states(ADA) == [("contact", "waiting"), ("event", "waiting")]
    assert _states(BO) == ALL_DONE


def test_a_crowd_under_brevos_real_limits_is_written_without_one_failure(river: River) -> None:
    river.brevo.limits.enabled = True
    people = [f"p{number}@example.com" for number in range(25)]
    for email in people:
        _book(river, email)
    river.deliver()

    for _ in range(30):
        river.work()
        river.brevo.limits.reset()
        river.open_limits()
        river.hurry()

    assert all(river.event_names(email) == ["booked"] for email in people)
    assert set(SyncLogEntry.objects.values_list("state", flat=True)) == {"done"}


# -- Sending events ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [LIMITED, *NOT_DONE.values()], ids=["limited", *NOT_DONE])
def test_an_event_that_was_plainly_not_taken_is_sent_again(river: River, fault: dict[str, Any]) -> None:
    river.break_brevo(path=EVENTS, **fault)
    _book(river)

    river.flow()
    assert _states() == [("contact", "done"), ("event", "waiting")]
    assert _entry("event").reason
    river.hurry()
    river.work()

    assert _states() == ALL_DONE
    assert river.event_names(ADA) == ["booked"]
    assert len(river.calls(CONTACTS)) == 1


@pytest.mark.parametrize("fault", DONE_WITHOUT_ANSWER)
def test_an_event_whose_answer_was_lost_is_found_in_brevo_and_not_sent_twice(river: River, fault: str) -> None:
    river.break_brevo(path=EVENTS, **DONE_WITHOUT_ANSWER[fault])
    _book(river)

    river.flow()
    assert _states() == [("contact", "done"), ("event", "unknown")]
    river.work()
    assert len(river.calls(EVENTS)) == 1
    river.hurry()
    river.work()

    assert _states() == ALL_DONE
    assert "found in Brevo" in _entry("event").reason
    assert len(river.calls(EVENTS)) == 1
    assert river.event_names(ADA) == ["booked"]


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_an_event_in_doubt_is_looked_for_twice_and_then_sent_exactly_once(river: River, fault: str) -> None:
    river.break_brevo(path=EVENTS, **IN_DOUBT[fault])
    _book(river)

    river.flow()
    river.hurry()
    river.work()
    assert _entry("event").state == "unknown"  # Brevo may need a while to show it
    assert len(river.calls(EVENTS)) == 1
    river.wait_for_lost_answers()
    river.work()

    assert _states() == ALL_DONE
    assert len(river.calls(EVENTS)) == 2
    assert river.event_names(ADA) == ["booked"]


def test_an_event_that_brevo_shows_late_is_still_found(river: River) -> None:
    river.brevo.settings.event_delay = 200.0
    river.break_brevo("commit_then_reset", EVENTS)
    _book(river)

    river.flow()
    river.hurry()
    river.work()
    assert _entry("event").state == "unknown"
    river.sandbox.world.clock.advance(201)
    river.wait_for_lost_answers()
    river.work()

    assert _states() == ALL_DONE
    assert len(river.calls(EVENTS)) == 1


def test_later_events_keep_their_order_behind_one_in_doubt(river: River) -> None:
    river.break_brevo("commit_then_reset", EVENTS)
    river.calendly.cancel(_book(river))

    river.flow()
    assert river.event_names(ADA) == ["booked"]
    assert _entry("event").state == "waiting"
    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "canceled"]
    assert {state for _, state in _states()} == {"done", "merged"}


def test_a_lost_event_is_found_behind_newer_ones_however_few_brevo_gives_at_a_time(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brevo_events, "EVENTS_PER_PAGE", 1)
    river.break_brevo("commit_then_reset", EVENTS)
    _book(river)
    river.flow()
    for number in range(3):
        _book(river, f"later{number}@example.com")
    river.flow()

    river.wait_for_lost_answers()
    river.work()

    assert _states() == ALL_DONE
    assert river.event_names(ADA) == ["booked"]


def test_a_lost_answer_of_one_person_does_not_hold_up_another(river: River) -> None:
    river.break_brevo("reset", EVENTS)
    _book(river)
    _book(river, BO)

    river.flow()

    assert _entry("event", ADA).state == "unknown"
    assert _states(BO) == ALL_DONE


def test_two_marks_of_one_booking_in_doubt_are_told_apart(river: River) -> None:
    booked = _book(river)
    river.flow()
    river.calendly.mark_no_show(booked)
    river.flow()
    river.calendly.undo_no_show(booked)
    river.flow()
    river.sandbox.world.clock.advance(30)
    river.calendly.mark_no_show(booked)
    river.break_brevo("reset", EVENTS)

    river.flow()
    river.wait_for_lost_answers()
    river.work()

    assert river.event_names(ADA) == ["booked", "no_show", "no_show_undone", "no_show"]


def test_an_event_in_doubt_stays_in_doubt_when_the_contact_is_refused_next(river: River) -> None:
    river.break_brevo("commit_then_reset", EVENTS)
    booked = _book(river)
    river.flow()
    river.break_brevo("status", CONTACTS, status=400, body={"code": "invalid_parameter", "message": "No"})
    river.calendly.cancel(booked)

    river.flow()
    assert [state for kind, state in _states() if kind == "event"] == ["unknown", "failed"]
    retry.retry_entries(SyncLogEntry.objects.all())
    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "canceled"]


def test_a_worker_that_died_while_sending_leaves_an_event_to_look_up(river: River) -> None:
    _book(river)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="sending", sent_at=timezone.now())

    for person in Person.objects.all():
        queue.enqueue("push", person.pk)
    river.work()
    assert _entry("event").state == "unknown"
    river.hurry()
    river.work()

    assert _entry("event").state == "done"
    assert river.event_names(ADA) == ["booked"]


def test_a_refused_event_fails_with_words_and_the_next_one_still_goes(river: River) -> None:
    river.break_brevo("status", EVENTS, status=400, body={"code": "invalid_parameter", "message": "event_name is bad"})
    river.calendly.cancel(_book(river))

    river.flow()

    refused = SyncLogEntry.objects.get(happening="booked")
    assert refused.state == "failed"
    assert "Brevo refused the event" in refused.reason
    assert "event_name is bad" in refused.reason
    assert river.event_names(ADA) == ["canceled"]


# -- Phones -----------------------------------------------------------------------------------------------------

PHONE = {"Mobile number": "+33 6 12 34 56 78"}


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter"])
def test_a_phone_that_belongs_to_somebody_else_is_left_out_with_a_warning(river: River, code: str) -> None:
    river.brevo.settings.duplicate_code = code
    _book(river, ADA, answers=PHONE)
    _book(river, BO, answers=PHONE, name="Bo Lund")

    river.flow()

    assert river.contact(ADA)["attributes"]["SMS"] == "33612345678"
    assert "SMS" not in river.contact(BO)["attributes"]
    assert river.contact(BO)["attributes"]["FIRSTNAME"] == "Bo"
    assert _entry("contact", BO).reason == "SMS (phone) was left out: it belongs to another contact."
    assert _states(BO) == ALL_DONE
    assert river.event_names(BO) == ["booked"]


def test_every_identifier_that_belongs_to_somebody_else_is_left_out(river: River) -> None:
    river.map_field("phone", "WHATSAPP")
    _book(river, ADA, answers=PHONE)
    _book(river, BO, answers=PHONE, name="Bo Lund")

    river.flow()

    assert {"SMS", "WHATSAPP"}.isdisjoint(river.contact(BO)["attributes"])
    assert "SMS (phone) was left out" in _entry("contact", BO).reason
    assert "WHATSAPP was left out" in _entry("contact", BO).reason
    assert river.event_names(BO) == ["booked"]


TAKEN, INVALID = "it belongs to another contact", "Brevo says that it is invalid"


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ({"code": "duplicate_parameter", "metadata": {"duplicate_identifiers": ["email"]}}, TAKEN),
        ({"code": "invalid_parameter", "message": "Contact already exist"}, TAKEN),
        ({"code": "invalid_parameter", "message": "Invalid phone number"}, INVALID),
    ],
    ids=["another identifier", "taken, in words alone", "invalid"],
)
def test_a_phone_for_which_brevo_may_have_refused_is_left_out(river: River, refusal: dict[str, Any], why: str) -> None:
    river.break_brevo("status", CONTACTS, status=400, body=refusal)
    _book(river, answers=PHONE)

    river.flow()

    assert "SMS" not in river.contact(ADA)["attributes"]
    assert _entry("contact").reason == f"SMS (phone) was left out: {why}."
    assert river.event_names(ADA) == ["booked"]


def test_a_phone_that_is_none_is_not_even_tried(river: River) -> None:
    river.map_field("answer:mobile number", "SMS")
    _book(river, answers={"Mobile number": "none of your business"})

    river.flow()

    assert len(river.calls(CONTACTS)) == 1
    assert "SMS was left out: the phone number can't be understood" in _entry("contact").reason
    assert _states() == ALL_DONE


def test_a_refusal_that_has_nothing_to_do_with_the_phone_is_not_repeated_without_it(river: River) -> None:
    river.break_brevo("status", CONTACTS, status=400, body={"code": "invalid_parameter", "message": "Invalid email"})
    _book(river, answers=PHONE)

    river.flow()

    assert len(river.calls(CONTACTS)) == 1
    assert _states() == [("contact", "failed"), ("event", "failed")]
    assert "Brevo refused the contact" in _entry("event").reason


@pytest.mark.parametrize("code", ["duplicate_request", "account_in_process"])
def test_a_400_that_asks_to_come_again_costs_nothing(river: River, code: str) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    river.break_brevo("status", CONTACTS, status=400, body={"code": code, "message": "Too soon"})
    _book(river)

    river.flow()
    river.hurry()
    river.work()

    assert _states() == ALL_DONE
    assert river.contact(ADA)["listIds"] == [number]


@pytest.mark.parametrize("code", ["not_enough_credits", "account_under_validation"])
def test_a_400_about_the_account_pauses_it_and_burns_nothing(river: River, code: str) -> None:
    river.break_brevo("status", CONTACTS, status=400, body={"code": code, "message": "Not now"})
    _book(river)

    river.flow()

    assert river.account.is_paused
    assert _states() == [("contact", "waiting"), ("event", "waiting")]


def test_a_local_number_gets_the_connections_country(river: River) -> None:
    type(river.connection).objects.update(phone_region="FR")
    _book(river, answers={"Mobile number": "06 12 34 56 78"})

    river.flow()

    assert river.contact(ADA)["attributes"]["SMS"] == "33612345678"


# -- Attributes -------------------------------------------------------------------------------------------------


def test_an_attribute_that_brevo_lacks_is_named_in_a_warning(river: River) -> None:
    river.map_field("timezone", "ZONE")
    _book(river)

    river.flow()

    assert "ZONE was left out: Brevo has no attribute ZONE" in _entry("contact").reason
    assert _states() == ALL_DONE


def test_an_attribute_that_was_created_meanwhile_is_picked_up(river: River) -> None:
    river.map_field("timezone", "ZONE")
    _book(river)
    river.flow()
    river.brevo.add_attribute("ZONE")
    BrevoAccount.objects.update(attributes_read_at=timezone.now() - timedelta(minutes=11))

    _book(river)
    river.flow()

    assert river.contact(ADA)["attributes"]["ZONE"] == "Europe/Paris"
    assert _entry("contact").reason == ""


ANSWERS = {
    "Since": "2026-05-04",
    "Seats": "12,5",
    "Customer": "Oui",
    "Size": "large",
    "Which topics?": ["Pricing", "Security"],
    "Owner": "Michael.Davis@example.com",
    "Notes": "Anything\nat all",
}


def _map_every_kind(river: River) -> None:
    for question, name, kind in (
        ("since", "SINCE", "date"),
        ("seats", "SEATS", "float"),
        ("customer", "IS_CUSTOMER", "boolean"),
        ("owner", "OWNER", "user"),
        ("notes", "NOTES", "text"),
    ):
        river.add_attribute(name, type=kind)
        river.map_field(f"answer:{question}", name)
    river.add_attribute("SIZE", category="category", options={1: "Small", 2: "Large"})
    river.map_field("answer:size", "SIZE")
    river.add_attribute("TOPICS", type="multiple-choice", options=["Pricing", "Integration", "Security"])
    river.map_field("answer:which topics", "TOPICS")


def test_every_kind_of_attribute_gets_its_kind_of_value(river: River) -> None:
    _map_every_kind(river)
    _book(river, answers=ANSWERS)

    river.flow()

    values = river.contact(ADA)["attributes"]
    assert values["SINCE"] == "2026-05-04"
    assert values["SEATS"] == 12.5
    assert values["IS_CUSTOMER"] is True
    assert str(values["SIZE"]) == "2"
    assert values["TOPICS"] == ["Pricing", "Security"]
    assert values["OWNER"] == "michael.davis@example.com"
    assert values["NOTES"] == "Anything\nat all"
    assert _entry("contact").reason == ""


def test_what_does_not_fit_is_left_out_with_a_warning_each_and_the_rest_is_written(river: River) -> None:
    _map_every_kind(river)
    wrong = dict.fromkeys(ANSWERS, "perhaps")
    _book(river, answers=wrong)

    river.flow()

    values = river.contact(ADA)["attributes"]
    assert values["NOTES"] == "perhaps"
    assert values["FIRSTNAME"] == "Ada"
    for name in ("SINCE", "SEATS", "IS_CUSTOMER", "SIZE", "TOPICS", "OWNER"):
        assert name not in values
        assert f"{name} was left out" in _entry("contact").reason
    assert "“perhaps” is not among SIZE's options: Small, Large" in _entry("contact").reason
    assert _states() == ALL_DONE


def test_what_brevo_computes_itself_is_not_written(river: River) -> None:
    river.add_attribute("VISITS", category="calculated", type="")
    river.map_field("bookings", "VISITS")
    _book(river)

    river.flow()

    assert "VISITS was left out: Brevo computes VISITS itself" in _entry("contact").reason


def test_the_meetings_date_is_the_invitees_own_day(river: River) -> None:
    _book(river, start_time="2026-12-03T23:30:00Z", timezone="Asia/Tokyo")
    _book(river, BO, start_time="2026-12-05T01:30:00Z", timezone="America/New_York")

    river.flow()

    assert river.contact(ADA)["attributes"]["MEETING_DATE"] == "2026-12-04"
    assert river.contact(BO)["attributes"]["MEETING_DATE"] == "2026-12-04"


def test_only_if_empty_keeps_what_is_there_and_fills_what_is_not(river: River) -> None:
    river.brevo.add_contact(ADA, {"FIRSTNAME": "Adelheid"})
    river.map_field("first_name", "FIRSTNAME", overwrite="if_empty")
    river.map_field("last_name", "LASTNAME", overwrite="if_empty")
    _book(river)

    river.flow()

    assert river.contact(ADA)["attributes"]["FIRSTNAME"] == "Adelheid"
    assert river.contact(ADA)["attributes"]["LASTNAME"] == "Berg"


def test_only_if_empty_writes_to_a_contact_that_is_new(river: River) -> None:
    river.map_field("first_name", "FIRSTNAME", overwrite="if_empty")
    _book(river)

    river.flow()

    assert river.contact(ADA)["attributes"]["FIRSTNAME"] == "Ada"


def test_only_if_empty_is_left_alone_when_brevo_does_not_show_what_is_there(river: River) -> None:
    river.brevo.add_contact(ADA, {"FIRSTNAME": "Adelheid"})
    river.map_field("first_name", "FIRSTNAME", overwrite="if_empty")
    body = {"id": 3, "email": ADA, "emailBlacklisted": False, "listIds": []}
    river.break_brevo("status", "/contacts/{identifier}", method="GET", status=200, body=body)
    _book(river)

    river.flow()

    attributes = river.contact(ADA)["attributes"]
    assert (attributes["FIRSTNAME"], attributes["BOOKING_STATUS"]) == ("Adelheid", "booked")
    assert _states() == ALL_DONE
    assert "FIRSTNAME was left out: Brevo doesn't show whether it is empty." in _entry("contact").reason


def test_only_if_empty_is_written_at_the_first_go_however_fast_brevo_answers(river: River) -> None:
    river.map_field("first_name", "FIRSTNAME", overwrite="if_empty")
    RateLimit.objects.update(interval=60.0, free_at=0.0)
    _book(river)

    river.flow()

    assert river.contact(ADA)["attributes"]["FIRSTNAME"] == "Ada"
    assert len(river.calls("/contacts/{identifier}", "GET")) == 1
    limit = RateLimit.objects.get(pk=limits.key_of(river.account.pk, "contacts"))
    assert limit.free_at - timezone.now().timestamp() > 60  # both calls are counted


def test_a_zero_or_a_no_is_not_empty(river: River) -> None:
    river.add_attribute("SCORE", type="float")
    river.add_attribute("IS_CUSTOMER", type="boolean")
    river.brevo.add_contact(ADA, {"SCORE": 0, "IS_CUSTOMER": False})
    river.map_field("bookings", "SCORE", overwrite="if_empty")
    river.map_field("answer:customer", "IS_CUSTOMER", overwrite="if_empty")
    _book(river, answers={"Customer": "yes"})

    river.flow()

    assert river.contact(ADA)["attributes"]["SCORE"] == 0
    assert river.contact(ADA)["attributes"]["IS_CUSTOMER"] is False


def test_never_is_never(river: River) -> None:
    river.map_field("first_name", "FIRSTNAME", overwrite="never")
    _book(river)

    river.flow()

    assert "FIRSTNAME" not in river.calls(CONTACTS)[0].body["attributes"]


def test_what_is_not_known_does_not_clear_what_is_there(river: River) -> None:
    river.brevo.add_contact(ADA, {"SMS": "+33612345678"})
    river.add_attribute("COMPANY_NAME")
    river.map_field("answer:company", "COMPANY_NAME")
    river.brevo.change_contact(ADA, {"COMPANY_NAME": "Lovelace Ltd"})
    _book(river)

    river.flow()

    assert river.contact(ADA)["attributes"]["COMPANY_NAME"] == "Lovelace Ltd"
    assert river.contact(ADA)["attributes"]["SMS"] == "33612345678"


# -- Opt-outs and lists -----------------------------------------------------------------------------------------


def test_a_blocklisted_contact_is_written_and_stays_blocklisted(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    river.brevo.add_contact(ADA)
    river.brevo.block(ADA)
    river.calendly.cancel(_book(river))

    river.flow()

    assert river.contact(ADA)["emailBlacklisted"] is True
    assert river.contact(ADA)["attributes"]["BOOKING_STATUS"] == "cancelled"
    assert river.event_names(ADA) == ["booked", "canceled"]


def test_who_unsubscribed_from_a_list_we_joined_is_not_put_on_it_again(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    booked = _book(river)
    river.flow()
    river.brevo.unsubscribe(ADA, [number])

    river.calendly.move(booked)
    _book(river)
    river.flow()

    assert river.contact(ADA)["listIds"] == []
    assert river.contact(ADA)["listUnsubscribed"] == [number]


def test_whom_staff_took_off_a_list_stays_off_it_while_others_join(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    _book(river)
    river.flow()
    river.brevo.state.leave(river.brevo.state.contacts[river.contact(ADA)["id"]], number)

    _book(river)
    _book(river, BO)
    river.flow()

    assert river.brevo.list_members(number) == [BO]


def test_lists_are_joined_and_left_as_the_mapping_says_and_others_left_alone(river: River) -> None:
    booked, canceled, own = (river.brevo.add_list(name) for name in ("Booked", "Canceled", "Newsletter"))
    river.brevo.add_contact(ADA, list_ids=[own])
    river.map_lists("booked", join=[booked])
    river.map_lists("canceled", join=[canceled], leave=[booked])
    uri = _book(river)
    river.flow()
    assert river.contact(ADA)["listIds"] == sorted([booked, own])

    river.calendly.cancel(uri)
    river.flow()

    assert river.contact(ADA)["listIds"] == sorted([canceled, own])
    assert _entry("leave_lists").summary == f"Leave lists #{booked}"
    assert _entry("leave_lists").state == "done"


def test_leaving_a_list_is_repeated_after_trouble(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    uri = _book(river)
    river.flow()
    river.break_brevo("status", LIST_LEAVING, method="PUT", status=425)
    river.calendly.cancel(uri)

    river.flow()
    assert river.event_names(ADA) == ["booked"]  # events come after lists
    river.hurry()
    river.work()

    assert river.contact(ADA)["listIds"] == []
    assert river.event_names(ADA) == ["booked", "canceled"]


def test_a_list_to_join_that_is_gone_costs_that_list_alone(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("booked", join=[number])
    del river.brevo.state.lists[number]
    _book(river)

    river.flow()
    assert _states() == ALL_DONE
    assert "List ID does not exist" in _entry("contact").reason
    assert "Are the lists of the mapping still there?" in _entry("contact").reason
    assert river.event_names(ADA) == ["booked"]

    other = river.brevo.add_list("Booked again")
    river.connection.trigger_mappings.update(join_lists=[other])
    _book(river)
    river.flow()

    assert river.contact(ADA)["listIds"] == [other]


def test_a_list_to_leave_that_is_gone_fails_with_words_and_the_event_still_goes(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("canceled", leave=[number])
    del river.brevo.state.lists[number]
    river.calendly.cancel(_book(river))

    river.flow()

    assert _entry("leave_lists").state == "failed"
    assert "Are the lists of the mapping still there?" in _entry("leave_lists").reason
    assert river.event_names(ADA) == ["booked", "canceled"]


def test_a_contact_that_was_deleted_before_it_could_leave_a_list_is_no_trouble(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("canceled", leave=[number])
    refusal = {"code": "document_not_found", "message": "Contact does not exist"}
    river.break_brevo("status", LIST_LEAVING, method="PUT", status=404, body=refusal)
    river.calendly.cancel(_book(river))

    river.flow()

    assert (_entry("leave_lists").state, _entry("leave_lists").reason) == (
        "done",
        "The contact isn't in Brevo any more.",
    )


def test_one_list_that_is_gone_keeps_nobody_off_the_others(river: River) -> None:
    there, gone = river.brevo.add_list("There"), river.brevo.add_list("Gone")
    river.map_lists("booked", join=[there, gone])
    del river.brevo.state.lists[gone]
    _book(river)

    river.flow()

    assert river.contact(ADA)["listIds"] == [there]
    assert f"These lists were not joined: #{gone}. " in _entry("contact").reason
    assert _entry("contact").cause == "lists_refused"
    assert river.event_names(ADA) == ["booked"]


def test_one_list_that_is_gone_keeps_nobody_on_the_others(river: River) -> None:
    there, gone = river.brevo.add_list("There"), river.brevo.add_list("Gone")
    river.map_lists("booked", join=[there, gone])
    river.map_lists("canceled", leave=[there, gone])
    booked = _book(river)
    river.flow()
    del river.brevo.state.lists[gone]

    river.calendly.cancel(booked)
    river.flow()

    assert there not in river.contact(ADA)["listIds"]
    assert _entry("leave_lists").state == "failed"
    assert river.event_names(ADA) == ["booked", "canceled"]


def test_of_many_lists_one_that_is_gone_is_found_at_brevos_pace(river: River) -> None:
    numbers = [river.brevo.add_list(f"List {each}") for each in range(12)]
    river.map_lists("booked", join=numbers)
    del river.brevo.state.lists[numbers[3]]
    RateLimit.objects.filter(key__endswith=":contacts").update(interval=0.1)
    river.brevo.limits.enabled = True
    _book(river)

    for _round in range(3):
        river.flow()
        river.hurry()

    assert len(river.contact(ADA)["listIds"]) == 11
    assert river.event_names(ADA) == ["booked"]


def test_a_crowd_of_lists_fits_into_the_log(river: River) -> None:
    numbers = [river.brevo.add_list(f"List {number}", id=1_000_000 + number) for number in range(60)]
    river.map_lists("booked", join=numbers)
    river.map_lists("canceled", leave=numbers)
    river.calendly.cancel(_book(river))

    river.flow()

    assert "and 50 more" in _entry("leave_lists").summary
    assert all(len(entry.summary) <= 300 for entry in river.log())  # SQLite would keep more, PostgreSQL refuses
    assert river.contact(ADA)["listIds"] == []


# -- The account is paused --------------------------------------------------------------------------------------

TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown address": ({"unknown_ip": "203.0.113.9"}, "Authorised IPs"),
    "dead key": ({"dead_key": True}, "Make a new one in Brevo"),
    "no credits": ({"not_enough_credits": True}, "no credits"),
    "forbidden": ({"forbidden": True}, "plan and permissions"),
}
AT_REST = {"unknown_ip": "", "dead_key": False, "not_enough_credits": False, "forbidden": False}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_account_in_trouble_is_paused_and_goes_on_where_it_stopped(river: River, trouble: str) -> None:
    switches, words = TROUBLES[trouble]
    river.brevo.settings.update(switches)
    uri = _book(river)
    _book(river, BO)

    river.flow()
    river.calendly.cancel(uri)
    river.flow()
    river.hurry()
    river.work()

    assert river.account.is_paused
    assert words in river.account.pause_reason
    assert river.account.paused_at
    assert len(river.calls()) == 1  # nobody knocks again until staff have done something
    assert {state for _, state in _states(ADA) + _states(BO)} == {"waiting"}
    assert set(_failures()) == {0}

    river.brevo.settings.update(AT_REST)
    accounts.resume(river.account)
    river.hurry()
    river.work()

    assert (river.account.state, river.account.pause_reason) == ("active", "")
    assert river.event_names(ADA) == ["booked", "canceled"]
    assert river.event_names(BO) == ["booked"]
    assert river.contact(ADA)["attributes"]["BOOKING_STATUS"] == "cancelled"


def test_an_account_that_refuses_only_events_is_paused_before_one_is_burnt(river: River) -> None:
    refusal = {"code": "unauthorized", "message": "Key not found"}
    river.break_brevo("status", EVENTS, status=401, body=refusal, times=None)
    river.calendly.cancel(_book(river))

    river.flow()
    assert river.account.is_paused
    assert [state for kind, state in _states() if kind == "event"] == ["waiting", "waiting"]
    river.mend()
    accounts.resume(river.account)
    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "canceled"]


def test_an_account_that_is_still_in_trouble_after_resuming_is_paused_again(river: River) -> None:
    river.brevo.settings.dead_key = True
    _book(river)
    river.flow()

    accounts.resume(river.account)
    river.hurry()
    river.work()

    assert river.account.is_paused
    assert _states() == [("contact", "waiting"), ("event", "waiting")]


def test_looking_up_lost_answers_pauses_a_refusing_account_too(river: River) -> None:
    river.break_brevo("commit_then_reset", EVENTS)
    _book(river)
    river.flow()
    river.brevo.settings.dead_key = True

    river.hurry()
    river.work()
    assert river.account.is_paused
    river.brevo.settings.dead_key = False
    accounts.resume(river.account)
    river.hurry()
    river.work()

    assert _states() == ALL_DONE
    assert len(river.calls(EVENTS)) == 1


def test_without_a_key_the_account_is_paused_and_nothing_is_burnt(river: River, settings: Settings) -> None:
    settings.BREVO_API_KEY = ""
    _book(river)

    river.flow()
    assert river.account.is_paused
    assert "BREVO_API_KEY" in river.account.pause_reason
    assert _failures() == [0]
    settings.BREVO_API_KEY = "sandbox-brevo-key"
    accounts.resume(river.account)
    river.hurry()
    river.work()

    assert _states() == ALL_DONE


def test_a_key_that_goes_missing_does_not_burn_what_is_in_doubt(river: River, settings: Settings) -> None:
    river.break_brevo("commit_then_reset", EVENTS)
    _book(river)
    river.flow()
    settings.BREVO_API_KEY = ""

    river.hurry()
    river.work()

    assert river.account.is_paused
    assert Job.objects.get(kind="settle").failures == 0


# -- Giving up, and the way back --------------------------------------------------------------------------------


def test_what_fails_too_often_is_given_up_with_words_and_a_retry_brings_it_back(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_FAILURES", 3)
    river.break_brevo("status", CONTACTS, status=503, times=None)
    _book(river)
    river.deliver()

    for _ in range(4):
        river.work()
        river.hurry()
    assert len(river.calls(CONTACTS)) == 3
    assert _states() == [("contact", "failed"), ("event", "failed")]
    assert "Given up after 3 tries" in _entry("contact").reason
    assert "503" in _entry("contact").reason
    river.mend()
    retried = retry.retry_entries(SyncLogEntry.objects.filter(kind="event"))
    river.work()

    assert (retried.entries, retried.people) == (2, 1)
    assert _states() == ALL_DONE
    assert river.event_names(ADA) == ["booked"]


def test_a_given_up_job_can_be_started_again_by_itself(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_FAILURES", 1)
    river.break_brevo("status", CONTACTS, status=503)
    _book(river)
    river.flow()

    assert retry.retry_jobs(Job.objects.all()) == 1
    river.work()

    assert _states() == ALL_DONE


def test_news_of_a_person_who_was_given_up_are_written_all_the_same(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_FAILURES", 1)
    river.break_brevo("status", CONTACTS, status=503)
    uri = _book(river)
    river.flow()

    river.calendly.cancel(uri)
    river.flow()

    assert river.contact(ADA)["attributes"]["BOOKING_STATUS"] == "cancelled"
    assert river.event_names(ADA) == ["canceled"]
    assert SyncLogEntry.objects.get(happening="booked").state == "failed"


def test_a_refused_contact_still_gets_its_clock(river: River) -> None:
    river.break_brevo("status", CONTACTS, status=400, body={"code": "invalid_parameter", "message": "No"})
    _book(river)

    river.flow()

    assert Person.objects.get().clock_at is not None


# -- Several changes at once ------------------------------------------------------------------------------------


def test_several_waiting_changes_become_one_write_of_the_final_state_and_all_events_in_order(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    first = _book(river)
    river.deliver()
    moved = river.calendly.move(first)
    river.calendly.mark_no_show(moved)
    river.calendly.undo_no_show(moved)
    river.calendly.cancel(moved)
    river.deliver()

    river.work()

    assert len(river.calls(CONTACTS)) == 1
    assert river.contact(ADA)["attributes"]["BOOKING_STATUS"] == "cancelled"
    assert [call.body["event_name"].removeprefix("calendly_meeting_") for call in river.calls(EVENTS)] == [
        "booked",
        "rescheduled",
        "no_show",
        "no_show_undone",
        "canceled",
    ]
    covered = SyncLogEntry.objects.filter(kind="contact", state="merged")
    assert {entry.reason for entry in covered} == {"Covered by the next write of the same contact."}
    assert SyncLogEntry.objects.filter(kind="contact", state="done").count() == 1


def test_an_ignored_event_type_writes_nothing_and_says_so(river: River) -> None:
    EventType.objects.filter(name="Discovery call").update(is_ignored=True)
    _book(river)

    river.flow()

    assert river.calls() == []
    assert _states() == [("contact", "skipped"), ("event", "skipped")]
    assert "ignore" in _entry("contact").reason
    assert "ignore" in _entry("event").reason


def test_an_ignored_meeting_does_not_show_on_a_person_who_has_others(river: River) -> None:
    EventType.objects.filter(name="Demo").update(is_ignored=True)
    river.add_attribute("MEETINGS", type="float")
    river.map_field("bookings", "MEETINGS")
    _book(river, event_type="Demo", start_time="2026-12-01T09:00:00Z")
    _book(river, start_time="2026-12-03T09:00:00Z")

    river.flow()

    values = river.contact(ADA)["attributes"]
    assert (values["CALENDLY_EVENT_TYPE"], values["MEETINGS"]) == ("Discovery call", 1)
    assert river.event_names(ADA) == ["booked"]


def test_a_mapping_that_sends_no_event_says_so(river: River) -> None:
    river.map_lists("booked")
    river.connection.trigger_mappings.update(sends_event=False)
    _book(river)

    river.flow()

    assert river.calls(EVENTS) == []
    assert (_entry("event").state, _entry("event").reason) == ("skipped", "The mapping sends no event for this.")


def test_an_event_may_have_its_own_name(river: River) -> None:
    river.map_lists("booked")
    river.connection.trigger_mappings.update(event_name="intro_booked")
    _book(river)

    river.flow()

    assert [event["event_name"] for event in river.brevo.events()] == ["intro_booked"]


def test_the_limiter_follows_brevos_headers(river: River) -> None:
    river.brevo.limits.enabled = True
    river.brevo.limits.sizes["events"] = (20, 1.0)
    river.connection.refresh_from_db()
    _book(river)

    river.flow()

    key = limits.key_of(river.account.pk, "events")
    assert RateLimit.objects.get(pk=key).interval == pytest.approx(limits.FAST / 2)
