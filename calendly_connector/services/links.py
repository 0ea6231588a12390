"""Single-use links for everybody on a Brevo list, each written to an attribute of its contact.

    list   every page of the list; a wanted link for each contact that needs one   (links_list.py)
    make   one call to Calendly for each wanted link, several at once              (links_make.py)
    write  what was made, by imports into the attribute                            (links_write.py)

A run is a job that keeps everything in rows: a killed worker, a full minute or an outage only delays it. The database
refuses a second link that the same person could use for the same event type.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import link_snippet
from calendly_connector.models import Connection, LinkRun, SchedulingLink
from calendly_connector.services import links_list, links_make, links_write, notices, queue, setup

RUN = "links"
COMMON = "https://calendly.com"  # where a run doesn't know the event type's common page
LONGEST_WAIT, SHORTEST_WAIT = 300.0, 1.0  # seconds; Calendly's window is a minute
State = LinkRun.State
Renew = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Links of which event type, for which list, into which attribute. `tracking`: utm_source, utm_medium, …"""

    event_type: str
    attribute: str
    list_number: int | None = None  # None: links that were made one by one
    tracking: Mapping[str, str] = field(default_factory=dict)
    is_refill: bool = False


class OtherUnderWay(Exception):
    """Another run of this connection isn't over; `row` is it."""

    def __init__(self, row: LinkRun) -> None:
        super().__init__(
            f"Other links ({row}) are being made. Let that end, or cancel it in the admin (Link runs); then ask again."
        )
        self.row = row


def open_run(connection: Connection) -> LinkRun | None:
    """Return the connection's run that isn't over, running or paused."""
    return LinkRun.objects.filter(connection=connection, finished_at=None).first()


def key_of(run_id: int) -> str:
    """Return the key of a run's job."""
    return f"{RUN}:{run_id}"


def ask(row: LinkRun) -> None:
    """Have a run done, or gone on with."""
    queue.enqueue(RUN, row.pk, key=key_of(row.pk))


def start(connection: Connection, wish: Wish, *, by: str = "", fallback: str = "") -> LinkRun:
    """Have links made; return the row that shows how far it is. The attribute is expected to be there.

    The same wish goes on where it stood, also after a pause. Raises OtherUnderWay for another one. `fallback` is
    Calendly's common page, for those who get no link.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=connection.pk)  # two requests take turns
        row = open_run(connection)
        if row is None:
            row = unsaved(connection, wish, by=by)
            row.fallback = fallback[:500]
            row.save()
        elif wish_of(row) != wish:
            raise OtherUnderWay(row)
        if not go_on(row):
            ask(row)
    row.refresh_from_db()
    return row


def start_for(link: SchedulingLink, wish: Wish, *, by: str = "") -> LinkRun:
    """Have one link that was made already written to its contact's attribute. Raises OtherUnderWay."""
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=link.connection_id)
        if found := open_run(link.connection):
            raise OtherUnderWay(found)
        row = unsaved(link.connection, wish, by=by)
        row.is_listed, row.total, row.made = True, 1, 1
        row.save()
        SchedulingLink.objects.filter(pk=link.pk).update(run=row, written_at=None)
        ask(row)
    return row


def refill(row: LinkRun, *, by: str = "") -> LinkRun:
    """Have new links made where those of a run that is over are used, expired or missing. Raises OtherUnderWay."""
    return start(row.connection, refill_wish(row), by=by, fallback=row.fallback)


def refill_wish(row: LinkRun) -> Wish:
    """Return what a refill of a run asks for."""
    return replace(wish_of(row), is_refill=True)


def unsaved(connection: Connection, wish: Wish, *, by: str = "") -> LinkRun:
    """Return the run that a wish calls for, to be looked at or kept."""
    return LinkRun(
        connection=connection,
        event_type=wish.event_type,
        list_number=wish.list_number,
        attribute=wish.attribute,
        tracking=dict(wish.tracking),
        is_refill=wish.is_refill,
        asked_by=by[:150],
        asked_at=timezone.now(),
    )


def wish_of(row: LinkRun) -> Wish:
    """Return what a run was asked for."""
    return Wish(
        event_type=row.event_type,
        attribute=row.attribute,
        list_number=row.list_number,
        tracking=row.tracking,
        is_refill=row.is_refill,
    )


def pause(row: LinkRun) -> bool:
    """Stop a run for now; return whether it was running."""
    return _change(row, (State.RUNNING,), State.PAUSED)


