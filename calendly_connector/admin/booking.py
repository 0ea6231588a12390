"""Bookings: the meeting, the person's answers, the chain of moves, and all that happened."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.booking_parts import (
    TONES,
    Status,
    chain_of,
    local_time,
    moments_of,
    snapshot,
)
from calendly_connector.admin.filters import EventTypeFilter
from calendly_connector.models import Booking, EventType


@admin.register(Booking)
class BookingAdmin(HistoryAdmin[Booking]):
    """One row per invitee."""

    list_display = ("who", "status_badge", "meeting_name", "when", "other_half", "booked")
    list_display_links = None
    list_select_related = ("person", "connection")
    list_filter = ("status", EventTypeFilter, "start_at", "connection")
    date_hierarchy = "start_at"
    search_fields = ("name", "person__email", "uri", "meeting_name")
    search_help_text = "E-mail, name, invitee address, or meeting"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("status_badge", "cancellation", "name", "person_link", "connection_link")}),
        ("Meeting", {"fields": ("meeting", "when", "exact", "hosts", "location", "join", "guests")}),
        ("Moves", {"fields": ("chain",), "classes": ("cc-whole",)}),
        ("Answers", {"fields": ("answers",), "classes": ("cc-whole",)}),
        ("What happened", {"fields": ("timeline",), "classes": ("cc-whole",)}),
        ("More", {"fields": ("booked", "changed", "tracking", "payment", "uri", "meeting_uri", "event_type")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        """Find both neighbours of a move along the way."""
        same = Booking.objects.filter(connection=OuterRef("connection"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                found_new=Subquery(same.filter(uri=OuterRef("successor")).values("pk")[:1]),
                found_old=Subquery(same.filter(uri=OuterRef("old_invitee")).values("pk")[:1]),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        """Leave out the cancellation where there is none."""
        (title, first), *others = super().get_fieldsets(request, obj)
        shown = [name for name in first["fields"] if name != "cancellation" or (obj and obj.status == Status.CANCELED)]
        return [(title, {**first, "fields": shown}), *others]

    @admin.display(description="invitee", ordering="name")
    def who(self, row: Booking) -> SafeString:
        """Return the name as it was written, and below it whose booking it is."""
        name = parts.link_to(row, row.name or "Booking")
        return format_html('{}<span class="cc-why">{}</span>', name, parts.link_to(row.person))

    @admin.display(description="status", ordering="status")
    def status_badge(self, row: Booking) -> SafeString:
        """Return where the booking stands, and how often it was moved."""
        found = parts.badge(row.get_status_display(), TONES[Status(row.status)])
        moved = f"moved {row.moves}×" if row.moves else ""
        return format_html('{} <span class="cc-quiet">{}</span>', found, moved) if moved else found

    @admin.display(description="meeting time", ordering="start_at")
    def when(self, row: Booking) -> SafeString:
        """Return the meeting's time as the invitee reads it."""
        return local_time(row)

    @admin.display(description="person", ordering="person__email")
    def person_link(self, row: Booking) -> SafeString:
        """Return a link to the person."""
        return parts.link_to(row.person)

    @admin.display(description="other half")
    def other_half(self, row: Any) -> SafeString:
        """Return links to the bookings that this one was moved to and from."""
        new = parts.link(Booking, row.found_new, "moved to →") if row.found_new else ""
        old = parts.link(Booking, row.found_old, "← moved from") if row.found_old else ""
        return format_html("{} {}", old, new) if old or new else parts.NOTHING

    @admin.display(description="booked", ordering="booked_at")
    def booked(self, row: Booking) -> SafeString:
        """Return how long ago it was booked."""
        return parts.age(row.booked_at)

    @admin.display(description="connection")
    def connection_link(self, row: Booking) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description="canceled")
    def cancellation(self, row: Booking) -> str:
        """Return by whom and why it was canceled."""
        canceled = snapshot(row).invitee.cancellation
        if canceled is None:
            return "–"
        return f"by {canceled.canceled_by} ({canceled.canceler_type}): {canceled.reason or 'no reason given'}"

    @admin.display(description="meeting")
    def meeting(self, row: Booking) -> SafeString:
        """Return the meeting's name, as a link to its event type."""
        found = EventType.objects.filter(connection=row.connection, uri=row.event_type).first()
        return parts.link_to(found, row.meeting_name) if found else format_html("{}", row.meeting_name or "–")

    @admin.display(description="in our zone")
    def exact(self, row: Booking) -> SafeString:
        """Return the start in the installation's zone."""
        return parts.moment(row.start_at)

    @admin.display(description="hosts")
    def hosts(self, row: Booking) -> str:
        """Return who hosts the meeting."""
        found = [f"{host.name} ({host.email})" if host.email else host.name for host in snapshot(row).meeting.hosts]
        return ", ".join(found) or "–"

    @admin.display(description="location")
    def location(self, row: Booking) -> SafeString | str:
        """Return where it takes place."""
        meeting = snapshot(row).meeting
        kind = meeting.location_kind.replace("_", " ")
        return format_html("{} {}", parts.link_outside(meeting.location), f"({kind})" if kind else "")

    @admin.display(description="join link")
    def join(self, row: Booking) -> SafeString | str:
        """Return the address of an online meeting."""
        return parts.link_outside(snapshot(row).meeting.join_url)

    @admin.display(description="guests")
    def guests(self, row: Booking) -> str:
        """Return who else comes."""
        return ", ".join(snapshot(row).meeting.guests) or "–"

    @admin.display(description="moves")
    def chain(self, row: Booking) -> SafeString:
        """Return every booking of the chain, oldest first."""
        links = [
            {
                "badge": parts.badge(each.get_status_display(), TONES[Status(each.status)]),
                "address": "" if each == row else parts.page_of(Booking, each.pk),
                "name": each.meeting_name or "Meeting",
                "time": local_time(each),
            }
            for each in chain_of(row)
        ]
        return parts.render("chain", links=links)

    @admin.display(description="answers")
    def answers(self, row: Booking) -> SafeString:
        """Return what was asked and answered."""
        rows = [(answer.question, answer.answer) for answer in snapshot(row).invitee.answers]
        return parts.table(("Question", "Answer"), rows, empty="Nothing was asked.")

    @admin.display(description="timeline")
    def timeline(self, row: Booking) -> SafeString:
        """Return its deliveries and steps in the order of time."""
        return parts.render("timeline", moments=moments_of(row))

    @admin.display(description="last changed")
    def changed(self, row: Booking) -> SafeString:
        """Return when Calendly changed it last."""
        return parts.moment(row.updated_at)

    @admin.display(description="UTM")
    def tracking(self, row: Booking) -> str:
        """Return what the booked page was called with."""
        found = asdict(snapshot(row).invitee.tracking)
        return ", ".join(f"{name.removeprefix('utm_')}: {value}" for name, value in found.items() if value) or "–"

    @admin.display(description="payment")
    def payment(self, row: Booking) -> str:
        """Return what was paid."""
        paid = snapshot(row).invitee.payment
        return f"{paid.amount:g} {paid.currency} ({paid.provider})" if paid else "–"
