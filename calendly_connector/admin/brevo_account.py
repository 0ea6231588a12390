"""Brevo accounts: are they written to, what they offer, and the buttons to pause, resume and refresh."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import asking, parts
from calendly_connector.admin.listening import ListeningAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.steps import PAUSE_BREVO, PAUSING
from calendly_connector.clients.errors import ApiError
from calendly_connector.models import BrevoAccount, BrevoAttribute, BrevoList
from calendly_connector.services import accounts, catalogue
from calendly_connector.services import connection as connections


@admin.register(BrevoAccount)
class BrevoAccountAdmin(ListeningAdmin):
    """One row per Brevo account."""

    list_display = ("name", "state_display", "paused", "why", "listens", "attributes_read")
    actions = ("resume", "pause", "refresh_brevo", "listen", "stop_listening", "follow_opt_outs", "ignore_opt_outs")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "state_display", "why", "paused", "organization_id")}),
        (_("What it offers"), {"fields": ("list_link", "attribute_link", "attributes_read")}),
        (_("What it tells us"), {"fields": ("listens", "opt_outs", "deliveries")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BrevoAccount]:
        """Leave the key alone: one that can't be read shall not keep the page from opening."""
        return super().get_queryset(request).defer("api_key", "webhook_secret")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Return whether this member of staff may stop and resume writing."""
        return request.user.has_perm(PAUSE_BREVO)

    @admin.display(description=_("state"), ordering="state")
    def state_display(self, row: BrevoAccount) -> SafeString:
        """Return whether we write."""
        return account_badge(row)

    @admin.display(description=_("paused"), ordering="paused_at")
    def paused(self, row: BrevoAccount) -> SafeString:
        """Return since when writing waits."""
        return parts.age(row.paused_at)

    @admin.display(description=_("pause reason"))
    def why(self, row: BrevoAccount) -> str:
        """Return why writing waits."""
        return parts.said(row.pause_reason) or "–"

    @admin.display(description=_("attributes read"), ordering="attributes_read_at")
    def attributes_read(self, row: BrevoAccount) -> SafeString:
        """Return how old the mirror of the attributes is."""
        return parts.age(row.attributes_read_at)

    @admin.display(description=_("lists"))
    def list_link(self, row: BrevoAccount) -> SafeString:
        """Return a link to the lists."""
        return parts.link_to_list(BrevoList, _lists(row.lists.count()), account__id__exact=row.pk)

    @admin.display(description=_("attributes"))
    def attribute_link(self, row: BrevoAccount) -> SafeString:
        """Return a link to the attributes."""
        count = row.attributes.count()
        return parts.link_to_list(BrevoAttribute, _attributes(count), account__id__exact=row.pk)

    def offers(self, row: BrevoAccount) -> Sequence[str]:
        """Offer the way out of the present state."""
        listening = ("listen",) if row.webhook_id is None else ("listen", "stop_listening")
        follow = "ignore_opt_outs" if row.follows_opt_outs else "follow_opt_outs"
        return ("resume" if row.is_paused else "pause", "refresh_brevo", *listening, follow)

    @admin.action(description=_("Resume writing"), permissions=["pause"])
    def resume(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Go on writing; what waited is written now."""
        paused = queryset.filter(state=BrevoAccount.State.PAUSED)
        page = self.confirm(
            request,
            queryset,
            question=gettext("Resume writing?"),
            consequence=gettext("Everything that waited is sent to Brevo now. Is the cause of the pause mended?"),
            button=gettext("Yes, resume"),
        )
        if page:
            return page
        chosen = list(paused)
        for account in chosen:
            accounts.resume(account)
        self.message_user(
            request,
            ngettext("Writing goes on for %(count)d account.", "Writing goes on for %(count)d accounts.", len(chosen))
            % {"count": len(chosen)},
        )
        return None

    @admin.action(description=_("Pause writing"), permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Stop writing until somebody resumes it."""
        why = asking.reason_in(request)
        if not why:
            return asking.ask(
                request,
                title=gettext("Pause writing?"),
                lines=[str(PAUSING), ", ".join(account.name for account in queryset)],
                button=gettext("Yes, pause"),
                back=parts.list_of(BrevoAccount),
                hidden=asking.carried(request),
                reason_label=gettext("Why?"),
            )
        chosen = list(queryset)
        for account in chosen:
            accounts.pause_for_staff(account, by=request.user.get_username(), why=why)
            self.log_change(request, account, gettext("Paused writing: %(why)s") % {"why": why})
        self.message_user(
            request,
            ngettext(
                "Writing is paused for %(count)d account.", "Writing is paused for %(count)d accounts.", len(chosen)
            )
            % {"count": len(chosen)},
        )
        return None

    @admin.action(description=_("Refresh lists and attributes"), permissions=["act"])
    def refresh_brevo(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> None:
        """Read the lists and attributes from Brevo now."""
        for account in queryset:
            read(self, request, account, partial(read_brevo, account))


def account_badge(account: BrevoAccount) -> SafeString:
    """Return whether an account is written to."""
    return parts.badge(account.get_state_display(), Tone.WARN if account.is_paused else Tone.GOOD)


def read_brevo(account: BrevoAccount) -> str:
    """Refresh both mirrors of a Brevo account and return what was read. Raises ApiError, NotConfigured."""
    client = connections.brevo_client(account)
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    return gettext("%(lists)s and %(attributes)s") % {
        "lists": _lists(account.lists.count()),
        "attributes": _attributes(account.attributes.count()),
    }


def read(admin_page: Any, request: HttpRequest, row: object, work: Callable[[], str]) -> None:
    """Do a refresh and tell how it went."""
    try:
        admin_page.message_user(request, gettext("%(row)s: %(work)s read.") % {"row": row, "work": work()})
    except (ApiError, connections.NotConfigured) as error:
        admin_page.message_user(
            request, gettext("%(row)s can't be read: %(error)s") % {"row": row, "error": error}, messages.ERROR
        )


def _lists(count: int) -> str:
    return ngettext("%(count)d list", "%(count)d lists", count) % {"count": count}


def _attributes(count: int) -> str:
    return ngettext("%(count)d attribute", "%(count)d attributes", count) % {"count": count}
