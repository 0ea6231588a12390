"""How one member of staff likes to read the admin: in which language, and on which clock."""

import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.admin.audit import note
from calendly_connector.models import StaffPreference
from calendly_connector.services import staff_sessions, zones

URL_NAME = "my_settings"
SAVED = "calendly_connector_preference"  # the session's key
KEPT_SECONDS = 300  # then another browser's change is seen too


class PreferenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Language and time zone, each with the installation's as first choice."""

    class Meta:
        """What is asked."""

        model = StaffPreference
        fields = ("language", "timezone")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        first = gettext("As my browser asks, or as this installation is set")
        self.fields["language"] = forms.ChoiceField(
            label=_("Language"), required=False, choices=[("", first), *conf.languages()]
        )
        zone = gettext("As this installation: %(zone)s") % {"zone": timezone.get_default_timezone_name()}
        self.fields["timezone"] = forms.ChoiceField(
            label=_("Time zone"),
            required=False,
            choices=[("", zone), *zones.zones()],
            help_text=_("Every time in these pages is shown in this zone. What is written to Brevo doesn't change."),
        )


def my_settings(request: HttpRequest) -> HttpResponse:
    """Show and keep the preferences of whoever asks. Everybody's own: it needs no permission."""
    row = StaffPreference.objects.filter(user=request.user.pk).first() or StaffPreference(user_id=request.user.pk or 0)
    form = PreferenceForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        request.session.pop(SAVED, None)
        note(request, row, gettext("Changed how pages are shown to me."))
        with translation.override(row.language or translation.get_language()):
            messages.success(request, gettext("Your settings are saved."))
        return HttpResponseRedirect(reverse(URL_NAME))
    context = {
        **admin.site.each_context(request),
        "title": gettext("My settings"),
        "form": form,
        "has_factor": staff_sessions.has_factor(request.user),
    }
    return TemplateResponse(request, "admin/calendly_connector/my_settings.html", context)


class ActivatePreference:
    """Answers in the language and zone of whoever asks. Below AuthenticationMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer under the user's preference; where there is none, as for everybody who isn't logged in."""
        if not request.user.is_authenticated:
            return self.get_response(request)
        language, zone = preference_of(request)
        with (
            translation.override(language or translation.get_language()),
            timezone.override(ZoneInfo(zone) if zone else timezone.get_default_timezone()),
        ):
            return self.get_response(request)


def preference_of(request: HttpRequest) -> tuple[str, str]:
    """Return language and zone; asks the database once in a while, and the session in between."""
    kept = request.session.get(SAVED)
    if not kept or kept[2] < time.time() - KEPT_SECONDS:
        found = StaffPreference.objects.filter(user=request.user.pk).values_list("language", "timezone").first()
        kept = request.session[SAVED] = [*(found or ("", "")), time.time()]
    language, zone = kept[0], kept[1]
    return language if language in dict(conf.languages()) else "", zone if zone in zones.known() else ""
