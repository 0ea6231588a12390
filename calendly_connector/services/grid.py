"""The mapping grid: what each row does, and how staff decide it. A row is an event type, or the default row.

A mapped type that Calendly doesn't list has a row, too: an `EventType` that is not in the database (`lost_types`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from calendly_connector.core.rules import ConsentRule, TriggerRule
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Connection, EventType, MappingVersion, TriggerMapping
from calendly_connector.models import ConsentRule as ConsentRow
from calendly_connector.services import snapshot, unmapped, versions

DEFAULT_ROW = ""
"""Stands where an event type's address would."""

LOST = "lost-"
"""How the keys of event types begin that Calendly doesn't list."""


class Choice(StrEnum):
    """Who decides for a row."""

    OWN = "own"
    DEFAULT = "default"
    IGNORE = "ignore"


class Show(StrEnum):
    """Which event types are asked for."""

    ALL = ""
    NEW = "new"  # bookable, and nobody said yet how they are mapped
    RENAMED = "renamed"  # bookable, and called otherwise since somebody said
    OWN = "own"
    DEFAULT = "default"
    IGNORED = "ignored"
    LOST_TYPE = "lost_type"  # mapped, and Calendly doesn't list it
    LOST_LIST = "lost_list"  # with a list that Brevo doesn't have


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is in force for one row. Cells and consent that aren't its own come from the default row."""

    event_type: EventType | None  # None: the default row
    cells: Mapping[Trigger, TriggerRule]  # all triggers
    own_cells: frozenset[Trigger]
    consent: ConsentRule
    has_own_consent: bool

    @property
    def choice(self) -> Choice:
        """Return who decides for it."""
        if self.event_type is None:
            return Choice.OWN
        if self.event_type.is_ignored:
            return Choice.IGNORE
        return Choice.OWN if self.own_cells else Choice.DEFAULT


def types_of(connection: Connection, *, search: str = "", show: Show = Show.ALL) -> QuerySet[EventType]:
    """Return the event types that staff look for, those that can't be booked at the end."""
    types = EventType.objects.filter(connection=connection)
    for word in search.split():
        types = types.filter(Q(name__icontains=word) | Q(owner__icontains=word) | Q(decided_name__icontains=word))
    if show is Show.LOST_LIST:
        types = types.filter(uri__in=_with_lost_lists(connection), is_ignored=False)
    return _shown(types, show).order_by("-is_active", "name", "pk")


def lost_types(connection: Connection, *, search: str = "", show: Show = Show.ALL) -> list[EventType]:
    """Return the mapped event types that Calendly doesn't list, as rows that are not in the database."""
    if show not in (Show.ALL, Show.OWN, Show.LOST_TYPE, Show.LOST_LIST):
        return []
    uris = unmapped.unknown_targets(connection).types
    if show is Show.LOST_LIST:
        uris = tuple(uri for uri in uris if uri in _with_lost_lists(connection))
    words = search.casefold().split()
    return [lost_type(connection, uri) for uri in uris if all(word in uri.casefold() for word in words)]


def lost_type(connection: Connection, uri: str) -> EventType:
    """Return a row for an event type that Calendly doesn't list."""
    name = _("Not found in Calendly: %(name)s") % {"name": uri.rsplit("/", 1)[-1] or uri}
    return EventType(connection=connection, uri=uri, name=name, decided_name=name, is_active=False)


def is_lost(event_type: EventType) -> bool:
    """Return whether this is a row for an event type that Calendly doesn't list."""
    return bool(event_type._state.adding)


def key_of(event_type: EventType) -> str:
    """Return what stands for an event type in an address: its key, or a digest of what Calendly doesn't list."""
    return (
        str(event_type.pk)
        if not is_lost(event_type)
        else LOST + hashlib.sha256(event_type.uri.encode()).hexdigest()[:16]
    )


def find_lost(connection: Connection, key: str) -> EventType | None:
    """Return the row that a key of `key_of` stands for, if Calendly doesn't list its type and it is mapped still."""
    return next((row for row in lost_types(connection) if key_of(row) == key), None)


def _with_lost_lists(connection: Connection) -> set[str]:
    """Return the rows that name a list which Brevo doesn't have."""
    known = set(connection.brevo_account.lists.values_list("number", flat=True))
    cells = connection.trigger_mappings.values_list("event_type", "join_lists", "leave_lists")
    return {uri for uri, joins, leaves in cells if not known.issuperset((*joins, *leaves))}


