"""The load: signed webhooks of people who all differ, posted by a number of threads over connections kept open."""

import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from project import ports
from tests import payload_files

EXAMPLE, CREATED = "invitee.created__discovery_call", "invitee.created"
PATH = "/webhooks/calendly"
SECONDS = 60  # for one answer; a server that needs longer is down


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One delivery, ready to be posted."""

    email: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One acknowledged delivery. Times are Unix seconds."""

    email: str
    sent_at: float
    answered_at: float

    @property
    def seconds(self) -> float:
        """Return how long the answer took."""
        return self.answered_at - self.sent_at


class RefusedError(Exception):
    """A webhook was not acknowledged."""


class Factory:
    """Builds webhooks like the example, each with a person, a booking and a meeting of its own."""

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key.encode()
        self._example = payload_files.load(EXAMPLE)

    def make(self, count: int) -> list[Webhook]:
        """Return that many webhooks, signed now."""
        return [self.sign(CREATED, self.payload()) for _ in range(count)]

    def payload(self) -> dict[str, Any]:
        """Return what Calendly tells of somebody who books now."""
        one, now = uuid.uuid4().hex, moment()
        meeting = f"https://api.calendly.com/scheduled_events/{one}"
        return {
            **self._example["payload"],
            "uri": f"{meeting}/invitees/{one}",
            "event": meeting,
            "email": f"{one}@example.com",
            "text_reminder_number": None,  # one phone number belongs to one contact
            "questions_and_answers": self._example["payload"]["questions_and_answers"][:1],
            "created_at": now,
            "updated_at": now,
            "scheduled_event": {**self._example["payload"]["scheduled_event"], "uri": meeting},
        }

    def sign(self, webhook_name: str, payload: Mapping[str, Any]) -> Webhook:
        """Return a delivery of now."""
        told = {**self._example, "event": webhook_name, "created_at": moment(), "payload": payload}
        body = json.dumps(told).encode()
        return Webhook(email=payload["email"], body=body, headers=self._headers(body))

    def _headers(self, body: bytes) -> dict[str, str]:
        stamp = int(time.time())
        digest = hmac.new(self._key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "Calendly-Webhook-Signature": f"t={stamp},v1={digest}"}


def moment() -> str:
    """Return the time of now as Calendly writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Load:
    """Posts webhooks to one port from `at_once` threads: each when its turn comes, or as soon as one is free."""

    def __init__(self, port: int, webhooks: Sequence[Webhook], *, at_once: int, per_second: float = 0) -> None:
        self._port = port
        self._per_second = per_second
        self._turns: Iterator[tuple[int, Webhook]] = iter(enumerate(webhooks))
        self._lock = threading.Lock()
        self._posted: list[Posted] = []
        self._failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]

    def run(self) -> list[Posted]:
        """Post them all and return when the last is answered. Raise RefusedError when one was not acknowledged."""
        self._begun_at = time.time()
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise RefusedError(f"A webhook was not acknowledged: {self._failures[0]}") from self._failures[0]
        return self._posted

    def _work(self) -> None:
        connection = http.client.HTTPConnection(ports.HOST, self._port, timeout=SECONDS)
        try:
            while turn := self._next():
                number, webhook = turn
                if self._per_second:
                    time.sleep(max(0.0, self._begun_at + number / self._per_second - time.time()))
                self._posted.append(_post(connection, webhook))
        except (OSError, http.client.HTTPException, RefusedError) as error:
            self._failures.append(error)
        finally:
            connection.close()

    def _next(self) -> tuple[int, Webhook] | None:
        with self._lock:
            return next(self._turns, None)


def _post(connection: http.client.HTTPConnection, webhook: Webhook) -> Posted:
    sent_at = time.time()
    try:
        status = _exchange(connection, webhook)
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        connection.close()  # the server closes a connection that was idle for a while; nothing was lost
        status = _exchange(connection, webhook)
    if status != 200:
        raise RefusedError(f"answered {status}")
    return Posted(email=webhook.email, sent_at=sent_at, answered_at=time.time())


def _exchange(connection: http.client.HTTPConnection, webhook: Webhook) -> int:
    connection.request("POST", PATH, body=webhook.body, headers=webhook.headers)
    response = connection.getresponse()
    response.read()
    return response.status
