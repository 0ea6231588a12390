"""`calendly_backfill` as an operator calls it: from Calendly's past to Brevo's contacts, quietly, with a report."""

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calendly_connector.models import Booking, BrevoAccount, Job, Reading, SyncLogEntry
from calendly_connector.services import accounts, ledger, reading
from calendly_connector.services.recording import Recorder
from sandbox.calendly_world import DEMO, DISCOVERY
from tests.journeys.river import River

DAY = timedelta(days=1)


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation that is connected; what Calendly would deliver is lost."""
    installation.connect()
    installation.sandbox.world.journal.clear()
    return installation


def booked(river: River, *names: str, days: int = 10, **details: Any) -> list[str]:
    """Return bookings made in the past, each of a person of that name, on days that far back."""
    start = (timezone.now() - days * DAY).replace(hour=9, minute=0, second=0, microsecond=0)
    uris = []
    for number, name in enumerate(names):
        when = start + timedelta(hours=number)
        uris.append(river.calendly.book(email=f"{name}@example.com", start_time=when, **details))
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)
    return uris


def run(*arguments: str) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("calendly_backfill", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def report(*arguments: str) -> dict[str, Any]:
    """Run the command with --json and return its report."""
    told: dict[str, Any] = json.loads(run("--json", *arguments))
    return told


def test_history_becomes_contacts_by_import_and_starts_no_automation(river: River) -> None:
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    booked(river, "ada", "bob", "cleo")

    told = report("--since", "2020-01-01")

    assert (told["state"], told["meetings"], told["invitees"], told["new"]) == ("finished", 3, 3, 3)
    assert told["brevo"] == {"written": 3, "refused": {}, "waiting": 0, "paused": ""}
    assert told["held_back"] == 6  # each was booked, and counts as attended
    assert [river.contact(f"{name}@example.com")["listIds"] for name in ("ada", "bob", "cleo")] == [[number]] * 3
    assert len(river.calls("/contacts/import")) == 1
    assert river.calls("/contacts") == river.calls("/events") == river.calls("/events/batch") == []


def test_a_second_run_finds_everything_known_and_reads_no_meeting(river: River) -> None:
    booked(river, "ada", "bob")
    report("--since", "2020-01-01")
    river.sandbox.world.journal.clear()

    told = report("--since", "2020-01-01")

    assert (told["new"], told["changed"], told["meetings_read"]) == (0, 0, 0)
    assert told["skipped"] == {"unchanged since it was read": 2}
    assert [call.template for call in river.sandbox.world.journal.calls("calendly")] == ["/scheduled_events"]
    assert river.sandbox.world.journal.calls("brevo") == []


def test_the_stretch_and_the_event_type_are_kept_to(river: River) -> None:
    booked(river, "old", days=400)
    booked(river, "demo", days=20, event_type=DEMO)
    booked(river, "call", days=20, event_type=DISCOVERY)
    day = f"{timezone.now() - 30 * DAY:%Y-%m-%d}"

    told = report("--since", day, "--event-type", "discovery call")
    before = report("--until", day)

    assert (told["meetings"], told["new"], told["skipped"]) == (2, 1, {"another event type": 1})
    assert before["new"] == 1
    assert set(Booking.objects.values_list("person__email", flat=True)) == {"old@example.com", "call@example.com"}


def test_a_move_whose_halves_are_read_far_apart_starts_no_automation(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MISSING_HALF_SECONDS", 0)  # as if a minute passed between the halves
    old = booked(river, "ada")[0]
    river.calendly.move(old, timezone.now() + 40 * DAY)
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)

    told = report("--since", "2020-01-01", "--until", f"{timezone.now():%Y-%m-%d}")
    whole = report("--since", "2020-01-01")

    assert (told["new"], whole["new"]) == (1, 1)
    assert not Job.objects.filter(kind="missing_half").exists()
    assert river.brevo.events() == []


def test_automations_start_when_they_are_asked_for(river: River) -> None:
    booked(river, "ada")

    told = report("--since", "2020-01-01", "--with-events")

    assert told["held_back"] == 0
    assert river.event_names("ada@example.com") == ["booked"]


def test_a_dry_run_counts_and_shows_and_writes_nothing(river: River) -> None:
    known, _new = booked(river, "ada", "bob")
    report("--since", "2020-01-01", "--until", f"{timezone.now() - 9 * DAY:%Y-%m-%d}T00:00:00Z")
    Reading.objects.all().delete()
    SyncLogEntry.objects.all().delete()
    river.calendly.mark_no_show(known)
    booked(river, "cleo", days=3)
    before = list(Booking.objects.values())
    river.sandbox.world.journal.clear()

    told = json.loads(run("--dry-run", "--json"))
    words = run("--dry-run")

    assert (told["meetings"], told["to_read"], told["new"]) == (3, 1, 1)
    assert "cleo@example.com, Discovery call" in words
    assert "Meetings in this stretch: 3" in words
    assert list(Booking.objects.values()) == before
    assert not Reading.objects.exists()
    assert not SyncLogEntry.objects.exists()
    assert river.sandbox.world.journal.calls("brevo") == []


def test_words_for_people_say_what_came_of_it(river: River) -> None:
    booked(river, "ada")

    words = run("--since", "2020-01-01")

    assert "To be read: 1" in words
    assert "1 bookings: 1 new, 0 changed, 0 known already" in words
    assert "Brevo: 1 contacts written, 0 people wait." in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "yesterday"], "no day or moment"),
        (["--since", "2026-02-30"], "out of range"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "later than --since"),
        (["--event-type", "Nonsense"], "There are: “"),
    ],
)
def test_wrong_usage_is_said_and_nothing_begins(river: River, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        run(*arguments)

    assert refused.value.returncode == 2
    assert not Reading.objects.exists()


def test_another_stretch_is_refused_while_one_is_open(river: River) -> None:
    Reading.objects.create(
        connection=river.connection, kind="history", since=timezone.now(), asked_at=timezone.now(), is_thorough=False
    )

    with pytest.raises(CommandError, match="isn't over"):
        report("--since", "2020-01-01")


def test_rows_that_brevo_refuses_are_counted_by_cause_and_tried_singly(river: River) -> None:
    taken = {"Phone number": "+33612345678"}
    river.brevo.add_contact("owner@example.com", attributes={"SMS": "33612345678"})
    uri = booked(river, "ada")[0]
    invitee = river.calendly.state.invitees[uri]
    river.calendly.state.invitees[uri] = {**invitee, "text_reminder_number": taken["Phone number"]}

    told = report("--since", "2020-01-01")

    assert told["brevo"]["refused"] == {"duplicate_phone_id": 1}
    assert (told["brevo"]["written"], told["brevo"]["waiting"]) == (1, 0)
    assert river.contact("ada@example.com")["attributes"].get("SMS") is None


def test_a_paused_account_keeps_everything_and_says_so(river: River) -> None:
    booked(river, "ada")
    accounts.pause(BrevoAccount.objects.get(), "Brevo doesn't know this machine's address.")

    words = run("--since", "2020-01-01")

    assert "0 contacts written, 1 people wait." in words
    assert "doesn't know this machine's address" in words
    accounts.resume(BrevoAccount.objects.get())
    told = report("--since", "2020-01-01")
    assert told["brevo"]["waiting"] == 0


# -- Stopping and going on --------------------------------------------------------------------------------------------


def interrupting(monkeypatch: pytest.MonkeyPatch, after: int, act: Callable[[], None]) -> None:
    """Let something happen when so many meetings were recorded."""
    real, recorded = Recorder.record, list[int]()

    def record(self: Recorder, *rest: Any, **more: Any) -> bool:
        recorded.append(1)
        if len(recorded) == after + 1:
            act()
        return real(self, *rest, **more)

    monkeypatch.setattr(Recorder, "record", record)


def test_ctrl_c_pauses_and_the_same_command_goes_on(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    booked(river, *(f"p{number}" for number in range(12)))
    with monkeypatch.context() as patched:
        interrupting(patched, 3, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(CommandError, match="same command goes on") as stopped:
            report("--since", "2020-01-01")
    row = Reading.objects.get()
    count = Booking.objects.count()

    told = report("--since", "2020-01-01")

    assert stopped.value.returncode == 130
    assert (row.state, count) == ("paused", 3)
    assert (told["reading"], told["state"], told["new"]) == (row.pk, "finished", 12)
    assert Booking.objects.count() == 12
    asked = [call.path for call in river.sandbox.world.journal.calls("calendly", template="/scheduled_events")]
    assert len(asked) == 1


def test_a_job_whose_process_is_dead_is_taken_over_at_once(river: River) -> None:
    booked(river, "ada")
    row = Reading.objects.create(
        connection=river.connection,
        kind="history",
        since=timezone.now() - 900 * DAY,
        asked_at=timezone.now(),
        is_thorough=False,
    )
    reading.ask(row)
    Job.objects.filter(kind="reading").update(
        state="running", worker=f"{os.uname().nodename}:999999999", lease_until=timezone.now() + DAY, attempts=1
    )

    told = report("--since", f"{row.since.isoformat()}")

    assert (told["reading"], told["state"]) == (row.pk, "finished")


def test_a_lost_token_stops_it_with_words_and_it_goes_on_with_another(river: River, settings: Any) -> None:
    booked(river, "ada", "bob")
    river.calendly.revoke_token("sandbox-calendly-token")

    with pytest.raises(CommandError, match="access token"):
        report("--since", "2020-01-01")
    river.calendly.add_token("another")
    settings.CALENDLY_ACCESS_TOKEN = "another"
    river.connection.refresh_from_db()
    type(river.connection).objects.update(state="connected", state_reason="")
    told = report("--since", "2020-01-01")

    assert (told["state"], told["new"]) == ("finished", 2)


def test_a_changed_role_stops_it_with_words_and_it_goes_on_when_it_is_back(river: River) -> None:
    booked(river, "ada")
    river.calendly.set_role("user")

    with pytest.raises(CommandError, match="role changed"):
        report("--since", "2020-01-01")
    river.calendly.set_role("admin")
    told = report("--since", "2020-01-01")

    assert (told["state"], told["new"]) == ("finished", 1)
