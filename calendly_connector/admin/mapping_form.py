"""Forms of the mapping: pick-lists from the mirrors, and errors in words before anything is saved."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calendly_connector.models import BrevoList, Connection, EventType
from calendly_connector.services import mapping_check

Choices = list[tuple[str, str]]
BETWEEN = re.compile(r"[\s,;#\[\]]+")
EVERY_OTHER_TYPE = "Every event type without a row of its own"


class Together(forms.MultiWidget):
    """Several inputs for one value, in a box of their own."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the inputs."""
        return format_html('<div class="cc-together">{}</div>', super().render(name, value, attrs, renderer))


class ListsWidget(Together):
    """A box for each list that we know, and a line for the ids of others."""

    def __init__(self) -> None:
        other = forms.TextInput(attrs={"placeholder": "ids of other lists, such as 10, 11", "class": "vTextField"})
        super().__init__({"known": forms.CheckboxSelectMultiple(attrs={"class": "cc-lists"}), "other": other})

    def decompress(self, value: Any) -> list[Any]:
        """Return the boxes that are ticked, and the rest as text."""
        numbers = [str(number) for number in value or []]
        known = {str(choice) for choice, _ in self.widgets[0].choices}  # type: ignore[attr-defined]
        return [
            [number for number in numbers if number in known],
            ", ".join(number for number in numbers if number not in known),
        ]


class ListsField(forms.MultiValueField):
    """The ids of some Brevo lists."""

    def __init__(self, **options: Any) -> None:
        parts = (forms.MultipleChoiceField(required=False), forms.CharField(required=False))
        super().__init__(parts, widget=ListsWidget(), required=False, require_all_fields=False, **options)

    def offer(self, choices: Choices) -> None:
        """Set the lists to choose from."""
        self.fields[0].choices = self.widget.widgets[0].choices = choices  # type: ignore[attr-defined]

    def compress(self, values: Sequence[Any]) -> list[int]:
        """Return all ids, each once; refuse what is no number."""
        known, other = values or ((), "")
        words = [*known, *(word for word in BETWEEN.split(other) if word)]
        wrong = [word for word in words if not (word.isascii() and word.isdigit() and int(word))]
        if wrong:
            raise forms.ValidationError(f"“{wrong[0]}” is no id of a list. Write numbers, such as 10, 11.")
        return list(dict.fromkeys(int(word) for word in words))


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]
    """Knows its connection, if there is only one to choose or one was chosen."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections = Connection.objects.select_related("brevo_account").order_by("pk")
        if self.instance.connection_id:
            self.connections = self.connections.filter(pk=self.instance.connection_id)
        elif len(self.connections) == 1 and "connection" in self.fields:
            self.initial.setdefault("connection", self.connections[0].pk)

    def of_accounts(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what belongs to the Brevo accounts in question."""
        return rows.filter(account__in=[connection.brevo_account_id for connection in self.connections])


class TriggerMappingForm(MappingForm):
    """One cell of the grid."""

    event_type = forms.ChoiceField(required=False, label="Event type")
    join_lists = ListsField(label="Lists to join")
    leave_lists = ListsField(label="Lists to leave", help_text="Only lists that a mapping names are ever left.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        types = EventType.objects.filter(connection__in=self.connections).order_by("name")
        known = dict(types.values_list("uri", "name"))
        mine = self.instance.event_type
        self.fields["event_type"].choices = [  # type: ignore[attr-defined]
            ("", EVERY_OTHER_TYPE),
            *known.items(),
            *([(mine, mine)] if mine and mine not in known else []),
        ]
        lists = self.of_accounts(BrevoList.objects.order_by("name"))
        choices = list({str(row.number): str(row) for row in lists}.items())
        for name in ("join_lists", "leave_lists"):
            self.fields[name].offer(choices)  # type: ignore[attr-defined]

    def clean_event_name(self) -> str:
        """Refuse a name that Brevo would refuse."""
        name = str(self.cleaned_data["event_name"]).strip()
        if error := mapping_check.event_name_error(name):
            raise forms.ValidationError(error)
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse a list that is joined and left at once, and an event type of another connection."""
        cleaned = super().clean() or self.cleaned_data
        both = set(cleaned.get("join_lists") or ()) & set(cleaned.get("leave_lists") or ())
        if both:
            self.add_error("leave_lists", f"List #{min(both)} can't be joined and left at once.")
        event_type, connection = cleaned.get("event_type"), cleaned.get("connection")
        is_new = event_type and connection and "event_type" in self.changed_data
        if is_new and not EventType.objects.filter(connection=connection, uri=event_type).exists():
            self.add_error("event_type", "This event type belongs to another connection.")
        return cleaned
