"""The second factor: enrolled with a code, asked for after the password, good for once, and needed where it must be."""

import re
import threading
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector.models import RecoveryCode, StaffLogin
from calendly_connector.services import second_factor, secrets
from tests.admin.people import client_of, make_member
from tests.login.phone import (
    CODE,
    FACTOR,
    INDEX,
    LOGIN,
    code_at,
    enter,
    is_in,
    make_staff,
    no_time_passes,
    secret_of,
    set_up,
    show_password,
)

pytestmark = pytest.mark.django_db
USERS = reverse("admin:auth_user_changelist")


@pytest.fixture
def anna() -> User:
    return make_staff()


# -- Setting it up ----------------------------------------------------------------------------------------------


def test_staff_set_it_up_under_my_settings_and_are_shown_recovery_codes_once(anna: User) -> None:
    browser = Client()
    show_password(browser)
    assert f'href="{FACTOR}"' in browser.get(reverse("my_settings")).content.decode()

    new = browser.post(FACTOR, {"start": "yes"}, follow=True)
    secret = secret_of(anna)
    done = browser.post(FACTOR, {"code": code_at(secret)})

    assert second_factor.in_groups(secret) in new.content.decode()
    assert "<svg" in new.content.decode() and "style=" not in new.content.decode()
    assert new["Cache-Control"] == done["Cache-Control"] == "no-store" or "no-store" in done["Cache-Control"]
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", done.content.decode())
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert is_in(browser)
    again = browser.get(FACTOR).content.decode()
    assert "10 recovery codes are left" in again
    assert not any(code in again for code in codes) and second_factor.in_groups(secret) not in again
    assert LogEntry.objects.filter(change_message="Set up a second factor.").count() == 1


def test_the_picture_holds_what_apps_read() -> None:
    address = second_factor.address_for_app("anna@example.com", "JBSWY3DPEHPK3PXP")

    size, path = second_factor.qr_path(address)

    assert address == (
        "otpauth://totp/Calendly%20connector%3Aanna%40example.com?secret=JBSWY3DPEHPK3PXP"
        "&issuer=Calendly%20connector&algorithm=SHA1&digits=6&period=30"
    )
    assert size > 40 and re.fullmatch(r"(M\d+ \d+h1v1h-1z)+", path)


def test_nothing_is_asked_for_before_a_code_was_shown(anna: User) -> None:
    second_factor.start(anna)
    browser = Client()

    assert show_password(browser) == INDEX


def test_a_wrong_code_confirms_nothing(anna: User) -> None:
    browser = Client()
    show_password(browser)
    browser.post(FACTOR, {"start": "yes"})

    answer = browser.post(FACTOR, {"code": "000000" if code_at(secret_of(anna)) != "000000" else "111111"})

    assert "isn’t right" in answer.content.decode() or "isn&#x27;t right" in answer.content.decode()
    assert StaffLogin.objects.get().confirmed_at is None


def test_starting_anew_never_replaces_a_factor_that_counts(anna: User) -> None:
    secret, _codes = set_up(anna)

    second_factor.start(anna)

    assert secret_of(anna) == secret


def test_setting_it_up_ends_every_other_session(anna: User) -> None:
    here, there = Client(), Client()
    for browser in (here, there):
        show_password(browser)
    here.post(FACTOR, {"start": "yes"})

    here.post(FACTOR, {"code": code_at(secret_of(anna))})

    assert is_in(here)
    assert not is_in(there)


# -- Logging in -------------------------------------------------------------------------------------------------


def test_after_the_password_the_code_is_asked_for(anna: User) -> None:
    secret, _codes = set_up(anna)
    browser = Client()

    assert show_password(browser) == CODE
    assert enter(browser, code_at(secret)) == 302
    assert is_in(browser)


@pytest.mark.parametrize("address", ["admin:index", "my_settings", "second_factor", "admin:auth_user_changelist"])
def test_between_password_and_code_nothing_opens(address: str, anna: User) -> None:
    set_up(anna)
    browser = Client()
    show_password(browser)

    answer = browser.get(reverse(address))

    assert answer.status_code == 302
    assert answer["Location"].startswith(LOGIN)


def test_the_page_that_was_wanted_opens_and_no_other_site(anna: User) -> None:
    secret, _codes = set_up(anna)
    for wanted, opened in ((USERS, USERS), ("https://evil.example/", INDEX), ("//evil.example", INDEX)):
        StaffLogin.objects.update(last_step=0)
        browser = Client()
        show_password(browser)
        answer = browser.post(f"{CODE}?next={wanted}", {"code": code_at(secret)})
        assert answer["Location"] == opened


