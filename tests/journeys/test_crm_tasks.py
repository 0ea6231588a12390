"""A task in Brevo's CRM per meeting: off by default; where it is on, made, moved and closed with the booking."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import Booking, BrevoAccount, Connection, ContactMirror, CrmTask, Job, Notice, RateLimit
from calendly_connector.services import accounts, clock, crm_calls, crm_tasks, erase, limits, queue
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from sandbox import scenarios
from tests.admin.rows import make_booking_row
from tests.factories import make_meeting
from tests.journeys.river import River

EMAIL = scenarios.NADIA.email
TASKS = "/crm/tasks"


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm_calls, "_memory", {})  # what a process remembers, it would remember for the next test


def switch_on(river: River) -> None:
    Connection.objects.update(makes_tasks=True)


def tasks_of(river: River) -> list[dict[str, Any]]:
    """Return the tasks of the sandbox's CRM, oldest first."""
    return list(river.brevo.state.crm["tasks"].values())


def book(river: River, *, email: str = EMAIL, **details: Any) -> str:
    return river.calendly.book(event_type="Discovery call", email=email, name="Nadia Benali", **details)


def flow(river: River) -> None:
    """Deliver, work, and let time pass until nothing waits."""
    river.flow()
    for _turn in range(10):
        river.hurry()
        if not river.work():
            return


def summary(task: dict[str, Any]) -> tuple[str, bool, str]:
    return task["name"], task["done"], task["notes"].splitlines()[0]


def test_without_the_switch_there_is_no_call_and_no_row(river: River) -> None:
    uri = book(river)
    flow(river)
    river.calendly.cancel(uri)
    flow(river)

    assert not Connection.objects.get().makes_tasks
    assert tasks_of(river) == []
    assert not CrmTask.objects.exists()
    assert [each for each in river.sandbox.world.journal.calls("brevo") if "/crm/" in each.template] == []


def test_a_booking_becomes_a_task_of_its_host_for_its_contact(river: River) -> None:
    switch_on(river)
    uri = book(river, answers={"Company": "Benali Conseil"})
    flow(river)

    row = Booking.objects.get(uri=uri)
    [task] = tasks_of(river)
    contact = river.contact(EMAIL)["id"]
    assert summary(task) == ("Discovery call with Nadia Benali", False, "Booked through Calendly.")
    assert task["date"] == row.start_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert task["duration"] == (row.end_at - row.start_at).total_seconds() * 1000
    assert (task["contactsIds"], task["assignToId"]) == ([contact], row.host)
    assert "Company: Benali Conseil" in task["notes"]
    assert ContactMirror.objects.get().contact_id == contact
    assert CrmTask.objects.get().number == task["id"]


def test_a_move_moves_the_same_task(river: River) -> None:
    switch_on(river)
    first = book(river)
    flow(river)
    number = tasks_of(river)[0]["id"]

    second = river.calendly.move(first)
    third = river.calendly.move(second)
    flow(river)

    [task] = tasks_of(river)
    row = Booking.objects.get(uri=third)
    assert task["id"] == number == CrmTask.objects.get(booking=row).number
    assert task["date"] == row.start_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert not task["done"]
    assert "Moved 2 times" in task["notes"]


@pytest.mark.parametrize("new_first", [True, False])
def test_the_halves_of_a_move_make_one_task_in_either_order(river: River, *, new_first: bool) -> None:
    switch_on(river)
    river.calendly.move(book(river))
    deliveries = river.pending()

    for delivery in reversed(deliveries) if new_first else deliveries:
        river.deliver(delivery)
        flow(river)

    assert len(tasks_of(river)) == 1
    assert tasks_of(river)[0]["done"] is False


def test_a_cancellation_closes_the_task_and_says_why(river: River) -> None:
    switch_on(river)
    uri = book(river)
    flow(river)

    river.calendly.cancel(uri, reason="No time")
    flow(river)

    [task] = tasks_of(river)
    assert task["done"]
    assert task["notes"].splitlines()[0].endswith(": No time")


def test_a_no_show_closes_the_task_and_its_undo_opens_it_again(river: River) -> None:
    switch_on(river)
    uri = book(river)
    flow(river)

    river.calendly.mark_no_show(uri)
    flow(river)
    closed = summary(tasks_of(river)[0])
    river.calendly.undo_no_show(uri)
    flow(river)

    assert closed[1:] == (True, "The invitee didn't come (no-show).")
    assert summary(tasks_of(river)[0])[1:] == (False, "Booked through Calendly.")


