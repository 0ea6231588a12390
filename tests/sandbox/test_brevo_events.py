"""POST /events, POST /events/batch and GET /events (reference 5 and 9)."""

from typing import Any

import pytest

from tests.sandbox.brevo_api import Api

ADA = {"email_id": "ada@example.com"}


def event(name: str = "booked", identifiers: Any = None, **more: Any) -> dict[str, Any]:
    """Return the body of an event."""
    return {"event_name": name, "identifiers": ADA if identifiers is None else identifiers, **more}


@pytest.fixture
def ada(api: Api) -> Api:
    """Return a Brevo that knows Ada by every identifier."""
    phones = {"SMS": "33612345678", "WHATSAPP": "33612345679", "LANDLINE_NUMBER": "33612345670"}
    api.brevo.add_contact("ada@example.com", phones, ext_id="x1")
    return api


def test_event_is_accepted_with_204_and_shown(ada: Api) -> None:
    properties = {"topic": "Intro", "minutes": 30, "moved": False, "answers": [{"question": "Company", "answer": "AE"}]}

    answer = ada.post("/events", event(event_date="2026-11-22T10:15:00+01:00", event_properties=properties))

    assert (answer.status, answer.text) == (204, "")
    assert ada.events("?startDate=2026-11-22&endDate=2026-11-22") == [
        {
            "contact_id": 1,
            "event_date": "2026-11-22T09:15:00.000Z",
            "event_name": "booked",
            "event_properties": properties,
            "contact_properties": {},
        }
    ]


def test_sent_twice_is_recorded_twice(ada: Api) -> None:
    ada.post("/events", event())
    ada.post("/events", event())

    assert len(ada.events()) == 2


@pytest.mark.parametrize(
    "identifiers",
    [
        {"contact_id": 1}, ADA, {"email_id": "Ada@Example.com"}, {"ext_id": "x1"}, {"phone_id": "+33612345678"},
        {"whatsapp_id": "33612345679"}, {"landline_number_id": "0033612345670"},
        {"contact_id": 1, "email_id": "nobody@example.com"},
    ],
)  # fmt: skip
def test_contact_is_found_by_any_identifier(ada: Api, identifiers: dict[str, Any]) -> None:
    assert ada.post("/events", event(identifiers=identifiers)).status == 204
    assert [found["contact_id"] for found in ada.events()] == [1]


def test_contact_id_wins_over_all_others(ada: Api) -> None:
    ada.post("/events", event(identifiers={"contact_id": 77, **ADA}))

    assert ada.events() == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"event_name": "booked"}, {"identifiers": ADA},
        event(""), event("has space"), event("a.b"), event("x" * 256), event("häkchen"),
        event(identifiers={}), event(identifiers={"name": "Ada"}), event(identifiers={"email_id": ""}),
        event(identifiers={"contact_id": "1"}), event(identifiers="ada"),
        event(event_date="yesterday"), event(event_date=1795339230),
        event(event_properties={"has space": 1}), event(event_properties={"a": {"b.c": 1}}),
        event(event_properties={"x" * 256: 1}), event(event_properties=[]), event(contact_properties={"A": ["x"]}),
        event(contact_properties={"A": None}), event(event_properties={"text": "x" * 50 * 1024}),
    ],
)  # fmt: skip
def test_invalid_event_is_refused(ada: Api, body: dict[str, Any]) -> None:
    assert ada.post("/events", body).error[:2] == (400, "invalid_parameter")
    assert ada.brevo.events() == []


def test_name_of_255_and_properties_of_almost_50_kb_are_taken(ada: Api) -> None:
    assert ada.post("/events", event("x" * 255, event_properties={"text": "x" * (50 * 1024 - 20)})).status == 204


def test_nulls_are_left_out(ada: Api) -> None:
    ada.post("/events", event(event_properties={"a": None, "b": 1}))

    assert ada.events()[0]["event_properties"] == {"b": 1}


def test_contact_properties_update_the_contact_as_far_as_they_fit(ada: Api) -> None:
    ada.brevo.add_contact("bob@example.com", {"SMS": "33611111111"})
    ada.brevo.add_attribute("MEETINGS", "float")
    properties = {
        "MEETINGS": 3,
        "FIRSTNAME": 7,
        "NOPE": "x",
        "SMS": "33611111111",
        "WHATSAPP": "no",
        "EMAIL": "b@x.com",
    }

    ada.brevo.settings.unknown_attribute = "400"

    assert ada.post("/events", event(contact_properties=properties)).status == 204
    assert ada.attributes("ada@example.com")["MEETINGS"] == 3
    assert ada.attributes("ada@example.com")["SMS"] == "33612345678"
    assert "FIRSTNAME" not in ada.attributes("ada@example.com")


def test_event_for_nobody_is_accepted_and_kept_as_an_orphan(api: Api) -> None:
    assert api.post("/events", event()).status == 204

    assert api.events() == []
    assert api.brevo.contact("ada@example.com") is None
    assert [(found["email"], found["orphan"]) for found in api.brevo.events()] == [("ada@example.com", True)]


