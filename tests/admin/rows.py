"""Rows of every kind, as many as a test wants, all belonging together."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from calendly_connector.models import (
    ApiToken,
    Booking,
    BookingPage,
    BookingRequest,
    BrevoAccount,
    BrevoAttribute,
    BrevoDelivery,
    BrevoList,
    BulkImport,
    Connection,
    ConsentProof,
    ConsentRule,
    ContactMirror,
    DebugRecord,
    Drift,
    DriftRun,
    Erasure,
    EventType,
    FieldMapping,
    Job,
    LinkRun,
    MappingVersion,
    Notice,
    Person,
    Reading,
    Replay,
    Schedule,
    SchedulingLink,
    SyncLogEntry,
    TriggerMapping,
    WebhookDelivery,
)
from tests.factories import DISCOVERY_CALL, make_entry

EMPTY: dict[str, Any] = {"grid": [], "fields": [], "consents": [], "types": {}}
"""A mapping of nothing."""


def make_connection(name: str = "Main", *, is_environment: bool = True) -> Connection:
    """Return a connection with a Brevo account whose attributes have been read."""
    account = BrevoAccount.objects.create(name=f"{name} Brevo", attributes_read_at=timezone.now())
    return Connection.objects.create(name=name, is_environment=is_environment, brevo_account=account)


def make_booking_row(connection: Connection, name: str = "nadia", **changes: object) -> Booking:
    """Return a booking of the person `name`@example.com."""
    email = f"{name.split('-')[0]}@example.com"
    person, _ = Person.objects.get_or_create(connection=connection, email=email)
    row = Booking(connection=connection, person=person).take(make_entry(name, email=email, **changes))  # type: ignore[arg-type]
    row.save()
    return row


def make_delivery(connection: Connection, body: bytes = b"{}", **fields: object) -> WebhookDelivery:
    """Return a delivery; its digest is its number."""
    number = WebhookDelivery.objects.count()
    values = {"digest": number.to_bytes(32), "received_at": timezone.now(), "webhook_name": "invitee.created", **fields}
    return WebhookDelivery.objects.create(connection=connection, body=body, **values)


def make_news(account: BrevoAccount, body: bytes = b"[]", **fields: object) -> BrevoDelivery:
    """Return a delivery from Brevo; its digest is its number."""
    number = BrevoDelivery.objects.count()
    values = {"digest": number.to_bytes(32), "received_at": timezone.now(), **fields}
    return BrevoDelivery.objects.create(account=account, body=body, **values)


def make_step(booking: Booking, kind: str = "event", **fields: object) -> SyncLogEntry:
    """Return a step of a booking; each event has a trigger of its own."""
    number = SyncLogEntry.objects.count()
    values = {"summary": f"Step {number}", "happening": f"booked:{number}" if kind == "event" else "", **fields}
    return SyncLogEntry.objects.create(
        connection_id=booking.connection_id, person=booking.person, booking=booking, kind=kind, **values
    )


def make_debug_record(connection: Connection, **fields: object) -> DebugRecord:
    """Return what debug mode kept of one call."""
    values = {"direction": "to_brevo", "method": "POST", "address": "https://api.brevo.com/v3/contacts", "status": 201}
    return DebugRecord.objects.create(connection=connection, at=timezone.now(), **{**values, **fields})


def make_drift(connection: Connection, name: str = "nadia", **fields: object) -> Drift:
    """Return a person's differences: an attribute that somebody changed, unless other lines are given."""
    email, now = f"{name}@example.com", timezone.now()
    person, _ = Person.objects.get_or_create(connection=connection, email=email)
    changed = {"where": "brevo", "what": "attribute", "name": "COMPANY", "wanted": "Benali", "found": "By hand"}
    values = {"lines": [{**changed, "is_fixable": True}], "kinds": ["attribute"], "found_at": now, "seen_at": now}
    return Drift.objects.create(connection=connection, person=person, email=email, **{**values, **fields})


