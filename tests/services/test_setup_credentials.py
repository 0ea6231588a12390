"""Tokens and keys that staff put in: tested before they are kept, and never another account's in silence."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.clients import errors
from calendly_connector.core import capabilities
from calendly_connector.models import BrevoAccount, BrevoList, Connection, Job, Schedule
from calendly_connector.services import accounts, keep_alive, rotation, setup, subscription
from calendly_connector.services import connection as connections
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from sandbox.brevo_account import API_KEY
from sandbox.calendly_webhooks import signature
from sandbox.calendly_world import HUGO, ORGANIZATION, PERSONAL_TOKEN
from tests.journeys.river import River


@pytest.fixture
def lyon(installation: River, settings: Settings) -> Connection:
    """Return a new connection with an account of its own, neither of which has a credential."""
    settings.BREVO_API_KEY = settings.CALENDLY_ACCESS_TOKEN = ""
    return connections.make_connection("Lyon", BrevoAccount.objects.create(name="New"))


def jwt(claims: Any) -> str:
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"eyJhbGciOiJFUzI1NiJ9.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.c2lnbmF0dXJl"


def now(row: Connection) -> Connection:
    return Connection.objects.select_related("brevo_account").get(pk=row.pk)


# -- Calendly's personal token ----------------------------------------------------------------------------------


def test_a_token_is_tested_without_keeping_anything(installation: River, lyon: Connection) -> None:
    report = setup.test_calendly_token(PERSONAL_TOKEN)

    assert (report.user_name, report.email, report.role) == ("Camille Durand", "camille@example.fr", "owner")
    assert (report.organization, report.organization_name, report.plan) == (
        ORGANIZATION, "Atelier Durand", "teams (paid)",
    )  # fmt: skip
    assert all(each.works for each in report.capabilities)
    assert now(lyon).token_kind == "none"


def test_a_token_is_kept_with_what_it_tells_and_the_event_types(lyon: Connection) -> None:
    report = setup.save_calendly_token(lyon, f" {PERSONAL_TOKEN}\n")

    row = now(lyon)
    assert (row.token_kind, row.access_token, row.state) == ("personal", PERSONAL_TOKEN, "connected")
    assert (row.organization, row.user_name, row.role, row.timezone) == (
        ORGANIZATION, "Camille Durand", "owner", "Europe/Paris",
    )  # fmt: skip
    assert row.event_types.count() == 4
    assert "4 event types read" in report.lines[-1]
    assert connections.calendly_client(row).get_me().name == "Camille Durand"


def test_a_token_put_in_for_the_environments_connection_is_a_stored_one(installation: River) -> None:
    setup.save_calendly_token(installation.connection, PERSONAL_TOKEN)

    assert now(installation.connection).token_kind == "personal"


@pytest.mark.parametrize("token", ["wrong", "", "bad\nheader", "a – dash"])
def test_a_token_that_calendly_refuses_changes_nothing(lyon: Connection, token: str) -> None:
    with pytest.raises(errors.ApiError):
        setup.save_calendly_token(lyon, token)

    assert (now(lyon).token_kind, now(lyon).state) == ("none", "new")


def test_another_organizations_token_is_refused(lyon: Connection) -> None:
    Connection.objects.filter(pk=lyon.pk).update(organization="https://api.calendly.com/organizations/another")

    with pytest.raises(setup.OtherAccount, match="another organization"):
        setup.save_calendly_token(now(lyon), PERSONAL_TOKEN)

    assert now(lyon).access_token == ""


def test_a_colleagues_token_of_the_same_organization_may_take_over(installation: River, lyon: Connection) -> None:
    setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    installation.calendly.add_token("hugos", user=HUGO)

    setup.save_calendly_token(lyon, "hugos")

    assert (now(lyon).user_name, now(lyon).role) == ("Hugo Martin", "admin")


def test_without_encryption_a_token_is_refused_with_words(lyon: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []

    with pytest.raises(connections.NotConfigured, match="FIELD_ENCRYPTION_KEYS"):
        setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    with pytest.raises(connections.NotConfigured, match="FIELD_ENCRYPTION_KEYS"):
        setup.save_brevo_key(lyon.brevo_account, API_KEY)
    with pytest.raises(connections.NotConfigured, match="FIELD_ENCRYPTION_KEYS"):
        connections.make_connection("Third", lyon.brevo_account)


# -- Scopes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        (jwt({"scope": "users:read webhooks:write"}), {"users:read", "webhooks:write"}),
        (jwt({"scope": "default"}), {"default"}),
        (jwt({"scope": ""}), None),
        (jwt({"scope": ["users:read"]}), None),
        (jwt({"sub": "1"}), None),
        (jwt(["scope"]), None),
        (jwt(b"no json"), None),
        (jwt(b"\xff\xfe"), None),
        (jwt(b"[" * 100_000), None),
        ("a.b.c", None),
        ("a.é.c", None),
        ("not-a-jwt", None),
        ("", None),
    ],
)
def test_scopes_are_read_from_a_jwt_and_from_nothing_else(token: str, scopes: set[str] | None) -> None:
    assert capabilities.scopes_in(token) == scopes


def test_a_jwts_scopes_are_shown_next_to_what_they_block(installation: River, lyon: Connection) -> None:
    token = jwt({"scope": "users:read organizations:read event_types:read"})
    installation.calendly.add_token(token, scopes="users:read organizations:read event_types:read")

    report = setup.save_calendly_token(lyon, token)

    assert now(lyon).scopes == ["event_types:read", "organizations:read", "users:read"]
    assert [each.feature for each in setup.capabilities_of(now(lyon)) if not each.works] == [
        "Receive bookings (webhooks)",
        "Read bookings again (repair, history)",
        "Mark no-shows and cancel meetings",
        "Booking pages of your own",
        "Single-use links for campaigns and no-shows",
    ]
    assert any("webhooks:write" in line for line in report.lines)


def test_scopes_that_a_token_does_not_tell_are_learned_from_refusals(installation: River, lyon: Connection) -> None:
    installation.calendly.add_token("opaque", scopes="users:read organizations:read scheduled_events:read")

    report = setup.save_calendly_token(lyon, "opaque")

    lacking = {each.feature: each.lacks for each in report.capabilities if not each.works}
    assert "event_types:read" in lacking["Event types for the mapping"]
    assert "webhooks:write" in lacking["Receive bookings (webhooks)"]
    assert "Read bookings again (repair, history)" not in lacking


def test_a_refusal_at_work_is_remembered(lyon: Connection) -> None:
    setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    refused = errors.Forbidden("no", body={"required_scopes": ["event_types:read"]})

    setup.note_missing_scopes(lyon, refused)
    setup.note_missing_scopes(lyon, errors.Forbidden("a role, not a scope"))

    lacking = [each for each in setup.capabilities_of(now(lyon)) if not each.works]
    assert [(each.feature, "event_types:read" in each.lacks) for each in lacking] == [
        ("Event types for the mapping", True),
        ("Booking pages of your own", True),
        ("Single-use links for campaigns and no-shows", True),
    ]


# -- Brevo's key ------------------------------------------------------------------------------------------------


def test_a_key_is_tested_without_keeping_anything(lyon: Connection) -> None:
    found = setup.test_brevo_key(API_KEY)

    assert found.organization_id
    assert found.company
    assert found.plans
    assert now(lyon).brevo_account.organization_id == ""


def test_a_key_is_kept_with_what_it_tells_and_the_catalogues(installation: River, lyon: Connection) -> None:
    installation.brevo.add_list("Demos")

    found = setup.save_brevo_key(lyon.brevo_account, f"{API_KEY} ")

    account = now(lyon).brevo_account
    assert (account.api_key, account.organization_id, account.email) == (API_KEY, found.organization_id, found.email)
    assert (account.name, account.has_automation, account.plan) == (found.company, True, ", ".join(found.plans))
    assert account.checked_at
    assert account.attributes.exists()
    assert BrevoList.objects.filter(account=account, name="Demos").exists()
    assert connections.brevo_client(account).get_account() == found


def test_what_said_that_nothing_is_connected_runs_again_soon(lyon: Connection) -> None:
    later = timezone.now() + timedelta(hours=5)
    for name in ("catalogues", "keep_alive", "prune"):
        Schedule.objects.create(name=name, every_seconds=86_400, next_run_at=later)

    setup.save_brevo_key(lyon.brevo_account, API_KEY)

    assert list(Schedule.objects.filter(next_run_at=later).values_list("name", flat=True)) == ["prune"]


def test_a_new_account_is_made_by_its_key_and_never_twice(lyon: Connection) -> None:
    made = BrevoAccount(name="Third")
    setup.save_brevo_key(made, API_KEY)

    assert BrevoAccount.objects.get(pk=made.pk).api_key == API_KEY
    with pytest.raises(setup.OtherAccount, match="here already"):
        setup.save_brevo_key(BrevoAccount(name="Fourth"), API_KEY)
    assert not BrevoAccount.objects.filter(name="Fourth").exists()


def test_a_key_that_brevo_refuses_changes_nothing(lyon: Connection) -> None:
    with pytest.raises(errors.Unauthorized):
        setup.save_brevo_key(lyon.brevo_account, "wrong")

    assert now(lyon).brevo_account.api_key == ""


def test_another_accounts_key_is_refused(lyon: Connection) -> None:
    BrevoAccount.objects.filter(pk=lyon.brevo_account_id).update(organization_id="another")

    with pytest.raises(setup.OtherAccount, match="another account"):
        setup.save_brevo_key(now(lyon).brevo_account, API_KEY)

    assert now(lyon).brevo_account.api_key == ""


@pytest.mark.parametrize(("error", "goes_on"), [("key", True), ("address", True), ("staff", False), ("money", False)])
def test_a_good_key_ends_a_pause_for_the_key_only(lyon: Connection, error: str, goes_on: bool) -> None:
    reasons = {
        "key": accounts.words_for(errors.Unauthorized("Key not found")),
        "address": accounts.words_for(errors.UnknownAddress("unrecognised IP address")),
        "staff": "Paused by anna. Resume when you are ready.",
        "money": accounts.words_for(errors.PaymentRequired("Not enough credits")),
    }
    accounts.pause(lyon.brevo_account, reasons[error])

    setup.save_brevo_key(now(lyon).brevo_account, API_KEY)

    assert now(lyon).brevo_account.is_paused is not goes_on


def test_an_account_without_a_key_waits_for_one(lyon: Connection) -> None:
    with pytest.raises(Exception, match="There is no Brevo key"):
        accounts.client_of(lyon.brevo_account)

    assert accounts.is_paused_for_key(now(lyon).brevo_account)


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::7"])
def test_the_address_to_allow_is_named(address: str) -> None:
    body = {"message": f"We have detected you are using an unrecognised IP address {address}. If you performed this"}

    words = accounts.words_for(errors.UnknownAddress("401", body=body))

    assert f"add {address}," in words
    assert "Authorised IPs" in words


def test_an_accounts_own_key_wins_over_the_environments(
    installation: River, lyon: Connection, settings: Settings
) -> None:
    settings.BREVO_API_KEY = API_KEY
    BrevoAccount.objects.filter(pk=lyon.brevo_account_id).update(api_key="another-account-s-key")

    assert connections.brevo_client(installation.account).get_account().organization_id
    with pytest.raises(errors.Unauthorized):
        connections.brevo_client(now(lyon).brevo_account).get_account()


# -- Keeping keys alive -----------------------------------------------------------------------------------------


@pytest.fixture
def tested(lyon: Connection) -> BrevoAccount:
    """Return an account with a good key, beside one whose key was never given."""
    setup.save_brevo_key(lyon.brevo_account, API_KEY)
    BrevoAccount.objects.exclude(pk=lyon.brevo_account_id).update(api_key="", organization_id="")
    return now(lyon).brevo_account


def test_every_key_is_used_and_what_is_refused_is_paused_with_words(installation: River, tested: BrevoAccount) -> None:
    BrevoAccount.objects.update(checked_at=None)

    words = keep_alive.keep_alive()

    assert f"{tested}: its key is good." in words
    assert "There is no Brevo key" in words
    tested.refresh_from_db()
    assert tested.checked_at
    assert BrevoAccount.objects.exclude(pk=tested.pk).get().is_paused


def test_an_unknown_address_pauses_and_an_authorised_one_goes_on(installation: River, tested: BrevoAccount) -> None:
    installation.brevo.settings.unknown_ip = "203.0.113.9"

    assert "203.0.113.9" in keep_alive.keep_alive()
    tested.refresh_from_db()
    assert tested.is_paused
    assert "add 203.0.113.9," in tested.pause_reason

    installation.brevo.settings.unknown_ip = ""

    assert "writing goes on" in keep_alive.keep_alive()
    tested.refresh_from_db()
    assert not tested.is_paused


def test_another_accounts_key_is_never_written_with(tested: BrevoAccount) -> None:
    BrevoAccount.objects.filter(pk=tested.pk).update(organization_id="another")

    assert "another account" in keep_alive.keep_alive()
    tested.refresh_from_db()
    assert (tested.is_paused, tested.organization_id) == (True, "another")


def test_brevo_being_away_pauses_nobody(installation: River, tested: BrevoAccount) -> None:
    installation.break_brevo("status", "/account", method="GET", status=503)

    assert "not reached" in keep_alive.keep_alive()
    tested.refresh_from_db()
    assert not tested.is_paused


# -- Signing keys -----------------------------------------------------------------------------------------------


def test_every_connection_has_a_signing_key_of_its_own(lyon: Connection, settings: Settings) -> None:
    other = connections.make_connection("Nice", lyon.brevo_account)

    assert connections.signing_keys(lyon) == [lyon.signing_key]
    assert len(lyon.signing_key) >= 32
    assert lyon.signing_key != other.signing_key


def test_a_changed_key_overlaps_with_the_former_one(installation: River, lyon: Connection) -> None:
    setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    subscription.subscribe(lyon)
    former = now(lyon).signing_key
    installation.connection = now(lyon)

    words = rotation.rotate(now(lyon))

    row = now(lyon)
    assert row.signing_key != former == row.previous_signing_key
    assert list(installation.calendly.state.signing_keys.values()) == [row.signing_key]
    assert "taken for a day" in words
    for key in (former, row.signing_key):
        assert posted(installation, row, key) == 200

    Job.objects.filter(kind=rotation.FORGET_KEY).update(run_after=timezone.now())
    Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()

    assert posted(installation, row, former) == 403
    assert posted(installation, row, row.signing_key) == 200


def test_a_change_that_fails_half_way_keeps_both_keys_until_it_is_done(installation: River, lyon: Connection) -> None:
    setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    subscription.subscribe(lyon)
    former = now(lyon).signing_key
    installation.break_calendly("status", "/webhook_subscriptions", method="POST", status=503)

    with pytest.raises(errors.Unavailable):
        rotation.rotate(now(lyon))
    halfway = now(lyon)
    assert halfway.previous_signing_key == former
    assert not Job.objects.filter(kind=rotation.FORGET_KEY).exists()

    rotation.rotate(now(lyon))

    assert (now(lyon).signing_key, now(lyon).previous_signing_key) == (halfway.signing_key, former)


def test_the_environments_key_is_changed_in_the_environment(installation: River) -> None:
    with pytest.raises(connections.NotConfigured, match="CALENDLY_WEBHOOK_SIGNING_KEY"):
        connections.rotate_signing_key(installation.connection)


def posted(river: River, row: Connection, key: str) -> int:
    body = json.dumps({"event": "something.else", "key": key}).encode()
    at = int(timezone.now().timestamp())
    return river.post_raw(body, signature(key, at, body), path=f"/webhooks/calendly/{row.webhook_token}")


# -- Commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["name", "pk"])
def test_commands_work_for_any_connection(
    installation: River, lyon: Connection, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    setup.save_calendly_token(lyon, PERSONAL_TOKEN)
    setup.save_brevo_key(lyon.brevo_account, API_KEY)
    which = str(getattr(lyon, by))

    call_command("calendly_connect", "--connection", which)
    call_command("calendly_subscribe", "--connection", which)

    assert "Camille Durand" in capsys.readouterr().out
    assert now(lyon).subscription
    assert now(installation.connection).subscription == ""


def test_an_unknown_connection_is_told_with_those_that_there_are(lyon: Connection) -> None:
    with pytest.raises(CommandError, match=rf"No connection 'Nowhere'. There are: .*{lyon.pk} \(Lyon\)"):
        call_command("calendly_connect", "--connection", "Nowhere")

    connections.make_connection("Lyon", lyon.brevo_account)
    with pytest.raises(CommandError, match="by its id"):
        call_command("calendly_subscribe", "--connection", "Lyon")
