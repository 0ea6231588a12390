"""People who booked and are in Brevo, and comparisons of all of them."""

from django.utils import timezone

from calendly_connector.core import interpret, merge
from calendly_connector.models import Booking, Drift, DriftRun, Job, Person
from calendly_connector.services import connection as connections
from calendly_connector.services import drift, drift_run
from sandbox import scenarios
from tests.journeys.river import River

EMAIL = scenarios.NADIA.email


def book(river: River, *emails: str) -> None:
    """Let people book, and write them to Brevo."""
    river.brevo.settings.import_seconds = 0.0
    for email in emails:
        river.calendly.book(event_type="Discovery call", email=email, name="Ada Berg")
    river.flow()
    work(river)


def booked(river: River) -> Person:
    """Return Nadia, who has booked and is in Brevo."""
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=EMAIL)


def compare(river: River) -> DriftRun:
    """Compare everybody and return the comparison."""
    run = drift_run.compare_all(river.connection, by="anna")
    work(river)
    run.refresh_from_db()
    return run


def work(river: River) -> None:
    """Do all work, and what it asks for later."""
    for _turn in range(20):
        river.hurry()
        if not river.work() and not Job.objects.filter(state="ready").exists():
            return


def found(river: River, email: str = EMAIL) -> list[tuple[str, object, object]]:
    """Return a person's differences: what, wanted, found."""
    row = Drift.objects.filter(connection=river.connection, email=email).first()
    return [(_called(line), line["wanted"], line["found"]) for line in row.lines] if row else []


def _called(line: dict[str, str]) -> str:
    return f"{line['what']} {line['name']}".strip()


def note_calendly(river: River, invitee: str) -> None:
    """Do what the reading does for one booking: look at Calendly, merge without keeping it, and tell of news."""
    client = connections.calendly_client(river.connection)
    row = client.get_invitee(invitee)
    seen = interpret.interpret_listing(row, client.get_scheduled_event(row["event"]), taken_at=timezone.now())
    known = Booking.objects.filter(connection=river.connection, uri=invitee).first()
    entry = known.to_entry() if known else None
    drift.note_calendly(river.connection, seen, entry, merge.merge(entry, seen))