def make_link(of: Booking, **fields: object) -> SchedulingLink:
    """Return a link of a booking's person."""
    values = {
        "event_type": DISCOVERY_CALL,
        "email": of.person.email,
        "tag": f"tag-{SchedulingLink.objects.count()}",
    }
    return SchedulingLink.objects.create(connection_id=of.connection_id, person=of.person, **{**values, **fields})


def make_some_of_everything(count: int) -> None:
    """Make `count` rows of every kind."""
    now = timezone.now()
    for number in range(Connection.objects.count(), count):
        connection = make_connection(f"Connection {number}", is_environment=False)
        account = connection.brevo_account
        EventType.objects.create(connection=connection, uri=DISCOVERY_CALL, name="Discovery call", read_at=now)
        BrevoList.objects.create(account=account, number=number + 1, name=f"List {number}", read_at=now)
        BrevoAttribute.objects.create(account=account, name="COMPANY", kind="text", read_at=now)
        TriggerMapping.objects.create(connection=connection, trigger="booked", join_lists=[number + 1], leave_lists=[7])
        ConsentRule.objects.create(connection=connection, event_type=DISCOVERY_CALL, mode="never")
        FieldMapping.objects.create(connection=connection, source="answer:company", attribute="COMPANY")
        MappingVersion.objects.create(connection=connection, number=1, made_at=now, reason="A test", content={**EMPTY})
        old = make_booking_row(connection, f"nadia{number}-old", successor=f"{number}")
        new = make_booking_row(connection, f"nadia{number}-new", old_invitee=old.uri)
        ConsentProof.objects.create(
            person=new.person, booking=new, mode="answer", question="News?", answer="Yes", lists=[7], given_at=now
        )
        delivery = make_delivery(connection, booking_uri=new.uri, reason="Nothing new.")
        make_step(new, delivery=delivery, reason="Refused", state="failed")
        Job.objects.create(kind="push", subject=new.person_id, dedupe_key=f"push:{number}", run_after=now)
        Schedule.objects.create(name=f"sweep{number}", every_seconds=60, next_run_at=now)
        Notice.objects.create(key=f"connection:{number}", title="Reconnect needed", message="…", opened_at=now)
        Reading.objects.create(connection=connection, since=now, asked_at=now)
        booking_page = BookingPage.objects.create(
            connection=connection, slug=f"talk-{number}", title=f"Talk {number}", event_types=[DISCOVERY_CALL]
        )
        BookingRequest.objects.create(
            **{"connection": connection, "page": booking_page, "key": f"{number}", "event_type": DISCOVERY_CALL},
            **{"start_at": now, "email": f"nadia{number}@example.com", "asked_at": now, "invitee": new.uri},
            wish={"first_name": "Nadia", "answers": [["Company", "Benali", 0]]},
            state=BookingRequest.State.BOOKED,
        )
        Replay.objects.create(connection=connection, chosen={"states": ["failed"]}, total=3, done=1, asked_at=now)
        run = LinkRun.objects.create(
            connection=connection,
            event_type=DISCOVERY_CALL,
            list_number=number + 1,
            attribute="BOOKING_LINK",
            asked_at=now,
            finished_at=now,
            state="finished",
        )
        make_link(new, run=run, state="used", booking=old)
        make_link(new, run=run, state="live", made_at=now, expires_at=now, url="https://calendly.com/d/a")
        BulkImport.objects.create(account=account, people_count=number)
        make_news(account, state="ignored", reason="There was nothing in it.")
        ContactMirror.objects.create(person=new.person, opt_out="unsubscribed", opted_out_at=now, told_at=now)
        make_debug_record(connection, delivery=delivery)
        make_drift(connection, f"nadia{number}")
        DriftRun.objects.create(connection=connection, asked_at=now, people=number)
        Erasure.objects.create(digest=f"{number}", erased_at=now, asked_by="anna", words="Deleted here: bookings: 1.")
        user, _ = User.objects.get_or_create(username=f"robot{number}")
        ApiToken.objects.create(name=f"CRM {number}", user=user, digest=f"{number}", hint="cc_12345")
