"""Each button of a connection's page does what it says, in words whatever happens, and needs its permission."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.admin import parts
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BrevoAccount, Connection, Reading
from calendly_connector.services import accounts, subscription
from calendly_connector.services import connection as connections
from sandbox.calendly_world import INES, PERSONAL_TOKEN
from tests import consent
from tests.admin.pressing import BREVO_KEY, address, connected, press, read
from tests.admin.rows import make_delivery
from tests.journeys.river import River


@pytest.fixture
def paris(river: River) -> Connection:
    """Return a new connection beside the environment's."""
    return connections.make_connection("Paris", river.account)


# -- Calendly ---------------------------------------------------------------------------------------------------


def test_a_new_connection_explains_the_button_that_does_not_work(staff: Client, paris: Connection) -> None:
    text = read(staff, paris)

    assert "Not connected" in text
    assert "disabled>Connect with Calendly" in text
    assert "set CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET" in text
    assert "/oauth/calendly/callback</code>" in text
    assert address(paris, "disconnect") not in text


def test_with_an_application_the_button_leads_to_calendly(staff: Client, paris: Connection, settings: Settings) -> None:
    consent.use_application(settings)

    assert ">Connect with Calendly" in (text := read(staff, paris))
    assert "disabled>" not in text
    page = staff.post(reverse("calendly_connector:oauth_connect", args=[paris.pk]))
    assert page.headers["Location"].startswith(f"{settings.CALENDLY_AUTH_URL}/oauth/authorize?")


def test_a_personal_token_connects_and_is_shown_by_its_end_only(staff: Client, paris: Connection) -> None:
    said = press(staff, paris, "token", secret=f" {PERSONAL_TOKEN}\n")

    text = read(staff, paris)
    assert "“Paris” is connected." in said
    assert "Camille Durand" in text
    assert "teams (paid)" in text
    assert "set, ends in …oken" in text
    assert PERSONAL_TOKEN not in text


@pytest.mark.parametrize(("token", "words"), [("nonsense", "doesn't accept this token"), ("  ", "no token in the")])
def test_a_bad_token_changes_nothing(token: str, words: str, staff: Client, paris: Connection) -> None:
    said = press(staff, paris, "token", secret=token)

    row = Connection.objects.get(pk=paris.pk)
    assert words in said
    assert (row.state, row.token_kind, row.access_token) == ("new", "none", "")


def test_a_token_of_another_organization_is_refused_in_words(staff: Client, paris: Connection) -> None:
    Connection.objects.filter(pk=paris.pk).update(organization="https://api.calendly.com/organizations/other")

    assert "another organization than before" in press(staff, paris, "token", secret=PERSONAL_TOKEN)
    assert Connection.objects.get(pk=paris.pk).state == "new"


def test_what_does_not_work_says_what_is_missing(staff: Client, paris: Connection, river: River) -> None:
    river.calendly.add_token("narrow-token-0123456789", user=INES, scopes="users:read organizations:read")

    press(staff, paris, "token", secret="narrow-token-0123456789")

    text = read(staff, paris)
    assert "takes an owner or admin of the organization" in text
    assert "The token lacks the scope" in text


def test_reconnect_needed_says_why(staff: Client, paris: Connection) -> None:
    Connection.objects.filter(pk=paris.pk).update(state="reconnect", state_reason="The login changed.")

    text = read(staff, paris)
    assert "Reconnect needed" in text
    assert "The login changed." in text


def test_the_accounts_can_be_tested_again(staff: Client, river: River) -> None:
    assert "Both accounts answer." in press(staff, river.connection, "test")

    river.break_calendly("status", status=500, times=9)
    assert "Both accounts answer." not in press(staff, river.connection, "test")


def test_disconnect_asks_first_and_then_forgets(staff: Client, paris: Connection, river: River) -> None:
    subscription.subscribe(connected(paris))

    asked = staff.post(address(paris, "disconnect")).content.decode()
    assert address(paris, "disconnect") in read(staff, paris)
    assert "The webhook subscription is deleted" in asked
    assert Connection.objects.get(pk=paris.pk).state == "connected"

    said = press(staff, paris, "disconnect")
    row = Connection.objects.get(pk=paris.pk)
    assert "“Paris” is disconnected." in said
    assert "The webhook subscription was deleted." in said
    assert (row.state, row.access_token, row.subscription) == ("new", "", "")


# -- Brevo ------------------------------------------------------------------------------------------------------


def test_a_brevo_key_is_tested_and_kept(staff: Client, paris: Connection) -> None:
    said = press(staff, paris, "key", secret=BREVO_KEY)

    text = read(staff, paris)
    assert "Marketing automation is on." in said
    assert BrevoAccount.objects.get(pk=paris.brevo_account_id).api_key == BREVO_KEY
    assert "set, ends in …-key" in text
    assert BREVO_KEY not in text


