"""Rows are the truth: a job that was lost is asked for again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import BulkImport, Job, Person, WebhookDelivery
from calendly_connector.services import ledger, settle, sweep
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step

pytestmark = pytest.mark.django_db


def _jobs() -> list[tuple[str, int]]:
    return sorted(Job.objects.values_list("kind", "subject"))


def _stored(**changes: object) -> WebhookDelivery:
    delivery = make_delivery(make_connection(), state="stored")
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        **{"received_at": timezone.now() - timedelta(minutes=1), **changes}
    )
    return delivery


def test_a_delivery_that_lost_its_job_gets_a_new_one() -> None:
    delivery = _stored()

    words = sweep.sweep()

    assert _jobs() == [("take_in", delivery.pk)]
    assert words == "1 deliveries and 0 people had no job"


@pytest.mark.parametrize("state", ["processed", "ignored", "malformed", "failed"])
def test_a_delivery_that_is_settled_is_left_alone(state: str) -> None:
    _stored(state=state)

    sweep.sweep()

    assert _jobs() == []


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_a_person_whose_steps_lost_their_job_gets_a_new_one(state: str) -> None:
    step = make_step(make_booking_row(make_connection()), state=state)

    sweep.sweep()
    sweep.sweep()

    assert _jobs() == [("push", step.person_id)]
    assert Job.objects.get().lane.endswith(":contacts")


@pytest.mark.parametrize("state", ["done", "failed", "skipped", "merged"])
def test_a_person_whose_steps_are_settled_is_left_alone(state: str) -> None:
    make_step(make_booking_row(make_connection()), state=state)

    sweep.sweep()

    assert _jobs() == []


def test_a_person_within_an_import_is_left_to_it() -> None:
    step = make_step(make_booking_row(make_connection()), state="waiting")
    row = BulkImport.objects.create(account=step.connection.brevo_account)
    Person.objects.update(bulk_import=row)

    sweep.sweep()

    assert ("push", step.person_id) not in _jobs()


def test_work_that_was_given_up_is_not_begun_again_by_the_sweep() -> None:
    step = make_step(make_booking_row(make_connection()), state="waiting")
    ledger.ask_for_push(step.person)
    Job.objects.update(state="failed")

    sweep.sweep()

    assert Job.objects.get().state == "failed"


@pytest.mark.parametrize("given_up", [True, False])
def test_an_event_in_doubt_that_nobody_looks_for_is_looked_for(given_up: bool) -> None:
    step = make_step(make_booking_row(make_connection()), state="unknown")
    account = step.connection.brevo_account
    if given_up:
        settle.ask(account)
        Job.objects.update(state="failed", failures=20)

    sweep.sweep()

    job = Job.objects.get()
    assert (job.kind, job.subject, job.state, job.failures) == ("settle", account.pk, "ready", 0)


def test_nothing_is_asked_for_twice() -> None:
    _stored()
    sweep.sweep()

    assert sweep.sweep() == "0 deliveries and 0 people had no job"
