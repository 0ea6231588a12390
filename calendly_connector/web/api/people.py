"""People by e-mail address: listed, shown, brought up to date, written to, exported and erased."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import OuterRef, Subquery
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from calendly_connector.models import Booking, Connection, Person
from calendly_connector.services import connection as connections
from calendly_connector.services import erase, people, people_export, people_sync, people_update
from calendly_connector.web.api import people_examples as examples
from calendly_connector.web.api import people_serializers as shapes
from calendly_connector.web.api import problems
from calendly_connector.web.api.auth import CHANGES, ERASES
from calendly_connector.web.api.base import ApiView
from calendly_connector.web.api.fields import query_of, values_of
from calendly_connector.web.api.schema import answers

ID = OpenApiParameter("person_id", int, OpenApiParameter.PATH, description="The person's id.")


class ListView(ApiView):
    """`/people`."""

    @extend_schema(
        operation_id="people_list",
        summary="List people",
        description="By id; a person is one address of one connection.",
        tags=["people"],
        parameters=[shapes.Query],
        responses=answers(shapes.Page, 400),
        examples=examples.PAGE,
    )
    def get(self, request: Request) -> Response:
        """Return one page."""
        wish = query_of(shapes.Query, request)
        found = people.rows().order_by("pk").filter(pk__gt=wish.get("after", 0))
        if "email" in wish:
            found = found.filter(email=wish["email"].strip().lower())
        if "connection" in wish:
            found = found.filter(connection=_connection(wish["connection"]))
        newest = Booking.objects.filter(person=OuterRef("pk")).order_by("-booked_at", "-pk")
        rows = list(found.annotate(found_name=Subquery(newest.values("name")[:1]))[: wish["limit"] + 1])
        shown = rows[: wish["limit"]]
        following = None
        if len(rows) > len(shown):
            following = f"{request.path}?{urlencode({**wish, 'after': shown[-1].pk})}"
        results = [{**people.brief(row), "name": row.found_name or ""} for row in shown]
        return Response({"results": results, "next": following})


class PersonView(ApiView):
    """`/people/{id}`."""

    @extend_schema(
        operation_id="people_show",
        summary="Show a person",
        description="Bookings, totals, lists, consents and the newest log entries.",
        tags=["people"],
        parameters=[ID, shapes.PersonQuery],
        responses=answers(shapes.Person, 400, 404),
    )
    def get(self, request: Request, person_id: str) -> Response:
        """Return everything that is known."""
        wish = query_of(shapes.PersonQuery, request)
        return Response(people.describe(_person(person_id), asks_brevo=wish["brevo"]))


class SyncView(ApiView):
    """`/people/sync`: the old platform's contacts.sync."""

    needed = CHANGES

    @extend_schema(
        operation_id="people_sync",
        summary="Bring a person up to date",
        description="Their bookings are read from Calendly, also those that we don't know, and the contact is written.",
        tags=["people"],
        request=shapes.SyncRequest,
        responses=answers(shapes.SyncAnswer, 400, 404, 413, 415, 503),
        examples=examples.SYNC,
    )
    def post(self, request: Request) -> Response:
        """Read and queue."""
        wish = values_of(shapes.SyncRequest, request.data)
        connection = _connection(wish["connection"]) if "connection" in wish else None
        done = people_sync.sync_person(wish["email"], connection=connection, by=_by(request))
        if done and all(each.words for each in done):
            raise problems.Elsewhere(" ".join(f"{each.connection}: {each.words}" for each in done))
        return Response({"results": [each.to_json() for each in done]})


class UpdateView(ApiView):
    """`/people/update`: the old platform's contacts.update."""

    needed = CHANGES

    @extend_schema(
        operation_id="people_update",
        summary="Write attributes to a contact",
        description="Each value is converted to its attribute's type in Brevo. Lists and opt-outs are never touched.",
        tags=["people"],
        request=shapes.UpdateRequest,
        responses=answers(shapes.UpdateAnswer, 400, 404, 413, 415, 503),
        examples=examples.UPDATE,
    )
    def post(self, request: Request) -> Response:
        """Check and queue."""
        wish = values_of(shapes.UpdateRequest, request.data)
        connection = _connection(wish["connection"]) if "connection" in wish else None
        found = people.find(wish["email"], connection=connection)
        values = people_update.update(found, wish["attributes"], by=_by(request))
        return Response({"people": [person.pk for person in found], "attributes": values})


class ExportView(ApiView):
    """`/people/{id}/export`."""

    @extend_schema(
        operation_id="people_export",
        summary="Export a person",
        description="One document of everything that is held about the person's address, in every connection.",
        tags=["people"],
        parameters=[ID],
        responses=answers(shapes.Export, 404),
    )
    def get(self, request: Request, person_id: str) -> Response:
        """Return the document."""
        return Response(people_export.export(_person(person_id).email))


class EraseView(ApiView):
    """`/people/{id}/erase`."""

    needed = ERASES

    @extend_schema(
        operation_id="people_erase",
        summary="Erase a person",
        description="Everything about the person's address is deleted in every connection, for good.",
        tags=["people"],
        parameters=[ID],
        request=shapes.EraseRequest,
        responses=answers(shapes.EraseAnswer, 400, 404, 409, 413, 415, 503),
        examples=examples.ERASE,
    )
    def post(self, request: Request, person_id: str) -> Response:
        """Erase."""
        wish = values_of(shapes.EraseRequest, request.data)
        email = _person(person_id).email
        report = erase.erase(email, by=_by(request), in_brevo=wish["brevo"], at_calendly=wish["calendly"])
        return Response(report.to_json())


def _person(person_id: str) -> Person:
    row = people.rows().filter(pk=int(person_id)).first()
    if row is None:
        raise Http404
    return row


def _connection(text: str) -> Connection:
    try:
        return connections.find(text)
    except connections.NotConfigured as error:
        raise exceptions.ValidationError({"connection": str(error)}) from error


def _by(request: Request) -> str:
    """Return who asks, for the log: the user, and the token that was used."""
    name: Any = getattr(request.auth, "name", "")
    return f"{request.user.get_username()} (API: {name})"
