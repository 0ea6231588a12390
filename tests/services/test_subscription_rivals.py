"""Subscriptions that appear while we look, in another scope, or for another connection."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.models import Connection
from calendly_connector.services import setup, subscription
from sandbox.calendly_world import CAMILLE
from tests.journeys.river import SIGNING_KEY, River

URL = "https://sync.example.com/webhooks/calendly"


@pytest.fixture
def checked(installation: River, settings: Settings) -> River:
    """Return an installation that knows its accounts and has no subscription."""
    settings.PUBLIC_URL = "https://sync.example.com"
    setup.check(installation.connection)
    installation.connection.refresh_from_db()
    return installation


def _rows(river: River) -> list[dict[str, Any]]:
    return list(river.calendly.state.subscriptions.values())


def _subscribe_elsewhere(river: River, **changes: Any) -> None:
    """Let a subscription to our address be made by somebody else with our rights."""
    made = subscription.subscribe(river.connection)
    row = river.calendly.state.subscriptions[made.uri]
    river.calendly.state.subscriptions[made.uri] = {**row, **changes}


def test_a_subscription_that_appears_while_we_look_is_replaced(checked: River, monkeypatch: pytest.MonkeyPatch) -> None:
    _subscribe_elsewhere(checked, state="disabled")
    real, looks = CalendlyClient.list_subscriptions, list[str]()

    def listing(self: CalendlyClient, **options: Any) -> Any:
        looks.append(options["scope"])
        return real(self, **options) if len(looks) > 2 else iter(())

    monkeypatch.setattr(CalendlyClient, "list_subscriptions", listing)

    outcome = subscription.subscribe(checked.connection)

    assert [row["uri"] for row in _rows(checked)] == [outcome.uri]
    assert outcome.words.endswith("replacing 1.")
    assert len(looks) == 4


def test_an_address_that_is_taken_by_what_we_may_not_see_is_said_so(
    checked: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    _subscribe_elsewhere(checked)
    monkeypatch.setattr(CalendlyClient, "list_subscriptions", lambda self, **options: iter(()))

    with pytest.raises(errors.Refused) as refused:
        subscription.subscribe(checked.connection)

    assert "owner to delete it" in subscription.words_for(refused.value)
    assert len(_rows(checked)) == 1


@pytest.mark.parametrize("scope", ["organization", "user"])
def test_a_duplicate_in_the_other_scope_is_deleted(checked: River, scope: str) -> None:
    good = subscription.subscribe(checked.connection)
    twin = {**checked.calendly.state.subscriptions[good.uri], "uri": f"{good.uri[:-4]}beef", "callback_url": f"{URL}/"}
    twin |= {"scope": scope, "user": CAMILLE if scope == "user" else None}
    checked.calendly.state.subscriptions[twin["uri"]] = twin

    subscription.subscribe(checked.connection)

    assert [row["uri"] for row in _rows(checked)] == [good.uri]


def test_another_connections_subscription_is_left_alone(checked: River) -> None:
    first = subscription.subscribe(checked.connection)
    own = Connection.objects.create(name="Second", brevo_account=checked.account, signing_key="k" * 32)
    Connection.objects.filter(pk=own.pk).update(
        organization=checked.connection.organization, access_token="sandbox-calendly-token", token_kind="personal"
    )
    own.refresh_from_db()

    second = subscription.subscribe(own, is_forced=True)
    subscription.subscribe(checked.connection, is_forced=False)

    assert {row["uri"] for row in _rows(checked)} == {first.uri, second.uri}
    assert checked.calendly.state.signing_keys == {first.uri: SIGNING_KEY, second.uri: "k" * 32}
    assert checked.calendly.state.subscriptions[second.uri]["callback_url"] == f"{URL}/{own.webhook_token}"


def test_the_command_speaks_staffs_words(checked: River) -> None:
    checked.break_calendly(
        "status", "/webhook_subscriptions", method="POST", status=403,
        body={"title": "Permission Denied", "message": "Please upgrade to a paid Calendly account."},
    )  # fmt: skip

    with pytest.raises(CommandError, match="plan doesn't include webhooks"):
        call_command("calendly_subscribe")


def test_the_command_tests_whether_calendly_reaches_us(checked: River, settings: Settings) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:1"

    with pytest.raises(CommandError, match="can't be connected to"):
        call_command("calendly_subscribe", "--test", stdout=StringIO())

    assert _rows(checked) == []
