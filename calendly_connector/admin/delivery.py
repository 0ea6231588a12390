"""Webhook deliveries: what Calendly posted, and what became of it."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.booking_parts import SECRETS
from calendly_connector.admin.filters import WebhookNameFilter, titled
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.sync_log import log_table
from calendly_connector.models import Booking, Person, WebhookDelivery
from calendly_connector.services import erasures, retention, retry

State = WebhookDelivery.State
TONES = {
    State.STORED: Tone.WAIT,
    State.PROCESSED: Tone.GOOD,
    State.IGNORED: Tone.QUIET,
    State.MALFORMED: Tone.BAD,
    State.FAILED: Tone.BAD,
}
BY_PERSON = "person:"  # before a person's key, in a search: an address in a link may be masked
SHOWN = 200_000  # characters of a body
MOST_VALUES = 500  # of a body, in a table


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(HistoryAdmin[WebhookDelivery]):
    """One row per verified webhook."""

    tones = TONES
    list_display = ("when", "state_badge", "what", "person_link", "booking_link")
    list_display_links = None
    list_filter = ("state", WebhookNameFilter, ("received_at", titled(gettext_lazy("received"))), "connection")
    search_fields = ("email", "booking_uri", "reason", "webhook_name")
    search_help_text = gettext_lazy("E-mail, name, invitee address, or the reason")
    actions = ("retry",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "words", "name", "connection_link")}),
        (gettext_lazy("About"), {"fields": ("booking_link", "person_link", "invitee")}),
        (gettext_lazy("When"), {"fields": ("received", "processed")}),
        (gettext_lazy("What it led to"), {"fields": ("log",), "classes": ("cc-whole",)}),
        (gettext_lazy("What Calendly posted"), {"fields": ("content",), "classes": ("cc-whole",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """Leave the bodies in the database, and find each delivery's booking and person along the way."""
        bookings = Booking.objects.filter(connection=OuterRef("connection"), uri=OuterRef("booking_uri"))
        return (
            super()
            .get_queryset(request)
            .select_related("connection")
            .defer("body", "digest", *SECRETS)
            .annotate(
                found_booking=Subquery(bookings.values("pk")[:1]),
                found_meeting=Subquery(bookings.values("meeting_name")[:1]),
                found_person=Subquery(bookings.values("person")[:1]),
                found_email=Subquery(bookings.values("person__email")[:1]),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find deliveries by the invitee's name too, which only the booking knows, and all of one person's by key."""
        key = search_term.strip().removeprefix(BY_PERSON)
        if key != search_term.strip() and key.isascii() and key.isdigit() and len(key) < 19:
            return queryset.filter(_about_person(int(key))), False
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            word = search_term.strip()
            theirs = Booking.objects.filter(Q(name__icontains=word) | Q(person__email__icontains=word)).values("uri")
            found = found | queryset.filter(booking_uri__in=theirs)
        return found, has_duplicates

    @admin.display(description=gettext_lazy("age"), ordering="received_at")
    def when(self, row: WebhookDelivery) -> SafeString:
        """Return how long ago it came."""
        return parts.age(row.received_at)

    @admin.display(description=gettext_lazy("webhook"), ordering="webhook_name")
    def what(self, row: WebhookDelivery) -> SafeString:
        """Return its name, and why nothing came of it."""
        return parts.with_reason(parts.page_of(WebhookDelivery, row.pk), self.name(row), parts.said(row.reason))

    @admin.display(description=gettext_lazy("webhook"))
    def name(self, row: WebhookDelivery) -> str:
        """Return Calendly's name for it; it is read when the delivery is taken in."""
        return row.webhook_name or _("delivery #%(number)s") % {"number": row.pk}

    @admin.display(description=gettext_lazy("reason"))
    def words(self, row: WebhookDelivery) -> str:
        """Return why nothing came of it."""
        return parts.said(row.reason) or "–"

    @admin.display(description=gettext_lazy("booking"))
    def booking_link(self, row: Any) -> SafeString:
        """Return a link to the booking it tells of."""
        return parts.link(Booking, row.found_booking, row.found_meeting or _("Meeting"))

    @admin.display(description=gettext_lazy("person"))
    def person_link(self, row: Any) -> SafeString:
        """Return a link to whose booking it is; until there is one, the e-mail that was posted."""
        if not row.found_person:
            return parts.email(row.email) if row.email else parts.NOTHING
        return parts.link(Person, row.found_person, parts.email(row.found_email))

    @admin.display(description=gettext_lazy("invitee's address"))
    def invitee(self, row: WebhookDelivery) -> str:
        """Return Calendly's key of the booking."""
        return row.booking_uri or "–"

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: WebhookDelivery) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=gettext_lazy("received"))
    def received(self, row: WebhookDelivery) -> SafeString:
        """Return when it came."""
        return parts.moment(row.received_at)

    @admin.display(description=gettext_lazy("taken in"))
    def processed(self, row: WebhookDelivery) -> SafeString:
        """Return when it was looked at."""
        return parts.moment(row.processed_at)

    @admin.display(description=gettext_lazy("log"))
    def log(self, row: WebhookDelivery) -> SafeString:
        """Return the steps it led to."""
        return log_table(row.sync_log.all())

    @admin.display(description=gettext_lazy("body"))
    def content(self, row: WebhookDelivery) -> SafeString:
        """Return the body value by value when it is JSON, and as Calendly meant it: indented."""
        body = bytes(row.body)
        if not body and row.state in retention.SETTLED:
            return parts.long_text(_gone(row))
        return parts.render("payload", rows=_values(body), text=as_text(body))

    def offers(self, row: WebhookDelivery) -> Sequence[str]:
        """Offer another try for what was left behind."""
        return ("retry",) if row.state in retry.LEFT_BEHIND else ()

    @admin.action(description=gettext_lazy("Take in again"), permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponseBase | None:
        """Let deliveries that failed or couldn't be read be taken in once more."""
        page = self.confirm(
            request,
            queryset,
            question=_("Take in again?"),
            consequence=_(
                "Deliveries that failed or couldn't be read are interpreted again. What they bring anew is written to "
                "Brevo. The others are left alone."
            ),
            button=_("Yes, take in again"),
        )
        if page:
            return page
        count = retry.retry_deliveries(queryset)
        words = ngettext(
            "%(count)d delivery will be taken in again.", "%(count)d deliveries will be taken in again.", count
        )
        self.message_user(request, words % {"count": count})
        return None


def _about_person(key: int) -> Q:
    """Return what fits the deliveries about somebody's bookings, and those that named their address alone."""
    person = Person.objects.filter(pk=key)
    named = Q(email__in=person.values("email"), connection__in=person.values("connection"))
    return named | Q(booking_uri__in=Booking.objects.filter(person=key).values("uri"))


def _gone(row: WebhookDelivery) -> str:
    if row.reason == erasures.WORDS:
        return _("It was deleted with the person it was about.")
    return _("It was deleted because of its age. What it said of the booking is kept with the booking.")


def as_text(body: bytes) -> str:
    """Return a body as text to be read, cut when nobody would read it to its end."""
    text = readable(body)
    cut = len(text) - SHOWN
    return text[:SHOWN] + ("\n" + _("… and %(count)d more characters") % {"count": cut} if cut > 0 else "")


def _values(body: bytes) -> list[tuple[str, str]]:
    """Return names and values of a body that is JSON; nothing of any other."""
    try:
        found = json.loads(body)
        return parts.pairs(parts.filled(found))[:MOST_VALUES] if isinstance(found, dict) else []
    except (ValueError, RecursionError):
        return []


def readable(body: bytes) -> str:
    """Return a body as indented JSON, or as the text it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", errors="replace")
