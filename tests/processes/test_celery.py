"""With a broker, Celery's workers do the same work; what the broker forgets, the beat finds in the database."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from calendly_connector.models import Job, Schedule, WebhookDelivery
from tests.journeys.river import River
from tests.processes.brokers import Squad
from tests.processes.programs import wait_for
from tests.processes.test_crash import expire_leases
from tests.processes.test_working import be_slow, book, is_drained, wait_until_writing
from tests.web_process import free_address, web_process


@pytest.fixture
def squad(river: River, database_url: str, tmp_path: Path) -> Iterator[Squad]:
    """Return a broker and what starts workers and the beat; they end with the test."""
    squad = Squad(database_url, tmp_path)
    yield squad
    squad.dismiss()


def test_a_booking_reaches_brevo_and_what_repeats_is_done(river: River, squad: Squad) -> None:
    squad.hire()
    squad.beat()

    book(river, "ada@example.com")

    wait_for(is_done)
    assert river.contact("ada@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names("ada@example.com") == ["booked"]
    wait_for(lambda: not Schedule.objects.filter(last_finished_at=None).exists())


def test_a_message_of_the_web_process_is_enough(river: River, squad: Squad, database_url: str, tmp_path: Path) -> None:
    squad.hire()  # and no beat: nobody would find the work without the message
    address = free_address()
    environment = {"TASK_QUEUE_URL": squad.redis.url}

    with web_process(address, database_url=database_url, output=tmp_path / "web.log", environment=environment):
        post(river, address, "ada@example.com")
        wait_for(lambda: not WebhookDelivery.objects.filter(state="stored").exists())

    assert [row.state for row in WebhookDelivery.objects.all()] == ["processed"]


def test_what_a_broker_forgets_is_done_all_the_same(river: River, squad: Squad) -> None:
    be_slow(river, seconds=0.1)
    squad.hire()
    squad.beat()
    people = [f"person-{number}@example.com" for number in range(12)]

    for number, email in enumerate(people):
        book(river, email)
        if number % 4 == 1:
            squad.redis.flush()
        if number == 6:
            squad.redis.stop()
            squad.redis.start()
    wait_for(is_done)

    assert [river.event_names(email) for email in people] == [["booked"]] * len(people)


def test_without_its_broker_the_web_process_still_takes_webhooks(
    river: River, squad: Squad, database_url: str, tmp_path: Path
) -> None:
    address = free_address()
    environment = {"TASK_QUEUE_URL": squad.redis.url}
    squad.redis.stop()

    with web_process(address, database_url=database_url, output=tmp_path / "web.log", environment=environment):
        post(river, address, "ada@example.com")
        post(river, address, "bo@example.com")
    assert WebhookDelivery.objects.count() == 2
    squad.redis.start()
    squad.hire()
    squad.beat()
    wait_for(is_done)

    assert river.event_names("ada@example.com") == river.event_names("bo@example.com") == ["booked"]


def test_the_work_of_a_killed_worker_is_taken_over(river: River, squad: Squad) -> None:
    be_slow(river, seconds=1.0)
    killed = squad.hire()
    squad.beat()
    book(river, "ada@example.com")
    wait_until_writing()

    killed.kill()
    squad.hire()
    assert expire_leases(killed) >= 1  # repeating work too, perhaps
    wait_for(is_done)

    assert river.event_names("ada@example.com") == ["booked"]


def test_sigterm_lets_the_job_in_hand_finish(river: River, squad: Squad) -> None:
    be_slow(river, seconds=1.0)
    worker = squad.hire()
    squad.beat()
    book(river, "ada@example.com")
    wait_until_writing()

    assert worker.stop() == 0

    assert {entry.state for entry in river.log(kind="contact")} == {"done"}
    assert not Job.objects.filter(state="running", kind="push").exists()


def is_done() -> bool:
    """Answer whether every delivery was taken in, and everybody written."""
    return not WebhookDelivery.objects.filter(state="stored").exists() and is_drained()


def post(river: River, address: str, email: str) -> None:
    """Book, and post the webhook to a web process over the network."""
    river.calendly.book(event_type="Demo", email=email, name="Ada Berg")
    for delivery in river.pending():
        answer = requests.post(
            f"{address}/webhooks/calendly",
            data=delivery.body,
            headers=delivery.headers(time.time()),
            timeout=30,
        )
        assert answer.status_code == 200
        river.calendly.deliveries.drop(delivery)
