"""One address in every place where the installation may keep it, and a look at the raw tables for what is left."""

import json
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection as database
from django.db.models import Model
from django.utils import timezone

from calendly_connector.models import (
    Booking,
    BookingRequest,
    BrevoDelivery,
    Connection,
    ConsentProof,
    ContactMirror,
    DebugRecord,
    Drift,
    Job,
    Notice,
    PendingMeeting,
    Person,
    Reading,
    Replay,
    SchedulingLink,
    StatusChange,
    SyncLogEntry,
)
from tests.admin.rows import make_booking_row, make_debug_record, make_delivery, make_step
from tests.factories import make_meeting

EMAIL = "nadia.benali+vip@example.com"
OTHER = "tom@example.com"


def put_everywhere(connection: Connection, email: str = EMAIL) -> Person:
    """Make rows about a person, and of another one that name them, in every table that may."""
    now = timezone.now()
    mine = make_booking_row(connection, "nadia")
    person = mine.person
    Person.objects.filter(pk=person.pk).update(email=email)
    person.refresh_from_db()
    Booking.objects.filter(pk=mine.pk).update(data={**mine.data, "invitee": {**mine.data["invitee"], "email": email}})
    delivery = make_delivery(connection, body(email), email=email, booking_uri=mine.uri, state="processed")
    make_step(mine, delivery=delivery, state="done")
    make_step(mine, "contact", state="done", request={"attributes": {"COMPANY": "Benali Conseil"}, "lists": [7]})
    StatusChange.objects.create(booking=mine, status="booked", source="webhook", delivery=delivery, happened_at=now)
    ConsentProof.objects.create(
        person=person, booking=mine, mode="answer", question="News?", answer="Yes", lists=[7], given_at=now
    )
    ContactMirror.objects.create(person=person, contact_id=12, opt_out="unsubscribed", attributes={"EMAIL": email})
    Drift.objects.create(
        connection=connection, person=person, email=email, lines=[], digest="1", found_at=now, seen_at=now
    )
    for kind, subject in (("push", person.pk), ("greet_guests", mine.pk), ("take_in", delivery.pk)):
        Job.objects.create(kind=kind, subject=subject, dedupe_key=f"{kind}:{subject}", run_after=now, last_error=email)
    make_debug_record(connection, delivery=delivery)
    make_debug_record(connection, request_body=json.dumps({"email": email}))
    Notice.objects.create(key="x:1", title="Trouble", message=f"With {email.upper()}.", opened_at=now)
    from_brevo(connection, {"event": "unsubscribed", "email": email}, state="processed")
    SchedulingLink.objects.create(
        connection=connection,
        person=person,
        event_type="t",
        email=email,
        name="Nadia",
        url="u",
        tag="mine",
        booking=mine,
    )
    ask_to_book(connection, email)
    _name_by_others(connection, email)
    return person


def _name_by_others(connection: Connection, email: str) -> None:
    now = timezone.now()
    theirs = make_booking_row(connection, "tom", meeting=make_meeting(guests=(email, "eve@example.com")))
    make_delivery(connection, body(OTHER, guest=email), email=OTHER, booking_uri=theirs.uri, state="processed")
    make_step(theirs, "contact", state="done", reason=f"Said of {email}.", request={"attributes": {"NOTE": email}})
    Replay.objects.create(connection=connection, chosen={"email": email}, why=f"for {email}", asked_at=now)
    reading = Reading.objects.create(connection=connection, since=now, asked_at=now, words=f"{email} was read")
    PendingMeeting.objects.create(
        reading=reading, uri="u", row={"event_guests": [{"email": email.title()}]}, listed_at=now
    )
    SchedulingLink.objects.create(
        connection=connection, event_type="t", email=OTHER, name=f"For {email}", state="live", tag="theirs"
    )
    ask_to_book(connection, OTHER, guests=[email, "eve@example.com"])
    user = User.objects.create_user("staff")
    LogEntry.objects.create(user=user, object_id="1", object_repr=email, action_flag=CHANGE, change_message="Synced")
    LogEntry.objects.create(user=user, object_id="2", object_repr="x", action_flag=CHANGE, change_message=f"<{email}>")


def ask_to_book(connection: Connection, email: str, **wish: Any) -> BookingRequest:
    """Return what somebody asked for on a booking page."""
    now, key = timezone.now(), f"form-{BookingRequest.objects.count()}"
    wish = {"email": email, **wish}
    return BookingRequest.objects.create(
        connection=connection, key=key, event_type="t", start_at=now, email=email, wish=wish, asked_at=now
    )


def from_brevo(connection: Connection, what: dict[str, Any], **fields: Any) -> BrevoDelivery:
    """Return a delivery of Brevo's."""
    digest = BrevoDelivery.objects.count().to_bytes(32)
    return BrevoDelivery.objects.create(
        account=connection.brevo_account,
        digest=digest,
        body=json.dumps(what).encode(),
        received_at=timezone.now(),
        **fields,
    )


def body(email: str, *, guest: str = "") -> bytes:
    """Return a delivery's body, as far as it matters here."""
    meeting = {"event_guests": [{"email": guest}] if guest else [], "event_memberships": []}
    return json.dumps({"payload": {"email": email, "scheduled_event": meeting}}).encode()


def tables_with(email: str) -> set[str]:
    """Return the tables of which some cell holds the address, in any case, escaped or not: the raw rows are read."""
    models: list[type[Model]] = [*apps.get_app_config("calendly_connector").get_models(), LogEntry]
    return {model._meta.db_table for model in models if email.lower() in _everything_in(model._meta.db_table)}


def _everything_in(table: str) -> str:
    with database.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table of ours
        cells = [cell for row in cursor.fetchall() for cell in row if cell is not None]
    texts = [
        bytes(each).decode("utf-8", "replace") if isinstance(each, bytes | memoryview) else str(each) for each in cells
    ]
    return "\n".join(texts).lower().replace("%40", "@").replace("%2b", "+")


def counts() -> dict[str, int]:
    """Return how many rows each table has."""
    models = [Person, Booking, SyncLogEntry, DebugRecord, Notice]
    return {model.__name__: model._default_manager.count() for model in models}
