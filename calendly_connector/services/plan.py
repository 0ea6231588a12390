"""What a replay would do, counted before anything happens: by groups of like entries, never entry by entry."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from calendly_connector.core import decide
from calendly_connector.core.replay import Effect, Facts, Outcome, Wish, outcome_of
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Connection, Person, SyncLogEntry
from calendly_connector.services import journal, mapping
from calendly_connector.services.chosen import Chosen

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
CONTACTS = ("1 contact is written", "{count} contacts are written")
LISTS = ("1 leaving of lists", "{count} leavings of lists")
OPT_INS = ("1 person is asked for consent", "{count} people are asked for consent")
EVENTS = ("1 event is sent: {names}", "{count} events are sent: {names}")
AGAIN = ("1 event is sent a second time: {names}", "{count} events are sent a second time: {names}")
"""One and many, in English."""

SHAPE = ("kind", "state", "cause", "a_trigger", "a_type", "a_detail", "is_history")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many entries of how many people, and which effects on Brevo."""

    entries: int = 0
    people: int = 0
    contacts: int = 0  # one write for each person
    lists: int = 0
    opt_ins: int = 0
    events: dict[str, int] = field(default_factory=dict)  # by name
    again: dict[str, int] = field(default_factory=dict)  # sent a second time, by name
    left_out: dict[str, int] = field(default_factory=dict)  # by reason

    @property
    def left_out_count(self) -> int:
        """Return how many entries are left out."""
        return sum(self.left_out.values())

    @property
    def is_empty(self) -> bool:
        """Return whether nothing would reach Brevo."""
        return self.entries == self.left_out_count

    def lines(self) -> list[str]:
        """Return the effects in English words, as they are kept; whoever shows them looks them up."""
        sent, again = sum(self.events.values()), sum(self.again.values())
        words: tuple[tuple[int, tuple[str, str], dict[str, int]], ...] = (
            (self.contacts, CONTACTS, {}),
            (self.lists, LISTS, {}),
            (self.opt_ins, OPT_INS, {}),
            (sent, EVENTS, self.events),
            (again, AGAIN, self.again),
        )
        return [
            (one if count == 1 else many).format(count=count, names=_names(names))
            for count, (one, many), names in words
            if count
        ]

    def left_out_lines(self) -> list[str]:
        """Return why entries are left out, in English words."""
        return [f"{count} × {reason}" for reason, count in self.left_out.items()]


def plan(connection: Connection, chosen: Chosen, wish: Wish) -> Plan:
    """Return what doing the chosen entries of a connection once more would do. A fixed number of queries."""
    rules = mapping.rules_of(connection)
    rows = _shaped(chosen.rows().filter(connection=connection))
    groups = [
        (shape, count, outcome_of(_facts(shape), rules=rules, wish=wish))
        for *shape, count in rows.values_list(*SHAPE).annotate(count=Count("pk")).order_by(*SHAPE)
    ]
    effects = Counter[Effect]()
    for _shape, count, outcome in groups:
        if outcome.effect:
            effects[outcome.effect] += count
    return Plan(
        entries=sum(count for _shape, count, _outcome in groups),
        people=_people(rows, groups, *Effect) if groups else 0,
        contacts=_written(rows, groups),
        lists=effects[Effect.LISTS],
        opt_ins=effects[Effect.OPT_IN],
        events=_named(groups, Effect.EVENT),
        again=_named(groups, Effect.EVENT_AGAIN),
        left_out=_reasons(groups),
    )


Group = tuple[list[Any], int, Outcome]


def _shaped(rows: QuerySet[SyncLogEntry]) -> QuerySet[Any]:
    """Add what decides about an entry, as columns to group by. Their names must not hide a field's."""
    is_history = When(state=State.SKIPPED, reason__in=decide.HELD, then=Value(value=True))
    return rows.annotate(
        a_trigger=Case(
            *(When(_is_trigger(each), then=Value(str(each))) for each in Trigger),
            default=Value(""),
            output_field=CharField(),
        ),
        a_type=Coalesce("booking__event_type", Value("")),
        a_detail=Case(
            When(kind=Kind.EVENT, then=Coalesce(KeyTextTransform("name", "request"), Value(""))),
            When(kind=Kind.LEAVE_LISTS, then=Coalesce(KeyTextTransform("lists", "request"), Value(""))),
            default=Value(""),
            output_field=CharField(),
        ),
        is_history=Case(is_history, default=Value(value=False)),
    )


def _is_trigger(trigger: Trigger) -> Q:
    return Q(kind=Kind.EVENT) & (Q(happening=str(trigger)) | Q(happening__startswith=f"{trigger}:"))


def _facts(shape: list[Any]) -> Facts:
    kind, state, cause, trigger, event_type, detail, is_history = shape
    return Facts(
        kind=kind,
        state=state,
        cause=cause,
        trigger=trigger,
        event_type=event_type,
        event_name=detail if kind == Kind.EVENT else "",
        lists=tuple(json.loads(detail or "[]")) if kind == Kind.LEAVE_LISTS else (),
        is_history=is_history,
    )


def _names(events: Mapping[str, int]) -> str:
    return ", ".join(f"{name} × {count}" for name, count in events.items())


def _named(groups: list[Group], effect: Effect) -> dict[str, int]:
    found = Counter[str]()
    for _shape, count, outcome in groups:
        if outcome.effect is effect:
            found[outcome.event_name] += count
    return dict(sorted(found.items()))


def _reasons(groups: list[Group]) -> dict[str, int]:
    found = Counter[str]()
    for _shape, count, outcome in groups:
        if not outcome.effect:
            found[outcome.reason] += count
    return dict(found.most_common())


def _with(rows: QuerySet[Any], groups: list[Group], *effects: Effect) -> QuerySet[Any]:
    """Return the rows of the groups that have one of these effects."""
    types: dict[tuple[Any, ...], set[str]] = {}
    for (kind, state, cause, trigger, event_type, detail, is_history), _count, outcome in groups:
        if outcome.effect in effects:
            types.setdefault((kind, state, cause, trigger, detail, is_history), set()).add(event_type)
    names = ("kind", "state", "cause", "a_trigger", "a_detail", "is_history")
    found = Q(pk__in=[])
    for key, event_types in types.items():
        found |= Q(**dict(zip(names, key, strict=True)), a_type__in=event_types)
    return rows.filter(found)


def _people(rows: QuerySet[Any], groups: list[Group], *effects: Effect) -> int:
    return _with(rows, groups, *effects).aggregate(count=Count("person", distinct=True))["count"]  # type: ignore[no-any-return]


def _written(rows: QuerySet[Any], groups: list[Group]) -> int:
    """Return whose contacts are written: chosen, or coming along because something follows that needs the contact."""
    chosen = _with(rows, groups, Effect.CONTACT).values("person")
    following = _with(rows, groups, *(each for each in Effect if each is not Effect.CONTACT)).values("person")
    theirs = SyncLogEntry.objects.filter(person=OuterRef("pk"), kind=Kind.CONTACT)
    failed = Exists(theirs.filter(state=State.FAILED))
    left_out = Exists(theirs.filter(state=State.SKIPPED)) & ~Exists(theirs.filter(state__in=journal.OPEN))
    unwritten = Q(pushed_at=None) & Q(left_out)
    return Person.objects.filter(Q(pk__in=chosen) | (Q(pk__in=following) & (Q(failed) | unwritten))).count()
