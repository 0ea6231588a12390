"""Our own configuration file: everything that staff set up for a connection, read and laid out (pure).

A file states whole sections. What it leaves out stays as it is; a section that it holds replaces the present one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calendly_connector.core.config_reader import Reader, Surroundings, escaped
from calendly_connector.core.rules import ConsentMode, Overwrite
from calendly_connector.core.trigger import Trigger
from calendly_connector.core.words import gettext_noop

VERSION = 1
SETTINGS = ("is_active", "timezone", "phone_region", "grace_hours", "guest_policy")
"""The columns of a connection that a file may set."""

SECRETS = {
    "calendly_access_token": "CALENDLY_ACCESS_TOKEN",
    "calendly_signing_key": "CALENDLY_WEBHOOK_SIGNING_KEY",
    "brevo_api_key": "BREVO_API_KEY",
}
"""Key in the file → the variable that holds it. A file names variables only."""

GUESTS = ("ignore", "contact")
CONSENT_MODES, OVERWRITES = tuple(ConsentMode), tuple(Overwrite)
Content = dict[str, Any]
"""A connection's mapping as services/snapshot.py takes it."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a file says. A setting that it doesn't name is left out; None says nothing."""

    content: Content
    settings: Mapping[str, Any] = field(default_factory=dict)
    decides: frozenset[str] = frozenset()  # event types that the file maps, without saying what they are called
    debug: bool | None = None
    log_level: str = ""
    log_webhooks: bool | None = None


def read(values: Mapping[Any, Any], around: Surroundings, *, current: Content) -> Config:
    """Return what a file says; `current` is the mapping that it changes. Problems are left in `around`."""
    file = Reader(values, around)
    file.whole("version", least=VERSION, most=VERSION, is_needed=True)
    settings = read_settings(file.section("connection"))
    _read_secrets(file.section("secrets"))
    content = {name: list(current[name]) for name in ("grid", "fields", "consents")} | {"types": dict(current["types"])}
    if file.has("default_row"):
        _replace_rows(content, is_default=True)
        _read_row(file.section("default_row"), "", content)
    if file.has("event_types"):
        _replace_rows(content, is_default=False)
        _read_types(file, content)
    if file.has("fields"):
        content["fields"] = _read_fields(file)
    file.close()
    return Config(content=content, settings=settings)


def read_settings(section: Reader) -> dict[str, Any]:
    """Return the columns of a connection that a section names."""
    found: dict[str, Any] = {
        "is_active": section.flag("is_active", default=True),
        "timezone": section.text("timezone", longest=64),
        "phone_region": section.text("phone_region", longest=2),
        "grace_hours": section.whole("grace_hours", least=0, most=32_767),
        "guest_policy": section.choice("guest_policy", GUESTS, GUESTS[0]),
    }
    named = {name: value for name, value in found.items() if section.has(name)}
    for name in ("timezone", "phone_region"):
        if name in named:
            section.mention(name, named[name], name)
    section.close()
    return named


def _read_secrets(section: Reader) -> None:
    for key in SECRETS:
        if name := section.secret(key):
            section.mention(key, name, key)
    section.close()


def _replace_rows(content: Content, *, is_default: bool) -> None:
    """Take away the default row, or all others with what was decided of their types."""
    for part in ("grid", "consents"):
        content[part] = [row for row in content[part] if (row["event_type"] == "") is not is_default]
    if not is_default:
        content["types"] = {}


def _read_types(file: Reader, content: Content) -> None:
    seen: set[str] = set()
    for row in file.rows("event_types"):
        event_type = row.text("event_type", is_needed=True)
        if event_type in seen:
            row.complain("event_type", gettext_noop("This event type has a row already, further up."))
        if row.has("event_type") and not event_type.strip():
            row.complain("event_type", gettext_noop("“%(key)s” is empty. The row of all others is “default_row”."))
        seen.add(event_type)
        row.mention("event_type", event_type, "event_type")
        decision = {
            "decided_name": row.text("decided_as"),
            "is_ignored": row.flag("is_ignored", default=False),
        }
        if any(decision.values()):
            content["types"][event_type] = decision
        _read_row(row, event_type, content)


def _read_row(row: Reader, event_type: str, content: Content) -> None:
    """Add a row's cells and its consent rule."""
    triggers = row.section("triggers")
    for trigger in Trigger:
        if triggers.has(trigger):
            content["grid"].append(_read_cell(triggers.section(trigger), event_type, trigger))
    triggers.close()
    if row.has("consent"):
        content["consents"].append(_read_consent(row.section("consent"), event_type))
    row.close()


