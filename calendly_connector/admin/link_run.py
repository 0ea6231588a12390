"""Runs of single-use links: how far each is, why some people got none, and the button for e-mails."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import links_words, parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.links_page import MAY_START, PAGES
from calendly_connector.admin.parts import Tone
from calendly_connector.clients import errors
from calendly_connector.models import EventType, LinkRun, SchedulingLink
from calendly_connector.services import links, links_look, queue

State = LinkRun.State


@admin.register(LinkRun)
class LinkRunAdmin(HistoryAdmin[LinkRun]):
    """One row per run."""

    change_form_template = "admin/calendly_connector/links/run.html"
    tones: ClassVar[Mapping[Any, Tone]] = {
        State.RUNNING: Tone.WAIT,
        State.PAUSED: Tone.WARN,
        State.CANCELED: Tone.QUIET,
        State.FINISHED: Tone.GOOD,
    }
    list_display = ("when", "state_badge", "what", "asked_by", "total", "made", "written", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("state", ("asked_at", titled(gettext_lazy("asked for"))), "connection")
    search_fields = ("attribute", "asked_by")
    actions = ("pause", "go_on", "cancel", "refill")
    fieldsets: ClassVar[Any] = (
        (
            None,
            {"fields": ("state_badge", "result", "uses", "all_links", "left_out_words", "total", "made", "written")},
        ),
        (
            gettext_lazy("What was asked for"),
            {"fields": ("kind", "list_name", "attribute", "utm", "is_refill", "connection_link")},
        ),
        (gettext_lazy("When"), {"fields": ("asked_by", "asked", "finished")}),
    )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whoever may start a run may refill one."""
        return request.user.has_perm(MAY_START)

    @admin.display(description=gettext_lazy("age"), ordering="asked_at")
    def when(self, row: LinkRun) -> SafeString:
        """Return how long ago it was asked for."""
        return parts.age(row.asked_at)

    @admin.display(description=gettext_lazy("links"))
    def what(self, row: LinkRun) -> SafeString:
        """Return which links, and what came of them or why they wait."""
        return parts.with_reason(parts.page_of(LinkRun, row.pk), parts.name_of(row), row.words)

    @admin.display(description=gettext_lazy("result"))
    def result(self, row: LinkRun) -> str:
        """Return what came of it, or why it doesn't go on."""
        return parts.said(row.words) or "–"

    @admin.display(description=gettext_lazy("single links"))
    def all_links(self, row: LinkRun) -> SafeString:
        """Return a link to the links of this run."""
        return parts.link_to_list(SchedulingLink, _("All links of this run"), run__id__exact=row.pk)

    @admin.display(description=gettext_lazy("use"))
    def uses(self, row: LinkRun) -> SafeString:
        """Return how many of its links can be used, were used, or have expired."""
        return parts.table((_("State"), _("Links")), links_words.uses(row), empty=_("None yet."))

    @admin.display(description=gettext_lazy("left out"))
    def left_out_words(self, row: LinkRun) -> SafeString:
        """Return why how many contacts got none."""
        return parts.table((_("Reason"), _("Contacts")), links_words.left_out(row.left_out), empty=_("Nobody."))

    @admin.display(description=gettext_lazy("event type"))
    def kind(self, row: LinkRun) -> str:
        """Return the event type's name, or its address when it was never read."""
        found = EventType.objects.filter(connection=row.connection_id, uri=row.event_type).first()
        return found.name if found else row.event_type

    @admin.display(description=gettext_lazy("Brevo list"))
    def list_name(self, row: LinkRun) -> str:
        """Return the list; without one it was a single person's link."""
        if row.list_number is None:
            return _("None: one person’s link")
        found = row.connection.brevo_account.lists.filter(number=row.list_number).first()
        return str(found) if found else f"#{row.list_number}"

    @admin.display(description=gettext_lazy("UTM parameters"))
    def utm(self, row: LinkRun) -> str:
        """Return what comes back with each booking."""
        return links_words.tracking_words(row.tracking) or "–"

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: LinkRun) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=gettext_lazy("asked for"))
    def asked(self, row: LinkRun) -> SafeString:
        """Return when it was asked for."""
        return parts.moment(row.asked_at)

    @admin.display(description=gettext_lazy("finished"))
    def finished(self, row: LinkRun) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.finished_at)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add how far it is, and the button for e-mails."""
        if row := context.get("original"):
            context["progress"], context["snippet"] = _progress(row), links_words.snippet(row)
        return super().render_change_form(request, context, *args, **kw)

    def offers(self, row: LinkRun) -> Sequence[str]:
        """Offer the ways out of the present state."""
        if row.finished_at:
            return ("refill",) if row.list_number is not None else ()
        return {State.RUNNING: ("pause", "cancel"), State.PAUSED: ("go_on", "cancel")}.get(State(row.state), ())

    @admin.action(description=gettext_lazy("Pause"), permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[LinkRun]) -> None:
        """Stop for now."""
        self._do(request, queryset, links.pause, _("Paused. What was made is kept."))

    @admin.action(description=gettext_lazy("Go on"), permissions=["act"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[LinkRun]) -> None:
        """Go on where it stood."""
        self._do(request, queryset, links.go_on, _("It goes on where it stood."))

    @admin.action(description=gettext_lazy("Cancel"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[LinkRun]) -> None:
        """End it for good."""
        self._do(request, queryset, links.cancel, _("Canceled. What was made is kept, and written by the next run."))

    @admin.action(description=gettext_lazy("Refill used and expired links"), permissions=["decide"])
    def refill(self, request: HttpRequest, queryset: QuerySet[LinkRun]) -> HttpResponse | None:
        """Make new links where the last is used, expired or missing."""
        row = queryset.exclude(list_number=None).exclude(finished_at=None).first()
        if row is None or len(queryset) > 1:
            self.message_user(request, _("Choose one run for a list that is over."), messages.ERROR)
            return None
        try:
            return self._ask_or_refill(request, queryset, row)
        except (links_look.Unfit, links.OtherUnderWay, errors.ApiError, queue.Later) as error:
            self.message_user(request, parts.said(str(error)), messages.ERROR)
            return None

    def _ask_or_refill(self, request: HttpRequest, chosen: QuerySet[LinkRun], row: LinkRun) -> HttpResponse | None:
        wish = links.refill_wish(row)
        if "confirmed" in request.POST:
            if links_look.need_attribute(row.connection, row.attribute):
                links_look.make_attribute(row.connection, row.attribute)
            links.refill(row, by=request.user.get_username())
            self.message_user(request, _("The links are being made. You may leave this page."))
            return None
        found = links_look.look(row.connection, wish, most_pages=PAGES)
        what = _("Contacts of the list whose link is used, expired or missing get a new one, in its place.")
        return self.confirm(
            request,
            chosen,
            question=_("Refill used and expired links?"),
            consequence=" ".join((what, *links_words.look_lines(found))),
            button=_("Refill"),
        )

    def _do(self, request: HttpRequest, rows: QuerySet[LinkRun], verb: Callable[[LinkRun], bool], words: str) -> None:
        done = [row for row in rows if verb(row)]
        self.message_user(request, words if done else _("It isn't in a state for that any more."))


def _progress(row: LinkRun) -> dict[str, Any]:
    """Return how far a run is."""
    counts = {"made": row.made, "total": row.total, "written": row.written}
    return {
        "total": max(row.total, 1),
        "reached": min(row.made, row.total) if row.total else int(row.state == State.FINISHED),
        "words": _("%(made)s of %(total)s links made") % counts,
        "waiting": _("%(written)s are written to their contacts.") % counts,
    }