def test_event_for_nobody_can_create_the_contact(api: Api) -> None:
    api.brevo.settings.unknown_contact_event = "create"

    assert api.post("/events", event(contact_properties={"FIRSTNAME": "Ada"})).status == 204

    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada"}
    assert len(api.events()) == 1


def test_event_for_nobody_can_be_refused(api: Api) -> None:
    api.brevo.settings.unknown_contact_event = "400"

    assert api.post("/events", event()).status == 400


def test_accepted_is_not_yet_processed(ada: Api) -> None:
    ada.brevo.settings.event_delay = 60.0
    ada.post("/events", event())

    before = ada.events()
    ada.server.world.clock.advance(61)

    assert (before, len(ada.events())) == ([], 1)


def test_batch_of_valid_events(ada: Api) -> None:
    answer = ada.post("/events/batch", {"events": [event("first"), event("second")]})

    assert (answer.status, answer.json) == (
        202,
        {"message": "Batch accepted. Valid events have been added to the processing queue.", "count": 2},
    )
    assert {found["event_name"] for found in ada.events()} == {"first", "second"}


def test_batch_names_the_positions_that_were_refused(ada: Api) -> None:
    events = [event("one"), {"identifiers": ADA}, event("two"), "no object", {"identifiers": ADA}]

    answer = ada.post("/events/batch", {"events": events})

    assert answer.status == 207
    assert answer.json == {
        "status": "partial",
        "total_events": 5,
        "successful_events": 2,
        "failed_events": 3,
        "errors": [
            {"eventIndex": [1, 4], "message": "event_name is required"},
            {"eventIndex": [3], "message": "event must be an object"},
        ],
    }
    assert len(ada.events()) == 2


def test_batch_of_invalid_events_only(ada: Api) -> None:
    answer = ada.post("/events/batch", {"events": [event("a b")]})

    assert (answer.status, answer.json["status"], answer.json["errors"][0]["eventIndex"]) == (400, "error", [0])
    assert ada.events() == []


def test_bare_array_is_refused_since_april_2026(ada: Api) -> None:
    answer = ada.post("/events/batch", [event()])

    assert answer.error[2] == "json: cannot unmarshal array into Go value of type main.unifiedEventsRequest"


@pytest.mark.parametrize("body", ["{", {}, {"events": []}, {"events": "x"}, 7])
def test_batch_without_events_is_refused(ada: Api, body: Any) -> None:
    assert ada.post("/events/batch", body).status == 400


def test_batch_holds_200_events(ada: Api) -> None:
    assert ada.post("/events/batch", {"events": [event()] * 201}).status == 400
    assert ada.brevo.events() == []
    assert ada.post("/events/batch", {"events": [event()] * 200}).json["count"] == 200


def test_batch_holds_512_kb(ada: Api) -> None:
    large = event(event_properties={"text": "x" * 40_000})

    assert ada.post("/events/batch", {"events": [large] * 14}).status == 400
    assert ada.post("/events/batch", {"events": [large] * 12}).status == 202


def test_events_are_shown_newest_first_in_pages(ada: Api) -> None:
    for hour in (10, 12, 11):
        ada.post("/events", event(f"at_{hour}", event_date=f"2026-11-20T{hour}:00:00Z"))
    span = "startDate=2026-11-20T00%3A00%3A00Z&endDate=2026-11-20"

    assert [found["event_name"] for found in ada.events(f"?{span}")] == ["at_12", "at_11", "at_10"]
    page = ada.get(f"/events?{span}&limit=1&offset=1").json
    assert ([found["event_name"] for found in page["events"]], page["count"]) == (["at_11"], 3)
    assert (
        ada.events("?startDate=2026-11-20T11%3A30%3A00%2B00%3A00&endDate=2026-11-20T23%3A00%3A00Z")[0]["event_name"]
        == "at_12"
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("contact_id=1", ["a"]), ("contact_id=1&contact_id=2", ["b", "a"]), ("event_name=b", ["b"]),
        ("event_name=a&event_name=b", ["b", "a"]), ("object_type=booking", ["b"]), ("contact_id=9", []),
    ],
)  # fmt: skip
def test_event_filters(ada: Api, query: str, names: list[str]) -> None:
    ada.brevo.add_contact("bob@example.com")
    booking = {"type": "booking", "identifiers": {"ext_id": "7"}}
    ada.post("/events", event("a"))
    ada.post("/events", event("b", {"contact_id": 2}, object=booking))

    assert [found["event_name"] for found in ada.events(f"?{query}")] == names


def test_half_a_year_is_shown_unless_dates_are_given(ada: Api) -> None:
    ada.post("/events", event("old", event_date="2020-01-01T00:00:00Z"))

    assert ada.events() == []
    assert len(ada.events("?startDate=2020-01-01&endDate=2020-01-01")) == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=10001", "offset=-1", "startDate=2026-01-01", "endDate=2026-01-01", "contact_id=x",
     "startDate=2026-02-01&endDate=2026-01-01", "startDate=soon&endDate=2026-01-01"],
)  # fmt: skip
def test_impossible_event_query_is_refused(ada: Api, query: str) -> None:
    assert ada.get(f"/events?{query}").status == 400
