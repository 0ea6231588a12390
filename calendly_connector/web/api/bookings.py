"""Booking without a redirect: event types, open times, bookings and single-use links."""

from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from calendly_connector.clients.calendly_scheduling import Place, Wish
from calendly_connector.models import BookingPage, EventType
from calendly_connector.services import booking_requests, links_one, openings, scheduling, visitors
from calendly_connector.services.booking_outcome import Outcome
from calendly_connector.web import visitor
from calendly_connector.web.api import booking_serializers as shapes
from calendly_connector.web.api import booking_shown as shown
from calendly_connector.web.api import problems
from calendly_connector.web.api.auth import APP
from calendly_connector.web.api.base import ApiView
from calendly_connector.web.api.fields import query_of, values_of
from calendly_connector.web.api.schema import answers
from calendly_connector.web.api.visiting import VisitorView, connection_of, page_of

USUAL, LONGEST = timedelta(days=14), timedelta(days=62)
KEY = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The key that was sent with the booking.")
EITHER: Any = [{}, {"token": []}]  # a page, or a token


class EventTypesView(VisitorView):
    """`/event-types`."""

    needed = (f"{APP}.view_eventtype",)

    @extend_schema(
        operation_id="event_types_list",
        summary="List what can be booked",
        description="Of a page, in its order; of a connection, by id. With questions and places.",
        tags=["booking"],
        auth=EITHER,
        parameters=[shapes.TypesQuery],
        responses=answers(shapes.TypesPage, 400, 404, 503),
    )
    def get(self, request: Request) -> Response:
        """Return one page."""
        wish = query_of(shapes.TypesQuery, request)
        page, connection = page_of(request), connection_of(request, wish.get("connection", ""))
        uris = list(page.event_types) if page else _known(connection.pk)
        first, last = wish["after"], wish["after"] + wish["limit"]
        following = f"{request.path}?{urlencode({**wish, 'after': last})}" if last < len(uris) else None
        found = scheduling.types_of(connection, uris[first:last])
        return Response({"results": [shown.event_type(each) for each in found], "next": following})


class TimesView(VisitorView):
    """`/available-times`."""

    needed = (f"{APP}.view_eventtype",)

    @extend_schema(
        operation_id="available_times_list",
        summary="List open times",
        description="Asked of Calendly, and kept for half a minute or until something is booked.",
        tags=["booking"],
        auth=EITHER,
        parameters=[shapes.TimesQuery],
        responses=answers(shapes.TimesPage, 400, 404, 503),
    )
    def get(self, request: Request) -> Response:
        """Return the times of a window."""
        wish = query_of(shapes.TimesQuery, request)
        page, connection = page_of(request), connection_of(request, wish.get("connection", ""))
        event_type, zone = wish["event_type"], ZoneInfo(wish["timezone"])
        _need_offered(page, event_type)
        if openings.type_of(connection, event_type) is None:
            raise exceptions.NotFound("This event type can't be booked.")
        since, until = _window(page, wish.get("since"), wish.get("until"))
        found = scheduling.available(connection, event_type, since=since, until=until)
        return Response(
            {
                "event_type": event_type,
                "timezone": wish["timezone"],
                "results": [shown.time(each, zone) for each in found],
                "form_token": visitors.form_token(page.slug, event_type=event_type) if page else "",
            }
        )


class BookView(VisitorView):
    """`/bookings`."""

    needed = (f"{APP}.add_bookingrequest", f"{APP}.view_addresses")

    @extend_schema(
        operation_id="bookings_make",
        summary="Book",
        description="Once for each `key`, so that it may be sent again when no answer came. Of a page: with the "
        "`form_token` that came with the open times. What isn't booked is a problem: 409 when the time is taken or "
        "Calendly's limit is reached, 503 when Calendly doesn't let us; `fallback_url` is where it goes on.",
        tags=["booking"],
        auth=EITHER,
        parameters=[shapes.Where],
        request=shapes.BookingBody,
        responses=answers(shapes.OutcomeShape, 400, 404, 409, 413, 415, 503),
    )
    def post(self, request: Request) -> Response:
        """Book."""
        where = query_of(shapes.Where, request)
        page, connection = page_of(request), connection_of(request, where.get("connection", ""))
        body = values_of(shapes.BookingBody, request.data)
        if page:
            _check_visitor(request, page, body)
        outcome = scheduling.book(connection, _wish(body), key=body["key"], page=page)
        _raise_unless_booked(outcome)
        return Response(shown.outcome(outcome))


