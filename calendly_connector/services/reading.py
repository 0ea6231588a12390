"""Readings: stretches of time whose bookings are read from Calendly, whoever asked. Calendly can't be asked "what
changed since" (calendly-api.md §4.6), so a window of meetings is listed, and the invitees of those that may hold news
are recorded like any delivery: nothing is doubled.

    list   every page of the window, its place kept with it     (listing.py)
    read   the invitees of each noted meeting, several at once  (intake.py)
    end    what was gathered goes to Brevo as imports           (gathering.py)

It runs as a job that keeps everything in rows: a killed worker, a full minute or an outage only delays it.
"""

import logging
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import health
from calendly_connector.models import Connection, Job, PendingMeeting, Reading
from calendly_connector.services import connection as connections
from calendly_connector.services import gathering, intake, listing, notices, queue, recording

logger = logging.getLogger(__name__)

READ = "reading"
LONGEST_WAIT, SHORTEST_WAIT = 300.0, 1.0  # seconds; Calendly's window is a minute
GIVE_WAY = 5.0  # seconds until history looks again whether what was missed has been read
OF_BOOKINGS = (recording.UNREADABLE, recording.BEFORE)  # reasons that leave out a booking, not a meeting
State, Kind = Reading.State, Reading.Kind

Renew = Callable[[], None]


def open_reading(connection: Connection, kind: Reading.Kind) -> Reading | None:
    """Return the connection's reading of a kind that isn't over, running or paused."""
    return Reading.objects.filter(connection=connection, kind=kind, finished_at=None).first()


def key_of(reading_id: int) -> str:
    """Return the key of a reading's job."""
    return f"{READ}:{reading_id}"


def ask(row: Reading) -> None:
    """Have a reading done, or gone on with."""
    queue.enqueue(READ, row.pk, key=key_of(row.pk))


def go_on_all(connection: Connection) -> None:
    """Ask again for the connection's running readings, if there are any: they may have stopped at a refusal."""
    for row in Reading.objects.filter(connection=connection, finished_at=None, state=State.RUNNING):
        ask(row)


def pause(row: Reading) -> bool:
    """Stop a reading for now; what it has taken in is written. Return whether it was running."""
    with transaction.atomic():
        changed = _change(row, (State.RUNNING,), State.PAUSED)
        if changed:
            gathering.close_all(row)
    return changed


def go_on(row: Reading) -> bool:
    """Let a paused reading go on where it stood; return whether it was paused."""
    with transaction.atomic():
        changed = _change(row, (State.PAUSED,), State.RUNNING, words="")
        if changed:
            ask(row)
    return changed


def cancel(row: Reading) -> bool:
    """End a reading for good; what it has taken in stays, and is written. Return whether it was under way."""
    with transaction.atomic():
        changed = _change(row, (State.RUNNING, State.PAUSED), State.CANCELED, finished_at=timezone.now())
        if changed:
            PendingMeeting.objects.filter(reading=row).delete()
            gathering.close_all(row)
            notices.close_notice(_notice_key(row), "The reading was canceled.")
    return changed


def _change(row: Reading, states: tuple[Reading.State, ...], state: Reading.State, **changes: object) -> bool:
    return bool(Reading.objects.filter(pk=row.pk, state__in=states).update(state=state, **changes))


def advance(reading_id: int, renew: Renew) -> None:
    """Read on where a reading stands, to its end or until staff stop it; the job's work.

    A refusal stops it with words and a notice, until `go_on_all`; anything else raises queue.Later.
    """
    rows = Reading.objects.select_related("connection__brevo_account")
    row = rows.filter(pk=reading_id, state=State.RUNNING).first()
    if row is None:
        return
    if row.kind == Kind.HISTORY and _is_gap_open(row):
        _note(row, words="What was missed is read first.")
        raise queue.Later("What was missed is read first.", seconds=GIVE_WAY, is_failure=False)
    try:
        _read(row, renew)
    except (errors.Forbidden, errors.NotFound) as refused:
        _stop(row, refused)
    except errors.RateLimited as limited:
        seconds = min(max(limited.wait or 60.0, SHORTEST_WAIT), LONGEST_WAIT)
        _note(row, words=f"Waiting for Calendly's rate limit. {limited}")
        raise queue.Later(str(limited), seconds=seconds, is_failure=False) from limited
    except errors.ApiError as error:
        _note(row, words=f"It is tried again. {error}")
        raise queue.Later(str(error)) from error
    except connections.NotConfigured as refused:
        _stand_still(row, str(refused))
        raise
    except queue.Later as later:
        _note(row, words=str(later))
        raise


def _is_gap_open(row: Reading) -> bool:
    """Return whether a reading that may tell automations of news is under way: history would hold them back."""
    loud = Reading.objects.filter(connection=row.connection_id, kind__in=(Kind.GAP, Kind.CHECK), state=State.RUNNING)
    return Job.objects.filter(dedupe_key__in=[key_of(each) for each in loud.values_list("pk", flat=True)]).exists()


def _read(row: Reading, renew: Renew) -> None:
    client = connections.calendly_client(row.connection)

    def keep_going() -> bool:
        renew()
        return Reading.objects.filter(pk=row.pk, state=State.RUNNING).exists()

    if listing.list_on(row, client, keep_going) and intake.read_all(row, renew):
        _finish(row)


def give_up(reading_id: int, reason: str) -> None:
    """Keep words about a reading whose tries are used up; the next check of the subscription asks for it again."""
    if row := Reading.objects.filter(pk=reading_id, finished_at=None).first():
        _stand_still(row, f"It failed many times. {reason}")


def _note(row: Reading, **changes: object) -> bool:
    """Change a running reading; return whether it still runs."""
    return bool(Reading.objects.filter(pk=row.pk, state=State.RUNNING).update(**changes))


def _stand_still(row: Reading, words: str) -> None:
    """Keep why a reading doesn't go on before a person acts; what it has taken in is written meanwhile."""
    with transaction.atomic():
        _note(row, words=words)
        gathering.close_all(row)


def _stop(row: Reading, refused: errors.Refused) -> None:
    lacking = getattr(refused, "required_scopes", ())
    what = (
        f"The Calendly token lacks the scope {', '.join(lacking)}."
        if lacking
        else "Calendly refuses to show these bookings: has the connected user's role changed?"
    )
    words = (
        f"Bookings since {health.in_words(row.since)} can't be read again. {what} Give the access back, or test the "
        f"connection again; the reading then goes on by itself. {refused}"
    )
    _stand_still(row, words)
    notices.open_notice(_notice_key(row), f"{row.connection.name}: bookings can't be read again", words)


def _finish(row: Reading) -> None:
    row.refresh_from_db(fields=["meetings", "invitees", "news"])
    words = f"{row.meetings} meetings looked at, {row.invitees} bookings read, {row.news} of them were news."
    with transaction.atomic():
        mine = Reading.objects.filter(pk=row.pk, since=row.since, until=row.until, state=State.RUNNING, is_listed=True)
        if not mine.update(words=words, state=State.FINISHED, finished_at=timezone.now()):
            return
        gathering.close_all(row)
        if row.kind == Kind.GAP:
            waiting = Connection.objects.filter(pk=row.connection_id, reread_since__gte=row.since)
            waiting.update(reread_since=None)
        notices.close_notice(_notice_key(row), f"The bookings were read again. {words}")


def _notice_key(row: Reading) -> str:
    return notices.key_of(row.connection, f"reading-{row.kind}")
