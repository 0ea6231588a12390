"""What the person page shows: how it stands with us, what Brevo has beside it, and the consents that were given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import parts
from calendly_connector.admin.booking_parts import TONES as BOOKING_TONES
from calendly_connector.admin.booking_parts import local_time
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.core import links, lists
from calendly_connector.core import person as core_person
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.difference import Comparison, Verdict
from calendly_connector.core.person import Summary
from calendly_connector.models import Booking, ConsentProof, ConsentRule, Person
from calendly_connector.services import mapping

Names = Mapping[int, str]  # a list's number → how staff know it
Facts = list[tuple[str, Cell]]

VERDICTS: Mapping[Verdict, tuple[Promise, Tone]] = {
    Verdict.SAME: (gettext_lazy("Same"), Tone.GOOD),
    Verdict.DIFFERENT: (gettext_lazy("Different"), Tone.WARN),
    Verdict.LEFT_ALONE: (gettext_lazy("Different, and left so"), Tone.QUIET),
    Verdict.AWAITED: (gettext_lazy("Waits for the click"), Tone.WAIT),
}
WANTED: Mapping[str, Promise] = {
    lists.JOIN: gettext_lazy("On it"),
    lists.LEAVE: gettext_lazy("Not on it"),
    lists.ASK: gettext_lazy("On it after the click in a mail"),
}
DONE: Mapping[str, Promise] = {
    lists.JOIN: gettext_lazy("joined"),
    lists.LEAVE: gettext_lazy("left"),
    lists.ASK: gettext_lazy("asked by mail"),
}
SHOWN = 50  # bookings and consents


@dataclass(frozen=True, kw_only=True)
class OurSide:
    """A person as the ledger has them. `rows` are all their bookings."""

    person: Person
    rows: Sequence[Booking]
    summary: Summary | None


def our_side(person: Person) -> OurSide:
    """Read a person's bookings, once, and add them up as the contact's attributes do."""
    rules = mapping.rules_of(person.connection)
    rows = list(person.bookings.order_by("-pk"))
    for row in rows:
        row.connection = person.connection
    counted = [row.to_entry() for row in rows if row.event_type not in rules.ignored_types]
    return OurSide(
        person=person, rows=rows, summary=core_person.summarise(counted, now=timezone.now(), grace=rules.grace)
    )


def facts_of(side: OurSide, names: Names) -> Facts:
    """Return what we know of a person in pairs."""
    return [*_meetings(side), *_counts(side.summary), *_operations(side.person, names)]


def _meetings(side: OurSide) -> Facts:
    if side.summary is None:
        return [(_("Bookings"), _("None that counts."))]
    rows = {row.uri: row for row in side.rows}
    found = (
        (_("Current booking"), side.summary.current.booking),
        (_("Next meeting"), side.summary.next_meeting),
        (_("Last meeting"), side.summary.last_meeting),
    )
    return [(name, _booking(rows[each.invitee.uri]) if each else _("None")) for name, each in found]


def _booking(row: Booking) -> SafeString:
    return format_html("{} {} {}", _status(row), parts.link_to(row, row.meeting_name or _("Meeting")), local_time(row))


def _status(row: Booking) -> SafeString:
    return parts.badge(row.get_status_display(), BOOKING_TONES[Booking.Status(row.status)])


def _counts(summary: Summary | None) -> Facts:
    if summary is None:
        return []
    counts = (
        (_("Booked"), summary.booked),
        (_("Moved"), summary.moves),
        (_("Canceled"), summary.canceled),
        (_("No-shows"), summary.no_shows),
        (_("Attended"), summary.attended),
    )
    return [(name, str(count)) for name, count in counts]


def _operations(person: Person, names: Names) -> Facts:
    done = [(int(number), what) for number, what in person.list_operations.items()]
    words = [f"{named(number, names)} ({DONE.get(what, what)})" for number, what in sorted(done)]
    return [(_("Lists, by us"), ", ".join(words) or _("None"))]


def named(number: int, names: Names) -> str:
    """Return a list as staff know it."""
    return names.get(number, f"#{number}")


def bookings_table(side: OurSide) -> SafeString:
    """Return the bookings, newest first."""
    rows = [
        (_status(row), parts.link_to(row, row.meeting_name or _("Meeting")), local_time(row), parts.age(row.booked_at))
        for row in side.rows[:SHOWN]
    ]
    return parts.table((_("Status"), _("Meeting"), _("When"), _("Booked")), rows, empty=_("No bookings."))


def consents_table(proofs: Iterable[ConsentProof], names: Names) -> SafeString:
    """Return what was asked, what was answered, when, and for which lists."""
    heads = (_("Given"), _("Question"), _("Answer"), _("For lists"), _("Rule"))
    modes = dict(ConsentRule.Mode.choices)
    rows = [
        (
            parts.moment(proof.given_at),
            proof.question or parts.NOTHING,
            parts.told(proof.answer) if proof.answer else parts.NOTHING,
            ", ".join(named(number, names) for number in proof.lists),
            modes.get(proof.mode, proof.mode),
        )
        for proof in proofs
    ]
    return parts.table(heads, rows, empty=_("No consent has been recorded."))


def service_links(person: Person, current: Booking | None, comparison: Comparison | None) -> SafeString:
    """Return links to this person in both services, each in a tab of its own."""
    found = calendly_links(current) if current else []
    number = comparison.contact_id if comparison else 0
    label = _("Contact #%(number)s in Brevo") % {"number": number} if number else _("Contacts in Brevo")
    found.append(parts.link_outside(links.brevo_contact(number), label))
    return format_html_join(" · ", "{}", ((each,) for each in found))


def calendly_links(row: Booking) -> list[Cell]:
    """Return links to Calendly's own pages of a booking."""
    pages = links.calendly_pages(row.to_entry().booking.invitee)
    labels = ((pages.reschedule, _("Move it in Calendly")), (pages.cancel, _("Cancel it in Calendly")))
    return [parts.link_that_acts(address, label) for address, label in labels if address]


