"""The form of the page “history”: which meetings are brought in, and whether automations hear of them."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.models import Connection, EventType
from calendly_connector.services import backfill

EARLIEST = backfill.BEGINNING.date()
FURTHEST = timedelta(days=3650)
USUAL = timedelta(days=365)


def _day(label: Any, help_text: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, required=False, widget=widget)


class HistoryForm(forms.Form):
    """Days are those of whoever fills it in; both count themselves."""

    begin = _day(gettext_lazy("Meetings from"), gettext_lazy("Empty: from the beginning."))
    end = _day(gettext_lazy("Up to and including"), gettext_lazy("Empty: everything to come as well."))
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Only these event types"),
        help_text=gettext_lazy("None ticked: all of them, also those that are deleted in Calendly."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    sends_events = forms.BooleanField(label=gettext_lazy("Send automation events too"), required=False)

    def __init__(self, connection: Connection, data: Any = None) -> None:
        super().__init__(data, initial={"begin": timezone.localdate() - USUAL})
        found = EventType.objects.filter(connection=connection).order_by("-is_active", "name", "pk")
        self.event_types = {str(row.pk): row for row in found}
        self.fields["types"].choices = [(key, _label(row)) for key, row in self.event_types.items()]  # type: ignore[attr-defined]

    def clean_begin(self) -> date | None:
        """Refuse a day that no meeting can have."""
        return _possible(self.cleaned_data["begin"])

    def clean_end(self) -> date | None:
        """Refuse a day that no meeting can have."""
        return _possible(self.cleaned_data["end"])

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        cleaned = super().clean() or self.cleaned_data
        begin, end = cleaned.get("begin"), cleaned.get("end")
        if begin and end and end < begin:
            self.add_error("end", _("This day is before the first one."))
        return cleaned

    def to_wish(self) -> backfill.Wish:
        """Return what is asked for. The same form is the same wish, in whatever order its types were ticked."""
        cleaned = self.cleaned_data
        end = cleaned["end"]
        return backfill.Wish(
            since=_morning(cleaned["begin"]) if cleaned["begin"] else backfill.BEGINNING,
            until=_morning(end + timedelta(days=1)) if end else None,
            event_types=tuple(sorted(self.event_types[key].uri for key in cleaned["types"])),
            sends_events=cleaned["sends_events"],
        )

    def words(self) -> str:
        """Return what is asked for in words, for the audit."""
        cleaned = self.cleaned_data
        names = [self.event_types[key].name for key in cleaned["types"]]
        pieces = [
            _("from %(day)s") % {"day": cleaned["begin"] or _("the beginning")},
            _("up to %(day)s") % {"day": cleaned["end"]} if cleaned["end"] else _("with everything to come"),
            ", ".join(f"“{name}”" for name in names) or _("every event type"),
            _("with automation events") if cleaned["sends_events"] else _("without automation events"),
        ]
        return ", ".join(pieces)

    def carried(self) -> Iterator[tuple[str, str]]:
        """Yield what was filled in, to be posted again as it is."""
        cleaned = self.cleaned_data
        yield from ((name, cleaned[name].isoformat()) for name in ("begin", "end") if cleaned[name])
        yield from (("types", key) for key in cleaned["types"])
        if cleaned["sends_events"]:
            yield "sends_events", "on"


def _label(row: EventType) -> str:
    name = f"{row.name} ({row.owner})" if row.owner else row.name
    return name if row.is_active else _("%(name)s, switched off in Calendly") % {"name": name}


def _possible(day: date | None) -> date | None:
    if day and not EARLIEST <= day <= timezone.localdate() + FURTHEST:
        raise forms.ValidationError(_("Choose a day from 2013 on, and not more than ten years ahead."))
    return day


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
