"""What Brevo posted to us, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.delivery import as_text
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.models import BrevoDelivery
from calendly_connector.services import retry

State = BrevoDelivery.State


@admin.register(BrevoDelivery)
class BrevoDeliveryAdmin(HistoryAdmin[BrevoDelivery]):
    """One row per delivery, of one piece of news or of a batch."""

    tones: ClassVar[Mapping[Any, Tone]] = {
        State.STORED: Tone.WAIT,
        State.PROCESSED: Tone.GOOD,
        State.IGNORED: Tone.QUIET,
        State.MALFORMED: Tone.BAD,
    }
    list_display = ("when", "state_badge", "words", "account")
    list_select_related = ("account",)
    list_filter = ("state", ("received_at", titled(_("received"))), "account")
    search_fields = ("reason",)
    actions = ("retry",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "words", "account_link")}),
        (_("When"), {"fields": ("received", "processed")}),
        (_("What Brevo posted"), {"fields": ("content",), "classes": ("cc-whole",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BrevoDelivery]:
        """Leave the bodies in the database, and secrets where they are."""
        return super().get_queryset(request).defer("body", "digest", "account__api_key", "account__webhook_secret")

    @admin.display(description=_("age"), ordering="received_at")
    def when(self, row: BrevoDelivery) -> SafeString:
        """Return how long ago it came."""
        return parts.age(row.received_at)

    @admin.display(description=_("what became of it"))
    def words(self, row: BrevoDelivery) -> str:
        """Return what was taken in, or why nothing was."""
        return parts.said(row.reason) or "–"

    @admin.display(description=_("Brevo account"))
    def account_link(self, row: BrevoDelivery) -> SafeString:
        """Return a link to the account."""
        return parts.link_to(row.account)

    @admin.display(description=_("received"))
    def received(self, row: BrevoDelivery) -> SafeString:
        """Return when it came."""
        return parts.moment(row.received_at)

    @admin.display(description=_("taken in"))
    def processed(self, row: BrevoDelivery) -> SafeString:
        """Return when it was looked at."""
        return parts.moment(row.processed_at)

    @admin.display(description=_("body"))
    def content(self, row: BrevoDelivery) -> SafeString:
        """Return the body as it was meant: indented."""
        return parts.render("payload", rows=[], text=as_text(bytes(row.body)))

    def offers(self, row: BrevoDelivery) -> Sequence[str]:
        """Offer another try for what couldn't be read."""
        return ("retry",) if row.state == State.MALFORMED else ()

    @admin.action(description=_("Take in again"), permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[BrevoDelivery]) -> None:
        """Let deliveries that couldn't be read be read once more. Nothing is sent to anybody."""
        count = retry.retry_news(queryset)
        words = ngettext(
            "%(count)d delivery will be taken in again.", "%(count)d deliveries will be taken in again.", count
        )
        self.message_user(request, words % {"count": count})
