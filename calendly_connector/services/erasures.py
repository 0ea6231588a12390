"""Who was erased on request, known by a keyed digest alone: what was booked before that isn't taken in again."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from calendly_connector import conf
from calendly_connector.core.booking import Booking
from calendly_connector.models import Erasure, ErasureKey

WORDS = "This person was erased on request after this booking was made, so nothing of it is kept."
THE_KEY = 1  # there is one row

_kept: tuple[float, str] = (
    0.0,
    "",
)  # until when (monotonic) this process goes by the key that it has read, and the key


def is_erased(email: str, *, made_at: datetime) -> bool:
    """Return whether an address was erased at or after the moment when a booking was made.

    One query, and none while nobody was ever erased (known for RULES_KEPT_SECONDS). Raises SecretUnreadableError when
    FIELD_ENCRYPTION_KEYS lost the key: whoever was erased must not come back because of that.
    """
    return bool(_erased([email], made_at=made_at))


def without_erased_guests(seen: Booking) -> Booking:
    """Return a snapshot without the guests who were erased after it was booked."""
    guests = seen.meeting.guests
    gone = _erased(guests, made_at=seen.invitee.created_at) if guests else set()
    if not gone:
        return seen
    kept = tuple(guest for guest in guests if guest not in gone)
    return replace(seen, meeting=replace(seen.meeting, guests=kept))


def prepare() -> str:
    """Return the key, made now if this is the first erasure; then wait until every process knows that there are some.

    Raises ImproperlyConfigured without FIELD_ENCRYPTION_KEYS.
    """
    row, is_new = ErasureKey.objects.get_or_create(pk=THE_KEY, defaults={"key": secrets.token_urlsafe(32)})
    if is_new:
        time.sleep(conf.rules_kept_seconds())
    _keep(str(row.key))
    return str(row.key)


def remember(email: str, *, by: str, words: str) -> Erasure:
    """Keep that an address is erased from now on; again, when it was before. Takes part in the caller's transaction."""
    values = {"erased_at": timezone.now(), "asked_by": by[:150], "words": words}
    row, _is_new = Erasure.objects.update_or_create(digest=_digest(prepare(), email), defaults=values)
    return row


def find(email: str) -> Erasure | None:
    """Return the erasure of an address, if there was one."""
    key = _key()
    return Erasure.objects.filter(digest=_digest(key, email)).first() if key else None


def _erased(emails: Iterable[str], *, made_at: datetime) -> set[str]:
    key = _key()
    if not key:
        return set()
    digests = {_digest(key, email): email for email in emails}
    found = Erasure.objects.filter(digest__in=digests, erased_at__gte=made_at)
    return {digests[digest] for digest in found.values_list("digest", flat=True)}


def _digest(key: str, email: str) -> str:
    return hmac.new(key.encode(), email.strip().lower().encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _key() -> str:
    until, key = _kept
    if until > time.monotonic():
        return key
    row = ErasureKey.objects.filter(pk=THE_KEY).first()
    _keep(str(row.key) if row else "")
    return _kept[1]


def _keep(key: str) -> None:
    global _kept
    _kept = (time.monotonic() + conf.rules_kept_seconds(), key)
