"""Workers that are killed in the middle of a burst lose nobody and send nothing twice."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import Job, SyncLogEntry, WebhookDelivery
from sandbox.calendly import Calendly
from sandbox.world import Fault
from tests.journeys.river import River
from tests.processes.programs import Crew, WorkerProcess, wait_for

PEOPLE = 128
COPIES = 4  # of each delivery
KILLS = 6
WORK = ("take_in", "push")  # kinds of jobs; the others repeat for ever, or wait for time to pass
SLOWNESS = 0.05  # seconds that Brevo takes for each call, so that a kill often falls into one
Story = Callable[[Calendly, str], None]


def _books(calendly: Calendly, email: str) -> None:
    calendly.book(event_type="Demo", email=email, name="Ada Berg")


def _cancels(calendly: Calendly, email: str) -> None:
    calendly.cancel(calendly.book(event_type="Demo", email=email, name="Ada Berg"))


def _moves(calendly: Calendly, email: str) -> None:
    calendly.move(calendly.book(event_type="Demo", email=email, name="Ada Berg"))


def _stays_away(calendly: Calendly, email: str) -> None:
    calendly.mark_no_show(calendly.book(event_type="Demo", email=email, name="Ada Berg"))


STORIES: dict[Story, tuple[str, str]] = {
    _books: ("booked", "booked"),
    _cancels: ("cancelled", "canceled"),
    _moves: ("booked", "rescheduled"),
    _stays_away: ("no_show", "no_show"),
}
"""Story → (the status that the contact must end with, the automation event that must have been sent)."""


class Assassin:
    """Kills one of two workers while it has work in hand, and hires the next."""

    def __init__(self, crew: Crew, dice: random.Random) -> None:
        self._crew, self._dice = crew, dice
        self.workers = [crew.hire_ready(), crew.hire_ready()]
        self.kills = 0
        self.interrupted = 0

    def strike(self) -> None:
        """Kill one that has work, if any has, let go of its leases as time would, and replace it."""
        for worker in self.workers:
            worker.wait_until_ready()
        wait_for(lambda: any(_in_hand(worker) for worker in self.workers) or not _is_anything_due())
        busy = [place for place, worker in enumerate(self.workers) if _in_hand(worker)]
        place = self._dice.choice(busy or range(len(self.workers)))
        victim = self.workers[place]
        time.sleep(self._dice.choice((0, self._dice.uniform(0, 0.03))))
        victim.kill()
        self.kills += 1
        self.interrupted += expire_leases(victim)
        self.workers[place] = self._crew.hire()


def _in_hand(worker: WorkerProcess) -> int:
    return Job.objects.filter(state="running", worker__endswith=f":{worker.pid}").count()


def expire_leases(worker: WorkerProcess) -> int:
    """Let a worker's leases run out now; return how many it held."""
    held = Job.objects.filter(state="running", worker__endswith=f":{worker.pid}")
    return held.update(lease_until=timezone.now() - timedelta(seconds=1))


def _unfinished() -> int:
    return Job.objects.filter(kind__in=WORK).count()


def _is_anything_due() -> bool:
    """Answer whether there is work for now; what looks for an event of unknown outcome waits a minute, for one."""
    waiting_until_later = Q(state="ready", run_after__gt=timezone.now())
    return Job.objects.filter(kind__in=WORK).exclude(waiting_until_later).exists()


def _let_time_pass() -> None:
    """Let ten minutes pass: long enough to look for events of unknown outcome, and to believe the answer."""
    SyncLogEntry.objects.filter(state="unknown").update(sent_at=F("sent_at") - timedelta(minutes=10))
    Job.objects.filter(state="ready").update(run_after=timezone.now())


def _is_settled() -> bool:
    if not _unfinished():
        _let_time_pass()
    return not Job.objects.exclude(kind__in=(*tasks.SCHEDULES, "missing_half")).exists()


def test_workers_killed_in_a_burst_lose_nobody_and_send_no_event_twice(river: River, crew: Crew) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # pytest shows it when this fails
    dice = random.Random(seed)
    expected = _tell_stories(river.calendly)
    burst = river.pending() * COPIES
    dice.shuffle(burst)
    strikes = set(dice.sample(range(len(burst) // 4, len(burst)), KILLS))
    river.sandbox.world.faults.add(Fault(provider="brevo", kind="slow", seconds=SLOWNESS, times=None))
    assassin = Assassin(crew, dice)

    for number, delivery in enumerate(burst):
        assert river.post(delivery) == 200
        if number in strikes:
            assassin.strike()
    wait_for(_is_settled, step=0.2)

    print(f"{assassin.kills} kills interrupted {assassin.interrupted} jobs")
    assert len(burst) >= 1000
    assert assassin.interrupted > 0, "No worker was killed at work."
    assert WebhookDelivery.objects.filter(state="processed").count() == len(burst) / COPIES
    for email, (status, event) in expected.items():
        assert river.contact(email)["attributes"]["BOOKING_STATUS"] == status, email
        assert river.event_names(email).count(event) == 1, email
    assert _events_in_brevo(river) == _events_in_the_log()
    assert not SyncLogEntry.objects.filter(state__in=("waiting", "sending", "unknown", "failed")).exists()


def _tell_stories(calendly: Calendly) -> dict[str, tuple[str, str]]:
    """Let all people book and change their minds; return what must come of each."""
    expected = {}
    for number in range(PEOPLE):
        story = list(STORIES)[number % len(STORIES)]
        email = f"person-{number}@example.com"
        story(calendly, email)
        expected[email] = STORIES[story]
    return expected


def _events_in_brevo(river: River) -> Counter[tuple[str, str]]:
    return Counter((each["event_name"], each["event_properties"]["booking_id"]) for each in river.brevo.events())


def _events_in_the_log() -> Counter[tuple[str, str]]:
    """Return the events that were decided, each of which the database holds once."""
    sent = SyncLogEntry.objects.filter(kind="event", state="done").values_list("request", flat=True)
    return Counter((request["name"], request["properties"]["booking_id"]) for request in sent)
