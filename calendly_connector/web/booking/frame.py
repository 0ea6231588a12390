"""What every answer of a booking page shares: its language, who may frame it, and that nobody keeps it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt

from calendly_connector import conf
from calendly_connector.core import origins
from calendly_connector.models import BookingPage
from calendly_connector.web.booking import visit

PageView = Callable[Concatenate[HttpRequest, BookingPage, ...], HttpResponse]


def for_page(view: PageView) -> Callable[..., HttpResponse]:
    """Return a view that is given the page of its slug; one that isn't there, or is switched off, is a 404."""

    @wraps(view)
    def answer(request: HttpRequest, slug: str, **named: str) -> HttpResponse:
        with translation.override(language_of(request)):
            page = BookingPage.objects.select_related("connection").filter(slug=slug, is_active=True).first()
            if page is None:
                return show(request, "missing", status=404)
            return _framed(request, page, view(request, page, **named))

    return never_cache(answer)


def show(
    request: HttpRequest, name: str, *, page: BookingPage | None = None, status: int = 200, **values: Any
) -> HttpResponse:
    """Return one of our pages, as a step of a booking page or of none."""
    parent = visit.parent_of(page, visit.carried_by(request)) if page else ""
    common = {"lang": language_of(request), "page": page, "parent": parent}
    return render(request, f"booking/{name}.html", {**common, **values}, status=status)


def language_of(request: HttpRequest) -> str:
    """Return the language that the address asks for, else the one that the browser does."""
    asked = request.GET.get("lang", "")
    return asked if asked in dict(conf.languages()) else translation.get_language() or "en"


def _framed(request: HttpRequest, page: BookingPage, response: HttpResponse) -> HttpResponse:
    """Return a response that the page's sites may frame, and nobody else.

    X-Frame-Options knows no list: it is left out where there is one, and every browser follows `frame-ancestors`.
    """
    sites = origins.allowed(page.allowed_origins)
    if not sites:
        return response

    csp_replace({"frame-ancestors": list(sites)})(xframe_options_exempt(lambda _request: response))(request)
    return response