def test_the_sessions_key_is_another_one_after_the_code(anna: User) -> None:
    secret, _codes = set_up(anna)
    browser = Client()
    show_password(browser)
    before = browser.cookies["sessionid"].value

    enter(browser, code_at(secret))

    assert browser.cookies["sessionid"].value != before


def test_a_code_works_once(anna: User) -> None:
    secret, _codes = set_up(anna)
    code, first, second = code_at(secret), Client(), Client()
    for browser in (first, second):
        show_password(browser)

    assert [enter(first, code), enter(second, code)] == [302, 200]
    assert not is_in(second)


@pytest.mark.parametrize(("steps", "status"), [(-2, 200), (-1, 302), (0, 302), (1, 302), (2, 200)])
def test_the_phones_clock_may_be_one_step_wrong(steps: int, status: int, anna: User) -> None:
    secret, _codes = set_up(anna)
    StaffLogin.objects.update(last_step=0)
    browser = Client()
    show_password(browser)

    with no_time_passes():
        assert enter(browser, code_at(secret, steps)) == status


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\0", "a" * 41, "-", "      "])
def test_what_is_no_code_opens_nothing(code: str, anna: User) -> None:
    set_up(anna)
    browser = Client()
    show_password(browser)

    assert enter(browser, code) == 200
    assert not is_in(browser)


def test_a_code_may_be_written_as_the_app_shows_it(anna: User) -> None:
    secret, _codes = set_up(anna)
    code, browser = code_at(secret), Client()
    show_password(browser)

    assert enter(browser, f" {code[:3]} {code[3:]} ") == 302


def test_a_recovery_code_opens_once_and_is_kept_as_a_digest(anna: User) -> None:
    _secret, codes = set_up(anna)
    first, second = Client(), Client()
    for browser in (first, second):
        show_password(browser)

    assert [enter(first, codes[0].upper()), enter(second, codes[0])] == [302, 200]
    assert RecoveryCode.objects.count() == 9
    assert not {each.replace("-", "") for each in codes} & set(RecoveryCode.objects.values_list("digest", flat=True))


def test_six_wrong_codes_and_even_the_right_one_has_to_wait(anna: User, caplog: pytest.LogCaptureFixture) -> None:
    secret, codes = set_up(anna)
    browser = Client()
    show_password(browser)
    for _ in range(second_factor.TRIES):
        enter(browser, "not-a-code")

    other = Client()
    show_password(other)
    answer = other.post(CODE, {"code": code_at(secret)})

    assert "Too many wrong codes" in answer.content.decode()
    assert not is_in(other)
    assert enter(other, codes[0]) == 200  # a recovery code is guessed no faster
    assert "A wrong second factor after the right password of anna." in caplog.text


def test_a_right_code_forgets_the_wrong_ones(anna: User) -> None:
    secret, _codes = set_up(anna)
    for steps in (0, 1):
        browser = Client()
        show_password(browser)
        for _ in range(second_factor.TRIES - 1):
            enter(browser, "wrong")
        assert enter(browser, code_at(secret, steps)) == 302


def test_somebody_else_may_log_in_instead(anna: User) -> None:
    set_up(anna)
    browser = Client()
    show_password(browser)

    browser.post(CODE, {"cancel": "yes"})

    assert browser.get(LOGIN).status_code == 200
    assert "sessionid" not in browser.cookies or not browser.cookies["sessionid"].value


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_with_one_code_at_once_one_is_taken(anna: User) -> None:
    secret, _codes = set_up(anna)
    code, row, taken = code_at(secret), StaffLogin.objects.get(), list[bool]()

    def attempt() -> None:
        taken.append(second_factor._take_code(StaffLogin.objects.get(pk=row.pk), code))
        connections.close_all()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == [False, False, False, True]


# -- Changing and removing it -------------------------------------------------------------------------------------


def logged_in(user: User, secret: str) -> Client:
    browser = Client()
    show_password(browser, user.get_username())
    assert enter(browser, code_at(secret)) == 302
    return browser


def test_new_recovery_codes_take_the_place_of_the_old(anna: User) -> None:
    secret, codes = set_up(anna)
    browser = logged_in(anna, secret)

    page = browser.post(FACTOR, {"code": code_at(secret, 1), "renew": "yes"}).content.decode()

    new = re.findall(r"<code>([a-z2-7-]{19})</code>", page)
    assert len(new) == 10 and not set(new) & set(codes)
    other = Client()
    show_password(other)
    assert [enter(other, codes[0]), enter(other, new[0])] == [200, 302]


