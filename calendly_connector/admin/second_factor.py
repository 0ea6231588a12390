"""Everybody's own second factor: set up with a QR code, shown recovery codes once, renewed, removed.

Whoever must have one and has none gets here after the password, and nowhere else.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from calendly_connector import conf
from calendly_connector.admin import gate
from calendly_connector.admin.gate import CodeForm
from calendly_connector.services import second_factor
from calendly_connector.services.staff_sessions import State

TEMPLATES = "admin/calendly_connector/second_factor"


@sensitive_post_parameters("code")
@never_cache
@csrf_protect
def page(request: HttpRequest) -> HttpResponse:
    """Show and change the second factor of whoever asks. Everybody's own: it needs no permission."""
    user: Any = gate.halfway(request, State.NEEDS_FACTOR)
    if user is None and not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    user = user or request.user
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST":
        answer = _act(request, user, form)
        if answer is not None:
            return answer
    row = second_factor.row_of(user)
    if row is not None and row.has_factor:
        values = {"row": row, "left": second_factor.codes_left(row)}
        return _render(request, "there.html", form=form, is_required=conf.requires_second_factor(), **values)
    if row is None or not row.secret:
        is_halfway = not request.user.is_authenticated
        return _render(request, "none.html", is_required=conf.requires_second_factor(), is_halfway=is_halfway)
    size, path = second_factor.qr_path(second_factor.address_for_app(user.get_username(), row.secret))
    secret = second_factor.in_groups(row.secret)
    return _render(request, "new.html", form=form, size=size, path=path, secret=secret, next=gate.goal(request))


def _act(request: HttpRequest, user: Any, form: CodeForm) -> HttpResponse | None:
    """Do what was pressed; None when the page is to be shown again."""
    if "cancel" in request.POST:
        request.session.flush()
        return HttpResponseRedirect(reverse("admin:login"))
    if "start" in request.POST:
        second_factor.start(user)
        return HttpResponseRedirect(request.get_full_path())
    if not form.is_valid():
        return None
    code = form.cleaned_data["code"]
    try:
        if "remove" in request.POST:
            return _remove(request, user, code)
        if "renew" in request.POST:
            codes = second_factor.renew_recovery_codes(user, code)
            _note(user, gettext("Made new recovery codes."))
        else:
            codes = second_factor.confirm(user, code)
            gate.let_in(request, user)
            _note(user, gettext("Set up a second factor."))
    except (second_factor.WrongCode, second_factor.TooManyTries) as error:
        form.refuse(error)
        return None
    return _render(request, "codes.html", codes=codes, next=gate.goal(request))


def _remove(request: HttpRequest, user: Any, code: str) -> HttpResponse:
    second_factor.check(user, code)
    second_factor.remove(user)
    gate.let_in(request, user, passed=False)  # where one is required, nothing opens before there is a new one
    _note(user, gettext("Removed the second factor."))
    messages.success(request, gettext("Your second factor is removed."))
    return HttpResponseRedirect(reverse(gate.FACTOR_PAGE))


def _note(user: Any, words: str) -> None:
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, change_message=words)


def _render(request: HttpRequest, template: str, **values: Any) -> TemplateResponse:
    context = {**admin.site.each_context(request), "title": gettext("Second factor"), **values}
    return TemplateResponse(request, f"{TEMPLATES}/{template}", context, headers={"Cache-Control": "no-store"})