def brevo_facts(found: Comparison) -> Facts:
    """Return how the contact stands in Brevo, in pairs."""
    if found.is_missing:
        return [(_("Contact"), parts.badge(_("Not in Brevo"), Tone.WARN if found.is_wanted else Tone.QUIET))]
    link = parts.link_outside(links.brevo_contact(found.contact_id), f"#{found.contact_id}")
    blocked = parts.badge(_("Blocklisted"), Tone.WARN) if found.is_blocked else parts.badge(_("No"), Tone.GOOD)
    return [(_("Contact"), link), (_("On the blocklist"), blocked)]


def verdict_badge(found: Comparison) -> SafeString:
    """Return the outcome of a comparison in a word or two."""
    if not found.is_wanted:
        return parts.badge(_("Nothing to compare"), Tone.QUIET)
    if found.is_same:
        return parts.badge(_("No differences"), Tone.GOOD)
    count = found.differences
    words = ngettext("%(count)d difference", "%(count)d differences", count) % {"count": count}
    return parts.badge(words if count else _("Missing in Brevo"), Tone.WARN)


def attributes_table(found: Comparison) -> SafeString:
    """Return each mapped attribute: what we want, what Brevo has, and whether that is the same."""
    heads = (_("Attribute"), _("We want"), _("In Brevo"), _("Same?"))
    rows = [(line.name, _shown(line.wanted), _shown(line.found), _verdict(line.verdict)) for line in found.attributes]
    return parts.table(heads, rows, empty=_("The mapping writes no attribute for this person."))


def lists_table(found: Comparison, names: Names) -> SafeString:
    """Return each list that the mapping names for this person, and whether Brevo has them on it."""
    heads = (_("List"), _("We want"), _("In Brevo"), _("Same?"))
    rows = [
        (
            named(line.number, names),
            str(WANTED.get(line.wanted, line.wanted)),
            _("On it") if line.is_member else _("Not on it"),
            _verdict(line.verdict),
        )
        for line in found.lists
    ]
    return parts.table(heads, rows, empty=_("The mapping names no list for this person."))


def plan_table(decision: ContactDecision, names: Names) -> SafeString:
    """Return what a write of the contact would send now."""
    upsert = decision.upsert
    rows: list[tuple[str, Cell]] = [(name, _shown(value)) for name, value in sorted(upsert.attributes.items())]
    rows += [(_("Joins"), named(number, names)) for number in upsert.join_lists]
    rows += [(_("Leaves"), named(number, names)) for number in (decision.leave.lists if decision.leave else ())]
    rows += [(_("Opt-out"), _("Recorded in Brevo once more"))] if upsert.records_opt_out else []
    rows += [(_("Is asked by mail about"), named(number, names)) for ask in decision.asks for number in ask.lists]
    return parts.table((_("Name"), _("Value")), rows, empty=_("Nothing but the address."))


def _verdict(verdict: Verdict) -> SafeString:
    words, tone = VERDICTS[verdict]
    return parts.badge(words, tone)


def _shown(value: Any) -> Cell:
    if value is None:
        return format_html('<span class="cc-quiet">{}</span>', _("empty"))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return parts.told(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)
