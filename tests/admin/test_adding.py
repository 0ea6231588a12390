"""Another connection: a name, and a Brevo account that is here already or comes with its key."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector.admin import page, parts
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from tests.admin.pressing import BREVO_KEY
from tests.journeys.river import River


def add(client: Client, **values: str) -> str:
    """Send the form; return where it leads to, or what it says."""
    page = client.post(reverse("admin:calendly_connector_connection_add"), values)
    return page.headers.get("Location") or page.content.decode()


def test_another_connection_of_a_known_brevo_account(staff: Client, river: River) -> None:
    leads_to = add(staff, name="Lyon", brevo_account=str(river.account.pk))

    made = Connection.objects.get(name="Lyon")
    assert leads_to == page.address_of(made, "setup")
    assert (made.brevo_account, bool(made.signing_key), made.field_mappings.exists()) == (river.account, True, True)
    assert "Not connected" in staff.get(leads_to).content.decode()


def test_another_connection_with_a_new_brevo_account(staff: Client, river: River) -> None:
    BrevoAccount.objects.update(organization_id="another")

    add(staff, name="Lyon", key=BREVO_KEY)

    made = Connection.objects.get(name="Lyon")
    assert made.brevo_account != river.account
    assert made.brevo_account.api_key == BREVO_KEY


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Choose a Brevo account"),
        ({"key": "nonsense"}, "Brevo doesn&#x27;t accept it"),
        ({"key": BREVO_KEY}, "here already, as “Sandbox Company”"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_nothing_is_made_of_a_bad_form(values: dict[str, str], words: str, staff: Client, river: River) -> None:
    text = add(staff, **{"name": "Lyon", **values})

    assert words in text
    assert "nonsense" not in text
    assert (Connection.objects.count(), BrevoAccount.objects.count()) == (1, 1)


def test_without_a_keyring_nothing_is_added(staff: Client, river: River, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []

    assert "FIELD_ENCRYPTION_KEYS is empty" in add(staff, name="Lyon", brevo_account=str(river.account.pk))
    assert Connection.objects.count() == 1


def test_each_connection_has_its_own_health_in_the_list(staff: Client, river: River) -> None:
    paris = connections.make_connection("Paris", river.account)
    Connection.objects.filter(pk=paris.pk).update(state="reconnect", is_active=False)

    text = staff.get(parts.list_of(Connection)).content.decode()

    for words in ("Reconnect needed", "Connected", "Missing", "Made", "Off"):
        assert f"</span>{words}</span>" in text


def test_a_key_of_a_new_account_needs_the_permission_for_accounts(
    log_in: Callable[..., Client], connection: Connection
) -> None:
    client = log_in("view_connection", "add_connection", "change_connection")

    assert "This field is required" in add(client, name="Lyon", key=BREVO_KEY)
