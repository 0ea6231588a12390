"""What is sent to Brevo, as JSON: one function for each body, so that a preview shows exactly what a write sends."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def contact_body(
    email: str, *, attributes: Mapping[str, Any], lists: Sequence[int] = (), records_opt_out: bool = False
) -> dict[str, Any]:
    """Return one contact as `POST /contacts` takes it.

    The blocklist flag is there to record an opt-out and for nothing else; it is never false (brevo-api.md §2.9).
    """
    body: dict[str, Any] = {"email": email, "attributes": sendable(attributes), "updateEnabled": True}
    body |= {"listIds": list(lists)} if lists else {}
    return body | ({"emailBlacklisted": True} if records_opt_out else {})


def double_opt_in_body(email: str, *, lists: Sequence[int], template: int, redirect_url: str) -> dict[str, Any]:
    """Return one request for consent as `POST /contacts/doubleOptinConfirmation` takes it."""
    return {
        "email": email,
        "includeListIds": list(lists),
        "templateId": template,
        "redirectionUrl": redirect_url,
    }


def event_body(name: str, *, email: str, at: datetime, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return one event as `POST /events` takes it; `at` is aware."""
    return {
        "event_name": name,
        "event_date": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "identifiers": {"email_id": email},
        "event_properties": dict(properties),
    }


def sendable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attribute values as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in attributes.items()}
