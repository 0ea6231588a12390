"""What the webhook's address lets in, stores and answers, whoever knocks."""

import json
import time
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from calendly_connector.models import Booking, Connection, SyncLogEntry, WebhookDelivery
from calendly_connector.services.connection import make_connection
from tests import payload_files
from tests.web.door import ADDRESS, KEY, Door, digest, signed

BODY = payload_files.raw("invitee.created__discovery_call")
MIB = 1_048_576


# -- What is let in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_address_of_the_environment_takes_a_delivery_with_and_without_a_slash(door: Door, ending: str) -> None:
    status = door.post(BODY, address=ADDRESS + ending)

    assert status == 200
    assert bytes(door.only().body) == BODY
    assert door.only().connection == door.connection


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_connections_own_address_takes_a_delivery_with_and_without_a_slash(door: Door, ending: str) -> None:
    status = door.post(BODY, address=f"{ADDRESS}/{door.connection.webhook_token}{ending}")

    assert status == 200
    assert door.only().connection == door.connection


def test_the_same_bytes_are_stored_once_and_welcome_twice(door: Door) -> None:
    statuses = [door.post(BODY), door.post(BODY), door.post(BODY, address=f"{ADDRESS}/")]

    assert statuses == [200, 200, 200]
    assert len(door.stored()) == 1


def test_a_repeated_delivery_changes_nothing_after_it_was_taken_in(door: Door) -> None:
    door.post(BODY)
    door.work()

    door.post(BODY)
    door.work()

    assert door.only().state == "processed"
    assert Booking.objects.count() == 1
    assert SyncLogEntry.objects.filter(kind="event").count() == 1


def test_one_good_signature_among_several_is_enough(door: Door) -> None:
    at = int(time.time())

    status = door.post(BODY, f"t={at},v1={'0' * 64},v1={digest(BODY, at=at)},v0=whatever")

    assert status == 200


@pytest.mark.parametrize("seconds", [-170, 170])
def test_a_clock_that_is_a_little_wrong_is_forgiven(door: Door, seconds: int) -> None:
    assert door.post(BODY, signed(BODY, at=time.time() + seconds)) == 200


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "text/plain", "multipart/form-data", "image/png", "nonsense"]
)
def test_the_content_type_does_not_matter(door: Door, content_type: str) -> None:
    assert door.post(BODY, content_type=content_type) == 200
    assert bytes(door.only().body) == BODY


@pytest.mark.parametrize("accepts", ["*/*", "text/html", "application/xml;q=0.9", "nonsense"])
def test_what_the_sender_accepts_does_not_matter(door: Door, accepts: str) -> None:
    assert door.post(BODY, headers={"Accept": accepts}) == 200


def test_a_query_does_not_matter(door: Door) -> None:
    assert door.post(BODY, address=f"{ADDRESS}?format=xml&token=1") == 200


def test_a_body_of_exactly_one_mebibyte_is_taken(door: Door) -> None:
    assert door.post(b" " * MIB) == 200


# -- What is refused --------------------------------------------------------------------------------------------


def _refusals() -> dict[str, str]:
    now = int(time.time())
    right = digest(BODY, at=now)
    return {
        "no header": "",
        "only words": "nonsense",
        "no time": f"v1={right}",
        "no signature": f"t={now}",
        "an empty signature": f"t={now},v1=",
        "an older scheme": f"t={now},v0={right}",
        "a changed signature": f"t={now},v1={right[:-1]}{'0' if right[-1] != '0' else '1'}",
        "half a signature": f"t={now},v1={right[:32]}",
        "a signature in capitals": f"t={now},v1={right.upper()}",
        "another time than was signed": f"t={now - 1},v1={right}",
        "two times": f"t={now},t={now},v1={right}",
        "a time with an underscore": f"t={str(now)[:5]}_{str(now)[5:]},v1={right}",
        "a time in full-width digits": f"t={''.join(chr(ord(digit) + 0xFEE0) for digit in str(now))},v1={right}",
        "a time with a sign": f"t=+{now},v1={right}",
        "a time far too long": f"t={'9' * 400},v1={right}",
        "a stale time": signed(BODY, at=now - 200),
        "a time to come": signed(BODY, at=now + 200),
        "another key": signed(BODY, key="another-key-0123456789-0123456789"),
        "an empty key": signed(BODY, key=""),
        "another body's signature": signed(BODY + b" "),
        "letters outside ASCII": f"t={now},v1=é{right[1:]}",
        "the same header twice": f"{signed(BODY)},{signed(BODY)}",
    }


