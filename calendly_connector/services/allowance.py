"""How often somebody may call us: so many at once, and then at an even pace. Kept in the database, so that all our
processes count together without Redis; one statement counts and decides."""

from django.db.models import F
from django.db.models.functions import Greatest

from calendly_connector.models import RateLimit
from calendly_connector.services import common_clock


def take(key: str, *, per_minute: int) -> float:
    """Take a call's place and return 0, or return the seconds until one may come free. Costs no write when refused.

    Generic cell rate algorithm: `per_minute` calls may come at once, and each gives its place free after its share of
    a minute.
    """
    return take_of(key, count=per_minute, seconds=60.0)


def take_of(key: str, *, count: int, seconds: float) -> float:
    """Do the same for `count` calls in so many seconds."""
    now, interval = common_clock.timestamp(), seconds / count
    burst = seconds - interval
    bucket = RateLimit.objects.filter(pk=key)
    if bucket.filter(free_at__lte=now + burst).update(free_at=Greatest(F("free_at"), now) + interval):
        return 0.0
    row = bucket.first()
    if row is None:
        RateLimit.objects.bulk_create([RateLimit(key=key, interval=interval)], ignore_conflicts=True)
        return take_of(key, count=count, seconds=seconds)
    return max(row.free_at - burst - now, 0.001)


def wait_of(key: str, *, count: int, seconds: float) -> float:
    """Return the seconds until `take_of` would give a place, and take none."""
    row = RateLimit.objects.filter(pk=key).first()
    if row is None:
        return 0.0
    burst = seconds - seconds / count
    return max(0.0, row.free_at - burst - common_clock.timestamp())
