"""The staff's way to Calendly's consent page and back. Everything that goes wrong becomes a message on the page."""

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import oauth

SAVED = "calendly_oauth"  # the session's key
SETUP = "setup"  # the name of the wizard's page
PERMISSION = "calendly_connector.change_connection"

NOTHING_SAVED = _(
    "There is no attempt to connect under way: Calendly's answer was used already, or you were logged out meanwhile. "
    "If the connection doesn't say “Connected”, press “Connect with Calendly” again."
)


@never_cache
@require_POST
@csrf_protect
def connect(request: HttpRequest, connection_id: str) -> HttpResponse:
    """`POST /oauth/calendly/connect/<connection>`: send the browser to Calendly."""
    if not _is_staff(request):
        return redirect_to_login(page_of(int(connection_id)), reverse("admin:login"))
    _need_permission(request)
    connection = get_object_or_404(Connection.objects.defer(*connections.SECRETS), pk=int(connection_id))
    try:
        start = oauth.begin(connection)
    except connections.NotConfigured as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(page_of(connection.pk, back=request.POST.get("back", "")))
    request.session[SAVED] = {**start.saved, "back": request.POST.get("back", "")}
    return HttpResponseRedirect(start.url)


@never_cache
@require_GET
@sensitive_variables()
def callback(request: HttpRequest) -> HttpResponse:
    """`GET /oauth/calendly/callback`: take Calendly's answer. The saved state is good for one, whatever it says."""
    if not _is_staff(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    _need_permission(request)
    saved = request.session.pop(SAVED, None)
    request.session.save()  # at once: it would not be saved with a response of 500
    connection = (
        Connection.objects.defer(*connections.SECRETS).filter(pk=saved["connection"]).first() if saved else None
    )
    if saved is None or connection is None:
        messages.error(request, NOTHING_SAVED if saved is None else gettext("The connection was deleted meanwhile."))
        return HttpResponseRedirect(reverse("admin:calendly_connector_connection_changelist"))
    try:
        report = oauth.finish(connection, saved, request.GET.dict())
    except oauth.NotConnected as error:
        messages.error(request, str(error))
    else:
        said = gettext("“%(connection)s” is connected.") % {"connection": connection}
        LogEntry.objects.log_actions(request.user.pk or 0, [connection], CHANGE, change_message=said)
        messages.success(request, said)
        for line in report.lines:
            messages.info(request, line)
    return HttpResponseRedirect(page_of(connection.pk, back=saved.get("back", "")))


def page_of(connection_id: int, *, back: str = "") -> str:
    """Return the address of a connection's page in the admin, or of its set-up, if that is where staff came from."""
    if back == SETUP:
        return reverse("admin:calendly_connector_connection_page", args=[connection_id, SETUP])
    return reverse("admin:calendly_connector_connection_change", args=[connection_id])


def _is_staff(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_active and request.user.is_staff


def _need_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
