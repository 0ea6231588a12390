"""Single-use links, one by one: whose, how old, used for which booking."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.links_page import MAY_START
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.trigger_mapping import with_types
from calendly_connector.models import Person, SchedulingLink
from calendly_connector.services import links_use

State = SchedulingLink.State


@admin.register(SchedulingLink)
class SchedulingLinkAdmin(HistoryAdmin[SchedulingLink]):
    """One row per link."""

    tones: ClassVar[Mapping[Any, Tone]] = {
        State.WANTED: Tone.WAIT,
        State.LIVE: Tone.GOOD,
        State.USED: Tone.QUIET,
        State.EXPIRED: Tone.WARN,
        State.REPLACED: Tone.QUIET,
    }
    list_display = ("whose", "state_badge", "kind", "age", "expires", "use", "connection")
    list_select_related = ("connection", "booking__person")
    list_filter = (
        "state",
        ("made_at", titled(gettext_lazy("made"))),
        ("expires_at", titled(gettext_lazy("expires"))),
        "connection",
    )
    search_fields = ("email", "name", "tag")
    actions = ("put_aside",)
    fields = (
        *("whose", "person_link", "state_badge", "kind", "address", "age", "expires", "written", "use"),
        *("run_link", "connection"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SchedulingLink]:
        """Find each event type's name along the way."""
        return with_types(super().get_queryset(request).select_related("connection", "booking__person"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the list of one run's links."""
        return lookup == "run__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whoever may make links may put one aside."""
        return request.user.has_perm(MAY_START)

    @admin.display(description=gettext_lazy("e-mail"), ordering="email")
    def whose(self, row: SchedulingLink) -> SafeString:
        """Return whose link it is."""
        return parts.email(row.email)

    @admin.display(description=gettext_lazy("person"))
    def person_link(self, row: SchedulingLink) -> SafeString:
        """Return a link to the person, if we know them."""
        return parts.link(Person, row.person_id, parts.email(row.email))

    @admin.display(description=gettext_lazy("event type"))
    def kind(self, row: Any) -> str:
        """Return the event type's name."""
        return str(row.found_name or row.event_type)

    @admin.display(description=gettext_lazy("address"))
    def address(self, row: SchedulingLink) -> SafeString:
        """Return Calendly's page, while somebody can book there."""
        return parts.link_that_acts(row.url, _("Calendly's page")) if row.state == State.LIVE else parts.NOTHING

    @admin.display(description=gettext_lazy("age"), ordering="made_at")
    def age(self, row: SchedulingLink) -> SafeString:
        """Return how long ago it was made."""
        return parts.age(row.made_at)

    @admin.display(description=gettext_lazy("expires"), ordering="expires_at")
    def expires(self, row: SchedulingLink) -> SafeString:
        """Return when it can't be used any more."""
        return parts.age(row.expires_at) if row.state in (State.LIVE, State.EXPIRED) else parts.NOTHING

    @admin.display(description=gettext_lazy("written to Brevo"))
    def written(self, row: SchedulingLink) -> SafeString:
        """Return since when Brevo has it."""
        return parts.moment(row.written_at)

    @admin.display(description=gettext_lazy("use"), ordering="used_at")
    def use(self, row: SchedulingLink) -> SafeString:
        """Return the booking made with it, and a word when somebody else made it."""
        if row.booking is None:
            return parts.age(row.used_at)
        link = parts.link_to(row.booking)
        if row.booking.person.email == row.email:
            return link
        return format_html("{} {}", link, parts.badge(_("By another address"), Tone.WARN))

    @admin.display(description=gettext_lazy("run"))
    def run_link(self, row: SchedulingLink) -> SafeString:
        """Return a link to the run that made it."""
        return parts.link_to(row.run)

    def offers(self, row: SchedulingLink) -> Sequence[str]:
        """Offer to put aside what can be used."""
        return ("put_aside",) if row.state == State.LIVE else ()

    @admin.action(description=gettext_lazy("Put aside, so that a refill makes another"), permissions=["decide"])
    def put_aside(self, request: HttpRequest, queryset: QuerySet[SchedulingLink]) -> HttpResponse | None:
        """Let links count no more."""
        asked = self.confirm(
            request,
            queryset,
            question=_("Put these links aside?"),
            consequence=_("The next refill makes others. Calendly can't take a link back: it still works, once."),
            button=_("Put aside"),
        )
        if asked is None:
            count = sum(links_use.put_aside(row) for row in queryset)
            self.message_user(request, _("%(count)s links were put aside.") % {"count": count})
        return asked
