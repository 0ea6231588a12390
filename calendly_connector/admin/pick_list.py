"""One long pick-list in many places: its options are written once, whatever each place has chosen."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

Choice = tuple[str, str | Promise]
Group = tuple[str | Promise, list[Choice]]


class PickList:
    """Groups of choices. `key`: two values with the same key are one choice; `label_of`: how to call an unknown one."""

    def __init__(
        self,
        nothing: str,
        groups: Sequence[Group],
        *,
        key: Callable[[str], str] = str,
        label_of: Callable[[str], str] = str,
    ) -> None:
        self.groups = groups
        self._key, self._label_of = key, label_of
        self._offered = {key(value): value for _title, choices in groups for value, _label in choices}
        first = format_html('<option value="">{}</option>', nothing)
        self._html = first + mark_safe("").join(_group(title, choices) for title, choices in groups)

    def options(self, chosen: str) -> SafeString:
        """Return the options with one chosen, as it is spelt; one that isn't offered stands at the end."""
        offered = "" if not chosen else self._offered.get(self._key(chosen))
        if offered is None:
            mine: Group = (_("As it is mapped"), [(chosen, self._label_of(chosen))])
            return self._with(self._html + _group(*mine), chosen, chosen)
        return self._with(self._html, offered, chosen)

    def _with(self, html: str, offered: str, chosen: str) -> SafeString:
        plain = format_html('<option value="{}">', offered)
        marked = html.replace(plain, format_html('<option value="{}" selected>', chosen), 1)
        return mark_safe(marked)  # noqa: S308 - both sides of the replacement are escaped


class PickOne(forms.Widget):
    """A select that shows a PickList, which its form gives it."""

    pick_list: PickList

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the select."""
        known = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(known), self.pick_list.options(str(value or "")))


def _group(title: str | Promise, choices: Sequence[Choice]) -> SafeString:
    options = format_html_join("", '<option value="{}">{}</option>', choices)
    return format_html('<optgroup label="{}">{}</optgroup>', title, options)
