"""Keeps people's addresses from staff who may not see them, whatever page of the admin would show them."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse

from calendly_connector.core.mask import masked_stream, without_addresses

PERMISSION = "calendly_connector.view_addresses"
TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "application/yaml")


class MaskAddresses:
    """Masks addresses in the admin's answers. Below AuthenticationMiddleware: it has to know who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer, masked where the user lacks the permission. The login page knows nobody, and says so."""
        response = self.get_response(request)
        if _is_readable(request, response):
            return response
        own = {request.user.get_username(), getattr(request.user, "email", "")}
        mask = partial(without_addresses, spared=own - {""}, asked=request.GET.get("q", ""))
        if isinstance(response, StreamingHttpResponse):  # served by WSGI: never an asynchronous one
            del response["Content-Length"]
            texts = _decoded(iter(response.streaming_content), response.charset)  # type: ignore[arg-type]
            response.streaming_content = map(partial(str.encode, encoding=response.charset), masked_stream(texts, mask))
        elif isinstance(response, HttpResponse):
            response.content = mask(response.content.decode(response.charset)).encode(response.charset)
        return response


def _is_readable(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether an answer may go out as it is."""
    if not request.path_info.startswith(reverse("admin:index")) or not request.user.is_authenticated:
        return True
    return not response.get("Content-Type", "").startswith(TEXTS) or request.user.has_perm(PERMISSION)


def _decoded(chunks: Iterable[bytes], charset: str) -> Iterator[str]:
    """Yield the text of chunks that may end within a character."""
    decoder = codecs.getincrementaldecoder(charset)()
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
