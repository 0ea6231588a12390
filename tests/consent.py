"""Says yes or no on the sandbox's consent page, as a person would, and returns what comes back."""

from urllib.parse import parse_qsl, urlsplit

import requests
from pytest_django.fixtures import Settings

from sandbox.calendly_world import APP_SIGNING_KEY, CAMILLE, CLIENT_ID, CLIENT_SECRET


def use_application(settings: Settings) -> None:
    """Configure the sandbox's OAuth application, as it is created with Calendly."""
    settings.CALENDLY_CLIENT_ID, settings.CALENDLY_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = APP_SIGNING_KEY
    settings.PUBLIC_URL = "http://127.0.0.1:1"


def answer(url: str, *, decision: str = "approve", user: str = CAMILLE, **more: str) -> dict[str, str]:
    """Return the query of the redirect that a decision on the consent page leads to."""
    response = requests.get(
        url, params={"decision": decision, "user": user, **more}, allow_redirects=False, timeout=10,
        headers={"User-Agent": "a browser"},
    )  # fmt: skip
    assert response.status_code == 302, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))
