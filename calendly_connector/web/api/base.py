"""What every view of the API shares: bearer tokens, JSON alone, problems, no caching. The next resource begins here."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.utils import translation
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from calendly_connector import conf
from calendly_connector.web.api import problems
from calendly_connector.web.api.auth import SEES, BearerAuthentication, MayUse, TokenThrottle


class StrictJson(BaseParser):
    """JSON in UTF-8, of a bounded size and depth, whatever character set the header names."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says; raise ParseError, TooLarge."""
        limit = conf.max_body_bytes()
        try:
            body = stream.read(limit + 1)
        except UnreadablePostError as error:
            raise exceptions.ParseError("The body ended too early.") from error
        if len(body) > limit:
            raise problems.TooLarge
        try:
            data = json.loads(body.decode(), parse_constant=_refuse)
            json.dumps(data, ensure_ascii=False).encode()  # half a character pair is legal JSON, and no text
            return data
        except (ValueError, RecursionError):
            raise exceptions.ParseError("The body is no JSON in UTF-8.") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


class OnlyJson(BaseContentNegotiation):
    """Answers JSON, whatever the caller accepts; takes only what a parser is for."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser for the body's media type; None makes a 415 of it."""
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ApiView(APIView):
    """One address. `needed` are the permissions that its caller has to have."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (MayUse,)
    throttle_classes: Sequence[type[BaseThrottle]] = (TokenThrottle,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (StrictJson,)
    content_negotiation_class = OnlyJson
    metadata_class = None
    needed: tuple[str, ...] = SEES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in English: programs read it. A character set of the caller's choice is never used."""
        request.encoding = "utf-8"
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count a call before asking whether it is allowed: what is refused costs as much."""
        self.format_kwarg = self.get_format_suffix(**kwargs)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version, request.versioning_scheme = self.determine_version(request, *args, **kwargs)
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)

    def get_exception_handler(self) -> Any:
        """Return what makes a problem of an error."""
        return problems.handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep people's data out of every cache."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "no-store"
        return final


class Nowhere(ApiView):
    """Every address below the API's that is none."""

    permission_classes = ()
    throttle_classes = ()
    authentication_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever the method is."""
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound("There is no such address. The schema names those that there are.")
