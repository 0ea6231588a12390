"""Who changed what: every step, action and page that changes something leaves a line in the admin's own log."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest


def note(request: HttpRequest, row: Model, words: str) -> None:
    """Keep that the request's user did something to a row, in words. Shown on the row's history and the audit page."""
    who = request.user.pk
    assert who is not None  # noqa: S101 - the admin lets nobody in who isn't logged in
    LogEntry.objects.log_actions(who, [row], CHANGE, change_message=words, single_object=True)
