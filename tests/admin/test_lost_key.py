"""A key for secrets is missing: the pages of both accounts open all the same, say which, and take secrets anew."""

import pytest
from cryptography.fernet import Fernet
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from calendly_connector.admin import page, parts
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import setup, subscription
from sandbox.calendly_world import PERSONAL_TOKEN
from tests import consent
from tests.admin import mapped
from tests.admin.pressing import BREVO_KEY, connected, press, read
from tests.admin.rows import make_some_of_everything
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
        assert press(staff, paris, name, secret="", why="A test")
    assert staff.post(reverse("calendly_connector:oauth_connect", args=[paris.pk])).status_code == 302
    for model in (Connection, BrevoAccount):
        assert staff.get(parts.list_of(model)).status_code == 200
    assert staff.get(parts.page_of(BrevoAccount, paris.brevo_account_id)).status_code == 200


def test_no_page_needs_a_secret_to_open(staff: Client, db: None, settings: Settings) -> None:
    make_some_of_everything(1)
    lose_the_keys(settings)
    row = Connection.objects.get()
    lists = [parts.list_of(model) for model in registered()]
    rows = [parts.page_of(model, found.pk) for model in registered() if (found := model._default_manager.first())]
    desks = [page.address_of(row, name) for name in ("setup", "mapping", "fields", "preview", "versions", "file")]
    repair = [reverse("admin:index"), reverse("admin:calendly_connector_repair")]

    statuses = {address: staff.get(address).status_code for address in (*lists, *rows, *desks, *repair)}

    assert {address for address, status in statuses.items() if status != 200} == set()


def test_a_mapping_is_saved_and_writing_is_paused_without_the_keys(staff: Client, db: None, settings: Settings) -> None:
    make_some_of_everything(1)
    lose_the_keys(settings)
    row = Connection.objects.get()
    pause = reverse("admin:calendly_connector_repair_act", args=["pause"])

    saved = staff.post(page.address_of(row, "mapping", "default"), mapped.posted(**{"booked-join": ["7"]}))
    paused = staff.post(pause, {"account": str(row.brevo_account_id), "confirmed": "yes", "why": "A test"})

    assert (saved.status_code, paused.status_code) == (302, 302)
    assert row.trigger_mappings.get(event_type="", trigger="booked").join_lists == [7]
    assert BrevoAccount.objects.get().is_paused


def registered() -> list[type[Model]]:
    """Return our models that have pages."""
    return [model for model in admin.site._registry if model._meta.app_label == "calendly_connector"]


def lose_the_keys(settings: Settings) -> None:
    """Store a secret in every column, then lose the key."""
    Connection.objects.update(access_token="a token", refresh_token="another", signing_key="a key")
    BrevoAccount.objects.update(api_key="a key")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


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
