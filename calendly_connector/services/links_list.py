"""First stage of a run of links: the contacts of a Brevo list, page by page, and which of them get a link.

A page's wanted links and the place where the next page begins are kept in one transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction

from calendly_connector.clients.brevo_contacts import Contact, Page
from calendly_connector.models import LinkRun, Person, SchedulingLink
from calendly_connector.services import accounts, erasures, links_one, links_use, mirror

OPTED_OUT, NO_EMAIL, HAS_ONE, HAD_ONE, ERASED = (
    "unsubscribed or blocked in Brevo",
    "without an e-mail address",
    "have a link that can still be used",
    "had a link that is used or expired: a refill makes another",
    "were erased on request",
)
"""Why a contact gets no link, after a number."""

FIRST_NAMES, LAST_NAMES = ("FIRSTNAME", "PRENOM"), ("LASTNAME", "NOM")
"""By the account's language (brevo-api.md, attributes)."""

State = SchedulingLink.State


@dataclass
class Sorted:
    """What is to be done for the contacts of a page: links to begin, links to write (again), and who is left out."""

    wanted: list[SchedulingLink] = field(default_factory=list)
    again: list[int] = field(default_factory=list)  # keys of links that can be used, and that the contact lacks
    left_out: Counter[str] = field(default_factory=Counter)


def list_on(row: LinkRun, keep_going: Callable[[], bool]) -> bool:
    """List on from where a run stands, to the end; return False when it was stopped meanwhile.

    Raises errors.Refused, such as NotFound for a list that there isn't, and queue.Later for what passes.
    """
    links_use.expire(connection=row.connection)
    while not row.is_listed:
        if not keep_going():
            return False
        account = row.connection.brevo_account
        pages = accounts.client_of(account).list_members(
            row.list_number or 0, offset=row.offset, tail=tuple(row.listed_last)
        )
        page = accounts.call(account, "contacts", partial(next, pages), renew=lambda: None)
        if not _keep(row, page):
            return False
    return True


def sort_out(row: LinkRun, contacts: Sequence[Contact]) -> Sorted:
    """Return who of these contacts gets a link by a run, kept or not, and why the others don't."""
    by_email = {contact.email.strip().lower(): contact for contact in contacts if "@" in contact.email}
    known = _Known.of(row, by_email)
    found = Sorted(left_out=Counter({NO_EMAIL: len(contacts) - len(by_email)}))
    for email, contact in by_email.items():
        if reason := known.why_not(row, email, contact):
            found.left_out[reason] += 1
        elif link := known.open_links.get(email):
            if link.state == State.WANTED or not _has(contact, row.attribute, link):
                found.again.append(link.pk)
            else:
                found.left_out[HAS_ONE] += 1
        elif email in known.had and not row.is_refill:
            found.left_out[HAD_ONE] += 1
        else:
            found.wanted.append(_wanted(row, email, contact, known.people.get(email)))
    return found


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What we know of the people of a page."""

    people: Mapping[str, Person]  # of the run's connection
    opted_out: frozenset[str]
    open_links: Mapping[str, SchedulingLink]
    had: frozenset[str]

    @classmethod
    def of(cls, row: LinkRun, emails: Iterable[str]) -> "_Known":
        emails = list(emails)
        account = row.connection.brevo_account_id
        people = list(
            Person.objects.filter(connection__brevo_account=account, email__in=emails).select_related(
                "mirror", "connection__brevo_account"
            )
        )
        links = SchedulingLink.objects.filter(connection=row.connection, event_type=row.event_type, email__in=emails)
        return cls(
            people={person.email: person for person in people if person.connection_id == row.connection_id},
            opted_out=frozenset(person.email for person in people if _is_opted_out(person, row)),
            open_links={link.email: link for link in links.filter(state__in=(State.WANTED, State.LIVE))},
            had=frozenset(links.filter(state__in=(State.USED, State.EXPIRED)).values_list("email", flat=True)),
        )

    def why_not(self, row: LinkRun, email: str, contact: Contact) -> str:
        """Return why this person gets none whatever links there are; empty when nothing forbids it."""
        if contact.is_blocked or row.list_number in contact.unsubscribed_lists or email in self.opted_out:
            return OPTED_OUT
        if email not in self.people and erasures.find(email):
            return ERASED
        return ""


def _is_opted_out(person: Person, row: LinkRun) -> bool:
    standing = mirror.standing_of(person)
    return bool(standing.opt_out) or row.list_number in standing.left_lists


def _has(contact: Contact, attribute: str, link: SchedulingLink) -> bool:
    return bool(link.url) and str(contact.attributes.get(attribute) or "").startswith(link.url)


def _wanted(row: LinkRun, email: str, contact: Contact, person: Person | None) -> SchedulingLink:
    return SchedulingLink(
        connection=row.connection,
        run=row if row.pk else None,
        person=person,
        event_type=row.event_type,
        email=email,
        name=name_of(contact.attributes)[:255],
        tag=links_one.new_tag(),
    )


def name_of(attributes: Mapping[str, object]) -> str:
    """Return a contact's name, as far as Brevo knows it."""
    parts = (
        next((str(attributes[key]).strip() for key in keys if attributes.get(key)), "")
        for keys in (FIRST_NAMES, LAST_NAMES)
    )
    return " ".join(part for part in parts if part)


def _keep(row: LinkRun, page: Page) -> bool:
    """Note a page; return False when the run was stopped meanwhile, and nothing was noted."""
    found = sort_out(row, page.contacts)
    with transaction.atomic():
        SchedulingLink.objects.bulk_create(found.wanted, ignore_conflicts=True)
        mine = SchedulingLink.objects.filter(pk__in=found.again)
        mine.update(run=row, written_at=None)
        changes = {
            "offset": page.next_offset,
            "listed_last": list(page.tail),
            "is_listed": page.is_last,
            "left_out": dict(+(Counter(row.left_out) + found.left_out)),
            "total": SchedulingLink.objects.filter(run=row).count(),
            "words": "",
        }
        if not LinkRun.objects.filter(pk=row.pk, state=LinkRun.State.RUNNING).update(**changes):
            transaction.set_rollback(True)
            return False
    for name, value in changes.items():
        setattr(row, name, value)
    return True
