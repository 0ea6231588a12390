"""Lets webhooks in by their own door: no session, language, cookie or cross-site check concerns them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

PREFIX = "/webhooks/"


class WebhookDoor:
    """Answers webhooks at once; every other request takes the usual way. First in MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Call the view of a webhook's address directly; an unknown address is answered 404 as everywhere."""
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        view, arguments, named = resolve(request.path_info)
        response: HttpResponseBase = view(request, *arguments, **named)
        render = getattr(response, "render", None)
        return render() if callable(render) else response
