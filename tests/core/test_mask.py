"""No shape of an address stays readable, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from calendly_connector.core.mask import masked_stream, without_addresses


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("nadia@example.com", "n…@e….com"),
        ("Nadia Petit <nadia.petit+tag@mail.example.co.uk>, she said", "Nadia Petit <n…@m….uk>, she said"),
        ("<td>nadia<wbr>@example.com</td>", "<td>n…@e….com</td>"),
        ('title="nadia@example.com"', 'title="n…@e….com"'),
        ("o&#x27;neil@example.com", "o…@e….com"),
        ("tom&amp;co@example.com", "t…@e….com"),
        ('{"email": "zo\\u00e9@example.com"}', '{"email": "z…@e….com"}'),
        ("zoé@bücher.example", "z…@b….example"),
        ("root@localhost", "r…@l…"),
        ('href="?q=nadia%40example.com&amp;p=2"', 'href="?q=n%E2%80%A6%40e%E2%80%A6.com&amp;p=2"'),
        ("?q=nadia%2Btag%40example.com", "?q=n%E2%80%A6%40e%E2%80%A6.com"),
        ("Phone +4512345678.", "Phone +45…78."),
        ("?phone=%2B4512345678", "?phone=%2B45…78"),
        ("2026-11-22T10:00:00+00:00 is 1 @ noon", "2026-11-22T10:00:00+00:00 is 1 @ noon"),
        ("@media print", "@media print"),
    ],
)
def test_every_shape_is_masked(text: str, masked: str) -> None:
    assert without_addresses(text) == masked


def test_what_may_be_read_stays() -> None:
    text = "I am anna@example.com, <b>anna%40example.com</b>; she is zoe@example.com"

    masked = without_addresses(text, spared={"anna@example.com"})

    assert masked == "I am anna@example.com, <b>anna%40example.com</b>; she is z…@e….com"


def test_links_carry_what_was_asked_for() -> None:
    text = '<input value="zoe@example.com"> <a href="?q=zoe%40example.com&amp;p=2">2</a>'

    masked = without_addresses(text, asked="zoe@example.com")

    assert masked == '<input value="z…@e….com"> <a href="?q=zoe%40example.com&amp;p=2">2</a>'


@given(some.lists(some.sampled_from(["zoe", "@", "example", ".com", " ", "\n", "<wbr>", "%40", "é", "x" * 50])))
def test_a_stream_is_masked_as_its_whole_is(chunks: list[str]) -> None:
    assert "".join(masked_stream(chunks, without_addresses)) == without_addresses("".join(chunks))