class OutcomeView(VisitorView):
    """`/bookings/{key}`."""

    needed = (f"{APP}.view_bookingrequest", f"{APP}.view_addresses")

    @extend_schema(
        operation_id="bookings_show",
        summary="Show what came of a booking",
        description="Looked up at Calendly where it isn't known yet. Who has the key may see it.",
        tags=["booking"],
        auth=EITHER,
        parameters=[KEY, shapes.Where],
        responses=answers(shapes.OutcomeShape, 400, 404),
    )
    def get(self, request: Request, key: str) -> Response:
        """Return the outcome."""
        where = query_of(shapes.Where, request)
        page, row = page_of(request), booking_requests.find(key)
        is_theirs = row is not None and (page is None or row.page_id == page.pk)
        if page is None and row is not None and "connection" in where:
            is_theirs = row.connection_id == connection_of(request, where["connection"]).pk
        outcome = scheduling.outcome_of(key) if is_theirs else None
        if outcome is None:
            raise exceptions.NotFound("Nothing was asked for with this key.")
        return Response(shown.outcome(outcome))


class LinkView(ApiView):
    """`/scheduling-links`."""

    needed = (f"{APP}.add_schedulinglink", f"{APP}.view_addresses")

    @extend_schema(
        operation_id="scheduling_links_make",
        summary="Make a single-use link",
        description="For one person; it lives for 90 days. While they have one that can be used, that one is returned.",
        tags=["booking"],
        parameters=[shapes.Whose],
        request=shapes.LinkBody,
        responses=answers(shapes.LinkShape, 400, 404, 413, 415, 503),
    )
    def post(self, request: Request) -> Response:
        """Make it."""
        where = query_of(shapes.Whose, request)
        connection = connection_of(request, where.get("connection", ""))
        body = values_of(shapes.LinkBody, request.data)
        kind = openings.type_of(connection, body["event_type"])
        if kind is None:
            raise exceptions.NotFound("This event type can't be booked.")
        tracking = body.get("tracking", {})
        link = links_one.make_one(connection, kind.uri, email=body["email"], name=body["name"])
        return Response(shown.link(link, links_one.address_of(link, tracking=tracking)))


def _known(connection_id: int) -> list[str]:
    rows = EventType.objects.filter(connection=connection_id, is_active=True).order_by("pk")
    return list(rows.values_list("uri", flat=True))


def _need_offered(page: BookingPage | None, event_type: str) -> None:
    if page and event_type not in page.event_types:
        raise exceptions.NotFound("This page doesn't offer this event type.")


def _window(page: BookingPage | None, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Return the window that is asked for, no further ahead than a page offers; raise ValidationError."""
    now: datetime = timezone.now()
    first = max(since or now, now).astimezone(UTC)
    last = until.astimezone(UTC) if until else first + USUAL
    if last - first > LONGEST:
        raise problems.WrongQuery({"until": f"At most {LONGEST.days} days after `since`."})
    return first, min(last, now + timedelta(days=page.days_ahead)) if page else last


def _check_visitor(request: Request, page: BookingPage, body: dict[str, Any]) -> None:
    """Raise what keeps programs out; the same form once more is let in, for it may be a click that was lost."""
    _need_offered(page, body["event_type"])
    if body.get("guests") and not page.asks_for_guests:
        raise exceptions.ValidationError({"guests": "Nobody can be brought along here."})
    try:
        visitors.check_form(body["form_token"], page.slug, event_type=body["event_type"], trap=body["website"])
    except visitors.Doubtful as doubt:
        field = "website" if body["website"] else "form_token"
        raise exceptions.ValidationError({field: str(doubt)}) from doubt
    if booking_requests.find(body["key"]) is None:
        wait = visitors.booking_pace(visitor.address_of(request), event_type=body["event_type"])
        if wait:
            raise exceptions.Throttled(wait)


def _wish(body: dict[str, Any]) -> Wish:
    place = body.get("location")
    return Wish(
        event_type=body["event_type"],
        start_at=body["start_time"],
        timezone=body["timezone"],
        email=body["email"],
        name=body["name"],
        first_name=body["first_name"],
        last_name=body["last_name"],
        text_reminder_number=body["text_reminder_number"],
        place=Place(kind=place["kind"], text=place["location"]) if place else None,
        answers=tuple((each["question"], each["answer"], 0) for each in body.get("answers", ())),
        tracking=body.get("tracking", {}),
        guests=tuple(body.get("guests", ())),
    )


def _raise_unless_booked(outcome: Outcome) -> None:
    """Raise a problem for what wasn't booked; that the outcome is unknown is an answer."""
    if outcome.state in ("booked", "unknown"):
        return
    if outcome.problems:
        raise exceptions.ValidationError(shown.problems(outcome.problems))
    _raise_not_booked(outcome)


def _raise_not_booked(outcome: Outcome) -> NoReturn:
    is_refused = outcome.state == "refused"
    raise problems.NotBooked(
        outcome.words,
        code="not_possible" if is_refused else str(outcome.state),
        status_code=503 if is_refused else 409,
        members={"state": str(outcome.state), "fallback_url": outcome.fallback_url},
    )
