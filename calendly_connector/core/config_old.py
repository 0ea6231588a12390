"""The old platform's configuration file (design.md §8): imported as it is, its errors (§9) left behind (pure).

What it calls a thing, and what we make of it, is told in docs/configuration-file.md.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from calendly_connector.core import config_file
from calendly_connector.core.config_file import Config, Content
from calendly_connector.core.config_reader import Reader, Surroundings
from calendly_connector.core.fields import ANSWER_PREFIX, FIELDS, normalise_question
from calendly_connector.core.rules import Overwrite
from calendly_connector.core.trigger import Trigger
from calendly_connector.core.words import gettext_noop

JOINING = (Trigger.BOOKED, Trigger.RESCHEDULED)
"""The old platform put a person on a type's list when they booked; who moves a meeting has booked one."""

SWITCHES = ("contacts", "events", "cancellations")
LOG_LEVELS = {
    "quiet": "ERROR", "error": "ERROR", "warning": "WARNING", "warn": "WARNING", "normal": "INFO", "info": "INFO",
    "verbose": "DEBUG", "debug": "DEBUG", "trace": "DEBUG",
}  # fmt: skip
"""The old platform's word → ours."""

RENAMED = {"event_type": "event_type_name", "scheduled_at": "meeting_date"}
"""Old name of a source → ours, where they differ: the type's name, not its address; the meeting's day (§9)."""

NOBODY: frozenset[str] = frozenset()
WHOLE_NAME, FIRST, LAST = "name", "FIRSTNAME", "LASTNAME"


def is_old(values: Mapping[Any, Any]) -> bool:
    """Return whether a file is the old platform's."""
    return "connectors" in values


def read(values: Mapping[Any, Any], around: Surroundings, *, current: Content) -> Config:
    """Return what a file says; `current` is the mapping that it changes. Problems are left in `around`."""
    top = Reader(values, around)
    connectors = top.section("connectors")
    file = connectors.section("calendly")
    _read_secrets(file)
    switches = _read_switches(file.section("sync"))
    grid = _read_grid(file, current)
    is_mapping = file.has("event_mapping")
    named = frozenset(row["event_type"] for row in grid if row["event_type"]) if is_mapping else NOBODY
    content = {
        **current,
        "grid": _switched(grid, switches),
        "types": _decisions(current["types"], named) if is_mapping else current["types"],
        "consents": _consents(current["consents"], named) if is_mapping else current["consents"],
        "fields": _read_fields(file.section("field_mapping")) if file.has("field_mapping") else current["fields"],
    }
    if not switches["contacts"]:
        content["fields"] = [{**row, "overwrite": Overwrite.NEVER.value} for row in content["fields"]]
    config = Config(
        content=content,
        settings={"is_active": file.flag("enabled", default=True)} if file.has("enabled") else {},
        decides=named,
        debug=file.flag("debug", default=False) if file.has("debug") else None,
        log_level=_read_log_level(file),
        log_webhooks=file.flag("log_webhooks", default=False) if file.has("log_webhooks") else None,
    )
    for reader in (file, connectors, top):
        reader.close()
    return config


def _read_secrets(file: Reader) -> None:
    webhook = file.section("webhook")
    for reader, old, ours in (
        (file, "access_token", "calendly_access_token"),
        (webhook, "signing_key", "calendly_signing_key"),
    ):
        if name := reader.secret(old):
            reader.mention(ours, name, old)
    webhook.close()


def _read_switches(section: Reader) -> dict[str, bool]:
    found = {name: section.flag(name, default=True) for name in SWITCHES}
    section.close()
    return found


def _read_log_level(file: Reader) -> str:
    return LOG_LEVELS[file.choice("log_level", tuple(LOG_LEVELS), "normal")] if file.has("log_level") else ""


# -- Event mapping: type → list ---------------------------------------------------------------------------------


