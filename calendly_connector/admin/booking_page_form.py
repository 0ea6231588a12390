"""How staff make a booking page: its event types in order, the sites that may embed it, and its look."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.core import origins, theme
from calendly_connector.models import BookingPage, Connection, EventType

LAST = 999  # where a type without a number goes


class OrderedTypes(forms.Widget):
    """Event types to tick, each with its number in the order."""

    template_name = "admin/calendly_connector/booking_page/types.html"
    use_fieldset = True
    choices: Sequence[tuple[str, str]] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Return the rows: chosen ones first, in their order."""
        chosen = [each for each in value or () if isinstance(each, str)]
        known = dict(self.choices)
        uris = [*chosen, *(uri for uri in known if uri not in chosen)]
        rows = [
            {
                "uri": uri,
                "name": known.get(uri) or _("A type that Calendly doesn't offer any more (%(uri)s)") % {"uri": uri},
                "number": chosen.index(uri) + 1 if uri in chosen else "",
                "id": f"id_{name}_{at}",
            }
            for at, uri in enumerate(uris)
        ]
        return {**super().get_context(name, value, attrs), "rows": rows, "name": name}

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        """Find the template among ours: Django's own renderer of forms knows only its own."""
        return render_to_string(template_name, context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Return what was ticked, by its numbers; those with the same one stay as they were shown."""
        uris = data.getlist(f"{name}_shown")
        ticked = set(data.getlist(name))
        places = {uri: _number(data.get(f"{name}_{at}", "")) for at, uri in enumerate(uris)}
        return sorted((uri for uri in uris if uri in ticked), key=lambda uri: places[uri])

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Nothing ticked is an answer too."""
        return False


class LinesField(forms.CharField):
    """A list that is written one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        """Return what is stored as lines; what was typed as it is."""
        return "\n".join(value) if isinstance(value, list) else value


class ThemeField(forms.CharField):
    """CSS variables, one a line: `accent: #0b5cad`."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Return what is stored as lines; what was typed as it is."""
        return "\n".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else value


class BookingPageForm(forms.ModelForm):  # type: ignore[type-arg]
    """One page."""

    slug = forms.SlugField(
        max_length=80,
        required=False,
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("The last part of its address: /book/… Empty: made from the title."),
    )
    event_types = forms.Field(
        label=gettext_lazy("Event types"),
        widget=OrderedTypes,
        required=False,
        help_text=gettext_lazy("Visitors choose among them in this order; with one of them, nothing has to be chosen."),
    )
    allowed_origins = LinesField(
        label=gettext_lazy("Sites that may embed it"),
        required=False,
        help_text=gettext_lazy("One a line, such as https://www.example.com. Empty: no site may."),
    )
    theme = ThemeField(label=gettext_lazy("Look"), required=False)

    class Meta:
        """Everything but what comes by itself."""

        model = BookingPage
        fields = (
            *("connection", "title", "slug", "intro", "event_types", "is_active", "days_ahead"),
            *("asks_for_guests", "consent_text", "allowed_origins", "theme"),
        )
        widgets = {name: forms.Textarea(attrs={"rows": 2}) for name in ("intro", "consent_text")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "connection" in self.fields and len(only := Connection.objects.values_list("pk", flat=True)[:2]) == 1:
            self.fields["connection"].initial = only[0]
        if "event_types" in self.fields:
            widget = self.fields["event_types"].widget
            widget.choices = _offered()
            self.fields["theme"].help_text = _("One a line, such as “accent: #0b5cad”. There are: %(names)s.") % {
                "names": ", ".join(theme.VARIABLES)
            }

    def clean_slug(self) -> str:
        """Make it from the title where it is left empty."""
        found = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("title", ""))[:80]
        if not found:
            raise ValidationError(_("Write an address: the title has no letters that one could be made of."))
        return str(found)

    def clean_days_ahead(self) -> int:
        """Refuse what would ask Calendly for years."""
        days = int(self.cleaned_data["days_ahead"])
        if not 1 <= days <= 365:
            raise ValidationError(_("Write a number of days from 1 to 365."))
        return days

    def clean_allowed_origins(self) -> list[str]:
        """Return the origins as browsers write them; raise ValidationError naming the line that is none."""
        lines = [line.strip() for line in self.cleaned_data["allowed_origins"].splitlines() if line.strip()]
        for line in lines:
            if not origins.tidy(line):
                raise ValidationError(
                    _("“%(line)s” is no site. Write it like https://www.example.com, without anything behind it.")
                    % {"line": line}
                )
        return list(origins.allowed(lines))

    def clean_theme(self) -> dict[str, str]:
        """Return the variables; raise ValidationError naming the first line that says nothing we know."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["theme"].splitlines():
            name, _colon, value = line.partition(":")
            if line.strip():
                found[name.strip().removeprefix("--book-")] = value.strip().rstrip(";").strip()
        for name in theme.wrong_in(found):
            raise ValidationError(_wrong_theme(name, found[name]))
        return found

    def clean(self) -> dict[str, Any]:
        """See that the event types are the connection's own, and that there is one."""
        values = super().clean() or self.cleaned_data
        connection, chosen = values.get("connection"), values.get("event_types") or []
        if not chosen:
            self.add_error("event_types", _("Tick at least one event type."))
        elif connection and "event_types" in self.changed_data:
            own = set(EventType.objects.filter(connection=connection, uri__in=chosen).values_list("uri", flat=True))
            kept = set(self.instance.event_types or [])
            if set(chosen) - own - kept:
                self.add_error("event_types", _("Tick event types of “%(name)s” only.") % {"name": connection})
        return values


def _offered() -> list[tuple[str, str]]:
    rows = EventType.objects.filter(is_active=True).select_related("connection").order_by("connection", "name")
    several = len({row.connection_id for row in rows}) > 1
    return [(row.uri, f"{row.name} ({row.connection.name})" if several else row.name) for row in rows]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 else LAST


def _wrong_theme(name: str, value: str) -> str:
    values: Mapping[str, str] = {"name": name, "value": value, "names": ", ".join(theme.VARIABLES)}
    if name not in theme.VARIABLES:
        return _("“%(name)s” is none of: %(names)s.") % values
    check = theme.VARIABLES[name]
    if check is theme.is_colour:
        return _("“%(value)s” is no colour for %(name)s. Write it like #0b5cad.") % values
    if check is theme.is_length:
        return _("“%(value)s” is no length for %(name)s. Write it like 8px or 1.25rem.") % values
    return _("“%(value)s” are no font names for %(name)s. Write them like Georgia, serif.") % values
