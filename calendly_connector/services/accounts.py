"""A Brevo account: calls within its pace, pausing with words that staff understand, and going on again."""

import logging
import re
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.models import BrevoAccount
from calendly_connector.services import connection as connections
from calendly_connector.services import limits, notices, queue

logger = logging.getLogger(__name__)

TURN = 5.0
"""Seconds for which a call waits in place where it isn't the only one: whoever looks at something has no job to put
back, and a job that makes two calls in a row would begin with the first one again, for as long as Brevo answers faster
than its pace or others call too."""

STANDING = ("state", "pause_reason", "paused_at")
Renew = Callable[[], None]
T = TypeVar("T")


def pause(account: BrevoAccount, reason: str) -> queue.Later:
    """Stop writing to an account until somebody resumes it; return the exception that puts the job back.

    Nothing is lost: steps wait, and what was decided in the meantime waits with them.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = BrevoAccount.objects.filter(pk=account.pk, state=BrevoAccount.State.ACTIVE).update(
            state=BrevoAccount.State.PAUSED, pause_reason=reason, paused_at=now
        )
        limits.pause(account.pk)
    if changed:
        logger.error("Writing to Brevo account %s is paused: %s", account.pk, reason)
        notices.follow_account(BrevoAccount.objects.get(pk=account.pk))
    return queue.Later(reason, seconds=1, is_failure=False)  # its lane is closed until `resume`


def pause_for_staff(account: BrevoAccount, *, by: str, why: str) -> None:
    """Stop writing until staff resume it. Their reason takes the place of any other, so nothing lifts it by itself."""
    words = f"Paused by {by}: {why}"
    with transaction.atomic():  # state and reason in one statement: nobody resumes between them
        BrevoAccount.objects.filter(pk=account.pk).update(
            state=BrevoAccount.State.PAUSED, pause_reason=words, paused_at=Coalesce("paused_at", timezone.now())
        )
        limits.pause(account.pk)
    logger.warning("Writing to Brevo account %s is paused: %s", account.pk, words)
    account.refresh_from_db(fields=STANDING)
    notices.follow_account(account)


def resume(account: BrevoAccount) -> None:
    """Go on writing; what waited is written now."""
    with transaction.atomic():
        BrevoAccount.objects.filter(pk=account.pk).update(
            state=BrevoAccount.State.ACTIVE, pause_reason="", paused_at=None
        )
        limits.resume(account.pk)
    account.refresh_from_db(fields=STANDING)
    notices.follow_account(account)


def client_of(account: BrevoAccount) -> BrevoClient:
    """Return the account's client; without a key, pause the account and raise queue.Later."""
    try:
        return connections.brevo_client(account)
    except connections.NotConfigured as error:
        raise pause(account, f"{error} Then resume.") from error


NO_KEY, UNKNOWN_ADDRESS, DEAD_KEY = (
    "There is no Brevo key",
    "Brevo doesn't know this machine's address",
    "Brevo doesn't accept the API key any more",
)
"""How the words begin for what another key, or another address, may mend."""

ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")


def words_for(refused: errors.ApiError) -> str:
    """Return what staff should do about an account that refuses us."""
    if isinstance(refused, errors.UnknownAddress):
        found = ADDRESS.search(str(refused.body.get("message") or ""))
        named, what = (f", {found[0]}", found[0]) if found else ("", "the address that Brevo names")
        return (
            f"{UNKNOWN_ADDRESS}{named}. In Brevo, open Security → Authorised IPs and add {what}, or switch the "
            f"blocking of unknown addresses off; then resume. The key itself is right. Brevo said: {refused}"
        )
    if isinstance(refused, errors.Unauthorized):
        return f"{DEAD_KEY}. Make a new one in Brevo, put it in, then resume. {refused}"
    if isinstance(refused, errors.PaymentRequired):
        return f"The Brevo account has no credits or isn't activated. Settle that in Brevo, then resume. {refused}"
    return f"The Brevo account may not do this. Check its plan and permissions, then resume. {refused}"


def is_paused_for_key(account: BrevoAccount) -> bool:
    """Return whether writing waits because the key wasn't accepted: not staff's own pause, nor a matter of money."""
    return account.is_paused and account.pause_reason.startswith((NO_KEY, UNKNOWN_ADDRESS, DEAD_KEY))


def call(
    account: BrevoAccount,
    bucket: str,
    work: Callable[[], T],
    *,
    renew: Renew,
    is_paced: bool = True,
    patience: float = 0.0,
) -> T:
    """Make one call within the account's pace and return its result; wait for its turn up to `patience` seconds.

    What isn't this call's own fault becomes queue.Later: the rate limit, a service that is away, an account that has
    to be paused. `Later.__cause__` is the ApiError. Raises errors.Refused for a refusal of this very call.
    """
    if is_paced:
        wait_for(account, bucket, patience=patience)
    renew()
    try:
        return work()
    except errors.RateLimited as limited:
        seconds = limits.block(account.pk, bucket, seconds=limited.wait)
        raise queue.Later(str(limited), seconds=seconds, is_failure=False) from limited
    except (errors.Unauthorized, errors.PaymentRequired, errors.Forbidden) as refused:
        raise pause(account, words_for(refused)) from refused
    except errors.ApiError as error:
        if not error.is_retryable:
            raise
        raise queue.Later(str(error)) from error


def wait_for(account: BrevoAccount, bucket: str, *, patience: float = 0.0) -> None:
    """Take a call's place; raise queue.Later when the pace doesn't allow it within `patience` seconds."""
    ends_at = time.monotonic() + patience
    while seconds := limits.acquire(account.pk, bucket):
        if time.monotonic() + seconds > ends_at:
            raise queue.Later("Brevo's rate limit", seconds=seconds, is_failure=False)
        time.sleep(seconds)


def is_outcome_unknown(later: queue.Later) -> bool:
    """Return whether the call behind a Later may have been carried out although no answer came."""
    return isinstance(later.__cause__, errors.ApiError) and later.__cause__.is_done_unknown
