"""Presses the buttons of a connection's page and returns what is said."""

from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from calendly_connector.admin import parts
from calendly_connector.models import Connection
from calendly_connector.services import setup
from sandbox.calendly_world import PERSONAL_TOKEN

BREVO_KEY = "sandbox-brevo-key"


def connected(row: Connection) -> Connection:
    """Return the row, connected with the sandbox's personal access token."""
    setup.save_calendly_token(row, PERSONAL_TOKEN)
    return row


def address(row: Connection, name: str) -> str:
    """Return where a button posts to."""
    return reverse("admin:calendly_connector_connection_step", args=[row.pk, name])


def press(client: Client, row: Connection, name: str, **values: str) -> str:
    """Press a button, say yes if asked, and return what is said."""
    page = client.post(address(row, name), {"confirmed": "yes", **values})
    assert (page.status_code, page.headers["Location"]) == (302, parts.page_of(Connection, row.pk)), page.content
    said = "\n".join(str(message) for message in get_messages(page.wsgi_request))
    client.cookies.pop("messages", None)
    return said


def read(client: Client, row: Connection) -> str:
    """Return the connection's page."""
    page = client.get(parts.page_of(Connection, row.pk))
    assert page.status_code == 200
    return page.content.decode()