def test_attendance_closes_the_task(river: River) -> None:
    switch_on(river)
    book(river, start_time=river.calendly.clock.now() + 3600)
    flow(river)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        Connection.objects.update(subscription_checked_at=timezone.now())  # nobody is attended for lack of news
        clock.find_due()
        flow(river)

    assert summary(tasks_of(river)[0])[1:] == (True, "The meeting took place.")


def test_what_is_already_said_costs_no_call(river: River) -> None:
    switch_on(river)
    uri = book(river)
    flow(river)
    river.sandbox.world.journal.clear()

    crm_tasks.ask([Booking.objects.get(uri=uri).pk])
    flow(river)

    assert not Job.objects.filter(kind=crm_tasks.WRITE).exists()
    assert [each for each in river.sandbox.world.journal.calls("brevo") if "/crm/" in each.template] == []


def test_a_canceled_booking_or_one_that_is_over_gets_no_task(river: River) -> None:
    switch_on(river)
    river.calendly.cancel(book(river))
    scenarios.no_show(river.calendly)
    flow(river)

    assert tasks_of(river) == []


def test_a_second_meeting_costs_no_second_look_for_the_contact(river: River) -> None:
    switch_on(river)
    book(river)
    flow(river)
    river.sandbox.world.journal.clear()

    book(river)
    flow(river)

    assert len(tasks_of(river)) == 2
    assert river.calls("/contacts/{identifier}", method="GET") == []
    assert river.calls("/crm/tasktypes", method="GET") == []


def test_a_host_whom_brevo_does_not_know_leaves_the_task_without_an_owner(river: River) -> None:
    switch_on(river)
    body = {"code": "invalid_parameter", "message": "assignToId is invalid"}
    river.break_brevo("status", TASKS, status=400, body=body)
    book(river)
    flow(river)
    book(river)
    flow(river)

    first, second = tasks_of(river)
    row = CrmTask.objects.order_by("pk").first()
    assert row
    assert "assignToId" not in first
    assert "assignToId" not in second
    assert row.words == f"Brevo knows no user {row.booking.host}, so the task has no owner."
    assert len(river.calls(TASKS)) == 3


def test_a_contact_that_was_made_anew_is_looked_for_again(river: River) -> None:
    switch_on(river)
    book(river)
    flow(river)
    ContactMirror.objects.update(contact_id=999_999)

    book(river)
    flow(river)

    assert [task["contactsIds"] for task in tasks_of(river)] == [[river.contact(EMAIL)["id"]]] * 2


def test_a_refused_task_says_so_and_is_tried_at_the_next_change(river: River) -> None:
    switch_on(river)
    body = {"code": "invalid_parameter", "message": "name is invalid"}
    river.break_brevo("status", TASKS, status=400, body=body, times=2)
    uri = book(river)
    flow(river)
    words = CrmTask.objects.get().words

    river.calendly.move(uri)
    flow(river)

    assert words.startswith("Brevo refused the task.")
    assert len(tasks_of(river)) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_without_a_crm_is_said_and_pauses_nothing(river: River, status: int) -> None:
    switch_on(river)
    river.break_brevo("status", "/crm/tasktypes", method="GET", status=status, body={"message": "off"}, times=None)
    book(river)
    river.flow()
    told = Notice.objects.get(key__endswith=":tasks")

    assert (told.is_open, told.title) == (True, "CRM tasks can't be made")
    assert not BrevoAccount.objects.get().is_paused
    assert river.event_names(EMAIL) == ["booked"]
    assert crm_tasks.words_about(river.connection) == told.message

    river.mend()
    flow(river)

    assert len(tasks_of(river)) == 1
    assert not crm_tasks.words_about(river.connection)


def test_a_lost_answer_is_looked_for_before_a_task_is_made_again(river: River) -> None:
    switch_on(river)
    river.break_brevo("commit_then_reset", TASKS)
    uri = book(river)
    river.flow()
    unknown = CrmTask.objects.get()
    flow(river)

    assert (unknown.number, unknown.words) == ("", crm_tasks.LOST)
    assert [task["id"] for task in tasks_of(river)] == [CrmTask.objects.get().number]
    assert len(river.calls(TASKS)) == 1

    river.break_brevo("reset", TASKS)
    river.calendly.cancel(uri)
    book(river)
    flow(river)

    assert len(tasks_of(river)) == 2


