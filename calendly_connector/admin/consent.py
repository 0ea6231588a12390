"""Consent: the rules of all grids in one list, and the proofs of what people agreed to."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import mapping_grid, parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.desk_list import DeskListAdmin
from calendly_connector.admin.list_names import ListNamesAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.trigger_mapping import row_link, with_types
from calendly_connector.core.rules import ConsentMode
from calendly_connector.models import ConsentProof, ConsentRule
from calendly_connector.services import snapshot

MODE_TONES = {
    ConsentMode.ALWAYS: Tone.WARN,
    ConsentMode.ANSWER: Tone.GOOD,
    ConsentMode.NEVER: Tone.QUIET,
    ConsentMode.DOUBLE_OPT_IN: Tone.GOOD,
}


def mode_badge(mode: str) -> SafeString | str:
    """Return a consent rule's way; as it is kept if no version of ours knows it."""
    if mode not in ConsentRule.Mode.values:
        return mode
    return parts.badge(ConsentRule.Mode(mode).label, MODE_TONES[ConsentMode(mode)])


@admin.register(ConsentRule)
class ConsentRuleAdmin(DeskListAdmin[ConsentRule]):
    """One rule per row of a grid."""

    desk_words = gettext_lazy("Edit the mapping")
    list_display = ("type_link", "mode_badge", "words", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("mode", "connection")
    search_fields = ("event_type", "question", "answer")
    ordering = ("event_type",)
    fields = ("type_link", "mode_badge", "words", "connection")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentRule]:
        """Find each event type's name along the way."""
        return with_types(super().get_queryset(request).select_related("connection"))

    @admin.display(description=gettext_lazy("event type"), ordering="event_type")
    def type_link(self, row: Any) -> SafeString | str:
        """Return the event type's name, as a link to its row of the grid."""
        return row_link(row)

    @admin.display(description=gettext_lazy("joins lists"), ordering="mode")
    def mode_badge(self, row: ConsentRule) -> SafeString | str:
        """Return the rule's way."""
        return mode_badge(row.mode)

    @admin.display(description=gettext_lazy("rule"))
    def words(self, row: ConsentRule) -> str:
        """Return the rule as a sentence."""
        return mapping_grid.consent_words(snapshot.consent({name: getattr(row, name) for name in snapshot.CONSENT}))


@admin.register(ConsentProof)
class ConsentProofAdmin(ListNamesAdmin[ConsentProof], HistoryAdmin[ConsentProof]):
    """One proof per booking and rule."""

    list_display = ("person_link", "mode_badge", "asked", "given", "list_names", "booking_link")
    list_select_related = ("person", "booking", "person__connection")
    list_filter = ("mode",)
    search_fields = ("=person__email",)
    ordering = ("-pk",)
    fields = (
        *("person_link", "mode_badge", "question", "answer", "template", "list_names", "given"),
        *("booking_link", "noted"),
    )

    @admin.display(description=gettext_lazy("person"))
    def person_link(self, row: ConsentProof) -> SafeString:
        """Return a link to the person."""
        return parts.link(type(row.person), row.person_id, parts.email(row.person.email))

    @admin.display(description=gettext_lazy("rule"), ordering="mode")
    def mode_badge(self, row: ConsentProof) -> SafeString | str:
        """Return the rule in force then."""
        return mode_badge(row.mode)

    @admin.display(description=gettext_lazy("question and answer"))
    def asked(self, row: ConsentProof) -> SafeString:
        """Return what was asked and answered, or which mail asked."""
        if row.question:
            return parts.long_text(f"{row.question}: {row.answer}")
        return parts.long_text(_("Mail of the template %(number)s") % {"number": row.template} if row.template else "")

    @admin.display(description=gettext_lazy("given"), ordering="given_at")
    def given(self, row: ConsentProof) -> SafeString:
        """Return when it was given: when the booking was made."""
        return parts.moment(row.given_at)

    @admin.display(description=gettext_lazy("noted"))
    def noted(self, row: ConsentProof) -> SafeString:
        """Return when we kept it."""
        return parts.moment(row.noted_at)

    @admin.display(description=gettext_lazy("lists"))
    def list_names(self, row: ConsentProof) -> str:
        """Return the lists that it was given for."""
        return self.named(row, row.lists)

    def account_of(self, row: ConsentProof) -> int:
        """Return the account of the person's connection."""
        return row.person.connection.brevo_account_id

    @admin.display(description=gettext_lazy("booking"))
    def booking_link(self, row: ConsentProof) -> SafeString:
        """Return a link to the booking that gave it."""
        return parts.link_to(row.booking)