@pytest.mark.parametrize("press", ["renew", "remove"])
def test_without_a_code_nothing_changes(press: str, anna: User) -> None:
    secret, _codes = set_up(anna)
    browser = logged_in(anna, secret)
    before = list(RecoveryCode.objects.values_list("digest", flat=True))

    for code in ("", "000000x"):
        browser.post(FACTOR, {"code": code, press: "yes"})

    assert list(RecoveryCode.objects.values_list("digest", flat=True)) == before
    assert StaffLogin.objects.get().has_factor


def test_it_may_be_removed_with_a_code(anna: User) -> None:
    secret, _codes = set_up(anna)
    browser = logged_in(anna, secret)

    page = browser.post(FACTOR, {"code": code_at(secret, 1), "remove": "yes"}, follow=True)

    assert "Your second factor is removed." in page.content.decode()
    assert is_in(browser)
    assert secret_of(anna) == "" and not RecoveryCode.objects.exists()
    assert show_password(Client()) == INDEX


def test_a_superuser_resets_somebodys_and_it_is_in_the_audit(anna: User) -> None:
    vera = make_member("Viewer")
    secret, _codes = set_up(vera)
    veras, boss = logged_in(vera, secret), Client()
    boss.force_login(anna)
    choice = {"action": "reset_second_factor", "_selected_action": [vera.pk]}

    asked = boss.post(USERS, choice)
    assert "Reset the second factor of these users?" in asked.content.decode()
    assert StaffLogin.objects.get(user=vera).has_factor
    done = boss.post(USERS, {**choice, "confirmed": "yes"}, follow=True)

    assert "1 second factor was reset." in done.content.decode()
    assert not is_in(veras)
    assert show_password(Client(), "vera") == INDEX
    assert LogEntry.objects.filter(user=anna, object_id=vera.pk, change_message__contains="second factor").exists()


def test_nobody_else_resets_anything(anna: User) -> None:
    set_up(anna)
    manager = client_of("Manager")

    answer = manager.post(USERS, {"action": "reset_second_factor", "_selected_action": [anna.pk], "confirmed": "yes"})

    assert answer.status_code == 403
    assert StaffLogin.objects.get(user=anna).has_factor


# -- Where everybody must have one --------------------------------------------------------------------------------


def test_where_it_is_required_whoever_has_none_is_led_to_it_and_nothing_else_opens(
    anna: User, settings: Settings
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    browser = Client()

    assert show_password(browser) == FACTOR
    for address in (INDEX, USERS, reverse("my_settings"), CODE, reverse("calendly_connector:oauth_callback")):
        assert browser.get(address).status_code == 302, address
    assert "asks everybody" in unescape(browser.get(FACTOR).content.decode())

    browser.post(FACTOR, {"start": "yes"})
    assert not is_in(browser)
    page = browser.post(FACTOR, {"code": code_at(secret_of(anna))})
    assert "recovery codes" in page.content.decode()
    assert is_in(browser)


def test_where_it_gets_required_sessions_that_are_open_are_led_there_too(anna: User, settings: Settings) -> None:
    browser = Client()
    show_password(browser)
    assert is_in(browser)

    settings.REQUIRE_SECOND_FACTOR = True

    assert not is_in(browser)
    assert browser.get(LOGIN)["Location"].startswith(FACTOR)


def test_where_it_is_required_removing_it_leads_to_a_new_one(anna: User, settings: Settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    secret, _codes = set_up(anna)
    browser = logged_in(anna, secret)

    browser.post(FACTOR, {"code": code_at(secret, 1), "remove": "yes"})

    assert not is_in(browser)
    assert browser.get(FACTOR).status_code == 200


def test_whoever_waits_for_the_code_can_not_set_up_another_factor(anna: User) -> None:
    secret, _codes = set_up(anna)
    browser = Client()
    show_password(browser)

    for values in ({"start": "yes"}, {"code": "000000"}, {"remove": "yes", "code": "x"}):
        assert browser.post(FACTOR, values).status_code == 302

    assert secret_of(anna) == secret


# -- At rest ------------------------------------------------------------------------------------------------------


def test_the_secret_is_encrypted_at_rest_and_rotates_with_the_others(anna: User) -> None:
    secret, _codes = set_up(anna)
    with database.cursor() as cursor:
        cursor.execute("SELECT secret FROM calendly_connector_stafflogin")
        raw = cursor.fetchone()[0]

    assert secret not in raw and raw.startswith("gAAAA")
    assert [str(each) for each in secrets.stored()] == [
        f"calendly_connector.StaffLogin.secret of row {anna.staff_login.pk}"
    ]
