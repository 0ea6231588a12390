"""The field mapping as a form: pick-lists from both services, and errors in words on the line that they mean."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import said
from calendly_connector.admin.pick_list import Choice, Group, PickList, PickOne
from calendly_connector.core.attributes import CONVERTERS
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.fields import ANSWER_PREFIX, FIELDS, normalise_question
from calendly_connector.core.rules import FieldRule, Overwrite
from calendly_connector.models import FieldMapping
from calendly_connector.services import field_check, field_words, mapping_check
from calendly_connector.services.field_check import Known, Said
from calendly_connector.services.field_lines import Row

NEW = "+"
"""Picked instead of an attribute: its name is written beside."""
PREFIX = "lines"
BLANK = 1
"""Empty lines at the end, for whoever has no JavaScript."""

GROUPS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (gettext_lazy("Invitee"), ("first_name", "last_name", "name", "phone", "timezone")),
    (gettext_lazy("Event type and meeting"), ("event_type_", "meeting_", "location", "join_url")),
    (gettext_lazy("Host"), ("host_",)),
    (gettext_lazy("Booking"), ("status", "booked_at", "cancel", "reschedule_url")),
    (gettext_lazy("Payment"), ("payment_",)),
    (
        gettext_lazy("Over all bookings"),
        ("bookings", "no_shows", "moves", "cancellations", "meetings_attended", "next_meeting_", "last_meeting_"),
    ),
    (gettext_lazy("UTM, first touch"), ("first_utm_",)),
    (gettext_lazy("UTM, last touch"), ("last_utm_",)),
)
"""Title → sources, or how their names begin. The longest beginning wins."""


def group_of(name: str) -> str | Promise:
    """Return the title under which a field is offered."""
    fitting = [(len(start), title) for title, starts in GROUPS for start in starts if name.startswith(start)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else gettext_lazy("Others")


def sources_of(known: Known) -> PickList:
    """Return every source to pick, in groups; questions last, and in whatever spelling a line has them."""
    groups: dict[str, Group] = {}
    for name in FIELDS:
        title = group_of(name)
        groups.setdefault(str(title), (title, []))[1].append((name, field_words.label_of(name)))
    questions: list[Choice] = [(ANSWER_PREFIX + question, question) for question in known.answers]
    all_groups = [*groups.values(), *([(_("Answers"), questions)] if questions else [])]
    return PickList(_("Pick a value …"), all_groups, key=normalise_question, label_of=field_words.label_of)


def attributes_of(known: Known) -> PickList:
    """Return every attribute that can be written to, with its type, and the choice of a new one."""
    phones: list[Choice] = [
        (name, _("%(name)s (phone number)") % {"name": name}) for name in sorted(PHONE_ATTRIBUTES, key=_phone_order)
    ]
    own: list[Choice] = [
        (name, f"{name} ({field_words.kind_word(attribute.kind)})")
        for name, attribute in (known.catalogue or {}).items()
        if attribute.kind in CONVERTERS and name not in {"EMAIL", *mapping_check.IDENTIFIERS}
    ]
    new: Group = (_("Not in Brevo yet"), [(NEW, _("A new one …"))])
    groups = [*([(_("Attributes"), own)] if own else []), (_("Every contact has"), phones), new]
    return PickList(_("Pick an attribute …"), groups)


def _phone_order(name: str) -> int:
    return ("SMS", "WHATSAPP").index(name) if name in ("SMS", "WHATSAPP") else 2


def in_words(texts: Iterable[str]) -> list[str]:
    """Return what was said about a line with the parts that core wrote in the reader's language, too."""
    return [said.said(text) for text in texts]


