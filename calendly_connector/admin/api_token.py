"""Keys to our API: made here and shown once, then known by their first characters, and revoked by deleting them."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.models import ApiToken
from calendly_connector.services import api_tokens

MADE = "calendly_connector_token"  # where a request carries the token that it has made; it is kept nowhere else


@admin.register(ApiToken)
class ApiTokenAdmin(ConnectorAdmin[ApiToken]):
    """One row per key."""

    list_display = ("name", "beginning", "user", "state_badge", "used", "made")
    list_select_related = ("user",)
    list_filter = ("user",)
    search_fields = ("name", "user__username")
    ordering = ("-created_at",)
    fields = ("name", "user", "expires_at")
    shown_fields: ClassVar[tuple[str, ...]] = ("name", "beginning", "user", "state_badge", "expires", "used", "made")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes a key: another one is made, and this one revoked."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Return what is asked for a new key, and what is shown of one that is there."""
        return self.shown_fields if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Return everything of a key that is there."""
        return self.shown_fields if obj else ()

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any) -> Any:
        """Let only a superuser make a key for somebody else: it may what that user may."""
        field = super().formfield_for_foreignkey(db_field, request, **options)
        if db_field.name == "user" and isinstance(field, forms.ModelChoiceField):
            users = field.queryset
            field.queryset = users if request.user.is_superuser else users.filter(pk=request.user.pk)  # type: ignore[union-attr]
            field.initial = request.user.pk
            field.help_text = _("The key may what this user may, and ends when the user is switched off.")
        return field

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Make the key."""
        request.__dict__[MADE] = api_tokens.furnish(obj)
        obj.save()

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key: on this one page, and never again."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Here is the token"),
            "opts": self.opts,
            "token": request.__dict__[MADE],
            "row": obj,
            "changelist": parts.list_of(ApiToken),
        }
        return TemplateResponse(
            request, "admin/calendly_connector/api_token.html", context, headers={"Cache-Control": "no-store"}
        )

    @admin.display(description=_("begins with"))
    def beginning(self, row: ApiToken) -> SafeString:
        """Return the first characters."""
        return parts.code(f"{row.hint}…")

    @admin.display(description=_("state"), ordering="expires_at")
    def state_badge(self, row: ApiToken) -> SafeString:
        """Return whether it opens anything."""
        if not row.user.is_active:
            return parts.badge(gettext("User switched off"), Tone.QUIET)
        if api_tokens.is_expired(row):
            return parts.badge(gettext("Expired"), Tone.QUIET)
        return parts.badge(gettext("Valid"), Tone.GOOD)

    @admin.display(description=_("expires"))
    def expires(self, row: ApiToken) -> SafeString | str:
        """Return when its time is over."""
        return parts.moment(row.expires_at) if row.expires_at else gettext("Never")

    @admin.display(description=_("last used"), ordering="last_used_at")
    def used(self, row: ApiToken) -> SafeString | str:
        """Return when it was used last."""
        return parts.age(row.last_used_at) if row.last_used_at else gettext("Never")

    @admin.display(description=_("made"), ordering="created_at")
    def made(self, row: ApiToken) -> SafeString:
        """Return when it was made."""
        return parts.age(row.created_at)
