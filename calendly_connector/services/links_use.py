"""What becomes of single-use links: a booking made with one uses it up, time lets it expire, staff put it aside."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from calendly_connector.core import link_tag
from calendly_connector.core.booking import Invitee
from calendly_connector.models import Booking, Connection, SchedulingLink

EXPIRES_AFTER = timedelta(days=89)
"""Calendly's 90 (calendly-api.md §4.10), less a day: nobody shall be sent to a link that ends this very hour."""

State = SchedulingLink.State


def note(row: Booking, invitee: Invitee) -> bool:
    """Note which link a new booking was made with, if with one of ours; return whether it was.

    Whoever books by somebody else's link uses it up too. A move carries the tag along, and changes nothing.
    """
    tag = invitee.tracking.utm_content
    if not link_tag.is_tag(tag):
        return False
    mine = SchedulingLink.objects.filter(connection=row.connection_id, tag=tag).exclude(state=State.USED)
    return bool(mine.update(state=State.USED, booking=row, used_at=invitee.created_at))


def expire(*, connection: Connection | None = None) -> int:
    """Mark links whose time is over, of one connection or of all; return how many."""
    rows = SchedulingLink.objects.filter(state=State.LIVE, expires_at__lte=timezone.now())
    return rows.filter(Q(connection=connection) if connection else Q()).update(state=State.EXPIRED)


def expire_all() -> str:
    """Mark links whose time is over; return words for the schedule's last result."""
    return f"{expire()} links have expired"


def put_aside(row: SchedulingLink) -> bool:
    """Let a link count no more, so that the next refill makes another; return whether it could be used before.

    Calendly can't take a link back: who has its address may still book with it, once.
    """
    return bool(SchedulingLink.objects.filter(pk=row.pk, state=State.LIVE).update(state=State.REPLACED))
