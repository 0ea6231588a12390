"""The page “preview” of a connection: what a booking would send to Brevo, and why.

Looking changes nothing, here or in Brevo. `preview_trial` sends to a test address, and asks before it does.
"""

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import page, parts, preview_asked, preview_rules, preview_trial, preview_words
from calendly_connector.admin.booking_parts import TONES, Status, local_time
from calendly_connector.admin.page import Page
from calendly_connector.admin.parts import Cell
from calendly_connector.admin.preview_asked import Asked
from calendly_connector.admin.preview_form import TRIGGERS, KindForm, MadeUpForm
from calendly_connector.models import Booking, Connection
from calendly_connector.services import preview

NAME, TITLE = preview_trial.PREVIEW, gettext_lazy("Preview")
MADE_UP = "made-up"
VIEW, VIEW_PEOPLE = "calendly_connector.view_triggermapping", "calendly_connector.view_person"
OFFERED = 20


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Answer with the choice, a preview, or the test."""
    if not request.user.has_perm(VIEW_PEOPLE):
        raise PermissionDenied
    if rest == MADE_UP:
        return _made_up(request, connection)
    if rest == preview_trial.TEST:
        return preview_trial.view(request, connection)
    if rest:
        raise Http404
    if "booking" in request.GET:
        return _result(request, connection, preview_asked.of_booking(connection, request.GET))
    return _choose(request, connection)


PAGE = Page(name=NAME, title=TITLE, view=view, permission=VIEW)


def _choose(request: HttpRequest, connection: Connection) -> HttpResponse:
    query = request.GET.get("q", "").replace("\x00", "").strip()
    heads = (_("Invitee"), _("Status"), _("Meeting"), _("Time"), _("Preview"))
    empty = _("No booking fits “%(query)s”.") % {"query": query} if query else _("Nobody booked yet.")
    rows = [_offer(row, connection) for row in _found(connection, query)]
    return page.render(
        request,
        connection,
        "preview/choose.html",
        title=TITLE,
        current=NAME,
        query=query,
        bookings=parts.table(heads, rows, empty=empty),
        form=KindForm(connection),
        has_types=connection.event_types.exists(),
        made_up=page.address_of(connection, NAME, MADE_UP),
    )


def _found(connection: Connection, query: str) -> QuerySet[Booking]:
    """Return the newest bookings that fit: by invitee address, e-mail (whole or its beginning), or part of a name."""
    rows = Booking.objects.filter(connection=connection).select_related("person").order_by("-pk")
    if query.startswith("http"):
        rows = rows.filter(uri=query)
    elif "@" in query:
        rows = rows.filter(person__email__startswith=query.lower())
    elif query:
        rows = rows.filter(Q(name__icontains=query) | Q(person__email__icontains=query))
    return rows[:OFFERED]


def _offer(row: Booking, connection: Connection) -> list[Cell]:
    row.connection = connection
    label = _("Preview the booking of %(name)s") % {"name": row.name or row.person.email}
    address = f"{page.address_of(connection, NAME)}?booking={row.pk}"
    return [
        format_html('{}<span class="cc-why">{}</span>', row.name, parts.email(row.person.email)),
        parts.badge(row.get_status_display(), TONES[Status(row.status)]),
        row.meeting_name,
        local_time(row),
        format_html('<a class="button" href="{}" aria-label="{}">{}</a>', address, label, _("Preview")),
    ]


def _made_up(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Show the form of a made-up booking or, when it is filled in, the preview. Nothing is kept."""
    is_filled = request.method == "POST"
    data = request.POST if is_filled else request.GET
    form = preview_asked.form_of(connection, data, is_filled=is_filled)
    if is_filled and form.is_valid():
        return _result(request, connection, preview_asked.of_form(connection, form, data), form=form)
    return page.render(
        request,
        connection,
        "preview/made_up.html",
        title=preview_asked.title_of(form),
        current=NAME,
        form=form,
        carried=_chosen(form),
        address=page.address_of(connection, NAME, MADE_UP),
        back=page.address_of(connection, NAME),
    )


def _chosen(form: MadeUpForm) -> dict[str, str]:
    return {"type": str(form.event_type.pk), "kind": str(form.trigger)}


def _result(request: HttpRequest, connection: Connection, asked: Asked, form: MadeUpForm | None = None) -> HttpResponse:
    found, row = preview.preview(asked.subject), asked.subject.row
    return page.render(
        request,
        connection,
        "preview/result.html",
        title=asked.title,
        current=NAME,
        words=preview_words.words_of(found, preview_rules.names_of(connection)),
        email=asked.subject.email,
        row=row,
        booking_page=parts.page_of(Booking, row.pk) if row else "",
        kinds=[("", _("As it is now")), *((str(key), name) for key, name in TRIGGERS.items())],
        kind=asked.carried["kind"],
        form=form,
        chosen=_chosen(form) if form else {},
        address=page.address_of(connection, NAME, MADE_UP),
        back=page.address_of(connection, NAME),
        carried=asked.carried,
        test_form=preview_trial.form_for(request),
        test_address=page.address_of(connection, NAME, preview_trial.TEST),
    )
