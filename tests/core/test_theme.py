"""A theme and a list of sites let through what they are for, and nothing else."""

import pytest

from calendly_connector.core import origins, theme


@pytest.mark.parametrize(
    ("name", "value"),
    [("accent", "#0b5cad"), ("text", "#123"), ("radius", "0"), ("radius", "1.25rem"), ("font", 'Georgia, "Open Sans"')],
)
def test_a_good_value_becomes_a_variable(name: str, value: str) -> None:
    assert theme.wrong_in({name: value}) == ()
    assert f"--book-{name}: {value};" in theme.stylesheet({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accent", "red; } body { display: none"),
        ("accent", "url(https://evil.example)"),
        ("accent", "#12345"),
        ("radius", "8"),
        ("radius", "calc(1px)"),
        ("radius", "8px\n"),
        ("font", "Arial; color: red"),
        ("font", "url(x)"),
        ("font", ""),
        ("color", "#000"),
        ("accent", 5),
    ],
)
def test_whatever_could_do_more_is_named_and_left_out(name: str, value: object) -> None:
    assert theme.wrong_in({name: value}) == (name,)
    assert theme.stylesheet({name: value}) == ":root {\n}\n"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("https://WWW.Example.com/", "https://www.example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://example.com:443", "https://example.com"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://example.com", ""),
        ("https://*.example.com", ""),
        ("https://example.com/path", ""),
        ("https://user@example.com", ""),
        ("https://example.com; script-src *", ""),
        ("https://example.com:x", ""),
        ("*", ""),
        ("null", ""),
        ("example.com", ""),
        ("https://[::1", ""),
    ],
)
def test_a_site_is_an_origin_and_nothing_more(text: str, origin: str) -> None:
    assert origins.tidy(text) == origin
    assert origins.allowed([text]) == ((origin,) if origin else ())