@pytest.mark.parametrize(("key", "words"), [("nonsense", "Brevo doesn't accept it"), ("", "no key in the field")])
def test_a_bad_brevo_key_changes_nothing(key: str, words: str, staff: Client, paris: Connection) -> None:
    assert words in press(staff, paris, "key", secret=key)
    assert BrevoAccount.objects.get(pk=paris.brevo_account_id).api_key == ""


def test_an_unreachable_brevo_is_words(staff: Client, paris: Connection, settings: Settings) -> None:
    settings.BREVO_API_URL = "http://127.0.0.1:9/v3"

    said = press(staff, paris, "key", secret=BREVO_KEY)

    assert said.startswith("The key was not saved. Brevo can't be asked just now")


def test_a_pause_is_shown_with_the_way_out(staff: Client, paris: Connection) -> None:
    accounts.pause(paris.brevo_account, "Brevo has no credits.")

    text = read(staff, paris)
    assert "Brevo has no credits." in text
    assert "Resume writing" in text
    assert "goes on" in press(staff, paris, "resume")
    assert BrevoAccount.objects.get(pk=paris.brevo_account_id).state == "active"


# -- Webhooks ---------------------------------------------------------------------------------------------------


def test_subscribing_needs_a_connected_account(staff: Client, paris: Connection) -> None:
    assert "Connect it, or test it, first" in press(staff, paris, "subscribe")

    assert "Subscribed" in press(staff, connected(paris), "subscribe")
    assert Connection.objects.get(pk=paris.pk).subscription_state == "active"


def test_the_loop_back_test_says_what_is_in_the_way(staff: Client, paris: Connection) -> None:
    assert "can't be connected to" in press(staff, paris, "reach")


def test_the_signing_key_changes_with_overlap(staff: Client, paris: Connection) -> None:
    subscription.subscribe(connected(paris))
    old = paris.signing_key

    said = press(staff, paris, "rotate")

    row = Connection.objects.get(pk=paris.pk)
    assert "The signing key was changed." in said
    assert (row.previous_signing_key, row.signing_key != old) == (old, True)
    assert "accepted for a day" in read(staff, paris)


def test_the_environments_signing_key_is_not_changed_here(staff: Client, river: River) -> None:
    assert "Change the signing key" not in read(staff, river.connection)
    assert "change it there" in press(staff, river.connection, "rotate")


def test_the_last_day_is_read_again(staff: Client, paris: Connection) -> None:
    assert "being read again" in press(staff, paris, "reread")

    row = Reading.objects.get(connection=paris)
    assert (row.why, row.since < timezone.now() - timedelta(hours=23)) == ("Asked for by anna", True)
    assert "0 meetings seen" in read(staff, paris)


def test_trouble_with_deliveries_is_shown(staff: Client, paris: Connection) -> None:
    since = timezone.now() - timedelta(hours=3)
    Connection.objects.filter(pk=paris.pk).update(subscription="x", retry_started_at=since, is_silent=True)
    make_delivery(paris, received_at=timezone.now() - timedelta(hours=5))

    text = read(staff, paris)
    assert "Can&#x27;t deliver since" in text
    assert "3 h ago" in text
    assert "5 h ago" in text
    assert "Unusually quiet" in text


@pytest.mark.parametrize("name", ["test", "subscribe", "rotate", "disconnect", "token"])
def test_an_unreachable_calendly_is_words(name: str, staff: Client, paris: Connection, settings: Settings) -> None:
    subscription.subscribe(connected(paris))
    settings.CALENDLY_API_URL = settings.CALENDLY_AUTH_URL = "http://127.0.0.1:9"

    assert "tried again" in press(staff, paris, name, secret="another-token-0123456789")
    assert Connection.objects.get(pk=paris.pk).access_token == PERSONAL_TOKEN


# -- Who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_refused_without_its_permission(
    name: str, log_in: Callable[..., Client], connection: Connection
) -> None:
    others = {"change_connection", "change_brevoaccount"} - {STEPS[name].permission.partition(".")[2]}
    client = log_in("view_connection", "view_brevoaccount", *others)

    page = client.post(address(connection, name), {"confirmed": "yes", "secret": "x"})

    assert page.status_code == 403
    assert f'action="{address(connection, name)}"' not in read(client, connection)


def test_who_may_only_look_gets_no_buttons(log_in: Callable[..., Client], connection: Connection) -> None:
    client = log_in("view_connection")

    assert "cc-buttons" not in read(client, connection)
    assert client.get(reverse("admin:calendly_connector_connection_add")).status_code == 403


def test_a_step_needs_a_token_against_forgery(connection: Connection, staff: Client) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = staff.cookies

    assert careful.post(address(connection, "disconnect"), {"confirmed": "yes"}).status_code == 403


def test_a_steps_address_opened_by_itself_leads_back(staff: Client, connection: Connection) -> None:
    page = staff.get(address(connection, "disconnect"))

    assert page.headers["Location"] == parts.page_of(Connection, connection.pk)
    assert staff.post(address(connection, "unheard-of")).status_code == 404
