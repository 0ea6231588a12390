"""What the addresses that visitors of a booking page may use have in common: a page instead of a token, paces by
address, and the sites that the page may be embedded in."""

from typing import Any

from django.http import Http404
from django.utils.cache import patch_vary_headers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from calendly_connector.models import ApiToken, BookingPage, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import visitors
from calendly_connector.web import visitor
from calendly_connector.web.api.auth import MayUse, TokenThrottle
from calendly_connector.web.api.base import ApiView
from calendly_connector.web.api.problems import WrongQuery

LONGEST_SLUG = 80


class PageOrToken(MayUse):
    """Lets everybody in who names an active page, and others by their token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the caller may; raise Http404 for a page that isn't there."""
        if "page" not in request.query_params:
            return super().has_permission(request, view)
        if page_of(request) is None:
            raise Http404
        return True


class VisitorThrottle(TokenThrottle):
    """Counts the calls of each token, and of each visitor's address."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the call may be made now."""
        if isinstance(request.auth, ApiToken) or "page" not in request.query_params:
            return super().allow_request(request, view)
        event_type = request.query_params.get("event_type", "")
        self._seconds = visitors.read_pace(visitor.address_of(request), event_type=event_type)
        return not self._seconds


class VisitorView(ApiView):
    """One address that visitors may use. Cookies never play a part, so a site can do in a browser only what anybody
    can; what it may read there, the page's list of origins says."""

    permission_classes: tuple[type[BasePermission], ...] = (PageOrToken,)
    throttle_classes: tuple[type[BaseThrottle], ...] = (VisitorThrottle,)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer a browser that asks whether a site may."""
        answer = Response(status=204)
        if _is_embedded(request):
            answer["Access-Control-Allow-Methods"] = "GET, POST"
            answer["Access-Control-Allow-Headers"] = "Content-Type"
            answer["Access-Control-Max-Age"] = "600"
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the sites that a page allows read the answer, problems too."""
        final = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(final, ("Origin",))
        if _is_embedded(request):
            final["Access-Control-Allow-Origin"] = request.headers["Origin"]
            final["Access-Control-Expose-Headers"] = "Retry-After"
        return final


def page_of(request: Request) -> BookingPage | None:
    """Return the active page that a call names."""
    slug = request.query_params.get("page", "")
    if "\0" in slug or len(slug) > LONGEST_SLUG:
        return None
    rows = BookingPage.objects.select_related("connection__brevo_account")
    return rows.filter(slug=slug, is_active=True).first()


def connection_of(request: Request, name: str) -> Connection:
    """Return the connection that a call with a token is about; raise WrongQuery."""
    page = page_of(request)
    if page:
        return page.connection
    rows = Connection.objects.select_related("brevo_account").order_by("pk")
    only = list(rows[:2])
    if not name and len(only) == 1:
        return only[0]
    try:
        return connections.find(name)
    except connections.NotConfigured as error:
        raise WrongQuery({"connection": str(error)}) from error


def _is_embedded(request: Request) -> bool:
    origin = request.headers.get("Origin", "")
    if not origin or "page" not in request.GET:
        return False
    page = BookingPage.objects.filter(slug=request.GET["page"][:LONGEST_SLUG].replace("\0", ""), is_active=True).first()
    return page is not None and origin in page.allowed_origins
