"""Nobody who booked can be found in what is kept for support, and what happened still can."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from calendly_connector.core import redact
from tests import payload_files

PERSONAL = {
    "email",
    "user_email",
    "first_name",
    "last_name",
    "user_name",
    "answer",
    "text_reminder_number",
    "canceled_by",
}


def personal(value: Any, key: str = "") -> Iterator[str]:
    """Yield every text of a payload that tells of somebody, found apart from the code that hides them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from personal(each, name)
        if "email" in value and isinstance(value.get("name"), str):
            yield value["name"]
    elif isinstance(value, list):
        for each in value:
            yield from personal(each, key)
    elif isinstance(value, str) and key in PERSONAL and len(value) > 3:
        yield value


@pytest.mark.parametrize("name", payload_files.names())
def test_no_delivery_tells_of_anybody(name: str) -> None:
    body = payload_files.raw(name).decode()

    kept = redact.redacted(body)

    assert [text for text in personal(json.loads(body)) if text in kept] == []


@pytest.mark.parametrize("name", payload_files.names())
def test_every_delivery_keeps_its_shape_its_ids_and_its_times(name: str) -> None:
    body = payload_files.load(name)

    kept = json.loads(redact.redacted(json.dumps(body)))

    assert _shape(kept) == _shape(body)
    assert kept["event"] == body["event"]
    assert {key: kept["payload"][key] for key in ("uri", "created_at", "updated_at") if key in body["payload"]} == {
        key: body["payload"][key] for key in ("uri", "created_at", "updated_at") if key in body["payload"]
    }


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else type(value)


def test_a_contact_keeps_its_lists_dates_and_states() -> None:
    contact = {
        "email": "åse@example.dk",
        "attributes": {
            "FIRSTNAME": "Åse",
            "LASTNAME": "Holm",
            "SMS": "+4512345678",
            "COMPANY": "Holm & Co",
            "MEETING_DATE": "2026-12-03",
            "BOOKING_STATUS": "booked",
            "MEETINGS": 3,
            "IS_CUSTOMER": True,
            "INTERESTS": ["Pricing"],
        },
        "listIds": [4],
    }

    kept = json.loads(redact.redacted(json.dumps(contact)))

    assert kept == {
        "email": redact.EMAIL,
        "attributes": {
            "FIRSTNAME": redact.NAME,
            "LASTNAME": redact.NAME,
            "SMS": redact.PHONE,
            "COMPANY": redact.TEXT,
            "MEETING_DATE": "2026-12-03",
            "BOOKING_STATUS": "booked",
            "MEETINGS": 3,
            "IS_CUSTOMER": True,
            "INTERESTS": [redact.TEXT],
        },
        "listIds": [4],
    }


def test_a_name_is_hidden_wherever_else_it_stands() -> None:
    kept = redact.redacted(
        '{"name": "Nadia Benali", "note": "call nadia", "link": "https://x.example/Nadia?by=Benali"}'
    )

    assert json.loads(kept) == {
        "name": redact.NAME,
        "note": f"call {redact.NAME}",
        "link": f"https://x.example/Nadia?by={redact.NAME}",
    }


def test_names_of_lists_attributes_and_event_types_stay() -> None:
    said = {
        "lists": [{"id": 1, "name": "Newsletter", "folderId": 2}],
        "attributes": [{"name": "FIRSTNAME", "category": "normal", "type": "text"}],
        "resource": {"uri": "https://api.calendly.com/event_types/abc", "name": "Discovery call"},
    }

    kept = json.loads(redact.redacted(json.dumps(said)))

    assert kept["lists"] == said["lists"]
    assert kept["resource"] == said["resource"]


def test_a_meetings_own_name_goes_since_it_may_be_somebodys() -> None:
    meeting = {"uri": "https://api.calendly.com/scheduled_events/a", "name": "Nadia and Camille", "start_time": "…"}

    assert json.loads(redact.redacted(json.dumps(meeting)))["name"] == redact.TEXT


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail to a.b+c@example.co.uk now", f"mail to {redact.EMAIL} now"),
        ("a%40example.com", redact.EMAIL),
        ("call +33 6 12 34 56 78, please", f"call {redact.PHONE}, please"),
        ("call 0045 12345678", f"call {redact.PHONE}"),
        ("from 203.0.113.9 or 2001:db8::1.", f"from {redact.ADDRESS} or {redact.ADDRESS}."),
        ("at 2026-12-03T09:00:00.000000+00:00, 10:15:04", "at 2026-12-03T09:00:00.000000+00:00, 10:15:04"),
        ("Chrome/120.0.0.0", "Chrome/120.0.0.0"),
        (
            "/scheduled_events/0d9b5c7e-3f18-4a6b-8f52-1c7e9a4d2b60",
            "/scheduled_events/0d9b5c7e-3f18-4a6b-8f52-1c7e9a4d2b60",
        ),
        ("not JSON {", "not JSON {"),
        ("", ""),
    ],
)
def test_a_plain_text_loses_what_looks_like_somebody(text: str, kept: str) -> None:
    assert redact.redacted(text) == kept


def test_json_nested_beyond_reason_is_treated_as_text() -> None:
    assert redact.redacted("[" * 100_000 + '"a@example.com"') == "[" * 100_000 + f'"{redact.EMAIL}"'


def test_headers_lose_credentials_signatures_and_addresses() -> None:
    kept = redact.redacted_headers(
        {
            "Authorization": "Bearer abc",
            "api-key": "xkeysib-1",
            "Cookie": "sessionid=1",
            "X-Forwarded-For": "203.0.113.9",
            "X-Real-Ip": "203.0.113.9",
            "Calendly-Webhook-Signature": "t=1763,v1=0123456789abcdef0123456789abcdef",
            "Via": "1.1 203.0.113.9",
            "Content-Type": "application/json",
        }
    )

    hidden = ("Authorization", "api-key", "Cookie", "X-Forwarded-For", "X-Real-Ip")
    assert {kept[name] for name in hidden} == {redact.TEXT}
    assert kept["Calendly-Webhook-Signature"] == f"t=1763,v1={redact.TEXT}"
    assert kept["Via"] == f"1.1 {redact.ADDRESS}"
    assert kept["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://api.brevo.com/v3/contacts/nadia%40example.com", f"https://api.brevo.com/v3/contacts/{redact.EMAIL}"),
        ("https://api.brevo.com/v3/contacts/%2B33612345678", f"https://api.brevo.com/v3/contacts/{redact.PHONE}"),
        ("http://127.0.0.1:8200/v3/contacts?limit=5", "http://127.0.0.1:8200/v3/contacts?limit=5"),
        ("https://x.example/a?email=n%40example.com&count=9", f"https://x.example/a?email={redact.EMAIL}&count=9"),
        ("/webhooks/calendly", "/webhooks/calendly"),
        ("/webhooks/calendly/", "/webhooks/calendly/"),
        ("/webhooks/calendly/a-token/", f"/webhooks/calendly/{redact.LINK}/"),
    ],
)
def test_an_address_keeps_its_path_but_nobody_in_it(address: str, kept: str) -> None:
    assert redact.redacted_address(address) == kept
