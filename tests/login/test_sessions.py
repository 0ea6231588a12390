"""How long staff stay in, and what logs them out everywhere."""

from collections.abc import Callable

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.services import queue
from tests.admin.people import make_member
from tests.login.phone import INDEX, PASSWORD, is_in, make_staff, show_password

pytestmark = pytest.mark.django_db
HOUR = 3600
START = "2026-11-23T08:00:00Z"


@pytest.fixture
def vera() -> User:
    return make_member("Viewer")


@pytest.fixture
def browser(vera: User) -> Client:
    found = Client()
    assert show_password(found, "vera") == INDEX
    return found


def test_whoever_is_away_for_twelve_hours_is_logged_out() -> None:
    make_staff()
    with time_machine.travel(START, tick=False) as clock:
        browser = Client()
        show_password(browser)
        for _ in range(3):
            clock.shift(11.9 * HOUR)
            assert is_in(browser)
        clock.shift(12.1 * HOUR)

        assert not is_in(browser)
        assert browser.get(INDEX)["Location"].startswith(reverse("admin:login"))


def test_after_seven_days_everybody_logs_in_anew_however_busy() -> None:
    make_staff()
    with time_machine.travel(START, tick=False) as clock:
        browser = Client()
        show_password(browser)
        inside = 0
        while is_in(browser) and inside < 30:
            inside += 1
            clock.shift(8 * HOUR)

    assert inside == 7 * 24 / 8 + 1


def test_both_limits_are_settings(settings: Settings) -> None:
    settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE = 600, 1500
    make_staff()
    with time_machine.travel(START, tick=False) as clock:
        browser, idle = Client(), Client()
        for each in (browser, idle):
            show_password(each)
        seen = []
        for _ in range(4):
            clock.shift(400)
            seen.append(is_in(browser))

        assert seen == [True, True, True, False]
        assert not is_in(idle)


def test_a_page_more_writes_no_session(django_assert_num_queries: Callable[..., object], browser: Client) -> None:
    browser.get(INDEX)
    before = Session.objects.get().session_data

    browser.get(INDEX)

    assert Session.objects.get().session_data == before


def test_another_password_logs_out_everywhere_else(vera: User, browser: Client) -> None:
    there = Client()
    show_password(there, "vera")
    new = {"old_password": PASSWORD, "new_password1": "quite-another-1", "new_password2": "quite-another-1"}

    answer = browser.post(reverse("admin:password_change"), new)

    assert answer.status_code == 302
    assert is_in(browser)
    assert not is_in(there)


def more_groups(user: User) -> None:
    user.groups.add(Group.objects.get(name="Manager"))


def no_groups(user: User) -> None:
    user.groups.clear()


def from_the_groups_side(user: User) -> None:
    Group.objects.get(name="Operator").user_set.add(user)


def group_emptied(user: User) -> None:
    Group.objects.get(name="Viewer").user_set.clear()


def a_right_of_ones_own(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="delete_person"))


def superuser(user: User) -> None:
    user.is_superuser = True
    user.save()


def no_staff(user: User) -> None:
    user.is_staff = False
    user.save(update_fields=["is_staff"])


@pytest.mark.parametrize(
    "change",
    [more_groups, no_groups, from_the_groups_side, group_emptied, a_right_of_ones_own, superuser, no_staff],
)
def test_another_role_logs_out_everywhere(change: Callable[[User], None], vera: User, browser: Client) -> None:
    assert is_in(browser)

    change(vera)

    assert browser.get(INDEX)["Location"].startswith(reverse("admin:login"))
    assert not Session.objects.exists()


def test_another_name_logs_nobody_out(vera: User, browser: Client) -> None:
    vera.first_name = "Vera"
    vera.save()
    vera.groups.set(vera.groups.all())

    assert is_in(browser)


def test_the_form_of_a_user_changes_the_role_and_ends_the_sessions(vera: User, browser: Client) -> None:
    boss = Client()
    boss.force_login(make_staff())
    groups = list(Group.objects.filter(name="Manager").values_list("pk", flat=True))
    values = {"username": "vera", "is_active": "on", "is_staff": "on", "groups": groups}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    answer = boss.post(reverse("admin:auth_user_change", args=[vera.pk]), {**values, **dates})

    assert answer.status_code == 302, answer.content.decode()
    assert not is_in(browser)
    assert is_in(boss)


def test_a_superuser_logs_somebody_out_everywhere(vera: User, browser: Client) -> None:
    boss = Client()
    boss.force_login(make_staff())
    choice = {"action": "log_out", "_selected_action": [vera.pk], "confirmed": "yes"}

    page = boss.post(reverse("admin:auth_user_changelist"), choice, follow=True)

    assert "1 user was logged out." in page.content.decode()
    assert not is_in(browser)
    assert is_in(boss)


def test_a_session_without_our_note_is_over(browser: Client) -> None:
    session = browser.session
    del session["calendly_connector_login"]
    session.save()

    assert not is_in(browser)


def test_cookies_are_kept_from_scripts_and_from_other_sites(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True  # as with an https:// PUBLIC_URL
    make_staff()
    browser = Client()
    browser.get(reverse("admin:login"), secure=True)
    browser.post(reverse("admin:login"), {"username": "anna", "password": PASSWORD}, secure=True)

    session, token = browser.cookies["sessionid"], browser.cookies["csrftoken"]
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")
    assert (token["secure"], token["samesite"]) == (True, "Lax")


def test_sessions_that_are_over_are_deleted_every_day(vera: User) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z"):
        show_password(Client(), "vera")
    show_password(Client(), "vera")
    assert Session.objects.count() == 2

    tasks.TASKS["sessions"].run(queue.Claimed(id=0, kind="", subject=0, attempts=0, failures=0, lane=""))

    assert Session.objects.count() == 1
