"""What a visitor filled in, tidied and checked here first: Calendly's refusals cost one of a few bookings a minute."""

from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.encoding import punycode

from calendly_connector.clients.calendly_scheduling import UTM_KEYS, BookableType, Place, Question, Wish
from calendly_connector.models import Connection
from calendly_connector.services import normalise

MOST_GUESTS = 10  # calendly-api.md §4.11
LONGEST = {"name": 255, "first_name": 255, "last_name": 255, "email": 320}
LONGEST_ANSWER = 10_000
SEVERAL = "\n"  # between the chosen ones of a multi_select's answer
WITH_TEXT = ("physical", "outbound_call", "ask_invitee", "custom")
"""Kinds of place that Calendly wants `location` for; an `outbound_call` and `ask_invitee` take the visitor's own."""
BY_VISITOR = ("outbound_call", "ask_invitee")

Problems = dict[str, str]


def tidy(connection: Connection, wish: Wish, kind: BookableType) -> tuple[Wish, Problems]:
    """Return the wish as Calendly wants it, and what is wrong with it: field → words.

    Answers are fields by their position ("answers.0"), guests by theirs.
    """
    problems: Problems = {}
    email = _email(wish.email)
    names = {name: getattr(wish, name).strip() for name in ("name", "first_name", "last_name")}
    problems |= {name: "This is too long." for name, text in names.items() if len(text) > LONGEST[name]}
    if not (names["name"] or names["first_name"]):
        problems["name"] = "Please tell your name."
    if not email:
        problems["email"] = "This isn't an e-mail address that we can write to."
    if not _is_zone(wish.timezone):
        problems["timezone"] = "This time zone isn't known."
    tidied = replace(
        wish,
        **names,
        email=email,
        text_reminder_number=_phone(connection, wish.text_reminder_number, "text_reminder_number", problems),
        place=_place(connection, wish.place, kind, problems),
        answers=_answers(connection, wish.answers, kind, problems),
        guests=_guests(wish.guests, email, problems),
        tracking={key: str(value)[:255] for key, value in wish.tracking.items() if key in UTM_KEYS and value},
    )
    return tidied, problems


def _email(text: str) -> str:
    """Return an address trimmed, its domain in ASCII (münchen.de is xn--mnchen-3ya.de in every mail); "" for none."""
    local, _, domain = text.strip().rpartition("@")
    try:
        address = f"{local}@{punycode(domain)}"
        EmailValidator()(address)
    except (UnicodeError, ValidationError):
        return ""
    return address if len(address) <= LONGEST["email"] else ""


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


def _phone(connection: Connection, number: str, field: str, problems: Problems) -> str:
    """Return a number such as +33612345678, "" for none given."""
    if not number.strip():
        return ""
    found = normalise.to_e164(number, region=connection.phone_region)
    if not found:
        problems[field] = "This isn't a phone number. Write it with its country code, such as +45 32 12 34 56."
    return found


def _guests(given: Iterable[str], email: str, problems: Problems) -> tuple[str, ...]:
    """Return the guests' addresses, each once, without the invitee's own."""
    found: dict[str, str] = {}
    for at, text in enumerate(each for each in given if each.strip()):
        address = _email(text)
        if not address:
            problems[f"guests.{at}"] = "This isn't an e-mail address that we can write to."
        elif address.lower() != email.lower():
            found.setdefault(address.lower(), address)
    if len(found) > MOST_GUESTS:
        problems["guests"] = f"At most {MOST_GUESTS} guests can come along."
    return tuple(found.values())


def _place(connection: Connection, given: Place | None, kind: BookableType, problems: Problems) -> Place | None:
    """Return one of the configured places. None is sent where there is none to choose, nor for a round robin."""
    if kind.is_pooled or not kind.places:
        return None
    if given is None:
        given = kind.places[0]  # as Calendly's page does where there is no choice
        if len(kind.places) > 1:
            problems["place"] = "Please choose where to meet."
    fitting = [place for place in kind.places if place.kind == given.kind]
    exact = [place for place in fitting if place.kind in BY_VISITOR or not given.text or place.text == given.text]
    if not exact:
        problems["place"] = "This place isn't offered."
        return None
    return _with_text(connection, given if given.kind in BY_VISITOR else exact[0], problems)


def _with_text(connection: Connection, place: Place, problems: Problems) -> Place | None:
    """Return a place with the text that its kind needs, and without any otherwise."""
    if place.kind not in WITH_TEXT:
        return Place(kind=place.kind, text="")
    text = place.text.strip()[: LONGEST["name"]]
    if place.kind == "outbound_call":
        text = _phone(connection, text, "place", problems)
    if not text and place.kind in BY_VISITOR:
        problems.setdefault("place", "Please say where we reach you.")
    return Place(kind=place.kind, text=text)


def _answers(
    connection: Connection, given: Iterable[tuple[str, str, int]], kind: BookableType, problems: Problems
) -> tuple[tuple[str, str, int], ...]:
    """Return the answers in the questions' order, with the questions' own texts and positions."""
    texts = {question: answer.strip() for question, answer, _ in given}
    known = {question.text for question in kind.questions}
    if texts.keys() - known:
        problems["answers"] = "This question isn't asked any more. Please open the page again."
    found = []
    for question in kind.questions:
        answer = _answer(connection, question, texts.get(question.text, ""), problems)
        if answer:
            found.append((question.text, answer, question.position))
    return tuple(found)


def _answer(connection: Connection, question: Question, answer: str, problems: Problems) -> str:
    field = f"answers.{question.position}"
    if not answer:
        if question.is_required:
            problems[field] = "Please answer this question."
        return ""
    if len(answer) > LONGEST_ANSWER:
        problems[field] = "This is too long."
    if question.kind == "phone_number":
        return _phone(connection, answer, field, problems)
    if question.kind in ("single_select", "multi_select") and not question.takes_other:
        chosen = answer.split(SEVERAL) if question.kind == "multi_select" else [answer]
        if any(each.strip() not in question.choices for each in chosen):
            problems[field] = "Please choose one of the answers that are offered."
    return answer
