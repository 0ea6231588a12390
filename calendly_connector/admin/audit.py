"""Who changed what: every step, action and page that changes something leaves a line in the admin's own log."""

from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest


def note(request: HttpRequest, row: Model, words: str) -> None:
    """Keep that the request's user did something to a row, in words. Shown on the row's history and the audit page."""
    note_all(request, [row], words)


def note_all(request: HttpRequest, rows: Sequence[Model], words: str) -> None:
    """Keep that the request's user did the same to several rows of a model."""
    if rows:
        LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, change_message=words)  # type: ignore[arg-type]
