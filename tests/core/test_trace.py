"""An address is found as a whole, however it is spelled, and nothing else goes with it."""

import json
from typing import Any

import pytest

from calendly_connector.core.trace import Trace

ANNA = Trace("Anna.Lund+x@Example.com ")


@pytest.mark.parametrize(
    "value",
    [
        "anna.lund+x@example.com",
        "Write to ANNA.LUND+X@example.com, please.",
        "<anna.lund+x@example.com>",
        "'anna.lund+x@example.com'",
        "mailto:anna.lund+x@example.com?subject=x",
        "https://a.example/?email=anna.lund%2Bx%40example.com&b=1",
        "https://a.example/?back=%3Femail%3Danna.lund%2Bx%40example.com",
        "/contacts/anna.lund+x%40example.com",
        '{"text": "first line\\nanna.lund+x@example.com"}',
        ["other@example.com", "anna.lund+x@example.com"],
        {"deep": [{"er": {"email": "Anna.Lund+x@example.com"}}]},
        {"anna.lund+x@example.com": 1},
    ],
)
def test_an_address_is_found_and_taken_out(value: Any) -> None:
    assert ANNA.is_in(value)

    left = json.dumps(ANNA.without(value)).lower()

    assert "anna.lund" not in left
    assert not ANNA.is_in(ANNA.without(value))


@pytest.mark.parametrize(
    "value",
    [
        "hanna.lund+x@example.com",
        "x.anna.lund+x@example.com",
        "anna.lund+x@example.com.au",
        "anna.lund+x@example.communication",
        "anna.lund@example.com",
        {"hosts": [{"email": "anna.lund+x@example.com"}], "host_email": "anna.lund+x@example.com"},
        ["x", 1, None, True, {}],
        7,
    ],
)
def test_what_is_somebody_elses_stays(value: Any) -> None:
    assert not ANNA.is_in(value)
    assert ANNA.without(value) == value


def test_a_value_of_nothing_else_is_emptied_and_leaves_its_list() -> None:
    found = {"guests": ["anna.lund+x@example.com", "tom@example.com"], "email": "anna.lund+x@example.com"}

    assert ANNA.without(found) == {"guests": ["tom@example.com"], "email": ""}


def test_letters_beyond_ascii_are_found_however_json_writes_them() -> None:
    zoe = Trace("zoë@exämple.com")
    plain, escaped = (json.dumps({"email": zoe.email}, ensure_ascii=flag).encode() for flag in (False, True))

    assert zoe.piece.isascii()
    assert zoe.is_in_body(plain)
    assert zoe.is_in_body(escaped)
    assert zoe.is_in("text with \\u0022zo\\u00eb@ex\\u00e4mple.com")


def test_a_body_stays_json_and_loses_the_address_alone() -> None:
    body = json.dumps({"payload": {"email": "tom@example.com", "guests": [{"email": ANNA.email}]}}).encode()

    left = ANNA.without_in_body(body)

    assert json.loads(left) == {"payload": {"email": "tom@example.com", "guests": [{"email": ""}]}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe anna.lund+x@example.com",
        b"[" * 20_000 + b"anna.lund+x@example.com",
        b"[" * 600 + b'"anna.lund+x@example.com"' + b"]" * 600,
    ],
)
def test_a_body_that_is_no_json_is_looked_through_as_text(body: bytes) -> None:
    assert ANNA.is_in_body(body) == bool(body)
    assert b"anna.lund" not in ANNA.without_in_body(body)


@pytest.mark.parametrize(
    ("email", "piece"),
    [("anna@example.com", "anna"), ("al@example.com", "example.com"), ("ø@b.com", "b.com"), ("a+bcd@x.yz", "bcd")],
)
def test_the_piece_to_look_for_is_of_the_person_where_that_is_long_enough(email: str, piece: str) -> None:
    assert Trace(email).piece == piece
