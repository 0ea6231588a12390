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
        ("data-told>40 12 34 56<", "data-told>40…56<"),
        ("data-told>Call (030) 123-4567, or tlf:40123456.<", "data-told>Call 03…67, or tlf:40…56.<"),
        ("data-told>+45 40 12 34 56 or 0045 40123456<", "data-told>+45…56 or 00…56<"),
        (
            r"data-told>&quot;a\n40123456\n&quot;: &quot;40123456&quot;<",
            r"data-told>&quot;a\n40…56\n&quot;: &quot;40…56&quot;<",
        ),
        ("data-told>2026-11-22 40123456 at 14:00:00<", "data-told>2026-11-22 40…56 at 14:00:00<"),
        ("data-told>2026-11-22T14:00:00.000000Z, 22.11.2026<", "data-told>2026-11-22T14:00:00.000000Z, 22.11.2026<"),
        ("data-told>12345678-1234-4123-8123-123412341234, #12345678<",) * 2,
        ("data-told>https://zoom.example/j/123456789, 123456<",) * 2,
        ("<td>40123456</td>", "<td>40123456</td>"),
        ("2026-11-22T10:00:00+00:00 is 1 @ noon", "2026-11-22T10:00:00+00:00 is 1 @ noon"),
        ("@media print", "@media print"),
    ],
)
def test_every_shape_is_masked(text: str, masked: str) -> None:
    assert without_addresses(text) == masked


@pytest.mark.parametrize("verb", ["cancellations", "reschedulings"])
def test_links_that_act_for_a_person_go(verb: str) -> None:
    address = f"https://calendly.com/{verb}/e2f4a6b8-1c3d"
    text = f'<span data-acts><a href="{address}" rel="x">Do it</a></span> · <a href="/b">B</a> {{"url": "{address}"}}'

    assert without_addresses(text) == '<a href="/b">B</a> {"url": "…"}'


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
