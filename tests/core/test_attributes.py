"""What Brevo would drop without a word is either turned into what it keeps, or refused with a reason."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendly_connector.core import attributes
from calendly_connector.core.attributes import Attribute, Unfit, convert

TEXT, DATE, NUMBER = (Attribute(name="X", kind=kind) for kind in ("text", "date", "float"))
YES_NO, USER = (Attribute(name="X", kind=kind) for kind in ("boolean", "user"))
CATEGORY = Attribute(
    name="STATUS", kind="category", options=(("1", "Booked"), ("2", " Canceled "), ("vip", "Important"), ("3", "1"))
)
CHOICES = Attribute(
    name="TOPICS", kind="multiple-choice", options=(("Pricing", "Pricing"), ("Über uns", "Über uns"), ("a, b", "a, b"))
)
PARIS = timezone(timedelta(hours=1))
LATE = datetime(2026, 12, 3, 23, 30, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("value", "attribute", "expected"),
    [
        ("Zoé\n", TEXT, "Zoé\n"),
        (7, TEXT, "7"),
        (7.5, TEXT, "7.5"),
        (True, TEXT, "true"),
        (False, TEXT, "false"),
        (date(2026, 12, 3), TEXT, "2026-12-03"),
        (LATE, TEXT, "2026-12-03T23:30:00+01:00"),
        (("Pricing", "Security"), TEXT, "Pricing\nSecurity"),
        (date(2026, 12, 3), DATE, "2026-12-03"),
        (LATE, DATE, "2026-12-03"),
        ("2026-12-03", DATE, "2026-12-03"),
        (" 2026-12-03T23:30:00 ", DATE, "2026-12-03"),
        ("1000", NUMBER, 1000),
        ("0.125", NUMBER, 0.125),
        ("1,25", NUMBER, 1.25),
        (7, NUMBER, 7),
        (7.0, NUMBER, 7),
        (7.5, NUMBER, 7.5),
        (-0.25, NUMBER, -0.25),
        (True, NUMBER, 1),
        (" 12,5 ", NUMBER, 12.5),
        ("12.0", NUMBER, 12),
        ("1e3", NUMBER, 1000),
        (True, YES_NO, True),
        (False, YES_NO, False),
        (" Yes ", YES_NO, True),
        ("SÍ", YES_NO, True),
        (1, YES_NO, True),
        ("Nein", YES_NO, False),
        (0, YES_NO, False),
        ("booked", CATEGORY, 1),
        (" CANCELED", CATEGORY, 2),
        ("important", CATEGORY, "vip"),
        ("VIP", CATEGORY, "vip"),
        ("2", CATEGORY, 2),
        ("1", CATEGORY, 3),
        ("Pricing", CHOICES, ("Pricing",)),
        ("pricing\n ÜBER UNS \n\nPricing", CHOICES, ("Pricing", "Über uns")),
        (("a, b", "Pricing"), CHOICES, ("a, b", "Pricing")),
        ("", CHOICES, ()),
        (" Camille@Example.FR ", USER, "camille@example.fr"),
    ],
    ids=repr,
)
def test_value_is_converted(value: Any, attribute: Attribute, expected: Any) -> None:
    converted = convert(value, attribute)

    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "attribute", "reason"),
    [
        ("next week", DATE, "“next week” is no date (YYYY-MM-DD)"),
        (
            "2026-12-03T23:30:00Z",
            DATE,
            "“2026-12-03T23:30:00Z” is an exact time, and which day that is depends on the place",
        ),
        ("1,000", NUMBER, "“1,000” may be a thousand times more or less: write it without a separator"),
        ("-12.500", NUMBER, "“-12.500” may be a thousand times more or less: write it without a separator"),
        ("x" * 99, DATE, f"“{'x' * 60}” is no date (YYYY-MM-DD)"),
        ("", DATE, "“” is no date (YYYY-MM-DD)"),
        (7, DATE, "“7” is no date (YYYY-MM-DD)"),
        ("about ten", NUMBER, "“about ten” is no number"),
        ("x" * 99, NUMBER, f"“{'x' * 60}” is no number"),
        ("", NUMBER, "“” is no number"),
        ("nan", NUMBER, "“nan” is no number that Brevo can keep"),
        ("1e999" + " " * 99, NUMBER, f"“{'1e999' + ' ' * 55}” is no number that Brevo can keep"),
        (math.inf, NUMBER, "“inf” is no number that Brevo can keep"),
        ("maybe", YES_NO, "“maybe” is neither yes nor no"),
        ("x" * 99, YES_NO, f"“{'x' * 60}” is neither yes nor no"),
        (2, YES_NO, "“2” is neither yes nor no"),
        ("lost", CATEGORY, "“lost” is not among STATUS's options: Booked,  Canceled , Important, 1"),
        ("x" * 99, CATEGORY, f"“{'x' * 60}” is not among STATUS's options: Booked,  Canceled , Important, 1"),
        ("Pricing\nLunch", CHOICES, "“Lunch” is not among TOPICS's options: Pricing, Über uns, a, b"),
        ("x" * 99, CHOICES, f"“{'x' * 60}” is not among TOPICS's options: Pricing, Über uns, a, b"),
        ("Camille", USER, "“camille” is no e-mail address of a Brevo user"),
        ("x" * 99, USER, f"“{'x' * 60}” is no e-mail address of a Brevo user"),
    ],
    ids=repr,
)
def test_value_that_does_not_fit_is_refused_with_its_reason(value: Any, attribute: Attribute, reason: str) -> None:
    with pytest.raises(Unfit) as refusal:
        convert(value, attribute)

    assert str(refusal.value) == reason


@pytest.mark.parametrize("kind", ["category", "multiple-choice"])
def test_attribute_without_options_fits_nothing(kind: str) -> None:
    with pytest.raises(Unfit, match="“any” is not among EMPTY's options: none"):
        convert("any", Attribute(name="EMPTY", kind=kind))


def test_reason_names_twenty_options_at_most() -> None:
    many = Attribute(name="MANY", kind="category", options=tuple((str(number), f"<{number}>") for number in range(30)))

    with pytest.raises(Unfit) as refusal:
        convert("any", many)

    assert str(refusal.value).endswith("<19>")


@pytest.mark.parametrize("kind", ["calculated", "global", "of tomorrow"])
def test_attribute_that_brevo_computes_is_never_written(kind: str) -> None:
    with pytest.raises(Unfit) as refusal:
        convert("7", Attribute(name="SCORE", kind=kind))

    assert str(refusal.value) == "Brevo computes SCORE itself; it can't be written"


@pytest.mark.parametrize("word", sorted(attributes.TRUE_WORDS))
def test_words_of_agreement_are_true(word: str) -> None:
    assert convert(word, YES_NO) is True


@pytest.mark.parametrize("word", sorted(attributes.FALSE_WORDS))
def test_words_of_refusal_are_false(word: str) -> None:
    assert convert(word, YES_NO) is False


def test_no_word_means_both() -> None:
    assert not attributes.TRUE_WORDS & attributes.FALSE_WORDS


def test_text_is_cut_at_the_limit() -> None:
    assert convert("x" * 50_001, TEXT) == "x" * 50_000


def is_kept_by_brevo(value: Any, attribute: Attribute) -> bool:
    """Return whether a value is of the JSON type that brevo-api.md §4.3 names for the attribute's kind."""
    stored = {value for value, _ in attribute.options}
    match attribute.kind:
        case "text":
            return isinstance(value, str) and len(value) <= 50_000
        case "date":
            return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "boolean":
            return isinstance(value, bool)
        case "category":
            return isinstance(value, int | str) and not isinstance(value, bool) and str(value) in stored
        case "multiple-choice":
            return isinstance(value, tuple) and stored.issuperset(value) and len(set(value)) == len(value)
        case _:
            return isinstance(value, str) and "@" in value


VALUES = (
    st.text()
    | st.sampled_from(["yes", "2026-12-03", "12,5", "Booked", "Pricing\nÜber uns", "camille@example.fr", "1_000"])
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.lists(st.text() | st.sampled_from(["Pricing", "a, b"])).map(tuple)
)
ANY = [TEXT, DATE, NUMBER, YES_NO, USER, CATEGORY, CHOICES, Attribute(name="X", kind="calculated")]


@given(value=VALUES, attribute=st.sampled_from(ANY))
def test_any_value_becomes_what_brevo_keeps_or_is_refused(value: Any, attribute: Attribute) -> None:
    try:
        converted = convert(value, attribute)
    except Unfit as refusal:
        assert str(refusal)
    else:
        assert is_kept_by_brevo(converted, attribute)


@given(value=VALUES, attribute=st.sampled_from([TEXT, DATE, NUMBER, YES_NO, USER]))
def test_converting_what_was_converted_changes_nothing(value: Any, attribute: Attribute) -> None:
    try:
        converted = convert(value, attribute)
    except Unfit:
        return

    assert convert(converted, attribute) == converted