def _read_grid(file: Reader, current: Content) -> list[dict[str, Any]]:
    """Return the cells that join a type's list; without an event mapping, those that are there."""
    if not file.has("event_mapping"):
        return list(current["grid"])
    section = file.section("event_mapping")
    cells: dict[str, list[dict[str, Any]]] = {}
    for name in section:
        row = section.section(name)
        uri = row.text("event_type_uri", is_needed=True)
        number = row.whole("list_id", least=1, is_needed=True)
        row.close()
        if uri in cells:
            row.complain("event_type_uri", gettext_noop("This event type has a list already, further up."))
        row.mention("event_type", uri, "event_type_uri")
        row.mention("lists", [number] if number else [], "list_id")
        cells[uri] = [_cell(uri, trigger, [number] if number else []) for trigger in JOINING]
    return [cell for row_cells in cells.values() for cell in row_cells]


def _cell(uri: str, trigger: Trigger, lists: list[int], *, sends_event: bool = True) -> dict[str, Any]:
    return {
        "event_type": uri,
        "trigger": trigger.value,
        "join_lists": lists,
        "leave_lists": [],
        "sends_event": sends_event,
        "event_name": "",
    }


def _decisions(types: Mapping[str, Any], named: frozenset[str]) -> dict[str, Any]:
    """Return what is decided of types: those of the event mapping are not ignored any more. The others that are not
    ignored lost what was decided of them, so they must be decided again."""
    return {
        uri: {**known, "is_ignored": known["is_ignored"] and uri not in named}
        for uri, known in types.items()
        if uri in named or known["is_ignored"]
    }


def _consents(rules: Iterable[dict[str, Any]], named: frozenset[str]) -> list[dict[str, Any]]:
    """Return the consent rules of the default row and of types in the event mapping: a row without cells has none."""
    return [rule for rule in rules if not rule["event_type"] or rule["event_type"] in named]


def _switched(grid: Iterable[dict[str, Any]], switches: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Return the grid with what the old switches turn off: nothing joins or leaves, no event is sent, or no
    cancellation does anything. The default row says the same for every other type."""
    cells = [row for row in grid if switches["cancellations"] or row["trigger"] != Trigger.CANCELED]
    if not switches["contacts"]:
        cells = [{**row, "join_lists": [], "leave_lists": []} for row in cells]
    if not switches["events"]:
        cells = [{**row, "sends_event": False} for row in cells]
    known = {row["trigger"] for row in cells if not row["event_type"]}
    silent = set(Trigger) if not switches["events"] else set()
    silent |= {Trigger.CANCELED} if not switches["cancellations"] else set()
    return cells + [_cell("", trigger, [], sends_event=False) for trigger in Trigger if trigger in silent - known]


# -- Field mapping: source → attribute --------------------------------------------------------------------------


def _read_fields(section: Reader) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key in section:
        if key == "questions_and_answers":
            _read_answers(section.section(key), found)
            continue
        attribute = section.text(key, longest=200)
        if key == "email":
            _check_email(section, attribute)
        elif key == WHOLE_NAME and attribute == FIRST:
            _add(found, section, key, "first_name", FIRST)
            if "last_name" not in section:
                _add(found, section, key, "last_name", LAST)
        elif (source := RENAMED.get(key, key)) in FIELDS:
            _add(found, section, key, source, attribute)
        else:
            known = ", ".join(sorted({*FIELDS, *RENAMED, "email", "questions_and_answers"}))
            section.complain(key, gettext_noop("“%(key)s” is not known here. Known: %(known)s."), known=known)
    return list(found.values())


def _read_answers(section: Reader, found: dict[str, dict[str, Any]]) -> None:
    for question in section:
        attribute = section.text(question, longest=200)
        is_phone = normalise_question(question) == "phone" and attribute == "SMS"
        _add(found, section, question, "phone" if is_phone else ANSWER_PREFIX + question, attribute)


def _add(found: dict[str, dict[str, Any]], section: Reader, key: str, source: str, attribute: str) -> None:
    if attribute:
        config_file.add_field(found, section, key, source=source, attribute=attribute, overwrite=Overwrite.ALWAYS)


def _check_email(section: Reader, attribute: str) -> None:
    if attribute.lower() != "email":
        section.complain("email", gettext_noop("The e-mail address says whose contact it is: write “email: email”."))
