"""One person by e-mail address: found in every connection or in one, and everything we know of them as plain values."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import person as core_person
from calendly_connector.core.difference import Comparison
from calendly_connector.core.person import Summary
from calendly_connector.models import Booking, BrevoList, Connection, ContactMirror, Person
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import compare, mapping, queue

SECRETS = ("access_token", "refresh_token", "signing_key", "previous_signing_key")
LOG_SHOWN = 20
LONGEST = 320  # characters of an address

Values = dict[str, Any]


class UnknownPerson(Exception):
    """Nobody is known by this address; the text says so, and what can be done."""


def spelled(email: str) -> str:
    """Return an address as the key of a person; raise UnknownPerson for what can't be one."""
    text = email.strip().lower()
    is_storable = "\0" not in text and text.encode("utf-8", "replace").decode() == text
    if "@" not in text or len(text) > LONGEST or not is_storable:
        raise UnknownPerson("This is no e-mail address.")
    return text


def rows() -> QuerySet[Person]:
    """Return people with their connections, without secrets."""
    secrets = [f"connection__{name}" for name in SECRETS]
    hidden = ("connection__brevo_account__api_key", "connection__brevo_account__webhook_secret")
    return Person.objects.select_related("connection__brevo_account").defer(*secrets, *hidden)


def find(email: str, *, connection: Connection | None = None) -> list[Person]:
    """Return the person of every connection, or of one, by an address in any case; raise UnknownPerson for nobody."""
    found = rows().filter(email=spelled(email)).order_by("pk")
    people = list(found.filter(connection=connection) if connection else found)
    if not people:
        where = f"“{connection}”" if connection else "any connection"
        raise UnknownPerson(f"Nobody is known by this address in {where}. “sync” looks for them in Calendly.")
    return people


def brief(person: Person) -> Values:
    """Return a person in few words; `person.connection` should have been read."""
    return {
        "id": person.pk,
        "email": person.email,
        "connection": {"id": person.connection_id, "name": person.connection.name},
        "known_since": person.created_at.isoformat(),
        "written_at": _moment(person.pushed_at),
    }


def describe(person: Person, *, asks_brevo: bool) -> Values:
    """Return what we know of a person. Brevo is asked, by one call that writes nothing, only if that is wanted."""
    bookings = list(person.bookings.order_by("-booked_at", "-pk"))
    rules = mapping.rules_of(person.connection)
    counted = [row.to_entry() for row in bookings if row.event_type not in rules.ignored_types]
    summary = core_person.summarise(counted, now=timezone.now(), grace=rules.grace)
    return {
        **brief(person),
        "name": bookings[0].name if bookings else "",
        "next_change_at": _moment(person.clock_at),
        "bookings": [_booking(row) for row in bookings],
        "totals": _totals(summary),
        "lists": _lists(person),
        "brevo": _brevo(person) if asks_brevo else None,
        "mirror": _mirror(person),
        "log": [_entry(row) for row in person.sync_log.order_by("-pk")[:LOG_SHOWN]],
        "consents": [_consent(row) for row in person.consents.all()],
    }


def _booking(row: Booking) -> Values:
    return {
        "uri": row.uri,
        "status": row.status,
        "meeting": row.meeting_name,
        "event_type": row.event_type,
        "start_at": row.start_at.isoformat(),
        "end_at": row.end_at.isoformat(),
        "booked_at": row.booked_at.isoformat(),
        "changed_at": row.updated_at.isoformat(),
        "moves": row.moves,
        "moved_from": row.old_invitee,
        "moved_to": row.successor,
    }


def _totals(summary: Summary | None) -> Values | None:
    """Return what Brevo is told of all bookings together; None when none counts."""
    if summary is None:
        return None
    upcoming, last = summary.next_meeting, summary.last_meeting
    return {
        "booked": summary.booked,
        "moved": summary.moves,
        "canceled": summary.canceled,
        "no_shows": summary.no_shows,
        "attended": summary.attended,
        "current": summary.current.uri,
        "next_meeting_at": _moment(upcoming.meeting.start_at) if upcoming else None,
        "last_meeting_at": _moment(last.meeting.start_at) if last else None,
    }


def _lists(person: Person) -> list[Values]:
    """Return the lists that we let the person join, leave, or be asked about."""
    done = {int(number): what for number, what in person.list_operations.items()}
    known = BrevoList.objects.filter(account=person.connection.brevo_account_id, number__in=done)
    names: Mapping[int, str] = dict(known.values_list("number", "name"))
    return [{"id": number, "name": names.get(number, ""), "done": what} for number, what in sorted(done.items())]


def _brevo(person: Person) -> Values:
    """Return what Brevo shows beside what it should show, or why that isn't known."""
    try:
        return {"is_known": True, "why_unknown": "", **_compared(compare.compare(person))}
    except (queue.Later, errors.ApiError, SecretUnreadableError, ImproperlyConfigured) as trouble:
        return {"is_known": False, "why_unknown": str(trouble)}


def _compared(found: Comparison) -> Values:
    return {
        "contact_id": found.contact_id or None,
        "is_blocked": found.is_blocked,
        "is_same": found.is_same,
        "differences": found.differences,
        "attributes": [
            {"name": line.name, "wanted": line.wanted, "found": line.found, "verdict": line.verdict.value}
            for line in found.attributes
        ],
        "lists": [
            {"id": line.number, "wanted": line.wanted, "is_member": line.is_member, "verdict": line.verdict.value}
            for line in found.lists
        ],
        "other_lists": list(found.other_lists),
        "warnings": list(found.warnings),
    }


def _mirror(person: Person) -> Values | None:
    """Return what Brevo told us of the contact; None when it never did."""
    row = ContactMirror.objects.filter(person=person).first()
    if row is None:
        return None
    return {
        "opt_out": row.opt_out,
        "opted_out_at": _moment(row.opted_out_at),
        "unsubscribed_lists": row.unsubscribed_lists,
        "deleted_at": _moment(row.deleted_at),
        "told_at": _moment(row.told_at),
        "read_at": _moment(row.read_at),
    }


def _entry(row: Any) -> Values:
    return {
        "id": row.pk,
        "at": row.created_at.isoformat(),
        "kind": row.kind,
        "trigger": row.happening,
        "state": row.state,
        "summary": row.summary,
        "reason": row.reason,
    }


def _consent(row: Any) -> Values:
    return {
        "given_at": row.given_at.isoformat(),
        "rule": row.mode,
        "question": row.question,
        "answer": row.answer,
        "lists": row.lists,
    }


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None


def accounts_of(people: Iterable[Person]) -> list[Any]:
    """Return the Brevo accounts that hold these people, each once."""
    return list({person.connection.brevo_account_id: person.connection.brevo_account for person in people}.values())
