"""Where our forms may lead, for the Content-Security-Policy of all pages."""

from urllib.parse import urlsplit

CALENDLY = "calendly.com"


def consent_origins(consent_page: str) -> list[str]:
    """Return the origins that "Connect with Calendly" passes through.

    A browser holds every redirect after a form's POST against `form-action`, and Calendly sends whoever isn't logged in
    from its consent page to a host beside it.
    """
    place = urlsplit(consent_page)
    host = place.hostname or ""
    beside = [f"https://{CALENDLY}", f"https://*.{CALENDLY}"] if host.endswith(f".{CALENDLY}") else []
    return [f"{place.scheme}://{place.netloc}", *beside]