@pytest.mark.parametrize("why", _refusals())
def test_a_delivery_that_is_not_properly_signed_is_refused_and_not_stored(door: Door, why: str) -> None:
    status = door.post(BODY, _refusals()[why])

    assert status == 403
    assert door.stored() == []


def test_an_unknown_address_is_refused_like_a_bad_signature(door: Door) -> None:
    assert door.post(BODY, address=f"{ADDRESS}/no-such-connection") == 403
    assert door.stored() == []


def test_the_key_of_the_environment_does_not_open_another_connections_address(door: Door) -> None:
    other = Connection.objects.create(name="Second", brevo_account=door.connection.brevo_account)

    status = door.post(BODY, address=f"{ADDRESS}/{other.webhook_token}")

    assert status == 403
    assert door.stored() == []


@pytest.mark.parametrize("own", [True, False])
def test_a_connection_that_is_switched_off_refuses(door: Door, own: bool) -> None:
    Connection.objects.filter(pk=door.connection.pk).update(is_active=False)
    address = f"{ADDRESS}/{door.connection.webhook_token}" if own else ADDRESS

    assert door.post(BODY, address=address) == 403
    assert door.stored() == []


@pytest.mark.parametrize("key", ["", KEY])
def test_without_a_signing_key_everything_is_refused(door: Door, settings: Settings, key: str) -> None:
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    assert door.post(BODY, signed(BODY, key=key)) == 403
    assert door.post(BODY, signed(BODY, key=key), address=f"{ADDRESS}/{door.connection.webhook_token}") == 403
    assert door.stored() == []


@pytest.mark.parametrize("body", [b" " * (MIB + 1), b"{" * (3 * MIB)])
def test_a_body_over_one_mebibyte_is_refused_however_well_signed(door: Door, body: bytes) -> None:
    assert door.post(body) == 413
    assert door.stored() == []


@pytest.mark.parametrize("length", ["-1", "many", "1e3", "", str(10**30)])
def test_a_length_that_is_none_never_breaks_the_door(door: Door, length: str) -> None:
    status = door.post(BODY, CONTENT_LENGTH=length)

    assert 400 <= status < 500
    assert door.stored() == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_only_posting_stores(door: Door, method: str) -> None:
    assert door.post(BODY, method=method) == 405
    assert door.post(BODY, "", method=method) in (403, 405)
    assert door.stored() == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_asking_what_is_allowed_stores_nothing(door: Door, method: str) -> None:
    assert door.post(BODY, "", method=method) in (403, 405)
    assert door.stored() == []


# -- Nothing after storing may fail the webhook -----------------------------------------------------------------


