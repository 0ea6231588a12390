"""Which lists a person should be on, by all their bookings, and with what consent (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calendly_connector.core import consent
from calendly_connector.core.booking import Status
from calendly_connector.core.merge import Entry
from calendly_connector.core.rules import ConsentMode, ConsentRule, RuleSet
from calendly_connector.core.steps import AskConsent, ConsentProof
from calendly_connector.core.trigger import Trigger

JOIN, LEAVE, ASK = "join", "leave", "ask"

ListOperations = Mapping[int, str]  # list id → JOIN, LEAVE or ASK (by double opt-in: the click joins)
NAMED_LISTS = 10  # in a note


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is wanted of one list, and by which booking under which consent rule; none for a withdrawal."""

    what: str  # JOIN, LEAVE or ASK
    entry: Entry | None = None
    trigger: Trigger | None = None
    consent: ConsentRule = ConsentRule()


def operations_of(entries: Iterable[Entry], *, rules: RuleSet, applied: ListOperations) -> dict[int, str]:
    """Return what the person's bookings want of each list that the mapping names (`wishes_of`)."""
    return whats(wishes_of(entries, rules=rules, applied=applied))


def wishes_of(entries: Iterable[Entry], *, rules: RuleSet, applied: ListOperations) -> dict[int, Wish]:
    """Return what the person's bookings want of each list that the mapping names, and why.

    Every booking speaks for the stages it went through; the later booking has the last word, and a booking that is
    still to come has it over all that are over: canceling one of two meetings takes nobody off the other's list. A
    list that we joined because of a no-show or an attendance is left again when that is withdrawn. Other lists keep
    whom they have: a change of the mapping takes nobody off a list. Nobody joins without the consent that the row
    asks for, and whoever joined a list is not asked about it any more.
    """
    entries = list(entries)
    wishes: dict[int, Wish] = {}
    held_back: set[int] = set()  # for lack of consent, which is no reason to leave either
    for entry in sorted(entries, key=lambda entry: (entry.status is Status.BOOKED, entry.changed_at, entry.uri)):
        event_type = entry.booking.meeting.event_type
        if event_type in rules.ignored_types:
            continue
        needed = rules.consent_for(event_type)
        is_given = consent.is_given(entry.booking.invitee, needed)
        for trigger in stages(entry):
            rule = rules.rule_for(event_type, trigger)
            if not is_given:
                held_back.update(rule.join_lists)
            for number in rule.join_lists if is_given else ():
                if needed.mode is ConsentMode.DOUBLE_OPT_IN and _is_joined_anyway(number, wishes):
                    continue  # by a booking that needs no click: that one's consent is why
                wishes[number] = Wish(
                    what=_way_in(number, needed, applied), entry=entry, trigger=trigger, consent=needed
                )
            for number in rule.leave_lists:
                wishes[number] = Wish(what=LEAVE, entry=entry, trigger=trigger, consent=needed)
    if not any(_was_withdrawn(entry) for entry in entries):
        return wishes
    withdrawn = {number for number, what in applied.items() if what in (JOIN, ASK)} & rules.revocable_lists
    return wishes | {number: Wish(what=LEAVE) for number in withdrawn - wishes.keys() - held_back}


def _way_in(number: int, needed: ConsentRule, applied: ListOperations) -> str:
    """Return how a person gets onto a list: by our write, or by their click."""
    return JOIN if needed.mode is not ConsentMode.DOUBLE_OPT_IN or applied.get(number) == JOIN else ASK


def _is_joined_anyway(number: int, wishes: Mapping[int, Wish]) -> bool:
    before = wishes.get(number)
    return before is not None and before.what == JOIN


def _was_withdrawn(entry: Entry) -> bool:
    """Return whether a no-show of a booking was undone, or an attendance turned out to be none."""
    return entry.was_undone or bool(entry.attended_at and entry.booking.invitee.no_show_uri)


def whats(wishes: Mapping[int, Wish]) -> dict[int, str]:
    """Return the operation alone, by list."""
    return {number: wish.what for number, wish in wishes.items()}


def asks_of(email: str, new: Mapping[int, Wish]) -> tuple[AskConsent, ...]:
    """Return one request for each template and page after the click."""
    groups: dict[tuple[int, str], list[int]] = {}
    for number, wish in sorted(new.items()):
        if wish.what == ASK:
            groups.setdefault((wish.consent.template, wish.consent.redirect_url), []).append(number)
    return tuple(
        AskConsent(email=email, lists=tuple(numbers), template=template, redirect_url=url)
        for (template, url), numbers in groups.items()
    )


def proofs_of(new: Mapping[int, Wish]) -> tuple[ConsentProof, ...]:
    """Return what is to be kept about why lists are joined, or asked about, now: one proof for each booking."""
    groups: dict[str, list[tuple[int, Wish]]] = {}
    for number, wish in sorted(new.items()):
        if wish.entry and wish.what in (JOIN, ASK) and wish.consent.mode in consent.PROVING:
            groups.setdefault(wish.entry.uri, []).append((number, wish))
    return tuple(_proof([number for number, _ in found], found[0][1]) for found in groups.values())


def _proof(numbers: Sequence[int], wish: Wish) -> ConsentProof:
    entry, rule = wish.entry, wish.consent
    assert entry is not None  # noqa: S101 - `proofs_of` asks for it
    invitee = entry.booking.invitee
    return ConsentProof(
        booking=entry.uri,
        mode=rule.mode,
        question=rule.question,
        answer=consent.answer_of(invitee, rule),
        template=rule.template,
        lists=tuple(numbers),
        given_at=invitee.created_at,
    )


def withheld(entries: Iterable[Entry], *, rules: RuleSet, operations: ListOperations) -> tuple[str, ...]:
    """Return a note for each booking that would have joined lists, had its person given the consent."""
    notes: list[str] = []
    for entry in entries:
        event_type, invitee = entry.booking.meeting.event_type, entry.booking.invitee
        needed = rules.consent_for(event_type)
        if event_type in rules.ignored_types or consent.is_given(invitee, needed):
            continue
        lists = {number for trigger in stages(entry) for number in rules.rule_for(event_type, trigger).join_lists}
        missing = sorted(number for number in lists if operations.get(number) != JOIN)
        if missing:
            named = ", ".join(f"#{number}" for number in missing[:NAMED_LISTS])
            notes.append(f"No consent for lists {named}: {consent.why_not(invitee, needed)}.")
    return tuple(dict.fromkeys(notes))


def stages(entry: Entry) -> Sequence[Trigger]:
    """Return the triggers that a booking's present state implies, in the order of a life, however we learnt of it."""
    invitee = entry.booking.invitee
    found = [Trigger.RESCHEDULED if invitee.old_invitee else Trigger.BOOKED]
    if entry.attended_at and not invitee.no_show_uri:  # a mark withdraws what the clock concluded
        found.append(Trigger.ATTENDED)
    if invitee.no_show_uri:
        found.append(Trigger.NO_SHOW)
    elif entry.was_undone:
        found.append(Trigger.NO_SHOW_UNDONE)
    if entry.status is Status.CANCELED:
        found.append(Trigger.CANCELED)
    return found
