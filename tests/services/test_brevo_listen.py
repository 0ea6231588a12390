"""One webhook of ours in Brevo: made, found good, repaired or deleted; whatever goes wrong is words, nothing more."""

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django.fixtures import Settings

from calendly_connector.models import BrevoAccount
from calendly_connector.services import accounts, brevo_listen, keep_alive
from calendly_connector.services.connection import brevo_client
from tests.journeys.river import River
from tests.sandbox.brevo_api import wait_until

EVENTS = ["contactDeleted", "contactUpdated", "hardBounce", "spam", "unsubscribed"]


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation whose account may be called as fast as wanted."""
    installation.open_limits()
    return installation


def hooks(river: River) -> list[dict[str, Any]]:
    """Return the webhooks that Brevo has, as they were set."""
    return [{"id": each.id, **each.settings} for each in river.brevo.state.webhooks.values()]


def listen(river: River, *, is_dry_run: bool = False) -> brevo_listen.Outcome:
    return brevo_listen.listen(river.account, is_dry_run=is_dry_run)


def test_listening_makes_one_webhook_with_all_that_we_want_to_hear(river: River) -> None:
    outcome = listen(river)

    (hook,) = hooks(river)
    account = river.account
    assert outcome.is_listening
    assert "from now on" in outcome.words
    assert hook["url"] == f"http://127.0.0.1:1/webhooks/brevo/{account.webhook_token}"
    assert (hook["type"], hook["events"], hook["batched"]) == ("marketing", EVENTS, False)
    assert hook["auth"] == {"type": "bearer", "token": account.webhook_secret}
    assert len(account.webhook_secret) >= 43
    assert account.webhook_id == hook["id"]
    assert account.webhook_checked_at


def test_listening_again_finds_nothing_to_do(river: River) -> None:
    listen(river)
    (before,) = hooks(river)

    outcome = listen(river)

    assert (outcome.is_listening, hooks(river)) == (True, [before])
    assert "nothing to do" in outcome.words
    assert [call.method for call in river.sandbox.world.journal.calls("brevo")].count("PUT") == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"events": ["unsubscribed"]},
        {"auth": {"type": "bearer", "token": "another"}},
        {"auth": None},
        {"batched": True},
    ],
    ids=["events", "token", "no token", "batched"],
)
def test_a_webhook_that_was_changed_is_repaired_in_place(river: River, damage: dict[str, Any]) -> None:
    listen(river)
    (good,) = hooks(river)
    river.brevo.state.webhooks[good["id"]].settings.update(damage)
    BrevoAccount.objects.update(webhook_id=None if damage == {"auth": None} else good["id"])

    outcome = listen(river)

    assert "repaired" in outcome.words
    assert hooks(river) == [good]


def test_a_webhook_that_was_deleted_in_brevo_is_made_anew(river: River) -> None:
    listen(river)
    river.brevo.state.webhooks.clear()

    listen(river)

    (hook,) = hooks(river)
    assert river.account.webhook_id == hook["id"]


def test_a_second_webhook_of_ours_is_deleted_and_others_are_never_touched(river: River) -> None:
    listen(river)
    (ours,) = hooks(river)
    for url in (f"{ours['url']}/", "http://127.0.0.1:1/webhooks/brevo/somebody-elses", "http://127.0.0.1:2/x"):
        brevo_client(river.account).create_webhook(url=url, events=EVENTS, token="another")

    listen(river)

    assert [hook["url"] for hook in hooks(river)] == [
        ours["url"],
        "http://127.0.0.1:1/webhooks/brevo/somebody-elses",
        "http://127.0.0.1:2/x",
    ]
    assert river.account.webhook_id == ours["id"]


def test_a_lost_secret_is_made_anew_and_told_to_brevo(river: River, settings: Settings) -> None:
    listen(river)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    outcome = listen(river)

    (hook,) = hooks(river)
    assert outcome.is_listening
    assert hook["auth"]["token"] == river.account.webhook_secret


def test_stopping_deletes_ours_and_believes_nobody_who_still_posts(river: River) -> None:
    listen(river)

    outcome = brevo_listen.stop(river.account)

    account = river.account
    assert hooks(river) == []
    assert not outcome.is_listening
    assert (account.webhook_secret, account.webhook_id, account.webhook_checked_at) == ("", None, None)
    assert not brevo_listen.is_wanted(account)


def test_a_dry_run_changes_nothing_on_either_side(river: River) -> None:
    outcome = listen(river, is_dry_run=True)

    assert "would be asked" in outcome.words
    assert hooks(river) == []
    assert river.account.webhook_secret == ""
    listen(river)
    assert "would be checked" in listen(river, is_dry_run=True).words


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"message": "Key not found"}, "doesn't accept the API key"),
        (402, {"message": "no credits"}, "may not make webhooks"),
        (403, {"message": "not in your plan"}, "may not make webhooks"),
        (400, {"message": "url is not valid"}, "Is PUBLIC_URL the https"),
        (429, {"message": "slow down"}, "can't be asked just now"),
        (500, {"message": "oops"}, "can't be asked just now"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whatever_brevo_answers_is_words_and_pauses_nothing(
    river: River, method: str, status: int, body: dict[str, str], words: str
) -> None:
    river.break_brevo("status", "/webhooks", method=method, status=status, body=body)

    outcome = listen(river)

    account = river.account
    assert words in outcome.words
    assert not outcome.is_listening
    assert not account.is_paused
    assert account.webhook_id is None
    assert account.webhook_secret not in outcome.words or not account.webhook_secret


@pytest.mark.parametrize("kind", ["reset", "commit_then_reset"])
def test_a_lost_answer_never_ends_in_two_webhooks(river: River, kind: str) -> None:
    river.break_brevo(kind, "/webhooks", method="POST")

    first, second = listen(river), listen(river)

    assert (first.is_listening, second.is_listening) == (False, True)
    assert len(hooks(river)) == 1
    assert river.account.webhook_id == hooks(river)[0]["id"]


def test_a_paused_account_is_not_asked(river: River) -> None:
    accounts.pause_for_staff(river.account, by="anna", why="A move")
    river.sandbox.world.journal.clear()

    outcome = listen(river)

    assert "A move" in outcome.words
    assert river.sandbox.world.journal.calls("brevo") == []


@pytest.mark.parametrize(
    ("public", "brevo"),
    [
        ("http://connector.example.com", "https://api.brevo.com/v3"),
        ("http://127.0.0.1:8000", "https://api.brevo.com/v3"),
        ("", "https://api.brevo.com/v3"),
    ],
)
def test_an_address_that_brevo_can_not_reach_is_not_even_tried(
    river: River, settings: Settings, public: str, brevo: str
) -> None:
    settings.PUBLIC_URL, settings.BREVO_API_URL = public, brevo

    assert "PUBLIC_URL" in listen(river).words


@pytest.mark.parametrize("lacking", ["BREVO_API_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_without_a_key_the_words_name_it(river: River, settings: Settings, lacking: str) -> None:
    setattr(settings, lacking, [] if lacking.endswith("KEYS") else "")

    outcome = listen(river)

    assert lacking in outcome.words
    assert hooks(river) == []


def test_the_hourly_hundred_is_kept(installation: River) -> None:
    said = [brevo_listen.listen(installation.account).words for _time in range(30)]

    assert "nothing to do" in said[1]
    assert "can't be asked just now" in said[-1]
    assert len(installation.sandbox.world.journal.calls("brevo")) <= 25


# -- Who asks for it --------------------------------------------------------------------------------------------


def test_the_daily_look_repairs_what_is_wanted_and_leaves_the_rest_alone(river: River) -> None:
    assert "unsubscriptions" not in keep_alive.keep_alive()
    listen(river)
    river.brevo.state.webhooks.clear()

    said = keep_alive.keep_alive()

    assert "from now on" in said
    assert len(hooks(river)) == 1
    brevo_listen.stop(river.account)
    assert "unsubscriptions" not in keep_alive.keep_alive()
    assert hooks(river) == []


def _subscribe(*options: str) -> str:
    call_command("calendly_connect", stdout=StringIO())
    out = StringIO()
    call_command("calendly_subscribe", *options, stdout=out, no_color=True)
    return out.getvalue()


def test_subscribing_at_calendly_has_brevo_tell_us_too(river: River) -> None:
    said = _subscribe().splitlines()

    assert said[0].startswith("Subscribed ")
    assert said[1:] == ["Brevo tells us of unsubscriptions, bounces and deletions from now on."]
    assert len(hooks(river)) == 1


def test_subscribing_without_doing_it_asks_brevo_for_nothing(river: River) -> None:
    said = _subscribe("--dry-run")

    assert "would be asked to" in said
    assert hooks(river) == []


def test_subscribing_reports_both_as_json(river: River) -> None:
    said = json.loads(_subscribe("--json"))

    assert said["brevo"]["is_listening"] is True
    assert "from now on" in said["brevo"]["words"]
    assert said["subscription"]


def test_a_refusal_of_brevos_leaves_calendlys_part_done(river: River) -> None:
    river.break_brevo("status", "/webhooks", method="GET", status=403, body={"message": "not in your plan"}, times=None)

    said = _subscribe()

    river.connection.refresh_from_db()
    assert river.connection.subscription
    assert "may not make webhooks" in said


def test_what_is_posted_carries_the_token_that_is_kept(river: River) -> None:
    listen(river)
    river.brevo.add_contact("ada@example.com")

    river.brevo.delete_contact("ada@example.com")

    wait_until(lambda: bool(river.brevo.state.deliveries))
    (posted,) = river.brevo.state.deliveries
    assert posted["url"].endswith(f"/webhooks/brevo/{river.account.webhook_token}")
