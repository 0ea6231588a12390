"""What needs somebody: one line each, a sentence with a link, the most urgent first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import consent_words, held, parts
from calendly_connector.admin.home_banner import (
    SENTENCES,
    Viewer,
    counted,
    fields_link,
    map_label,
    repair_link,
    types_link,
    unknown_in_words,
)
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.core import banner, cause, remedy
from calendly_connector.core.banner import Finding, Level
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    Connection,
    Drift,
    EventType,
    FieldMapping,
    Notice,
    SyncLogEntry,
)
from calendly_connector.services import home, meetings_held
from calendly_connector.services.home import Pulse, Undecided
from calendly_connector.services.meetings_held import Show
from calendly_connector.services.unasked import Unasked

DETAILED = (
    *(Finding.PAUSED, Finding.FAILED, Finding.LEFT_OUT, Finding.UNKNOWN, Finding.UNASKED, Finding.UNDECIDED),
    Finding.RENAMED,
)
"""Findings with lines of their own."""

SAID_ELSEWHERE = (":reconnect", ":paused")
"""How the keys of notices end whose trouble is said by the state itself."""

NAMED = 3  # event types


@dataclass(frozen=True, kw_only=True)
class Need:
    """One line. `link` says what the address leads to."""

    level: Level
    sentence: str
    link: str
    address: str
    why: str = ""

    @property
    def badge(self) -> Cell:
        """Return how urgent it is."""
        return parts.badge(_("Urgent"), Tone.BAD) if self.level is Level.BAD else parts.badge(_("To do"), Tone.WARN)


def needs_of(
    viewer: Viewer,
    connections: Sequence[Connection],
    pulses: Mapping[int, Pulse],
    lacks: Mapping[int, Undecided],
) -> list[Need]:
    """Return every line that this member of staff may read. Asks four times: for causes, differences, meetings that
    nobody marked, and notices."""
    found: list[Need] = []
    if viewer.may_see(Connection):
        for row in connections:
            found += _states(row, pulses.get(row.pk, Pulse()), lacks.get(row.pk, Undecided()))
    if viewer.may_see(BrevoAccount):
        found += map(_paused, home.paused_accounts(connections))
    if viewer.may_see(SyncLogEntry):
        found += _causes(connections, pulses)
    if viewer.may_see(Drift):
        found += _differences(connections)
    for row in connections:
        found += _undecided(viewer, row, lacks.get(row.pk, Undecided()))
    if viewer.may_see(Booking):
        found += _waiting_to_be_marked()
    if viewer.may_see(Notice):
        found += map(_notice, _other_notices())
    return sorted(found, key=lambda need: need.level is not Level.BAD)


def _states(connection: Connection, pulse: Pulse, lacks: Undecided) -> Iterator[Need]:
    for finding in banner.findings(home.facts_of(connection, pulse, lacks)):
        if finding not in DETAILED:
            yield Need(
                level=banner.level_of(finding),
                sentence=str(SENTENCES[finding]),
                link=connection.name,
                address=parts.page_of(Connection, connection.pk),
                why=parts.said(connection.state_reason) if finding is Finding.RECONNECT else "",
            )


def _paused(account: BrevoAccount) -> Need:
    return Need(
        level=Level.BAD,
        sentence=_("Writing to Brevo is paused."),
        link=account.name,
        address=parts.page_of(BrevoAccount, account.pk),
        why=parts.said(account.pause_reason),
    )


def _causes(connections: Sequence[Connection], pulses: Mapping[int, Pulse]) -> Iterator[Need]:
    names = {row.pk: row for row in connections}
    for found in home.causes(pulses):
        about = cause.split(found.code)[1]
        title = _(remedy.remedy_for(found.code).title) % {"about": about}
        words = ngettext("%(count)s entry: %(cause)s.", "%(count)s entries: %(cause)s.", found.count)
        connection = names.get(found.connection_id)
        yield Need(
            level=Level.WARN,
            sentence=words % {"count": counted(found.count), "cause": title},
            link=_("Repair (%(connection)s)") % {"connection": connection or ""},
            address=repair_link(connection),
        )


def _differences(connections: Sequence[Connection]) -> Iterator[Need]:
    counts = home.differences()
    for row in connections:
        if count := counts.get(row.pk):
            words = ngettext(
                "Of %(count)s person, the bookings and Brevo differ, and that can be fixed.",
                "Of %(count)s people, the bookings and Brevo differ, and that can be fixed.",
                count,
            )
            filters = {"connection__id__exact": row.pk, "state__exact": "open", "is_fixable__exact": 1}
            yield Need(
                level=Level.WARN,
                sentence=words % {"count": counted(count)},
                link=_("Differences (%(connection)s)") % {"connection": row},
                address=parts.list_of(Drift, **filters),
            )


def _waiting_to_be_marked() -> Iterator[Need]:
    if count := meetings_held.waiting_lately():
        words = ngettext(
            "%(count)s meeting of yesterday and today is unmarked: after the grace time it counts as attended.",
            "%(count)s meetings of yesterday and today are unmarked: after the grace time they count as attended.",
            count,
        )
        yield Need(
            level=Level.WARN,
            sentence=words % {"count": counted(count)},
            link=_("Who came?"),
            address=held.address(Show.WAITING),
        )


def _undecided(viewer: Viewer, connection: Connection, lacks: Undecided) -> Iterator[Need]:
    if lacks.unknown.count and viewer.may_see(EventType):
        yield Need(
            level=Level.WARN,
            sentence=unknown_in_words(lacks.unknown),
            link=_("Look at the mapping (%(connection)s)") % {"connection": connection},
            address=types_link(viewer, connection),
        )
    if viewer.may_see(EventType):
        yield from (_unasked(viewer, connection, each) for each in lacks.unasked)
    if lacks.types and viewer.may_see(EventType):
        yield Need(
            level=Level.WARN,
            sentence=_types_in_words(lacks.types),
            link=f"{map_label(viewer)} ({connection})",
            address=types_link(viewer, connection),
        )
    for each in lacks.questions if viewer.may_see(FieldMapping) else ():
        words = _("The question “%(question)s” is asked no longer, so %(attribute)s isn't filled.")
        maybe = _("Perhaps it is called “%(question)s” now.") % {"question": each.replacement}
        yield Need(
            level=Level.WARN,
            sentence=words % {"question": each.question, "attribute": each.attribute},
            link=_("Look at the fields (%(connection)s)") % {"connection": connection},
            address=fields_link(viewer, connection),
            why=maybe if each.replacement else "",
        )


def _unasked(viewer: Viewer, connection: Connection, found: Unasked) -> Need:
    return Need(
        level=Level.WARN,
        sentence=consent_words.not_asked(found),
        link=_("Look at the mapping (%(connection)s)") % {"connection": connection},
        address=types_link(viewer, connection),
        why=consent_words.perhaps(found),
    )


def _types_in_words(names: Sequence[str]) -> str:
    words = ngettext(
        "%(count)s event type isn't mapped yet: %(names)s", "%(count)s event types aren't mapped yet: %(names)s",
        len(names),
    )  # fmt: skip
    more = " …" if len(names) > NAMED else "."
    return words % {"count": len(names), "names": ", ".join(f"“{name}”" for name in names[:NAMED]) + more}


def _other_notices() -> list[Notice]:
    return [notice for notice in home.open_notices() if not notice.key.endswith(SAID_ELSEWHERE)]


def _notice(notice: Notice) -> Need:
    return Need(
        level=Level.WARN,
        sentence=f"{parts.said(notice.title)}.",
        link=_("Read the notice"),
        address=parts.page_of(Notice, notice.pk),
    )
