"""The form of one row of the grid: who decides, what each trigger does, and what joining a list needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from calendly_connector.admin.mapping_consent_form import ConsentForm
from calendly_connector.core.decide import EVENT_PREFIX
from calendly_connector.core.rules import ConsentRule, TriggerRule
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import BrevoList, TriggerMapping
from calendly_connector.services import mapping_check
from calendly_connector.services.grid import Choice, Row, is_lost

Text = str | Promise
LONGEST_ID = 15  # digits
CHOICES: list[tuple[str, Text]] = [
    (Choice.OWN, _("A mapping of its own, as below")),
    (Choice.DEFAULT, _("As the row “Every other type” says")),
    (Choice.IGNORE, _("Ignore its bookings: nothing is written to Brevo")),
]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One list that may be ticked."""

    number: int
    label: str
    is_chosen: bool
    is_known: bool  # Brevo has it, as far as we read


def list_label(row: BrevoList) -> str:
    """Return a list with its folder, size and id."""
    size = ngettext("%(count)s contact", "%(count)s contacts", row.size) % {
        "count": number_format(row.size, force_grouping=True)
    }
    name = f"{row.name} — {row.folder}" if row.folder else row.name
    return f"{name} · {size} · #{row.number}"


class ListsField(forms.MultipleChoiceField):
    """The ids of some Brevo lists. One that Brevo lost since the page was opened is taken too: it is warned of."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: str) -> bool:
        """Return whether it can be an id."""
        return value.isascii() and value.isdigit() and len(value) <= LONGEST_ID and int(value) > 0

    def clean(self, value: Any) -> list[int]:
        """Return the ids, each once."""
        return list(dict.fromkeys(int(number) for number in super().clean(value)))


class CellForm(forms.Form):
    """What one trigger does."""

    join = ListsField(label=_("Lists to join"), required=False)
    leave = ListsField(label=_("Lists to leave"), required=False)
    sends_event = forms.BooleanField(label=_("Send an automation event"), required=False)
    event_name = forms.CharField(label=_("Name of the event"), required=False)

    def __init__(self, data: Any, *, trigger: Trigger, rule: TriggerRule, lists: Sequence[BrevoList]) -> None:
        initial = {
            "join": rule.join_lists,
            "leave": rule.leave_lists,
            "sends_event": rule.sends_event,
            "event_name": rule.event_name,
        }
        super().__init__(data, prefix=trigger.value, initial=initial)
        self.trigger, self.rule, self.lists = trigger, rule, lists
        self.label = TriggerMapping.Trigger(trigger.value).label
        self.default_name = EVENT_PREFIX + trigger
        self.fields["event_name"].widget.attrs |= {"placeholder": self.default_name, "class": "vTextField"}

    def clean_event_name(self) -> str:
        """Refuse a name that Brevo would refuse; the default name is kept as none."""
        name = str(self.cleaned_data["event_name"]).strip()
        if error := mapping_check.event_name_error(name):
            raise forms.ValidationError(error)
        return "" if name == self.default_name else name

    def clean(self) -> dict[str, Any]:
        """Refuse a list that is joined and left at once."""
        cleaned = super().clean() or self.cleaned_data
        names = {row.number: row.name for row in self.lists}
        both = set(cleaned.get("join") or ()) & set(cleaned.get("leave") or ())
        for number in sorted(both):
            words = _("The list “%(name)s” can't be joined and left at once.")
            self.add_error("leave", words % {"name": names.get(number, f"#{number}")})
        return cleaned

    def join_options(self) -> list[Option]:
        """Return the lists to tick for joining."""
        return self._options("join")

    def leave_options(self) -> list[Option]:
        """Return the lists to tick for leaving."""
        return self._options("leave")

    def _options(self, name: str) -> list[Option]:
        """Return every list, and ids that no list has any more; what is ticked comes first."""
        value = self[name].value() or ()
        chosen = [int(number) for number in value if self.fields[name].valid_value(str(number))]  # type: ignore[attr-defined]
        known = {row.number: list_label(row) for row in self.lists}
        lost = [number for number in chosen if number not in known]
        words = _("#%(number)s: not among the lists read from Brevo")
        labels = {number: str(words) % {"number": number} for number in lost} | known
        options = [
            Option(number=number, label=label, is_chosen=number in chosen, is_known=number in known)
            for number, label in labels.items()
        ]
        return sorted(options, key=lambda option: not option.is_chosen)

    def to_rule(self) -> TriggerRule:
        """Return what was written, the ids in the order they had."""
        cleaned = self.cleaned_data
        return TriggerRule(
            join_lists=_in_order(cleaned["join"], self.rule.join_lists),
            leave_lists=_in_order(cleaned["leave"], self.rule.leave_lists),
            sends_event=cleaned["sends_event"],
            event_name=cleaned["event_name"],
        )


class ChoiceForm(forms.Form):
    """Who decides for a row."""

    choice = forms.ChoiceField(label=_("How its bookings are mapped"), choices=CHOICES, widget=forms.RadioSelect)


class RowForm:
    """All forms of one row, which are one page: filled from `row` until something was posted."""

    def __init__(
        self, data: Any, *, row: Row, lists: Sequence[BrevoList], samples: Mapping[str, Sequence[str]]
    ) -> None:
        event_type = row.event_type
        is_open = event_type is not None and row.choice is Choice.DEFAULT and event_type.is_undecided
        initial = {"choice": None if is_open else row.choice.value}
        self.choice = ChoiceForm(data, initial=initial) if event_type else None
        if self.choice and event_type and is_lost(event_type):  # Calendly doesn't list it: nothing to ignore
            self.choice.fields["choice"].choices = CHOICES[:-1]  # type: ignore[attr-defined]
        self.cells = [CellForm(data, trigger=trigger, rule=rule, lists=lists) for trigger, rule in row.cells.items()]
        self.consent = ConsentForm(data, rule=row.consent, samples=samples)

    def is_valid(self) -> bool:
        """Return whether it can be saved. Only a row with a mapping of its own is looked at further."""
        if self.choice and not self.choice.is_valid():
            return False
        if self.chosen is not Choice.OWN:
            return True
        return not any(form.errors for form in (*self.cells, self.consent))

    @property
    def chosen(self) -> Choice:
        """Return who is to decide; the default row always decides itself."""
        return Choice(self.choice.cleaned_data["choice"]) if self.choice else Choice.OWN

    @property
    def has_errors(self) -> bool:
        """Return whether something was refused."""
        forms_ = [form for form in (self.choice, *self.cells, self.consent) if form]
        return any(form.is_bound and form.errors for form in forms_)

    def rules(self) -> tuple[dict[Trigger, TriggerRule], ConsentRule]:
        """Return the row's own cells and consent rule; none where it has none of its own."""
        if self.chosen is not Choice.OWN:
            return {}, ConsentRule()
        return {form.trigger: form.to_rule() for form in self.cells}, self.consent.to_rule()


def _in_order(numbers: Sequence[int], before: Sequence[int]) -> tuple[int, ...]:
    kept = [number for number in before if number in numbers]
    return (*kept, *(number for number in numbers if number not in kept))
