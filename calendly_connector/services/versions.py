"""Saved versions of a mapping: kept at every change, shown as lines of words, rolled back, and looked up by day."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from calendly_connector.core.rules import RuleSet
from calendly_connector.models import (
    BrevoList,
    Connection,
    ConsentRule,
    EventType,
    FieldMapping,
    MappingVersion,
    TriggerMapping,
)
from calendly_connector.services import field_words, mapping, snapshot

LONGEST_WHY = 200
KEPT_IN = "en"
"""The language of what is stored; whoever shows it looks it up in the reader's."""

Who = AbstractBaseUser | AnonymousUser | None
"""Who changes a mapping; None for a command."""


@contextmanager
def changing(connection: Connection, *, by: Who, why: str) -> Iterator[None]:
    """Keep the mapping as it was, if it never was, and as it is afterwards, if it changed. One transaction.

    Every change of grid, fields, consent rules and ignored types is made inside this. `why` is kept in English.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        if not MappingVersion.objects.filter(connection=connection).exists():
            _keep(connection, by=None, why="As it was before versions were kept")
        yield
        _keep(connection, by=by, why=why)
    mapping.forget()


def roll_back(version: MappingVersion, *, by: Who) -> None:
    """Make an older version the mapping again, as a new version."""
    with changing(version.connection, by=by, why=f"Rolled back to version {version.number}"):
        snapshot.apply(version.connection, version.content)


def replace(connection: Connection, content: snapshot.Content, *, by: Who, why: str) -> None:
    """Replace the whole mapping, keeping what was there."""
    with changing(connection, by=by, why=why):
        snapshot.apply(connection, content)


def rules_at(connection: Connection, moment: datetime) -> RuleSet:
    """Return the mapping that was in force at a moment, else the oldest one kept, else today's."""
    kept = MappingVersion.objects.filter(connection=connection)
    version = kept.filter(made_at__lte=moment).first() or kept.last()
    return mapping.rules_from(connection, version.content if version else snapshot.take(connection))


def differences(connection: Connection, before: snapshot.Content, after: snapshot.Content) -> list[str]:
    """Return what changed between two mappings, a line of words for each change."""
    return _differences(_words_of([connection])[connection.pk], before, after)


def changes_of(versions: Iterable[MappingVersion]) -> dict[int, list[str]]:
    """Return what each version changed, by its key, in the reader's language. A fixed number of queries."""
    rows = {row.pk: row for row in versions}
    if (get_language() or KEPT_IN).split("-")[0] == KEPT_IN:
        return {key: row.changes for key, row in rows.items()}
    connections = {row.connection_id: row.connection for row in rows.values()}
    numbers = {number for row in rows.values() for number in (row.number, row.number - 1)}
    kept = MappingVersion.objects.filter(connection__in=connections, number__in=numbers)
    contents = {(at, number): each for at, number, each in kept.values_list("connection", "number", "content")}
    words = _words_of(connections.values())
    pairs = {
        key: (contents.get((row.connection_id, row.number - 1)), contents[row.connection_id, row.number])
        for key, row in rows.items()
    }
    return {
        key: _differences(words[rows[key].connection_id], before, after) if before else rows[key].changes
        for key, (before, after) in pairs.items()
    }


def _differences(words: "_Words", before: snapshot.Content, after: snapshot.Content) -> list[str]:
    old, new = dict(words.lines(before)), dict(words.lines(after))
    gone = [f"− {old[key]}" for key in old if key not in new]
    changed = [_changed(key[0], old[key], new[key]) for key in old if key in new and old[key] != new[key]]
    added = [f"+ {new[key]}" for key in new if key not in old]
    return [*added, *changed, *gone]


def _changed(kind: str, old: str, new: str) -> str:
    """Return a changed line, without saying again which row it is about."""
    row, mark, rest = new.partition(": ")
    return f"{old} → {rest}" if kind != "field" and old.startswith(row + mark) else f"{old} → {new}"


def lines_of(connection: Connection, content: snapshot.Content) -> list[tuple[str, str]]:
    """Return a whole mapping, a line of words for each part with its kind: grid, field, consent or type."""
    return [(kind, words) for (kind, *_key), words in _words_of([connection])[connection.pk].lines(content)]


