"""Brevo's API as the stand-in gives it: what is sent, what is read, what each refusal is called."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.clients import brevo as brevo_client
from calendly_connector.clients import brevo_refusals, errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_bodies import event_body
from calendly_connector.clients.brevo_imports import Process
from calendly_connector.core.attributes import Attribute
from sandbox.app import Sandbox
from sandbox.brevo_state import Folder
from sandbox.world import Fault
from tests.clients.conftest import Observed
from tests.clients.odd_server import answer, odd_server

NADIA, PLUS = "nadia.benali@example.com", "nadia+calendly@example.com"
AT = datetime(2026, 11, 22, 10, 15, 4, 130011, UTC)


def told(body: Mapping[str, Any]) -> bytes:
    return answer(200, json.dumps(body).encode())


def client_of(url: str) -> BrevoClient:
    return BrevoClient(api_key="key", base_url=url)


def recent(name: str, email: str = NADIA, **properties: Any) -> dict[str, Any]:
    return event_body(name, email=email, at=datetime.now(UTC) - timedelta(minutes=1), properties=properties)


# -- The account ----------------------------------------------------------------------------------------------------


def test_account_is_read(brevo: BrevoClient, observed: Observed) -> None:
    account = brevo.get_account()

    assert account.organization_id
    assert account.company
    assert "@" in account.email
    assert account.plans
    assert observed.buckets == ["other"]


def test_account_of_a_sparse_answer_is_empty() -> None:
    with odd_server(told({"plan": ["x", {}], "marketingAutomation": None, "organization_id": 7})) as server:
        account = client_of(server.url).get_account()

    assert account == brevo_client.Account(organization_id="7", company="", email="", plans=("",), has_automation=False)


@pytest.mark.parametrize(
    ("switches", "kind"),
    [
        ({"dead_key": True}, errors.Unauthorized),
        ({"unknown_ip": "203.0.113.7"}, errors.UnknownAddress),
        ({"not_enough_credits": True}, errors.PaymentRequired),
        ({"forbidden": True}, errors.Forbidden),
    ],
)
def test_account_in_trouble_says_which(
    sandbox: Sandbox, brevo: BrevoClient, switches: dict[str, Any], kind: type[errors.ApiError]
) -> None:
    sandbox.brevo.settings.update(switches)

    with pytest.raises(errors.Refused) as raised:
        brevo.get_account()

    assert type(raised.value) is kind
    assert not raised.value.is_retryable
    assert "sandbox-brevo-key" not in str(raised.value)


def test_account_being_processed_asks_to_come_again(sandbox: Sandbox, brevo: BrevoClient) -> None:
    sandbox.brevo.settings.too_early = True

    with pytest.raises(errors.Unavailable) as raised:
        brevo.upsert_contact(NADIA, attributes={})

    assert (raised.value.status, raised.value.code) == (425, "account_in_process")
    assert not raised.value.is_done_unknown


def test_full_bucket_says_when_it_opens(sandbox: Sandbox, brevo: BrevoClient) -> None:
    sandbox.brevo.limits.enabled = True
    sandbox.brevo.limits.sizes["contacts"] = (1, 60.0)
    sandbox.brevo.limits.reset()
    brevo.upsert_contact(NADIA, attributes={})

    with pytest.raises(errors.RateLimited) as raised:
        brevo.upsert_contact(NADIA, attributes={})

    assert 50 < raised.value.wait <= 60
    assert not raised.value.is_done_unknown


def test_observer_hears_the_bucket_and_its_headers(sandbox: Sandbox, brevo: BrevoClient, observed: Observed) -> None:
    sandbox.brevo.limits.enabled = True
    sandbox.brevo.limits.reset()

    brevo.upsert_contact(NADIA, attributes={})
    brevo.create_event(recent("booked"))
    brevo.create_events([recent("booked")])

    assert observed.buckets == ["contacts", "events", "other"]
    assert observed.headers["x-sib-ratelimit-limit"] == "100"
    assert observed.headers["x-sib-ratelimit-remaining"] == "99"


# -- Attributes -----------------------------------------------------------------------------------------------------


def test_catalogue_is_read_with_kinds_and_options(sandbox: Sandbox, brevo: BrevoClient) -> None:
    sandbox.brevo.add_attribute("status", category="category", options={1: "Booked", 2: "Canceled"})
    sandbox.brevo.add_attribute("topics", type="multiple-choice", options=["Pricing", "Security"])
    sandbox.brevo.add_attribute("score", type="float")

    catalogue = {attribute.name: attribute for attribute in brevo.list_attributes()}

    assert catalogue["STATUS"] == Attribute(
        name="STATUS", kind="category", options=(("1", "Booked"), ("2", "Canceled"))
    )
    assert catalogue["TOPICS"].kind == "multiple-choice"
    assert catalogue["TOPICS"].options == (("Pricing", "Pricing"), ("Security", "Security"))
    assert catalogue["SCORE"] == Attribute(name="SCORE", kind="float")
    assert catalogue["FIRSTNAME"].kind == "text"


def test_stored_text_leads_where_the_number_is_zero() -> None:
    rows = [
        {
            "name": "Stage",
            "category": "category",
            "type": "text",
            "enumeration": [
                {"value": 0, "label": "New", "valueStr": "new"},
                {"value": 2, "label": "Old"},
                {"value": 3},
            ],
        },
        {"name": "Visits", "category": "calculated", "type": "float"},
        {"name": "Sum", "category": "global"},
        {"name": "Order", "category": "transactional", "type": "text"},
        {"name": "Plain"},
        {"name": ""},
        "nonsense",
    ]

    with odd_server(told({"attributes": rows})) as server:
        catalogue = client_of(server.url).list_attributes()

    assert catalogue == [
        Attribute(name="STAGE", kind="category", options=(("new", "New"), ("2", "Old"), ("3", ""))),
        Attribute(name="VISITS", kind="calculated"),
        Attribute(name="SUM", kind="global"),
        Attribute(name="ORDER", kind="transactional"),
        Attribute(name="PLAIN", kind="text"),
    ]


def test_attribute_is_created_once(brevo: BrevoClient) -> None:
    brevo.create_attribute("MEETING_DATE", kind="date")

    with pytest.raises(errors.Refused) as raised:
        brevo.create_attribute("MEETING_DATE", kind="date")

    assert brevo_refusals.is_existing_attribute(raised.value)
    assert Attribute(name="MEETING_DATE", kind="date") in brevo.list_attributes()


def test_attribute_name_stays_one_part_of_the_path() -> None:
    with odd_server(answer(201, b"")) as server:
        client_of(server.url).create_attribute("A/B?", kind="text")

        assert server.requests[0].startswith(b"POST /contacts/attributes/normal/A%2FB%3F ")


# -- Lists ----------------------------------------------------------------------------------------------------------


def test_all_lists_are_read_over_all_pages(sandbox: Sandbox, brevo: BrevoClient) -> None:
    existing = {row.id for row in brevo.list_lists()}
    made = {sandbox.brevo.add_list(f"List {number}"): f"List {number}" for number in range(123)}
    sandbox.world.journal.clear()

    lists = list(brevo.list_lists())

    assert {row.id: row.name for row in lists if row.id not in existing} == made
    assert len(lists) == len({row.id for row in lists})
    assert len(sandbox.world.journal.calls("brevo")) == -(-len(lists) // 50)


def test_list_knows_its_size_and_folder(sandbox: Sandbox, brevo: BrevoClient) -> None:
    number = sandbox.brevo.add_list("Bookings")
    brevo.upsert_contact(NADIA, attributes={}, lists=[number])

    [found] = [row for row in brevo.list_lists() if row.id == number]

    assert (found.name, found.size) == ("Bookings", 1)
    assert found.folder_id


def test_all_folders_are_read_over_all_pages(sandbox: Sandbox, brevo: BrevoClient) -> None:
    state = sandbox.brevo.state
    for number in range(1000, 1060):
        state.folders[number] = Folder(id=number, name=f"Folder {number}")
    sandbox.world.journal.clear()

    folders = list(brevo.list_folders())

    assert {f"Folder {number}" for number in range(1000, 1060)} <= {folder.name for folder in folders}
    assert len(folders) == len({folder.id for folder in folders})
    assert len(sandbox.world.journal.calls("brevo")) == 2


@pytest.mark.parametrize("body", [{"count": 0}, {"lists": [], "count": 9}, {"lists": None}])
def test_account_without_lists_has_none(body: dict[str, Any]) -> None:
    with odd_server(told(body)) as server:
        assert list(client_of(server.url).list_lists()) == []


def test_lists_without_a_count_are_read_to_the_first_empty_page() -> None:
    pages: list[dict[str, Any]] = [{"lists": [{"id": 1}, {"id": 2}]}, {"lists": [{"id": 3}]}, {"lists": []}]

    with odd_server(*map(told, pages)) as server:
        assert [row.id for row in client_of(server.url).list_lists()] == [1, 2, 3]
        assert [request.split(b"offset=")[1][:1] for request in server.requests] == [b"0", b"2", b"3"]


# -- Contacts -------------------------------------------------------------------------------------------------------


def test_contact_is_created_updated_and_read(sandbox: Sandbox, brevo: BrevoClient) -> None:
    first, second = sandbox.brevo.add_list("First"), sandbox.brevo.add_list("Second")

    brevo.upsert_contact(NADIA, attributes={"FIRSTNAME": "Nadia"}, lists=[first])
    brevo.upsert_contact(NADIA, attributes={"LASTNAME": "Benali"}, lists=[second])
    contact = brevo.get_contact(NADIA)

    assert (contact.email, contact.lists, contact.is_blocked) == (NADIA, (first, second), False)
    assert (contact.attributes["FIRSTNAME"], contact.attributes["LASTNAME"]) == ("Nadia", "Benali")
    assert contact.id


def test_contact_never_carries_the_flags_of_the_blocklist(sandbox: Sandbox, brevo: BrevoClient) -> None:
    brevo.upsert_contact(NADIA, attributes={})
    sandbox.brevo.block(NADIA)

    brevo.upsert_contact(NADIA, attributes={"FIRSTNAME": "Nadia"})

    assert brevo.get_contact(NADIA).is_blocked
    for call in sandbox.world.journal.calls("brevo", method="POST"):
        assert call.body.keys() == {"email", "attributes", "updateEnabled"}


def test_several_choices_are_sent_as_a_list(sandbox: Sandbox, brevo: BrevoClient) -> None:
    sandbox.brevo.add_attribute("TOPICS", type="multiple-choice", options=["Pricing", "Security"])

    brevo.upsert_contact(NADIA, attributes={"TOPICS": ("Pricing", "Security")})

    assert brevo.get_contact(NADIA).attributes["TOPICS"] == ["Pricing", "Security"]


def test_plus_in_an_address_survives_the_path(sandbox: Sandbox, brevo: BrevoClient) -> None:
    number = sandbox.brevo.add_list("Bookings")
    brevo.upsert_contact(PLUS, attributes={}, lists=[number])

    assert brevo.get_contact(PLUS).lists == (number,)
    brevo.leave_lists(PLUS, lists=[number])

    assert brevo.get_contact(PLUS).lists == ()


def test_address_is_always_called_an_address() -> None:
    with odd_server(told({"email": PLUS}), answer(204, b"")) as server:
        client = client_of(server.url)
        client.get_contact(PLUS)
        client.leave_lists(PLUS, lists=[7])

        lines = [request.split(b" HTTP")[0] for request in server.requests]
        assert lines == [
            b"GET /contacts/nadia%2Bcalendly%40example.com?identifierType=email_id",
            b"PUT /contacts/nadia%2Bcalendly%40example.com?identifierType=email_id",
        ]
        assert server.requests[1].endswith(b'{"unlinkListIds": [7]}')


def test_unknown_contact_is_not_found(brevo: BrevoClient) -> None:
    with pytest.raises(errors.NotFound):
        brevo.get_contact("nobody@example.com")
    with pytest.raises(errors.NotFound):
        brevo.leave_lists("nobody@example.com", lists=[1])


def test_leaving_a_list_leaves_no_other_and_may_be_repeated(sandbox: Sandbox, brevo: BrevoClient) -> None:
    stay, go = sandbox.brevo.add_list("Stay"), sandbox.brevo.add_list("Go")
    brevo.upsert_contact(NADIA, attributes={}, lists=[stay, go])

    brevo.leave_lists(NADIA, lists=[go])
    brevo.leave_lists(NADIA, lists=[go])

    assert brevo.get_contact(NADIA).lists == (stay,)


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter"])
def test_phone_of_somebody_else_is_recognised_under_either_code(
    sandbox: Sandbox, brevo: BrevoClient, code: str
) -> None:
    sandbox.brevo.settings.duplicate_code = code
    brevo.upsert_contact("first@example.com", attributes={"SMS": "+33612345678"})

    with pytest.raises(errors.Refused) as raised:
        brevo.upsert_contact(NADIA, attributes={"SMS": "+33612345678"})

    assert brevo_refusals.taken_identifiers(raised.value) == {"SMS"}
    assert not brevo_refusals.is_phone_invalid(raised.value)
    assert raised.value.code == code
    assert sandbox.brevo.contact(NADIA) is None


def test_phone_that_is_none_is_recognised(brevo: BrevoClient) -> None:
    with pytest.raises(errors.Refused) as raised:
        brevo.upsert_contact(NADIA, attributes={"SMS": "0612345678"})

    assert brevo_refusals.is_phone_invalid(raised.value)
    assert not brevo_refusals.taken_identifiers(raised.value)


@pytest.mark.parametrize(
    ("body", "is_taken"),
    [
        ({"metadata": {"duplicate_identifiers": ["SMS"]}}, True),
        ({"metadata": {"duplicate_identifiers": ["sms"]}}, True),
        ({"metadata": {"duplicate_identifiers": ["email", "SMS"]}}, True),
        ({"metadata": {"duplicate_identifiers": ["email"]}, "message": "SMS is already associated with …"}, False),
        ({"message": "Unable to create contact, SMS is already associated with another Contact"}, True),
        ({"message": "Unable to update contact, email is already associated with another Contact"}, False),
        ({"metadata": None, "message": "sms is already associated with another Contact"}, True),
        ({"metadata": {"duplicate_identifiers": "SMS"}, "message": "Contact already exist"}, False),
        ({"message": "Invalid phone number"}, False),
        ({}, False),
    ],
)
def test_taken_phone_is_told_by_metadata_else_by_words(body: dict[str, Any], is_taken: bool) -> None:
    refused = errors.Refused("refused", body=body)

    assert ("SMS" in brevo_refusals.taken_identifiers(refused)) is is_taken


def test_upsert_whose_answer_was_lost_may_be_repeated(
    sandbox: Sandbox, brevo: BrevoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.faults.add(Fault(provider="brevo", kind="commit_then_timeout", path="/contacts", seconds=0.5))

    with monkeypatch.context() as impatient, pytest.raises(errors.AnswerLost):
        impatient.setattr("calendly_connector.clients.http.READ_SECONDS", 0.2)
        brevo.upsert_contact(NADIA, attributes={"FIRSTNAME": "Nadia"})
    brevo.upsert_contact(NADIA, attributes={"FIRSTNAME": "Nadia"})

    assert len([row for row in sandbox.brevo.contacts() if row["email"] == NADIA]) == 1


# -- Events ---------------------------------------------------------------------------------------------------------


def test_event_has_the_form_of_the_reference() -> None:
    body = event_body("booked", email=NADIA, at=AT, properties={"booking_id": "x"})

    assert body == {
        "event_name": "booked",
        "event_date": "2026-11-22T10:15:04Z",
        "identifiers": {"email_id": NADIA},
        "event_properties": {"booking_id": "x"},
    }


def test_event_is_recorded_and_found_again(brevo: BrevoClient) -> None:
    brevo.upsert_contact(NADIA, attributes={})
    brevo.create_event(recent("calendly_meeting_booked", booking_id="x", moves=2))
    brevo.create_event(recent("another", booking_id="y"))
    now = datetime.now(UTC)

    found = brevo.find_events("calendly_meeting_booked", since=now - timedelta(days=1), until=now + timedelta(days=1))

    [event] = found.events
    assert (event.name, event.properties["booking_id"]) == ("calendly_meeting_booked", "x")
    assert datetime.fromisoformat(event.at).tzinfo


def test_events_are_asked_for_by_days_in_utc_and_by_pages() -> None:
    since = datetime.fromisoformat("2026-11-23T00:30:00+01:00")

    with odd_server(told({"events": None})) as server:
        found = client_of(server.url).find_events("booked", since=since, until=AT + timedelta(days=3), offset=1000)

        assert (found.events, found.total, found.is_last(read=0)) == ([], None, True)
        assert server.requests[0].startswith(
            b"GET /events?event_name=booked&startDate=2026-11-22&endDate=2026-11-25&limit=1000&offset=1000 "
        )


@pytest.mark.parametrize(("count", "read", "is_last"), [(3, 1, False), (3, 3, True), (None, 1, False)])
def test_short_page_of_events_is_the_last_only_when_all_are_read(count: int | None, read: int, is_last: bool) -> None:
    body = {"events": [{"event_name": "booked"}], "count": count}

    with odd_server(told(body)) as server:
        found = client_of(server.url).find_events("booked", since=AT, until=AT)

    assert found.is_last(read=read) == is_last


def test_refused_event_says_why(brevo: BrevoClient) -> None:
    with pytest.raises(errors.Refused) as raised:
        brevo.create_event(recent("not a name"))

    assert raised.value.status == 400


def test_batch_of_good_events_refuses_none(sandbox: Sandbox, brevo: BrevoClient) -> None:
    brevo.upsert_contact(NADIA, attributes={})

    refused = brevo.create_events([recent("one"), recent("two")])

    assert refused == {}
    assert {event["event_name"] for event in sandbox.brevo.events(NADIA)} == {"one", "two"}


def test_batch_names_the_refused_by_position_and_records_the_others(sandbox: Sandbox, brevo: BrevoClient) -> None:
    brevo.upsert_contact(NADIA, attributes={})

    refused = brevo.create_events([recent("one"), recent("not a name"), recent("three"), recent("nor this")])

    assert refused.keys() == {1, 3}
    assert all(refused.values())
    assert {event["event_name"] for event in sandbox.brevo.events(NADIA)} == {"one", "three"}


def test_batch_of_bad_events_alone_is_read_like_the_others(brevo: BrevoClient) -> None:
    assert brevo.create_events([recent("not a name"), recent("nor this")]).keys() == {0, 1}


def test_batch_that_is_refused_as_a_whole_is_an_error(brevo: BrevoClient) -> None:
    with pytest.raises(errors.Refused):
        brevo.create_events([recent("one")] * 201)


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([{"eventIndex": [0, 2], "message": "a"}, {"eventIndex": [1], "message": "b"}], {0: "a", 1: "b", 2: "a"}),
        ([{"eventIndex": 3, "message": "a"}], {3: "a"}),
        ([{"eventIndex": [4]}], {4: "refused without a reason"}),
        ([], {}),
    ],
)
@pytest.mark.parametrize("status", [207, 400])
def test_refusals_are_read_whatever_the_status(rows: list[Any], refused: dict[int, str], status: int) -> None:
    with odd_server(answer(status, json.dumps({"errors": rows}).encode())) as server:
        assert client_of(server.url).create_events([{}]) == refused


@pytest.mark.parametrize("status", [207, 400])
@pytest.mark.parametrize(
    "body",
    [
        {"failed_events": 2, "errors": []},
        {"failed_events": 2, "errors": [{"eventIndex": [0], "message": "a"}]},
        {"errors": [{"message": "a"}]},
        {"errors": [{"eventIndex": [], "message": "a"}]},
        {"errors": [{"eventIndex": [0, "first"]}]},
        {"errors": ["a"]},
    ],
    ids=repr,
)
def test_batch_of_which_it_is_not_said_what_was_refused_has_to_be_looked_up(status: int, body: dict[str, Any]) -> None:
    with odd_server(answer(status, json.dumps(body).encode())) as server, pytest.raises(errors.BadAnswer) as raised:
        client_of(server.url).create_events([{}, {}])

    assert raised.value.is_done_unknown


@pytest.mark.parametrize("status", [401, 403, 422])
def test_other_refusals_of_a_batch_stay_errors(status: int) -> None:
    body = json.dumps({"errors": [{"eventIndex": [0], "message": "a"}]}).encode()

    with odd_server(answer(status, body)) as server, pytest.raises(errors.Refused):
        client_of(server.url).create_events([{}])


# -- Many at once ---------------------------------------------------------------------------------------------------


def finished(brevo: BrevoClient, number: int) -> Process:
    end = time.monotonic() + 5
    while not (process := brevo.get_process(number)).is_over:
        assert time.monotonic() < end, "the import took too long"
        time.sleep(0.01)
    return process


def test_import_writes_contacts_and_their_lists(sandbox: Sandbox, brevo: BrevoClient) -> None:
    sandbox.brevo.add_attribute("TOPICS", type="multiple-choice", options=["Pricing"])
    number = sandbox.brevo.add_list("Bookings")
    brevo.upsert_contact(NADIA, attributes={"LASTNAME": "Benali"})
    rows = [
        {"email": NADIA, "attributes": {"FIRSTNAME": "Nadia", "TOPICS": ("Pricing",)}},
        {"email": PLUS, "attributes": {}},
    ]

    process = finished(brevo, brevo.import_contacts(rows, lists=[number]))

    assert (process.status, process.reports) == ("completed", {})
    contact = brevo.get_contact(NADIA)
    assert (contact.attributes["FIRSTNAME"], contact.attributes["LASTNAME"]) == ("Nadia", "Benali")
    assert sorted(sandbox.brevo.list_members(number)) == sorted([NADIA, PLUS])


def test_import_reports_the_rows_it_refused(sandbox: Sandbox, brevo: BrevoClient) -> None:
    number = sandbox.brevo.add_list("Bookings")
    brevo.upsert_contact("first@example.com", attributes={"SMS": "+33612345678"})
    rows = [
        {"email": NADIA, "attributes": {"SMS": "+33612345678"}},
        {"email": "no address", "attributes": {}},
        {"email": PLUS, "attributes": {}},
    ]

    process = finished(brevo, brevo.import_contacts(rows, lists=[number]))

    assert process.status == "completed"
    assert {"invalid_emails", "duplicate_phone_id"} <= process.reports.keys()
    assert all(address.startswith("http") for address in process.reports.values())


@pytest.mark.parametrize("body", [b"{}", b'{"processId": null}', b'{"processId": "soon"}'])
def test_import_without_a_number_is_a_bad_answer(body: bytes) -> None:
    with odd_server(answer(202, body)) as server, pytest.raises(errors.BadAnswer, match="doesn't say which"):
        client_of(server.url).import_contacts([], lists=[1])


def test_reports_that_are_only_numbers_are_counted() -> None:
    refused: dict[str, Any] = {
        "invalid_emails": 2,
        "duplicate_ext_id": 0,
        "duplicate_email_id": None,
        "duplicate_phone_id": 1,
    }
    others = {"rows": 500, "invalid_before": True, "file": "contacts.csv"}
    info = {"import": {**refused, **others}}

    with odd_server(told({"id": 7, "status": "completed", "info": info})) as server:
        process = client_of(server.url).get_process(7)

    assert (process.counted, process.reports) == (3, {})


def test_import_neither_empties_nor_writes_to_the_owner() -> None:
    with odd_server(answer(202, b'{"processId": 78}')) as server:
        number = client_of(server.url).import_contacts([{"email": NADIA, "attributes": {"X": ("a",)}}], lists=[3, 4])

        body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert number == 78
    assert body == {
        "jsonBody": [{"email": NADIA, "attributes": {"X": ["a"]}}],
        "listIds": [3, 4],
        "updateExistingContacts": True,
        "emptyContactsAttributes": False,
        "disableNotification": True,
    }


@pytest.mark.parametrize(
    ("status", "is_over"),
    [
        ("queued", False),
        ("in_process", False),
        ("processing", False),
        ("", False),
        ("completed", True),
        ("failed", True),
        ("cancelled", True),
    ],
)
def test_process_is_over_when_brevo_says_so(status: str, is_over: bool) -> None:
    with odd_server(told({"id": 7, "status": status, "info": None})) as server:
        process = client_of(server.url).get_process(7)

    assert (process.id, process.status, process.is_over, process.reports) == (7, status, is_over, {})


@pytest.mark.parametrize("reply", [answer(200, b"[]"), answer(200, b'"text"'), answer(200, b""), answer(204, b"")])
@pytest.mark.parametrize("call", ["get_account", "list_attributes", "get_contact", "get_process"])
def test_answer_in_another_form_is_a_bad_answer(reply: bytes, call: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"get_contact": (NADIA,), "get_process": (7,)}

    with odd_server(reply) as server, pytest.raises(errors.BadAnswer):
        getattr(client_of(server.url), call)(*arguments.get(call, ()))
