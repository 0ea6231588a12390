"""Differences between Calendly, the bookings here and Brevo: listed, mended, ignored, and found anew."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import drift_page, drift_words, parts, timeline
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.core.drift import What
from calendly_connector.models import Drift
from calendly_connector.services import connection as connections
from calendly_connector.services import drift, drift_fix

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

State = Drift.State
MOST_AT_ONCE = 200  # people looked at again by one press: for more there is a comparison of everybody


class KindFilter(admin.SimpleListFilter):
    """What differs."""

    title = _("what differs")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return every kind."""
        return [(what.value, str(words)) for what, words in drift_words.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep people with such a difference."""
        if self.value() not in list(What):
            return queryset
        as_text: QuerySet[Any] = queryset.annotate(kinds_text=Cast("kinds", TextField()))
        return as_text.filter(kinds_text__contains=f'"{self.value()}"')


@admin.register(Drift)
class DriftAdmin(HistoryAdmin[Drift]):
    """One row per person."""

    tones: ClassVar = {State.OPEN: Tone.WARN, State.FIXING: Tone.WAIT, State.IGNORED: Tone.QUIET}
    list_display = ("who", "standing", "differs", "found", "connection")
    list_display_links = None
    list_filter = ("state", "is_fixable", KindFilter, "connection")
    search_fields = ("email",)
    search_help_text = _("E-mail")
    actions = ("fix", "ignore", "open_again", "look_again")
    change_list_template = "admin/calendly_connector/drift/change_list.html"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("standing", "person_link", "connection_link", "settled")}),
        (_("What differs"), {"fields": ("all_lines",), "classes": ("cc-whole",)}),
        (_("When"), {"fields": ("first_found", "last_seen")}),
    )

    def get_urls(self) -> list[Any]:
        """Add what the buttons above the list do."""
        wrap = self.admin_site.admin_view
        return [
            path("compare/", wrap(drift_page.compare), name=drift_page.COMPARE),
            path("fix-all/", wrap(drift_page.fix_all), name=drift_page.FIX_ALL),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drift]:
        """Leave the connection's secrets unread."""
        secrets = [f"connection__{name}" for name in connections.SECRETS]
        return super().get_queryset(request).select_related("connection", "person").defer(*secrets)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Add how the last comparisons went, and their buttons."""
        known = {"comparisons": drift_page.comparisons(request.user)}
        return super().changelist_view(request, {**known, **(extra_context or {})})

    @admin.display(description=_("person"), ordering="email")
    def who(self, row: Drift) -> SafeString:
        """Return a link to whom it is about; just the address of somebody who isn't known here."""
        address = parts.email(row.email)
        return parts.link_to(row.person, address) if row.person else address

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: Drift) -> SafeString:
        """Return what staff made of it; what can't be fixed is respected."""
        if row.state == State.OPEN and not row.is_fixable:
            return parts.badge(gettext("Respected"), Tone.QUIET)
        return self.state_badge(row)

    @admin.display(description=_("wanted → found"))
    def differs(self, row: Drift) -> SafeString:
        """Return a link to all lines, and the first of them."""
        count = len(row.lines)
        words = ngettext("%(count)d difference", "%(count)d differences", count) % {"count": count}
        return format_html("{}{}", parts.link_to(row, words), drift_words.in_short(row.lines, {}))

    @admin.display(description=_("found"), ordering="found_at")
    def found(self, row: Drift) -> SafeString:
        """Return how long ago it was found first."""
        return parts.age(row.found_at)

    @admin.display(description=_("person"))
    def person_link(self, row: Drift) -> SafeString:
        """Return a link to the person's page, where their contact may be written anew."""
        return self.who(row)

    @admin.display(description=_("connection"))
    def connection_link(self, row: Drift) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=_("decided"))
    def settled(self, row: Drift) -> SafeString | str:
        """Return who decided what becomes of it, and when."""
        return format_html("{} {}", row.settled_by, parts.moment(row.settled_at)) if row.settled_at else parts.NOTHING

    @admin.display(description=_("differences"))
    def all_lines(self, row: Drift) -> SafeString:
        """Return every line as a table."""
        return drift_words.table(row.lines, timeline.list_names(row.connection.brevo_account_id))

    @admin.display(description=_("found first"))
    def first_found(self, row: Drift) -> SafeString:
        """Return when a comparison found it first."""
        return parts.moment(row.found_at)

    @admin.display(description=_("found last"))
    def last_seen(self, row: Drift) -> SafeString:
        """Return when a comparison found it last."""
        return parts.moment(row.seen_at)

    def offers(self, row: Drift) -> Sequence[str]:
        """Offer what makes sense for one person."""
        fix = ("fix",) if row.is_fixable and row.state != State.FIXING else ()
        other = {State.OPEN: ("ignore",), State.IGNORED: ("open_again",)}.get(State(row.state), ())
        return (*fix, *other, "look_again")

    @admin.action(description=_("Fix"), permissions=["act"])
    def fix(self, request: HttpRequest, queryset: QuerySet[Drift]) -> HttpResponseBase | None:
        """Mend what can be, and leave what is respected."""
        count, left = (queryset.filter(is_fixable=each).count() for each in (True, False))
        page = self.confirm(
            request,
            queryset,
            question=gettext("Fix these differences?"),
            consequence=drift_page.fix_words(count, left),
            button=gettext("Yes, fix them"),
        )
        if page:
            return page
        fixed = drift_fix.fix_chosen(queryset, by=request.user.get_username())
        self.message_user(request, drift_page.fixed_words(fixed, left))
        return None

    @admin.action(description=_("Ignore"), permissions=["act"])
    def ignore(self, request: HttpRequest, queryset: QuerySet[Drift]) -> None:
        """Say no more of these until they change."""
        count = drift.ignore_all(queryset, by=request.user.get_username())
        words = ngettext(
            "%(count)d person's differences are ignored until they change.",
            "%(count)d people's differences are ignored until they change.",
            count,
        )
        self.message_user(request, words % {"count": count})

    @admin.action(description=_("Don't ignore any more"), permissions=["act"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Drift]) -> None:
        """Count these as open again."""
        count = drift.unignore_all(queryset, by=request.user.get_username())
        words = ngettext(
            "%(count)d person's differences are open again.", "%(count)d people's differences are open again.", count
        )
        self.message_user(request, words % {"count": count})

    @admin.action(description=_("Look again at these"), permissions=["act"])
    def look_again(self, request: HttpRequest, queryset: QuerySet[Drift]) -> None:
        """Compare these people once more."""
        if len(queryset.values_list("pk")[: MOST_AT_ONCE + 1]) > MOST_AT_ONCE:
            words = gettext("Choose at most %(count)d people, or compare everybody. Nothing was done.")
            self.message_user(request, words % {"count": MOST_AT_ONCE}, messages.ERROR)
            return
        count = drift_fix.look_again(queryset)
        words = ngettext(
            "%(count)d person is compared with Brevo again.", "%(count)d people are compared with Brevo again.", count
        )
        self.message_user(request, words % {"count": count})
