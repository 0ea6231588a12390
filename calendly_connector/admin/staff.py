"""Django's page of users, with what staff need who lost their phone, or a laptop with an open session."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.services import second_factor, staff_sessions

admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(ConnectorAdmin[User], UserAdmin):  # type: ignore[type-arg]
    """Users: who they are, what they may do, and whether a second factor is asked of them."""

    list_display = ("username", "email", "first_name", "last_name", "is_staff", "factor")
    list_select_related = ("staff_login",)
    ordering = ("username",)
    actions = ("reset_second_factor", "log_out")

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Only a superuser takes away what protects somebody's log-in."""
        return bool(request.user.is_active and request.user.is_superuser)

    @admin.action(description=_("Reset the second factor"), permissions=["reset"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Take away the chosen users' second factors, after asking."""
        asked = self.confirm(
            request,
            queryset,
            question=gettext("Reset the second factor of these users?"),
            consequence=gettext(
                "They are logged out everywhere, and only their password is asked for until they set up a new one. "
                "Be sure that it is really them who ask."
            ),
            button=gettext("Yes, reset"),
        )
        if asked:
            return asked
        count = sum(second_factor.remove(user) for user in queryset)
        said = ngettext("%(count)d second factor was reset.", "%(count)d second factors were reset.", count)
        self.message_user(request, said % {"count": count})
        return None

    @admin.action(description=_("Log out everywhere"), permissions=["reset"])
    def log_out(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """End every session of the chosen users, after asking."""
        asked = self.confirm(
            request,
            queryset,
            question=gettext("Log these users out everywhere?"),
            consequence=gettext("They log in anew, with what they were typing lost."),
            button=gettext("Yes, log out"),
        )
        if asked:
            return asked
        users = list(queryset.values_list("pk", flat=True))
        staff_sessions.end_all(users)
        said = ngettext("%(count)d user was logged out.", "%(count)d users were logged out.", len(users))
        self.message_user(request, said % {"count": len(users)})
        return None

    def offers(self, row: User) -> tuple[str, ...]:
        """Return what a user's own page offers."""
        return ("reset_second_factor", "log_out")

    @admin.display(description=_("second factor"), ordering="staff_login__confirmed_at")
    def factor(self, row: User) -> SafeString:
        """Return whether there is one."""
        if staff_sessions.has_factor(row):
            return parts.badge(gettext("Set up"), Tone.GOOD)
        return parts.badge(gettext("None"), Tone.QUIET)
