"""What the address of a booking page says: each step is in it, so pages need no script and can be sent on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from calendly_connector.clients.calendly_scheduling import UTM_KEYS, BookableType, prefilled
from calendly_connector.core import origins
from calendly_connector.core.month import Month, read_day, read_moment
from calendly_connector.models import BookingPage
from calendly_connector.services.zones import zone_of

LONGEST = 255
CARRIED = ("lang", "parent", "zone", "name", "email", *UTM_KEYS)
"""What goes along from step to step; everything else an address may hold is dropped."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Where a visitor is."""

    page: BookingPage
    types: Sequence[BookableType]
    kind: BookableType | None
    zone: ZoneInfo
    month: Month | None
    day: date | None
    start_at: datetime | None
    carried: Mapping[str, str] = field(default_factory=dict)

    @property
    def latest(self) -> datetime:
        """Return the moment after which the page offers nothing."""
        return timezone.now() + timedelta(days=self.page.days_ahead)

    @property
    def tracking(self) -> dict[str, str]:
        """Return where the visitor came from, as the address says."""
        return {key: self.carried[key] for key in UTM_KEYS if key in self.carried}

    @property
    def zone_fields(self) -> list[tuple[str, str]]:
        """Return what the form that changes the zone keeps, as names and values. A day may be another one there."""
        steps = {"type": key_of(self.kind)} if self.kind and len(self.types) > 1 else {}
        month = self.month or (Month.of(self.day) if self.day else None)
        steps |= {"month": str(month)} if month else {}
        return [*steps.items(), *((name, value) for name, value in self.carried.items() if name != "zone")]

    def link(self, **steps: object) -> str:
        """Return the address of a step."""
        return address_of(self.page.slug, self.carried, steps)

    def type_link(self, kind: BookableType) -> str:
        """Return the address at which an event type's times are chosen."""
        return self.link(type=key_of(kind))

    def here(self, **steps: object) -> str:
        """Return the address of a step with the same event type."""
        kind = {"type": key_of(self.kind)} if self.kind and len(self.types) > 1 else {}
        return self.link(**kind, **steps)

    def elsewhere(self, *, name: str = "", email: str = "", url: str = "") -> str:
        """Return Calendly's own page, prefilled with what is known; "" before an event type is chosen."""
        address = url or (self.kind.scheduling_url if self.kind else "")
        who = {"name": name or self.carried.get("name", ""), "email": email or self.carried.get("email", "")}
        return prefilled(address, **who, tracking=self.tracking) if address else ""


def read(request: HttpRequest, page: BookingPage, types: Sequence[BookableType]) -> Visit:
    """Return what a request's address says; whatever it can't mean counts as not said."""
    given = request.GET
    kinds = {key_of(kind): kind for kind in types}
    kind = types[0] if len(types) == 1 else kinds.get(given.get("type", ""))
    start_at = read_moment(given.get("at", "")) if kind else None
    return Visit(
        page=page,
        types=types,
        kind=kind,
        zone=zone_of(given.get("zone", ""), page.connection.timezone),
        month=Month.read(given.get("month", "")),
        day=read_day(given.get("day", "")),
        start_at=start_at.astimezone(UTC) if start_at else None,
        carried=carried_by(request),
    )


def carried_by(request: HttpRequest) -> dict[str, str]:
    """Return what an address hands on, without control characters and cut to what Calendly keeps."""
    found = {key: "".join(filter(str.isprintable, request.GET.get(key, "")))[:LONGEST] for key in CARRIED}
    return {key: value for key, value in found.items() if value}


def parent_of(page: BookingPage, carried: Mapping[str, str]) -> str:
    """Return the site that an address says it is embedded in, "" when that one may not."""
    found = origins.tidy(carried.get("parent", ""))
    return found if found in origins.allowed(page.allowed_origins) else ""


def address_of(slug: str, carried: Mapping[str, str], steps: Mapping[str, object]) -> str:
    """Return an address of a booking page."""
    query = urlencode({**steps, **carried})
    return reverse("calendly_connector:book", args=[slug]) + (f"?{query}" if query else "")


def key_of(kind: BookableType) -> str:
    """Return the last part of an event type's URI, which names it in addresses."""
    return kind.uri.rpartition("/")[2]


def stamp(moment: datetime) -> str:
    """Return a moment as addresses have it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
