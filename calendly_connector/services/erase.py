"""Erases a person on request: in Brevo first, if that was asked for, then everything of theirs here at once.

    hold their jobs ─▶ Brevo ─▶ Calendly, where its plan allows it ─▶ one transaction here ─▶ look once more

Nothing here is deleted when Brevo fails. What Calendly keeps is said in words. An `Erasure` row, which doesn't say who,
keeps later readings from bringing the past back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import F, Model, QuerySet

from calendly_connector.core.trace import Trace
from calendly_connector.models import (
    Booking,
    BrevoDelivery,
    BulkImport,
    Erasure,
    Job,
    Person,
    SchedulingLink,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import (
    bulk,
    clock,
    crm_tasks,
    erasures,
    holding,
    ledger,
    limits,
    marking,
    people,
    receive,
    traces,
)
from calendly_connector.services import erase_outside as outside
from calendly_connector.services.traces import Found, Mention

PIECE = 500  # keys in one statement
LOOKS = 3  # after the deletion, at what others may have written beside it

NotErased = outside.NotErased


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was deleted (or would be), and what wasn't, in words for staff."""

    counts: dict[str, int]
    brevo: tuple[str, ...]
    calendly: tuple[str, ...]
    erasure: Erasure | None = None  # None: it was only asked what would be deleted

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "erased": self.erasure is not None,
            "counts": self.counts,
            "brevo": list(self.brevo),
            "calendly": list(self.calendly),
        }


def foresee(email: str) -> Report:
    """Return what there is to be erased, without touching anything; raise UnknownPerson for nothing at all."""
    address = people.spelled(email)
    found = traces.find(address)
    if found.is_empty:
        raise people.UnknownPerson(_nothing(address))
    known = _people(address)
    return Report(
        counts=found.counts,
        brevo=(*outside.left_in_brevo(known), *outside.tasks_in_brevo(known)),
        calendly=(*outside.to_come(known), *outside.at_calendly(address, known, is_wanted=False)),
    )


def erase(email: str, *, by: str, in_brevo: bool = False, at_calendly: bool = False) -> Report:
    """Erase a person in every connection, for good; return what was done and what wasn't.

    Raises UnknownPerson when there is nothing, NotErased when Brevo fails, holding.Busy while they are written to.
    """
    address = people.spelled(email)
    found, known = traces.find(address), _people(address)
    if found.is_empty and not in_brevo and not at_calendly:
        raise people.UnknownPerson(_nothing(address))
    try:
        erasures.prepare()
    except (ImproperlyConfigured, SecretUnreadableError) as error:
        raise NotErased(f"Nothing was erased, for it couldn't be kept in mind. {error}") from error
    with holding.held(_jobs(known, in_brevo=in_brevo)):
        _need_the_same(known)
        tasks = outside.tasks_in_brevo(known)
        brevo = [*(outside.in_brevo(address, known) if in_brevo else outside.left_in_brevo(known)), *tasks]
        calendly = [*outside.to_come(known), *outside.at_calendly(address, known, is_wanted=at_calendly)]
        found = traces.find(address)
        report = Report(counts=found.counts, brevo=tuple(brevo), calendly=tuple(calendly))
        row = _delete(address, found, by=by, words=_words(report))
        _look_again(address)
    return Report(counts=report.counts, brevo=report.brevo, calendly=report.calendly, erasure=row)


def _people(address: str) -> list[Person]:
    return list(people.rows().filter(email=address).order_by("pk"))


def _nothing(address: str) -> str:
    before = erasures.find(address)
    words = "Nothing here names this address."
    return f"{words} It was erased on {before.erased_at:%Y-%m-%d}." if before else words


def _jobs(known: Iterable[Person], *, in_brevo: bool) -> list[holding.Key]:
    """Return the jobs that write these people; raise Busy for an import that Brevo is working on."""
    keys: list[holding.Key] = []
    for person in known:
        keys.append((ledger.PUSH, person.pk, limits.key_of(person.connection.brevo_account_id, "contacts")))
        if person.bulk_import_id is None:
            continue
        state = BulkImport.objects.filter(pk=person.bulk_import_id).values_list("state", flat=True).first()
        if in_brevo and state == BulkImport.State.RUNNING:
            raise holding.Busy("Brevo is importing this person with others right now. Try again in some minutes.")
        is_gathered = state in (BulkImport.State.GATHERING, BulkImport.State.CLOSED)
        keys.append((bulk.CLOSE if is_gathered else bulk.ADVANCE, person.bulk_import_id, ""))
    if in_brevo and _is_link_imported(known):
        raise holding.Busy("Brevo is importing this person's link right now. Try again in some minutes.")
    return list(dict.fromkeys(keys))


