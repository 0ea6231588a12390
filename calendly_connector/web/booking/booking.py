"""The last step: the form is shown, taken, and answered by what Calendly says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from calendly_connector.core.month import read_moment, starts
from calendly_connector.models import BookingPage, BookingRequest
from calendly_connector.services import form_token, mapping, scheduling, visitors
from calendly_connector.services.booking_outcome import Outcome
from calendly_connector.services.form_token import Age
from calendly_connector.web.booking import frame, timetable
from calendly_connector.web.booking.consent_box import box_of
from calendly_connector.web.booking.details import DetailsForm
from calendly_connector.web.booking.visit import Visit, carried_by, stamp
from calendly_connector.web.visitor import address_of

FRESH = 12  # other times that are offered when one was taken
FRESH_DAYS = timedelta(days=7)
State = BookingRequest.State


def is_open(here: Visit, start_at: datetime) -> bool:
    """Return whether a time can be booked on this page. Raises ApiError, NotConfigured."""
    return start_at in {each for each, _left in _open_from(here, start_at, timedelta(days=1))}


def ask(request: HttpRequest, here: Visit) -> HttpResponse:
    """Show the form for a time."""
    first, _space, last = here.carried.get("name", "").partition(" ")
    known = {"first_name": first, "last_name": last, "email": here.carried.get("email", "")}
    form = _form(here, initial=known)
    return _show(request, here, form, here.start_at)


def take(request: HttpRequest, here: Visit) -> HttpResponse:
    """Take the form: book, or show it again with everything that was typed. Raises ApiError, NotConfigured."""
    start_at = read_moment(request.POST.get("at", "")) or here.start_at
    if here.kind is None or start_at is None:
        return HttpResponseRedirect(here.here(), status=303)
    start_at = start_at.astimezone(UTC)
    token = form_token.read(request.POST.get("token", ""), page=here.page.slug)
    form = _form(here, data=request.POST)
    problem = trouble(token.age, is_trapped=form.is_trapped)
    if not form.is_valid() or problem:
        return _show(request, here, form, start_at, key=token.key, problem=problem, status=422)
    if start_at > here.latest:  # whatever is open there isn't offered on this page
        return _taken(request, here, form, start_at, token.key)
    if visitors.booking_pace(address_of(request), event_type=here.kind.uri):
        return _show(request, here, form, start_at, key=token.key, problem=_many(), status=429)
    wish = form.wish(start_at=start_at, zone=str(here.zone), tracking=here.tracking)
    outcome = scheduling.book(here.page.connection, wish, key=token.key, page=here.page)
    own_page = here.elsewhere(name=f"{wish.first_name} {wish.last_name}".strip(), email=wish.email)
    if outcome.problems:
        form.add_problems(outcome.problems)
        return _show(request, here, form, start_at, key=token.key, elsewhere=own_page, status=422)
    if outcome.state == State.TAKEN:
        return _taken(request, here, form, start_at, token.key)
    if outcome.state == scheduling.LIMIT or outcome.request.pk is None:
        return elsewhere(request, here.page, outcome, again=here.here(), address=own_page)
    address = reverse("calendly_connector:book_outcome", args=[here.page.slug, token.key])
    query = urlencode(carried_by(request))
    return HttpResponseRedirect(f"{address}?{query}" if query else address, status=303)


def trouble(age: Age, *, is_trapped: bool) -> str:
    """Return what keeps a form from being taken as a person's, "" when nothing does. All of it can be mended."""
    if is_trapped:
        return _("A field that people can't see was filled in. It is empty again: please press the button once more.")
    return {
        Age.EARLY: _("That was very quick. Please look whether everything is right, and press the button again."),
        Age.OLD: _("This page was open for a long time. Please look whether everything is right, and press again."),
        Age.FALSE: _("This form couldn't be recognised. Nothing is lost: please press the button again."),
    }.get(age, "")


def _many() -> str:
    return _("Many bookings came from your network just now. Nothing is lost: wait some minutes, then press again.")


def elsewhere(
    request: HttpRequest, page: BookingPage, outcome: Outcome, *, again: str, address: str = ""
) -> HttpResponse:
    """Show why it can't be booked here, or isn't known to be, and the way on; `address` is Calendly's page."""
    is_open = outcome.state in (State.UNKNOWN, State.SENDING, State.ASKED)
    words = gettext(outcome.words) if outcome.words else _("This could not be booked here.")
    values: dict[str, Any] = {"words": words, "elsewhere": outcome.fallback_url or address, "again": again}
    return frame.show(request, "elsewhere", page=page, is_open=is_open, **values)


def _taken(request: HttpRequest, here: Visit, form: DetailsForm, start_at: datetime, key: str) -> HttpResponse:
    """Show the form with everything that was typed, and times that are open in place of the one that isn't."""
    return _show(request, here, form, start_at, key=key, fresh=list(_fresh(here, start_at)), is_taken=True, status=409)


def _show(
    request: HttpRequest,
    here: Visit,
    form: DetailsForm,
    start_at: datetime | None,
    *,
    key: str = "",
    status: int = 200,
    **values: object,
) -> HttpResponse:
    local = (start_at or timezone.now()).astimezone(here.zone)
    shown = {
        "day": timetable.day_words(local.date()),
        "time": timetable.clock(local),
        "at": stamp(local),
        "token": form_token.make(here.page.slug, key=key),
        "action": here.here(day=local.date(), at=stamp(local)),
        "back": here.here(day=local.date()),
    }
    return frame.show(request, "details", page=here.page, visit=here, form=form, status=status, **shown, **values)


def _form(here: Visit, **options: Any) -> DetailsForm:
    kind = here.kind
    if kind is None:
        raise TypeError("There is no form before an event type is chosen.")
    rule = mapping.rules_of(here.page.connection).consent_for(kind.uri)
    return DetailsForm(kind, here.page, box_of(kind, rule), **options)


def _fresh(here: Visit, start_at: datetime) -> Iterator[tuple[str, str]]:
    """Yield other open times, those of the same day first, as value and words."""
    others = (each for each in _open_from(here, start_at, FRESH_DAYS) if each[0] != start_at)
    for moment, left in islice(others, FRESH):
        local = moment.astimezone(here.zone)
        words = f"{timetable.day_words(local.date())}, {timetable.clock(local)}"
        yield stamp(moment), words + (f" ({timetable.places_words(left)})" if left else "")


def _open_from(here: Visit, start_at: datetime, span: timedelta) -> Iterator[tuple[datetime, int]]:
    """Yield the open times from the day of a moment on, with the places left of group types."""
    since = starts(start_at.astimezone(here.zone).date(), here.zone)
    kind = here.kind
    found = scheduling.available(
        here.page.connection, kind.uri if kind else "", since=since, until=min(since + span, here.latest)
    )
    for each in found:
        yield each.start_at, each.places_left if kind and kind.is_group else 0
