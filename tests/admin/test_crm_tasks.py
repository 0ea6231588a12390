"""CRM tasks as staff see them: the switch on the connection's page, and the state on the booking's."""

import re
from datetime import timedelta

import pytest
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import Booking, Connection, CrmTask, Job, Notice
from calendly_connector.services import crm_tasks, notices
from tests.admin.rows import make_booking_row
from tests.factories import make_meeting

FORM = {"name": "Main", "is_active": "on", "timezone": "Europe/Paris", "phone_region": "", "grace_hours": "24"}


def coming(connection: Connection) -> Booking:
    start_at = timezone.now() + timedelta(days=2)
    meeting = make_meeting(start_at=start_at, end_at=start_at + timedelta(minutes=30))
    return make_booking_row(connection, "nadia", meeting=meeting)


def read(client: Client, row: Model) -> str:
    page = client.get(parts.page_of(type(row), row.pk)).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def switch(client: Client, connection: Connection, **how: str) -> None:
    form = {**FORM, "guest_policy": "ignore", **how}
    assert client.post(parts.page_of(Connection, connection.pk), form).status_code == 302


def test_the_switch_is_off_explained_and_asks_for_meetings_to_come(staff: Client, connection: Connection) -> None:
    row = coming(connection)
    page = read(staff, connection)
    before = Connection.objects.get().makes_tasks

    switch(staff, connection, makes_tasks="on")

    assert "a task a minute is written" in page
    assert (before, Connection.objects.get().makes_tasks) == (False, True)
    assert [job.subject for job in Job.objects.filter(kind=crm_tasks.WRITE)] == [row.pk]


def test_saving_anything_else_asks_for_no_task(staff: Client, connection: Connection) -> None:
    coming(connection)
    Connection.objects.update(makes_tasks=True)

    switch(staff, connection, makes_tasks="on", phone_region="DK")

    assert not Job.objects.filter(kind=crm_tasks.WRITE).exists()


def test_the_connection_says_why_tasks_cant_be_made_until_it_is_switched_off(
    staff: Client, connection: Connection
) -> None:
    Connection.objects.update(makes_tasks=True)
    key = notices.key_of(connection, "tasks")
    notices.open_notice(key, crm_tasks.OFF_TITLE, crm_tasks.OFF.format("Brevo said 403."))

    assert "Switch the CRM on in Brevo" in read(staff, connection)

    switch(staff, connection)

    assert not Notice.objects.get(key=key).is_open
    assert "Switch the CRM on in Brevo" not in read(staff, connection)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"number": "61a8", "words": "Brevo knows no user x, so the task has no owner."}, "In Brevo task 61a8"),
        ({"number": "61a8", "words": "Brevo knows no user x, so the task has no owner."}, "Brevo knows no user x"),
        ({"number": "", "words": crm_tasks.LOST}, "Outcome unknown Brevo's answer was lost"),
        ({"number": "", "words": crm_tasks.NO_CONTACT, "written_at": None}, "Not made The contact isn't in Brevo"),
    ],
)
def test_a_booking_shows_its_task(staff: Client, connection: Connection, task: dict[str, str], words: str) -> None:
    row = coming(connection)
    CrmTask.objects.create(booking=row, **{"written_at": timezone.now(), **task})

    assert words.replace("'", "&#x27;") in read(staff, row)


def test_a_booking_says_that_its_task_is_still_to_come(staff: Client, connection: Connection) -> None:
    row = coming(connection)
    before = read(staff, row)

    Connection.objects.update(makes_tasks=True)

    assert "Is made soon" not in before
    assert "Is made soon" in read(staff, row)
