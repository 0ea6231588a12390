"""Log-ins that failed: who mistyped how often from where, and who is locked out for it. A superuser may unlock."""

from typing import Any, ClassVar

from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.services import staff_sessions


@admin.register(AccessAttempt)
class FailedLoginAdmin(HistoryAdmin[AccessAttempt]):
    """One row per user name, address and browser, from the first failure until the lock is over."""

    list_display = ("username", "ip_address", "lock", "failures_since_start", "tried")
    search_fields = ("username", "ip_address")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "ip_address", "user_agent", "lock", "failures_since_start", "tried")}),
    )
    actions = ("unlock",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Call the page by what it lists."""
        return super().changelist_view(request, {"title": gettext("Failed log-ins"), **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessAttempt]:
        """Tell of each row whether it is locked."""
        return staff_sessions.with_lock(super().get_queryset(request))

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        """Only a superuser decides who may try again."""
        return bool(request.user.is_active and request.user.is_superuser)

    def offers(self, row: AccessAttempt) -> tuple[str, ...]:
        """Return what a row's page offers."""
        return ("unlock",)

    @admin.action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> HttpResponse | None:
        """Forget the failures of the chosen user names at their addresses, whatever the browser."""
        asked = self.confirm(
            request,
            queryset,
            question=gettext("Unlock these log-ins?"),
            consequence=gettext("Their failures are forgotten: they may try again at once."),
            button=gettext("Yes, unlock"),
        )
        if asked:
            return asked
        count = staff_sessions.unlock(queryset.values_list("username", "ip_address"))
        said = ngettext("%(count)d log-in is unlocked.", "%(count)d log-ins are unlocked.", count)
        self.message_user(request, said % {"count": count})
        return None

    @admin.display(description=_("state"))
    def lock(self, row: AccessAttempt) -> SafeString:
        """Return whether this name may try from this address now."""
        if row.is_locked:
            return parts.badge(gettext("Locked"), Tone.BAD)
        if row.attempt_time < timezone.now() - conf.login_lock():
            return parts.badge(gettext("Over"), Tone.QUIET)
        return parts.badge(gettext("May try again"), Tone.QUIET)

    @admin.display(description=_("last tried"), ordering="attempt_time")
    def tried(self, row: AccessAttempt) -> SafeString:
        """Return when it failed last."""
        return parts.age(row.attempt_time)
