"""The connect button as a browser meets it: who may press it, what the session keeps, and what the page says after."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import oauth
from sandbox.app import Sandbox
from tests import consent
from tests.journeys.river import River

CALLBACK = "/oauth/calendly/callback"


@pytest.fixture
def paris(running_sandbox: Sandbox, settings: Settings, db: None) -> Connection:
    """Return a new connection between the sandbox's services."""
    river = River(running_sandbox, settings)
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    return connections.make_connection("Paris", connections.environment_connection().brevo_account)


@pytest.fixture
def staff(db: None) -> Client:
    """Return somebody who may change connections, in a browser that checks CSRF for nobody."""
    return log_in(permission="change_connection")


def log_in(*, permission: str = "", is_staff: bool = True, **options: Any) -> Client:
    user, _ = User.objects.get_or_create(username="anna", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    client = Client(**options)
    client.force_login(user)
    return client


def start(client: Client, row: Connection, closing: str = "") -> str:
    """Press the button and return the address that the browser is sent to."""
    response = client.post(f"/oauth/calendly/connect/{row.pk}{closing}")
    assert response.status_code == 302, response.content
    return response.headers["Location"]


def said(response: Any) -> str:
    return "\n".join(str(message) for message in get_messages(response.wsgi_request))


def page_of(row: Connection) -> str:
    return f"/admin/calendly_connector/connection/{row.pk}/change/"


def state_of(row: Connection) -> str:
    return Connection.objects.get(pk=row.pk).state


@pytest.mark.parametrize("closing", ["", "/"])
def test_the_whole_way(staff: Client, paris: Connection, closing: str) -> None:
    query = consent.answer(start(staff, paris, closing))

    response = staff.get(CALLBACK + closing, query)

    assert (response.status_code, response.headers["Location"]) == (302, page_of(paris))
    assert "“Paris” is connected." in said(response)
    assert LogEntry.objects.get().get_change_message() == "“Paris” is connected."
    assert "Camille Durand, owner" in said(response)
    assert state_of(paris) == "connected"
    assert "no-store" in response.headers["Cache-Control"]


def test_the_registered_address_is_the_one_that_answers() -> None:
    assert oauth.redirect_uri().endswith(CALLBACK)


def test_a_no_is_told_on_the_connections_page(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris), decision="decline")

    response = staff.get(CALLBACK, query)

    assert response.headers["Location"] == page_of(paris)
    assert "nothing was changed" in said(response)
    assert state_of(paris) == "new"


def test_a_second_callback_changes_nothing(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris))
    staff.get(CALLBACK, query)
    token = Connection.objects.get(pk=paris.pk).access_token

    response = staff.get(CALLBACK, query)

    assert response.headers["Location"] == "/admin/calendly_connector/connection/"
    assert "used already" in said(response)
    assert Connection.objects.get(pk=paris.pk).access_token == token


def test_what_was_saved_is_good_for_one_answer_even_for_a_wrong_one(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris))

    wrong = staff.get(CALLBACK, {**query, "state": "foreign"})
    right = staff.get(CALLBACK, query)

    assert "another attempt" in said(wrong)
    assert "no attempt to connect under way" in said(right)
    assert state_of(paris) == "new"


def test_what_was_saved_is_gone_even_after_a_fault_of_ours(
    staff: Client, paris: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = consent.answer(start(staff, paris))

    def stumble(*args: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(oauth, "finish", stumble)
        staff.raise_request_exception = False
        assert staff.get(CALLBACK, query).status_code == 500

    assert "no attempt" in said(staff.get(CALLBACK, query))


def test_an_answer_in_another_browser_is_refused(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris))

    response = log_in(permission="change_connection").get(CALLBACK, query)

    assert "no attempt to connect under way" in said(response)
    assert state_of(paris) == "new"


def test_a_lost_session_leads_over_the_login_to_words(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris))
    staff.logout()

    response = staff.get(CALLBACK, query)
    assert response.headers["Location"].startswith("/admin/login/?next=/oauth/calendly/callback")
    staff.force_login(User.objects.get())

    assert "logged out" in said(staff.get(CALLBACK, query))
    assert state_of(paris) == "new"


def test_a_connection_deleted_meanwhile_is_told(staff: Client, paris: Connection) -> None:
    query = consent.answer(start(staff, paris))
    paris.delete()

    assert "deleted meanwhile" in said(staff.get(CALLBACK, query))


def test_two_tabs_do_not_mix_up_two_connections(staff: Client, paris: Connection) -> None:
    lyon = connections.make_connection("Lyon", paris.brevo_account)
    first = consent.answer(start(staff, paris))
    second = consent.answer(start(staff, lyon))

    response = staff.get(CALLBACK, first)

    assert "another attempt" in said(response)
    assert {state_of(paris), state_of(lyon)} == {"new"}
    assert second["state"] != first["state"]


def test_without_an_application_the_page_says_what_to_set(staff: Client, paris: Connection, settings: Settings) -> None:
    settings.CALENDLY_CLIENT_ID = ""

    response = staff.post(f"/oauth/calendly/connect/{paris.pk}")

    assert response.headers["Location"] == page_of(paris)
    assert "CALENDLY_CLIENT_ID" in said(response)


# -- Who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_the_button_is_a_post(staff: Client, paris: Connection, method: str) -> None:
    assert getattr(staff, method)(f"/oauth/calendly/connect/{paris.pk}").status_code == 405


def test_the_callback_is_a_get(staff: Client, db: None) -> None:
    assert staff.post(CALLBACK).status_code == 405


def test_a_post_from_elsewhere_is_refused(paris: Connection) -> None:
    client = log_in(permission="change_connection", enforce_csrf_checks=True)

    assert client.post(f"/oauth/calendly/connect/{paris.pk}").status_code == 403


@pytest.mark.parametrize(
    "call",
    [lambda client, pk: client.post(f"/oauth/calendly/connect/{pk}"), lambda client, pk: client.get(CALLBACK)],
)
def test_nobody_else_may(paris: Connection, call: Callable[[Client, int], HttpResponse]) -> None:
    assert call(log_in(permission="view_connection"), paris.pk).status_code == 403
    assert call(Client(), paris.pk).headers["Location"].startswith("/admin/login/?next=")
    User.objects.all().delete()
    assert (
        call(log_in(permission="change_connection", is_staff=False), paris.pk)
        .headers["Location"]
        .startswith("/admin/login/")
    )
    assert state_of(paris) == "new"


def test_a_connection_that_does_not_exist_is_not_found(staff: Client, db: None) -> None:
    assert staff.post("/oauth/calendly/connect/987654").status_code == 404
