"""Events that a reading held back: they leave after all when the webhook that was made to tell them arrives.

A backfill may be quicker than the webhook of a booking that was made just before it. It takes the booking in, quietly;
the webhook then brings no news, and without this the automation would never start.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from calendly_connector.core import decide
from calendly_connector.core.rules import RuleSet
from calendly_connector.core.steps import TrackEvent
from calendly_connector.core.trigger import SPOKEN_FOR
from calendly_connector.models import Booking, SyncLogEntry, WebhookDelivery
from calendly_connector.services.happenings import happening_of

State = SyncLogEntry.State
LIVE = timedelta(hours=25)
"""For how long Calendly tries to deliver (a day, calendly-api.md §5.6), and a margin: older news is told by nobody."""


def release(booking: Booking, delivery: WebhookDelivery, *, rules: RuleSet) -> bool:
    """Let the held events of a booking wait to be sent of which a delivery tells; return whether there are any."""
    triggers = SPOKEN_FOR.get(delivery.webhook_name, ())
    rows = SyncLogEntry.objects.select_related("booking").filter(
        booking=booking, kind=SyncLogEntry.Kind.EVENT, state=State.SKIPPED, reason__in=decide.HELD
    )
    released = [row for row in rows if row.happening.partition(":")[0] in triggers and _release(row, delivery, rules)]
    return bool(released)


def may_be_told(at: datetime) -> bool:
    """Return whether the webhook of what happened then may still come, as of a cancellation that history saw first."""
    return at > timezone.now() - LIVE


def _release(row: SyncLogEntry, delivery: WebhookDelivery, rules: RuleSet) -> bool:
    happening = happening_of(row)
    step = decide.decide_event(happening, rules=rules)
    if not isinstance(step, TrackEvent) or happening.at < delivery.received_at - LIVE:
        return False
    row.state, row.reason, row.settled_at, row.delivery = State.WAITING, "", None, delivery
    row.summary = f"Send event {step.name}"
    row.request = {"name": step.name, "at": step.at.isoformat(), "properties": step.properties}
    row.save(update_fields=["state", "reason", "settled_at", "delivery", "summary", "request"])
    return True
