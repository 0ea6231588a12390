"""Two thousand and more bad knocks at the webhook's door: never stored, never a 5xx.

FUZZ says how many (default 2,100); `test_webhook.py` has each kind by hand.
"""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from calendly_connector.models import Connection, WebhookDelivery
from tests import payload_files
from tests.web.door import ADDRESS, KEY, Door, digest, signed

CASES = int(os.environ.get("FUZZ") or 2100)
BODY = payload_files.raw("invitee.created__zoe_aeroeskoebing")  # not ASCII: another encoding is another body
LIMIT = 20_000
FUZZ = settings(
    max_examples=CASES // 7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)

moments = st.integers(-170, 170)
keys = st.one_of(st.text(max_size=40), st.sampled_from(["", KEY[:-1], KEY + " ", KEY.upper(), "None"]))
hexes = st.text("0123456789abcdef", min_size=0, max_size=70)


@pytest.fixture
def door(door: Door, settings: Settings) -> Door:
    """Return a door with a small limit on bodies, and a second connection with a key of its own."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT
    Connection.objects.create(
        name="Second", brevo_account=door.connection.brevo_account, webhook_token="second-token", signing_key=KEY[::-1]
    )
    return door


def refused(door: Door, body: bytes, header: str | None, **how: Any) -> None:
    """Knock, and expect to be refused without a trace."""
    status = door.post(body, header, **how)

    assert 400 <= status < 500
    assert not WebhookDelivery.objects.exists()


@FUZZ
@given(key=keys, seconds=moments, body=st.one_of(st.just(BODY), st.binary(max_size=400)))
def test_forged(door: Door, key: str, seconds: int, body: bytes) -> None:
    at = int(time.time()) + seconds
    made = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()

    refused(door, body, f"t={at},v1={made}")


@FUZZ
@given(age=st.one_of(st.integers(200, 10**9), st.integers(-(10**9), -200)), several=st.booleans())
def test_replayed_and_stale(door: Door, age: int, several: bool) -> None:
    now = int(time.time())
    at = max(0, now - age)
    old = digest(BODY, at=at)

    refused(door, BODY, f"t={at},v1={old}" if not several else f"t={now},v1={old},v1={old}")


def _changes() -> st.SearchStrategy[bytes]:
    """Return other bytes than were signed: cut, grown, altered, or the same text in another encoding or form."""
    text = BODY.decode()
    size = len(BODY)
    return st.one_of(
        st.integers(0, size - 1).map(lambda end: BODY[:end]),
        st.integers(1, size).map(lambda start: BODY[start:]),
        st.binary(min_size=1, max_size=20).map(lambda tail: BODY + tail),
        st.tuples(st.integers(0, size - 1), st.integers(1, 255)).map(
            lambda at: BODY[: at[0]] + bytes([BODY[at[0]] ^ at[1]]) + BODY[at[0] + 1 :]
        ),
        st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "cp037"]).map(lambda name: text.encode(name, "replace")),
        st.sampled_from(["indent", "ensure_ascii", "sort_keys"]).map(_written_again),
    )


def _written_again(how: str) -> bytes:
    options: dict[str, Any] = {"ensure_ascii": False, "separators": (", ", ":  "), how: True}
    return json.dumps(json.loads(BODY), **options).encode()


@FUZZ
@given(body=_changes(), seconds=moments)
def test_truncated_and_re_encoded(door: Door, body: bytes, seconds: int) -> None:
    refused(door, body, signed(BODY, at=time.time() + seconds))


PARTS: st.SearchStrategy[Callable[[int], str]] = st.one_of(
    st.just(lambda at: f"t={at}"),
    st.just(lambda at: f"T={at}"),
    st.integers(-(10**15), 10**15).map(lambda number: lambda at: f"t={number}"),
    hexes.map(lambda value: lambda at: f"v1={value}"),
    st.just(lambda at: f"v1={digest(BODY, at=at).upper()}"),
    st.just(lambda at: f"v0={digest(BODY, at=at)}"),
    st.just(lambda at: f"v1={digest(BODY, at=at)[::-1]}"),
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30).map(lambda text: lambda at: text),
)


@FUZZ
@given(parts=st.lists(PARTS, max_size=8), joint=st.sampled_from([",", ", ", ";", "&", ",,"]))
def test_duplicated_headers_and_several_signatures(door: Door, parts: list[Callable[[int], str]], joint: str) -> None:
    at = int(time.time())

    refused(door, BODY, joint.join(part(at) for part in parts))


@FUZZ
@given(
    token=st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="?#\x00", exclude_categories=["Cs"]), min_size=1),
        st.sampled_from(
            ["second-token", "..", "%2e%2e", "%00", "second-token%20", "a" * 5000, "1 OR 1=1", "../admin/"]
        ),
    ),
    slash=st.booleans(),
)
def test_foreign_tokens_in_the_path(door: Door, token: str, slash: bool) -> None:
    address = f"{ADDRESS}/{token}{'/' if slash else ''}"
    if address.rstrip("/") == ADDRESS:
        address = f"{ADDRESS}/x"

    refused(door, BODY, signed(BODY), address=address)


@FUZZ
@given(
    size=st.integers(1, 3 * LIMIT),
    content_type=st.sampled_from(
        ["application/json", "multipart/form-data", "text/html", "", "nonsense", "a/b; c=\u00e9"]
    ),
    is_signed=st.booleans(),
    length=st.sampled_from([None, "-1", "many", "1e3", str(10**30), " 5", "0x10"]),
)
def test_huge_bodies_and_wrong_content_types(
    door: Door, size: int, content_type: str, is_signed: bool, length: str | None
) -> None:
    body = b"x" * size
    is_small = is_signed and size <= LIMIT and length is None  # such a one is Calendly's, whatever it says it is
    extra = {"content_type": content_type} | ({} if length is None else {"CONTENT_LENGTH": length})

    refused(door, body + b"!" if is_small else body, signed(body) if is_signed else "", **extra)


METHODS = ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "POSTS", "X-\u0001"]


@FUZZ
@given(
    method=st.one_of(st.sampled_from(METHODS), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=8)),
    is_signed=st.booleans(),
    body=st.binary(max_size=100),
)
def test_wrong_methods(door: Door, method: str, is_signed: bool, body: bytes) -> None:
    method = "GET" if method == "POST" else method

    status = door.post(body, signed(body) if is_signed else "", method=method)

    assert status < 500
    assert not WebhookDelivery.objects.exists()


def test_there_are_two_thousand_cases_at_least() -> None:
    assert CASES // 7 * 7 >= 2000 or "FUZZ" in os.environ
