"""Every page has the strict policy; what Calendly posts to has no need of it."""

import pytest
from django.test import Client
from django.urls import reverse

from project.policy import consent_origins

STRICT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
}
PAGES = (
    reverse("admin:login"),
    reverse("admin:index"),
    reverse("calendly_connector:oauth_callback"),
    reverse("calendly_connector:live"),
    "/no-such-page",
)


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_policy(client: Client, page: str) -> None:
    response = client.get(page)

    assert set(response["Content-Security-Policy"].split("; ")) >= STRICT


@pytest.mark.django_db
def test_a_page_that_fails_has_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.admin_site.ConnectorSite.each_context", lambda *args, **options: 1 / 0)
    client = Client(raise_request_exception=False)

    response = client.get(reverse("admin:login"))

    assert response.status_code == 500
    assert set(response["Content-Security-Policy"].split("; ")) >= STRICT


@pytest.mark.django_db
def test_a_webhook_is_answered_without(client: Client) -> None:
    response = client.post(reverse("calendly_connector:webhook"), data=b"{}", content_type="application/json")

    assert "Content-Security-Policy" not in response


def test_a_form_may_lead_to_the_consent_page_alone() -> None:
    assert consent_origins("http://127.0.0.1:4010/sandbox") == ["http://127.0.0.1:4010"]


def test_calendly_may_ask_for_the_password_first() -> None:
    assert consent_origins("https://auth.calendly.com") == [
        "https://auth.calendly.com",
        "https://calendly.com",
        "https://*.calendly.com",
    ]
