"""What Brevo has now, read without a trace: no pause, no pace noted, no mirror refreshed. For pages that only look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.core.attributes import Attribute
from calendly_connector.models import BrevoAccount
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections

T = TypeVar("T")


class Unknown(Exception):
    """Brevo can't be asked; the text says why, for staff."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """A contact as Brevo has it: None when Brevo has none, or, with `why_unknown`, when it couldn't be asked."""

    contact: Contact | None = None
    why_unknown: str = ""

    @property
    def is_known(self) -> bool:
        """Return whether Brevo has answered."""
        return not self.why_unknown

    @property
    def attributes(self) -> Mapping[str, Any] | None:
        """Return what Brevo has, nothing for a new contact; None when it isn't known."""
        if not self.is_known:
            return None
        return self.contact.attributes if self.contact else {}

    @property
    def lists(self) -> tuple[int, ...]:
        """Return the lists that Brevo has the contact on, as far as known."""
        return self.contact.lists if self.contact else ()

    @property
    def is_blocked(self) -> bool:
        """Return whether the contact is known to get no mail."""
        return bool(self.contact and self.contact.is_blocked)


def look_up(account: BrevoAccount, email: str) -> Before:
    """Return a contact as it is now, or why that isn't known."""
    try:
        return Before(contact=_ask(account, lambda client: client.get_contact(email)))
    except errors.NotFound:
        return Before()
    except Unknown as unknown:
        return Before(why_unknown=str(unknown))


def read_attributes(account: BrevoAccount) -> dict[str, Attribute] | None:
    """Return Brevo's attributes as they are now, None when it can't be asked."""
    try:
        return {attribute.name: attribute for attribute in _ask(account, lambda client: client.list_attributes())}
    except (Unknown, errors.NotFound):
        return None


def _ask(account: BrevoAccount, work: Callable[[BrevoClient], T]) -> T:
    """Return what Brevo answers. Raises NotFound, and Unknown for everything else that goes wrong."""
    if account.is_paused:
        raise Unknown(_("Writing to Brevo is paused: %(reason)s") % {"reason": account.pause_reason})
    try:
        return work(BrevoClient(api_key=connections.brevo_key(account), base_url=conf.brevo_api_url()))
    except errors.NotFound:
        raise
    except (errors.ApiError, connections.NotConfigured, SecretUnreadableError, ImproperlyConfigured) as error:
        raise Unknown(str(error)) from error
