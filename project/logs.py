"""How a log line looks: as text for people, or as JSON for whatever collects logs. Both carry the trail's numbers.

Every logger is Python's own, so a library's lines look the same. The handler's filters have hidden secrets and people
before anything here sees a record (calendly_connector.masking); a traceback is taken as they left it.
"""

import logging
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

TEXT, JSON = "text", "json"
TRACE = "exception"
TRAIL = ("delivery", "booking", "person", "job", "attempt")
"""What comes first of a trail."""

CONTROLS = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
HARMLESS = {number: f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" for number in CONTROLS}
"""What ends a line or steers a terminal, and how it is shown: what others wrote never looks like a line of ours."""
IN_TRACES = {number: shown for number, shown in HARMLESS.items() if chr(number) not in "\n\t"}

Event = MutableMapping[str, Any]


def formatter(kind: str) -> logging.Formatter:
    """Return what makes lines of one kind of LOG_FORMAT; raise ImproperlyConfigured for another."""
    if kind not in (TEXT, JSON):
        raise ImproperlyConfigured(f"LOG_FORMAT is {kind!r}: write text or json.")
    end = structlog.processors.JSONRenderer(ensure_ascii=False) if kind == JSON else _as_text
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, _with_trace],
        processors=[_described, structlog.stdlib.ProcessorFormatter.remove_processors_meta, end],
    )


def _with_trace(_logger: Any, _method: str, event: Event) -> Event:
    """Keep a traceback as the filters left it, before the formatter forgets it."""
    event.pop("exc_info", None)
    return {**event, TRACE: event["_record"].exc_text}


def _described(_logger: Any, _method: str, event: Event) -> Event:
    """Put what every line says first, and the traceback last; between them stands the trail."""
    record: logging.LogRecord = event["_record"]
    trace = event.pop(TRACE, None)
    said = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": event.pop("event"),
    }
    trail = {name: event.pop(name) for name in TRAIL if name in event}
    return {**said, **trail, **event, **({TRACE: trace} if trace else {})}


def _as_text(_logger: Any, _method: str, event: Event) -> str:
    """Return `time LEVEL logger: message [delivery=5 job=push/7]`, and below it the traceback."""
    time, level, name, message = (event.pop(key) for key in ("time", "level", "logger", "message"))
    trace = event.pop(TRACE, "")
    trail = " ".join(f"{key}={value}" for key, value in event.items())
    said = f"{name}: {message}" + (f" [{trail}]" if trail else "")
    line = f"{time[:-6].replace('T', ' ')} {level.upper():<7} {said.translate(HARMLESS)}"
    return f"{line}\n{trace.translate(IN_TRACES)}" if trace else line
