"""Looks after each connection's webhook subscription: warns while Calendly can't deliver, makes a dead one anew, has
what was missed read again, and notices an unusual silence. Calendly itself tells nobody (calendly-api.md §5.6)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Subscription
from calendly_connector.core import health, silence
from calendly_connector.core.health import Health
from calendly_connector.models import Connection, Reading, WebhookDelivery
from calendly_connector.services import connection as connections
from calendly_connector.services import notices, reading, reread, subscription

Renew = Callable[[], None]
LONG_SLEEP = timedelta(hours=1)  # since the last check: we were switched off ourselves
REPAIRED = "Calendly had given up delivering (since {since}) and switched our subscription off"
DELETED = "Our subscription at Calendly was deleted (last seen {since})"


def watch_all(renew: Renew = lambda: None) -> str:
    """Look after every active connection; return what was found, in words. Nothing that one says stops the others."""
    found = []
    for connection in Connection.objects.filter(is_active=True).select_related("brevo_account").order_by("pk"):
        renew()
        found.append(f"{connection.name}: {watch(connection)}")
    return "\n".join(found) or "No connection receives webhooks."


def watch(connection: Connection) -> str:
    """Look after one connection and return what was found and done, in words; what Calendly refuses is words too."""
    if not connection.subscription:
        notices.close_notice(_key(connection), "The connection has no subscription at Calendly any more.")
        return "not subscribed."
    if connection.state == Connection.State.RECONNECT:
        return connection.state_reason or "has to be connected again."
    try:
        words = _look(connection)
    except errors.ApiError as error:
        words = f"Failed: {subscription.words_for(error)}"
    except connections.NotConfigured as error:
        words = f"Failed: {error}"
    reading.go_on_all(connection)
    return " ".join([words, *_listen(connection)])


def _look(connection: Connection) -> str:
    """Read the subscription's state and act on it. Raises ApiError, NotConfigured."""
    client = connections.calendly_client(connection)
    row = _read(client, connection.subscription)
    retry_started_at = health.parse_moment(row.retry_started_at) if row else connection.retry_started_at
    heard_at = last_delivery_at(connection)
    found = judge(connection, row, retry_started_at, heard_at)
    if found is Health.ELSEWHERE and row:
        return _point_out(connection, row)
    if found is not Health.GOOD or _slept_through(connection, retry_started_at):
        _keep_gap_start(connection, retry_started_at, heard_at)
    _keep(connection, row.state if row else "", retry_started_at, is_good=found is Health.GOOD)
    if found is Health.FAILING:
        return _warn(connection)
    return _mend(connection, found) if found in (Health.DISABLED, Health.GONE) else _recover(connection)


def _read(client: CalendlyClient, uri: str) -> Subscription | None:
    try:
        return client.get_subscription(uri)
    except errors.NotFound:
        return None


def judge(
    connection: Connection, row: Subscription | None, retry_started_at: datetime | None, heard_at: datetime | None
) -> Health:
    """Return how a connection's subscription is; `row` is Calendly's, None when it is gone there."""
    if row is None:
        return Health.GONE
    if not subscription.posts_to_us(row, connection):
        return Health.ELSEWHERE
    return health.judge(row.state, retry_started_at=retry_started_at, last_delivery_at=heard_at)


def _slept_through(connection: Connection, retry_started_at: datetime | None) -> bool:
    """Return whether Calendly had trouble while nobody looked. The next of its retries may be hours away."""
    checked_at = connection.subscription_checked_at
    if not (checked_at and retry_started_at):
        return False
    return retry_started_at > checked_at and timezone.now() - checked_at > LONG_SLEEP


def _keep_gap_start(connection: Connection, retry_started_at: datetime | None, heard_at: datetime | None) -> None:
    """Remember from when on something may have been missed, before anything is done about it: we may be killed.

    `subscription_checked_at` is the last check that found all well.
    """
    if connection.reread_since is None:
        moments = (retry_started_at, heard_at, connection.subscription_checked_at)
        connection.reread_since = health.gap_start(*moments, now=timezone.now(), floor=connection.created_at)
        connection.save(update_fields=["reread_since"])


def _keep(connection: Connection, state: str, retry_started_at: datetime | None, *, is_good: bool) -> None:
    connection.subscription_state = state
    connection.retry_started_at = None if is_good else retry_started_at
    if is_good:
        connection.subscription_checked_at = timezone.now()
    connection.save(update_fields=["subscription_state", "retry_started_at", "subscription_checked_at"])


def _point_out(connection: Connection, row: Subscription) -> str:
    """Tell that the known subscription is another installation's, or of a former address: it is not ours to delete."""
    words = (
        f"The subscription that we know posts to {row.callback_url}, not to {subscription.callback_url(connection)}. "
        "If this installation has moved, subscribe again; if it is a copy of another one, disconnect it."
    )
    notices.open_notice(_key(connection), f"{connection.name}: webhooks go to another address", words)
    return words


