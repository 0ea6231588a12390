"""Addresses of the two services' own pages, for staff to open in a browser (pure).

Calendly gives every invitee two pages, and documents them (calendly-api.md, the invitee's `cancel_url` and
`reschedule_url`). A page of the scheduled event inside Calendly's app isn't documented, so there is no link to one.
Brevo documents no address of a contact's page either: this one is what published connectors link to (WP Fusion's among
them), so it is likely right, and not certain.
"""

from dataclasses import dataclass

from calendly_connector.core.booking import Invitee

BREVO_CONTACTS = "https://app.brevo.com/contact/list"


@dataclass(frozen=True, kw_only=True)
class CalendlyPages:
    """Where one booking is moved and canceled; empty when Calendly named no page."""

    reschedule: str
    cancel: str


def calendly_pages(invitee: Invitee) -> CalendlyPages:
    """Return Calendly's own pages of a booking. To open one changes nothing."""
    return CalendlyPages(reschedule=_safe(invitee.reschedule_url), cancel=_safe(invitee.cancel_url))


def brevo_contact(number: int) -> str:
    """Return the page of a contact in Brevo, by its number there; all contacts' when the number isn't known."""
    return f"https://app.brevo.com/contact/index/{number}" if number else BREVO_CONTACTS


def _safe(address: str) -> str:
    return address if address.startswith(("https://", "http://")) else ""