def _shown(types: QuerySet[EventType], show: Show) -> QuerySet[EventType]:
    is_own = Exists(TriggerMapping.objects.filter(connection=OuterRef("connection"), event_type=OuterRef("uri")))
    match show:
        case Show.NEW:
            return _open(types).filter(decided_name="")
        case Show.RENAMED:
            return _open(types).exclude(decided_name="").exclude(decided_name=F("name"))
        case Show.OWN:
            return types.filter(is_own, is_ignored=False)
        case Show.DEFAULT:
            return types.filter(~is_own, is_ignored=False)
        case Show.IGNORED:
            return types.filter(is_ignored=True)
        case Show.LOST_TYPE:
            return types.none()
    return types


def _open(types: QuerySet[EventType]) -> QuerySet[EventType]:
    return types.filter(is_active=True, is_ignored=False)


def rows_of(connection: Connection, types: Sequence[EventType | None]) -> list[Row]:
    """Return the rows of some event types (None: the default row) in two queries, however many."""
    uris = {_uri(each) for each in types} | {DEFAULT_ROW}
    stored = connection.trigger_mappings.filter(event_type__in=uris).values(*snapshot.CELL)
    cells = {(row["event_type"], Trigger(row["trigger"])): snapshot.cell(row) for row in stored}
    rules = connection.consent_rules.filter(event_type__in=uris).values(*snapshot.CONSENT)
    consents = {row["event_type"]: snapshot.consent(row) for row in rules}
    return [_row(each, cells, consents) for each in types]


def _row(
    event_type: EventType | None,
    cells: Mapping[tuple[str, Trigger], TriggerRule],
    consents: Mapping[str, ConsentRule],
) -> Row:
    uri = _uri(event_type)
    default = {trigger: cells.get((DEFAULT_ROW, trigger), TriggerRule()) for trigger in Trigger}
    return Row(
        event_type=event_type,
        cells={trigger: cells.get((uri, trigger), default[trigger]) for trigger in Trigger},
        own_cells=frozenset(trigger for trigger in Trigger if (uri, trigger) in cells),
        consent=consents.get(uri) or consents.get(DEFAULT_ROW) or ConsentRule(),
        has_own_consent=uri in consents,
    )


def decide_row(
    connection: Connection,
    event_type: EventType | None,
    choice: Choice,
    *,
    cells: Mapping[Trigger, TriggerRule],
    consent: ConsentRule,
    by: versions.Who,
) -> list[str]:
    """Keep what staff decided for a row, as a version; return what changed, in lines of words.

    Cells and consent count for `OWN` alone. Those of an ignored type are kept for the day when it isn't any more.
    """
    newest = MappingVersion.objects.filter(connection=connection).defer("content")
    before = newest.first()
    why = f"Mapping of “{event_type or 'Every other type'}”"
    with versions.changing(connection, by=by, why=why):
        if choice is not Choice.IGNORE:
            _forget(connection, _uri(event_type))
        if choice is Choice.OWN:
            _keep(connection, _uri(event_type), cells, consent)
        if event_type is not None:
            _note_decision(event_type, is_ignored=choice is Choice.IGNORE)
    after = newest.first()
    return versions.changes_of([after])[after.pk] if after and after != before else []


def accept(connection: Connection, *, by: versions.Who) -> int:
    """Decide that every event type that nobody decided on is mapped as it is now; return how many there were."""
    why = "Event types that were not mapped yet: as they are"
    with versions.changing(connection, by=by, why=why):
        return types_of(connection, show=Show.NEW).order_by().update(decided_name=F("name"))


def _forget(connection: Connection, uri: str) -> None:
    connection.trigger_mappings.filter(event_type=uri).delete()
    connection.consent_rules.filter(event_type=uri).delete()


def _keep(connection: Connection, uri: str, cells: Mapping[Trigger, TriggerRule], consent: ConsentRule) -> None:
    TriggerMapping.objects.bulk_create(
        TriggerMapping(
            connection=connection,
            event_type=uri,
            trigger=trigger.value,
            join_lists=list(rule.join_lists),
            leave_lists=list(rule.leave_lists),
            sends_event=rule.sends_event,
            event_name=rule.event_name,
        )
        for trigger, rule in cells.items()
    )
    ConsentRow.objects.create(
        connection=connection,
        event_type=uri,
        mode=consent.mode.value,
        question=consent.question,
        answer=consent.answer,
        template=consent.template or None,
        redirect_url=consent.redirect_url,
    )


def _note_decision(event_type: EventType, *, is_ignored: bool) -> None:
    EventType.objects.filter(pk=event_type.pk).update(decided_name=event_type.name, is_ignored=is_ignored)


def _uri(event_type: EventType | None) -> str:
    return event_type.uri if event_type else DEFAULT_ROW
