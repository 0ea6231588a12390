"""May a booking let its person join lists? A booking is no consent by itself (brevo-api.md §2.9): a rule decides."""

from calendly_connector.core import fields
from calendly_connector.core.booking import Invitee
from calendly_connector.core.rules import ConsentMode, ConsentRule

PROVING = frozenset({ConsentMode.ANSWER, ConsentMode.DOUBLE_OPT_IN})
"""Rules whose joining is worth a proof: somebody may ask for it one day."""


def is_given(invitee: Invitee, rule: ConsentRule) -> bool:
    """Return whether lists may be joined, or asked for in case of double opt-in."""
    if rule.mode is ConsentMode.ANSWER:
        return is_wanted_answer(answer_of(invitee, rule), rule)
    return rule.mode is not ConsentMode.NEVER


def answer_of(invitee: Invitee, rule: ConsentRule) -> str:
    """Return what the person answered to the rule's question, empty without an answer."""
    return (fields.answer_to(rule.question, invitee) or "") if rule.question else ""


def is_wanted_answer(answer: str, rule: ConsentRule) -> bool:
    """Return whether an answer is the one that gives consent; of several ticked ones (a line each) one has to be."""
    wanted = _normalised(rule.answer)
    return bool(wanted) and wanted in {_normalised(line) for line in (answer, *answer.split("\n"))}


def why_not(invitee: Invitee, rule: ConsentRule) -> str:
    """Return why lists aren't joined, for staff."""
    if rule.mode is ConsentMode.NEVER:
        return "the mapping joins none for this event type"
    found = answer_of(invitee, rule)
    said = f"was answered “{found[:60]}”, not “{rule.answer}”" if found else "was not answered"
    return f"“{rule.question}” {said}"


def _normalised(text: str) -> str:
    return " ".join(text.split()).strip(" .!").casefold()
