"""The pace of calls to one account, kept in the database so that all workers share it (design.md §4.7).

Brevo: 10 contact calls and 10 events a second, everything unlisted 100 an hour, unless its headers say otherwise.
"""

import math
from collections.abc import Mapping

from django.db.models import F
from django.db.models.functions import Greatest

from calendly_connector.models import RateLimit
from calendly_connector.services import common_clock, tally

FAST, HOURLY, MINUTELY = 0.1032, 45.0, 60.0
"""Seconds between calls at an even pace. A little over a tenth: with the burst below, no second sees an eleventh call.
Of a hundred an hour, eighty go evenly and twenty may go at once. CRM tasks, one a minute, are a part of them."""

INTERVALS = {"contacts": FAST, "events": FAST, "other": HOURLY, "tasks": MINUTELY}
"""Event batches count as other, until shown otherwise. A CRM task takes a place in both of the last two."""

EARLY = 0.03  # seconds by which a call may be early, so that one that came late is made up for
DOCUMENTED = {
    "contacts": 0.1,
    "events": 0.1,
    "other": 36.0,
    "tasks": 36.0,
}  # seconds between calls by Brevo's own table
BURST = {FAST: EARLY, HOURLY: 900.0, MINUTELY: EARLY}  # how far ahead of an even pace a call may be
LONGEST_WAIT = {"contacts": 30.0, "events": 30.0, "other": 3600.0, "tasks": 3600.0}
"""Some answers name the reset in milliseconds, or absurdly far away (brevo-api.md §6): never wait longer."""

PARTS = {"other": ("tasks",)}
"""Bucket → those that are a part of it, and whose pace follows its headers."""

REMAINING = "api_remaining"
PAUSED = 32_503_680_000.0  # the year 3000


def key_of(account_id: int, bucket: str) -> str:
    """Return a bucket's key."""
    return f"brevo:{account_id}:{bucket}"


def account_of(key: str) -> int:
    """Return the account that a key belongs to."""
    return int(key.split(":")[1])


def open_buckets(account_id: int) -> None:
    """Create an account's buckets, once."""
    rows = [RateLimit(key=key_of(account_id, name), interval=seconds) for name, seconds in INTERVALS.items()]
    RateLimit.objects.bulk_create(rows, ignore_conflicts=True)


def acquire(account_id: int, bucket: str, *, spares_burst: bool = False) -> float:
    """Take a call's place and return 0, or return the seconds until one may come free.

    `spares_burst` leaves what may go at once to whoever is in more of a hurry.
    """
    now, key = common_clock.timestamp(), key_of(account_id, bucket)
    burst = EARLY if spares_burst else BURST[INTERVALS[bucket]]
    waiting = RateLimit.objects.filter(pk=key)
    if waiting.filter(free_at__lte=now + burst, blocked_until__lte=now).update(
        free_at=Greatest(F("free_at"), now) + F("interval")
    ):
        return 0.0
    row = waiting.first()
    if row is None:
        open_buckets(account_id)
        return acquire(account_id, bucket, spares_burst=spares_burst)
    return max(row.free_at - burst - now, row.blocked_until - now, 0.001)


def charge(account_id: int, bucket: str) -> None:
    """Count a call that is made without waiting (the second half of one write)."""
    RateLimit.objects.filter(pk=key_of(account_id, bucket)).update(
        free_at=Greatest(F("free_at"), common_clock.timestamp()) + F("interval")
    )


def block(account_id: int, bucket: str, *, seconds: float) -> float:
    """Stop all workers' calls after a 429 and return for how many seconds, capped."""
    seconds = min(seconds or 1.0, LONGEST_WAIT[bucket])
    RateLimit.objects.filter(pk=key_of(account_id, bucket)).update(
        blocked_until=Greatest(F("blocked_until"), common_clock.timestamp() + seconds)
    )
    return seconds


def pause(account_id: int) -> None:
    """Close every bucket of an account until `resume`."""
    open_buckets(account_id)
    RateLimit.objects.filter(pk__in=_keys(account_id)).update(blocked_until=PAUSED)


def resume(account_id: int) -> None:
    """Open every bucket of an account."""
    RateLimit.objects.filter(pk__in=_keys(account_id)).update(blocked_until=0)


def follow(account_id: int, bucket: str, headers: Mapping[str, str]) -> None:
    """Take the pace from an answer's headers when the account has another limit than the documented one."""
    note_remaining("Brevo", account_id, bucket, headers.get("x-sib-ratelimit-remaining", ""))
    try:
        limit, reset = float(headers["x-sib-ratelimit-limit"]), float(headers["x-sib-ratelimit-reset"])
    except (KeyError, ValueError):
        return
    window = _window(bucket, limit, reset)
    if window is None:
        return
    for name in (bucket, *PARTS.get(bucket, ())):
        key, interval = key_of(account_id, name), window / limit * (INTERVALS[name] / DOCUMENTED[name])
        if _paces.get(key) != interval:
            RateLimit.objects.filter(pk=key).update(interval=interval)
            _paces[key] = interval


def follow_calendly(connection_id: int, headers: Mapping[str, str]) -> None:
    """Note what an answer of Calendly's says of the calls that are left, for whoever watches."""
    note_remaining("Calendly", connection_id, "all", headers.get("x-ratelimit-remaining", ""))


def note_remaining(service: str, number: int, bucket: str, remaining: str) -> None:
    """Note how many calls an answer says are left; nothing when it doesn't say."""
    if remaining.isascii() and remaining.isdigit():
        tally.tell(REMAINING, service, number, bucket, value=float(remaining))


def _window(bucket: str, limit: float, reset: float) -> float | None:
    """Return the seconds that a limit is for: one, or an hour. None: neither, so it isn't guessed at.

    A limit of the fast buckets is 10 to 60 a second or at least 36,000 an hour (brevo-api.md §6); their reset may be
    in milliseconds, so it can't tell alone.
    """
    if not math.isfinite(limit) or limit <= 0:
        return None
    if INTERVALS[bucket] == FAST and limit < 3600:
        return 1.0 if reset <= 1 else None
    return 3600.0 if limit >= 60 else None


_paces: dict[str, float] = {}  # what this process last wrote, so that an unchanged pace costs nothing


def _keys(account_id: int) -> list[str]:
    return [key_of(account_id, bucket) for bucket in INTERVALS]
