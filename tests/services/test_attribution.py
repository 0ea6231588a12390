"""Where bookings come from: counted by hand beside the statements."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendly_connector.core.booking import Host, Tracking
from calendly_connector.models import Booking, Connection, EventType
from calendly_connector.models import booking as models_booking
from calendly_connector.services import attribution
from calendly_connector.services.attribution import By, Counts, Question, Touch
from tests import plans
from tests.admin.rows import make_booking_row, make_connection
from tests.factories import DEMO, DISCOVERY_CALL, invitee_uri, make_meeting

DAY = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
PARIS, AUCKLAND = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Auckland")


@pytest.fixture(autouse=True)
def _no_other_connection(db: None) -> None:
    Connection.objects.all().delete()


@pytest.fixture
def main(db: None) -> Connection:
    return make_connection()


def ask(**details: Any) -> Question:
    return Question(**{"first": FIRST, "last": LAST, "zone": PARIS, **details})


def came(source: str = "", medium: str = "", campaign: str = "") -> Tracking:
    return Tracking(utm_source=source, utm_medium=medium, utm_campaign=campaign)


def book(connection: Connection, name: str, at: datetime = DAY, *, in_days: float = -3, **changes: Any) -> Booking:
    """Return a booking made at a moment, whose meeting is so many days from now; three days ago by default."""
    start_at = timezone.now() + timedelta(days=in_days)
    changes.setdefault("meeting", make_meeting(start_at=start_at, end_at=start_at + timedelta(minutes=30)))
    return make_booking_row(connection, name, created_at=at, updated_at=at, **changes)


def counts(question: Question) -> dict[str, Counts]:
    return {group.name: group.counts for group in attribution.report(question).groups}


def test_each_booking_is_in_one_column(main: Connection) -> None:
    book(main, "a", tracking=came("news"), attended_at=DAY)
    book(main, "b", tracking=came("news"), no_show_uri="https://mark")
    book(main, "c", tracking=came("news"), is_canceled=True)
    book(main, "d", tracking=came("news"), in_days=3)
    book(main, "e", tracking=came("news"))
    book(main, "f", tracking=came("ads"), attended_at=DAY)

    found = attribution.report(ask())

    assert [group.name for group in found.groups] == ["news", "ads"]
    assert found.groups[0].counts == Counts(bookings=5, upcoming=1, open=1, attended=1, no_shows=1, canceled=1)
    assert found.total == Counts(bookings=6, upcoming=1, open=1, attended=2, no_shows=1, canceled=1)
    assert (found.groups[0].counts.attendance, found.groups[0].counts.cancellation) == (0.5, 0.2)
    assert (Counts().attendance, Counts().cancellation) == (None, None)


def test_a_chain_of_moves_is_one_booking_of_its_first_day_and_source_with_its_last_outcome(main: Connection) -> None:
    one, two, three = (invitee_uri(f"nadia-{n}") for n in (1, 2, 3))
    book(main, "nadia-1", DAY, tracking=came("news", "mail", "autumn"), successor=two)
    book(main, "nadia-2", DAY + timedelta(days=9), old_invitee=one, successor=three, moves=1)
    book(main, "nadia-3", DAY + timedelta(days=40), old_invitee=two, moves=2, attended_at=DAY)

    moved = Counts(bookings=1, attended=1, moves=2)
    assert [counts(ask(by=by)) for by in (By.SOURCE, By.MEDIUM, By.CAMPAIGN)] == [
        {"news": moved},
        {"mail": moved},
        {"autumn": moved},
    ]
    assert counts(ask(first=date(2026, 12, 1), last=date(2026, 12, 31))) == {}
    assert sum(bar.bookings for bar in attribution.bars(ask())) == 1


def test_a_new_half_with_a_source_of_its_own_counts_by_all_of_its_own(main: Connection) -> None:
    book(main, "nadia-1", tracking=came("news", "mail"), successor=invitee_uri("nadia-2"))
    book(main, "nadia-2", tracking=came("ads"), old_invitee=invitee_uri("nadia-1"), moves=1, in_days=2)

    assert counts(ask()) == {"ads": Counts(bookings=1, upcoming=1, moves=1)}
    assert counts(ask(by=By.MEDIUM)) == {"": Counts(bookings=1, upcoming=1, moves=1)}


def test_halves_whose_other_half_is_unknown_count_once(main: Connection) -> None:
    book(main, "a", tracking=came("news"), successor=invitee_uri("never-seen"))
    book(main, "b", tracking=came("ads"), old_invitee=invitee_uri("never-seen-either"), moves=1, in_days=2)

    assert counts(ask()) == {
        "ads": Counts(bookings=1, upcoming=1, moves=1),
        "news": Counts(bookings=1, open=1, moves=1),
    }
    assert sum(bar.bookings for bar in attribution.bars(ask())) == 2


def test_a_ring_of_moves_ends(main: Connection) -> None:
    book(main, "head", successor=invitee_uri("a"))
    book(main, "a", old_invitee=invitee_uri("b"), successor=invitee_uri("b"))
    book(main, "b", old_invitee=invitee_uri("a"), successor=invitee_uri("a"))

    assert attribution.report(ask()).total.bookings == 1


def test_touches_are_the_persons_first_and_newest_of_any_time(main: Connection) -> None:
    book(main, "nadia-1", DAY - timedelta(days=90), tracking=came("first"), attended_at=DAY)
    book(main, "nadia-2", DAY, attended_at=DAY)
    book(main, "nadia-3", DAY + timedelta(days=1), tracking=came("second", "mail"), attended_at=DAY)
    book(main, "nadia-4", DAY + timedelta(days=60), tracking=came("last"), attended_at=DAY)
    book(main, "tom", DAY, attended_at=DAY)

    def found(touch: Touch, by: By = By.SOURCE) -> dict[str, int]:
        return {name: each.bookings for name, each in counts(ask(touch=touch, by=by)).items()}

    assert found(Touch.BOOKING) == {"": 2, "second": 1}
    assert found(Touch.FIRST) == {"first": 2, "": 1}
    assert found(Touch.LAST) == {"last": 2, "": 1}
    assert found(Touch.FIRST, By.MEDIUM) == {"": 3}
    assert found(Touch.LAST, By.HOST) == {"camille@example.fr": 3}


def test_days_begin_in_the_readers_zone(main: Connection) -> None:
    at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # in Paris, and in Auckland, it is December
    book(main, "late", at)
    book(main, "early", datetime(2026, 10, 31, 12, 0, tzinfo=UTC))  # in Auckland, it is November

    assert attribution.report(ask(zone=UTC)).total.bookings == 1
    assert attribution.report(ask()).total.bookings == 0
    assert [bar.day for bar in attribution.bars(ask(zone=AUCKLAND)) if bar.bookings] == [date(2026, 11, 1)]
    assert [bar.day for bar in attribution.bars(ask(zone=UTC)) if bar.bookings] == [date(2026, 11, 30)]


def test_a_day_on_which_the_clock_goes_back_has_twenty_five_hours(main: Connection) -> None:
    sunday = date(2026, 10, 25)
    book(main, "a", datetime(2026, 10, 24, 22, 0, tzinfo=UTC))
    book(main, "b", datetime(2026, 10, 25, 22, 59, tzinfo=UTC))
    book(main, "c", datetime(2026, 10, 25, 23, 0, tzinfo=UTC))

    assert attribution.report(ask(first=sunday, last=sunday)).total.bookings == 2
    assert [bar.bookings for bar in attribution.bars(ask(first=sunday, last=sunday))] == [2]


def test_a_connection_can_be_asked_about_alone(main: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    book(main, "a")
    book(other, "b")

    assert attribution.report(ask()).total.bookings == 2
    assert attribution.report(ask(connection=other.pk)).total.bookings == 1
    assert attribution.report(ask(connection=other.pk + 999)).total.bookings == 0
    assert sum(bar.bookings for bar in attribution.bars(ask(connection=other.pk))) == 1


def test_event_types_have_their_names_and_those_called_alike_their_owners(main: Connection) -> None:
    rows = ((DISCOVERY_CALL, "Call", "Camille"), (DEMO, "Call", "Bo"))
    for uri, name, owner in rows:
        EventType.objects.create(connection=main, uri=uri, name=name, owner=owner, read_at=timezone.now())
    book(main, "a", meeting=make_meeting(event_type=DISCOVERY_CALL))
    book(main, "b", meeting=make_meeting(event_type=DEMO))
    book(main, "c", meeting=make_meeting(event_type="https://gone"))
    book(main, "d", meeting=make_meeting(hosts=(Host(uri="1", name="Bo"),)))

    assert sorted(counts(ask(by=By.EVENT_TYPE))) == ["Call (Bo)", "Call (Camille)", "https://gone"]
    assert sorted(counts(ask(by=By.HOST))) == ["Bo", "camille@example.fr"]


def test_small_groups_are_summed_up(main: Connection) -> None:
    for number in range(5):
        book(main, f"p{number}", tracking=came(f"source{min(number, 3)}"), attended_at=DAY)

    found = attribution.report(ask(), top=2)

    assert [(group.name, group.counts.bookings) for group in found.groups] == [("source3", 2), ("source0", 1)]
    assert (found.other_groups, found.others) == (2, Counts(bookings=2, attended=2))
    assert len(attribution.report(ask(), top=None).groups) == 4


def test_nothing_is_nothing() -> None:
    found = attribution.report(ask())

    assert (list(found.groups), found.other_groups, found.total) == ([], 0, Counts())
    assert {bar.bookings for bar in attribution.bars(ask())} == {0}


@pytest.mark.parametrize(
    ("last", "count", "second"),
    [
        (date(2026, 11, 1), 1, None),
        (date(2027, 1, 31), 92, date(2026, 11, 2)),
        (date(2027, 2, 1), 14, date(2026, 11, 8)),
        (date(2036, 10, 31), 87, date(2026, 12, 13)),
    ],
)
def test_long_periods_have_bars_of_weeks(main: Connection, last: date, count: int, second: date | None) -> None:
    found = attribution.bars(ask(last=last))

    assert len(found) == count
    assert second is None or found[1].day == second


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("touch", Touch)
def test_what_was_never_moved_is_counted_from_an_index_alone(main: Connection, by: By, touch: Touch) -> None:
    book(main, "a", tracking=came("x"))

    with plans.heard() as said:
        attribution.report(ask(by=by, touch=touch))
    with plans.pretended():
        lines, whole = plans.plan(*said[0]), plans.whole_tables(*said[0])

    wanted = "booking_by_type" if by in (By.EVENT_TYPE, By.HOST) else "booking_by_source"
    words = {"sqlite": "USING COVERING INDEX", "postgresql": "Index Only Scan using"}[database.vendor]
    assert any(f"{words} {wanted}" in line for line in lines), "\n".join(lines)
    is_touched = touch is not Touch.BOOKING and wanted == "booking_by_source"
    assert any("booking_touch" in line for line in lines) is is_touched, lines
    assert whole == []


def test_bars_are_counted_from_indexes(main: Connection) -> None:
    book(main, "a")

    with plans.heard() as said:
        attribution.bars(ask())

    with plans.pretended():
        assert [plans.whole_tables(*each) for each in said] == [[]]


def test_no_more_than_the_newest_million_is_counted(main: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_connection("Other", is_environment=False)
    for number in range(6):
        book((main, other)[number % 2], f"p{number}", datetime(2026, 11, 10 + number, 12, tzinfo=UTC))
    assert attribution.bounded(ask()) == ask()

    monkeypatch.setattr(attribution, "MOST", 2)
    found = attribution.bounded(ask())

    assert (found.first, found.last) == (date(2026, 11, 14), LAST)
    assert attribution.report(found).total.bookings == 2
    assert attribution.bounded(ask(last=date(2026, 11, 11))) == ask(last=date(2026, 11, 11))
    assert attribution.bounded(ask(connection=other.pk + 999)) == ask(connection=other.pk + 999)


def test_words_of_any_length_are_recorded_and_counted(main: Connection) -> None:
    words = "".join(chr(0x1F300 + (number * 7919) % 700) for number in range(5000))
    book(
        main, "a", tracking=came(words, words[1:], words[2:]), meeting=make_meeting(hosts=(Host(uri="1", name=words),))
    )

    assert list(counts(ask())) == [words[: models_booking.MOST_WORDS]]
    assert list(counts(ask(by=By.HOST))) == [words[:320]]


def test_the_number_of_queries_is_fixed(main: Connection) -> None:
    book(main, "a", tracking=came("x"))

    def queries() -> int:
        with CaptureQueriesContext(database) as seen:
            attribution.report(ask(by=By.EVENT_TYPE))
            attribution.bars(ask())
        return len(seen)

    few = queries()
    for number in range(30):
        book(main, f"p{number}", tracking=came(f"s{number}"))

    assert queries() == few <= 9  # on PostgreSQL three of them are a transaction
