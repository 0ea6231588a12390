"""Brevo's API v3, as far as we use it: a method per endpoint (brevo-api.md names the page of each).

The account and one contact are here; what else there is, by resource, in the files beside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from calendly_connector.clients import brevo_bodies as bodies
from calendly_connector.clients import brevo_contacts as contacts
from calendly_connector.clients import errors
from calendly_connector.clients.brevo_catalogue import Catalogue
from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.clients.brevo_events import Events
from calendly_connector.clients.brevo_imports import Imports
from calendly_connector.clients.brevo_parts import object_in
from calendly_connector.clients.brevo_tasks import Tasks
from calendly_connector.clients.brevo_webhooks import Webhooks
from calendly_connector.clients.http import Answer, Http, Patience, Witness, usual_patience

Observer = Callable[[str, Mapping[str, str]], None]
"""Told the bucket and the headers of every answer, so that the limiter can follow them."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose key this is."""

    organization_id: str
    company: str
    email: str
    plans: tuple[str, ...]
    has_automation: bool
    mails_left: int | None = None  # None: Brevo doesn't tell, or the plan counts otherwise


class BrevoClient(contacts.Listings, Catalogue, Events, Imports, Webhooks, Tasks):
    """One account. `base_url` includes "/v3"."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        observe: Observer | None = None,
        witness: Witness | None = None,
        patience: Patience = usual_patience,
    ) -> None:
        self._base_url = base_url
        headers = {"api-key": api_key}
        self._http = Http(service="Brevo", base_url=base_url, headers=headers, witness=witness, patience=patience)
        self._observe = observe or (lambda bucket, headers: None)

    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        answer = self._http.call(method, path, **options)
        self._observe(bucket, answer.headers)
        return answer

    def get_account(self) -> Account:
        """Return the account. 100 calls an hour. https://developers.brevo.com/reference/get-account"""
        data = object_in(self._call("other", "GET", "/account").json)
        automation = data.get("marketingAutomation")
        return Account(
            organization_id=str(data.get("organization_id") or ""),
            company=str(data.get("companyName") or ""),
            email=str(data.get("email") or ""),
            plans=tuple(str(plan.get("type", "")) for plan in data.get("plan") or [] if isinstance(plan, dict)),
            has_automation=bool(isinstance(automation, dict) and automation.get("enabled")),
            mails_left=_mails_left(data.get("plan") or []),
        )

    def upsert_contact(
        self, email: str, *, attributes: Mapping[str, Any], lists: Sequence[int] = (), records_opt_out: bool = False
    ) -> None:
        """Create or update a contact and let it join lists. May be repeated.

        https://developers.brevo.com/reference/create-contact
        """
        body = bodies.contact_body(email, attributes=attributes, lists=lists, records_opt_out=records_opt_out)
        self._call("contacts", "POST", "/contacts", json=body)

    def get_contact(self, email: str) -> Contact:
        """Return a contact; raise NotFound. https://developers.brevo.com/reference/get-contact-info"""
        params = {"identifierType": "email_id"}
        data = object_in(self._call("contacts", "GET", f"/contacts/{quote(email, safe='')}", params=params).json)
        return contacts.contact_of(data)

    def leave_lists(self, email: str, *, lists: Sequence[int]) -> None:
        """Take a contact out of lists. May be repeated; raises NotFound for an unknown contact.

        https://developers.brevo.com/reference/update-contact
        """
        params = {"identifierType": "email_id"}
        body = {"unlinkListIds": list(lists)}
        self._call("contacts", "PUT", f"/contacts/{quote(email, safe='')}", params=params, json=body)

    def delete_contact(self, email: str) -> bool:
        """Delete a contact with its history and its opt-out; return False when there is none. May be repeated.

        https://developers.brevo.com/reference/delete-contact (405: the account's own registered address)
        """
        params = {"identifierType": "email_id"}
        try:
            self._call("contacts", "DELETE", f"/contacts/{quote(email, safe='')}", params=params)
        except errors.NotFound:
            return False
        return True

    def ask_double_opt_in(self, email: str, *, lists: Sequence[int], template: int, redirect_url: str) -> None:
        """Have Brevo ask by mail; the click joins the lists. NOT to be repeated after a lost answer: each call mails.

        https://developers.brevo.com/reference/create-doi-contact
        """
        body = bodies.double_opt_in_body(email, lists=lists, template=template, redirect_url=redirect_url)
        self._call("contacts", "POST", "/contacts/doubleOptinConfirmation", json=body)


def _mails_left(plans: Sequence[Any]) -> int | None:
    """Return how many e-mails an account may still send, by those of its plans that count them. SMS don't count."""
    told = [plan for plan in plans if isinstance(plan, dict) and plan.get("creditsType") == "sendLimit"]
    left = [plan.get("credits") for plan in told if plan.get("type") != "sms"]
    numbers = [int(number) for number in left if isinstance(number, int | float)]
    return sum(numbers) if numbers else None
