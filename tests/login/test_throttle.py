"""Passwords can't be guessed in number, and no answer tells who exists, who is locked, or who is switched off."""

import logging
from collections.abc import Callable
from datetime import timedelta
from unittest import mock

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.models import RateLimit
from calendly_connector.services import queue, visitors
from tests.admin.people import client_of
from tests.login.phone import LOGIN, PASSWORD, is_in, make_staff, show_password, without_token

pytestmark = pytest.mark.django_db

LIST = reverse("admin:axes_accessattempt_changelist")
HERE, THERE = {"REMOTE_ADDR": "10.0.0.1"}, {"REMOTE_ADDR": "10.0.0.2"}


@pytest.fixture(autouse=True)
def _anna() -> None:
    make_staff()


def fail(times: int, name: str = "anna", **headers: str) -> None:
    """Mistype a password so many times."""
    for _ in range(times):
        show_password(Client(), name, "wrong", **headers)


def gets_in(name: str = "anna", **headers: str) -> bool:
    browser = Client()
    show_password(browser, name, **headers)
    return is_in(browser)


def later(age: timedelta) -> None:
    """Let time have passed since every failure."""
    AccessAttempt.objects.update(attempt_time=timezone.now() - age)


def test_five_failures_lock_a_name_at_its_address_and_nothing_else(settings: Settings) -> None:
    make_staff("bert")
    fail(5, **HERE)

    assert not gets_in(**HERE)
    assert gets_in(**THERE)
    assert gets_in("bert", **HERE)


def test_four_failures_lock_nothing_and_are_forgotten_once_somebody_is_in() -> None:
    fail(4)
    assert gets_in()
    fail(4)

    assert gets_in()


def test_an_address_that_tries_many_names_is_refused_for_all_of_them() -> None:
    for number in range(visitors.LOG_INS):
        fail(1, f"name-{number}", **HERE)

    assert not gets_in(**HERE)
    assert gets_in(**THERE)
    RateLimit.objects.update(free_at=F("free_at") - visitors.LOG_IN_SECONDS / visitors.LOG_INS)  # half a minute later
    assert gets_in(**HERE)


def test_another_browser_at_the_same_address_counts_along() -> None:
    for number in range(5):
        fail(1, HTTP_USER_AGENT=f"Browser {number}")

    assert not gets_in(HTTP_USER_AGENT="Browser 9")


def test_a_lock_is_over_after_its_time_even_if_somebody_went_on_trying() -> None:
    fail(5)
    later(timedelta(minutes=14))
    assert not gets_in()
    later(timedelta(minutes=16))

    assert gets_in()