def test_a_delivery_is_accepted_while_both_services_are_away(door: Door, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN, settings.BREVO_API_KEY = "a-token", "a-key"  # nobody listens at their addresses

    status = door.post(BODY)
    door.work()

    assert status == 200
    assert door.only().state == "processed"
    assert {entry.state for entry in SyncLogEntry.objects.all()} == {"waiting"}


def test_a_delivery_is_accepted_while_the_brevo_account_is_paused(door: Door) -> None:
    account = door.connection.brevo_account
    account.state = account.State.PAUSED
    account.save()

    assert door.post(BODY) == 200


# -- What is stored but can't be used ---------------------------------------------------------------------------

UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "words": b"hello",
    "a form": b"event=invitee.created&payload=1",
    "cut short": BODY[:-40],
    "too much": BODY + BODY,
    "null": b"null",
    "a number": b"7",
    "a huge number": b"9" * 5000,
    "not a number": b"NaN",
    "a text": b'"invitee.created"',
    "a list": b"[1, 2]",
    "a list of deliveries": b"[" + BODY + b"]",
    "a deep list": b"[" * 100_000 + b"]" * 100_000,
    "a deep list, open": b"[" * 500_000,
    "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a zero byte": b"\x00",
    "zero bytes within": BODY.replace(b"Nadia", b"Na\x00dia"),
    "invalid UTF-8": BODY.replace(b"Nadia", b"Nad\xff\xfeia"),
    "half a character": b'{"event": "\xc3"}',
    "UTF-16 cut short": '{"event": "invitee.created"}'.encode("utf-16")[:-1],
    "an empty object": b"{}",
    "no payload": b'{"event": "invitee.created"}',
    "a payload of words": b'{"event": "invitee.created", "created_at": "2026-11-22T10:00:00Z", "payload": "x"}',
    "a name that is an object": b'{"event": {"a": 1}}',
    "a name with a zero": b'{"event": "a\\u0000b"}',
    "half a pair as name": b'{"event": "\\ud83d"}',
    "half a pair as a status": b'{"event": "invitee.created", "created_at": "2026-11-22T10:00:00Z",'
    b' "payload": {"status": "\\udfff", "scheduled_event": {}}}',
    "a long name": b'{"event": "' + b"x" * 100_000 + b'"}',
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_can_not_be_read_is_stored_and_set_aside_with_words(door: Door, what: str) -> None:
    status = door.post(UNREADABLE[what])

    door.work()

    delivery = door.only()
    assert status == 200
    assert delivery.state in ("malformed", "ignored")
    assert delivery.reason
    assert delivery.processed_at
    assert Booking.objects.count() == 0


def test_one_unreadable_delivery_does_not_hold_up_the_next(door: Door) -> None:
    for body in (*UNREADABLE.values(), BODY):
        assert door.post(body) == 200

    door.work()

    assert WebhookDelivery.objects.filter(state__in=["stored", "failed"]).count() == 0
    assert Booking.objects.get().name == "Nadia Benali"


CREATED: dict[str, Any] = payload_files.load("invitee.created__nulls_and_options")


def _changed(**changes: Any) -> bytes:
    """Return a delivery with changed leaves, each named by its path in the payload, such as `tracking__utm_term`."""
    body = json.loads(json.dumps(CREATED))
    for path, value in changes.items():
        *parents, leaf = path.split("__")
        place = body["payload"]
        for parent in parents:
            place = place[parent]
        place[leaf] = value
    return json.dumps(body).encode()


ODD_BUT_READABLE: dict[str, dict[str, Any]] = {
    "half a character pair in a name": {"name": "Zo\ud83d", "first_name": None, "last_name": None},
    "a zero in a name": {"name": "Zo\x00e"},
    "a very long name": {"name": "a," * 100_000, "first_name": None, "last_name": None},
    "names that are numbers": {"name": 7, "first_name": 1.5, "last_name": True},
    "an unknown zone": {"timezone": "Mars/Olympus"},
    "a zone that is a path": {"timezone": "../../../etc/passwd"},
    "a zone with half a pair": {"timezone": "\ud83d"},
    "a payment that is no number": {"payment": {"amount": "NaN", "currency": "EUR"}},
    "a payment without end": {"payment": {"amount": float("inf"), "currency": "EUR"}},
    "a payment too large": {"payment": {"amount": 10**400, "currency": "EUR"}},
    "a payment in words": {"payment": {"amount": "string", "provider": None}},
    "a broken join link": {"scheduled_event__location": {"type": "zoom", "join_url": "https://[broken"}},
    "an event type that is no address": {"scheduled_event__event_type": "https://[broken"},
    "an event type on another host": {"scheduled_event__event_type": "@example.com/event_types/1"},
    "no event type": {"scheduled_event__event_type": None},
    "answers that are none": {"questions_and_answers": {"a": 1}},
    "answers of another form": {
        "questions_and_answers": ["x", None, {"question": 1, "answer": ["a"], "position": "b"}]
    },
    "a position without end": {"questions_and_answers": [{"question": "q", "answer": "a", "position": 10**300}]},
    "tracking that is a list": {"tracking": []},
    "long tracking": {"tracking": {"utm_source": "x" * 100_000}},
    "hosts that are words": {"scheduled_event__event_memberships": "host"},
    "a mark without an address": {"no_show": {"created_at": None}},
    "a long place": {"scheduled_event__location": {"type": "physical", "location": "x" * 100_000}},
}


@pytest.mark.parametrize("what", ODD_BUT_READABLE)
def test_an_odd_leaf_never_costs_the_booking(door: Door, what: str) -> None:
    status = door.post(_changed(**ODD_BUT_READABLE[what]))

    door.work()

    assert status == 200
    assert (door.only().state, door.only().reason) == ("processed", "")
    assert Booking.objects.count() == 1


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "no address": {"uri": None},
    "an address longer than we keep": {"uri": "https://api.calendly.com/" + "x" * 300},
    "a neighbour's address longer than we keep": {"old_invitee": "https://api.calendly.com/" + "x" * 300},
    "no e-mail": {"email": "  "},
    "an e-mail longer than we keep": {"email": "x" * 400 + "@example.com"},
    "an unknown status": {"status": "x" * 1000},
    "no status": {"status": None},
    "a time that is none": {"created_at": "yesterday"},
    "a time at the end of days": {"scheduled_event__end_time": "9999-12-31T23:59:59Z"},
    "a time before all zones": {"scheduled_event__start_time": "0001-01-01T00:00:00+14:00"},
    "no meeting": {"scheduled_event": None},
    "a mark's address longer than we keep": {"no_show": {"uri": "x" * 500}},
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_booking_that_makes_no_sense_is_set_aside_and_the_place_is_named(door: Door, what: str) -> None:
    status = door.post(_changed(**IMPOSSIBLE[what]))

    door.work()

    assert status == 200
    assert door.only().state == "malformed"
    assert "Calendly's data has" in door.only().reason
    assert Booking.objects.count() == 0


# -- What is understood and needs nothing done ------------------------------------------------------------------

OTHERS = [name for name in payload_files.names() if not name.startswith("invitee")]


@pytest.mark.parametrize("name", OTHERS)
def test_a_webhook_that_we_do_not_use_is_ignored_with_its_reason(door: Door, name: str) -> None:
    door.post(payload_files.raw(name))
    door.work()

    delivery = door.only()
    assert delivery.state == "ignored"
    assert delivery.webhook_name == name.partition("__")[0]
    assert delivery.webhook_name in delivery.reason
    assert "no webhook that this version knows" not in delivery.reason


def test_a_webhook_that_nobody_has_heard_of_is_ignored_with_its_name(door: Door) -> None:
    door.post(b'{"event": "invitee.teleported", "payload": {}}')
    door.work()

    assert door.only().state == "ignored"
    assert door.only().reason == "“invitee.teleported” is no webhook that this version knows."


@pytest.mark.parametrize("name", [name for name in payload_files.names() if name.startswith("invitee")])
def test_every_invitee_payload_is_taken_in(door: Door, name: str) -> None:
    door.post(payload_files.raw(name))
    door.work()

    assert (door.only().state, door.only().reason) == ("processed", "")
    assert door.only().booking_uri == Booking.objects.get().uri


# -- Anything at all --------------------------------------------------------------------------------------------

FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SLOWER_FUZZ = settings(FUZZ, max_examples=80)

SPOILERS = st.sampled_from(
    ["body", "key", "stale", "future", "cut", "flipped", "no v1", "no t", "two t", "other name", "words", "empty"]
)


def _spoil(how: str, body: bytes, at: int) -> tuple[bytes, str]:
    """Return a body and a header that don't belong together, or aren't in time."""
    right = digest(body, at=at)
    headers = {
        "key": signed(body, at=at, key=KEY[::-1]),
        "stale": signed(body, at=at - 3600),
        "future": signed(body, at=at + 3600),
        "cut": f"t={at},v1={right[:-1]}",
        "flipped": f"t={at},v1={right[1:]}{right[0]}" if right[1:] + right[0] != right else "",
        "no v1": f"t={at}",
        "no t": f"v1={right}",
        "two t": f"t={at},t={at + 1},v1={right}",
        "other name": f"t={at},v2={right}",
        "words": "t=v1,v1=t",
        "empty": "",
    }
    return (body + b"!", signed(body, at=at)) if how == "body" else (body, headers[how])


@FUZZ
@given(body=st.binary(max_size=300), how=SPOILERS, seconds=st.integers(-170, 170))
def test_whatever_is_spoiled_about_a_signature_nothing_is_stored(
    door: Door, body: bytes, how: str, seconds: int
) -> None:
    sent, header = _spoil(how, body, int(time.time()) + seconds)

    assert door.post(sent, header) == 403
    assert not WebhookDelivery.objects.exists()


HEADER_PARTS = st.one_of(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60),
    st.builds("t={}".format, st.one_of(st.integers(), st.text(max_size=5).map(ascii))),
    st.builds("v1={}".format, st.text("0123456789abcdef", max_size=64)),
)


