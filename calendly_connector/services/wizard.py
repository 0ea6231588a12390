"""The set-up of a connection in five steps, each judged by what is really there: so it can be left and resumed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.models import Connection, Reading
from calendly_connector.services import backfill, setup, subscription, unmapped, versions

ASKED_AT, REACHED_AT, HISTORY = "asked_at", "reached_at", "history"
SKIPPED = "skipped"


class State(StrEnum):
    """Where a step stands."""

    DONE = "done"
    RUNNING = "running"
    SKIPPED = "skipped"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Look:
    """One step: its name, how it stands, and one sentence about that."""

    name: str
    state: State
    words: str

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to do."""
        return self.state is not State.OPEN


def look(connection: Connection) -> list[Look]:
    """Return how the five steps stand, from our rows alone."""
    return [
        _look_calendly(connection),
        _look_brevo(connection),
        _look_mapping(connection),
        _look_test(connection),
        _look_history(connection),
    ]


def is_complete(connection: Connection) -> bool:
    """Return whether every step is over."""
    return all(step.is_over for step in look(connection))


def test(connection: Connection) -> list[tuple[bool, str]]:
    """Ask both services and knock at our own door; return whether each went well, and words.

    Raises what `setup.check` and `subscription.test_loop_back` raise.
    """
    report = ask_both(connection)
    found = [(True, line) for line in report.lines]
    if report.missing_attributes:
        names = ", ".join(name for name, kind in report.missing_attributes)
        found.append((False, _("The mapping names attributes that Brevo lacks: %(names)s.") % {"names": names}))
    reached = reach(connection)
    found.append((reached.is_reached, reached.words))
    return found


def ask_both(connection: Connection) -> setup.Report:
    """Ask both services, as `setup.check` does; note when all was well."""
    report = setup.check(connection)
    if not report.missing_attributes:
        _note(connection, **{ASKED_AT: timezone.now().isoformat()})
    return report


def reach(connection: Connection) -> subscription.LoopBack:
    """Knock at our own door, as `subscription.test_loop_back` does; note when it was opened."""
    found = subscription.test_loop_back(connection)
    if found.is_reached:
        _note(connection, **{REACHED_AT: timezone.now().isoformat()})
    return found


def follow_default(connection: Connection, *, by: versions.Who) -> int:
    """Let every event type that nobody has decided about follow the default row; return how many there were."""
    with versions.changing(connection, by=by, why="Undecided event types follow the default row"):
        return unmapped.undecided_types(connection).update(decided_name=F("name"))


def bring_in_history(connection: Connection, since: datetime, *, by: str) -> Reading:
    """Ask for the bookings of all meetings since a moment to be brought in, quietly. Raises backfill.OtherUnderWay."""
    _note(connection, **{HISTORY: ""})
    return backfill.ask(connection, backfill.Wish(since=since), by=by, why=f"Set-up, asked for by {by}")


def skip_history(connection: Connection) -> None:
    """Note that nobody wants what was booked before."""
    _note(connection, **{HISTORY: SKIPPED})


def _look_calendly(connection: Connection) -> Look:
    if connection.state != Connection.State.CONNECTED:
        words = connection.state_reason or _("Let the connector into your Calendly account.")
        return Look(name="calendly", state=State.OPEN, words=words)
    if connection.subscription_state != "active":
        words = _("Connected as %(name)s. Calendly doesn't tell us of bookings yet: subscribe.")
        return Look(name="calendly", state=State.OPEN, words=words % {"name": connection.user_name})
    words = _("Connected as %(name)s, and Calendly tells us of bookings.") % {"name": connection.user_name}
    return Look(name="calendly", state=State.DONE, words=words)


def _look_brevo(connection: Connection) -> Look:
    account = connection.brevo_account
    if account.is_paused:
        return Look(name="brevo", state=State.OPEN, words=account.pause_reason)
    if account.checked_at is None:
        return Look(name="brevo", state=State.OPEN, words=_("Put in an API key of your Brevo account."))
    return Look(name="brevo", state=State.DONE, words=_("Writing to %(name)s.") % {"name": account.name})


def _look_mapping(connection: Connection) -> Look:
    if not connection.event_types.exists():
        words = _("The event types are read once Calendly is connected.")
        return Look(name="mapping", state=State.OPEN, words=words)
    undecided = unmapped.undecided_types(connection).count()
    missing = setup.missing_attributes(connection)
    lacking: list[str] = []
    if undecided:
        found = ngettext(
            "%(count)d event type is not mapped yet.", "%(count)d event types are not mapped yet.", undecided
        )
        lacking.append(found % {"count": undecided})
    if missing:
        found = ngettext(
            "Brevo lacks %(count)d attribute of the mapping.",
            "Brevo lacks %(count)d attributes of the mapping.",
            len(missing),
        )
        lacking.append(found % {"count": len(missing)})
    if unknown := unmapped.unknown_targets(connection).count:
        found = ngettext(
            "%(count)d event type or list of the mapping is found in neither service.",
            "%(count)d event types or lists of the mapping are found in neither service.",
            unknown,
        )
        lacking.append(found % {"count": unknown})
    if lacking:
        return Look(name="mapping", state=State.OPEN, words=" ".join(lacking))
    return Look(name="mapping", state=State.DONE, words=_("Every event type is decided, and every attribute is there."))


def _look_test(connection: Connection) -> Look:
    notes = connection.setup_notes
    asked_at, reached_at = (parse_datetime(str(notes.get(name, ""))) for name in (ASKED_AT, REACHED_AT))
    if asked_at is None or reached_at is None:
        words = _("Ask both services, and see whether Calendly can reach us.")
        return Look(name="test", state=State.OPEN, words=words)
    when = timezone.localtime(max(asked_at, reached_at)).strftime("%Y-%m-%d %H:%M")
    return Look(name="test", state=State.DONE, words=_("Everything answered on %(when)s.") % {"when": when})


def _look_history(connection: Connection) -> Look:
    row = Reading.objects.filter(connection=connection, kind=Reading.Kind.HISTORY).order_by("-asked_at").first()
    counts = {"meetings": row.meetings, "news": row.news} if row else {}
    if row and row.finished_at is None:
        words = _("Reading: %(meetings)d meetings seen, %(news)d bookings brought in so far.") % counts
        why_still = _("It is paused.") if row.state == Reading.State.PAUSED else row.words
        return Look(name="history", state=State.RUNNING, words=" ".join(filter(None, (words, why_still))))
    if row and row.state == Reading.State.FINISHED:
        words = _("%(meetings)d meetings seen, %(news)d bookings brought in.") % counts
        return Look(name="history", state=State.DONE, words=words)
    if connection.setup_notes.get(HISTORY) == SKIPPED:
        return Look(name="history", state=State.SKIPPED, words=_("Nothing from before is brought in."))
    words = _("Bring in what was booked before: contacts and lists, but no automation event.")
    if row:
        canceled = _("It was canceled: %(meetings)d meetings seen, %(news)d bookings brought in.") % counts
        words = f"{canceled} {words}"
    return Look(name="history", state=State.OPEN, words=words)


def _note(connection: Connection, **notes: Any) -> None:
    with transaction.atomic():
        row = Connection.objects.select_for_update().only("setup_notes").get(pk=connection.pk)
        connection.setup_notes = {**row.setup_notes, **notes}
        Connection.objects.filter(pk=connection.pk).update(setup_notes=connection.setup_notes)
