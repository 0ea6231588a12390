"""Where Calendly posts. Proved, stored, answered; everything else happens later, so a slow Brevo never fails it."""

import json
import logging
import time
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from django.http import UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calendly_connector import conf
from calendly_connector.clients.http import Exchange
from calendly_connector.core import signature
from calendly_connector.core.errors import SignatureError
from calendly_connector.models import Connection
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections
from calendly_connector.services import debug, receive, tally, trail

logger = logging.getLogger(__name__)

SIGNATURE_HEADER = "Calendly-Webhook-Signature"


class BodyTooLarge(APIException):
    """No delivery of Calendly's or Brevo's comes near this size."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 1 MiB."


class AlwaysJson(BaseContentNegotiation):
    """Whatever a sender accepts: a delivery isn't refused for its Accept header."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """Return the first parser; none is ever used."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class IsSignedByCalendly(BasePermission):
    """Lets a request pass when its raw bytes are signed with one of the connection's keys.

    Runs before anything parses the body: re-serialised JSON has another hash. An unknown address and a bad signature
    get the same answer, so nobody learns which addresses exist.
    """

    message = "The signature is missing, too old, or doesn't fit."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Prove the delivery and leave its connection on the view."""
        body = read_body(request)
        try:
            connection = _connection(view.kwargs.get("token"))
            keys = connections.signing_keys(connection) if connection else []
            signature.verify(body, request.headers.get(SIGNATURE_HEADER, ""), keys=keys, now=time.time())
        except SignatureError as error:
            logger.warning("A delivery was refused: %s", error)
            tally.count(tally.REFUSED, "calendly", "signature")
            return False
        except (SecretUnreadableError, ImproperlyConfigured) as error:  # Calendly tries again for a day
            logger.error("A delivery can't be checked: %s", error)
            tally.count(tally.REFUSED, "calendly", "no_key")
            return False
        view.connection = connection  # type: ignore[attr-defined]
        return True


class CalendlyWebhookView(APIView):
    """`POST /webhooks/calendly[/<token>]`."""

    permission_classes = (IsSignedByCalendly,)
    content_negotiation_class = AlwaysJson
    connection: Connection

    def post(self, request: Request, token: str = "") -> Response:
        """Store the delivery once and answer 2xx, whatever it says."""
        began, body = time.monotonic(), read_body(request)
        number = receive.store_delivery(self.connection, body)
        with trail.scope(delivery=number, connection=self.connection.pk):
            logger.log(trail.level(), "Delivery stored" if number else "Delivery known already")
        response = Response({"stored": number is not None}, status=status.HTTP_200_OK)
        if debug.is_on(self.connection):
            debug.note_delivery(self.connection, body, _exchange(request, body, response, began))
        return response


def _exchange(request: Request, body: bytes, response: Response, began: float) -> Exchange:
    """Return a delivery and its answer as debug mode keeps them."""
    return Exchange(
        method=str(request.method),
        address=request.path,
        request_headers=dict(request.headers),
        request_body=body,
        status=response.status_code,
        answer_headers={},
        answer_body=json.dumps(response.data).encode(),
        milliseconds=round((time.monotonic() - began) * 1000),
    )


def read_body(request: Request) -> bytes:
    """Return the raw bytes, never more than the limit; raise BodyTooLarge."""
    wsgi = request._request
    length = wsgi.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > conf.max_body_bytes():
        tally.count(tally.REFUSED, request.path_info.split("/")[2], "too_large")
        raise BodyTooLarge
    try:
        return wsgi.body
    except UnreadablePostError as error:
        raise ParseError("The body ended too early.") from error


# Written out, with what a delivery needs: it took Django longer to build this statement than to do all the rest.
OF_ENVIRONMENT = (
    "SELECT id, is_environment, is_active, debug_until FROM calendly_connector_connection WHERE is_environment"
)
KEYS = ("id", "is_environment", "token_kind", "signing_key", "previous_signing_key", "debug_until")


def _connection(token: str | None) -> Connection | None:
    if token:
        return Connection.objects.filter(webhook_token=token, is_active=True).only(*KEYS).first()
    if not conf.environment_credentials().calendly_signing_key:
        return None
    known = next(iter(Connection.objects.raw(OF_ENVIRONMENT)), None)
    connection = known or connections.environment_connection()
    return connection if connection.is_active else None
