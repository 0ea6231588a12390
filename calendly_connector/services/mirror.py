"""Brevo's deliveries → the mirrors of people's contacts; and what a mirror says to whoever writes to Brevo.

Nothing here writes to Brevo, so our own writes, which come back as news, lead to nothing. One exception is asked for
through the outbox: an opt-out that would be lost because we wrote before we heard of a deletion.
"""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from django.db import OperationalError, transaction
from django.utils import timezone

from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.core import brevo_news
from calendly_connector.core import mirror as core_mirror
from calendly_connector.core.brevo_news import Ignored, News, Unreadable, Word
from calendly_connector.core.errors import MalformedNews
from calendly_connector.core.mirror import Mirror
from calendly_connector.core.respect import Standing
from calendly_connector.models import BrevoDelivery, ContactMirror, Person, SyncLogEntry
from calendly_connector.services import erasures, journal, ledger

logger = logging.getLogger(__name__)

State = BrevoDelivery.State
BATCH = 100
NOT_FULLY = "{} Of the rest, {} can't be read: {}"
STUMBLED = "It couldn't be taken in because of a fault of ours ({}). The worker's log has more; then take it in again."


def take_in_all(account_id: int, renew: Callable[[], None]) -> None:
    """Take in every stored delivery of an account, oldest first. May be repeated, by several workers at once."""
    waiting = BrevoDelivery.objects.filter(account=account_id, state=State.STORED).order_by("pk")
    while numbers := list(waiting.values_list("pk", flat=True)[:BATCH]):
        for number in numbers:
            renew()
            _take_in_if_possible(number)


def _take_in_if_possible(delivery_id: int) -> None:
    """Take in one delivery; one that we stumble over doesn't stop those behind it."""
    try:
        take_in(delivery_id)
    except OperationalError:
        raise
    except Exception as error:
        logger.exception("Delivery %s from Brevo can't be taken in", delivery_id)
        _settle(delivery_id, State.MALFORMED, STUMBLED.format(type(error).__name__))


def take_in(delivery_id: int) -> None:
    """Read one stored delivery and keep what it says of people whom we know."""
    delivery = BrevoDelivery.objects.filter(pk=delivery_id, state=State.STORED).first()
    if delivery is None:
        return
    try:
        found = brevo_news.read(json.loads(bytes(delivery.body)), received_at=delivery.received_at)
    except (MalformedNews, ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, MalformedNews) else "The body is no JSON."
        _settle(delivery_id, State.MALFORMED, words)
        return
    news = [each for each in found if isinstance(each, News)]
    with transaction.atomic():
        known = _keep_all(delivery.account_id, news)
        state, reason = _outcome(found, known)
        _settle(delivery_id, state, reason)
        if any(each.email not in known and erasures.find(each.email) for each in news):
            BrevoDelivery.objects.filter(pk=delivery_id).exclude(state=State.MALFORMED).update(body=b"")


def standing_of(person: Person) -> Standing:
    """Return what Brevo told of a person, as far as it binds whoever writes. One query, unless the mirror was read."""
    account = person.connection.brevo_account
    row: ContactMirror | None = getattr(person, "mirror", None)
    if row is None:
        return Standing(follows_opt_outs=account.follows_opt_outs)
    return Standing(
        opt_out=row.opt_out,
        left_lists=frozenset(row.unsubscribed_lists),
        deleted_at=row.deleted_at,
        follows_opt_outs=account.follows_opt_outs,
    )


def note_read(row: ContactMirror, contact: Contact | None, *, was_there: bool, at: datetime) -> None:
    """Let a mirror say what was read of its contact (None: there is none) at a moment; the caller saves.

    Only a block ends by being read so: whoever unsubscribed from single lists isn't blocked, and is no subscriber.
    """
    mirror, seconds = _mirror_of(row), int(at.timestamp())
    if contact is None:
        if was_there and not mirror.deleted_at:
            mirror = core_mirror.take(mirror, News(word=Word.DELETED, email="", at=seconds))
    else:
        is_news = contact.is_blocked or mirror.opt_out == core_mirror.BLOCKED
        blocked = contact.is_blocked if is_news else None
        seen = News(word=Word.UPDATED, email="", at=seconds, lists=contact.unsubscribed_lists, is_blocked=blocked)
        mirror = core_mirror.without_lists(core_mirror.take(mirror, seen), contact.lists)
        row.contact_id = contact.id
    _fill(row, mirror)
    row.read_at = at


def made_anew(person: Person) -> None:
    """Note that we made a contact that had been deleted in Brevo. Call it inside a transaction."""
    row = ContactMirror.objects.select_for_update().filter(person=person).first()
    if row:
        _fill(row, core_mirror.made_anew(_mirror_of(row), at=int(timezone.now().timestamp())))
        row.save()


def _keep_all(account_id: int, news: Iterable[News]) -> set[str]:
    """Keep news in the mirrors of everybody with that address; return the addresses that somebody has."""
    by_email: dict[str, list[News]] = defaultdict(list)
    for each in news:
        by_email[each.email].append(each)
    people = Person.objects.filter(connection__brevo_account=account_id, email__in=by_email)
    found = list(people.select_related("connection__brevo_account").order_by("pk"))
    ContactMirror.objects.bulk_create([ContactMirror(person=person) for person in found], ignore_conflicts=True)
    rows = ContactMirror.objects.select_for_update().order_by("pk").in_bulk([person.pk for person in found])
    for person in found:
        _keep(person, rows[person.pk], by_email[person.email])
    return {person.email for person in found}


