"""What a request wants a preview of: a booking of the ledger, or a made-up one. What can't be is a 404."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from calendly_connector.admin.preview_form import TRIGGERS, KindForm, MadeUpForm
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking, Connection
from calendly_connector.services import preview_subject
from calendly_connector.services.preview_subject import Subject


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One preview that is wanted. `carried` are the fields that ask for the same again."""

    subject: Subject
    title: str
    carried: Mapping[str, str] = field(default_factory=dict)


def of_booking(connection: Connection, data: Mapping[str, str]) -> Asked:
    """Return the booking that `data` names, as it is or as if `kind` befell it."""
    number, kind = data.get("booking", ""), data.get("kind", "")
    if not number.isdecimal() or len(number) > 18 or (kind and kind not in list(Trigger)):
        raise Http404
    row = get_object_or_404(Booking.objects.select_related("person"), connection=connection, pk=int(number))
    row.connection = connection  # whose secrets are read only when they are asked for
    trigger = Trigger(kind) if kind else None
    words = _("%(booking)s, %(name)s: if it were “%(kind)s”") if trigger else _("%(booking)s, %(name)s: as it is now")
    named = {"booking": row, "name": row.name or row.person.email, "kind": TRIGGERS[trigger] if trigger else ""}
    return Asked(
        subject=preview_subject.of_booking(row, trigger),
        title=words % named,
        carried={"booking": number, "kind": kind},
    )


def of_form(connection: Connection, form: MadeUpForm, data: Mapping[str, str]) -> Asked:
    """Return what a valid form made up from `data`."""
    known = ("type", "kind", *form.fields)
    return Asked(
        subject=preview_subject.made_up(connection, form.made_up()),
        title=title_of(form),
        carried={name: data[name] for name in known if name in data},
    )


def of_post(connection: Connection, data: Mapping[str, str]) -> Asked:
    """Return what carried fields ask for."""
    if "booking" in data:
        return of_booking(connection, data)
    form = form_of(connection, data, is_filled=True)
    if not form.is_valid():
        raise Http404
    return of_form(connection, form, data)


def form_of(connection: Connection, data: Mapping[str, Any], *, is_filled: bool) -> MadeUpForm:
    """Return the form for the event type and kind that `data` names."""
    chosen = KindForm(connection, data)
    if not chosen.is_valid():
        raise Http404
    kind = Trigger(chosen.cleaned_data["kind"])
    return MadeUpForm(connection, chosen.cleaned_data["type"], kind, data if is_filled else None)


def title_of(form: MadeUpForm) -> str:
    """Return what is made up, in words."""
    named = {"type": form.event_type.name, "kind": TRIGGERS[form.trigger]}
    return _("A made-up booking: %(type)s, %(kind)s") % named
