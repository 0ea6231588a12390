"""Booking pages, and who booked on them."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.admin import consent_words as words
from calendly_connector.admin import panels, parts
from calendly_connector.admin.base import ConnectorAdmin, HistoryAdmin
from calendly_connector.admin.booking_page_form import BookingPageForm
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.models import Booking, BookingPage, BookingRequest, EventType
from calendly_connector.services import connection as connections
from calendly_connector.services import unasked

State = BookingRequest.State


@admin.register(BookingPage)
class BookingPageAdmin(ConnectorAdmin[BookingPage]):
    """One row per page."""

    form = BookingPageForm
    list_display = ("title", "state_badge", "open_link", "type_count", "asked", "connection")
    list_select_related = ("connection",)
    list_filter = ("is_active", "connection")
    search_fields = ("title", "slug")
    ordering = ("title",)
    prepopulated_fields: ClassVar[Any] = {"slug": ("title",)}
    readonly_fields = ("consent_gap", "address", "snippet", "asked", "used", "type_names", "site_list", "look")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingPage]:
        """Leave secrets alone."""
        return super().get_queryset(request).defer(*(f"connection__{name}" for name in connections.SECRETS))

    def get_fieldsets(self, request: HttpRequest, obj: BookingPage | None = None) -> Any:
        """Show what it is made of; the address, the snippet and who booked once it is there."""
        edits = self.has_change_permission(request, obj) if obj else True
        types, sites, look = (
            ("event_types", "allowed_origins", "theme") if edits else ("type_names", "site_list", "look")
        )
        gap = ("consent_gap",) if obj and unasked.of_page(obj) else ()
        made = ((None, {"fields": (*gap, "address", "asked", "used")}),) if obj else ()
        return (
            *made,
            (_("What visitors see"), {"fields": ("connection", "title", "slug", "intro", types, "is_active")}),
            (_("What they are asked"), {"fields": ("days_ahead", "asks_for_guests", "consent_text")}),
            (_("In other sites"), {"fields": (sites, *(("snippet",) if obj else ()), look)}),
        )

    def get_prepopulated_fields(self, request: HttpRequest, obj: BookingPage | None = None) -> Any:
        """Make the address of the title while the page is new: later it stands in other people's mails."""
        return {} if obj else super().get_prepopulated_fields(request, obj)

    @admin.display(description=_("state"), ordering="is_active")
    def state_badge(self, row: BookingPage) -> SafeString:
        """Return whether it can be used."""
        if row.is_active:
            return parts.badge(gettext("Open"), Tone.GOOD)
        return parts.badge(gettext("Switched off"), Tone.QUIET)

    @admin.display(description=_("page"), ordering="slug")
    def open_link(self, row: BookingPage) -> SafeString:
        """Return its address as a link."""
        address = reverse("calendly_connector:book", args=[row.slug])
        return format_html('<a href="{0}" target="_blank" rel="noopener">{0}</a>', address)

    @admin.display(description=_("page"))
    def address(self, row: BookingPage) -> SafeString:
        """Return its whole address, to be copied into a mail, as a link."""
        address = reverse("calendly_connector:book", args=[row.slug])
        return format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>', address, f"{conf.public_url()}{address}"
        )

    @admin.display(description=_("event types"))
    def type_count(self, row: BookingPage) -> int:
        """Return how many event types may be booked: their names would cost the list a query a row."""
        return len(row.event_types)

    @admin.display(description=_("event types"))
    def type_names(self, row: BookingPage) -> str:
        """Return the names of what may be booked, in order."""
        names = dict(EventType.objects.filter(connection=row.connection_id).values_list("uri", "name"))
        return ", ".join(names.get(uri, uri.rpartition("/")[2]) for uri in row.event_types) or "–"

    @admin.display(description=_("requests"))
    def asked(self, row: BookingPage) -> SafeString:
        """Return a link to who asked for a time. Their number, which needs a count, is for that list to say."""
        return parts.link_to_list(BookingRequest, gettext("Who asked for a time"), page__id__exact=row.pk)

    @admin.display(description=_("Calendly's limits"))
    def used(self, row: BookingPage) -> str:
        """Return how many of the bookings that Calendly takes through all pages of the connection were made."""
        return panels.bookings_used(row.connection)

    @admin.display(description=_("consent"))
    def consent_gap(self, row: BookingPage) -> SafeString:
        """Return which event types don't ask for the consent that the mapping waits for, and what follows."""
        badge = parts.badge(gettext("Nobody is asked"), Tone.WARN)
        lines = [" ".join((words.not_asked(each), words.perhaps(each))).strip() for each in unasked.of_page(row)]
        what = gettext(
            "The page shows no box for it, and whoever books it joins no list that needs consent. Ask the question"
            " again at Calendly, or choose another one in the mapping."
        )
        rows = format_html_join("", "<p>{}</p>", ((line,) for line in (*lines, what)))
        return format_html("{}{}", badge, rows)

    @admin.display(description=_("sites that may embed it"))
    def site_list(self, row: BookingPage) -> str:
        """Return the sites."""
        return ", ".join(row.allowed_origins) or "–"

    @admin.display(description=_("look"))
    def look(self, row: BookingPage) -> str:
        """Return the variables."""
        return ", ".join(f"{name}: {value}" for name, value in row.theme.items()) or "–"

    @admin.display(description=_("to put into a site"))
    def snippet(self, row: BookingPage) -> SafeString:
        """Return the line that embeds it."""
        base = conf.public_url() + reverse("calendly_connector:book_embed")
        line = f'<script src="{base}" data-page="{row.slug}" async></script>'
        hint = "" if row.allowed_origins else gettext("Name the site above first: no site may embed it yet.")
        return format_html("{} <p>{}</p>", parts.code(line), hint)