def _keep(person: Person, row: ContactMirror, news: Iterable[News]) -> None:
    before = (row.deleted_at, bool(row.opt_out))
    mirror = _mirror_of(row)
    for each in news:
        mirror = core_mirror.take(mirror, each)
    _fill(row, mirror)
    if (row.deleted_at, bool(row.opt_out)) != before:
        _note_what_came_late(person, row, mirror)
    row.save()


def _note_what_came_late(person: Person, row: ContactMirror, mirror: Mirror) -> None:
    """See to a contact that we wrote after it was deleted, before we heard all: it is there again, but knows nothing.

    An opt-out from before its end is told to Brevo once more, since ours was the write that lost it.
    """
    gone_at = mirror.told.get(core_mirror.DELETED)
    if gone_at is None or person.pushed_at is None or person.pushed_at.timestamp() < gone_at + 1:
        return
    if mirror.opted_out_at is not None and mirror.opted_out_at <= gone_at:
        _fill(row, core_mirror.gone_still(mirror))
        SyncLogEntry.objects.create(
            connection_id=person.connection_id,
            person=person,
            kind=SyncLogEntry.Kind.CONTACT,
            summary="Record an opt-out once more: the contact was written just after it was deleted in Brevo",
            request={journal.MAKE_ANEW: True, "guest": True},
        )
        ledger.ask_for_push(person)
    elif mirror.deleted_at and person.bookings.filter(booked_at__gte=_moment(gone_at + 1)).exists():
        _fill(row, core_mirror.made_anew(mirror, at=int(person.pushed_at.timestamp())))


def _mirror_of(row: ContactMirror) -> Mirror:
    """Return a row as the core's value. What the row says without its time being kept counts from its own time."""
    times: Mapping[str, Mapping[str, int]] = row.heard
    told = dict(times.get("told", {}))
    if row.opt_out:
        told.setdefault(row.opt_out, _seconds(row.opted_out_at) or 0)
    if row.deleted_at:
        told.setdefault(core_mirror.DELETED, _seconds(row.deleted_at) or 0)
    left = times.get("lists", {})
    values = times.get("attributes", {})
    return Mirror(
        told=told,
        lists={number: left.get(str(number), 0) for number in row.unsubscribed_lists},
        attributes={name: (values.get(name, 0), value) for name, value in row.attributes.items()},
    )


def _fill(row: ContactMirror, mirror: Mirror) -> None:
    """Set every column that the core's value decides; the caller saves."""
    row.heard = {
        "told": dict(mirror.told),
        "lists": {str(number): at for number, at in mirror.lists.items()},
        "attributes": {name: at for name, (at, _value) in mirror.attributes.items()},
    }
    row.opt_out, row.opted_out_at = mirror.opt_out, _moment(mirror.opted_out_at)
    row.deleted_at, row.told_at = _moment(mirror.deleted_at), _moment(mirror.told_at)
    row.unsubscribed_lists = sorted(mirror.lists)
    row.attributes = {name: value for name, (_at, value) in mirror.attributes.items()}


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _outcome(found: Sequence[News | Ignored | Unreadable], known: set[str]) -> tuple[BrevoDelivery.State, str]:
    """Return what became of a delivery, in words that name nobody."""
    news = [each for each in found if isinstance(each, News)]
    kept = [each for each in news if each.email in known]
    problems = [each.problem for each in found if isinstance(each, Unreadable)]
    reasons = Counter(each.reason for each in found if isinstance(each, Ignored))
    strangers = len(news) - len(kept)
    parts = [f"Taken in: {_counted(kept)}."] if kept else []
    parts += [f"About people without a booking here: {strangers}."] if strangers else []
    parts += [reason if count == 1 else f"{count} × {reason}" for reason, count in reasons.items()]
    words = " ".join(parts) or "There was nothing in it."
    if not problems:
        return (State.PROCESSED if kept else State.IGNORED), words
    if len(problems) == len(found):
        return State.MALFORMED, problems[0]
    return (State.PROCESSED if kept else State.MALFORMED), NOT_FULLY.format(words, len(problems), problems[0])


def _counted(news: Iterable[News]) -> str:
    counts = Counter(SPOKEN[each.word] for each in news)
    return ", ".join(f"{name} × {count}" if count > 1 else name for name, count in counts.items())


SPOKEN = {
    Word.UNSUBSCRIBED: "unsubscribed",
    Word.BOUNCED: "hard bounce",
    Word.COMPLAINED: "reported as spam",
    Word.DELETED: "contact deleted",
    Word.UPDATED: "contact changed",
}


def _settle(delivery_id: int, state: BrevoDelivery.State, reason: str) -> None:
    BrevoDelivery.objects.filter(pk=delivery_id, state=State.STORED).update(
        state=state, reason=reason, processed_at=timezone.now()
    )
