"""Posts to the webhook's address as anybody might: signed well, signed badly, or not at all."""

import hashlib
import hmac
import time
from typing import Any

from django.test import Client

from calendly_connector import tasks
from calendly_connector.models import Connection, WebhookDelivery
from calendly_connector.services.bell import Bell
from calendly_connector.services.connection import environment_connection
from calendly_connector.services.worker import Worker

KEY = "the-signing-key-of-these-tests-0123456789"
ADDRESS = "/webhooks/calendly"


def digest(body: bytes, *, at: float, key: str = KEY) -> str:
    """Return what Calendly sends as `v1`; written from the reference, not from the app."""
    return hmac.new(key.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()


def signed(body: bytes, *, at: float | None = None, key: str = KEY) -> str:
    """Return the whole header for a body, signed now unless `at` says when."""
    at = time.time() if at is None else at
    return f"t={int(at)},v1={digest(body, at=at, key=key)}"


class Door:
    """The webhook's addresses, seen from outside, and what is kept behind them."""

    def __init__(self) -> None:
        self.client = Client()

    @property
    def connection(self) -> Connection:
        """Return the connection of the environment."""
        return environment_connection()

    def post(
        self, body: bytes, header: str | None = None, *, address: str = ADDRESS, method: str = "POST", **extra: Any
    ) -> int:
        """Send a body with a signature header (a right one by default, none for "") and return the status."""
        header = signed(body) if header is None else header
        headers = {"Calendly-Webhook-Signature": header} if header else {}
        options = {"content_type": "application/json", **extra, "headers": {**headers, **extra.get("headers", {})}}
        return self.client.generic(method, address, body, **options).status_code

    def work(self) -> None:
        """Do all work that is due."""
        Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()

    def stored(self) -> list[WebhookDelivery]:
        """Return what has been stored, oldest first."""
        return list(WebhookDelivery.objects.order_by("pk"))

    def only(self) -> WebhookDelivery:
        """Return the one delivery that has been stored."""
        return WebhookDelivery.objects.get()
