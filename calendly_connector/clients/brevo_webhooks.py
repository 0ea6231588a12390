"""Brevo's outgoing webhooks: the part of `BrevoClient` that asks to be told, in the 100 calls an hour."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from calendly_connector.clients import errors
from calendly_connector.clients.http import Answer

DESCRIPTION = "Calendly connector"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One marketing webhook of the account. `token` is None when Brevo doesn't show it."""

    id: int
    url: str
    events: frozenset[str]  # as they are subscribed: unsubscribed, contactDeleted, …
    is_batched: bool
    token: str | None = field(repr=False)


class Webhooks:
    """What `BrevoClient` can do with webhooks."""

    @abstractmethod
    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        """Make one call."""

    def list_webhooks(self) -> list[Webhook]:
        """Return the marketing webhooks of the account. https://developers.brevo.com/reference/get-webhooks"""
        try:
            data = self._call("other", "GET", "/webhooks", params={"type": "marketing"}).json
        except errors.NotFound:  # how an account without any may answer
            return []
        rows = data.get("webhooks") if isinstance(data, Mapping) else None
        if not isinstance(rows, list):
            raise errors.BadAnswer("Brevo answered in another form than it documents.")
        return list(_webhooks(rows))

    def create_webhook(self, *, url: str, events: Collection[str], token: str) -> int:
        """Have Brevo post news to an address with a bearer token; return the webhook's id. Not to be repeated unseen.

        https://developers.brevo.com/reference/create-webhook
        """
        answer = self._call("other", "POST", "/webhooks", json={"type": "marketing", **_settings(url, events, token)})
        try:
            return int(answer.json["id"])
        except (TypeError, KeyError, ValueError) as error:
            raise errors.BadAnswer("Brevo made a webhook and doesn't say which.") from error

    def update_webhook(self, number: int, *, url: str, events: Collection[str], token: str) -> None:
        """Set everything that a webhook is made with. https://developers.brevo.com/reference/update-webhook"""
        self._call("other", "PUT", f"/webhooks/{number}", json=_settings(url, events, token))

    def delete_webhook(self, number: int) -> None:
        """Delete a webhook; one that is gone is as good. https://developers.brevo.com/reference/delete-webhook"""
        try:
            self._call("other", "DELETE", f"/webhooks/{number}")
        except errors.NotFound:
            return


def _settings(url: str, events: Collection[str], token: str) -> dict[str, Any]:
    return {
        "url": url,
        "description": DESCRIPTION,
        "events": sorted(events),
        "auth": {"type": "bearer", "token": token},
        "batched": False,
    }


def _webhooks(rows: list[Any]) -> Iterator[Webhook]:
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), int):
            continue
        auth = row.get("auth")
        token = auth.get("token") if isinstance(auth, Mapping) else None
        yield Webhook(
            id=row["id"],
            url=str(row.get("url") or ""),
            events=frozenset(str(name) for name in row.get("events") or []),
            is_batched=bool(row.get("batched")),
            token=token if isinstance(token, str) else None,
        )
