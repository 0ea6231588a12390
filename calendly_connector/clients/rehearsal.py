"""A Brevo client that writes its calls down instead of making them: what it holds is what would be sent."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.http import Answer


@dataclass(frozen=True, kw_only=True)
class PlannedCall:
    """One call as it would go out. `path` begins below "/v3" and carries the query."""

    method: str
    path: str
    body: Any


class Rehearsal(BrevoClient):
    """Takes every call and makes none. Only for methods that write: those that read find nothing."""

    def __init__(self) -> None:
        super().__init__(api_key="", base_url="")
        self.calls: list[PlannedCall] = []

    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        query = urlencode(options.get("params") or {})
        address = f"{path}?{query}" if query else path
        self.calls.append(PlannedCall(method=method, path=address, body=options.get("json")))
        return Answer(status=204, json=None, headers={})
