"""Outgoing marketing webhooks: /webhooks and the posting itself, to loopback addresses only."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, flag_in, invalid, not_found, path_number, required_text, stamp, text_in
from sandbox.brevo_loopback import is_loopback, post
from sandbox.brevo_state import Contact, Json, Webhook
from sandbox.http import Request, Response, Router

# The word a webhook is subscribed with → the word in its payload (reference 7.1).
EVENTS = {
    "unsubscribed": "unsubscribe",
    "listAddition": "list_addition",
    "contactUpdated": "contact_updated",
    "contactDeleted": "contact_deleted",
    "hardBounce": "hard_bounce",
    "softBounce": "soft_bounce",
    "spam": "spam",
    "delivered": "delivered",
    "opened": "opened",
    "click": "click",
}
MOST = 40  # webhooks in an account
RETRIES = (600.0, 3600.0, 7200.0, 28800.0)
KEPT = 1000  # deliveries remembered
CET = timezone(timedelta(hours=1))  # `date` is not UTC; only `ts` can be relied on


class Webhooks:
    """Keeps the webhooks of an account and posts to them from one thread."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._waiting: list[Json] = []
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_posting = False
        account.listen(self._changed)
        account.notify = lambda url, body: self._queue(url, body, {}, "notifyUrl")

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/webhooks")(self.browse)
        router.route("POST", "/webhooks")(self.create)
        router.route("GET", "/webhooks/{number}")(self.read)
        router.route("PUT", "/webhooks/{number}")(self.update)
        router.route("DELETE", "/webhooks/{number}")(self.delete)

    def browse(self, request: Request) -> Response:
        """Return all webhooks, of one type when asked."""
        kind = request.param("type")
        rows = [webhook_json(each) for each in self.account.state.webhooks.values()]
        return Response(body={"webhooks": [row for row in rows if kind in ("", row["type"])]})

    def create(self, request: Request) -> Response:
        """Create a webhook."""
        state, settings = self.account.state, _checked(body_of(request))
        if len(state.webhooks) >= MOST:
            raise invalid(f"An account has at most {MOST} webhooks")
        now = self.account.clock.now()
        webhook = Webhook(id=state.next_id("webhook"), created_at=now, modified_at=now, settings=settings)
        state.webhooks[webhook.id] = webhook
        return Response(status=201, body={"id": webhook.id})

    def _find(self, number: str) -> Webhook:
        found = self.account.state.webhooks.get(path_number(number, "Webhook id is invalid"))
        if found is None:
            raise not_found("Webhook does not exist")
        return found

    def read(self, request: Request, number: str) -> Response:
        """Return one webhook."""
        return Response(body=webhook_json(self._find(number)))

    def update(self, request: Request, number: str) -> Response:
        """Change a webhook; its type stays."""
        webhook = self._find(number)
        webhook.settings = _checked({**webhook.settings, **body_of(request), "type": webhook.settings["type"]})
        webhook.modified_at = self.account.clock.now()
        return Response(status=204)

    def delete(self, request: Request, number: str) -> Response:
        """Delete a webhook."""
        del self.account.state.webhooks[self._find(number).id]
        return Response(status=204)

    def _changed(self, name: str, contact: Contact, details: Json) -> None:
        for webhook in self.account.state.webhooks.values():
            if name in webhook.settings["events"]:
                payload = self._payload(webhook, name, contact, details)
                body = [payload] if webhook.settings.get("batched") else payload
                self._queue(webhook.settings["url"], body, _headers(webhook.settings), name)

    def _payload(self, webhook: Webhook, name: str, contact: Contact, details: Json) -> Json:
        """Return what is posted; `id` is the webhook's, not the contact's."""
        now = self.account.clock.now()
        who: Json = {"id": webhook.id, "email": contact.email, "key": "sandboxkey"}
        payload = {**who, "event": EVENTS[name], **details, "date": _local(now), "ts": int(now)}
        if name in ("unsubscribed", "hardBounce", "spam"):
            campaign = {
                "camp_id": 1,
                "campaign name": "Newsletter",
                "date_sent": _local(now),
                "date_event": _local(now),
            }
            payload |= {**campaign, "ts_sent": int(now), "ts_event": int(now)}
        return payload

    def _queue(self, url: str, body: Any, headers: dict[str, str], name: str) -> None:
        if not is_loopback(url):
            return
        posting = {"url": url, "body": body, "headers": headers, "event": name, "tries": 0, "due": 0.0}
        with self._news:
            self._waiting.append(posting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._post_all, daemon=True, name="brevo webhooks")
                self._thread.start()
            self._news.notify()

    def has_news(self) -> bool:
        """Return whether something is to be posted now, or just being posted."""
        with self._news:
            now = self.account.clock.now()
            return self._is_posting or any(each["due"] <= now for each in self._waiting)

    def forget(self) -> None:
        """Drop what is still to be posted."""
        with self._news:
            self._waiting.clear()

    def _post_all(self) -> None:
        while True:
            posting = self._next()
            try:
                self._post(posting)
            finally:
                self._is_posting = False

    def _next(self) -> Json:
        """Wait for the next posting that is due, by the sandbox's clock."""
        with self._news:
            while True:
                due = [each for each in self._waiting if each["due"] <= self.account.clock.now()]
                if due:
                    self._waiting.remove(due[0])
                    self._is_posting = True
                    return due[0]
                self._news.wait(0.1 if self._waiting else None)

    def _post(self, posting: Json) -> None:
        posting["tries"] += 1
        status = post(posting["url"], posting["body"], posting["headers"])
        with self.account.lock:
            deliveries = self.account.state.deliveries
            record = {"at": time.time(), "status": status, **{name: posting[name] for name in _RECORDED}}
            deliveries.append(record)
            del deliveries[:-KEPT]
        # Any other 4xx and 5xx ends the retries: the event is lost (reference 7.1).
        if status in (0, 429) and posting["tries"] <= len(RETRIES):
            posting["due"] = self.account.clock.now() + RETRIES[posting["tries"] - 1]
            with self._news:
                self._waiting.append(posting)