def test_a_booking_moved_while_the_answer_is_unknown_keeps_its_one_task(river: River) -> None:
    switch_on(river)
    river.break_brevo("commit_then_reset", TASKS)
    uri = book(river)
    river.flow()

    river.calendly.move(uri)
    river.flow()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        flow(river)

    [task] = tasks_of(river)
    new = Booking.objects.get(status="booked")
    assert task["date"] == new.start_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert CrmTask.objects.get().booking == new


def test_a_task_deleted_in_brevo_is_left_alone(river: River) -> None:
    switch_on(river)
    uri = book(river)
    flow(river)
    river.brevo.state.crm["tasks"].clear()

    river.calendly.mark_no_show(uri)
    flow(river)
    river.calendly.undo_no_show(uri)
    flow(river)

    assert tasks_of(river) == []
    assert CrmTask.objects.get().words == crm_tasks.GONE
    assert len(river.calls("/crm/tasks/{number}", method="PATCH")) == 1


def test_while_the_account_is_paused_tasks_wait(river: River) -> None:
    switch_on(river)
    uri = book(river)
    flow(river)
    river.calendly.mark_no_show(uri)
    account = BrevoAccount.objects.get()
    crm_tasks.ask([Booking.objects.get().pk])
    accounts.pause_for_staff(account, by="anna", why="a test")
    flow(river)
    before = tasks_of(river)[0]["done"]

    accounts.resume(account)
    flow(river)

    assert (before, tasks_of(river)[0]["done"]) == (False, True)


def test_switched_on_meetings_to_come_get_a_task_and_past_ones_none(river: River) -> None:
    scenarios.no_show(river.calendly)
    book(river)
    flow(river)
    switch_on(river)

    crm_tasks.begin(Connection.objects.get())
    flow(river)

    assert [task["name"] for task in tasks_of(river)] == ["Discovery call with Nadia Benali"]


def test_many_people_at_once_get_their_tasks_too(river: River, settings: Any) -> None:
    settings.PEOPLE_AT_ONCE_FROM = 3
    river.brevo.settings.import_seconds = 0.0
    switch_on(river)
    for number in range(6):
        book(river, email=f"p{number}@example.com")
    river.deliver()
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        flow(river)

    assert len(tasks_of(river)) == 6


def test_an_erasure_says_that_tasks_stay_and_drops_their_jobs(river: River) -> None:
    switch_on(river)
    book(river)
    flow(river)
    crm_tasks.ask([Booking.objects.get().pk])

    foreseen = erase.foresee(EMAIL).brevo
    report = erase.erase(EMAIL, by="anna")

    assert foreseen[-1] == report.brevo[-1]
    assert "1 task in its CRM stay there" in report.brevo[-1]
    assert len(tasks_of(river)) == 1
    assert not CrmTask.objects.exists()
    assert not Job.objects.filter(kind=crm_tasks.WRITE).exists()


def test_tasks_stay_within_a_hundred_calls_an_hour_newest_first_and_leave_room_for_look_ups(river: River) -> None:
    start_at = timezone.now() + timedelta(days=3)
    meeting = make_meeting(start_at=start_at, end_at=start_at + timedelta(minutes=30))
    for number in range(63):
        row = make_booking_row(river.connection, f"p{number}", meeting=meeting)
        contact = river.brevo.add_contact(row.person.email)
        ContactMirror.objects.create(person=row.person, contact_id=contact)
    switch_on(river)
    limits.open_buckets(river.account.pk)
    for name, interval in limits.INTERVALS.items():
        key = limits.key_of(river.account.pk, name)
        RateLimit.objects.filter(pk=key).update(interval=interval, free_at=0.0)
    river.sandbox.world.journal.clear()
    looked_up, worker = 0, Worker(tasks.TASKS, concurrency=1, bell=Bell())
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        crm_tasks.begin(Connection.objects.get())
        for second in range(0, 3600, 60):
            while job := queue.claim(worker.name):
                worker.do(job)
            if second % 180 == 0:
                looked_up += not limits.acquire(river.account.pk, "other")
            traveller.shift(60)

    made = [each for each in river.sandbox.world.journal.calls("brevo") if "/crm/" in each.template]
    assert 35 <= len(tasks_of(river)) <= 61
    assert looked_up == 20
    assert len(made) + looked_up <= 100
    newest = [task["contactsIds"][0] for task in tasks_of(river)]
    assert newest == sorted(newest, reverse=True)
