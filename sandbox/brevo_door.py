"""What happens to every request before and after its own work: key, address, limits, content type, headers."""

import time
import uuid

from sandbox.brevo_account import Account
from sandbox.brevo_answers import refusal
from sandbox.brevo_limits import Limits
from sandbox.http import Request, Response

WRITES = ("POST", "PUT", "PATCH")
TOO_EARLY = (("POST", "/contacts"), ("PUT", "/contacts/{identifier}"))
UNKNOWN_IP = (
    "We have detected you are using an unrecognised IP address {}. If you performed this action make sure to add the "
    "new IP address in this link: https://app.brevo.com/security/authorised_ips"
)


class Door:
    """Refuses what Brevo refuses whatever the endpoint."""

    def __init__(self, account: Account, limits: Limits) -> None:
        self.account = account
        self.limits = limits

    def admit(self, request: Request, template: str) -> None:
        """Let a request in, or raise the refusal. Order: who, how often, may they, in which form."""
        time.sleep(self.account.settings.latency)
        self._check_key(request)
        self.limits.take(request.method, template)
        self._check_account(request, template)
        self._check_form(request, template)

    def finish(self, request: Request, template: str, response: Response) -> None:
        """Add the headers of every answer; a 401 was seen without those of the limits."""
        response.headers["sib-request-id"] = str(uuid.uuid4())
        if response.status != 401:
            response.headers.update(self.limits.headers(request.method, template))

    def _check_key(self, request: Request) -> None:
        settings = self.account.settings
        key = request.headers.get("api-key", "")
        if not key:
            raise refusal(401, "unauthorized", "authentication not found in headers")
        if key != settings.api_key or settings.dead_key:
            raise refusal(401, "unauthorized", "Key not found")
        if settings.unknown_ip:
            raise refusal(401, "unauthorized", UNKNOWN_IP.format(settings.unknown_ip))

    def _check_account(self, request: Request, template: str) -> None:
        settings = self.account.settings
        if settings.not_enough_credits:
            raise refusal(402, "not_enough_credits", "Not enough credits")
        if settings.forbidden:
            raise refusal(403, "permission_denied", "You do not have permission to do this")
        if settings.too_early and (request.method, template) in TOO_EARLY:
            raise refusal(425, "account_in_process", "Account is being processed, try again later")

    def _check_form(self, request: Request, template: str) -> None:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if request.method not in WRITES or kind == "application/json":
            return
        if template.startswith("/crm/notes"):
            raise refusal(415, "bad_request", "Unsupported media type")
        raise refusal(406, "not_acceptable", "Content-Type must be application/json")
