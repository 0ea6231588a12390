"""Every address the connector answers, each with and without a closing slash: Calendly follows no redirects."""

from django.urls import include, re_path

from calendly_connector.web import metrics, oauth
from calendly_connector.web.brevo_webhook import BrevoWebhookView
from calendly_connector.web.health import live, ready
from calendly_connector.web.webhook import CalendlyWebhookView

app_name = "calendly_connector"
urlpatterns = [
    re_path(r"^webhooks/calendly/?$", CalendlyWebhookView.as_view(), name="webhook"),
    re_path(r"^webhooks/calendly/(?P<token>[\w-]+)/?$", CalendlyWebhookView.as_view(), name="webhook_token"),
    re_path(r"^webhooks/brevo/(?P<token>[\w-]+)/?$", BrevoWebhookView.as_view(), name="brevo_webhook"),
    re_path(r"^oauth/calendly/connect/(?P<connection_id>\d{1,18})/?$", oauth.connect, name="oauth_connect"),
    re_path(r"^oauth/calendly/callback/?$", oauth.callback, name="oauth_callback"),
    re_path(r"^book/", include("calendly_connector.web.booking.urls")),
    re_path(r"^api/v1/", include("calendly_connector.web.api.urls")),
    re_path(r"^health/live/?$", live, name="live"),
    re_path(r"^health/ready/?$", ready, name="ready"),
    re_path(r"^metrics/?$", metrics.show, name="metrics"),
]
