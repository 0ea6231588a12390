"""Which log entries are meant: by filter or picked, as one value that fits into an address and into a Replay's row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

from calendly_connector.core.trigger import Trigger
from calendly_connector.models import SyncLogEntry

SEARCHED = ("person__email", "booking__name", "booking__uri", "summary", "reason")
NO_CAUSE = "-"
LARGEST = 2**63 - 1  # that a database takes for a key
PICKED_LIMIT = 1000  # entries that are named one by one; more are chosen by filter


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What all of these say. Empty means any. Raises ValueError for what can't be."""

    ids: tuple[int, ...] = ()
    connection: int = 0
    cause: str = ""
    states: tuple[str, ...] = ()
    kind: str = ""
    trigger: str = ""
    since: str = ""  # ISO 8601; a day means its beginning
    until: str = ""  # before it
    email: str = ""
    person: int = 0
    search: str = ""
    up_to: int = 0  # the newest entry that counts: what comes later wasn't planned for
    form: str = ""  # the page that planned it, which starts it once however often it is sent

    def __post_init__(self) -> None:
        if len(self.ids) > PICKED_LIMIT:
            raise ValueError(f"More than {PICKED_LIMIT} picked entries")
        for name, known in (("kind", SyncLogEntry.Kind.values), ("trigger", list(Trigger))):
            if getattr(self, name) and getattr(self, name) not in known:
                raise ValueError(f"{name}: {getattr(self, name)}")
        if any("\0" in text for text in (self.cause, self.email, self.search, self.form)):
            raise ValueError("No text holds a null character")
        if not set(self.states) <= set(SyncLogEntry.State.values):
            raise ValueError(f"states: {', '.join(self.states)}")
        for moment in filter(None, (self.since, self.until)):
            moment_of(moment)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Return what `to_json` wrote; raise ValueError for anything else."""
        if not isinstance(data, Mapping) or not data.keys() <= cls.__dataclass_fields__.keys():
            raise ValueError("This is no choice of log entries")
        numbers = {name: _number(data[name]) for name in ("connection", "person", "up_to") if name in data}
        texts = {name: str(value) for name, value in data.items() if name not in {*numbers, "ids", "states"}}
        ids, states = data.get("ids", ()), data.get("states", ())
        if not isinstance(ids, list | tuple) or not isinstance(states, list | tuple):
            raise ValueError("Lists are wanted")
        return cls(ids=tuple(map(_number, ids)), states=tuple(map(str, states)), **numbers, **texts)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, without what is empty."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if value}

    @property
    def is_everything(self) -> bool:
        """Return whether nothing narrows it down but the connection."""
        return not self.to_json().keys() - {"connection", "up_to", "form"}

    def rows(self) -> QuerySet[SyncLogEntry]:
        """Return the entries, in no order."""
        rows = SyncLogEntry.objects.filter(**{name: value for name, value in self._equal().items() if value})
        if self.cause == NO_CAUSE:
            rows = rows.filter(cause="")
        if self.trigger:
            rows = rows.filter(Q(happening=self.trigger) | Q(happening__startswith=f"{self.trigger}:"))
        if self.since:
            rows = rows.filter(created_at__gte=moment_of(self.since))
        if self.until:
            rows = rows.filter(created_at__lt=moment_of(self.until))
        for word in self.search.split():
            found = Q()
            for name in SEARCHED:
                found |= Q(**{f"{name}__icontains": word})
            rows = rows.filter(found)
        return rows

    def _equal(self) -> dict[str, Any]:
        return {
            "pk__in": self.ids,
            "connection": self.connection,
            "cause": "" if self.cause == NO_CAUSE else self.cause,
            "state__in": self.states,
            "kind": self.kind,
            "person": self.person,
            "person__email": self.email.strip().lower(),
            "pk__lte": self.up_to,
        }


def _number(value: Any) -> int:
    """Return a row's number; raise ValueError for what can't be one."""
    if not isinstance(value, int | str) or not 0 <= (number := int(value)) <= LARGEST:
        raise ValueError("Numbers are wanted")
    return number


def moment_of(text: str) -> datetime:
    """Return a moment written as ISO 8601, a day as its beginning here; raise ValueError."""
    found = parse_datetime(text) if len(text) > 10 else None
    if found is None and (day := parse_date(text)):
        found = datetime(day.year, day.month, day.day)
    if found is None:
        raise ValueError(f"“{text}” is no day or moment, such as 2026-11-22 or 2026-11-22T10:00:00+00:00")
    return make_aware(found) if is_naive(found) else found


def newest() -> int:
    """Return the number of the newest entry there is."""
    return SyncLogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
