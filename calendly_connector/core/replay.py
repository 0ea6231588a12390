"""What doing a log entry once more would do, or why it is left out (pure). A plan counts it, the replay does it.

The answer depends on a few facts alone, so that a hundred thousand entries are planned by their groups.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from calendly_connector.core import cause, decide
from calendly_connector.core.rules import RuleSet
from calendly_connector.core.steps import Skip
from calendly_connector.core.trigger import Trigger


class Effect(StrEnum):
    """What reaches Brevo."""

    CONTACT = "contact"
    LISTS = "lists"
    OPT_IN = "opt_in"
    EVENT = "event"  # for the first time, as far as we know
    EVENT_AGAIN = "event_again"  # although it was, or may have been, sent before


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How staff want it done: by today's mapping or as it was then; and whether what was sent may be sent again."""

    is_today: bool = True
    sends_again: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What decides about one entry."""

    kind: str
    state: str
    cause: str = ""
    trigger: str = ""
    event_type: str = ""  # of the booking; "" without one
    event_name: str = ""  # that was to be sent
    lists: tuple[int, ...] = ()  # that were to be left
    is_history: bool = False  # held back when it was brought in


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Either an effect, an event's with its name, or the reason why there is none."""

    effect: Effect | None = None
    event_name: str = ""
    reason: str = ""


WAITS = "It waits to be sent already."
IN_DOUBT = "Its outcome is being looked up in Brevo."
SENT = "The event was sent before, and isn't sent twice."
HISTORY = "The event was held back when history was brought in."
IGNORED = "Its event type is set to “ignore” in today's mapping."
NO_EVENT = "Today's mapping sends no event for this."
LEFT_OUT_THEN = "The mapping of that day left it out."
NO_BOOKING = "Its booking is gone, so it can't be decided anew."
LISTS_LEFT = "The lists were left already, and aren't left again."
LISTS_UNNAMED = "Today's mapping doesn't name these lists any more."
ASKED = "The person was asked already, and isn't asked twice."
REASONS = (
    *(WAITS, IN_DOUBT, SENT, HISTORY, IGNORED, NO_EVENT, LEFT_OUT_THEN, NO_BOOKING, LISTS_LEFT, LISTS_UNNAMED, ASKED),
)


TRIGGERS = frozenset(map(str, Trigger))


def outcome_of(facts: Facts, *, rules: RuleSet, wish: Wish) -> Outcome:
    """Return what would be done about an entry. `rules` is today's mapping."""
    if facts.state in ("waiting", "sending"):
        return Outcome(reason=WAITS)
    return OUTCOMES[facts.kind](facts, rules, wish)


def _contact(facts: Facts, rules: RuleSet, wish: Wish) -> Outcome:
    if facts.state == "unknown":
        return Outcome(reason=WAITS)
    if not wish.is_today and facts.state == "skipped":
        return Outcome(reason=LEFT_OUT_THEN)
    if wish.is_today and facts.event_type in rules.ignored_types:
        return Outcome(reason=IGNORED)
    return Outcome(effect=Effect.CONTACT)


def _leave_lists(facts: Facts, rules: RuleSet, wish: Wish) -> Outcome:
    if facts.state != "failed":
        return Outcome(reason=LISTS_LEFT)
    if wish.is_today and not rules.named_lists.intersection(facts.lists):
        return Outcome(reason=LISTS_UNNAMED)
    return Outcome(effect=Effect.LISTS)


def _opt_in(facts: Facts, rules: RuleSet, wish: Wish) -> Outcome:
    may_be_asked = cause.split(facts.cause)[0] == cause.OPT_IN_UNKNOWN and not wish.sends_again
    if facts.state != "failed" or may_be_asked:
        return Outcome(reason=ASKED)
    return Outcome(effect=Effect.OPT_IN)


def _event(facts: Facts, rules: RuleSet, wish: Wish) -> Outcome:
    was_sent = facts.state in ("done", "unknown")
    if was_sent and not wish.sends_again:
        return Outcome(reason=SENT if facts.state == "done" else IN_DOUBT)
    if facts.is_history and not wish.sends_again:
        return Outcome(reason=HISTORY)
    name = _event_name(facts, rules) if wish.is_today else facts.event_name or Outcome(reason=LEFT_OUT_THEN)
    if isinstance(name, Outcome):
        return name
    return Outcome(effect=Effect.EVENT_AGAIN if was_sent else Effect.EVENT, event_name=name)


def _event_name(facts: Facts, rules: RuleSet) -> str | Outcome:
    """Return what the event is called by today's mapping, or why there is none."""
    if not facts.event_type or facts.trigger not in TRIGGERS:
        return Outcome(reason=NO_BOOKING)
    name = decide.event_name(facts.event_type, Trigger(facts.trigger), rules=rules)
    if isinstance(name, Skip):
        return Outcome(reason=IGNORED if facts.event_type in rules.ignored_types else NO_EVENT)
    return name


OUTCOMES: Mapping[str, Callable[[Facts, RuleSet, Wish], Outcome]] = {
    "contact": _contact,
    "leave_lists": _leave_lists,
    "opt_in": _opt_in,
    "event": _event,
}
"""Kind of step → what doing it once more does."""
