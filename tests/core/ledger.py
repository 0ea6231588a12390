"""A ledger in memory: around `merge` it does what `services/ledger.py` does around it in the database."""

from collections.abc import Mapping

from calendly_connector.core import merge
from calendly_connector.core.interpret import Seen
from calendly_connector.core.merge import Entry, Happening

Entries = Mapping[str, Entry]  # by invitee URI, in the order of their first sight


def take(entries: Entries, seen: Seen) -> tuple[Entries, tuple[Happening, ...]]:
    """Return the ledger after one delivery, and what happened; the given ledger stays as it is."""
    booking = seen.booking
    uri, old = booking.invitee.uri, booking.invitee.old_invitee
    new_half = _new_half(entries, uri)
    merged = merge.merge(
        entries.get(uri),
        booking,
        successor=new_half.uri if new_half else "",
        predecessor=entries.get(old) if old else None,
        is_withdrawal=seen.is_no_show_withdrawn,
    )
    if not merged.is_news:
        return entries, merged.happenings
    changed = {**entries, uri: merged.entry}
    if old in changed and changed[old].successor != uri:
        changed[old] = merge.supersede(changed[old], successor=uri)
    _carry_moves(changed, merged.entry)
    return changed, merged.happenings


def _new_half(entries: Entries, uri: str) -> Entry | None:
    return next((entry for entry in entries.values() if entry.booking.invitee.old_invitee == uri), None)


def _carry_moves(entries: dict[str, Entry], entry: Entry) -> None:
    while (following := _new_half(entries, entry.uri)) and following.moves != entry.moves + 1:
        entry = entries[following.uri] = Entry(
            booking=following.booking,
            successor=following.successor,
            moves=entry.moves + 1,
            attended_at=following.attended_at,
            was_undone=following.was_undone,
        )
