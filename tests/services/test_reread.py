"""Reading again after a gap: what was missed is taken in, nothing is doubled, and nothing stops it for good."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.models import Booking, Connection, Job, Notice, PendingMeeting, Reading, SyncLogEntry
from calendly_connector.services import queue, reading, reread, setup
from calendly_connector.services.queue import Later
from calendly_connector.services.recording import Recorder
from sandbox.calendly_world import INES
from tests.journeys.river import River

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation that is connected and subscribed; its deliveries are held."""
    installation.connect()
    return installation


def _since(hours: float = 1) -> Any:
    return timezone.now() - hours * HOUR


def _events(kind: str = "event") -> list[str]:
    return list(SyncLogEntry.objects.filter(kind=kind).order_by("pk").values_list("happening", flat=True))


def _lose_mail(river: River) -> None:
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)


def _read(river: River, hours: float = 1) -> Reading:
    reread.reread(river.connection, _since(hours))
    river.work()
    return Reading.objects.latest("asked_at")


def _make_older(river: River, uri: str, age: timedelta) -> None:
    """Let a booking and its meeting at Calendly be unchanged since long ago."""
    at = (timezone.now() - age).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    invitee = river.calendly.state.invitees[uri]
    river.calendly.state.invitees[uri] = {**invitee, "created_at": at, "updated_at": at}
    meeting = river.calendly.state.events[invitee["event"]]
    river.calendly.state.replace_event({**meeting, "created_at": at, "updated_at": at})


def test_what_was_missed_is_taken_in_loudly(river: River) -> None:
    kept = river.calendly.book(email="ada@example.com")
    canceled = river.calendly.cancel(river.calendly.book(email="bob@example.com"))
    moved = river.calendly.book(email="cleo@example.com")
    new = river.calendly.move(moved)
    _lose_mail(river)

    row = _read(river)

    assert dict(Booking.objects.values_list("uri", "status")) == {
        kept: "booked",
        canceled: "canceled",
        moved: "rescheduled",
        new: "booked",
    }
    assert sorted(_events()) == ["booked", "canceled", "rescheduled"]
    assert (row.news, row.invitees) == (4, 4)
    assert "4 of them were news" in row.words
    assert Connection.objects.get().reread_since is None
    assert not Job.objects.filter(kind="reading").exists()


def test_reading_again_and_again_changes_and_sends_nothing(river: River) -> None:
    river.calendly.book(email="ada@example.com")
    river.calendly.cancel(river.calendly.book(email="bob@example.com"))
    river.flow()
    before = list(SyncLogEntry.objects.order_by("pk").values())

    rows = [_read(river) for _ in range(2)]

    assert [row.news for row in rows] == [0, 0]
    assert list(SyncLogEntry.objects.order_by("pk").values()) == before


