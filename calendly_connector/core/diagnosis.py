"""What the doctor says: findings by level, each with its remedy and a part of docs/repair.md. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad something is, the worst first."""

    BAD = "bad"  # bookings or writes are lost or stand still
    WARN = "warn"  # it will become bad, or something is left out
    NOTE = "note"  # worth knowing; nothing is wrong
    UNKNOWN = "unknown"  # could not be looked at
    GOOD = "good"


WRONG = (Level.BAD, Level.WARN)
"""Levels of what somebody has to mend."""


class Symptom(StrEnum):
    """What people complain of: the anchors of the headings in docs/repair.md."""

    INSTALLATION = "the-installation-itself"
    NO_WORK = "nothing-happens-any-more"
    WRONG_SCOPE = "wrong-scope-403"
    CALENDLY_REFUSES = "401-from-calendly"
    BREVO_REFUSES = "401-from-brevo-or-writing-is-paused"
    TOO_MANY = "429-too-many-calls"
    NOTHING_ARRIVES = "nothing-arrives"
    NOTHING_WRITTEN = "it-arrives-but-nothing-is-written"
    MISSING_ANSWERS = "missing-answers"
    NOT_ON_LIST = "a-contact-is-not-on-its-list"
    DUPLICATES = "duplicates-or-a-mail-sent-twice"
    NO_MAIL = "no-mail-is-sent"
    NO_SHOW = "a-no-show-is-not-seen"


class Page(StrEnum):
    """Where in the admin a remedy begins."""

    CONNECTION = "connection"
    ACCOUNT = "account"
    MAPPING = "mapping"
    FIELDS = "fields"
    JOBS = "jobs"
    SCHEDULES = "schedules"
    DELIVERIES = "deliveries"
    REPAIR = "repair"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page of the admin; `key` is the row's, 0 for a page without one."""

    page: Page
    key: int = 0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `remedy` and `symptom` are empty unless there is something to mend."""

    level: Level
    words: str
    remedy: str = ""
    symptom: Symptom | None = None
    place: Place | None = None

    @property
    def is_wrong(self) -> bool:
        """Return whether somebody has to do something."""
        return self.level in WRONG


def good(words: str) -> Finding:
    """Return that something is well."""
    return Finding(level=Level.GOOD, words=words)


def note(words: str, remedy: str = "", *, place: Place | None = None) -> Finding:
    """Return something worth knowing."""
    return Finding(level=Level.NOTE, words=words, remedy=remedy, place=place)


def unknown(words: str) -> Finding:
    """Return that something could not be looked at."""
    return Finding(level=Level.UNKNOWN, words=words)


def warn(words: str, remedy: str, symptom: Symptom, *, place: Place | None = None) -> Finding:
    """Return something that somebody should mend."""
    return Finding(level=Level.WARN, words=words, remedy=remedy, symptom=symptom, place=place)


def bad(words: str, remedy: str, symptom: Symptom, *, place: Place | None = None) -> Finding:
    """Return something that has to be mended now."""
    return Finding(level=Level.BAD, words=words, remedy=remedy, symptom=symptom, place=place)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level there is; GOOD when nothing was found."""
    levels = {finding.level for finding in findings}
    return next((level for level in Level if level in levels), Level.GOOD)


def by_age(seconds: float, *, warn_after: float, bad_after: float) -> Level:
    """Return how bad it is that something waits for so many seconds."""
    return Level.BAD if seconds >= bad_after else Level.WARN if seconds >= warn_after else Level.GOOD
