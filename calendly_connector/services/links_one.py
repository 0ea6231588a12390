"""One single-use link for one person, made at once (calendly-api.md §4.10): it lives for 90 days."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from calendly_connector.clients.calendly_scheduling import prefilled
from calendly_connector.models import Connection, Person, SchedulingLink
from calendly_connector.services import connection as connections

LIFE = timedelta(days=90)

State = SchedulingLink.State


def make_one(
    connection: Connection, event_type: str, *, email: str, name: str, tracking: Mapping[str, str]
) -> SchedulingLink:
    """Return a person's link that can be used: the one they have, else a new one. Raises ApiError, NotConfigured.

    `tracking` goes into the address (`address_of`), where the link's own tag is utm_content.
    """
    address = email.strip().lower()
    row = _wanted(connection, event_type, email=address, name=name.strip()[:255])
    if row.state == State.LIVE:
        return row
    url = connections.calendly_client(connection).create_link(event_type)
    now = timezone.now()
    mine = SchedulingLink.objects.filter(pk=row.pk, state=State.WANTED)
    mine.update(state=State.LIVE, url=url, made_at=now, expires_at=now + LIFE)  # another's that was quicker stays
    row.refresh_from_db()
    return row


def address_of(link: SchedulingLink, *, tracking: Mapping[str, str]) -> str:
    """Return a link's address with the person and its tag filled in."""
    return prefilled(link.url, name=link.name, email=link.email, tracking={**tracking, "utm_content": link.tag})


def _wanted(connection: Connection, event_type: str, *, email: str, name: str) -> SchedulingLink:
    """Return the person's live link or the one that is to be made; there is never a second one of either."""
    known = SchedulingLink.objects.filter(connection=connection, event_type=event_type, email=email)
    known.filter(state=State.LIVE, expires_at__lte=timezone.now()).update(state=State.EXPIRED)
    open_states = Q(state=State.WANTED) | Q(state=State.LIVE)
    if found := known.filter(open_states).first():
        return found
    person = Person.objects.filter(connection=connection, email=email).first()
    try:
        with transaction.atomic():
            return SchedulingLink.objects.create(
                connection=connection, person=person, event_type=event_type, email=email, name=name, tag=_tag()
            )
    except IntegrityError:  # somebody asked for the same at the same time
        return known.filter(open_states).get()


def _tag() -> str:
    return f"cc-{secrets.token_hex(12)}"
