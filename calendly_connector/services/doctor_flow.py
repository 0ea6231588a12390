"""The doctor looks at what flows through a connection: do deliveries come, are they taken in, is Brevo told?"""

from collections.abc import Iterator

from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.core import cause, diagnosis, remedy
from calendly_connector.core.diagnosis import Finding, Level, Page, Place, Symptom, good, note, warn
from calendly_connector.models import Connection, SyncLogEntry, WebhookDelivery
from calendly_connector.services import home, retry, watch
from calendly_connector.services.doctor_check import Check

WAITS, STUCK = 300, 1800  # seconds of a delivery that nobody took in
SLOW, LATE = 900, 7200  # seconds of a step that wasn't taken; a lost answer alone takes some minutes
MOST_CAUSES = 10
REPAIR = Place(page=Page.REPAIR)
Step = SyncLogEntry.State

SYMPTOMS = {
    cause.ATTRIBUTE_MISSING: Symptom.MISSING_ANSWERS,
    cause.ATTRIBUTE_COMPUTED: Symptom.MISSING_ANSWERS,
    cause.UNFIT: Symptom.MISSING_ANSWERS,
    cause.LISTS_REFUSED: Symptom.NOT_ON_LIST,
    cause.OPT_IN_REFUSED: Symptom.NOT_ON_LIST,
    cause.OPT_IN_UNKNOWN: Symptom.NOT_ON_LIST,
    cause.IDENTIFIER_TAKEN: Symptom.DUPLICATES,
}
"""Cause in the sync log → what people complain of; every other: nothing is written."""


def arrives(connection: Connection) -> Iterator[Finding]:
    """Deliveries should come as often as they usually do."""
    if not connection.is_active:
        yield note(_("This connection receives no webhooks: it was switched off."), place=_page(connection))
        return
    last = watch.last_delivery_at(connection)
    if connection.is_silent:
        yield warn(
            _("It is unusually quiet: much less arrives than at this time of other weeks."),
            _("See whether the booking pages work, then run `manage.py calendly_subscribe --test`."),
            Symptom.NOTHING_ARRIVES,
            place=_page(connection),
        )
    elif last is None:
        yield note(_("Calendly has delivered nothing yet: book a meeting of your own to try it."))
    else:
        yield good(_("Calendly delivered last at %(at)s UTC.") % {"at": f"{last:%Y-%m-%d %H:%M}"})


def taken_in(connection: Connection) -> Iterator[Finding]:
    """What was delivered should be taken in within seconds."""
    rows = WebhookDelivery.objects.filter(connection=connection)
    oldest = rows.filter(state=WebhookDelivery.State.STORED).aggregate(at=Min("received_at"))["at"]
    seconds = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    level = diagnosis.by_age(seconds, warn_after=WAITS, bad_after=STUCK)
    if level is Level.GOOD:
        yield good(_("No delivery waits for long."))
    else:
        yield Finding(
            level=level,
            words=_("A delivery has waited for %(minutes)s minutes.") % {"minutes": round(seconds / 60)},
            remedy=_("See that a worker runs: `manage.py calendly_worker`. Then look at Jobs in the admin."),
            symptom=Symptom.NO_WORK,
            place=Place(page=Page.DELIVERIES),
        )
    if left := rows.filter(state__in=retry.LEFT_BEHIND).count():
        yield warn(
            _("Deliveries that weren't taken in: %(count)s.") % {"count": left},
            _("The page Repair says why, and takes them in again."),
            Symptom.NOTHING_WRITTEN,
            place=REPAIR,
        )


def written(connection: Connection) -> Iterator[Finding]:
    """What was decided should reach Brevo within minutes; a paused account is a finding of its own."""
    rows = SyncLogEntry.objects.filter(connection=connection, state__in=(Step.WAITING, Step.SENDING))
    oldest = rows.aggregate(at=Min("created_at"))["at"]
    seconds = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    level = diagnosis.by_age(seconds, warn_after=SLOW, bad_after=LATE)
    if level is Level.GOOD or connection.brevo_account.is_paused:
        yield good(_("Nothing has waited for Brevo for long, or writing is paused."))
        return
    yield Finding(
        level=level,
        words=_("Something has waited for Brevo for %(minutes)s minutes.") % {"minutes": round(seconds / 60)},
        remedy=_("Look at the sync log's waiting entries: each says what it waits for. Many at once take their time."),
        symptom=Symptom.NOTHING_WRITTEN,
        place=REPAIR,
    )


def causes(connection: Connection) -> Iterator[Finding]:
    """What failed or was left out, by what mends it: the same as the page Repair has."""
    found = [each for each in home.causes(home.pulses()) if each.connection_id == connection.pk]
    for each in found[:MOST_CAUSES]:
        code, about = cause.split(each.code)
        mended = remedy.remedy_for(each.code)
        words = ngettext("%(count)s entry: %(cause)s.", "%(count)s entries: %(cause)s.", each.count)
        yield warn(
            words % {"count": each.count, "cause": _(mended.title) % {"about": about}},
            _(mended.advice),
            SYMPTOMS.get(code, Symptom.NOTHING_WRITTEN),
            place=REPAIR,
        )
    if not found:
        yield good(_("Everything was written to Brevo whole."))


def _page(connection: Connection) -> Place:
    return Place(page=Page.CONNECTION, key=connection.pk)


CHECKS = (
    Check(name="arrives", run=arrives),
    Check(name="taken_in", run=taken_in),
    Check(name="written", run=written),
    Check(name="causes", run=causes),
)