def _is_link_imported(known: Iterable[Person]) -> bool:
    """Return whether an import is under way that would make a contact anew which is deleted meanwhile."""
    emails = {person.email for person in known}
    runs = SchedulingLink.objects.filter(email__in=emails, run__process__isnull=False, run__finished_at=None)
    return runs.filter(pk__gt=F("run__written_to"), pk__lte=F("run__piece_to")).exists()


def _need_the_same(known: Iterable[Person]) -> None:
    """Raise Busy when somebody was put into another import before their jobs were held."""
    for person in known:
        if not Person.objects.filter(pk=person.pk, bulk_import=person.bulk_import_id).exists():
            raise holding.Busy("This person was just put into an import. Try again in a minute.")


def _words(report: Report) -> str:
    counts = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in report.counts.items())
    return "\n".join((f"Deleted here: {counts or 'nothing'}.", *report.brevo, *report.calendly))


def _delete(address: str, found: Found, *, by: str, words: str) -> Erasure:
    """Delete everything of a person, and take the address out of what stays. One transaction, begun by their locks."""
    with transaction.atomic():
        locked = list(Person.objects.select_for_update().filter(email=address).order_by("pk"))
        row = erasures.remember(address, by=by, words=words)
        bookings = list(Booking.objects.filter(person__in=locked).values_list("pk", flat=True))
        deliveries = [*found.own_deliveries, *found.other_deliveries]
        _drop_jobs((ledger.PUSH, clock.TURN), [person.pk for person in locked])
        _drop_jobs((ledger.MISSING_HALF, ledger.GREET_GUESTS, marking.CATCH_UP, crm_tasks.WRITE), bookings)
        _drop_jobs((receive.TAKE_IN,), deliveries)
        SyncLogEntry.objects.filter(person__in=locked).delete()
        Booking.objects.filter(person__in=locked).delete()
        Person.objects.filter(pk__in=[person.pk for person in locked]).delete()  # consents, mirror and drift with them
        WebhookDelivery.objects.filter(email=address).delete()
        _drop(WebhookDelivery, deliveries)
        _take_out(address, found)
    return row


def _look_again(address: str) -> None:
    """Take out what others wrote beside us. What is the person's own by now was made after the erasure, and stays."""
    for _time in range(LOOKS):
        found = traces.find(address)
        if not (found.other_deliveries or found.brevo_deliveries or found.open_bodies or found.mentions):
            return
        with transaction.atomic():
            _drop(WebhookDelivery, found.other_deliveries)
            _take_out(address, found)


def _take_out(address: str, found: Found) -> None:
    _drop(BrevoDelivery, found.brevo_deliveries)
    for model, keys in found.rows.items():
        _drop(model, keys)
    trace = Trace(address)
    for mention in (*found.open_bodies, *found.mentions):
        _blank(mention, trace)


def _blank(mention: Mention, trace: Trace) -> None:
    """Take the address out of a row as it is now: it is locked, for its owner may be writing it."""
    rows: QuerySet[Any] = mention.model._default_manager.select_for_update()
    row = rows.filter(pk=mention.pk).only("pk", *mention.columns).first()
    if row is None:
        return
    mention.model._default_manager.filter(pk=mention.pk).update(
        **{name: _blanked(mention.model, name, getattr(row, name), trace) for name in mention.columns}
    )


def _blanked(model: type[Model], name: str, value: Any, trace: Trace) -> Any:
    if isinstance(value, bytes | memoryview):
        return trace.without_in_body(bytes(value))
    found = trace.without(value)
    return found[: getattr(model._meta.get_field(name), "max_length", None)] if isinstance(found, str) else found


def _drop_jobs(kinds: Iterable[str], subjects: Sequence[int]) -> None:
    for start in range(0, len(subjects), PIECE):
        Job.objects.filter(kind__in=list(kinds), subject__in=subjects[start : start + PIECE]).delete()


def _drop(model: type[Model], keys: Sequence[int]) -> None:
    for start in range(0, len(keys), PIECE):
        model._default_manager.filter(pk__in=keys[start : start + PIECE]).delete()
