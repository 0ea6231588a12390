"""Finds meetings that are over, for staff to mark who came. Never walks further back than a month."""

from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from calendly_connector.models import Booking, ConsentProof, EventType
from calendly_connector.services import connection as connections

SPAN = timedelta(days=30)
LONGEST = timedelta(days=2)  # of a meeting, so that the index by start finds those that ended
CAP = 2_000

Status = Booking.Status
HELD = (Status.BOOKED, Status.ATTENDED, Status.NO_SHOW)


class Show(StrEnum):
    """Which of them."""

    DESK = ""  # all of today, and older ones without a mark
    WAITING = "waiting"  # nobody has said anything, and grace time runs
    NO_SHOWS = "no_shows"
    ALL = "all"


def find(*, show: Show = Show.DESK, host: str = "", event_type: str = "", search: str = "") -> QuerySet[Booking]:
    """Return bookings whose meeting is over, newest first, with person, what Brevo told of them, and whether they
    once consented (`has_consented`)."""
    now = timezone.now()
    rows = _over(now).filter(_shown(show, now))
    rows = rows.filter(host=host) if host else rows
    rows = rows.filter(event_type=event_type) if event_type else rows
    if search:
        rows = rows.filter(
            Q(name__icontains=search) | Q(person__email__icontains=search) | Q(meeting_name__icontains=search)
        )
    consents = ConsentProof.objects.filter(person=OuterRef("person"))
    secrets = [f"connection__{name}" for name in connections.SECRETS]
    related = rows.select_related("person__mirror", "connection").defer(*secrets)
    return related.annotate(has_consented=Exists(consents)).order_by("-start_at", "-pk")


def hosts() -> list[str]:
    """Return who hosted them, by name."""
    found = _over(timezone.now()).exclude(host="").order_by("host").values_list("host", flat=True).distinct()
    return list(found[:CAP])


def event_types() -> list[tuple[str, str]]:
    """Return every event type that we have read: URI and name."""
    return list(EventType.objects.order_by("name").values_list("uri", "name"))


def waiting_lately() -> int:
    """Return how many meetings of yesterday and today wait for somebody to say who came. One query, counts to CAP."""
    now = timezone.now()
    rows = _over(now).filter(status=Status.BOOKED, end_at__gte=_midnight(now) - timedelta(days=1)).order_by()
    return len(set(rows.values_list("connection_id", "meeting_uri")[:CAP]))


def _over(now: datetime) -> QuerySet[Booking]:
    begun = {"start_at__gte": now - SPAN - LONGEST, "start_at__lte": now}
    return Booking.objects.filter(**begun, end_at__gte=now - SPAN, end_at__lte=now, status__in=HELD)


def _shown(show: Show, now: datetime) -> Q:
    match show:
        case Show.WAITING:
            return Q(status=Status.BOOKED)
        case Show.NO_SHOWS:
            return Q(status=Status.NO_SHOW)
        case Show.ALL:
            return Q()
    return Q(end_at__gte=_midnight(now)) | ~Q(status=Status.NO_SHOW)


def _midnight(now: datetime) -> datetime:
    """Return when the day began for whoever reads."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
