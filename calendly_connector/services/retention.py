"""What is kept for a while only: one line per table, with what may never go however old it is (docs/retention.md).

A table without a line here is kept: bookings and their history, people and the proofs of their consent, erasures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.models import (
    BookingRequest,
    BrevoDelivery,
    DebugRecord,
    Reading,
    SchedulingLink,
    SyncLogEntry,
    WebhookDelivery,
)

RAW, LOG, CHECKS, DEBUG = "KEEP_RAW_BODIES_DAYS", "KEEP_LOG_DAYS", "KEEP_CHECKS_DAYS", "KEEP_DEBUG_DAYS"
SETTLED = (WebhookDelivery.State.PROCESSED, WebhookDelivery.State.IGNORED)
ENDED = ("done", "merged", "skipped", "failed")  # of a step; what waits or is of unknown outcome may still be sent
OVER = (SchedulingLink.State.EXPIRED, SchedulingLink.State.REPLACED)


class Act(StrEnum):
    """What becomes of a row that is old enough."""

    EMPTY = "emptied"  # the row stays, what was posted goes
    DELETE = "deleted"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`old(before)` returns the rows whose time is over; what is unsettled is never among them."""

    name: str  # what `calendly_purge --table` calls it
    title: Promise
    setting: str
    old: Callable[[datetime], QuerySet[Any]]
    act: Act = Act.DELETE

    @property
    def days(self) -> int:
        """Return for how many days it is kept; 0 is for ever."""
        return conf.keep_days(self.setting)

    def before(self, now: datetime) -> datetime | None:
        """Return the moment before which its rows go; None keeps them for ever."""
        return now - timedelta(days=self.days) if self.days else None


def _bodies(before: datetime) -> QuerySet[Any]:
    rows = WebhookDelivery.objects.filter(received_at__lt=before, state__in=SETTLED)
    return rows.alias(size=Length("body")).filter(size__gt=0)  # the size stands in front: no body is read for it


def _deliveries(before: datetime) -> QuerySet[Any]:
    return WebhookDelivery.objects.filter(received_at__lt=before, state__in=SETTLED)


def _from_brevo(before: datetime) -> QuerySet[Any]:
    return BrevoDelivery.objects.filter(received_at__lt=before).exclude(state=BrevoDelivery.State.STORED)


def _log(before: datetime) -> QuerySet[Any]:
    return SyncLogEntry.objects.filter(created_at__lt=before, state__in=ENDED)


def _requests(before: datetime) -> QuerySet[Any]:
    return BookingRequest.objects.filter(asked_at__lt=before).exclude(state=BookingRequest.State.SENDING)


def _links(before: datetime) -> QuerySet[Any]:
    return SchedulingLink.objects.filter(made_at__lt=before, state__in=OVER)


def _checks(before: datetime) -> QuerySet[Any]:
    return Reading.objects.filter(kind=Reading.Kind.CHECK, finished_at__lt=before)


def _debug(before: datetime) -> QuerySet[Any]:
    return DebugRecord.objects.filter(at__lt=before)


RULES: Sequence[Rule] = (
    Rule(name="bodies", title=_("What Calendly posted"), setting=RAW, old=_bodies, act=Act.EMPTY),
    Rule(name="brevo_deliveries", title=_("What Brevo posted"), setting=RAW, old=_from_brevo),
    Rule(name="booking_requests", title=_("What visitors asked to be booked"), setting=RAW, old=_requests),
    Rule(name="log", title=_("The sync log"), setting=LOG, old=_log),
    Rule(name="deliveries", title=_("That a webhook came, without what it said"), setting=LOG, old=_deliveries),
    Rule(name="links", title=_("Single-use links that expired or were replaced"), setting=LOG, old=_links),
    Rule(name="checks", title=_("What the regular checks did"), setting=CHECKS, old=_checks),
    Rule(name="debug_records", title=_("What debug mode recorded"), setting=DEBUG, old=_debug),
)


def find(names: Sequence[str]) -> Sequence[Rule]:
    """Return the rules of these names, all of them without any; raise KeyError for a name there is none of."""
    known = {rule.name: rule for rule in RULES}
    return [known[name] for name in names] if names else RULES


def log_begins(now: datetime) -> datetime | None:
    """Return the moment before which the log may be gone; None when it is kept for ever."""
    return next(rule for rule in RULES if rule.name == "log").before(now)
