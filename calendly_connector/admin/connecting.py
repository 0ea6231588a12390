"""The address behind the buttons of a connection's page. It takes POST only, and always leads back in words."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from calendly_connector.admin import asking, connection_pages, page, panels, parts, setup_page
from calendly_connector.admin.audit import note
from calendly_connector.admin.base import ConnectorAdmin
from calendly_connector.admin.connection_form import NewConnectionForm
from calendly_connector.admin.steps import CHANGE_BREVO, EXPECTED, STEPS, Step, told_of, words_for_key
from calendly_connector.models import Connection


class ConnectingAdmin(ConnectorAdmin[Connection]):
    """A page with panels above the form, whose buttons take one step each."""

    change_form_template = "admin/calendly_connector/connection_form.html"

    def get_urls(self) -> list[Any]:
        """Add one address for all steps, and one for all pages."""
        view = self.admin_site.admin_view(self.step_view)
        desk = self.admin_site.admin_view(connection_pages.serve)
        return [
            path("<int:key>/step/<slug:name>/", view, name=panels.STEP),
            path("<int:key>/desk/<slug:name>/", desk, name=page.PAGE),
            path("<int:key>/desk/<slug:name>/<path:rest>/", desk, name=page.PAGE),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who adds a connection connects it next."""
        return super().has_add_permission(request) and self.may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes a connection by hand: its history would go too. Disconnect it, and switch it off."""
        return False

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make another connection; its page comes next."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewConnectionForm(request.POST or None, may_add_account=request.user.has_perm(CHANGE_BREVO))
        if form.is_valid() and (made := _made(form)):
            self.log_addition(request, made, [{"added": {}}])
            messages.success(request, _("“%(made)s” was added. Connect its Calendly account now.") % {"made": made})
            return HttpResponseRedirect(page.address_of(made, setup_page.NAME))
        context = {**self._page(_("Add connection"), request), "form": form}
        return TemplateResponse(request, "admin/calendly_connector/add_connection.html", context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add the panels."""
        row = context.get("original")
        context["panels"] = panels.panels_of(row, request.user) if row else []
        context["tabs"] = connection_pages.tabs_of(row, request.user) if row else []
        return super().render_change_form(request, context, *args, **kw)

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def step_view(self, request: HttpRequest, key: int, name: str) -> HttpResponse:
        """Take a step, or ask whether to."""
        step = STEPS.get(name)
        if step is None:
            raise Http404
        if not request.user.has_perm(step.permission):
            raise PermissionDenied
        row = get_object_or_404(panels.readable(Connection.objects.all()), pk=key)
        if request.method == "POST":
            if not _is_answered(request, step):
                return self._ask(request, row, step)
            told = told_of(step, request, row)
            for level, words in told:
                messages.add_message(request, level, words)
            note(request, row, f"{step.label}: {' '.join(str(words) for _level, words in told)}")
        return HttpResponseRedirect(_page_before(request, row))

    def _ask(self, request: HttpRequest, row: Connection, step: Step) -> TemplateResponse:
        back = request.POST.get("back", "")
        return asking.ask(
            request,
            title=str(step.question),
            lines=[str(row), str(step.consequence)],
            button=_("Yes, %(step)s") % {"step": str(step.label).lower()},
            back=_page_before(request, row),
            hidden=[("back", back)] if back else [],
            reason_label=str(step.reason_label),
        )

    def _page(self, title: str, request: HttpRequest) -> dict[str, Any]:
        known = {"title": title, "opts": self.opts, "changelist": parts.list_of(Connection)}
        return {**self.admin_site.each_context(request), **known}


def _is_answered(request: HttpRequest, step: Step) -> bool:
    """Return whether what has to be asked before a step was answered."""
    if step.reason_label:
        return bool(asking.reason_in(request))
    return not step.question or asking.is_confirmed(request)


def _page_before(request: HttpRequest, row: Connection) -> str:
    """Return where the button was pressed: in the set-up, or on the connection's own page."""
    is_setup = request.POST.get("back") == setup_page.NAME
    return page.address_of(row, setup_page.NAME) if is_setup else parts.page_of(Connection, row.pk)


def _made(form: NewConnectionForm) -> Connection | None:
    """Return the new connection, or None with words at the form."""
    try:
        return form.make()
    except EXPECTED as error:
        form.add_error(None, words_for_key(error))
        return None