def test_behind_a_proxy_one_visitor_locks_out_nobody_else(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    proxy = {"REMOTE_ADDR": "127.0.0.1"}
    fail(5, HTTP_X_FORWARDED_FOR="203.0.113.1, 198.51.100.7", **proxy)

    assert not gets_in(HTTP_X_FORWARDED_FOR="made up, 198.51.100.7", **proxy)
    assert gets_in(HTTP_X_FORWARDED_FOR="198.51.100.7, 198.51.100.8", **proxy)


@pytest.mark.parametrize("heard", ["nonsense", "1.2.3.4:5678", "", "unknown"])
def test_what_is_no_address_is_counted_all_the_same(heard: str, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    fail(5, HTTP_X_FORWARDED_FOR=heard, REMOTE_ADDR="")

    assert not gets_in(HTTP_X_FORWARDED_FOR=heard, REMOTE_ADDR="")


def nobody() -> str:
    return "who"


def switched_off() -> str:
    User.objects.create_user("who", password=PASSWORD, is_staff=True, is_active=False)
    return "who"


def no_staff() -> str:
    User.objects.create_user("who", password=PASSWORD)
    return "who"


def locked() -> str:
    make_staff("who")
    fail(5, "who")
    return "who"


def mistyped() -> str:
    User.objects.create_user("who", password="another", is_staff=True)
    return "who"


REFUSED: list[Callable[[], str]] = [nobody, switched_off, no_staff, locked, mistyped]


def test_every_refusal_is_the_same_page_byte_for_byte() -> None:
    pages = {}
    for make in REFUSED:
        answer = Client().post(LOGIN, {"username": make(), "password": PASSWORD})
        headers = sorted((name, value) for name, value in answer.items() if name != "Expires")
        pages[make.__name__] = (
            answer.status_code,
            headers,
            without_token(answer.content.decode()),
            list(answer.cookies),
        )
        User.objects.filter(username="who").delete()
        AccessAttempt.objects.all().delete()

    assert pages["nobody"][0] == 200
    assert "Please enter the correct username and password" in pages["nobody"][2]
    assert [name for name, page in pages.items() if page != pages["nobody"]] == []


@pytest.mark.parametrize("make", REFUSED)
def test_a_refusal_takes_as_long_as_a_password_to_check(make: Callable[[], str]) -> None:
    name = make()
    encode = hashers.MD5PasswordHasher.encode

    with mock.patch.object(hashers.MD5PasswordHasher, "encode", autospec=True, side_effect=encode) as encoded:
        Client().post(LOGIN, {"username": name, "password": PASSWORD})

    assert encoded.call_count == 1


def test_the_log_says_who_is_locked_and_never_a_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    fail(5, **HERE)
    fail(5, "my password, in the wrong field", **HERE)

    told = [record.getMessage() for record in caplog.records if "is locked" in record.getMessage()]
    assert told[0] == ("The log-in of anna from 10.0.0.1 is locked: 5 wrong passwords. It opens after 0:15:00.")
    assert "of a user who doesn't exist" in told[-1]
    assert "in the wrong field" not in caplog.text


def test_a_superuser_sees_who_is_locked_and_unlocks() -> None:
    staff = Client()
    staff.force_login(make_staff("sara"))
    fail(5, **HERE)
    fail(1, "bert", **HERE)
    rows = list(AccessAttempt.objects.order_by("username"))
    page = staff.get(LIST).content.decode()

    ask = staff.post(LIST, {"action": "unlock", "_selected_action": [rows[0].pk]})
    assert "Unlock these log-ins?" in ask.content.decode()
    assert not gets_in(**HERE)
    done = staff.post(LIST, {"action": "unlock", "_selected_action": [rows[0].pk], "confirmed": "yes"}, follow=True)

    assert (page.count("Locked</"), page.count("May try again</")) == (1, 1)
    assert "1 log-in is unlocked." in done.content.decode()
    assert gets_in(**HERE)


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Manager"])
def test_nobody_else_sees_or_unlocks(role: str) -> None:
    fail(5)
    browser, row = client_of(role), AccessAttempt.objects.get()

    assert browser.get(LIST).status_code == 403
    answer = browser.post(LIST, {"action": "unlock", "_selected_action": [row.pk], "confirmed": "yes"})
    assert answer.status_code == 403
    assert AccessAttempt.objects.exists()


def test_whoever_may_only_look_can_not_unlock(log_in: Callable[..., Client]) -> None:
    fail(5)
    browser, row = log_in("view_accessattempt"), AccessAttempt.objects.get()

    assert browser.get(LIST).status_code == 200
    browser.post(LIST, {"action": "unlock", "_selected_action": [row.pk], "confirmed": "yes"})
    assert AccessAttempt.objects.exists()


def test_old_failures_are_deleted_every_day() -> None:
    fail(2)
    fail(1, "bert")
    AccessAttempt.objects.filter(username="anna").update(attempt_time=timezone.now() - timedelta(days=1))

    said = tasks.TASKS["sessions"].run(queue.Claimed(id=0, kind="", subject=0, attempts=0, failures=0, lane=""))

    assert said == "Sessions whose time was over were deleted, and 1 failed log-ins"
    assert AccessAttempt.objects.get().username == "bert"
    assert tasks.SCHEDULES["sessions"] == 86_400
