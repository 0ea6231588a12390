"""The play from beginning to end: connect, let people live while mischief is done, calm down, judge."""

import random
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import FieldMapping, Job, SyncLogEntry, WebhookDelivery
from calendly_connector.services import catalogue
from calendly_connector.services import connection as connections
from sandbox.app import Sandbox
from tests.chaos import verdict
from tests.chaos.lives import Lives, Mail
from tests.chaos.mischief import Mischief
from tests.chaos.patience import patiently
from tests.chaos.town import Town
from tests.journeys.river import River
from tests.postgres import Server
from tests.processes.brokers import Redis

ROLL_UPS = {"BOOKINGS": "bookings", "NO_SHOWS": "no_shows", "MOVES": "moves"}
LISTS = {"bookers": ("booked", "rescheduled"), "canceled": ("canceled",), "no-shows": ("no_show",)}
REPEATING = (*tasks.SCHEDULES, "missing_half")
MOST_PROBLEMS = 20  # that are printed
SHARE = 0.95  # of the bookings: then the last mischief was done


class OutOfTimeError(Exception):
    """The work doesn't end; the text says what is left of it."""


def play(options: Namespace, folder: Path, url: str, server: Server | None) -> int:
    """Play it and return the exit status."""
    print(f"seed {options.seed}, {options.bookings} bookings on {connection.vendor}", flush=True)
    dice, begun = random.Random(options.seed), time.monotonic()
    with Sandbox() as sandbox, _redis(folder) if server else nullcontext() as redis:
        call_command("migrate", verbosity=0)
        river, lists = connected(sandbox, settings)
        town = Town(url, folder, dice, redis=redis, hurries=options.hurry)
        try:
            mail = Mail(sandbox.calendly, dice, town.addresses, partial(_mind_the_time, options))
            mischief = Mischief(town, sandbox, dice, server=server, rounds=options.rounds)
            _live(options, Lives(sandbox.calendly, dice, bookings=options.bookings), mail, mischief)
            print(f"{time.monotonic() - begun:.0f} s: all has been told", flush=True)
            river.mend()
            mail.deliver(at_most=0)
            _wait_until_settled(options)
        except OutOfTimeError as error:
            print(f"{error}\n{town.last_words()}")
            return 1
        finally:
            town.close()
        return _judge(river, lists, mail, mischief, town.interrupted, time.monotonic() - begun)


def connected(sandbox: Sandbox, settings: Any) -> tuple[River, dict[str, int]]:
    """Return an installation whose accounts are connected, and its lists by name."""
    river = River(sandbox, settings)
    for attribute in ROLL_UPS:
        sandbox.brevo.add_attribute(attribute, "float")
    river.connect()
    for attribute, source in ROLL_UPS.items():
        FieldMapping.objects.create(connection=river.connection, attribute=attribute, source=source)
    lists = {name: sandbox.brevo.add_list(name) for name in LISTS}
    for name, triggers in LISTS.items():
        for trigger in triggers:
            river.map_lists(trigger, join=[lists[name]])
    catalogue.refresh_attributes(river.account, connections.brevo_client(river.account))
    return river, lists


def _live(options: Namespace, lives: Lives, mail: Mail, mischief: Mischief) -> None:
    """Let people live in a thread of their own, and do mischief meanwhile: nobody waits for a server that is away.

    The mischief is ours: a server ends with the thread that started it.
    """
    failures: list[Exception] = []

    def live() -> None:
        try:
            while lives.told < options.bookings:
                lives.go_on()
                mail.collect()
                mail.deliver()
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=live)
    thread.start()
    while mischief.done.total() < mischief.planned and not failures:
        mischief.go_on(lives.told / options.bookings / SHARE)
        time.sleep(0.05)
    thread.join()
    if failures:
        raise failures[0]


def _wait_until_settled(options: Namespace) -> None:
    while not patiently(_is_settled):
        _mind_the_time(options)
        if options.hurry:
            patiently(_let_time_pass)
        time.sleep(0.5)


def _is_settled() -> bool:
    return not (
        WebhookDelivery.objects.filter(state="stored").exists()
        or SyncLogEntry.objects.filter(state__in=("waiting", "sending", "unknown")).exists()
        or Job.objects.exclude(kind__in=REPEATING).exists()
    )


def _let_time_pass() -> None:
    """Let ten minutes pass for what waits: long enough to look for events of unknown outcome, and to believe it."""
    SyncLogEntry.objects.filter(state="unknown").update(sent_at=F("sent_at") - timedelta(minutes=10))
    Job.objects.filter(state="ready", run_after__gt=timezone.now()).update(run_after=timezone.now())


def _mind_the_time(options: Namespace) -> None:
    if time.monotonic() < options.end:
        return
    jobs = patiently(lambda: list(Job.objects.exclude(kind__in=REPEATING).values("kind", "state", "last_error")[:10]))
    steps = patiently(lambda: SyncLogEntry.objects.filter(state__in=("waiting", "sending", "unknown")).count())
    raise OutOfTimeError(f"Not over after {options.minutes:g} minutes: {steps} steps are open, jobs: {jobs}")


def _judge(
    river: River, lists: dict[str, int], mail: Mail, mischief: Mischief, interrupted: int, seconds: float
) -> int:
    wrong = list(verdict.problems(river.sandbox, lists, taken=mail.taken))
    bookings, people = len(river.calendly.state.invitees), len(river.brevo.contacts())
    print(f"{bookings} bookings of {people} people in {seconds:.0f} s, {len(river.brevo.events())} automation events")
    print(f"{mail.taken} messages taken, {mail.again} of them twice; refused and brought again: {mail.refused}")
    print(f"{interrupted} jobs were in the hands of killed workers")
    for name, count in sorted(mischief.done.items()):
        print(f"  {count:3} times {name}")
    for words in wrong[:MOST_PROBLEMS]:
        print(f"WRONG: {words}")
    print(f"{len(wrong)} things are wrong." if wrong else "Nothing was lost, nothing doubled.")
    return 1 if wrong else 0


@contextmanager
def _redis(folder: Path) -> Iterator[Any]:
    redis = Redis(folder)
    try:
        yield redis
    finally:
        redis.stop()
