"""Whether Brevo tells us what happens there, and the buttons to have it, to stop it, and to mind opt-outs or not."""

from collections.abc import Iterable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.models import BrevoAccount, BrevoDelivery
from calendly_connector.services import brevo_listen
from calendly_connector.services.brevo_listen import Outcome


class ListeningAdmin(HistoryAdmin[BrevoAccount]):
    """The part of a Brevo account's page that is about what Brevo tells."""

    @admin.display(description=_("tells us of unsubscriptions"), ordering="webhook_checked_at")
    def listens(self, row: BrevoAccount) -> SafeString:
        """Return whether Brevo tells us, and when that was last found so."""
        return listening_badge(row)

    @admin.display(description=_("opt-outs"))
    def opt_outs(self, row: BrevoAccount) -> str:
        """Return what becomes of people who unsubscribed in Brevo."""
        if row.follows_opt_outs:
            return gettext("Who unsubscribed in Brevo joins no list by our writes.")
        return gettext("Shown only: lists are joined whether somebody unsubscribed or not.")

    @admin.display(description=_("deliveries"))
    def deliveries(self, row: BrevoAccount) -> SafeString:
        """Return a link to what Brevo has posted."""
        return parts.link_to_list(BrevoDelivery, gettext("what Brevo posted"), account__id__exact=row.pk)

    @admin.action(description=_("Listen to Brevo"), permissions=["act"])
    def listen(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> None:
        """Have Brevo tell us of unsubscriptions and deletions, or repair that."""
        self._tell(request, ((account, brevo_listen.listen(account)) for account in queryset), is_wanted=True)

    @admin.action(description=_("Stop listening"), permissions=["act"])
    def stop_listening(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Delete our webhook in Brevo."""
        page = self.confirm(
            request,
            queryset,
            question=gettext("Stop listening?"),
            consequence=gettext(
                "Brevo no longer tells us who unsubscribes, bounces or is deleted there. What it told before is kept "
                "and respected."
            ),
            button=gettext("Yes, stop listening"),
        )
        if page:
            return page
        self._tell(request, ((account, brevo_listen.stop(account)) for account in queryset), is_wanted=False)
        return None

    @admin.action(description=_("Keep people who unsubscribed off lists"), permissions=["act"])
    def follow_opt_outs(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> None:
        """Let nobody join a list who opted out in Brevo."""
        self._switch(request, queryset, is_on=True)

    @admin.action(description=_("Let people who unsubscribed join lists"), permissions=["act"])
    def ignore_opt_outs(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Let lists be joined as if nobody had opted out; Brevo itself still mails none of them."""
        page = self.confirm(
            request,
            queryset,
            question=gettext("Let people who unsubscribed join lists?"),
            consequence=gettext(
                "They join the lists of the mapping like everybody else. Brevo's blocklist isn't touched: whoever is "
                "on it still gets no marketing mail. Who left one list only may be on it again."
            ),
            button=gettext("Yes, let them join"),
        )
        if page:
            return page
        self._switch(request, queryset, is_on=False)
        return None

    def _switch(self, request: HttpRequest, queryset: QuerySet[BrevoAccount], *, is_on: bool) -> None:
        count = queryset.update(follows_opt_outs=is_on)
        words = ngettext("Changed for %(count)d account.", "Changed for %(count)d accounts.", count)
        self.message_user(request, words % {"count": count})

    def _tell(self, request: HttpRequest, done: Iterable[tuple[BrevoAccount, Outcome]], *, is_wanted: bool) -> None:
        for account, outcome in done:
            level = messages.SUCCESS if outcome.is_listening is is_wanted else messages.ERROR
            self.message_user(request, f"{account}: {parts.said(outcome.words)}", level)


def listening_badge(account: BrevoAccount) -> SafeString:
    """Return whether Brevo tells us what happens there, and when that was last found so."""
    if account.webhook_id is None:
        return parts.badge(gettext("No"), Tone.WARN)
    checked = parts.age(account.webhook_checked_at)
    return format_html(gettext("{}, checked {}"), parts.badge(gettext("Yes"), Tone.GOOD), checked)