def test_a_change_of_a_known_booking_is_found(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com")
    river.flow()
    river.calendly.cancel(uri)
    _lose_mail(river)

    _read(river)

    assert Booking.objects.get().status == "canceled"
    assert river.event_names("ada@example.com") == ["booked", "canceled"]


def test_a_no_show_mark_is_found_although_the_meeting_is_unchanged(river: River) -> None:
    start = (timezone.now() - 10 * DAY).replace(microsecond=0)
    uri = river.calendly.book(email="ada@example.com", start_time=start)
    river.flow()
    _make_older(river, uri, 20 * DAY)
    river.calendly.mark_no_show(uri)
    _lose_mail(river)

    _read(river)

    assert Booking.objects.get().status == "no_show"


def test_history_is_left_to_the_backfill(river: River) -> None:
    start = (timezone.now() - 3 * DAY).replace(microsecond=0)
    uri = river.calendly.book(email="ada@example.com", start_time=start)
    _lose_mail(river)
    _make_older(river, uri, 9 * DAY)

    row = _read(river)

    assert row.invitees == 1
    assert not Booking.objects.exists()
    assert _events() == []


def test_unchanged_meetings_to_come_cost_no_call(river: River) -> None:
    for number in range(5):
        uri = river.calendly.book(email=f"p{number}@example.com")
        _make_older(river, uri, 9 * DAY)
    _lose_mail(river)

    row = _read(river)

    assert (row.meetings, row.invitees) == (5, 0)


# -- What comes between ---------------------------------------------------------------------------------------------


def test_a_killed_worker_goes_on_where_it_was(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        river.calendly.book(email=f"p{number}@example.com")
    _lose_mail(river)
    row = reread.reread(river.connection, _since())
    real, recorded = Recorder.record, list[PendingMeeting]()

    def record(self: Recorder, noted: PendingMeeting, *rest: Any, **more: Any) -> bool:
        if len(recorded) == 4:
            recorded.append(noted)
            raise KeyboardInterrupt  # as sudden as a kill
        recorded.append(noted)
        return real(self, noted, *rest, **more)

    monkeypatch.setattr(Recorder, "record", record)
    with pytest.raises(KeyboardInterrupt):
        reading.advance(row.pk, lambda: None)
    done = {noted.uri for noted in recorded[:4]}
    river.sandbox.world.journal.clear()
    reading.advance(row.pk, lambda: None)

    asked = {call.path for call in river.sandbox.world.journal.calls("calendly")}
    assert Booking.objects.count() == 20
    assert len(asked) == 16  # no page and no meeting that was finished is asked for again
    assert not any(uri.rsplit("/", 1)[-1] in path for uri in done for path in asked)
    assert Reading.objects.get().finished_at


def test_a_full_minute_waits_as_long_as_calendly_says(river: River) -> None:
    for number in range(4):
        river.calendly.book(email=f"p{number}@example.com")
    _lose_mail(river)
    river.break_calendly(
        "status", "/scheduled_events/{uuid}/invitees", status=429, headers={"X-RateLimit-Reset": "42"}, skip=2
    )
    reread.reread(river.connection, _since())

    with pytest.raises(Later) as later:
        reading.advance(Reading.objects.get().pk, lambda: None)
    assert (later.value.seconds, later.value.is_failure) == (42, False)
    assert "rate limit" in Reading.objects.get().words
    reading.advance(Reading.objects.get().pk, lambda: None)

    assert Booking.objects.count() == 4


@pytest.mark.parametrize(("said", "waited"), [({"X-RateLimit-Reset": "99999"}, 300.0), ({}, 60.0)])
def test_a_wait_is_bounded(river: River, said: dict[str, str], waited: float) -> None:
    river.break_calendly("status", "/scheduled_events", status=429, headers=said)
    reread.reread(river.connection, _since())

    with pytest.raises(Later) as later:
        reading.advance(Reading.objects.get().pk, lambda: None)

    assert later.value.seconds == waited


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_an_outage_of_calendlys_only_delays(river: River, kind: Any) -> None:
    river.calendly.book(email="ada@example.com")
    _lose_mail(river)
    river.break_calendly(kind, "/scheduled_events")
    reread.reread(river.connection, _since())

    river.work()
    assert "tried again" in Reading.objects.get().words
    river.hurry()
    river.work()

    assert Booking.objects.count() == 1


def test_a_meeting_that_vanishes_meanwhile_is_skipped(river: River) -> None:
    for number in range(3):
        river.calendly.book(email=f"p{number}@example.com")
    _lose_mail(river)
    river.break_calendly("status", "/scheduled_events/{uuid}/invitees", status=404, body={"title": "Not Found"})

    row = _read(river)

    assert Booking.objects.count() == 2
    assert row.finished_at


def test_a_booking_that_can_not_be_read_is_skipped(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com")
    river.calendly.book(email="bob@example.com")
    _lose_mail(river)
    river.calendly.state.invitees[uri] = {**river.calendly.state.invitees[uri], "email": None}

    row = _read(river)

    assert Booking.objects.get().person.email == "bob@example.com"
    assert (row.invitees, row.news) == (2, 1)


def test_a_changed_role_stops_it_with_words_until_the_access_is_back(river: River, settings: Settings) -> None:
    settings.NOTICE_EMAILS = ["staff@example.com"]
    river.calendly.book(email="ada@example.com")
    _lose_mail(river)
    river.calendly.set_role("user")

    row = _read(river)
    reading.go_on_all(river.connection)
    river.work()

    assert row.finished_at is None
    assert "role changed" in row.words
    assert not Job.objects.exists()
    assert [message.subject for message in mail.outbox] == [
        "[Calendly → Brevo] Calendly → Brevo: bookings can't be read again"
    ]

    river.calendly.set_role("admin")
    reading.go_on_all(river.connection)
    river.work()

    assert Booking.objects.count() == 1
    assert not Notice.objects.filter(is_open=True).exists()
    assert len(mail.outbox) == 2


def test_a_missing_scope_is_named(river: River, settings: Settings) -> None:
    river.calendly.add_token("narrow", scopes="users:read")
    settings.CALENDLY_ACCESS_TOKEN = "narrow"

    row = _read(river)

    assert "lacks the scope scheduled_events:read" in row.words


def test_a_plain_member_reads_their_own(river: River, settings: Settings) -> None:
    river.calendly.add_token("member", user=INES)
    settings.CALENDLY_ACCESS_TOKEN = "member"
    Connection.objects.update(organization="", user="", scope="user")
    setup.check(Connection.objects.get())
    river.calendly.book(email="ada@example.com")
    _lose_mail(river)

    row = _read(river)

    assert row.finished_at
    assert row.meetings == 0


def test_a_reading_whose_tries_are_used_up_keeps_its_words(river: River) -> None:
    reread.reread(river.connection, _since())

    reading.give_up(Reading.objects.get().pk, "Calendly is down.")

    assert "Calendly is down." in Reading.objects.get().words
    assert Reading.objects.get().finished_at is None


# -- Asking -----------------------------------------------------------------------------------------------------------


def test_a_second_wish_widens_the_open_reading_and_begins_it_anew(river: River) -> None:
    later, earlier = _since(1), _since(9)
    reread.reread(river.connection, later, later + DAY)
    Reading.objects.update(listed_to=timezone.now())

    reread.reread(river.connection, earlier)
    row = reread.reread(river.connection, later)

    assert (row.since, row.until, row.listed_to) == (earlier, None, None)
    assert Reading.objects.count() == Job.objects.filter(kind="reading").count() == 1
    assert Connection.objects.get().reread_since == earlier


def test_a_wish_while_it_runs_begins_it_anew(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = river.calendly.book(email="ada@example.com")
    _lose_mail(river)
    _make_older(river, uri, 3 * HOUR)
    reread.reread(river.connection, _since(1))
    real = CalendlyClient.get_scheduled_events

    def listing(self: CalendlyClient, *place: Any, **options: Any) -> Any:
        if Reading.objects.get().since > _since(8):
            reread.reread(river.connection, _since(9))
        return real(self, *place, **options)

    monkeypatch.setattr(CalendlyClient, "get_scheduled_events", listing)
    river.work()

    assert Booking.objects.count() == 1
    assert Reading.objects.get().finished_at
    assert not Job.objects.exists()


def test_without_an_open_reading_nothing_is_done(river: River) -> None:
    reading.go_on_all(river.connection)
    reading.advance(0, lambda: None)

    assert not Job.objects.exists()


def test_a_lost_lease_stops_it_at_once(river: River) -> None:
    river.calendly.book(email="ada@example.com")
    _lose_mail(river)
    reread.reread(river.connection, _since())

    def lose() -> None:
        raise queue.LeaseLost

    with pytest.raises(queue.LeaseLost):
        reading.advance(Reading.objects.get().pk, lose)

    assert not Booking.objects.exists()
