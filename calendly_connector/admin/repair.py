"""Repair: failures grouped by what mends them, each group with its remedy and a button."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import mapping_fields, mapping_row, page, parts
from calendly_connector.admin.parts import Cell
from calendly_connector.admin.replay import DO, SEE, plan_address
from calendly_connector.admin.steps import PAUSE_BREVO
from calendly_connector.core.remedy import Action
from calendly_connector.models import BrevoAccount, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.services import repair
from calendly_connector.services.repair import LeftBehind, Trouble

NAME, ACT = "calendly_connector_repair", "calendly_connector_repair_act"
TAKE_IN = "calendly_connector.change_webhookdelivery"
MAY_CREATE = ("calendly_connector.change_brevoaccount", "calendly_connector.change_fieldmapping")
UNREASONED = gettext_lazy("No reason was kept.")


@dataclass(frozen=True, kw_only=True)
class Button:
    """What leads on: a link, or with `values` something to be posted, which asks first."""

    label: str
    address: str
    values: dict[str, str] = field(default_factory=dict)
    is_main: bool = False


@dataclass(frozen=True, kw_only=True)
class Card:
    """One group as the page shows it."""

    title: str
    connection: str
    count: str
    oldest: Cell
    newest: Cell
    advice: str
    rows: str  # address of the list of its rows
    people: list[Cell] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whether a Brevo account is written to, and the button to change it."""

    name: str
    badge: Cell
    reason: str
    button: Button | None


def show(request: HttpRequest) -> TemplateResponse:
    """Return the page. A fixed number of queries, however long the log is."""
    if not may_see(request.user):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": _("Repair"),
        "opts": SyncLogEntry._meta,
        "cards": [_card(trouble, request.user) for trouble in repair.troubles()],
        "deliveries": [_delivery_card(group, request.user) for group in repair.left_behind()],
        "accounts": [_account(row, request.user) for row in BrevoAccount.objects.defer("api_key").order_by("name")],
    }
    return TemplateResponse(request, "admin/calendly_connector/repair/repair.html", context)


def may_see(user: Any) -> bool:
    """Return whether somebody may see the page."""
    return bool(user.has_perm(SEE) or user.has_perm(DO))


def act_address(name: str) -> str:
    """Return where a button of the page posts to."""
    return reverse(f"admin:{ACT}", args=[name])


def title_of(trouble: Trouble) -> str:
    """Return what happened, in words."""
    return _(trouble.remedy.title) % {"about": trouble.about or _("an attribute")}


def _card(trouble: Trouble, user: Any) -> Card:
    return Card(
        title=title_of(trouble),
        connection=trouble.connection.name,
        count=ngettext("%(count)s entry", "%(count)s entries", trouble.count) % {"count": trouble.count},
        oldest=parts.age(trouble.oldest),
        newest=parts.age(trouble.newest),
        advice=_(trouble.remedy.advice),
        rows=_rows(trouble),
        people=[parts.link(Person, each.pk, parts.email(each.email)) for each in trouble.people],
        buttons=[*_remedies(trouble, user), *(_always(trouble) if user.has_perm(DO) else [])],
    )


def _rows(trouble: Trouble) -> str:
    filters = {"cause__exact": trouble.cause, **({} if trouble.cause else {"state__exact": "failed"})}
    return parts.list_of(SyncLogEntry, connection__id__exact=trouble.connection.pk, **filters)


def _remedies(trouble: Trouble, user: Any) -> list[Button]:
    """Return the buttons of the remedy that this member of staff may press."""
    connection, action = trouble.connection, trouble.remedy.action
    if action is Action.CREATE and user.has_perm(DO) and may_create(user):
        words = ngettext("Create it and replay %(count)s", "Create it and replay %(count)s", trouble.count)
        return [_posted("create", words % {"count": trouble.count}, trouble, is_main=True)]
    if action in (Action.CREATE, Action.MAPPING):
        address = page.address_of(connection, mapping_fields.NAME)
        may = user.has_perm(mapping_fields.SEE_FIELDS)
        return [Button(label=_("Open the field mapping"), address=address, is_main=True)] if may else []
    if action is Action.LISTS:
        read = [_posted("lists", _("Read the lists again"), trouble)] if user.has_perm(DO) else []
        address = page.address_of(connection, mapping_row.NAME)
        may = user.has_perm("calendly_connector.view_triggermapping")
        return [*read, *([Button(label=_("Open the mapping"), address=address, is_main=True)] if may else [])]
    return []


def may_create(user: Any) -> bool:
    """Return whether somebody may create attributes in Brevo."""
    return any(user.has_perm(permission) for permission in MAY_CREATE)


def _always(trouble: Trouble) -> list[Button]:
    is_plain = trouble.remedy.action is Action.REPLAY
    words = ngettext("Replay %(count)s…", "Replay %(count)s…", trouble.count) % {"count": trouble.count}
    label = _("Try again…") if is_plain else words
    return [
        Button(label=label, address=plan_address(trouble.chosen), is_main=is_plain),
        _posted("skip", _("Leave out…"), trouble),
    ]


def _posted(name: str, label: str, trouble: Trouble, *, is_main: bool = False) -> Button:
    values = {"connection": str(trouble.connection.pk), "cause": trouble.cause}
    return Button(label=label, address=act_address(name), values=values, is_main=is_main)


def _delivery_card(group: LeftBehind, user: Any) -> Card:
    values = {"connection": str(group.connection.pk), "state": group.state, "reason": group.reason}
    words = ngettext("Take in %(count)s again", "Take in %(count)s again", group.count) % {"count": group.count}
    button = Button(label=words, address=act_address("deliveries"), values=values, is_main=True)
    filters = {"state__exact": group.state, "connection__id__exact": group.connection.pk}
    return Card(
        title=str(group.reason or UNREASONED),
        connection=group.connection.name,
        count=ngettext("%(count)s delivery", "%(count)s deliveries", group.count) % {"count": group.count},
        oldest=parts.age(group.oldest),
        newest=parts.age(group.newest),
        advice=_advice(group),
        rows=f"{parts.list_of(WebhookDelivery)}?{urlencode(filters)}",
        buttons=[button] if user.has_perm(TAKE_IN) else [],
    )


def _advice(group: LeftBehind) -> str:
    if group.state == WebhookDelivery.State.MALFORMED:
        return _("What Calendly posted can't be read. After an update of this software it may be.")
    return _("They couldn't be taken in after many tries. When the cause is mended, take them in again.")


def _account(row: BrevoAccount, user: Any) -> Account:
    name, label = ("resume", _("Resume writing…")) if row.is_paused else ("pause", _("Pause writing…"))
    button = Button(label=label, address=act_address(name), values={"account": str(row.pk)})
    words = _("Paused") if row.is_paused else _("Active")
    return Account(
        name=row.name,
        badge=parts.badge(words, parts.Tone.WARN if row.is_paused else parts.Tone.GOOD),
        reason=row.pause_reason,
        button=button if user.has_perm(PAUSE_BREVO) else None,
    )
