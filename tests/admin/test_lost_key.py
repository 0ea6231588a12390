"""A key for secrets is missing: the pages of both accounts open all the same, say which, and take secrets anew."""

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector.admin import parts
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import setup, subscription
from sandbox.calendly_world import PERSONAL_TOKEN
from tests import consent
from tests.admin.pressing import BREVO_KEY, connected, press, read
from tests.journeys.river import River


@pytest.fixture
def paris(river: River) -> Connection:
    """Return a new connection beside the environment's."""
    return connections.make_connection("Paris", river.account)


@pytest.mark.parametrize("keys", [[], [Fernet.generate_key().decode()]])
def test_secrets_that_can_not_be_read_leave_the_page_and_its_buttons_alive(
    keys: list[str], staff: Client, paris: Connection, settings: Settings
) -> None:
    consent.use_application(settings)
    subscription.subscribe(connected(paris))
    setup.save_brevo_key(paris.brevo_account, BREVO_KEY)
    settings.FIELD_ENCRYPTION_KEYS = keys

    assert "FIELD_ENCRYPTION_KEYS" in read(staff, paris)
    for name in STEPS:
        assert press(staff, paris, name, secret="")
    assert staff.post(reverse("calendly_connector:oauth_connect", args=[paris.pk])).status_code == 302
    for model in (Connection, BrevoAccount):
        assert staff.get(parts.list_of(model)).status_code == 200
    assert staff.get(parts.page_of(BrevoAccount, paris.brevo_account_id)).status_code == 200


def test_everything_lost_with_a_key_can_be_put_in_anew(staff: Client, paris: Connection, settings: Settings) -> None:
    setup.save_brevo_key(connected(paris).brevo_account, BREVO_KEY)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert "is connected" in press(staff, paris, "token", secret=PERSONAL_TOKEN)
    assert "was saved" in press(staff, paris, "key", secret=BREVO_KEY)
    assert "was changed" in press(staff, paris, "rotate")
    assert "can&#x27;t be decrypted" not in read(staff, paris)
    assert Connection.objects.get(pk=paris.pk).signing_key


def test_the_button_connects_although_the_old_tokens_can_not_be_read(
    staff: Client, paris: Connection, river: River, settings: Settings
) -> None:
    connected(paris)
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    start = staff.post(reverse("calendly_connector:oauth_connect", args=[paris.pk]))
    staff.get(reverse("calendly_connector:oauth_callback"), consent.answer(start.headers["Location"]))

    row = Connection.objects.defer("signing_key").get(pk=paris.pk)
    assert (row.state, row.token_kind) == ("connected", "oauth")
    assert "Connected with the button; set, ends in" in read(staff, paris)
