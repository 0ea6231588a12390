"""How a connection is, in one word, and the one thing that staff should do first. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Green, amber, red."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Finding(StrEnum):
    """What is said of a connection, the most urgent first. Each has its sentence and its button."""

    RECONNECT = "reconnect"
    NOT_CONNECTED = "not_connected"
    DISABLED = "disabled"
    NOT_SUBSCRIBED = "not_subscribed"
    PAUSED = "paused"
    EXPIRED = "expired"
    CANT_DELIVER = "cant_deliver"
    SWITCHED_OFF = "switched_off"
    FAILED = "failed"
    LEFT_OUT = "left_out"
    UNKNOWN = "unknown"
    UNASKED = "unasked"
    UNDECIDED = "undecided"
    RENAMED = "renamed"
    SILENT = "silent"
    FINE = "fine"


LEVELS = {
    Finding.RECONNECT: Level.BAD,
    Finding.NOT_CONNECTED: Level.BAD,
    Finding.DISABLED: Level.BAD,
    Finding.NOT_SUBSCRIBED: Level.BAD,
    Finding.PAUSED: Level.BAD,
    Finding.FINE: Level.GOOD,
}
"""The others are amber: bookings still come in and are still written."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one connection."""

    must_reconnect: bool = False
    is_connected: bool = True
    is_disabled: bool = False  # by Calendly, which gave up delivering
    is_subscribed: bool = True
    is_paused: bool = False
    is_expired: bool = False  # the token should have been renewed by now
    cant_deliver: bool = False
    is_active: bool = True
    failed: int = 0
    left_out: int = 0  # written, but without a value that staff could mend
    unknown: int = 0  # mapped event types and lists that neither service has
    unasked: int = 0  # event types whose lists wait for an answer to a question that they don't ask
    undecided: int = 0
    renamed: int = 0
    is_silent: bool = False


def findings(facts: Facts) -> list[Finding]:
    """Return everything that somebody should look at, the most urgent first; nothing when all is well.

    One trouble hides what only follows from it: who isn't let in has no subscription either.
    """
    let_in = facts.is_connected and not facts.must_reconnect
    tests = {
        Finding.RECONNECT: facts.must_reconnect,
        Finding.NOT_CONNECTED: not facts.is_connected and not facts.must_reconnect,
        Finding.DISABLED: let_in and facts.is_subscribed and facts.is_disabled,
        Finding.NOT_SUBSCRIBED: let_in and not facts.is_subscribed,
        Finding.PAUSED: facts.is_paused,
        Finding.EXPIRED: let_in and facts.is_expired,
        Finding.CANT_DELIVER: let_in and facts.is_subscribed and facts.cant_deliver and not facts.is_disabled,
        Finding.SWITCHED_OFF: not facts.is_active,
        Finding.FAILED: facts.failed > 0,
        Finding.LEFT_OUT: facts.left_out > 0,
        Finding.UNKNOWN: facts.unknown > 0,
        Finding.UNASKED: facts.unasked > 0,
        Finding.UNDECIDED: facts.undecided > 0,
        Finding.RENAMED: facts.renamed > 0,
        Finding.SILENT: facts.is_silent,
    }
    return [finding for finding in Finding if tests.get(finding)]


def choose(facts: Facts) -> Finding:
    """Return what the banner says."""
    return next(iter(findings(facts)), Finding.FINE)


def level_of(finding: Finding) -> Level:
    """Return how bad a finding is."""
    return LEVELS.get(finding, Level.WARN)
