"""The doctor looks at the queue: does a worker run, does work wait too long, has anything been given up?"""

import time
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from calendly_connector.core import diagnosis, health
from calendly_connector.core.diagnosis import Finding, Level, Page, Place, Symptom, bad, good, warn
from calendly_connector.models import Job, RateLimit, Schedule
from calendly_connector.services import schedule
from calendly_connector.services.doctor_check import Check, Visit

NO_TICK = 180  # seconds; a worker looks for repeating work several times a minute
WAITS, STUCK = 300, 1800  # seconds that a due job has waited
STRUGGLING = 5  # failures in a row
JOBS, SCHEDULES = Place(page=Page.JOBS), Place(page=Page.SCHEDULES)


def worker(visit: Visit) -> Iterator[Finding]:
    """Repeating work is begun by the workers alone: when it was begun last shows whether one lives."""
    last = Schedule.objects.filter(is_enabled=True).aggregate(last=Max("last_started_at"))["last"]
    age = (timezone.now() - last).total_seconds() if last else None
    if age is not None and age < NO_TICK:
        yield good(_("A worker runs: it began something %(seconds)s s ago.") % {"seconds": max(0, round(age))})
        return
    words = _("No worker runs: nothing was begun for %(minutes)s minutes.") % {"minutes": round((age or 0) / 60)}
    yield bad(
        words if age else _("No worker has ever run: deliveries are stored, and nothing comes of them."),
        _("Start `manage.py calendly_worker`, and look into its log if it ends by itself."),
        Symptom.NO_WORK,
        place=SCHEDULES,
    )


def waiting(visit: Visit) -> Iterator[Finding]:
    """A due job waits for seconds, unless its account's calls are held back."""
    now = timezone.now()
    held = RateLimit.objects.filter(blocked_until__gt=time.time()).values("key")
    due = Job.objects.filter(state=Job.State.READY, run_after__lte=now).exclude(lane__in=held)
    lost = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now)
    since = (due.aggregate(at=Min("run_after"))["at"], lost.aggregate(at=Min("lease_until"))["at"])
    oldest = health.earliest(*since) or now
    seconds = (now - oldest).total_seconds()
    level = diagnosis.by_age(seconds, warn_after=WAITS, bad_after=STUCK)
    if level is Level.GOOD:
        yield good(_("No due work waits for long."))
    else:
        yield Finding(
            level=level,
            words=_("Due work has waited for %(minutes)s minutes.") % {"minutes": round(seconds / 60)},
            remedy=_("Start another `manage.py calendly_worker`, or look into the log: one may hang or be overloaded."),
            symptom=Symptom.NO_WORK,
            place=JOBS,
        )


def failed(visit: Visit) -> Iterator[Finding]:
    """Work that was given up stays until somebody tries it again."""
    gone = Job.objects.filter(state=Job.State.FAILED).count()
    hard = Job.objects.filter(state=Job.State.READY, failures__gte=STRUGGLING).count()
    if not gone and not hard:
        yield good(_("No work was given up."))
        return
    yield warn(
        _("Jobs given up: %(gone)s. Failed %(times)s times or more, and still tried: %(hard)s.")
        % {"gone": gone, "hard": hard, "times": STRUGGLING},
        _("Open Jobs in the admin: each says what went wrong last. Mend it, then choose “Try again”."),
        Symptom.NO_WORK,
        place=JOBS,
    )


def schedules(visit: Visit) -> Iterator[Finding]:
    """Each piece of repeating work should have ended lately, and well."""
    troubled = [(row, words) for row in Schedule.objects.order_by("name") if (words := _trouble(row))]
    for row, words in troubled:
        yield warn(
            f"{row}: {words}",
            _("Run it by hand and read what it says: `manage.py calendly_worker --job %(name)s`.") % {"name": row.name},
            Symptom.NO_WORK,
            place=SCHEDULES,
        )
    if not troubled:
        yield good(_("Repeating work runs on time."))


def _trouble(row: Schedule) -> str:
    if not row.is_enabled:
        return _("switched off. Switch it on under Schedules in the admin.")
    if row.last_result.startswith(schedule.FAILED):
        return row.last_result
    late = timedelta(seconds=3 * row.every_seconds) + timedelta(minutes=10)
    since = row.last_finished_at or row.last_started_at
    if since and timezone.now() - since > late:
        return _("late: it ended last at %(at)s UTC.") % {"at": f"{since:%Y-%m-%d %H:%M}"}
    return ""


CHECKS = (
    Check(name="worker", run=worker),
    Check(name="waiting", run=waiting),
    Check(name="failed", run=failed),
    Check(name="schedules", run=schedules),
)
