"""Whoever is refused, or is lost, reads why in the admin's look and finds a way back."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from calendly_connector.services import roles
from tests.admin.people import client_of

LOST = "/admin/there/is/nothing/here/"


@pytest.fixture
def refused() -> str:
    """Return an address that no viewer may open."""
    return reverse("admin:auth_user_changelist")


@pytest.mark.django_db
def test_a_viewer_reads_who_may_help_and_finds_the_menu(refused: str) -> None:
    answer = client_of(roles.VIEWER).get(refused, headers={"Referer": "http://testserver/admin/before/"})

    text = answer.content.decode()
    assert answer.status_code == 403
    assert "lacks the permission" in text
    assert 'href="http://testserver/admin/before/"' in text
    assert f'href="{reverse("admin:index")}"' in text
    assert 'id="nav-sidebar"' in text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not any(each in text for each in ("<style", "style=", "onclick", "Traceback"))


@pytest.mark.django_db
def test_nobody_is_led_back_to_another_site(refused: str) -> None:
    answer = client_of(roles.VIEWER).get(refused, headers={"Referer": "https://elsewhere.example/"})

    assert "elsewhere.example" not in answer.content.decode()


@pytest.mark.django_db
def test_staff_who_are_lost_find_the_menu() -> None:
    answer = client_of(roles.VIEWER).get(LOST)

    assert answer.status_code == 404
    assert "This page isn&#x27;t there" in answer.content.decode()
    assert 'id="nav-sidebar"' in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nothing/", "/webhooks/nothing/here/at/all/"])
def test_strangers_who_are_lost_learn_nothing_of_us(path: str) -> None:
    answer = Client().get(path)

    text = answer.content.decode()
    assert answer.status_code == 404
    assert f'"{reverse("admin:index")}' not in text  # it may be kept from them (ADMIN_PATH)
    assert 'id="nav-sidebar"' not in text


@pytest.mark.django_db
def test_strangers_who_are_lost_in_the_admin_find_the_log_in() -> None:
    text = Client().get(LOST, follow=True).content.decode()

    assert "Log in" in text


@pytest.mark.django_db
def test_a_form_from_before_the_log_in_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("anna"))

    answer = client.post(reverse("admin:logout"))

    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()
    assert "To the overview" in answer.content.decode()


def test_the_page_of_our_own_failures_needs_nothing_that_may_have_failed() -> None:
    text = render_to_string("500.html")

    assert reverse("admin:index") in text
    assert "<link" not in text


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Return what Django says from now on, as the console has it."""
    (found,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]  # not pytest's
    text = StringIO()
    twin = logging.StreamHandler(text)
    twin.filters, twin.formatter = found.filters, found.formatter
    logging.getLogger("django").addHandler(twin)
    yield text
    logging.getLogger("django").removeHandler(twin)


@pytest.mark.django_db
def test_a_refusal_is_one_line_of_the_log(refused: str, log: StringIO) -> None:
    client_of(roles.VIEWER).get(refused)

    assert log.getvalue().count("\n") == 1
    assert "Forbidden (Permission denied): /admin/auth/user/" in log.getvalue()


@pytest.mark.parametrize("host", ["scanner.example", "two words", "evil.example:port"])
def test_a_strange_host_name_is_no_error_of_ours(log: StringIO, host: str) -> None:
    """Anybody can ask for one a thousand times a minute."""
    answer = Client().get("/admin/", headers={"Host": host})

    assert answer.status_code == 400
    assert 1 <= log.getvalue().count("\n") <= 2
    assert "WARNING" in log.getvalue()
    assert "ERROR" not in log.getvalue()