class LineForm(forms.Form):
    """One line: a source, the attribute it is written to, and when."""

    source = forms.CharField(max_length=300, widget=PickOne, label=gettext_lazy("Value"))
    attribute = forms.CharField(max_length=200, required=False, widget=PickOne, label=gettext_lazy("Brevo attribute"))
    new_attribute = forms.CharField(max_length=200, required=False, label=gettext_lazy("Name of a new attribute"))
    overwrite = forms.ChoiceField(
        choices=FieldMapping.Overwrite.choices, initial=Overwrite.ALWAYS.value, label=gettext_lazy("Writes")
    )

    def __init__(self, *args: Any, known: Known, sources: PickList, attributes: PickList, **options: Any) -> None:
        super().__init__(*args, **options)
        self.known = known
        self.fields["source"].widget.pick_list = sources
        self.fields["attribute"].widget.pick_list = attributes
        self.fields["new_attribute"].widget.attrs.update(
            {"placeholder": _("name of a new one"), "autocapitalize": "characters", "class": "cc-new-name"}
        )
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = str(field.label)
            field.widget.attrs["data-part"] = name

    def _now(self, name: str) -> str:
        """Return what a field holds, before it is checked."""
        return str(self[name].value() or "")

    @cached_property
    def said(self) -> Said:
        """Return what there is to say about the line as it stands."""
        return field_check.check(self.known, self._now("source"), self.name_now)

    @property
    def warnings(self) -> list[str]:
        """Return what looks wrong about the line, in the reader's language."""
        return in_words(self.said.warnings)

    @property
    def name_now(self) -> str:
        """Return the attribute as it stands, picked or written."""
        picked = self._now("attribute")
        return self._now("new_attribute").strip().upper() if picked in ("", NEW) else picked

    @property
    def replacement(self) -> Choice | None:
        """Return source and text of the question that took the place of the line's own."""
        source = self.said.replacement
        return (source, source.removeprefix(ANSWER_PREFIX)) if source else None

    def clean_source(self) -> str:
        """Refuse what can't be read."""
        source = str(self.cleaned_data["source"])
        if error := mapping_check.source_error(source):
            raise forms.ValidationError(error)
        return source

    def clean(self) -> dict[str, Any]:
        """Take the attribute picked or written; refuse both, neither, and what can't be one."""
        cleaned = super().clean() or self.cleaned_data
        picked, written = str(cleaned.get("attribute") or ""), str(cleaned.get("new_attribute") or "").strip().upper()
        if written and picked not in ("", NEW):
            self.add_error("attribute", _("Pick an attribute or write a new one, not both."))
        elif not (name := written if picked in ("", NEW) else picked):
            self.add_error("attribute", _("Pick an attribute, or write the name of a new one."))
        elif error := mapping_check.attribute_error(name):
            self.add_error("new_attribute" if written else "attribute", error)
        else:
            cleaned["name"] = name
        return cleaned

    def to_rule(self) -> FieldRule:
        """Return the line as the core's value."""
        cleaned = self.cleaned_data
        return FieldRule(source=cleaned["source"], attribute=cleaned["name"], overwrite=Overwrite(cleaned["overwrite"]))


class Lines(forms.BaseFormSet):  # type: ignore[type-arg]
    """All lines; an attribute is written by one of them only."""

    def clean(self) -> None:
        """Refuse an attribute that a line above writes."""
        seen: set[str] = set()
        for form in self.kept():
            name = form.cleaned_data.get("name")
            if name in seen:
                form.add_error("attribute", _("Another line writes %(name)s already.") % {"name": name})
            seen |= {name} if name else set()

    def kept(self) -> list[LineForm]:
        """Return the lines that are neither empty nor to be removed."""
        return [
            form
            for form in self.forms
            if getattr(form, "cleaned_data", None) and form.has_changed() and not form.cleaned_data.get("DELETE")
        ]

    def rules(self) -> list[FieldRule]:
        """Return the valid lines as the core's values."""
        return [form.to_rule() for form in self.kept()]


def lines_of(known: Known, rows: Iterable[Row], data: Any = None) -> Lines:
    """Return the form of all lines: as they are saved, or as they were sent."""
    factory: Any = forms.formset_factory(LineForm, formset=Lines, extra=BLANK, can_delete=True)
    initial = [{"source": source, "attribute": name, "overwrite": overwrite} for source, name, overwrite in rows]
    offers = {"known": known, "sources": sources_of(known), "attributes": attributes_of(known)}
    # What was sent is taken as it is, without comparing: what is saved may have changed since.
    made: Lines = factory(data, initial=initial if data is None else None, prefix=PREFIX, form_kwargs=offers)
    return made
