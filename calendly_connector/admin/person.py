"""People: everything we know of one e-mail address, on one page."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.booking_parts import TONES as BOOKING_TONES
from calendly_connector.admin.booking_parts import local_time
from calendly_connector.admin.sync_log import TONES as LOG_TONES
from calendly_connector.admin.sync_log import list_names, log_table
from calendly_connector.models import Booking, Person, SyncLogEntry

JOINED = {"join": "joined", "leave": "left"}


@admin.register(Person)
class PersonAdmin(HistoryAdmin[Person]):
    """One row per person."""

    list_display = ("email", "full_name", "newest_booking", "bookings_count", "newest_step", "written")
    list_filter = ("pushed_at", "connection")
    search_fields = ("email", "bookings__name", "bookings__uri")
    search_help_text = "E-mail, name, or invitee address"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("address", "full_name", "connection_link", "written", "looked_at", "lists")}),
        ("Bookings", {"fields": ("bookings_table",), "classes": ("cc-whole",)}),
        ("Sync log", {"fields": ("log", "whole_log"), "classes": ("cc-whole",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        """Find the newest booking and step, and count the bookings, along the way."""
        newest = Booking.objects.filter(person=OuterRef("pk")).order_by("-pk")
        steps = SyncLogEntry.objects.filter(person=OuterRef("pk")).order_by("-pk")
        counted = Booking.objects.filter(person=OuterRef("pk")).order_by().values("person")
        return (
            super()
            .get_queryset(request)
            .annotate(
                found_name=Subquery(newest.values("name")[:1]),
                found_status=Subquery(newest.values("status")[:1]),
                found_step=Subquery(steps.values("pk")[:1]),
                found_state=Subquery(steps.values("state")[:1]),
                found_count=Subquery(counted.annotate(count=Count("pk")).values("count")),
            )
        )

    @admin.display(description="name")
    def full_name(self, row: Any) -> str:
        """Return the name of the newest booking."""
        return row.found_name or "–"

    @admin.display(description="newest booking")
    def newest_booking(self, row: Any) -> SafeString:
        """Return how the newest booking stands."""
        if not row.found_status:
            return parts.NOTHING
        status = Booking.Status(row.found_status)
        return parts.badge(status.label, BOOKING_TONES[status])

    @admin.display(description="bookings")
    def bookings_count(self, row: Any) -> SafeString:
        """Return how many bookings there are, as a link to them."""
        return parts.link_to_list(Booking, row.found_count or 0, person__id__exact=row.pk)

    @admin.display(description="newest step")
    def newest_step(self, row: Any) -> SafeString:
        """Return how the newest step stands, as a link to it."""
        if not row.found_state:
            return parts.NOTHING
        state = SyncLogEntry.State(row.found_state)
        return parts.link(SyncLogEntry, row.found_step, parts.badge(state.label, LOG_TONES[state]))

    @admin.display(description="written to Brevo", ordering="pushed_at")
    def written(self, row: Person) -> SafeString:
        """Return when the contact was written last."""
        return parts.age(row.pushed_at)

    @admin.display(description="e-mail")
    def address(self, row: Person) -> str:
        """Return the e-mail address."""
        return row.email

    @admin.display(description="looked at again")
    def looked_at(self, row: Person) -> SafeString:
        """Return when time alone next changes what Brevo should show."""
        return parts.moment(row.clock_at)

    @admin.display(description="connection")
    def connection_link(self, row: Person) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description="lists")
    def lists(self, row: Person) -> str:
        """Return which lists were joined and left by us."""
        names = list_names(row.connection.brevo_account, [int(number) for number in row.list_operations])
        done = [JOINED.get(what, what) for what in row.list_operations.values()]
        return ", ".join(f"{what} {name}" for what, name in zip(done, names, strict=True)) or "–"

    @admin.display(description="bookings")
    def bookings_table(self, row: Person) -> SafeString:
        """Return the bookings, newest first."""
        bookings = row.bookings.select_related("connection").order_by("-pk")[:50]
        rows = [
            (
                parts.badge(booking.get_status_display(), BOOKING_TONES[Booking.Status(booking.status)]),
                parts.link_to(booking, booking.meeting_name or "Meeting"),
                local_time(booking),
                parts.age(booking.booked_at),
            )
            for booking in bookings
        ]
        return parts.table(("Status", "Meeting", "When", "Booked"), rows, empty="No bookings.")

    @admin.display(description="log")
    def log(self, row: Person) -> SafeString:
        """Return the newest steps for this person."""
        return log_table(row.sync_log.all())

    @admin.display(description="all of it")
    def whole_log(self, row: Person) -> SafeString:
        """Return a link to the whole log of this person."""
        return parts.link_to_list(SyncLogEntry, "Show in the sync log", person__id__exact=row.pk)
