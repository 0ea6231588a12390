"""The form of a row's consent rule: what has to be given before a person joins the row's lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from calendly_connector.core.fields import normalise_question
from calendly_connector.core.rules import ConsentMode, ConsentRule
from calendly_connector.models import ConsentRule as ConsentRow

LARGEST_TEMPLATE = 2_147_483_647
is_web_address = URLValidator(
    ["http", "https"], message=_("Write a whole address, such as https://example.com/thanks.")
)


class ConsentForm(forms.Form):
    """What has to be given before a person joins the row's lists."""

    mode = forms.ChoiceField(
        label=_("People join the lists"), choices=ConsentRow.Mode.choices, widget=forms.RadioSelect
    )
    question = forms.ChoiceField(label=_("Question"), required=False)
    other_question = forms.CharField(label=_("… or the text of another question"), required=False, max_length=300)
    answer = forms.CharField(label=_("Answer that gives consent"), required=False, max_length=300)
    template = forms.IntegerField(
        label=_("Id of the double opt-in template"),
        required=False,
        min_value=1,
        max_value=LARGEST_TEMPLATE,
        help_text=_("From Brevo: Templates. It has to be active, tagged “optin”, and hold the link."),
    )
    redirect_url = forms.CharField(
        label=_("Page after the click"),
        required=False,
        max_length=500,
        help_text=_("Where the person arrives, such as a thank-you page."),
    )

    def __init__(self, data: Any, *, rule: ConsentRule, samples: Mapping[str, Sequence[str]]) -> None:
        listed = next((each for each in samples if _is_same(each, rule.question)), "")
        initial = {
            "mode": rule.mode.value,
            "question": listed,
            "other_question": "" if listed else rule.question,
            "answer": rule.answer,
            "template": rule.template or None,
            "redirect_url": rule.redirect_url,
        }
        super().__init__(data, prefix="consent", initial=initial)
        asked = {question: _with_answers(question, answers) for question, answers in samples.items()}
        if picked := self["question"].value():
            asked.setdefault(picked, picked)  # it may be gone since the page was opened, and must not be lost
        self.fields["question"].choices = [("", _("Pick a question …")), *asked.items()]  # type: ignore[attr-defined]
        for name in ("other_question", "answer", "redirect_url"):
            self.fields[name].widget.attrs["class"] = "vTextField"

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen way needs; the rest isn't looked at."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("mode") == ConsentMode.ANSWER:
            self._clean_answer(cleaned)
        elif cleaned.get("mode") == ConsentMode.DOUBLE_OPT_IN:
            self._clean_double_opt_in(cleaned)
        return cleaned

    def _clean_answer(self, cleaned: dict[str, Any]) -> None:
        picked, written = cleaned.get("question", ""), cleaned.get("other_question", "")
        if picked and written:
            self.add_error("other_question", _("Pick a question or write one, not both."))
        elif not normalise_question(picked or written) and not self.errors:
            self.add_error("question", _("Say which question asks for consent."))
        if not cleaned.get("answer", "").strip(" .!") and "answer" not in self.errors:
            self.add_error("answer", _("Say which answer gives consent, such as Yes."))

    def _clean_double_opt_in(self, cleaned: dict[str, Any]) -> None:
        if not cleaned.get("template") and "template" not in self.errors:
            self.add_error("template", _("Brevo needs the id of the template that asks."))
        address = cleaned.get("redirect_url", "")
        if not address:
            self.add_error("redirect_url", _("Brevo needs the address of the page after the click."))
            return
        try:
            is_web_address(address)
        except forms.ValidationError as error:
            self.add_error("redirect_url", error)

    def answer_fields(self) -> list[forms.BoundField]:
        """Return what a chosen answer needs."""
        return [self[name] for name in ("question", "other_question", "answer")]

    def mail_fields(self) -> list[forms.BoundField]:
        """Return what double opt-in needs."""
        return [self[name] for name in ("template", "redirect_url")]

    def to_rule(self) -> ConsentRule:
        """Return what was written, as far as the chosen way needs it."""
        cleaned = self.cleaned_data
        mode = ConsentMode(cleaned["mode"])
        if mode is ConsentMode.ANSWER:
            question = cleaned["question"] or cleaned["other_question"]
            return ConsentRule(mode=mode, question=question, answer=cleaned["answer"])
        if mode is ConsentMode.DOUBLE_OPT_IN:
            return ConsentRule(mode=mode, template=cleaned["template"], redirect_url=cleaned["redirect_url"])
        return ConsentRule(mode=mode)


def _with_answers(question: str, answers: Sequence[str]) -> str:
    return f"{question} ({' · '.join(answers)})" if answers else question


def _is_same(question: str, other: str) -> bool:
    return normalise_question(question) == normalise_question(other) != ""