def _keep(connection: Connection, *, by: Who, why: str) -> None:
    content = snapshot.take(connection)
    last = MappingVersion.objects.filter(connection=connection).first()
    if last and last.content == content:
        return
    MappingVersion.objects.create(
        connection=connection,
        number=last.number + 1 if last else 1,
        made_at=timezone.now() if last else connection.created_at,
        made_by_id=by.pk if by else None,
        made_by_name=by.get_username() if by else "",
        reason=why[:LONGEST_WHY],
        changes=_in_english(connection, last.content, content) if last else [],
        content=content,
    )


def _in_english(connection: Connection, before: snapshot.Content, after: snapshot.Content) -> list[str]:
    with override(KEPT_IN):
        return differences(connection, before, after)


def _words_of(connections: Iterable[Connection]) -> dict[int, "_Words"]:
    """Return what says a mapping in words, for each connection. Two queries."""
    accounts = {each.pk: each.brevo_account_id for each in connections}
    lists: dict[int, dict[int, str]] = {}
    for account, number, name in BrevoList.objects.filter(account__in=accounts.values()).values_list(
        "account", "number", "name"
    ):
        lists.setdefault(account, {})[number] = name
    types: dict[int, dict[str, str]] = {}
    for key, uri, name in EventType.objects.filter(connection__in=accounts).values_list("connection", "uri", "name"):
        types.setdefault(key, {})[uri] = name
    return {key: _Words(lists.get(account, {}), types.get(key, {})) for key, account in accounts.items()}


class _Words:
    """Says what a line of a mapping means, with the names of today."""

    def __init__(self, lists: Mapping[int, str], types: Mapping[str, str]) -> None:
        self._lists, self._types = lists, types

    def lines(self, content: snapshot.Content) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield a key, whose first part is the kind of the line, and words for each line."""
        for row in content["grid"]:
            yield ("grid", row["event_type"], row["trigger"]), self._cell(row)
        for row in content["fields"]:
            label = field_words.label_of(row["source"])
            writes = dict(FieldMapping.Overwrite.choices).get(row["overwrite"], row["overwrite"])
            yield ("field", row["attribute"]), f"{label} → {row['attribute']} ({writes})"
        for row in content["consents"]:
            yield ("consent", row["event_type"]), self._consent(row)
        own = {row["event_type"] for part in ("grid", "consents") for row in content[part]}
        for uri, decision in content["types"].items():
            yield ("type", uri), self._decision(uri, decision, is_own=uri in own)

    def _type(self, uri: str) -> str:
        return self._types.get(uri) or uri.rsplit("/", 1)[-1] or _("Every other type")

    def _decision(self, uri: str, decision: dict[str, Any], *, is_own: bool) -> str:
        """Return who decides for an event type; its name at that time, where it was another."""
        name, then = self._type(uri), decision["decided_name"]
        what = _("mapped") if is_own else _("follows the default row")
        if decision["is_ignored"]:
            return f"{name}: {_('ignored')}"
        return f"{name}: {what}" if then == name else f"{name}: {what} (“{then}”)"

    def _cell(self, row: dict[str, Any]) -> str:
        trigger = dict(TriggerMapping.Trigger.choices).get(row["trigger"], row["trigger"])
        event = (row["event_name"] or _("default event")) if row["sends_event"] else _("no event")
        joins, leaves = self._named(_("join"), row["join_lists"]), self._named(_("leave"), row["leave_lists"])
        return f"{self._type(row['event_type'])}, {trigger}: " + ", ".join(filter(None, (joins, leaves, event)))

    def _named(self, verb: str, numbers: list[int]) -> str:
        return f"{verb} " + ", ".join(self._lists.get(n, f"#{n}") for n in numbers) if numbers else ""

    def _consent(self, row: dict[str, Any]) -> str:
        mode = dict(ConsentRule.Mode.choices).get(row["mode"], row["mode"])
        asked = f" (“{row['question']}” = “{row['answer']}”)" if row["question"] else ""
        sent = _(" (template %(number)s)") % {"number": row["template"]} if row["template"] else ""
        return f"{self._type(row['event_type'])}, {_('joins lists')}: {mode}{asked}{sent}"
