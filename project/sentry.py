"""Optional: errors go to Sentry, or to anything that speaks its protocol, without secrets, people and bodies."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from structlog import contextvars

from calendly_connector import masking
from calendly_connector.clients import VERSION

MISSING = "SENTRY_DSN is set, but sentry-sdk isn't installed: pip install 'calendly-connector[sentry]', or unset it."
DROPPED = ("request", "user", "breadcrumbs", "extra")
"""Parts of a report that hold addresses, headers and arguments; the trail's numbers say what it is about."""


def start() -> None:
    """Begin to report errors when SENTRY_DSN is set; raise ImproperlyConfigured when it can't be done."""
    dsn = settings.SENTRY_DSN
    if not dsn:
        return
    try:
        sdk = import_module("sentry_sdk")
    except ImportError as error:
        raise ImproperlyConfigured(MISSING) from error
    try:
        sdk.init(
            dsn=dsn,
            release=f"calendly-connector@{VERSION}",
            environment=settings.SENTRY_ENVIRONMENT,
            send_default_pii=False,
            max_request_body_size="never",
            include_local_variables=False,  # they hold what our own error pages hide by name
            max_breadcrumbs=0,  # what was called and logged before: addresses of people
            before_send=cleaned,
        )
    except sdk.utils.BadDsn as error:
        raise ImproperlyConfigured("SENTRY_DSN is no address of a Sentry project.") from error


def cleaned(report: dict[str, Any], _hint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without what it mustn't tell, and with the numbers of delivery, booking and person as tags."""
    kept = {name: _masked(part) for name, part in report.items() if name not in DROPPED}
    kept |= {"release": report.get("release")}  # name@version, which looks like an address
    trail = {name: str(number) for name, number in contextvars.get_contextvars().items()}
    return {**kept, "tags": {**(kept.get("tags") or {}), **trail}}


def _masked(part: Any) -> Any:
    """Return a part of a report, every text in it masked; tuples become lists, as they do in JSON."""
    if isinstance(part, str):
        return masking.without_people(masking.masked(part))
    if isinstance(part, Mapping):
        return {name: _masked(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_masked(value) for value in part]
    return part
