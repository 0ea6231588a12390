"""Creating attributes in Brevo: asks with names and types first, and loses none that Brevo refuses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import audit, page, said
from calendly_connector.core.rules import FieldRule
from calendly_connector.models import Connection
from calendly_connector.services import (
    field_check,
    field_lines,
    field_words,
    mapping_check,
    new_attributes,
    setup,
    suggest,
)
from calendly_connector.services.field_check import Known
from calendly_connector.services.new_attributes import Outcome

MAY_CREATE = ("calendly_connector.change_fieldmapping", "calendly_connector.change_brevoaccount")
MAY_MAP = MAY_CREATE[0]
PREFIX = "new"


class NewAttributeForm(forms.Form):
    """One attribute that could be created."""

    is_chosen = forms.BooleanField(required=False, label=gettext_lazy("Create"))
    source = forms.CharField(max_length=300, widget=forms.HiddenInput)
    name = forms.CharField(max_length=new_attributes.LONGEST_NAME, label=gettext_lazy("Name"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Type"))

    def __init__(
        self, *args: Any, known: Known, mapped: frozenset[str], fits: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.known, self.mapped, self.fits = known, mapped, fits
        self.refusal = ""
        choices = [(kind, field_words.kind_word(kind)) for kind in new_attributes.KINDS]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]
        self.fields["name"].widget.attrs["autocapitalize"] = "characters"
        for field in self.visible_fields():
            label = _("%(field)s, for %(source)s") % {"field": field.label, "source": self.source_label}
            field.field.widget.attrs["aria-label"] = label
        if self.is_mapped:
            self.fields["name"].widget = forms.HiddenInput()

    @property
    def source_label(self) -> str:
        """Return what the attribute is for."""
        return field_words.label_of(str(self["source"].value() or ""))

    @property
    def is_mapped(self) -> bool:
        """Return whether a line names this attribute already, so that it can't be called otherwise."""
        return str(self["name"].value() or "") in self.mapped

    @property
    def fitting(self) -> str:
        """Return an attribute that Brevo has already and that suits this source, if one is suggested."""
        return "" if self.is_mapped else self.fits.get(str(self["source"].value() or ""), "")

    @property
    def answers(self) -> list[str]:
        """Return real answers to the question, if it is one."""
        return self.known.answers_to(str(self["source"].value() or ""))

    def clean_source(self) -> str:
        """Refuse what can't be read."""
        source = str(self.cleaned_data["source"])
        if error := mapping_check.source_error(source):
            raise forms.ValidationError(error)
        return source

    def clean(self) -> dict[str, Any]:
        """Refuse names that can't be created; those that aren't ticked may be anything."""
        cleaned = super().clean() or self.cleaned_data
        if "name" in cleaned:
            cleaned["name"] = name = str(cleaned["name"]).strip().upper()
            if cleaned.get("is_chosen") and (error := self._error(name)):
                self.add_error("name", error)
        return cleaned

    def _error(self, name: str) -> str:
        if error := mapping_check.attribute_error(name):
            return error
        if name[0].isdigit():
            return _("A name in Brevo doesn't begin with a digit.")
        if name in setup.BUILT_IN or name in (self.known.catalogue or {}):
            return _("Brevo has %(name)s already. Pick it on a line of the fields, or write another name.") % {
                "name": name
            }
        return ""


class NewAttributes(forms.BaseFormSet):  # type: ignore[type-arg]
    """All that could be created; each name once."""

    def clean(self) -> None:
        """Refuse a name that another ticked row has."""
        seen: set[str] = set()
        for form in self.chosen():
            name = form.cleaned_data.get("name")
            if name in seen:
                form.add_error("name", _("Another row has this name."))
            seen |= {name} if name else set()

    def chosen(self) -> list[NewAttributeForm]:
        """Return the rows that are ticked."""
        return [form for form in self.forms if getattr(form, "cleaned_data", {}).get("is_chosen")]


