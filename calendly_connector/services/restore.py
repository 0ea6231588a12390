"""After a backup was restored: the database knows nothing of what was sent since, so nothing may be sent unseen.

Events that wait go the way of those whose answer was lost: looked up in Brevo, then closed, or sent. The same becomes
of each event that happened before the restore and is found again by the check that this asks for (`ledger`).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from calendly_connector.core import cause
from calendly_connector.models import Connection, SyncLogEntry, WebhookDelivery
from calendly_connector.services import ledger, reconcile

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
MAILED = "It may have been mailed before the backup was restored, and Brevo can't be asked. Try again to mail it."


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What the backup left open: the moment of its last news, and how many steps of which kind."""

    known_to: datetime | None
    events: int
    opt_ins: int
    connections: tuple[str, ...]


def look() -> Restored:
    """Return what `begin` would do. Writes nothing."""
    return Restored(
        known_to=_known_to(),
        events=_open(Kind.EVENT).count(),
        opt_ins=_open(Kind.OPT_IN).count(),
        connections=tuple(_connected().values_list("name", flat=True)),
    )


def begin() -> Restored:
    """Let nothing that may have been sent be sent unseen, and have everything since the backup read from Calendly.

    To be called before a worker or a web server is started. Calling it again does no harm.
    """
    found, now = look(), timezone.now()
    with transaction.atomic():
        Connection.objects.update(restored_at=now)
        _open(Kind.EVENT).update(state=State.UNKNOWN, reason=ledger.RESTORED)
        _open(Kind.OPT_IN).update(state=State.FAILED, reason=MAILED, cause=cause.OPT_IN_UNKNOWN, settled_at=now)
        recent = max(now - (found.known_to or now), reconcile.RECENT)
        for connection in _connected():
            reconcile.ask(connection, recent=recent, by="calendly_restored", why="After a restore")
    return found


def _known_to() -> datetime | None:
    newest = (
        WebhookDelivery.objects.aggregate(at=Max("received_at"))["at"],
        SyncLogEntry.objects.aggregate(at=Max("created_at"))["at"],
    )
    return max(filter(None, newest), default=None)


def _open(kind: SyncLogEntry.Kind) -> QuerySet[SyncLogEntry]:
    return SyncLogEntry.objects.filter(kind=kind, state__in=(State.WAITING, State.SENDING))


def _connected() -> QuerySet[Connection]:
    return Connection.objects.filter(is_active=True).exclude(organization="").order_by("pk")
