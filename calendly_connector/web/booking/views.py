"""`/book/<slug>`: choose what, which day, what time, fill in the details; and `/book/<slug>/<key>`: what came of it.

Each step is a page of its own address. Our script fetches the same pages and puts them in place; without it, links and
forms do.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from calendly_connector.clients.errors import ApiError
from calendly_connector.models import BookingPage, BookingRequest
from calendly_connector.services import connection as connections
from calendly_connector.services import scheduling, visitors, zones
from calendly_connector.web.booking import booked, booking, frame, timetable, visit
from calendly_connector.web.booking.visit import Visit
from calendly_connector.web.visitor import address_of

AWAY = (ApiError, connections.NotConfigured)
State = BookingRequest.State


# No CSRF cookie: inside somebody else's site browsers withhold it, and there is nothing for it to protect: no session,
# no log-in and no right of the visitor's is used. What it would prove, that the form was got from us, its signed token
# proves (services/form_token.py), together with when, and for which page.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@frame.for_page
def book(request: HttpRequest, page: BookingPage) -> HttpResponse:
    """Show the step that the address names; take the form."""
    seconds = visitors.read_pace(address_of(request))
    if seconds:
        return _busy(request, page, seconds)
    try:
        types = scheduling.types_of(page.connection, page.event_types)
        here = visit.read(request, page, types)
        if request.method == "POST":
            return booking.take(request, here)
        return _step(request, here)
    except AWAY:
        return frame.show(request, "away", page=page, status=503)


def _step(request: HttpRequest, here: Visit) -> HttpResponse:
    if not here.types:
        return frame.show(request, "closed", page=here.page, status=404)
    if here.kind is None:
        choices = [(kind, here.type_link(kind)) for kind in here.types]
        return frame.show(request, "types", page=here.page, visit=here, choices=choices)
    if here.start_at is not None and booking.is_open(here, here.start_at):
        return booking.ask(request, here)
    return _times(request, here)


def _times(request: HttpRequest, here: Visit) -> HttpResponse:
    return frame.show(
        request,
        "times",
        page=here.page,
        visit=here,
        table=timetable.draw(here),
        zones=zones.zones(),
        is_gone=here.start_at is not None,
        back=here.link() if len(here.types) > 1 else "",
    )


@require_safe
@frame.for_page
def outcome(request: HttpRequest, page: BookingPage, key: str) -> HttpResponse:
    """Show what came of a form. Its key can't be guessed, and only the visitor was given it."""
    found = scheduling.outcome_of(key)
    if found is None or found.request.page_id != page.pk:
        return frame.show(request, "missing", status=404)
    again = visit.address_of(page.slug, visit.carried_by(request), {})
    if found.state == State.BOOKED:
        file = reverse("calendly_connector:book_file", args=[page.slug, key])
        known = booked.read(found)
        name = "canceled" if known.is_canceled else "booked"
        return frame.show(request, name, page=page, booked=known, file=file, again=again)
    return booking.elsewhere(request, page, found, again=again)


@require_safe
@frame.for_page
def file(request: HttpRequest, page: BookingPage, key: str) -> HttpResponse:
    """Return a booking as a calendar file."""
    found = scheduling.outcome_of(key)
    if found is None or found.request.page_id != page.pk or found.state != State.BOOKED:
        return frame.show(request, "missing", status=404)
    row, meeting = found.request, booked.read(found)
    if meeting.is_canceled:  # there is nothing to put into a calendar any more: the page says so
        return HttpResponseRedirect(reverse("calendly_connector:book_outcome", args=[page.slug, key]))
    text = booked.to_file(meeting, made_at=row.settled_at or row.asked_at)
    name = slugify(meeting.title) or "meeting"
    headers = {"Content-Disposition": f'attachment; filename="{name}.ics"'}
    return HttpResponse(text, content_type="text/calendar; charset=utf-8; method=PUBLISH", headers=headers)


def _busy(request: HttpRequest, page: BookingPage, seconds: float) -> HttpResponse:
    response = frame.show(request, "busy", page=page, status=429)
    response["Retry-After"] = str(max(1, round(seconds)))
    return response
