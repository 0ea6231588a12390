"""Keeps secrets and people's addresses out of logs, and secrets out of error pages.

Wired in the project's settings: `LogMask` as a filter of every log handler, `MaskedReporter` and `MaskedFilter` as
Django's exception reporter and its filter.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import ItemsView
from html import escape
from pprint import pformat
from types import FrameType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

HIDDEN = "********"
SETTINGS = (
    *("SECRET_KEY", "CALENDLY_ACCESS_TOKEN", "CALENDLY_CLIENT_SECRET", "CALENDLY_WEBHOOK_SIGNING_KEY"),
    *("BREVO_API_KEY", "FIELD_ENCRYPTION_KEYS", "TASK_QUEUE_URL", "NOTICE_WEBHOOK_URL"),
    *("METRICS_TOKEN", "SENTRY_DSN", "EMAIL_HOST_PASSWORD"),
)
"""Settings whose values are hidden wherever they show up."""

SHORTEST = 6  # characters: hiding shorter texts would hide ordinary words
SHORTEST_PATH = 16  # of a chat tool's address that nobody could guess; "/webhooks" is a word of ours
MOST_REMEMBERED = 256

CREDENTIALS = re.compile(
    r"""(?ix)
    (?P<bearer> (?:bearer|basic) \s+ ) [\w.~+/=-]{6,}
    | (?P<name> ["']? \b (?:api-key|access_token|refresh_token|client_secret|code_verifier|signing_key)
        ["']? (?: \s*:\s* | = ) b?["']? ) [^\s"'&,;}]{6,}
    | (?P<answer> [?&] (?:code|state) = ) [^\s"'&]{6,}
    | (?P<address> :// [^\s:/@]* : ) [^\s/@]+ (?=@)
    | eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{4,}
    | xkeysib-[\w-]{6,}
    """
)
EMAIL = re.compile(r"[\w.+'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")

_remembered: OrderedDict[str, None] = OrderedDict()


def remember(secret: str) -> None:
    """Hide this text from now on: called with each secret that is read from the database."""
    if len(secret) >= SHORTEST:
        _remembered[secret] = None
        _remembered.move_to_end(secret)
        while len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)


def masked(text: str) -> str:
    """Return a text without secrets: known ones wherever they are, and whatever is written where one would be."""
    for secret in (*_configured(), *tuple(_remembered)):
        if secret in text:
            text = text.replace(secret, HIDDEN)
        elif (quoted := escape(secret)) != secret and quoted in text:
            text = text.replace(quoted, HIDDEN)
    return CREDENTIALS.sub(_hide, text)


def without_people(text: str) -> str:
    """Return a text without e-mail addresses."""
    return EMAIL.sub("…@…", text) if "@" in text or "%40" in text else text


class LogMask(logging.Filter):
    """Lets every record pass, without its secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record when there is something to hide."""
        text = record.getMessage()
        if (hidden := without_people(masked(text))) != text:
            record.msg, record.args = hidden, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_people(masked(record.exc_text))
        return True


REFUSING = "django.security."
"""The loggers by which Django tells that a request was nonsense: a host that isn't ours, too many fields…"""


class WithoutRefusals(logging.Filter):
    """Lets every record pass; what was only refused (403, 404…) says so in one line, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the traceback that Django adds to a refusal. A stranger's host name is none of our errors."""
        if record.name.startswith(REFUSING):
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        if record.name.startswith(("django.request", REFUSING)) and record.levelno < logging.ERROR:
            record.exc_info = record.exc_text = None
        return True


class MaskedFilter(SafeExceptionReporterFilter):
    """Hides by name, in debug pages too: settings, cookies, headers, posted fields, and variables of every frame."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|CREDENTIAL|VERIFIER|SESSION|QUEUE_URL|DSN|WEBHOOK_URL|QUERY_STRING|^CODE$",
        re.I,
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return the posted fields, those of secrets hidden by their name."""
        posted = request.POST.items() if request is not None else ()
        return {name: self.cleanse_setting(name, value) for name, value in posted}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Return a frame's variables as text without secrets, long before anything cuts them short."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return {name: _Shown(self.cleanse_setting(name, value)) for name, value in found}.items()


class MaskedReporter(ExceptionReporter):
    """Hides by value: whatever way a secret took into the report, it doesn't leave with it."""

    def get_traceback_data(self) -> dict[str, Any]:
        """Return what the report is made of, the address's own parameters hidden by their name too."""
        data = super().get_traceback_data()
        if self.request is not None:
            items = self.request.GET.items()
            data["request_GET_items"] = [(name, self.filter.cleanse_setting(name, value)) for name, value in items]
        return data

    def get_traceback_html(self) -> SafeString:
        """Return the debug page."""
        return mark_safe(masked(super().get_traceback_html()))  # noqa: S308 - escaped by Django

    def get_traceback_text(self) -> SafeString:
        """Return the report of an e-mail."""
        return mark_safe(masked(super().get_traceback_text()))  # noqa: S308 - plain text


class _Shown:
    """A value whose `repr` is that of another, without secrets."""

    def __init__(self, value: object) -> None:
        try:
            self._text = masked(pformat(value))
        except Exception as error:  # noqa: BLE001 - a repr may do anything, and the report has to come out
            self._text = f"<{type(error).__name__} while showing it>"

    def __repr__(self) -> str:
        return self._text


def _configured() -> list[str]:
    values = [getattr(settings, name, "") for name in SETTINGS]
    flat = [text for value in values for text in (value if isinstance(value, list | tuple) else (value,))]
    flat += [_parts_of(text).password or "" for text in flat if isinstance(text, str)]
    flat += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    key = _parts_of(getattr(settings, "SENTRY_DSN", "")).username
    path = _parts_of(getattr(settings, "NOTICE_WEBHOOK_URL", "")).path
    flat += [key, path if len(path) >= SHORTEST_PATH else ""]  # libraries log either by itself
    return [text for text in flat if isinstance(text, str) and len(text) >= SHORTEST]


def _parts_of(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # no address at all, so none with a password
        return urlsplit("")


def _hide(found: re.Match[str]) -> str:
    return f"{found['bearer'] or found['name'] or found['answer'] or found['address'] or ''}{HIDDEN}"
