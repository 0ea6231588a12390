"""The lines of all field mappings in one list, to be searched. They are edited on the page of their connection."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import mapping_fields, page, parts
from calendly_connector.admin.desk_list import DeskListAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.models import BrevoAttribute, FieldMapping
from calendly_connector.services import field_words, mapping_check

OVERWRITE_TONES = {
    FieldMapping.Overwrite.ALWAYS: Tone.GOOD,
    FieldMapping.Overwrite.IF_EMPTY: Tone.WAIT,
    FieldMapping.Overwrite.NEVER: Tone.QUIET,
}


@admin.register(FieldMapping)
class FieldMappingAdmin(DeskListAdmin[FieldMapping]):
    """One row per attribute."""

    desk_page = mapping_fields.NAME
    desk_words = gettext_lazy("Edit the fields")
    list_display = ("attribute_link", "source_label", "overwrite_badge", "attribute_kind", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("overwrite", "connection")
    search_fields = ("attribute", "source")
    ordering = ("connection", "pk")
    fields = ("attribute_link", "source_label", "overwrite_badge", "attribute_kind", "connection")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FieldMapping]:
        """Find each attribute's type along the way."""
        found = BrevoAttribute.objects.filter(account=OuterRef("connection__brevo_account"), name=OuterRef("attribute"))
        rows = super().get_queryset(request).select_related("connection")
        return rows.annotate(found_kind=Subquery(found.values("kind")[:1]))

    @admin.display(description=gettext_lazy("Brevo attribute"), ordering="attribute")
    def attribute_link(self, row: FieldMapping) -> SafeString:
        """Return the attribute, as a link to the page where its line is edited."""
        address = page.address_of(row.connection, mapping_fields.NAME)
        return format_html('<a href="{}">{}</a>', address, row.attribute)

    @admin.display(description=gettext_lazy("value"), ordering="source")
    def source_label(self, row: FieldMapping) -> str:
        """Return the source as the pick-list calls it."""
        return field_words.label_of(row.source)

    @admin.display(description=gettext_lazy("writes"), ordering="overwrite")
    def overwrite_badge(self, row: FieldMapping) -> SafeString:
        """Return when it is written."""
        return parts.badge(row.get_overwrite_display(), OVERWRITE_TONES[FieldMapping.Overwrite(row.overwrite)])

    @admin.display(description=gettext_lazy("type in Brevo"))
    def attribute_kind(self, row: Any) -> SafeString | str:
        """Return the attribute's type, or that there is none."""
        if row.attribute in mapping_check.IDENTIFIERS:
            return _("built in")
        return field_words.kind_word(row.found_kind) if row.found_kind else parts.badge(_("Not in Brevo"), Tone.WARN)