def go_on(row: LinkRun) -> bool:
    """Let a paused run go on where it stood; return whether it was paused."""
    with transaction.atomic():
        changed = _change(row, (State.PAUSED,), State.RUNNING, words="")
        if changed:
            ask(row)
            notices.close_notice(_notice_key(row), "The links are being made again.")
    return changed


def cancel(row: LinkRun) -> bool:
    """End a run for good; return whether it was under way. What was made stays, and the next run writes it."""
    with transaction.atomic():
        changed = _change(row, (State.RUNNING, State.PAUSED), State.CANCELED, finished_at=timezone.now())
        if changed:
            SchedulingLink.objects.filter(run=row, state=SchedulingLink.State.WANTED).delete()
            notices.close_notice(_notice_key(row), "The run was canceled.")
    return changed


def _change(row: LinkRun, states: tuple[LinkRun.State, ...], state: LinkRun.State, **changes: object) -> bool:
    return bool(LinkRun.objects.filter(pk=row.pk, state__in=states).update(state=state, **changes))


def advance(run_id: int, renew: Renew) -> None:
    """Go on where a run stands, to its end or until staff stop it; the job's work.

    A refusal pauses it with words and a notice; anything else raises queue.Later.
    """
    rows = LinkRun.objects.select_related("connection__brevo_account")
    row = rows.filter(pk=run_id, state=State.RUNNING).first()
    if row is None:
        return
    try:
        _advance(row, renew)
    except errors.RateLimited as limited:
        seconds = min(max(limited.wait or 60.0, SHORTEST_WAIT), LONGEST_WAIT)
        _note(row, words=f"Waiting for Calendly's rate limit. {limited}")
        raise queue.Later(str(limited), seconds=seconds, is_failure=False) from limited
    except (errors.Refused, links_write.AttributeGone) as refused:
        _stop(row, refused)
    except errors.ApiError as error:
        _note(row, words=f"It is tried again. {error}")
        raise queue.Later(str(error)) from error
    except queue.Later as later:
        _note(row, words=str(later))
        raise


def _advance(row: LinkRun, renew: Renew) -> None:
    def keep_going() -> bool:
        renew()
        return LinkRun.objects.filter(pk=row.pk, state=State.RUNNING).exists()

    stages = (links_list.list_on, links_make.make_all, links_write.write_all)
    if all(stage(row, keep_going) for stage in stages):
        _finish(row)


def give_up(run_id: int, reason: str) -> None:
    """Pause a run whose tries are used up, with words and a notice."""
    if row := LinkRun.objects.filter(pk=run_id, state=State.RUNNING).first():
        _stop(row, reason)


def _note(row: LinkRun, *, words: str) -> None:
    LinkRun.objects.filter(pk=row.pk, state=State.RUNNING).update(words=words)


def _stop(row: LinkRun, refused: object) -> None:
    lacking = getattr(refused, "required_scopes", ())
    what = (
        f"The Calendly token lacks the scope {', '.join(lacking)}. Give it, then go on." if lacking else "Then go on."
    )
    words = f"It is paused: {refused} {what}"
    with transaction.atomic():
        if isinstance(refused, errors.Forbidden):
            setup.note_missing_scopes(row.connection, refused)
        if _change(row, (State.RUNNING,), State.PAUSED, words=words):
            notices.open_notice(_notice_key(row), f"{row.connection.name}: links can't be made", words)


def _finish(row: LinkRun) -> None:
    row.refresh_from_db(fields=["made", "written"])
    words = f"Links made: {row.made}. Written to their contacts: {row.written}."
    mine = LinkRun.objects.filter(pk=row.pk, state=State.RUNNING)
    if mine.update(words=words, state=State.FINISHED, finished_at=timezone.now(), process=None):
        notices.close_notice(_notice_key(row), f"The links were made. {words}")


def _notice_key(row: LinkRun) -> str:
    return notices.key_of(row.connection, "links")


def report(row: LinkRun) -> dict[str, Any]:
    """Return what came of a run, as JSON has it."""
    counts = SchedulingLink.objects.filter(run=row)
    return {
        "connection": row.connection.name,
        "run": row.pk,
        "state": row.state,
        "event_type": row.event_type,
        "list": row.list_number,
        "attribute": row.attribute,
        "wanted": row.total,
        "made": row.made,
        "written": row.written,
        "used": counts.filter(state=SchedulingLink.State.USED).count(),
        "left_out": row.left_out,
        "words": row.words,
        "snippet": snippet(row) if row.list_number is not None else "",
    }


def snippet(row: LinkRun, *, text: str = "Book a time") -> str:
    """Return the button to paste into Brevo's e-mail editor; `text` is what it says."""
    return link_snippet.button(row.attribute, fallback=row.fallback or COMMON, text=text)
