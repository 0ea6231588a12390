"""Replays: many log entries done once more in the background, piece by piece; planned first, and stopped at will.

Each piece is one transaction that also notes how far the replay has come: a worker that is killed loses nothing, and
nothing is done twice.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.core.replay import Wish
from calendly_connector.models import Connection, Replay
from calendly_connector.services import queue, redo, retention
from calendly_connector.services.chosen import Chosen, moment_of
from calendly_connector.services.plan import Plan, plan

REPLAY = "replay"
BATCH = 200  # entries in one piece
State = Replay.State
INSTEAD = "The bookings are still there: a person's page writes their contact again."


def gone(chosen: Chosen) -> str:
    """Return why some of what is meant can't be replayed any more, for staff; empty when all of it may be there."""
    begins = retention.log_begins(timezone.now())
    if chosen.ids and (missing := len(set(chosen.ids)) - chosen.rows().count()):
        return f"{missing} of the picked entries are not in the log any more: they can't be replayed. {INSTEAD}"
    moments = [moment_of(text) for text in (chosen.since, chosen.until) if text]
    if begins is None or not moments or min(moments) >= begins:
        return ""
    return f"Entries from before {begins:%Y-%m-%d} are deleted by age: they can't be replayed any more. {INSTEAD}"


class AlreadyStarted(Exception):
    """The same replay has been started before; `row` is it."""

    def __init__(self, row: Replay) -> None:
        super().__init__(f"{row} does the same already")
        self.row = row


def wish_of(rules: str, *, sends_again: bool) -> Wish:
    """Return staff's choice as the core's value."""
    return Wish(is_today=rules == Replay.Rules.TODAY, sends_again=sends_again)


def plan_all(chosen: Chosen, wish: Wish) -> list[tuple[Connection, Plan]]:
    """Return the plan of every connection that has chosen entries."""
    found = Connection.objects.select_related("brevo_account").defer(*SECRETS).order_by("pk")
    if chosen.connection:
        found = found.filter(pk=chosen.connection)
    plans = [(connection, plan(connection, chosen, wish)) for connection in found]
    return [(connection, each) for connection, each in plans if each.entries]


SECRETS = ("access_token", "refresh_token", "signing_key", "previous_signing_key", "brevo_account__api_key")


def start(connection: Connection, chosen: Chosen, planned: Plan, wish: Wish, *, by: str = "", why: str = "") -> Replay:
    """Have the chosen entries of a connection done once more; return the row that shows how far it is.

    It begins when every process goes by the mapping as it is now. Raises AlreadyStarted when the same replay is under
    way, or when this very form has started one: what is sent again would be sent twice.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=connection.pk)  # two requests take turns
        if same := _same(connection, chosen, wish):
            raise AlreadyStarted(same)
        row = Replay.objects.create(
            connection=connection,
            chosen=chosen.to_json(),
            **_rules_in(wish),
            why=why[:200],
            asked_by=by[:150],
            total=planned.entries,
            words="\n".join([*planned.lines(), *planned.left_out_lines()]),
            asked_at=timezone.now(),
        )
        queue.enqueue(REPLAY, row.pk, delay=conf.rules_kept_seconds())
    return row


def _rules_in(wish: Wish) -> dict[str, Any]:
    rules = Replay.Rules.TODAY if wish.is_today else Replay.Rules.THEN
    return {"rules": rules, "sends_events_again": wish.sends_again}


def _same(connection: Connection, chosen: Chosen, wish: Wish) -> Replay | None:
    """Return the replay that this form has started, or one of the same entries in the same way that isn't over."""
    rows = Replay.objects.filter(connection=connection)
    if chosen.form and (sent := rows.filter(chosen__form=chosen.form).first()):
        return sent
    under_way = rows.filter(state__in=(State.RUNNING, State.PAUSED), **_rules_in(wish))
    return next((row for row in under_way if _filters(row.chosen) == _filters(chosen.to_json())), None)


def _filters(chosen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if name not in ("up_to", "form")}


def advance(replay_id: int, renew: Callable[[], None]) -> None:
    """Do a replay from where it stands to its end, or until staff pause it; the job's work."""
    while _advance_once(replay_id):
        renew()


def give_up(replay_id: int, reason: str) -> None:
    """Pause a replay whose tries are used up; staff may let it go on."""
    _change(replay_id, (State.RUNNING,), State.PAUSED, words=f"It failed many times. {reason}")


def pause(row: Replay) -> bool:
    """Stop a replay for now; what it has asked for already goes on. Return whether it was running."""
    return _change(row.pk, (State.RUNNING,), State.PAUSED)


def go_on(row: Replay) -> bool:
    """Let a paused replay go on where it stood; return whether it was paused."""
    with transaction.atomic():
        changed = _change(row.pk, (State.PAUSED,), State.RUNNING)
        if changed:
            queue.enqueue(REPLAY, row.pk)
    return changed


def cancel(row: Replay) -> bool:
    """End a replay for good; what it has asked for already goes on. Return whether it was under way."""
    return _change(row.pk, (State.RUNNING, State.PAUSED), State.CANCELED, finished_at=timezone.now())


def _change(key: int, states: tuple[Replay.State, ...], state: Replay.State, **changes: object) -> bool:
    return bool(Replay.objects.filter(pk=key, state__in=states).update(state=state, **changes))


def _advance_once(replay_id: int) -> bool:
    """Do one piece; return whether there may be more. The row's lock keeps two workers from doing the same piece."""
    with transaction.atomic():
        row = Replay.objects.select_for_update().filter(pk=replay_id, state=State.RUNNING).first()
        if row is None:
            return False
        numbers = _next(row)
        if numbers:
            _redo(row, numbers)
        else:
            row.state, row.finished_at, row.total = State.FINISHED, timezone.now(), row.done + row.left_out
        row.save(update_fields=["state", "finished_at", "total", "done", "left_out", "reached"])
    return bool(numbers)


def _next(row: Replay) -> list[int]:
    rows = Chosen.from_json(row.chosen).rows().filter(connection=row.connection_id, pk__gt=row.reached)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _redo(row: Replay, numbers: list[int]) -> None:
    connection = Connection.objects.select_related("brevo_account").defer(*SECRETS).get(pk=row.connection_id)
    wish = wish_of(row.rules, sends_again=row.sends_events_again)
    done = redo.redo(redo.locked(numbers, connection=connection), connection=connection, wish=wish, number=row.pk)
    row.done, row.left_out, row.reached = row.done + done.entries, row.left_out + done.left_out, numbers[-1]
