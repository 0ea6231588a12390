"""One single-use link, made at once: for the command line, and for whoever writes to a single person."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import prefilled
from calendly_connector.core import link_tag
from calendly_connector.models import Connection, Person, SchedulingLink
from calendly_connector.services import connection as connections
from calendly_connector.services import links_use

State = SchedulingLink.State


def make_one(connection: Connection, event_type: str, *, email: str, name: str) -> SchedulingLink:
    """Return the person's link for an event type that can be used, made at Calendly when there is none.

    `address_of` gives what to send. Raises ApiError, NotConfigured; a refusal leaves nothing behind.
    """
    address = email.strip().lower()
    links_use.expire(connection=connection)
    row = _open_one(connection, event_type, address) or _begin(connection, event_type, address, name)
    return _made(row) if row.state == State.WANTED else row


def _made(row: SchedulingLink) -> SchedulingLink:
    """Have a wanted link made; return it as it is now, which is another's work when somebody was faster."""
    made_at = timezone.now()
    try:
        keep(row, connections.calendly_client(row.connection).create_link(row.event_type), made_at=made_at)
    except errors.Refused:  # nothing comes later: nobody shall see a link "to be made"
        SchedulingLink.objects.filter(pk=row.pk, state=State.WANTED, run=None).delete()
        raise
    return _need_one(row.connection, row.event_type, row.email)


def keep(row: SchedulingLink, url: str, *, made_at: datetime) -> bool:
    """Keep the address of a wanted link, from now on live; return False when it has one already, or is gone.

    One statement: whoever asked Calendly twice for the same row wastes a link there, and nobody ever has two.
    """
    if not url:
        raise errors.BadAnswer("Calendly made a link without an address.")
    values = {
        "state": State.LIVE,
        "url": url[:500],
        "made_at": made_at,
        "expires_at": made_at + links_use.EXPIRES_AFTER,
    }
    return bool(SchedulingLink.objects.filter(pk=row.pk, state=State.WANTED).update(**values))


def address_of(row: SchedulingLink, *, tracking: Mapping[str, str]) -> str:
    """Return a link as its person gets it: filled in with their name and e-mail, and tagged."""
    return prefilled(row.url, name=row.name, email=row.email, tracking={**tracking, "utm_content": row.tag})


def new_tag() -> str:
    """Return a tag that nobody has and nobody guesses."""
    return link_tag.tag_of(secrets.token_bytes(12))


def _open_one(connection: Connection, event_type: str, email: str) -> SchedulingLink | None:
    rows = SchedulingLink.objects.filter(connection=connection, event_type=event_type, email=email)
    return rows.filter(state__in=(State.WANTED, State.LIVE)).first()


def _begin(connection: Connection, event_type: str, email: str, name: str) -> SchedulingLink:
    person = Person.objects.filter(connection=connection, email=email).first()
    row = SchedulingLink(
        connection=connection, person=person, event_type=event_type, email=email, name=name[:255], tag=new_tag()
    )
    SchedulingLink.objects.bulk_create([row], ignore_conflicts=True)  # somebody else may have begun it just now
    return _need_one(connection, event_type, email)


def _need_one(connection: Connection, event_type: str, email: str) -> SchedulingLink:
    found = _open_one(connection, event_type, email)
    if found is None:
        raise errors.Unavailable("The link was used the moment it was made; ask for another.", status=503)
    return found
