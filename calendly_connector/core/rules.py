"""What staff configured, as values: no rows, no defaults hidden elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from calendly_connector.core.attributes import Attribute
from calendly_connector.core.trigger import Trigger

REVOCABLE = frozenset({Trigger.NO_SHOW, Trigger.ATTENDED})


class Overwrite(StrEnum):
    """When a mapped value may replace what the contact has."""

    ALWAYS = "always"
    IF_EMPTY = "if_empty"
    NEVER = "never"


class ConsentMode(StrEnum):
    """When a booking may let its person join lists."""

    ALWAYS = "always"
    ANSWER = "answer"  # only with the chosen answer to the chosen question
    NEVER = "never"  # event and attributes only
    DOUBLE_OPT_IN = "double_opt_in"  # Brevo asks by mail, and the click joins


@dataclass(frozen=True, kw_only=True)
class ConsentRule:
    """What one row of the grid needs before people join its lists."""

    mode: ConsentMode = ConsentMode.ALWAYS
    question: str = ""
    answer: str = ""
    template: int = 0  # Brevo's double opt-in template
    redirect_url: str = ""


@dataclass(frozen=True, kw_only=True)
class FieldRule:
    """One line of the field mapping. `source` is a key of `fields.FIELDS` or `answer:<question>`."""

    source: str
    attribute: str
    overwrite: Overwrite = Overwrite.ALWAYS


@dataclass(frozen=True, kw_only=True)
class TriggerRule:
    """One cell of the grid: what a trigger of one event type does."""

    join_lists: tuple[int, ...] = ()
    leave_lists: tuple[int, ...] = ()
    sends_event: bool = True
    event_name: str = ""  # empty: the default name


@dataclass(frozen=True, kw_only=True)
class Link:
    """A single-use link of ours that somebody booked through, and the run that made it."""

    tag: str  # came back with the booking, as utm_content
    campaign: str = ""
    run: str = ""  # in words: the attribute and the day; empty for a link without a run


def no_link(tag: str) -> Link | None:
    """Return that no link has this tag."""
    return None


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """The whole configuration of one connection at one moment."""

    fields: tuple[FieldRule, ...] = ()
    grid: Mapping[tuple[str, Trigger], TriggerRule] = field(default_factory=dict)  # "" is the default row
    consents: Mapping[str, ConsentRule] = field(default_factory=dict)  # event type URI, or "" for the default row
    ignored_types: frozenset[str] = frozenset()  # event type URIs
    attributes: Mapping[str, Attribute] | None = None  # Brevo's live catalogue by name; None: not read yet
    type_names: Mapping[str, str] = field(default_factory=dict)  # event type URI → its name
    type_owners: Mapping[str, str] = field(default_factory=dict)  # event type URI → the host's, or the team's, name
    find_link: Callable[[str], Link | None] = no_link  # utm_content → the link with that tag; asked only when mapped
    grace: timedelta = timedelta(hours=24)  # after a meeting's end, before it counts as attended
    timezone: str = "UTC"  # for invitees who have none
    to_e164: Callable[[str], str] = str  # phone number → E.164, or "" when it is none

    def rule_for(self, event_type: str, trigger: Trigger) -> TriggerRule:
        """Return the cell of an event type, else of the default row, else: an event, no lists."""
        for row in (event_type, ""):
            if (row, trigger) in self.grid:
                return self.grid[row, trigger]
        return TriggerRule()

    def consent_for(self, event_type: str) -> ConsentRule:
        """Return what an event type's row needs before people join lists, else the default row: else nothing."""
        return self.consents.get(event_type) or self.consents.get("") or ConsentRule()

    @property
    def revocable_lists(self) -> frozenset[int]:
        """Return the lists joined for what may be withdrawn: a no-show mark, or an attendance that a mark disproves."""
        return frozenset(
            number for (_, trigger), rule in self.grid.items() if trigger in REVOCABLE for number in rule.join_lists
        )

    @property
    def named_lists(self) -> frozenset[int]:
        """Return every list that any cell names: the only ones we may ever touch."""
        return frozenset(number for rule in self.grid.values() for number in (*rule.join_lists, *rule.leave_lists))
