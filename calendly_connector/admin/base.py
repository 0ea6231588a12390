"""What our admin pages share: read-only history, capped counting, state badges, and actions that ask first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import audit, parts, searching
from calendly_connector.admin.parts import Tone

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Django's, which takes no type at run time."""

        def __class_getitem__(cls, item: object) -> type:
            return cls


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than staff would ever page: a million rows cost what ten thousand do."""

    CAP = 10_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or the cap."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.CAP].count())

    @property
    def is_capped(self) -> bool:
        """Return whether there may be more rows than can be paged through."""
        return self.count >= self.CAP


class ConnectorAdmin(ModelAdmin[Row]):
    """Lists with capped counting, and actions that may also be started from a row's own page."""

    change_form_template = "admin/calendly_connector/change_form.html"
    change_list_template = "admin/calendly_connector/change_list.html"
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    tones: ClassVar[Mapping[Any, Tone]] = {}
    address_fields: ClassVar[tuple[str, str] | None] = None  # to the person's key, and to the invitee's address

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, row: Any) -> SafeString:
        """Return the row's state with the tone that this page gives it."""
        return parts.badge(row.get_state_display(), self.tones[row.state])

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Call the page by what it lists."""
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        """Look up an e-mail or an invitee's address where those are, and other words everywhere."""
        if self.address_fields:
            person, invitee = self.address_fields
            found = searching.by_address(queryset, search_term, person=person, invitee=invitee)
            if found is not None:
                return found, False
        return super().get_search_results(request, queryset, search_term)

    def may_change(self, request: HttpRequest) -> bool:
        """Return whether this member of staff may act upon rows, even where nobody may edit them."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    has_act_permission = may_change  # for @admin.action(permissions=["act"])

    def offers(self, row: Row) -> Sequence[str]:
        """Return the actions that make sense for this one row, to be offered on its page."""
        return ()

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add the row's actions, if this member of staff may use them."""
        row = context.get("original")
        allowed = dict(self.get_action_choices(request, default_choices=[]))
        context["row_actions"] = [(name, allowed[name]) for name in self.offers(row) if name in allowed] if row else []
        context["changelist"] = parts.list_of(self.model)
        if row:
            context["row_name"] = context["subtitle"] = parts.name_of(row)
        return super().render_change_form(request, context, *args, **kw)

    def response_action(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase | None:  # type: ignore[override]
        """Keep what was done for the audit, and return to the row's page when the action was started there."""
        chosen = list(self.get_queryset(request).filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))[:MOST_NOTED])
        response = super().response_action(request, *args, **options)
        is_back = isinstance(response, HttpResponseRedirect) and response.url == request.get_full_path()
        if is_back:  # any other answer is only a question, or leads to a page that asks
            self._note_action(request, chosen)
        if is_back and "from_row" in request.POST:
            return HttpResponseRedirect(parts.page_of(self.model, request.POST[ACTION_CHECKBOX_NAME]))
        return response

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **options: Any) -> None:
        """Tell staff something, and remember it for the audit."""
        request.__dict__.setdefault(SAID, []).append(str(message))
        super().message_user(request, message, *args, **options)

    def _note_action(self, request: HttpRequest, chosen: Sequence[Row]) -> None:
        """Keep an action and what it said; Django itself keeps what was deleted."""
        label = dict(self.get_action_choices(request, default_choices=[])).get(request.POST.get("action", ""))
        if label and request.POST["action"] != "delete_selected":
            said = " ".join(request.__dict__.get(SAID, ()))
            audit.note_all(request, chosen, f"{label}: {said}" if said else str(label))

    def confirm(
        self, request: HttpRequest, queryset: QuerySet[Row], *, question: str, consequence: str, button: str
    ) -> TemplateResponse | None:
        """Return the page that asks before something is done, None once the answer was yes."""
        if "confirmed" in request.POST:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": question,
            "opts": self.opts,
            "consequence": consequence,
            "button": button,
            "rows": [parts.name_of(row) for row in queryset[:20]],
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "count": queryset.count(),
            "checkbox": ACTION_CHECKBOX_NAME,
            "carried": {name: request.POST[name] for name in CARRIED if name in request.POST},
            "changelist": parts.list_of(self.model),
        }
        return TemplateResponse(request, "admin/calendly_connector/confirm.html", context)


MOST_NOTED = 100  # rows of one action with a line of their own in the audit
SAID = "calendly_connector_said"
CARRIED = ("action", "select_across", "from_row")
"""What a confirmation page hands on with the answer."""


class NoAddOrDelete:
    """Rows that the connector makes and removes itself."""

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes one by hand."""
        return False


class HistoryAdmin(NoAddOrDelete, ConnectorAdmin[Row]):
    """What happened can be read, not changed."""

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody edits history."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return everything that the page shows."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))
