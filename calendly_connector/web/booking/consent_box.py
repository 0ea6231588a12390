"""The consent box: a question of the event type's that the mapping watches, asked as something to tick."""

from dataclasses import dataclass

from calendly_connector.clients.calendly_scheduling import BookableType, Question
from calendly_connector.core import consent, fields
from calendly_connector.core.rules import ConsentMode, ConsentRule

NOTHING = "–"  # where an answer is required, and nothing else could be chosen


@dataclass(frozen=True, kw_only=True)
class ConsentBox:
    """A question with the answers that a ticked and an empty box stand for; "" is no answer at all."""

    question: Question
    ticked: str
    empty: str

    @property
    def is_required(self) -> bool:
        """Return whether the event type takes no booking without the tick: its only answer has to be given."""
        return self.question.is_required and bool(self.question.choices) and self.empty == NOTHING


def box_of(kind: BookableType, rule: ConsentRule) -> ConsentBox | None:
    """Return the box that an event type's rule asks for. None where no question is asked, or where one has so many
    answers that a box can't stand for them: it is asked as it is then, with nothing chosen beforehand.
    """
    if rule.mode is not ConsentMode.ANSWER:
        return None
    wanted = fields.normalise_question(rule.question)
    question = next((each for each in kind.questions if fields.normalise_question(each.text) == wanted), None)
    if question is None or not rule.answer.strip():
        return None
    if not question.choices:
        return ConsentBox(question=question, ticked=rule.answer, empty=_empty(question, []))
    ticked = [choice for choice in question.choices if consent.is_wanted_answer(choice, rule)]
    others = [choice for choice in question.choices if choice not in ticked]
    if len(ticked) != 1 or len(others) > 1:
        return None
    return ConsentBox(question=question, ticked=ticked[0], empty=_empty(question, others))


def _empty(question: Question, others: list[str]) -> str:
    if others:
        return others[0]
    return NOTHING if question.is_required else ""
