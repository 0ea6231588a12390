"""A connection with a catalogue to map: event types of a host and of a team, and lists in folders."""

from typing import Any

from django.test import Client
from django.utils import timezone

from calendly_connector.admin import page
from calendly_connector.models import BrevoList, Connection, EventType
from tests.factories import DEMO, DISCOVERY_CALL

TRIGGERS = ("booked", "rescheduled", "canceled", "no_show", "no_show_undone", "attended")


def add_catalogue(connection: Connection) -> Connection:
    """Give a connection two event types and two lists."""
    now, account = timezone.now(), connection.brevo_account
    add_type(connection, DISCOVERY_CALL, "Discovery call", owner="Camille Durand", questions=["Newsletter?", "Company"])
    add_type(connection, DEMO, "Demo", owner="Sales", is_team=True, kind="round_robin")
    for number, name, folder, size in ((4, "Newsletter", "Marketing", 1240), (5, "Demos", "", 1)):
        BrevoList.objects.create(account=account, number=number, name=name, folder=folder, size=size, read_at=now)
    return connection


def add_type(connection: Connection, uri: str, name: str, **fields: Any) -> EventType:
    """Add an event type that nobody has mapped yet."""
    values = {"kind": "solo", "read_at": timezone.now(), **fields}
    return EventType.objects.create(connection=connection, uri=uri, name=name, **values)


def address_of(connection: Connection, rest: str = "") -> str:
    """Return the address of the grid, or of a row's form."""
    return page.address_of(connection, "mapping", rest)


def row_address(connection: Connection, uri: str = "") -> str:
    """Return the address of the form of an event type, or of the default row."""
    key = str(EventType.objects.get(connection=connection, uri=uri).pk) if uri else "default"
    return address_of(connection, key)


def posted(**changes: Any) -> dict[str, Any]:
    """Return what the form of a row posts: an own mapping that sends every event, joins nothing and asks nothing."""
    sends = {f"{trigger}-sends_event": "on" for trigger in TRIGGERS}
    return {"choice": "own", "consent-mode": "always", **sends, **changes}


def read(client: Client, address: str) -> str:
    """Return a page."""
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()
