"""Reads what the two services offer into our mirrors."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.calendly_values import EventType as EventTypeValue
from calendly_connector.models import BrevoAccount, BrevoAttribute, BrevoList, Connection, EventType
from calendly_connector.services import connection as connections
from calendly_connector.services import mapping

logger = logging.getLogger(__name__)

STALE = timedelta(minutes=10)
AT_ONCE = 200  # rows of one statement

_unreadable: dict[str, float] = {}  # event type URI → when to try again; each process learns it alone


def refresh_attributes(account: BrevoAccount, client: BrevoClient) -> None:
    """Read the account's attributes; those that are gone there go here too."""
    found = client.list_attributes()
    now = timezone.now()
    with transaction.atomic():
        rows = {
            each.name: BrevoAttribute(
                account=account,
                name=each.name,
                kind=each.kind,
                options=[list(pair) for pair in each.options],
                read_at=now,
            )
            for each in found
        }
        BrevoAttribute.objects.bulk_create(
            rows.values(),
            batch_size=AT_ONCE,
            update_conflicts=True,
            unique_fields=["account", "name"],
            update_fields=["kind", "options", "read_at"],
        )
        account.attributes.exclude(name__in=[attribute.name for attribute in found]).delete()
        BrevoAccount.objects.filter(pk=account.pk).update(attributes_read_at=now)
    account.attributes_read_at = now
    mapping.forget()


def refresh_lists(account: BrevoAccount, client: BrevoClient) -> None:
    """Read the account's lists and their folders; those that are gone there go here too."""
    found = list(client.list_lists())
    folders = {folder.id: folder.name[:255] for folder in client.list_folders()}
    now = timezone.now()
    with transaction.atomic():
        rows = {
            row.id: BrevoList(
                account=account,
                number=row.id,
                name=row.name[:255],
                folder=folders.get(row.folder_id, ""),
                size=row.size,
                read_at=now,
            )
            for row in found
        }
        BrevoList.objects.bulk_create(
            rows.values(),
            batch_size=AT_ONCE,
            update_conflicts=True,
            unique_fields=["account", "number"],
            update_fields=["name", "folder", "size", "read_at"],
        )
        account.lists.exclude(number__in=[row.id for row in found]).delete()


def refresh_event_types(connection: Connection) -> int:
    """Read every event type of the connection's organization and return how many there are. Those that are gone there
    are switched off here, not removed, since old bookings still point to them."""
    client = connections.calendly_client(connection)
    found = list(client.list_event_types(organization=connection.organization))
    for row in found:
        _store(connection, row)
    known = EventType.objects.filter(connection=connection, is_active=True)
    known.exclude(uri__in=[row.uri for row in found]).update(is_active=False)
    return len(found)


def refresh_all(renew: Callable[[], None] = lambda: None) -> str:
    """Read every mirror of every connection and account; return what was read, in words. Nothing that one service
    refuses stops the others."""
    words = []
    for connection in Connection.objects.exclude(organization="").order_by("pk"):
        renew()
        words.append(f"{connection.name}: " + _tried(partial(_refresh_connection, connection)))
    for account in BrevoAccount.objects.order_by("pk"):
        renew()
        words.append(f"{account.name}: " + _tried(partial(_refresh_account, account)))
    return "\n".join(words) or "Nothing is connected yet."


def _refresh_connection(connection: Connection) -> str:
    return f"{refresh_event_types(connection)} event types were read."


def _refresh_account(account: BrevoAccount) -> str:
    client = connections.brevo_client(account)
    refresh_attributes(account, client)
    refresh_lists(account, client)
    return f"{account.lists.count()} lists and {account.attributes.count()} attributes were read."


def _tried(work: Callable[[], str]) -> str:
    try:
        return work()
    except (errors.ApiError, connections.NotConfigured) as error:
        return f"Failed: {error}"


def learn_event_type(connection: Connection, uri: str) -> None:
    """Read an event type's name once, when a booking first points to it.

    A name is worth one call but not the booking: while it can't be read, the meeting's own name serves.
    """
    if not uri or _unreadable.get(uri, 0) > time.monotonic():
        return
    if EventType.objects.filter(connection=connection, uri=uri).exists():
        return
    try:
        _store(connection, connections.calendly_client(connection).get_event_type(uri))
    except (errors.ApiError, connections.NotConfigured) as error:
        logger.warning("The name of event type %s can't be read: %s", uri.rsplit("/", 1)[-1], error)
        _unreadable[uri] = time.monotonic() + STALE.total_seconds()


def is_stale(account: BrevoAccount) -> bool:
    """Return whether the attributes have not been read for a while."""
    return account.attributes_read_at is None or timezone.now() - account.attributes_read_at > STALE


def _store(connection: Connection, row: EventTypeValue) -> None:
    EventType.objects.update_or_create(
        connection=connection,
        uri=row.uri,
        defaults={
            "name": row.name[:255],
            "is_active": row.is_active,
            "kind": row.kind,
            "owner": row.owner[:255],
            "is_team": row.is_team,
            "questions": list(row.questions),
            "read_at": timezone.now(),
        },
    )
    mapping.forget()
