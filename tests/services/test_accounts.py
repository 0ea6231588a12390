"""An account's pause: once, with words, and everything behind it waits."""

import pytest

from calendly_connector.clients import errors
from calendly_connector.models import BrevoAccount, RateLimit
from calendly_connector.services import accounts, limits
from calendly_connector.services.queue import Later

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> BrevoAccount:
    """Return an account whose limits never hold anybody up."""
    account = BrevoAccount.objects.create(name="Brevo")
    limits.open_buckets(account.pk)
    RateLimit.objects.update(interval=0.0)
    return account


def _call(account: BrevoAccount, error: Exception) -> None:
    def work() -> None:
        raise error

    accounts.call(account, "contacts", work, renew=lambda: None)


def test_a_second_trouble_does_not_hide_the_first(account: BrevoAccount) -> None:
    accounts.pause(account, "the first reason")
    accounts.pause(account, "another reason")

    account.refresh_from_db()

    assert account.pause_reason == "the first reason"


def test_staffs_pause_takes_the_place_of_another_and_keeps_its_time(account: BrevoAccount) -> None:
    accounts.pause(account, "a reason")
    account.refresh_from_db()
    since = account.paused_at

    accounts.pause_for_staff(account, by="anna", why="A test")

    assert (account.is_paused, account.pause_reason, account.paused_at) == (True, "Paused by anna: A test", since)


def test_a_resumption_amid_staffs_pause_leaves_no_reason_on_an_active_account(
    account: BrevoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "pause", lambda key: accounts.resume(account))

    accounts.pause_for_staff(account, by="anna", why="A test")

    assert (account.is_paused, account.pause_reason) == (False, "")


def test_resuming_forgets_the_reason_and_opens_every_bucket(account: BrevoAccount) -> None:
    accounts.pause(account, "a reason")

    accounts.resume(account)

    assert (account.is_paused, account.pause_reason, account.paused_at) == (False, "", None)
    assert not RateLimit.objects.filter(blocked_until__gt=0).exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.UnknownAddress("unrecognised IP address 203.0.113.9", status=401), "Authorised IPs"),
        (errors.Unauthorized("Key not found", status=401), "Make a new one in Brevo"),
        (errors.PaymentRequired("Not enough credits", status=402), "Settle that in Brevo"),
        (errors.Forbidden("No", status=403), "Check its plan"),
    ],
)
def test_what_only_staff_can_mend_pauses_with_words_and_what_brevo_said(
    account: BrevoAccount, error: errors.ApiError, words: str
) -> None:
    with pytest.raises(Later) as later:
        _call(account, error)

    account.refresh_from_db()
    assert account.is_paused
    assert words in account.pause_reason
    assert str(error) in account.pause_reason
    assert later.value.is_failure is False


@pytest.mark.parametrize(
    ("error", "is_unknown"),
    [
        (errors.Unreachable("no"), False),
        (errors.AnswerLost("no"), True),
        (errors.Unavailable("no", status=503), False),
        (errors.Unavailable("no", status=425), False),
        (errors.Unavailable("no", status=500), True),
        (errors.BadAnswer("no"), True),
    ],
)
def test_a_service_that_is_away_is_tried_again_and_doubt_is_remembered(
    account: BrevoAccount, error: errors.ApiError, is_unknown: bool
) -> None:
    with pytest.raises(Later) as later:
        _call(account, error)

    assert later.value.is_failure is True
    assert accounts.is_outcome_unknown(later.value) is is_unknown


def test_a_refusal_of_this_very_call_is_the_callers(account: BrevoAccount) -> None:
    with pytest.raises(errors.Refused):
        _call(account, errors.Refused("Invalid email", status=400))

    account.refresh_from_db()
    assert not account.is_paused


def test_a_rate_limit_holds_the_bucket_for_everybody(account: BrevoAccount) -> None:
    with pytest.raises(Later) as later:
        _call(account, errors.RateLimited("slow down", wait=12.0, status=429))

    assert (later.value.seconds, later.value.is_failure) == (12.0, False)
    assert limits.acquire(account.pk, "contacts") > 10


def test_the_lease_is_renewed_before_each_call(account: BrevoAccount) -> None:
    order: list[str] = []

    accounts.call(account, "contacts", lambda: order.append("call"), renew=lambda: order.append("renew"))

    assert order == ["renew", "call"]