@FUZZ
@given(body=st.binary(max_size=100), parts=st.lists(HEADER_PARTS, max_size=5))
@example(body=b"", parts=["t=1", "v1="])
def test_no_invented_header_opens_the_door(door: Door, body: bytes, parts: list[str]) -> None:
    assert door.post(body, ",".join(parts)) == 403
    assert not WebhookDelivery.objects.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@SLOWER_FUZZ
@given(body=st.one_of(st.binary(max_size=300), JSON.map(lambda value: json.dumps(value).encode())))
def test_anything_that_is_properly_signed_is_stored_and_ends_with_words(door: Door, body: bytes) -> None:
    WebhookDelivery.objects.all().delete()

    assert door.post(body) == 200
    door.work()

    assert door.only().state in ("malformed", "ignored")
    assert door.only().reason


LEAVES = st.sampled_from(sorted(CREATED["payload"]))
MEETING_LEAVES = st.sampled_from(sorted(CREATED["payload"]["scheduled_event"]))


@SLOWER_FUZZ
@given(
    changes=st.dictionaries(LEAVES, JSON, max_size=3),
    meeting=st.dictionaries(MEETING_LEAVES, JSON, max_size=3),
)
def test_a_booking_with_any_leaf_replaced_by_anything_is_taken_in_or_set_aside(
    door: Door, changes: dict[str, Any], meeting: dict[str, Any]
) -> None:
    WebhookDelivery.objects.all().delete()
    body = json.loads(json.dumps(CREATED))
    body["payload"]["scheduled_event"] |= meeting
    body["payload"] |= changes

    assert door.post(json.dumps(body).encode()) == 200
    door.work()

    assert door.only().state in ("processed", "malformed")


def test_a_delivery_whose_signing_key_can_not_be_decrypted_is_refused(door: Door, settings: Settings) -> None:
    second = make_connection("Second", door.connection.brevo_account)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    status = door.post(BODY, address=f"{ADDRESS}/{second.webhook_token}")

    assert status == 403
    assert not WebhookDelivery.objects.exists()
