"""The gate that every request of a member of staff passes: is the session still good, and was the second factor shown?

Whoever has only shown a password is nobody to every page behind it, and is led to the page that asks for the code.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from calendly_connector.admin import parts
from calendly_connector.services import second_factor, staff_sessions
from calendly_connector.services.staff_sessions import State

CODE_PAGE, FACTOR_PAGE = "login_code", "second_factor"
HALF = "staff_halfway"  # where a request carries the user who has shown a password only
LEADS_TO = {State.NEEDS_CODE: CODE_PAGE, State.NEEDS_FACTOR: FACTOR_PAGE}


class StaffGate:
    """Ends sessions that are over, and hides whoever is halfway in. Below AuthenticationMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as for the user, or as for nobody."""
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        state = staff_sessions.judge(request.session, user)
        if state is State.GOOD:
            return self.get_response(request)
        request.user = AnonymousUser()
        if state is State.OVER:
            request.session.flush()
            return self.get_response(request)
        request.__dict__[HALF] = (user, state)
        if request.method == "GET" and request.path == reverse("admin:login"):
            return HttpResponseRedirect(f"{reverse(LEADS_TO[state])}?{urlencode({REDIRECT_FIELD_NAME: goal(request)})}")
        return self.get_response(request)


def halfway(request: HttpRequest, state: State) -> Any:
    """Return the user who has shown a password and needs what `state` says; None for anybody else."""
    user, found = request.__dict__.get(HALF, (None, None))
    return user if found is state else None


def let_in(request: HttpRequest, user: Any, *, passed: bool = True) -> None:
    """Note that a user has shown the second factor (or has none any more), under a new session key."""
    fresh = get_user_model()._default_manager.select_related("staff_login").get(pk=user.pk)
    request.session.cycle_key()
    staff_sessions.begin(request.session, fresh, passed=passed)
    request.user = fresh


def goal(request: HttpRequest) -> str:
    """Return the page that somebody wanted, if it is one of ours; else the overview."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("admin:index")


class CodeForm(forms.Form):
    """Asks for one code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "autocapitalize": "off"}
        ),
    )

    def refuse(self, error: Exception) -> None:
        """Say why the code wasn't taken."""
        if isinstance(error, second_factor.TooManyTries):
            wait = {"time": parts.length(error.seconds)}
            self.add_error("code", gettext("Too many wrong codes. Try again in %(time)s.") % wait)
        else:
            self.add_error("code", gettext("This code isn't right, or was used already. Wait for the next one."))


@sensitive_post_parameters("code")
@never_cache
@csrf_protect
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask for the code after the password, and let in whoever has it."""
    user = halfway(request, State.NEEDS_CODE)
    if user is None:
        return HttpResponseRedirect(reverse("admin:index"))
    if request.method == "POST" and "cancel" in request.POST:
        request.session.flush()
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            second_factor.check(user, form.cleaned_data["code"])
        except (second_factor.WrongCode, second_factor.TooManyTries) as error:
            staff_sessions.logger.warning("A wrong second factor after the right password of %s.", user)
            form.refuse(error)
        else:
            let_in(request, user)
            _warn_of_few_codes(request, user)
            return HttpResponseRedirect(goal(request))
    context = {**admin.site.each_context(request), "title": gettext("Log in"), "form": form, "next": goal(request)}
    return TemplateResponse(request, "admin/calendly_connector/second_factor/code.html", context)


def _warn_of_few_codes(request: HttpRequest, user: Any) -> None:
    row = second_factor.row_of(user)
    left = second_factor.codes_left(row) if row else 0
    if left < 3:
        said = gettext("Recovery codes left: %(left)s. Make new ones under “My settings”.")
        messages.warning(request, said % {"left": left})
