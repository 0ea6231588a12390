"""What goes with what, by name: in four languages, and never a guess that only looks alike."""

import pytest

from calendly_connector.core import suggest
from calendly_connector.core.suggest import Source
from calendly_connector.services.mapping_check import ATTRIBUTE_NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Company", "COMPANY"),
        ("What is your company's name?", "COMPANY"),
        ("Firma", "COMPANY"),
        ("Votre société", "COMPANY"),
        ("Virksomhedsnavn?", "COMPANY"),
        ("Mobile number", "SMS"),
        ("Telefonnummer", "SMS"),
        ("Numéro de téléphone", "SMS"),
        ("Role", "JOB_TITLE"),
        ("Hvad er din stilling?", "JOB_TITLE"),
        ("Prénom", "FIRSTNAME"),
        ("meeting_date", "MEETING_DATE"),
        ("Team size", "EMPLOYEES"),
        ("Which topics?", "TOPICS"),
    ],
)
def test_what_belongs_together_is_alike(one: str, other: str) -> None:
    assert suggest.likeness(one, other) >= suggest.ALIKE
    assert suggest.likeness(other, one) >= suggest.ALIKE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("next_meeting_date", "MEETING_DATE"),
        ("first_utm_source", "LAST_UTM_SOURCE"),
        ("Company", "COMPANY_SIZE"),
        ("Mobile number", "NUMBER"),
        ("Role", "COMPANY"),
        ("", "COMPANY"),
        ("???", "COMPANY"),
        ("日本", "COMPANY"),
    ],
)
def test_what_only_looks_alike_is_not(one: str, other: str) -> None:
    assert suggest.likeness(one, other) < suggest.ALIKE


def test_each_source_and_each_attribute_is_proposed_once_the_likeliest_first() -> None:
    sources = [
        Source(source="answer:Company?", names=("Company?",)),
        Source(source="answer:Firma", names=("Firma",)),
        Source(source="moves", names=("moves", "Number of moves")),
    ]

    found = suggest.suggest(sources, ["SHOES", "COMPANY", "MOVES"])

    assert [(each.source, each.attribute) for each in found] == [("answer:Company?", "COMPANY"), ("moves", "MOVES")]


def test_an_attribute_of_an_unfitting_type_is_not_proposed() -> None:
    source = Source(source="moves", names=("moves",), fits=lambda attribute: attribute != "MOVES")

    assert suggest.suggest([source], ["MOVES"]) == []


@pytest.mark.parametrize(
    ("question", "candidates", "expected"),
    [
        ("company", ["Which topics?", "Company name"], "Company name"),
        ("Role", ["Job title", "Mobile number"], "Job title"),
        ("What is your budget?", ["What budget do you have?", "What is your name?"], "What budget do you have?"),
        ("Shoe size", ["Which topics?"], ""),
        ("Shoe size", [], ""),
    ],
)
def test_the_likeliest_new_question_is_found(question: str, candidates: list[str], expected: str) -> None:
    assert suggest.likeliest(question, candidates) == expected


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Which topics?", "TOPICS"),
        ("What is your role?", "ROLE"),
        ("Hvad er jeres størrelse?", "STORRELSE"),
        ("Straße & Hausnummer", "STRASSE_HAUSNUMMER"),
        ("2nd choice", "Q_2ND_CHOICE"),
        ("What is it for?", "IT"),
        ("Which?", "WHICH"),
        ("???", "ANSWER"),
        ("word " * 30, "WORD_WORD_WORD_WORD_WORD_WORD_WORD_WORD_WORD_WORD"),
        ("x" * 80, "X" * 50),
    ],
)
def test_a_question_becomes_a_name_that_brevo_takes(question: str, name: str) -> None:
    assert suggest.attribute_name(question) == name
    assert ATTRIBUTE_NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        (["2026-12-03", " 2027-01-01 "], "date"),
        (["12", "1,5", "-3"], "float"),
        (["12", "a dozen"], "text"),
        (["+33612345678"], "text"),
        (["0612345678"], "text"),
        (["3/12/2026"], "text"),
        (["", " "], "text"),
        ([], "text"),
    ],
)
def test_a_type_is_proposed_that_holds_the_answers(answers: list[str], kind: str) -> None:
    assert suggest.best_kind(answers) == kind


def test_no_name_has_two_meanings() -> None:
    names = [suggest.plain(name) for names in suggest.SYNONYMS.values() for name in names]

    assert len(names) == len(set(names))
