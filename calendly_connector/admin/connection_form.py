"""What staff may say about a connection, and what makes a new one."""

from typing import Any
from zoneinfo import available_timezones

from django import forms

from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import normalise, tokens


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff may say about a connection."""

    def clean_timezone(self) -> str:
        """Refuse a zone that doesn't exist."""
        name = str(self.cleaned_data["timezone"])
        if name not in available_timezones():
            raise forms.ValidationError(f"“{name}” is no time zone. Write it as Europe/Paris.")
        return name

    def clean_phone_region(self) -> str:
        """Refuse a country that has no phone numbers."""
        region = str(self.cleaned_data["phone_region"]).upper()
        if region and not normalise.is_region(region):
            raise forms.ValidationError(f"“{region}” is no country. Write two letters, such as DK.")
        return region


class NewConnectionForm(forms.Form):
    """A name, and a Brevo account that is here already or a new one."""

    name = forms.CharField(max_length=200, help_text="For staff, such as the Calendly organization's name.")
    brevo_account = forms.ModelChoiceField(
        BrevoAccount.objects.defer("api_key").order_by("name"),
        required=False,
        label="Brevo account",
        empty_label="A new one, named below",
    )
    new_account = forms.CharField(
        max_length=200, required=False, label="New Brevo account", help_text="Its name; the API key comes next."
    )

    def __init__(self, *args: Any, may_add_account: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not may_add_account:
            del self.fields["new_account"]
            self.fields["brevo_account"].required = True

    def clean(self) -> dict[str, Any]:
        """Refuse both accounts, or none; and find out now whether secrets can be stored."""
        data = super().clean() or {}
        if "new_account" in self.fields and bool(data.get("brevo_account")) == bool(data.get("new_account")):
            self.add_error("new_account", "Choose a Brevo account, or name a new one; not both.")
        try:
            tokens.need_keyring()
        except connections.NotConfigured as error:
            raise forms.ValidationError(str(error)) from error
        return data

    def make(self) -> Connection:
        """Make what the form says."""
        account = self.cleaned_data["brevo_account"]
        account = account or BrevoAccount.objects.create(name=self.cleaned_data["new_account"])
        return connections.make_connection(self.cleaned_data["name"], account)