def show(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Show what could be created, or create what was ticked."""
    if not any(request.user.has_perm(each) for each in MAY_CREATE):
        raise PermissionDenied
    known = field_check.known_of(connection)
    if request.method != "POST":
        return _page(request, connection, _form(connection, known, initial=_proposals(request, connection, known)))
    rows = _form(connection, known, data=request.POST)
    if not rows.is_valid():
        return _page(request, connection, rows)
    if not rows.chosen():
        messages.warning(request, _("Nothing was ticked, so nothing was created."))
        return _page(request, connection, rows)
    return _created(request, connection, known, rows)


def _created(request: HttpRequest, connection: Connection, known: Known, rows: NewAttributes) -> HttpResponse:
    chosen = [form.cleaned_data for form in rows.chosen()]
    outcomes = new_attributes.create_each(connection, [(row["name"], row["kind"]) for row in chosen])
    done = {outcome.name for outcome in outcomes if not outcome.refusal}
    _map(request, connection, [row for row in chosen if row["name"] in done])
    _tell(request, connection, outcomes)
    if len(done) == len(outcomes):
        return HttpResponseRedirect(page.address_of(connection, "fields"))
    left = [form.cleaned_data for form in rows.forms if form.cleaned_data.get("name") not in done]
    again = _form(connection, known, initial=left)
    for form in again.forms:
        form.refusal = next((said.said(each.refusal) for each in outcomes if each.name == form["name"].value()), "")
    return _page(request, connection, again)


def _map(request: HttpRequest, connection: Connection, created: Iterable[dict[str, Any]]) -> None:
    """Add a line for each new attribute that none names yet."""
    taken = {attribute for _source, attribute, _overwrite in field_lines.rows_of(connection)}
    new = [FieldRule(source=row["source"], attribute=row["name"]) for row in created if row["name"] not in taken]
    if new and request.user.has_perm(MAY_MAP):
        field_lines.add(connection, new, by=request.user, why=field_lines.CREATED)


def _tell(request: HttpRequest, connection: Connection, outcomes: Sequence[Outcome]) -> None:
    done = [f"{each.name} ({field_words.kind_word(each.kind)})" for each in outcomes if not each.refusal]
    if done:
        words = ngettext(
            "%(count)s attribute is in Brevo now: %(names)s.",
            "%(count)s attributes are in Brevo now: %(names)s.",
            len(done),
        )
        closing = words % {"count": len(done), "names": ", ".join(done)}
        audit.note(request, connection, closing)
        messages.success(request, closing)
    for each in outcomes:
        if each.refusal:
            messages.error(request, f"{each.name}: {said.said(each.refusal)}")


def _proposals(request: HttpRequest, connection: Connection, known: Known) -> list[dict[str, Any]]:
    """Return what is missing, ticked; and, for whoever may map them, what answers could be kept in."""
    may_map = request.user.has_perm(MAY_MAP)
    return [
        {"is_chosen": each.is_mapped, "source": each.source, "name": each.name, "kind": each.kind}
        for each in new_attributes.wanted(connection, known)
        if each.is_mapped or may_map
    ]


def _form(connection: Connection, known: Known, *, data: Any = None, initial: Any = None) -> NewAttributes:
    factory: Any = forms.formset_factory(NewAttributeForm, formset=NewAttributes, extra=0)
    missing = {name for name, _kind in setup.missing_attributes(connection)}
    found = suggest.suggestions(known, field_lines.rows_of(connection))
    fits = {each.source: each.attribute for each in found}
    options = {"known": known, "mapped": frozenset(missing), "fits": fits}
    made: NewAttributes = factory(data, initial=initial, prefix=PREFIX, form_kwargs=options)
    return made


def _page(request: HttpRequest, connection: Connection, rows: NewAttributes) -> HttpResponse:
    return page.render(
        request,
        connection,
        "fields/create.html",
        title=_("Create attributes in Brevo"),
        current="fields",
        rows=rows,
        account=connection.brevo_account,
        fields_page=page.address_of(connection, "fields"),
    )
