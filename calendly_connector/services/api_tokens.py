"""Keys to our own API: made and shown once, found by their digest, and when they were last used."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from calendly_connector import masking
from calendly_connector.models import ApiToken

PREFIX = "cc_"  # tells people, and programs that look for leaked secrets, what it is
HINT = 8  # characters
NOTED_EVERY = timedelta(minutes=1)
LONGEST = 200  # characters: whatever is longer was never ours


def make(*, name: str, user: Any, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Return a new row and its token, which is told nobody again."""
    row = ApiToken(name=name, user=user, expires_at=expires_at)
    token = furnish(row)
    row.save()
    return row, token


def furnish(row: ApiToken) -> str:
    """Give a row that is not saved yet a token of 256 random bits, and return it."""
    token = PREFIX + secrets.token_urlsafe(32)
    row.digest, row.hint = digest(token), token[:HINT]
    masking.remember(token)
    return token


def digest(token: str) -> str:
    """Return what is kept of a token. Nobody guesses 256 bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find(token: str) -> ApiToken | None:
    """Return the row of a token that is valid now and whose user is active, with the user."""
    if not token or len(token) > LONGEST:
        return None
    row = ApiToken.objects.select_related("user").filter(digest=digest(token)).first()
    if row is None or not row.user.is_active or is_expired(row):
        return None
    return row


def is_expired(row: ApiToken) -> bool:
    """Return whether a token's time is over."""
    return row.expires_at is not None and row.expires_at <= timezone.now()


def note_use(row: ApiToken) -> None:
    """Keep when a token was used, once a minute at most."""
    now = timezone.now()
    if row.last_used_at and now - row.last_used_at < NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)
