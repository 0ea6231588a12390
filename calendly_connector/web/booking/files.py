"""What a booking page, and a site that embeds it, load: the page's colours, and the script that makes the frame."""

from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calendly_connector.core import theme
from calendly_connector.models import BookingPage

EMBED = Path(__file__).resolve().parents[2] / "static" / "calendly_connector" / "embed.js"
MINUTES = "public, max-age=300"  # a change is seen soon; sites in the meantime ask us once per visitor


@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """`GET /book/embed.js`: at an address that never changes, since it stands in other people's pages."""
    return HttpResponse(_embed(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": MINUTES})


@require_safe
def stylesheet(request: HttpRequest, slug: str) -> HttpResponse:
    """`GET /book/<slug>.css`: a page's variables. A file of its own, so that the policy needs no inline styles."""
    stored = BookingPage.objects.filter(slug=slug).values_list("theme", flat=True).first()
    text = theme.stylesheet(stored if isinstance(stored, dict) else {})
    return HttpResponse(text, content_type="text/css; charset=utf-8", headers={"Cache-Control": MINUTES})


@cache
def _embed() -> str:
    return EMBED.read_text("utf-8")
