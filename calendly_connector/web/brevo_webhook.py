"""Where Brevo posts. It doesn't sign: who brings the account's own bearer token to its own address is believed.

What is answered with an error is lost for good, except by 429, which makes Brevo come again (brevo-api.md §7.1). So
everything that is Brevo's is stored and answered 200, and a database that doesn't answer is a 429.
"""

import hmac
import logging
import secrets

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calendly_connector.models import BrevoAccount
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import receive, tally
from calendly_connector.web import bearer
from calendly_connector.web.webhook import AlwaysJson, read_body

logger = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)


class ComeAgain(APIException):
    """Nothing could be stored just now."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Come again later."


class IsFromBrevo(BasePermission):
    """Lets a request pass that brings the secret of the account whose address it knows.

    Runs before the body is read. An unknown address, an account that listens to nobody, no token and a wrong one get
    the same answer after the same comparison, so nobody learns which addresses exist.
    """

    message = "The token is missing or doesn't fit."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Prove the delivery and leave its account on the view."""
        try:
            account = BrevoAccount.objects.filter(webhook_token=view.kwargs["token"]).only("webhook_secret").first()
            secret = account.webhook_secret if account else ""
        except AWAY as error:
            raise ComeAgain from error
        except (SecretUnreadableError, ImproperlyConfigured) as error:
            logger.error("News from Brevo can't be checked: %s", error)
            account, secret = None, ""
        fits = hmac.compare_digest(bearer.token_in(request._request), (secret or secrets.token_urlsafe()).encode())
        if account is None or not secret or not fits:
            logger.warning("News from Brevo was refused: the address or its token is wrong")
            tally.count(tally.REFUSED, "brevo", "token")
            return False
        view.account = account  # type: ignore[attr-defined]
        return True


class BrevoWebhookView(APIView):
    """`POST /webhooks/brevo/<token>`."""

    permission_classes = (IsFromBrevo,)
    content_negotiation_class = AlwaysJson
    account: BrevoAccount

    def post(self, request: Request, token: str) -> Response:
        """Store the delivery once and answer 200, whatever it says."""
        body = read_body(request)
        try:
            is_new = receive.store_news(self.account, body)
        except AWAY as error:
            raise ComeAgain from error
        return Response({"stored": is_new}, status=status.HTTP_200_OK)