def _read_cell(cell: Reader, event_type: str, trigger: Trigger) -> dict[str, Any]:
    found = {
        "event_type": event_type,
        "trigger": trigger.value,
        "join_lists": cell.wholes("join_lists"),
        "leave_lists": cell.wholes("leave_lists"),
        "sends_event": cell.flag("sends_event", default=True),
        "event_name": cell.text("event_name"),
    }
    for key in ("join_lists", "leave_lists"):
        cell.mention("lists", found[key], key)
    cell.mention("event_name", found["event_name"], "event_name")
    cell.close()
    return found


def _read_consent(section: Reader, event_type: str) -> dict[str, Any]:
    found = {
        "event_type": event_type,
        "mode": section.choice("mode", CONSENT_MODES, ConsentMode.ALWAYS),
        "question": section.text("question", longest=300),
        "answer": section.text("answer", longest=300),
        "template": section.whole("template", least=1, most=2**31 - 1),
        "redirect_url": section.text("redirect_url", longest=500),
    }
    section.mention("consent", found, "mode")
    section.close()
    return found


def _read_fields(file: Reader) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in file.rows("fields"):
        source = row.text("source", longest=300, is_needed=True)
        attribute = row.text("attribute", longest=200, is_needed=True)
        overwrite = row.choice("overwrite", OVERWRITES, Overwrite.ALWAYS)
        add_field(found, row, "attribute", source=source, attribute=attribute, overwrite=overwrite)
        row.close()
    return list(found.values())


def add_field(
    found: dict[str, dict[str, Any]], row: Reader, key: str, *, source: str, attribute: str, overwrite: str
) -> None:
    """Add a line of the field mapping; two lines for one attribute are a problem at `key`."""
    if attribute in found:
        words = gettext_noop("%(attribute)s is written twice: one source for each attribute.")
        row.complain(key, words, attribute=attribute)
        return
    found[attribute] = {"source": source, "attribute": attribute, "overwrite": str(overwrite)}
    row.mention("field", (source, attribute), key)


# -- Laying it out ----------------------------------------------------------------------------------------------


def lay_out(settings: Mapping[str, Any], secrets: Mapping[str, str], content: Content) -> dict[str, Any]:
    """Return a whole file as mappings and lists: what `read` makes the same settings and mapping of.

    `secrets` are variables by key of `SECRETS`, those that the connection uses.
    """
    types = sorted({row["event_type"] for part in ("grid", "consents") for row in content[part]} | {*content["types"]})
    return {
        "version": VERSION,
        "connection": {name: _plain(settings[name]) for name in SETTINGS},
        "secrets": {key: f"${{{name}}}" for key, name in secrets.items()},
        "default_row": _row("", content),
        "event_types": [{**_decision(uri, content), **_row(uri, content)} for uri in types if uri],
        "fields": [{name: _plain(value) for name, value in row.items()} for row in content["fields"]],
    }


def _decision(uri: str, content: Content) -> dict[str, Any]:
    decision = content["types"].get(uri, {"decided_name": "", "is_ignored": False})
    known = {"decided_as": _plain(decision["decided_name"]), "is_ignored": decision["is_ignored"]}
    return {"event_type": _plain(uri), **{name: value for name, value in known.items() if value}}


def _row(uri: str, content: Content) -> dict[str, Any]:
    consent = next((row for row in content["consents"] if row["event_type"] == uri), None)
    cells = {row["trigger"]: row for row in content["grid"] if row["event_type"] == uri}
    row: dict[str, Any] = {}
    if consent:
        row["consent"] = {name: _plain(value) for name, value in consent.items() if name != "event_type" and value}
    if cells:
        row["triggers"] = {trigger.value: _cell(cells[trigger]) for trigger in Trigger if trigger in cells}
    return row


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: list(row[name]) for name in ("join_lists", "leave_lists") if row[name]}
    named = {"event_name": _plain(row["event_name"])} if row["event_name"] else {}
    return {**lists, "sends_event": row["sends_event"], **named}


def _plain(value: Any) -> Any:
    return escaped(value) if isinstance(value, str) else value
