"""Real workers at work: stopping, sharing, draining, and hearing of news while they are busy."""

import signal
from collections import defaultdict

from calendly_connector.models import Job, Schedule, SyncLogEntry
from sandbox.world import Call, Fault
from tests.journeys.river import River
from tests.processes.programs import Crew, wait_for
from tests.processes.test_crash import expire_leases

WORK = ("take_in", "push")


def test_sigterm_lets_the_work_in_hand_finish(river: River, crew: Crew) -> None:
    be_slow(river, seconds=1.0)
    worker = crew.hire_ready()
    book(river, "ada@example.com")
    wait_until_writing()

    status = worker.stop()

    assert (status, worker.output.splitlines()[-1]) == (0, "Stopped; nothing was left half done.")
    assert {entry.state for entry in river.log()} == {"done"}
    assert river.contact("ada@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names("ada@example.com") == ["booked"]
    assert is_drained()


def test_two_workers_share_the_work_and_keep_each_persons_order(river: River, crew: Crew) -> None:
    be_slow(river, seconds=0.03)
    people = [f"person-{number}@example.com" for number in range(30)]
    for worker in (crew.hire(), crew.hire()):
        worker.wait_until_ready()

    for email in people:
        river.calendly.cancel(book(river, email))
        river.deliver()
    wait_for(is_drained)

    calls = calls_by_person(river)
    assert set(calls) == set(people)
    for email, mine in calls.items():
        assert river.event_names(email) in (["booked", "canceled"], ["canceled"]), email
        assert river.contact(email)["attributes"]["BOOKING_STATUS"] == "cancelled", email
        assert mine[0].template == "/contacts", email
        assert not any(earlier.at + 0.03 > later.at for earlier, later in zip(mine, mine[1:], strict=False)), email
    sent = SyncLogEntry.objects.filter(kind="event", state="done").count()
    assert len(river.brevo.events()) == sent
    wait_for(lambda: not Schedule.objects.filter(last_finished_at=None).exists())


def test_one_booking_costs_two_calls_with_two_workers_too(river: River, crew: Crew) -> None:
    people = [f"person-{number}@example.com" for number in range(40)]
    for worker in (crew.hire(), crew.hire()):
        worker.wait_until_ready()

    for email in people:
        book(river, email)
    wait_for(is_drained)

    templates = {email: [call.template for call in calls] for email, calls in calls_by_person(river).items()}
    assert templates == {email: ["/contacts", "/events"] for email in people}


def test_once_does_what_is_due_and_ends(river: River, crew: Crew) -> None:
    for number in range(5):
        book(river, f"person-{number}@example.com")

    worker = crew.hire("--once")

    assert worker.process.wait(60) == 0, worker.output
    assert worker.output.endswith("jobs done.\n")
    assert len(river.brevo.contacts()) == 5
    assert is_drained()


def test_news_that_comes_while_a_person_is_written_is_written_too(river: River, crew: Crew) -> None:
    be_slow(river, seconds=0.5)
    crew.hire_ready()
    booking = book(river, "ada@example.com")
    wait_until_writing()

    river.calendly.cancel(booking)
    river.deliver()
    wait_for(is_drained)

    assert river.contact("ada@example.com")["attributes"]["BOOKING_STATUS"] == "cancelled"
    assert river.event_names("ada@example.com") == ["booked", "canceled"]


def test_a_worker_that_slept_through_its_lease_sends_nothing_twice(river: River, crew: Crew) -> None:
    be_slow(river, seconds=0.3)
    sleeper = crew.hire_ready("--concurrency", "1")
    book(river, "ada@example.com")
    wait_until_writing()
    sleeper.signal(signal.SIGSTOP)
    assert expire_leases(sleeper) == 1
    crew.hire_ready("--concurrency", "1")
    wait_for(is_drained)

    sleeper.signal(signal.SIGCONT)

    assert sleeper.stop() == 0, sleeper.output
    assert river.event_names("ada@example.com") == ["booked"]
    assert {entry.state for entry in river.log()} == {"done"}


def book(river: River, email: str) -> str:
    """Book a meeting, deliver the webhook, and return the invitee's URI."""
    uri = river.calendly.book(event_type="Demo", email=email, name="Ada Berg")
    river.deliver()
    return uri


def be_slow(river: River, *, seconds: float) -> None:
    """Let Brevo take its time for every call."""
    river.sandbox.world.faults.add(Fault(provider="brevo", kind="slow", seconds=seconds, times=None))


def is_drained() -> bool:
    """Answer whether nothing is left to take in or to write."""
    return not Job.objects.filter(kind__in=WORK).exists()


def wait_until_writing() -> None:
    """Wait until a worker is in the middle of writing somebody."""
    wait_for(lambda: Job.objects.filter(kind="push", state="running").exists())


def calls_by_person(river: River) -> dict[str, list[Call]]:
    """Return what Brevo was asked for each e-mail address, in the order of the calls' beginnings."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(river.sandbox.world.journal.calls("brevo", method="POST"), key=lambda call: call.at):
        if call.template in ("/contacts", "/events"):
            email = call.body.get("email") or call.body["identifiers"]["email_id"]
            calls[email].append(call)
    return calls
