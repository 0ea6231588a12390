"""What staff may say about a connection, and what makes a new one."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import normalise, setup, tokens, zones


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff may say about a connection."""

    def clean_timezone(self) -> str:
        """Refuse a zone that doesn't exist."""
        name = str(self.cleaned_data["timezone"])
        if name not in zones.known():
            raise forms.ValidationError(
                gettext("“%(name)s” is no time zone. Write it as Europe/Paris.") % {"name": name}
            )
        return name

    def clean_phone_region(self) -> str:
        """Refuse a country that has no phone numbers."""
        region = str(self.cleaned_data["phone_region"]).upper()
        if region and not normalise.is_region(region):
            raise forms.ValidationError(
                gettext("“%(region)s” is no country. Write two letters, such as DK.") % {"region": region}
            )
        return region


class NewConnectionForm(forms.Form):
    """A name, and a Brevo account that is here already or a new one by its key: so none is ever here twice."""

    name = forms.CharField(
        max_length=200, label=_("Name"), help_text=_("For staff, such as the Calendly organization's name.")
    )
    brevo_account = forms.ModelChoiceField(
        BrevoAccount.objects.defer("api_key").order_by("name"),
        required=False,
        label=_("Brevo account"),
        empty_label=_("A new one, by the key below"),
    )
    key = forms.CharField(
        max_length=1000,
        required=False,
        label=_("API key of a new account"),
        help_text=_("From Brevo: SMTP & API → API keys. It is tested, then stored encrypted."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, may_add_account: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not may_add_account:
            del self.fields["key"]
            self.fields["brevo_account"].required = True

    def clean(self) -> dict[str, Any]:
        """Refuse both accounts, or none; and find out now whether secrets can be stored."""
        data = super().clean() or {}
        if "key" in self.fields and bool(data.get("brevo_account")) == bool(data.get("key")):
            self.add_error("key", gettext("Choose a Brevo account, or put in the key of a new one; not both."))
        try:
            tokens.need_keyring()
        except connections.NotConfigured as error:
            raise forms.ValidationError(str(error)) from error
        return data

    def make(self) -> Connection:
        """Make what the form says; raise what a refused key raises, and then nothing was made."""
        account = self.cleaned_data["brevo_account"]
        if account is None:
            account = BrevoAccount(name="Brevo")
            setup.save_brevo_key(account, self.cleaned_data["key"])
        return connections.make_connection(self.cleaned_data["name"], account)
