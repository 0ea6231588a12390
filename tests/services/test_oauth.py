"""The button's two halves and the way out: what staff are told, and that nothing is ever half saved."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.clients import calendly_oauth, errors
from calendly_connector.core import capabilities
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import oauth, setup, subscription, tokens
from calendly_connector.services.introduction import TokenReport
from sandbox.calendly_world import APP_SIGNING_KEY, CAMILLE, HUGO, INES, ORGANIZATION, PERSONAL_TOKEN
from sandbox.world import Fault
from tests import consent
from tests.journeys.river import River


@pytest.fixture
def paris(installation: River, settings: Settings) -> Connection:
    """Return a new connection, not connected yet."""
    consent.use_application(settings)
    installation.calendly.settings.oauth_tokens_per_minute = None
    return connections.make_connection("Paris", installation.connection.brevo_account)


def connect(row: Connection, user: str = CAMILLE, **more: str) -> TokenReport:
    start = oauth.begin(row)
    return oauth.finish(row, start.saved, consent.answer(start.url, user=user, **more))


def refused(row: Connection, saved: oauth.Saved, query: dict[str, str]) -> str:
    """Return the words of a failed attempt, after which nothing has changed."""
    before = Connection.objects.filter(pk=row.pk).values().get()
    with pytest.raises(oauth.NotConnected) as raised:
        oauth.finish(row, saved, query)
    assert Connection.objects.filter(pk=row.pk).values().get() == before
    return str(raised.value)


def live_tokens(river: River) -> list[str]:
    """Return the OAuth tokens that Calendly would accept."""
    return [value for value, token in river.calendly.state.tokens.items() if token.client_id]


# -- There ------------------------------------------------------------------------------------------------------


def test_the_browser_is_sent_off_with_pkce_and_only_the_scopes_in_use(paris: Connection) -> None:
    first, second = oauth.begin(paris), oauth.begin(paris)

    query = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["redirect_uri"] == oauth.redirect_uri() == "http://127.0.0.1:1/oauth/calendly/callback"
    assert set(query["scope"].split()) == capabilities.NEEDED
    assert query["state"] == first.saved["state"] != second.saved["state"]
    assert str(first.saved["verifier"]) not in first.url
    assert str(first.saved["verifier"]) not in repr(first)


def test_without_an_application_staff_are_told_what_to_set(paris: Connection, settings: Settings) -> None:
    settings.CALENDLY_CLIENT_ID = ""

    assert not oauth.is_offered()
    with pytest.raises(tokens.NotConfigured, match="CALENDLY_CLIENT_ID"):
        oauth.begin(paris)


def test_without_encryption_nobody_is_sent_off(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []

    with pytest.raises(tokens.NotConfigured, match="FIELD_ENCRYPTION_KEYS"):
        oauth.begin(paris)


# -- And back ---------------------------------------------------------------------------------------------------


def test_a_yes_connects_and_tells_whose_account_it_is(installation: River, paris: Connection) -> None:
    report = connect(paris)

    row = Connection.objects.get(pk=paris.pk)
    assert (row.state, row.token_kind, row.state_reason) == ("connected", "oauth", "")
    assert (row.organization, row.user, row.user_name, row.role) == (ORGANIZATION, CAMILLE, "Camille Durand", "owner")
    assert (row.plan, row.scope, row.timezone) == ("teams (paid)", "organization", "Europe/Paris")
    assert set(row.scopes or ()) == capabilities.NEEDED
    assert row.event_types.count() == 4
    assert "Camille Durand, owner; we see the whole organization's bookings." in report.lines[0]
    assert any("Atelier Durand, plan teams (paid)" in line for line in report.lines)
    assert all(each.works for each in setup.capabilities_of(row))


def test_a_grant_that_does_not_tell_its_scopes_blocks_nothing(
    paris: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = calendly_oauth._tokens
    monkeypatch.setattr(
        calendly_oauth, "_tokens", lambda data: read({name: data[name] for name in data if name != "scope"})
    )

    report = connect(paris)

    assert all(each.works for each in report.capabilities)
    assert all(each.works for each in setup.capabilities_of(Connection.objects.get(pk=paris.pk)))


def test_a_plain_member_sees_their_own_bookings(paris: Connection) -> None:
    report = connect(paris, INES)

    assert Connection.objects.get(pk=paris.pk).scope == "user"
    assert "only this user's" in report.lines[0]


def test_declined_scopes_are_named_next_to_what_they_block(paris: Connection) -> None:
    report = connect(paris, granted="users:read organizations:read")

    assert Connection.objects.get(pk=paris.pk).state == "connected"
    lacking = {each.feature: each.lacks for each in report.capabilities if not each.works}
    assert "event_types:read" in lacking["Event types for the mapping"]
    assert "webhooks:write" in lacking["Receive bookings (webhooks)"]
    assert any("can't be read" in line and "event_types:read" in line for line in report.lines)


def test_a_grant_that_may_not_even_read_whose_it_is_still_connects(paris: Connection) -> None:
    report = connect(paris, granted="event_types:read")

    row = Connection.objects.get(pk=paris.pk)
    assert (row.user, row.organization, row.scope) == (CAMILLE, ORGANIZATION, "user")
    assert "name we may not read" in report.lines[0]


def test_a_missing_signing_key_of_the_application_is_told(paris: Connection, settings: Settings) -> None:
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    assert setup.NO_APP_KEY in connect(paris).lines


def test_a_no_changes_nothing(paris: Connection) -> None:
    start = oauth.begin(paris)

    assert "not to give access" in refused(paris, start.saved, consent.answer(start.url, decision="decline"))


def test_a_code_works_once(installation: River, paris: Connection) -> None:
    start = oauth.begin(paris)
    query = consent.answer(start.url)
    oauth.finish(paris, start.saved, query)

    assert "used already" in refused(paris, start.saved, query)
    assert connections.calendly_client(paris).get_me().uri == CAMILLE


def test_a_code_that_is_too_old_is_told(installation: River, paris: Connection) -> None:
    start = oauth.begin(paris)
    query = consent.answer(start.url)
    installation.sandbox.world.clock.advance(601)

    assert "older than ten minutes" in refused(paris, start.saved, query)


def test_an_attempt_does_not_live_for_ever(paris: Connection) -> None:
    start = oauth.begin(paris)
    saved = {**start.saved, "at": time.time() - oauth.ATTEMPT_LIFE - 1}

    assert "too long" in refused(paris, saved, consent.answer(start.url))


@pytest.mark.parametrize("changes", [{"state": "somebody-elses"}, {"state": ""}, {"code": ""}])
def test_an_answer_that_is_not_ours_is_refused(paris: Connection, changes: dict[str, str]) -> None:
    start = oauth.begin(paris)

    assert "Start again" in refused(paris, start.saved, {**consent.answer(start.url), **changes})


def test_a_code_without_its_verifier_is_worth_nothing(paris: Connection) -> None:
    start, other = oauth.begin(paris), oauth.begin(paris)

    assert "again" in refused(paris, {**start.saved, "verifier": other.saved["verifier"]}, consent.answer(start.url))


@pytest.mark.parametrize(("kind", "details"), [("status", {"status": 503}), ("reset", {}), ("status", {"status": 429})])
def test_trouble_at_calendly_changes_nothing(
    installation: River, paris: Connection, kind: str, details: dict[str, int]
) -> None:
    start = oauth.begin(paris)
    query = consent.answer(start.url)
    installation.break_calendly(kind, "/oauth/token", method="POST", **details)

    assert "again" in refused(paris, start.saved, query)


def test_tokens_that_can_not_be_tested_are_given_back(installation: River, paris: Connection) -> None:
    start = oauth.begin(paris)
    query = consent.answer(start.url)
    installation.break_calendly("status", "/users/me", status=503)

    assert "could not be tested" in refused(paris, start.saved, query)
    assert live_tokens(installation) == []


def test_an_account_of_another_organization_is_refused_and_its_tokens_given_back(
    installation: River, paris: Connection
) -> None:
    Connection.objects.filter(pk=paris.pk).update(
        organization="https://api.calendly.com/organizations/another", user_name="Ada"
    )
    paris.refresh_from_db()
    start = oauth.begin(paris)

    words = refused(paris, start.saved, consent.answer(start.url))

    assert "another Calendly organization" in words
    assert "connected as Ada" in words
    assert live_tokens(installation) == []


def test_connecting_again_mends_a_lost_grant(installation: River, paris: Connection) -> None:
    connect(paris)
    installation.calendly.state.tokens.clear()
    with pytest.raises(tokens.ReconnectNeeded):
        connections.calendly_client(paris).get_me()
    assert Connection.objects.get(pk=paris.pk).state == "reconnect"

    connect(paris, HUGO)

    assert Connection.objects.get(pk=paris.pk).state == "connected"
    assert connections.calendly_client(paris).get_me().name == "Hugo Martin"


def test_the_applications_key_signs_what_the_button_connected(paris: Connection) -> None:
    own = paris.signing_key
    connect(paris)
    paris.refresh_from_db()

    assert connections.signing_keys(paris) == [APP_SIGNING_KEY, own]


# -- Disconnecting ----------------------------------------------------------------------------------------------


def test_disconnecting_deletes_the_subscription_then_revokes_then_forgets(
    installation: River, paris: Connection
) -> None:
    connect(paris)
    subscription.subscribe(paris)
    installation.sandbox.world.journal.clear()

    words = oauth.disconnect(paris)

    calls = [
        (call.method, call.template)
        for call in installation.sandbox.world.journal.calls("calendly")
        if call.method != "GET"
    ]
    assert calls == [
        ("DELETE", "/webhook_subscriptions/{uuid}"),
        ("POST", "/oauth/revoke"),
        ("POST", "/oauth/revoke"),
    ]
    row = Connection.objects.get(pk=paris.pk)
    assert (row.state, row.token_kind, row.access_token, row.refresh_token) == ("new", "none", "", "")
    assert (row.subscription, row.refresh_lease_until, row.scopes) == ("", None, None)
    assert live_tokens(installation) == []
    assert [word for word in words if "deleted" in word or "revoked" in word] == words
    assert row.signing_key
    assert row.organization == ORGANIZATION  # still no other organization's, when it is connected again


def test_disconnecting_twice_does_no_harm(installation: River, paris: Connection) -> None:
    connect(paris)
    oauth.disconnect(paris)

    assert oauth.disconnect(paris) == ["There was no webhook subscription."]


def test_disconnecting_a_dead_connection_forgets_it(installation: River, paris: Connection) -> None:
    connect(paris)
    subscription.subscribe(paris)
    installation.calendly.state.tokens.clear()

    words = oauth.disconnect(paris)

    assert "could not be deleted" in words[0]
    assert Connection.objects.get(pk=paris.pk).token_kind == "none"


def test_disconnecting_while_calendly_is_away_changes_nothing(installation: River, paris: Connection) -> None:
    connect(paris)
    subscription.subscribe(paris)
    installation.break_calendly("status", method="DELETE", status=503)

    with pytest.raises(errors.Unavailable):
        oauth.disconnect(paris)

    row = Connection.objects.get(pk=paris.pk)
    assert (row.state, row.token_kind, bool(row.subscription)) == ("connected", "oauth", True)


def test_tokens_that_can_not_be_revoked_now_are_kept_for_another_try(installation: River, paris: Connection) -> None:
    connect(paris)
    installation.sandbox.world.faults.add(
        Fault(provider="calendly", kind="status", status=503, method="POST", path="/oauth/revoke")
    )

    with pytest.raises(errors.Unavailable):
        oauth.disconnect(paris)

    row = Connection.objects.get(pk=paris.pk)
    assert (row.token_kind, row.refresh_lease_until) == ("oauth", None)
    oauth.disconnect(paris)
    assert live_tokens(installation) == []


def test_a_personal_token_is_forgotten_with_a_word_on_where_to_delete_it(installation: River) -> None:
    setup.save_calendly_token(installation.connection, PERSONAL_TOKEN)

    words = oauth.disconnect(installation.connection)

    assert any("Delete it in Calendly" in word for word in words)
    assert any("CALENDLY_ACCESS_TOKEN is still set" in word for word in words)
    assert Connection.objects.get().token_kind == "environment"