def _warn(connection: Connection) -> str:
    since = health.in_words(connection.retry_started_at or timezone.now())
    reached = subscription.test_loop_back(connection)
    words = (
        f"Calendly can't deliver since {since}. It tries for 24 hours, then it switches the subscription off; we make "
        f"it anew then. Nothing is lost: what was missed is read afterwards. {reached.words}"
    )
    notices.open_notice(_key(connection), f"{connection.name}: Calendly can't deliver", words)
    began_at = notices.open_since(_key(connection))
    read = _gap_readings(connection).filter(asked_at__gte=began_at or timezone.now())
    if reached.is_reached and not read.exists():
        _read_gap(connection, "Calendly's next try may be hours away")
    return words


def _mend(connection: Connection, found: Health) -> str:
    """Make a dead subscription anew and have what was missed read again."""
    since = health.in_words(connection.retry_started_at or connection.subscription_checked_at or timezone.now())
    what = (REPAIRED if found is Health.DISABLED else DELETED).format(since=since)
    title = f"{connection.name}: the webhook subscription broke"
    try:
        subscription.subscribe(connection)
    except (errors.ApiError, connections.NotConfigured) as error:
        words = subscription.words_for(error) if isinstance(error, errors.ApiError) else str(error)
        notices.open_notice(_key(connection), title, f"{what}. It can't be made again: {words}")
        raise
    words = f"{what}. It was made again, and everything since is being read."
    notices.open_notice(_key(connection), title, words)
    _read_gap(connection, what)
    return words


def _recover(connection: Connection) -> str:
    """Have the gap read after the trouble, and tell staff once it is certain that deliveries come through again."""
    if connection.reread_since:
        _read_gap(connection, "Calendly could not deliver")
    since = notices.open_since(_key(connection))
    if since is None:
        return "active."
    if reading.open_reading(connection, Reading.Kind.GAP):
        return "active; what was missed is being read."
    heard_at, reached = last_delivery_at(connection), subscription.test_loop_back(connection)
    if not reached.is_reached and not (heard_at and heard_at > since):
        return f"active, but nothing has come through yet. {reached.words}"
    notices.close_notice(_key(connection), f"Deliveries come through again. {_what_was_found(connection, since)}")
    return "active."


def _read_gap(connection: Connection, why: str) -> None:
    """Have everything since the trouble began read, unless that is under way."""
    if connection.reread_since and not reading.open_reading(connection, Reading.Kind.GAP):
        reread.reread(connection, connection.reread_since, why=why)


def _what_was_found(connection: Connection, since: datetime) -> str:
    """Return what the readings since the trouble was noticed have found."""
    found = _gap_readings(connection).filter(asked_at__gte=since).aggregate(news=Sum("news"))["news"]
    if found is None:
        return ""
    return (
        "Everything since was read again: nothing was missed."
        if not found
        else (f"Everything since was read again: {found} bookings were news, and are taken in now.")
    )


def _gap_readings(connection: Connection) -> QuerySet[Reading]:
    return Reading.objects.filter(connection=connection, kind=Reading.Kind.GAP)


def _listen(connection: Connection) -> list[str]:
    """Look for an unusual silence, which only a delivery ends; return words about one."""
    now, key = timezone.now(), notices.key_of(connection, "silence")
    heard, heard_at, since = _heard(connection, now), last_delivery_at(connection), notices.open_since(key)
    if since and heard_at and heard_at > since:
        notices.close_notice(key, "Deliveries come in again.")
        since = None
    is_silent = bool(since) or silence.is_unusual(heard, now=now)
    if is_silent and not since:
        notices.open_notice(key, f"{connection.name}: unusually quiet", _words_for_silence(heard, now))
        reread.reread(connection, min(max(heard), now - timedelta(days=1)), why="It was unusually quiet")
    if is_silent != connection.is_silent:
        connection.is_silent = is_silent
        connection.save(update_fields=["is_silent"])
    return ["Unusually quiet."] if is_silent else []


def _words_for_silence(heard: list[datetime], now: datetime) -> str:
    return (
        f"Nothing was delivered since the hour of {health.in_words(max(heard))}. Of the hours since, "
        f"{silence.expected_hours(heard, now=now):.0f} usually bring something. What may have been missed is read "
        "again. Perhaps nobody booked (a holiday?); else look whether the booking pages work."
    )


def _heard(connection: Connection, now: datetime) -> list[datetime]:
    """Return the hours of the last weeks in which something was delivered."""
    recent = WebhookDelivery.objects.filter(connection=connection, received_at__gte=now - silence.MEMORY)
    hours = recent.exclude(webhook_name=subscription.PING).annotate(hour=TruncHour("received_at", tzinfo=UTC))
    return list(hours.order_by().values_list("hour", flat=True).distinct())


def last_delivery_at(connection: Connection) -> datetime | None:
    """Return when Calendly last delivered something; what we post to ourselves doesn't count."""
    deliveries = WebhookDelivery.objects.filter(connection=connection).exclude(webhook_name=subscription.PING)
    return deliveries.order_by("-received_at").values_list("received_at", flat=True).first()


def _key(connection: Connection) -> str:
    return notices.key_of(connection, "subscription")
