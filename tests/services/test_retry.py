"""What was given up goes back to waiting, together with what it needs, and nothing else does."""

import pytest
from django.utils import timezone

from calendly_connector.models import Job, SyncLogEntry, WebhookDelivery
from calendly_connector.services import push, retry
from sandbox import scenarios
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]

ALL = SyncLogEntry.objects


@pytest.mark.django_db
def test_a_failed_contact_write_comes_along_with_the_event() -> None:
    booking = make_booking_row(make_connection())
    contact = make_step(booking, "contact", state="failed", reason="Refused")
    event = make_step(booking, state="failed", reason="Refused")
    other_event = make_step(booking, state="failed", reason="Refused")

    retried = retry.retry_entries(ALL.filter(pk=event.pk))

    assert retried == retry.Retried(entries=2, people=1)
    assert set(ALL.filter(state="waiting")) == {contact, event}
    assert ALL.get(pk=other_event.pk).state == "failed"


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["waiting", "sending", "done", "merged", "skipped", "unknown"])
def test_only_failed_steps_are_tried_again(state: str) -> None:
    step = make_step(make_booking_row(make_connection()), state=state)

    assert retry.retry_entries(ALL.all()) == retry.Retried(entries=0, people=0)
    assert (ALL.get(pk=step.pk).state, Job.objects.count()) == (state, 0)


@pytest.mark.django_db
def test_a_given_up_push_brings_back_what_it_gave_up_and_no_older_refusal() -> None:
    booking = make_booking_row(make_connection())
    refused = make_step(booking, state="failed", reason="Brevo refused the event.")
    given_up = make_step(booking, state="waiting")
    push.give_up(booking.person_id, "No answer.")
    Job.objects.create(
        kind="push", subject=booking.person_id, dedupe_key="push:1", state="failed", run_after=timezone.now()
    )

    assert retry.retry_jobs(Job.objects.all()) == 1

    assert list(ALL.filter(state="waiting")) == [given_up]
    assert ALL.get(pk=refused.pk).state == "failed"


@pytest.mark.django_db
def test_a_given_up_take_in_brings_back_its_delivery() -> None:
    delivery = make_delivery(make_connection(), state="failed", reason="Given up")
    Job.objects.create(
        kind="take_in",
        subject=delivery.pk,
        dedupe_key=f"take_in:{delivery.pk}",
        state="failed",
        run_after=timezone.now(),
    )

    assert retry.retry_jobs(Job.objects.all()) == 1

    assert WebhookDelivery.objects.get().state == "stored"
    assert Job.objects.get().state == "ready"


def test_what_brevo_refused_arrives_after_another_try(river: River) -> None:
    scenarios.booked(river.calendly)
    river.deliver()
    river.connection.trigger_mappings.create(trigger="booked", event_name="not allowed")
    river.work()
    assert [step.state for step in river.log(kind="event")] == ["failed"]
    river.connection.trigger_mappings.update(event_name="")

    retry.retry_entries(ALL.all())
    river.work()

    assert [step.state for step in river.log()] == ["done", "done"]
    assert river.event_names(scenarios.NADIA.email) == ["booked"]
