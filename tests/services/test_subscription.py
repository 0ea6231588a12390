"""Our webhook subscription: exactly one, alive, complete, and in the right scope."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.clients import errors
from calendly_connector.services import connection as connections
from calendly_connector.services import setup, subscription
from sandbox.calendly_world import CAMILLE, INES
from tests.journeys.river import SIGNING_KEY, River

URL = "https://sync.example.com/webhooks/calendly"
WANTED = ["invitee.canceled", "invitee.created", "invitee_no_show.created", "invitee_no_show.deleted"]


@pytest.fixture
def checked(installation: River, settings: Settings) -> River:
    """Return an installation that knows its accounts and has no subscription."""
    settings.PUBLIC_URL = "https://sync.example.com"
    setup.check(installation.connection)
    return installation


def _existing(river: River) -> list[dict[str, Any]]:
    return list(river.calendly.state.subscriptions.values())


def _change(river: River, **changes: Any) -> None:
    """Change the only subscription at Calendly."""
    (uri,) = river.calendly.state.subscriptions
    river.calendly.state.subscriptions[uri] |= changes


def _writes(river: River) -> list[str]:
    return [call.method for call in river.sandbox.world.journal.calls("calendly") if call.method != "GET"]


def test_the_first_subscription_is_made_with_every_invitee_webhook_and_our_key(checked: River) -> None:
    outcome = subscription.subscribe(checked.connection)

    (made,) = _existing(checked)
    assert (made["callback_url"], made["scope"], sorted(made["events"])) == (URL, "organization", WANTED)
    assert checked.calendly.state.signing_keys[made["uri"]] == SIGNING_KEY
    assert outcome.words == f"Subscribed {URL} (organization scope)."
    checked.connection.refresh_from_db()
    assert checked.connection.subscription == made["uri"] == outcome.uri


def test_a_good_subscription_is_adopted(checked: River) -> None:
    made = subscription.subscribe(checked.connection)
    type(checked.connection).objects.update(subscription="")

    again = subscription.subscribe(checked.connection)

    assert again.uri == made.uri
    assert "nothing to do" in again.words
    assert _writes(checked) == ["POST"]
    checked.connection.refresh_from_db()
    assert checked.connection.subscription == made.uri


@pytest.mark.parametrize(
    "changes",
    [{"state": "disabled"}, {"events": ["invitee.created"]}, {"callback_url": f"{URL}/", "state": "disabled"}],
    ids=["dead", "incomplete", "dead, with a slash"],
)
def test_a_bad_subscription_is_replaced(checked: River, changes: dict[str, Any]) -> None:
    old = subscription.subscribe(checked.connection)
    _change(checked, **changes)

    outcome = subscription.subscribe(checked.connection)

    (made,) = _existing(checked)
    assert made["uri"] == outcome.uri != old.uri
    assert (made["state"], sorted(made["events"])) == ("active", WANTED)
    assert outcome.words.endswith("replacing 1.")


def test_a_good_subscription_is_replaced_when_forced_so_that_a_new_key_takes_effect(
    checked: River, settings: Settings
) -> None:
    old = subscription.subscribe(checked.connection)
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = "a-new-key-0123456789-0123456789"

    outcome = subscription.subscribe(checked.connection, is_forced=True)

    assert [row["uri"] for row in _existing(checked)] == [outcome.uri]
    assert outcome.uri != old.uri
    assert checked.calendly.state.signing_keys[outcome.uri] == "a-new-key-0123456789-0123456789"


def test_of_two_good_subscriptions_one_is_deleted(checked: River) -> None:
    first = subscription.subscribe(checked.connection)
    twin = {**checked.calendly.state.subscriptions[first.uri], "uri": first.uri[:-4] + "beef"}
    twin["callback_url"] = f"{URL}/"
    checked.calendly.state.subscriptions[twin["uri"]] = twin

    subscription.subscribe(checked.connection)

    assert len(_existing(checked)) == 1


def test_other_peoples_subscriptions_are_left_alone(checked: River) -> None:
    client = connections.calendly_client(checked.connection)
    for number in range(130):  # more than a page
        client.create_subscription(
            url=f"https://other.example.com/{number}",
            webhooks=["invitee.created"],
            organization=checked.connection.organization,
            scope="organization",
        )

    subscription.subscribe(checked.connection)
    subscription.subscribe(checked.connection, is_forced=True)

    assert len(_existing(checked)) == 131


def test_a_dry_run_says_what_it_would_do_and_does_nothing(checked: River) -> None:
    outcome = subscription.subscribe(checked.connection, is_dry_run=True)

    assert outcome.words == f"Would subscribe {URL} (organization scope), replacing 0."
    assert _existing(checked) == []
    assert _writes(checked) == []


def test_a_dry_run_replaces_nothing_either(checked: River) -> None:
    old = subscription.subscribe(checked.connection)
    _change(checked, state="disabled")

    outcome = subscription.subscribe(checked.connection, is_dry_run=True)

    assert "replacing 1" in outcome.words
    assert [row["uri"] for row in _existing(checked)] == [old.uri]


def test_a_plain_member_subscribes_for_themselves(checked: River) -> None:
    checked.calendly.set_role("user")
    setup.check(checked.connection)

    outcome = subscription.subscribe(checked.connection)

    (made,) = _existing(checked)
    assert (made["scope"], made["user"]) == ("user", CAMILLE)
    assert "(user scope)" in outcome.words


def test_who_became_an_admin_gets_the_whole_organizations_in_place_of_their_own(checked: River) -> None:
    checked.calendly.set_role("user")
    setup.check(checked.connection)
    subscription.subscribe(checked.connection)
    checked.calendly.set_role("admin")
    setup.check(checked.connection)

    outcome = subscription.subscribe(checked.connection)

    (made,) = _existing(checked)
    assert (made["uri"], made["scope"]) == (outcome.uri, "organization")


def test_another_users_subscription_is_none_of_ours(checked: River) -> None:
    mine = subscription.subscribe(checked.connection)
    other = {**checked.calendly.state.subscriptions[mine.uri], "uri": mine.uri[:-4] + "beef"}
    other |= {"scope": "user", "user": INES, "callback_url": f"{URL}/ines"}
    checked.calendly.state.subscriptions[other["uri"]] = other

    subscription.subscribe(checked.connection)

    assert len(_existing(checked)) == 2


def test_without_a_signing_key_nothing_is_subscribed(checked: River, settings: Settings) -> None:
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    with pytest.raises(connections.NotConfigured, match="CALENDLY_WEBHOOK_SIGNING_KEY"):
        subscription.subscribe(checked.connection)

    assert _existing(checked) == []


def test_a_token_without_the_scope_is_told_which_one_is_missing(checked: River, settings: Settings) -> None:
    checked.calendly.add_token("narrow", scopes="users:read organizations:read event_types:read")
    settings.CALENDLY_ACCESS_TOKEN = "narrow"

    with pytest.raises(errors.Forbidden) as refused:
        subscription.subscribe(checked.connection)

    assert refused.value.required_scopes == ("webhooks:read",)


def test_a_connection_of_its_own_has_an_address_of_its_own(checked: River) -> None:
    connection = type(checked.connection)(name="Second", brevo_account=checked.account)

    assert subscription.callback_url(checked.connection) == URL
    assert subscription.callback_url(connection) == f"{URL}/{connection.webhook_token}"
