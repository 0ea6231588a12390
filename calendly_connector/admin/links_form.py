"""What staff say of new links: for which event type and list, into which attribute, with which UTM parameters."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin.mapping_row_form import list_label
from calendly_connector.models import Connection
from calendly_connector.services import new_attributes
from calendly_connector.services.links import Wish

UTM = ("utm_source", "utm_medium", "utm_campaign")
OFFERED = "cc-text-attributes"  # the id of the list of names that are offered


class LinksForm(forms.Form):
    """One wish, checked as far as the catalogues go; the look asks both services."""

    event_type = forms.ChoiceField(label=_("Event type"))
    list_number = forms.ChoiceField(label=_("Brevo list"))
    attribute = forms.CharField(
        label=_("Attribute"),
        initial="BOOKING_LINK",
        max_length=new_attributes.LONGEST_NAME,
        help_text=_("A text attribute of your contacts, or a new name: it is made then."),
    )
    utm_source = forms.CharField(label="utm_source", required=False, max_length=200, initial="brevo")
    utm_medium = forms.CharField(label="utm_medium", required=False, max_length=200, initial="email")
    utm_campaign = forms.CharField(label="utm_campaign", required=False, max_length=200)
    is_refill = forms.BooleanField(
        label=_("Refill"), required=False, help_text=_("Also for those whose link is used or expired.")
    )

    def __init__(self, *args: Any, connection: Connection, **options: Any) -> None:
        super().__init__(*args, **options)
        types = connection.event_types.filter(is_active=True).order_by("name")
        lists = connection.brevo_account.lists.order_by("name")
        self.fields["event_type"].choices = [(row.uri, row.name) for row in types]  # type: ignore[attr-defined]
        self.fields["list_number"].choices = [(str(row.number), list_label(row)) for row in lists]  # type: ignore[attr-defined]
        self.fields["attribute"].widget.attrs |= {"list": OFFERED, "autocapitalize": "characters"}
        known = connection.brevo_account.attributes.filter(kind="text")
        self.offered = list(known.order_by("name").values_list("name", flat=True))

    def clean_attribute(self) -> str:
        """Return the name as Brevo spells it."""
        return str(self.cleaned_data["attribute"]).strip().upper()

    def wish(self) -> Wish:
        """Return what is wished for, once the form is valid."""
        values = self.cleaned_data
        return Wish(
            event_type=values["event_type"],
            attribute=values["attribute"],
            list_number=int(values["list_number"]),
            tracking={name: values[name].strip() for name in UTM if values[name].strip()},
            is_refill=values["is_refill"],
        )
