"""Only bytes that Calendly signed, a short while ago, under one of our keys, get through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendly_connector.core import signature
from calendly_connector.core.errors import SignatureError, SignatureMismatch, SignatureMissing, SignatureStale

# The test vector of calendly-api.md §5.5.
KEY = "kN7vXo2rQm5tYb8wEzHc1LfJdSgUaPi0"
STAMP = 1795342505
BODY = '{"event":"invitee.created","payload":{"name":"Zoé"}}'.encode()
DIGEST = "21cf3485e5024c260c7ce0b8b7777e072d4119f7e8ff3712671ec58773ed43fa"
HEADER = f"t={STAMP},v1={DIGEST}"
OTHER = "0" * 64


def verify(
    header: str = HEADER, *, body: bytes = BODY, keys: tuple[str, ...] = (KEY,), now: float = STAMP, **more: int
) -> None:
    signature.verify(body, header, keys=keys, now=now, **more)


def test_digest_is_the_test_vector() -> None:
    assert signature.sign(BODY, stamp=str(STAMP), key=KEY) == DIGEST


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        f"v1={DIGEST},t={STAMP}",
        f"t={STAMP}, v1={DIGEST}",
        f" t={STAMP} , v1={DIGEST} ",
        f"t={STAMP},v1={OTHER},v1={DIGEST}",
        f"t={STAMP},v1={DIGEST},v1={OTHER}",
        f"t={STAMP},v0=abc,v1={DIGEST},v2=def",
        f"t={STAMP},,v1={DIGEST},",
        f"v1=nonsense,t={STAMP},v1={DIGEST}",
        f"v1=é\udcff,t={STAMP},v1={DIGEST}",
    ],
)
def test_header_with_the_right_signature_passes_however_it_is_arranged(header: str) -> None:
    verify(header)


@pytest.mark.parametrize("keys", [(KEY,), (KEY, "previous"), ("current", KEY), ("", KEY)])
def test_any_of_our_keys_will_do(keys: tuple[str, ...]) -> None:
    verify(keys=keys)


@pytest.mark.parametrize("keys", [(), ("",), ("", "")])
def test_without_a_key_nothing_passes(keys: tuple[str, ...]) -> None:
    unkeyed = signature.sign(BODY, stamp=str(STAMP), key="")

    with pytest.raises(SignatureMissing) as refusal:
        verify(f"t={STAMP},v1={unkeyed}", keys=keys)

    assert str(refusal.value) == "There is no signing key to check deliveries with."


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"t={STAMP}",
        f"v1={DIGEST}",
        f"t=,v1={DIGEST}",
        f"t={STAMP},v0={DIGEST}",
        f"T={STAMP},V1={DIGEST}",
        f"t={STAMP},t={STAMP},v1={DIGEST}",
        f"t={STAMP},t={STAMP + 1},v1={DIGEST}",
        f"t=-{STAMP},v1={DIGEST}",
        f"t=+{STAMP},v1={DIGEST}",
        f"t={STAMP}.0,v1={DIGEST}",
        "t=1_795_342_505,v1=" + DIGEST,
        "t=１７９５３４２５０５,v1=" + DIGEST,
        "t=1795342505٣,v1=" + DIGEST,
        f"t=0x6b02cfa9,v1={DIGEST}",
        f"t= {STAMP} x,v1={DIGEST}",
        f"t={'9' * 5000},v1={DIGEST}",
        f"t={'0' * 3}{STAMP},v1={DIGEST}",
    ],
)
def test_header_without_a_readable_time_and_signature_is_refused(header: str) -> None:
    with pytest.raises(SignatureMissing) as refusal:
        verify(header)

    assert str(refusal.value) == "The delivery has no readable Calendly-Webhook-Signature header."


def test_time_stamp_of_twelve_digits_is_read() -> None:
    digest = signature.sign(BODY, stamp=f"00{STAMP}", key=KEY)

    verify(f"t=00{STAMP},v1={digest}")


@pytest.mark.parametrize("seconds", [-180, -179.5, 0, 179.5, 180])
def test_three_minutes_of_difference_are_tolerated_both_ways(seconds: float) -> None:
    verify(now=STAMP + seconds)


@pytest.mark.parametrize("seconds", [-86_400, -181, -180.5, 180.5, 181, 86_400])
def test_an_older_or_a_later_delivery_is_stale(seconds: float) -> None:
    with pytest.raises(SignatureStale) as refusal:
        verify(now=STAMP + seconds)

    assert str(refusal.value) == ("The delivery's time stamp is more than 180 seconds from this machine's clock.")


def test_tolerance_is_the_callers_choice() -> None:
    verify(now=STAMP + 600, tolerance=600)

    with pytest.raises(SignatureStale):
        verify(now=STAMP + 11, tolerance=10)


@pytest.mark.parametrize(
    ("header", "body", "keys"),
    [
        (f"t={STAMP},v1={OTHER}", BODY, (KEY,)),
        (f"t={STAMP},v1=", BODY, (KEY,)),
        (f"t={STAMP},v1={DIGEST.upper()}", BODY, (KEY,)),
        (f"t={STAMP},v1=x={DIGEST}", BODY, (KEY,)),
        (f"t={STAMP},v1={DIGEST[:-1]}", BODY, (KEY,)),
        (f"t={STAMP},v1=zz-not-hex-é", BODY, (KEY,)),
        (f"t={STAMP + 1},v1={DIGEST}", BODY, (KEY,)),
        (HEADER, BODY + b" ", (KEY,)),
        (HEADER, b"", (KEY,)),
        (HEADER, BODY, ("another key", "and its predecessor")),
        (HEADER, BODY, (KEY + " ",)),
    ],
    ids=[
        "other",
        "empty",
        "capitals",
        "equals",
        "cut",
        "no-hex",
        "other-time",
        "body+",
        "no-body",
        "other-keys",
        "key+space",
    ],
)
def test_what_was_not_signed_with_our_key_is_refused(header: str, body: bytes, keys: tuple[str, ...]) -> None:
    with pytest.raises(SignatureMismatch) as refusal:
        verify(header, body=body, keys=keys)

    assert str(refusal.value) == "The signature doesn't fit the body: wrong signing key, or a changed body."


def test_body_written_anew_no_longer_fits() -> None:
    with pytest.raises(SignatureMismatch):
        verify(body=BODY.replace("é".encode(), rb"\u00e9"))


@given(header=st.text(), body=st.binary())
def test_no_header_passes_by_chance_and_none_breaks_the_check(header: str, body: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(header, body=body)


@given(
    body=st.binary(), key=st.text(min_size=1).filter(lambda text: text.isprintable()), stamp=st.integers(0, 10**12 - 1)
)
def test_what_we_sign_we_accept(body: bytes, key: str, stamp: int) -> None:
    digest = signature.sign(body, stamp=str(stamp), key=key)

    verify(f"t={stamp},v1={digest}", body=body, keys=(key,), now=stamp)
