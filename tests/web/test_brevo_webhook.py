"""What Brevo's address lets in, stores and answers, whoever knocks."""

import hmac
import json
import logging
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from calendly_connector.models import BrevoAccount, BrevoDelivery, Job
from calendly_connector.services import receive

SECRET = "the-bearer-token-of-these-tests-0123456789"
BODY = json.dumps({"event": "contact_deleted", "email": "ada@example.com", "ts": 1_795_339_230}).encode()
MIB = 1_048_576


class BrevoDoor:
    """One account that listens, and whoever posts to it."""

    def __init__(self) -> None:
        self.account = BrevoAccount.objects.create(name="Brevo", webhook_secret=SECRET)
        self.client = Client()

    def knock(
        self,
        body: bytes = BODY,
        bearer: str | None = f"Bearer {SECRET}",
        *,
        token: str = "",
        ending: str = "",
        **extra: Any,
    ) -> Any:
        """Post a body with an Authorization header (none for None) and return the answer."""
        headers = {} if bearer is None else {"Authorization": bearer}
        options = {"content_type": "application/json", "method": "POST", **extra}
        method = options.pop("method")
        path = f"/webhooks/brevo/{token or self.account.webhook_token}{ending}"
        return self.client.generic(method, path, body, headers={**headers, **options.pop("headers", {})}, **options)


@pytest.fixture
def brevo_door(db: None) -> BrevoDoor:
    """Return a door whose account listens."""
    return BrevoDoor()


# -- What is let in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", "/"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_accounts_own_token_lets_a_delivery_in(brevo_door: BrevoDoor, scheme: str, ending: str) -> None:
    answer = brevo_door.knock(bearer=f"{scheme} {SECRET}", ending=ending)

    row = BrevoDelivery.objects.get()
    assert answer.status_code == 200
    assert (bytes(row.body), row.account, row.state) == (BODY, brevo_door.account, "stored")
    assert Job.objects.filter(kind=receive.TAKE_IN_NEWS, subject=brevo_door.account.pk).count() == 1


def test_the_same_bytes_are_stored_once_and_welcome_twice(brevo_door: BrevoDoor) -> None:
    statuses = [brevo_door.knock().status_code for _time in range(3)]

    assert statuses == [200, 200, 200]
    assert BrevoDelivery.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 100_000, b"null", b'{"event": "unsubscribe"}', b" " * MIB]
)
def test_whatever_brevo_says_is_stored_and_answered_well(brevo_door: BrevoDoor, body: bytes) -> None:
    assert brevo_door.knock(body).status_code == 200
    assert bytes(BrevoDelivery.objects.get().body) == body


def test_a_batch_of_five_hundred_is_taken(brevo_door: BrevoDoor) -> None:
    batch = [{"event": "contact_deleted", "email": f"person{number}@example.com", "ts": 1} for number in range(500)]

    assert brevo_door.knock(json.dumps(batch).encode()).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", "nonsense"])
def test_the_content_type_and_what_the_sender_accepts_do_not_matter(brevo_door: BrevoDoor, content_type: str) -> None:
    answer = brevo_door.knock(content_type=content_type, headers={"Accept": "text/html"})

    assert answer.status_code == 200


# -- What is refused --------------------------------------------------------------------------------------------


WRONG: dict[str, dict[str, Any]] = {
    "no token": {"bearer": None},
    "an empty header": {"bearer": ""},
    "the scheme alone": {"bearer": "Bearer"},
    "an empty token": {"bearer": "Bearer "},
    "another token": {"bearer": "Bearer another-token-0123456789"},
    "half a token": {"bearer": f"Bearer {SECRET[:20]}"},
    "a token and more": {"bearer": f"Bearer {SECRET}0"},
    "another scheme": {"bearer": f"Basic {SECRET}"},
    "the token alone": {"bearer": SECRET},
    "letters outside ASCII": {"bearer": f"Bearer é{SECRET[1:]}"},
    "an unknown address": {"token": "no-such-account"},
    "an unknown address and no token": {"token": "no-such-account", "bearer": None},
    "too large a body and no token": {"bearer": None, "body": b" " * (MIB + 1)},
    "garbage and no token": {"bearer": None, "body": b"\xff"},
    "another method and no token": {"bearer": None, "method": "GET"},
}


@pytest.mark.parametrize("why", WRONG)
def test_whoever_can_not_prove_it_gets_one_and_the_same_refusal(brevo_door: BrevoDoor, why: str) -> None:
    usual = brevo_door.knock(bearer="Bearer wrong")

    answer = brevo_door.knock(**WRONG[why])

    assert (answer.status_code, answer.content) == (usual.status_code, usual.content) == (403, answer.content)
    assert {**answer.headers} == {**usual.headers}
    assert not BrevoDelivery.objects.exists()


@pytest.mark.parametrize("bearer", ["Bearer ", "Bearer", f"Bearer {SECRET}"])
def test_an_account_that_listens_to_nobody_refuses_alike(brevo_door: BrevoDoor, bearer: str) -> None:
    usual = brevo_door.knock(bearer="Bearer wrong")
    BrevoAccount.objects.update(webhook_secret="")

    answer = brevo_door.knock(bearer=bearer)

    assert (answer.status_code, answer.content) == (403, usual.content)


def test_a_token_whose_key_is_lost_refuses_alike(brevo_door: BrevoDoor, settings: Settings) -> None:
    usual = brevo_door.knock(bearer="Bearer wrong")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    answer = brevo_door.knock()

    assert (answer.status_code, answer.content) == (403, usual.content)


def test_one_accounts_token_does_not_open_anothers_address(brevo_door: BrevoDoor) -> None:
    other = BrevoAccount.objects.create(name="Other", webhook_secret="another-token-0123456789")

    assert brevo_door.knock(token=other.webhook_token).status_code == 403


@pytest.mark.parametrize("why", ["another token", "half a token", "an unknown address", "no token"])
def test_tokens_are_compared_in_constant_time_whether_there_is_one_or_not(
    brevo_door: BrevoDoor, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(given: bytes, kept: bytes) -> bool:
        compared.append((given, kept))
        return real(given, kept)

    real = hmac.compare_digest
    monkeypatch.setattr("calendly_connector.web.brevo_webhook.hmac.compare_digest", compare)

    brevo_door.knock(**WRONG[why])

    ((given, kept),) = compared
    assert isinstance(given, bytes)
    assert isinstance(kept, bytes)
    assert len(kept) >= 40


def test_a_body_that_is_too_large_is_refused_only_when_it_is_brevos(brevo_door: BrevoDoor) -> None:
    assert brevo_door.knock(b" " * (MIB + 1)).status_code == 413
    assert not BrevoDelivery.objects.exists()


def test_nothing_of_a_refusal_names_the_token_or_the_person(
    brevo_door: BrevoDoor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = brevo_door.knock(bearer=f"Bearer {SECRET}x")

    assert SECRET not in caplog.text + answer.content.decode()
    assert "ada@example.com" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post_is_answered_to_brevo_itself(brevo_door: BrevoDoor, method: str) -> None:
    assert brevo_door.knock(method=method).status_code == 405


# -- What must not be lost --------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["store", "look up"])
def test_a_database_that_does_not_answer_makes_brevo_come_again(
    brevo_door: BrevoDoor, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **options: Any) -> Any:
        raise OperationalError("database is locked")

    if part == "store":
        monkeypatch.setattr(receive, "store_news", away)
    else:
        monkeypatch.setattr(BrevoAccount.objects, "filter", away)

    assert brevo_door.knock().status_code == 429