_RECORDED = ("url", "event", "body", "tries")


def _headers(settings: Json) -> dict[str, str]:
    headers = {each["key"]: each["value"] for each in settings.get("headers") or []}
    auth = settings.get("auth") or {}
    return headers | ({"Authorization": f"Bearer {auth['token']}"} if auth else {})


def _local(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).astimezone(CET).strftime("%Y-%m-%d %H:%M:%S")


def _checked(body: Json) -> Json:
    """Return the settings of a webhook; the sandbox posts to loopback addresses only, and says so at once."""
    url, kind = required_text(body, "url"), text_in(body, "type", "transactional")
    if not is_loopback(url):
        raise invalid("url is not valid: the sandbox posts to loopback addresses only")
    if kind not in ("marketing", "transactional", "inbound"):
        raise invalid("type is not valid")
    events = body.get("events")
    known = isinstance(events, list) and all(kind != "marketing" or name in list(EVENTS) for name in events)
    if not events or not known:
        raise invalid("events is not valid")
    flag_in(body, "batched")
    _check_headers(body)
    return {"description": "", "batched": False, **body, "url": url, "type": kind}


def _check_headers(body: Json) -> None:
    auth, headers = body.get("auth"), body.get("headers") or []
    if auth and not (isinstance(auth, dict) and auth.get("type") == "bearer" and isinstance(auth.get("token"), str)):
        raise invalid("auth is not valid")
    if not isinstance(headers, list) or not all(
        isinstance(each, dict) and {"key", "value"} <= set(each) for each in headers
    ):
        raise invalid("headers is not valid")


def webhook_json(webhook: Webhook) -> Json:
    """Return a webhook as the API answers it."""
    times = {"createdAt": stamp(webhook.created_at), "modifiedAt": stamp(webhook.modified_at)}
    return {"id": webhook.id, **webhook.settings, **times}
