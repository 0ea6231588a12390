"""An event type's own questions as fields of a form, and what was filled in as the answers that Calendly takes."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from calendly_connector.clients.calendly_scheduling import Question
from calendly_connector.services import normalise

OTHER = "_other_"  # the value of "Other"; no choice of Calendly's is called so
SHORT, LONG = 255, 5000
SINGLE, MULTI, PHONE = "single_select", "multi_select", "phone_number"


class PhoneField(forms.CharField):
    """A phone number, in whatever way people write it; cleaned to E.164."""

    def __init__(self, *, region: str, **options: Any) -> None:
        self._region = region
        widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
        super().__init__(max_length=40, widget=widget, **options)

    def clean(self, value: Any) -> str:
        """Return the number with its country code; raise ValidationError for what is none."""
        text = str(super().clean(value) or "")
        number = normalise.to_e164(text, region=self._region)
        if text and not number:
            raise forms.ValidationError(
                _("This isn't a phone number we can call. Write it with its country code: +45…")
            )
        return number


def name_of(question: Question) -> str:
    """Return the name of a question's field, made of its text: nothing else tells questions apart.

    A number would give an answer to another question, consent among them, when the event type's questions change while
    somebody has the form open.
    """
    return f"question_{digest(question.text)}"


def digest(text: str) -> str:
    """Return a few characters that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def fields_of(question: Question, name: str, *, region: str) -> dict[str, forms.Field]:
    """Return the fields that ask a question, by name: one, and another beside it where "Other" may be written."""
    make = MAKERS.get(question.kind, _text)
    found = {name: make(question, region)}
    if question.takes_other and question.kind in (SINGLE, MULTI):
        found[f"{name}_other"] = forms.CharField(label=_("Other, in your own words"), max_length=SHORT, required=False)
    return found


def answer_of(question: Question, name: str, cleaned: Mapping[str, Any]) -> str:
    """Return the answer in Calendly's form: several choices a line each. "" is no answer."""
    value, other = cleaned.get(name) or "", str(cleaned.get(f"{name}_other") or "")
    if question.kind == MULTI:
        return "\n".join([*value, *([other] if other else [])])
    if question.kind == SINGLE and (value == OTHER or (not value and other)):
        return other
    return str(value)


def missing_in(question: Question, name: str, cleaned: Mapping[str, Any]) -> str:
    """Return what is wrong with a question's choice that its fields can't tell by themselves, "" when nothing is."""
    if question.kind == SINGLE and cleaned.get(name) == OTHER and not cleaned.get(f"{name}_other"):
        return _("Write what you mean by “Other” below.")
    if question.is_required and not answer_of(question, name, cleaned):
        return _("Please answer this question.")
    return ""


def _text(question: Question, region: str) -> forms.Field:
    return forms.CharField(label=question.text, max_length=SHORT, required=question.is_required)


def _long(question: Question, region: str) -> forms.Field:
    box = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=question.text, max_length=LONG, required=question.is_required, widget=box)


def _phone(question: Question, region: str) -> forms.Field:
    return PhoneField(region=region, label=question.text, required=question.is_required)


def _single(question: Question, region: str) -> forms.Field:
    choices = [
        *((choice, choice) for choice in question.choices),
        *([(OTHER, _("Other"))] if question.takes_other else []),
    ]
    required = question.is_required and not question.takes_other
    return forms.ChoiceField(label=question.text, choices=choices, required=required, widget=forms.RadioSelect)


def _multi(question: Question, region: str) -> forms.Field:
    choices = [(choice, choice) for choice in question.choices]
    required = question.is_required and not question.takes_other
    box = forms.CheckboxSelectMultiple
    return forms.MultipleChoiceField(label=question.text, choices=choices, required=required, widget=box)


MAKERS: dict[str, Callable[[Question, str], forms.Field]] = {
    "string": _text,
    "text": _long,
    PHONE: _phone,
    SINGLE: _single,
    MULTI: _multi,
}