@admin.register(BookingRequest)
class BookingRequestAdmin(HistoryAdmin[BookingRequest]):
    """One row per try to book."""

    list_display = ("when", "who", "meeting_at", "state_badge", "why", "page_link")
    list_display_links = None
    list_select_related = ("page",)
    list_filter = ("state", ("page", admin.RelatedOnlyFieldListFilter), ("asked_at", titled(_("asked"))), "connection")
    search_fields = ("email", "invitee")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "reason_words", "who", "meeting_at", "page_link", "booking")}),
        (_("When"), {"fields": ("asked", "sent", "settled")}),
        (_("What was asked for"), {"fields": ("wishes",), "classes": ("cc-whole",)}),
    )
    tones: ClassVar[Any] = {
        State.ASKED: Tone.WAIT,
        State.SENDING: Tone.WAIT,
        State.BOOKED: Tone.GOOD,
        State.TAKEN: Tone.QUIET,
        State.REFUSED: Tone.WARN,
        State.UNKNOWN: Tone.WARN,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingRequest]:
        """Leave the connection's secrets alone."""
        return super().get_queryset(request).select_related("page")

    @admin.display(description=_("asked"), ordering="asked_at")
    def when(self, row: BookingRequest) -> SafeString:
        """Return how long ago it was, as a link to the row."""
        return parts.link_to(row, parts.age(row.asked_at))

    @admin.display(description=_("visitor"), ordering="email")
    def who(self, row: BookingRequest) -> SafeString:
        """Return the visitor's address."""
        return parts.email(row.email)

    @admin.display(description=_("meeting time"), ordering="start_at")
    def meeting_at(self, row: BookingRequest) -> str:
        """Return the time that was asked for."""
        return parts.to_the_minute(row.start_at)

    @admin.display(description=_("reason"))
    def why(self, row: BookingRequest) -> SafeString:
        """Return why it wasn't booked, cut short."""
        return parts.long_text(parts.said(row.reason))

    @admin.display(description=_("reason"))
    def reason_words(self, row: BookingRequest) -> str:
        """Return why it wasn't booked."""
        return parts.said(row.reason) or "–"

    @admin.display(description=_("page"), ordering="page__title")
    def page_link(self, row: BookingRequest) -> SafeString:
        """Return a link to the page that it came from."""
        return parts.link_to(row.page)

    @admin.display(description=_("booking"))
    def booking(self, row: BookingRequest) -> SafeString:
        """Return a link to what became of it."""
        if not row.invitee:
            return parts.NOTHING
        return parts.link_to(Booking.objects.filter(connection=row.connection_id, uri=row.invitee).first())

    @admin.display(description=_("asked"))
    def asked(self, row: BookingRequest) -> SafeString:
        """Return when it was asked for."""
        return parts.moment(row.asked_at)

    @admin.display(description=_("sent to Calendly"))
    def sent(self, row: BookingRequest) -> SafeString:
        """Return when it was counted towards Calendly's limits."""
        return parts.moment(row.sent_at)

    @admin.display(description=_("settled"))
    def settled(self, row: BookingRequest) -> SafeString:
        """Return when its outcome was known."""
        return parts.moment(row.settled_at)

    @admin.display(description=_("form"))
    def wishes(self, row: BookingRequest) -> SafeString:
        """Return what the visitor filled in."""
        rows = [(name, parts.told(text)) for name, text in parts.pairs(parts.filled(row.wish))]
        return parts.table([gettext("field"), gettext("value")], rows, empty=gettext("Nothing is kept of it."))
