"""What goes with what, by its name: sources with Brevo attributes, a question with the one that replaced it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

ALIKE = 0.88
"""How alike two names must be (0 to 1) before one is proposed for the other."""
LIKELY = 0.6
"""How alike two questions must be before one counts as the other's new text: staff see both and decide."""
SAME_MEANING = 0.95
LONGEST_NAME = 50

SYNONYMS: dict[str, tuple[str, ...]] = {
    "COMPANY": (
        "company", "company name", "organisation", "organization", "business", "employer", "firma", "firmanavn",
        "virksomhed", "virksomhedsnavn", "societe", "entreprise", "nom de la societe", "unternehmen", "firmenname",
    ),
    "SMS": (
        "sms", "phone", "phone number", "mobile", "mobile number", "mobile phone", "cell phone", "telefon",
        "telefonnummer", "mobil", "mobilnummer", "mobiltelefon", "telephone", "numero de telephone", "portable",
        "handy", "handynummer",
    ),
    "JOB_TITLE": (
        "role", "job role", "job title", "jobtitle", "title", "position", "your role", "stilling", "titel", "jobtitel",
        "rolle", "poste", "fonction", "intitule du poste", "berufsbezeichnung", "funktion",
    ),
    "FIRSTNAME": ("first name", "firstname", "given name", "fornavn", "prenom", "vorname"),
    "LASTNAME": ("last name", "lastname", "surname", "family name", "efternavn", "nom de famille", "nachname"),
    "WEBSITE": ("website", "web site", "homepage", "url", "hjemmeside", "site web", "webseite"),
    "COUNTRY": ("country", "land", "pays"),
    "CITY": ("city", "town", "by", "ville", "stadt", "ort"),
    "INDUSTRY": ("industry", "sector", "branche", "secteur", "secteur d activite"),
    "EMPLOYEES": (
        "employees", "number of employees", "company size", "team size", "ansatte", "antal ansatte", "effectif",
        "nombre de salaries", "mitarbeiter", "mitarbeiterzahl", "anzahl mitarbeiter",
    ),
    "BUDGET": ("budget", "your budget"),
}  # fmt: skip
"""A meaning, called as the attribute that usually holds it → how forms ask for it (English, Danish, French, German)."""

_FILLERS = frozenset({
    "a", "an", "the", "your", "you", "what", "is", "are", "which", "please", "of", "in", "for", "do", "we", "our", "s",
    "din", "dit", "dine", "jeres", "hvad", "er", "hvilken", "hvilket", "venligst", "den", "det",
    "votre", "vos", "quel", "quelle", "est", "le", "la", "les", "de", "du", "des", "l", "d", "merci",
    "ihr", "ihre", "ihren", "was", "wie", "ist", "welche", "welcher", "bitte", "der", "die", "das",
})  # fmt: skip
"""Words that tell nothing of what is asked."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that isn't mapped yet. `names`: what it is called; `fits`: whether an attribute can hold it."""

    source: str
    names: tuple[str, ...]
    fits: Callable[[str], bool] = lambda attribute: True


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A source and the attribute that seems made for it."""

    source: str
    attribute: str
    likeness: float


def suggest(sources: Iterable[Source], attributes: Sequence[str]) -> list[Suggestion]:
    """Return what to map, the likeliest first: each source and each attribute at most once."""
    pairs = (
        Suggestion(source=each.source, attribute=name, likeness=_best(each.names, name))
        for each in sources
        for name in attributes
        if each.names and each.fits(name)
    )
    found: list[Suggestion] = []
    for pair in sorted((pair for pair in pairs if pair.likeness >= ALIKE), key=lambda pair: -pair.likeness):
        if all(pair.source != other.source and pair.attribute != other.attribute for other in found):
            found.append(pair)
    return found


def _best(names: Iterable[str], attribute: str) -> float:
    return max(likeness(name, attribute, worth=ALIKE) for name in names)


def likeliest(question: str, candidates: Iterable[str]) -> str:
    """Return the candidate that most likely replaced a question; empty when none is like it."""
    scored = [(likeness(question, candidate, worth=LIKELY), candidate) for candidate in candidates]
    best, candidate = max(scored, default=(0.0, ""), key=lambda pair: pair[0])
    return candidate if best >= LIKELY else ""


def likeness(one: str, other: str, *, worth: float = 0.0) -> float:
    """Return how alike two names are, from 0 to 1: by the letters of their telling words, or by what they mean.

    Less than `worth` may come out as 0: whoever compares many names needs no exact figure for the unlike.
    """
    first, second = _telling(plain(one)), _telling(plain(other))
    if not first or not second:
        return 0.0
    meaning = meaning_of(one)
    if meaning and meaning == meaning_of(other):
        return 1.0 if first == second else SAME_MEANING
    letters = SequenceMatcher(None, first, second)
    if letters.real_quick_ratio() < worth or letters.quick_ratio() < worth:
        return 0.0
    return letters.ratio()


def meaning_of(name: str) -> str:
    """Return what a name asks for, as a key of SYNONYMS; empty when it isn't one of those."""
    words = plain(name)
    return _MEANINGS.get(words) or _MEANINGS.get(_telling(words), "")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name without case, accents and signs: “Prénom ?” → “prenom”, “JOB_TITLE” → “job title”."""
    spelt = name.casefold().translate(_LETTERS)
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", bare))


def attribute_name(question: str) -> str:
    """Return a name for an attribute that holds a question's answers: capitals A–Z, digits and “_”; no digit first."""
    name = _telling(plain(question)).replace(" ", "_").upper()
    name = f"Q_{name}" if name[:1].isdigit() else name
    cut = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME + 1].rpartition("_")[0] or name[:LONGEST_NAME]
    return cut or "ANSWER"


def best_kind(answers: Iterable[str]) -> str:
    """Return the type of attribute that can hold answers such as these; text when in doubt."""
    texts = [text.strip() for text in answers if text.strip()]
    if texts and all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) for text in texts):
        return "date"
    if texts and all(re.fullmatch(r"-?(0|[1-9]\d{0,8})([.,]\d+)?", text) for text in texts):
        return "float"
    return "text"


@lru_cache(maxsize=4096)
def _telling(words: str) -> str:
    """Return plain words without those that tell nothing, unless nothing would be left."""
    return " ".join(word for word in words.split() if word not in _FILLERS) or words


_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "œ": "oe"})  # no accents that could be taken off
_MEANINGS = {plain(name): meaning for meaning, names in SYNONYMS.items() for name in (meaning, *names)}
