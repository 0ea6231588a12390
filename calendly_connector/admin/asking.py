"""A page that asks before something is done: in words, with what it would do, and for a reason where one is wanted."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

CONFIRMED, REASON = "confirmed", "why"
LONGEST_REASON = 300


def reason_in(request: HttpRequest) -> str:
    """Return the reason that was given, "" without one."""
    return request.POST.get(REASON, "").strip()[:LONGEST_REASON] if CONFIRMED in request.POST else ""


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the answer was yes."""
    return CONFIRMED in request.POST


def carried(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what an action of a list hands on with the answer: what it is, and which rows were chosen."""
    names = ("action", "select_across", "from_row")
    chosen = [(ACTION_CHECKBOX_NAME, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    return [*((name, request.POST[name]) for name in names if name in request.POST), *chosen]


def ask(
    request: HttpRequest,
    *,
    title: str,
    button: str,
    back: str,
    lines: Sequence[str] = (),
    hidden: Iterable[tuple[str, str]] = (),
    reason_label: str = "",
    **context: Any,
) -> TemplateResponse:
    """Return the page. It posts to its own address: `hidden` again, that it is confirmed, and the reason."""
    known = {
        **admin.site.each_context(request),
        "title": title,
        "lines": lines,
        "button": button,
        "back": back,
        "hidden": list(hidden),
        "reason_label": reason_label,
        "reason_name": REASON,
        "reason_limit": LONGEST_REASON,
        "confirmed_name": CONFIRMED,
        "is_missing": bool(reason_label) and is_confirmed(request),
    }
    return TemplateResponse(request, "admin/calendly_connector/ask.html", {**known, **context})
