"""A generated past: as much as was asked for, always the same, and as real as bookings made one by one."""

from collections import Counter
from typing import Any

import pytest

from sandbox import generate
from sandbox.app import Sandbox
from sandbox.calendly_values import is_phone, moment
from sandbox.calendly_world import CAMILLE, ORGANIZATION
from tests.sandbox.calendly_api import Api, Json

WISH = {"events": 150, "invitees": 190, "days_back": 100, "days_ahead": 20, "seed": 4, "around": "2026-11-20T10:00:00Z"}
AROUND = moment("2026-11-20T10:00:00Z")
DAY = 86_400


def generate_in(api: Api, **changes: Any) -> Json:
    answer = api.call("POST", "/sandbox/calendly/generate", {**WISH, **changes})
    assert answer.status == 200, answer.raw
    counts: Json = answer.body
    return counts


def listed(api: Api, path: str = "/scheduled_events", **query: Any) -> list[Json]:
    """Return all rows of a listing, page by page."""
    rows: list[Json] = []
    token: Json = {}
    while True:
        page = api.get(path, count=100, **query, **token)
        rows += page.rows
        if not (following := page.body["pagination"]["next_page_token"]):
            return rows
        token = {"page_token": following}


def everything(api: Api) -> tuple[list[Json], list[Json]]:
    """Return all meetings and all invitees as the API shows them."""
    meetings = listed(api, organization=ORGANIZATION)
    paths = [meeting["uri"].removeprefix("https://api.calendly.com") for meeting in meetings]
    return meetings, [row for path in paths for row in listed(api, f"{path}/invitees")]


@pytest.fixture
def past(calendly: Api) -> tuple[list[Json], list[Json]]:
    calendly.calendly.settings.rate_limits = False
    generate_in(calendly)
    return everything(calendly)


def test_there_is_as_much_as_was_asked_for(calendly: Api) -> None:
    calendly.calendly.settings.rate_limits = False

    counts = generate_in(calendly)

    meetings, invitees = everything(calendly)
    assert (counts["events"], counts["invitees"]) == (len(meetings), len(invitees)) == (150, 190)
    assert counts["people"] == len({row["email"].lower() for row in invitees})
    shown = Counter(
        "rescheduled" if row["rescheduled"] else "no_show" if row["no_show"] else row["status"] for row in invitees
    )
    assert counts["statuses"] == shown
    assert set(shown) == {"active", "canceled", "rescheduled", "no_show"}


def test_meetings_spread_over_the_days_asked_for_in_order(past: tuple[list[Json], list[Json]]) -> None:
    starts = [meeting["start_time"] for meeting in past[0]]

    assert starts == sorted(starts)
    assert AROUND - 100 * DAY <= moment(starts[0]) < AROUND - 90 * DAY
    assert AROUND + 15 * DAY < moment(starts[-1]) <= AROUND + 20 * DAY + 1800
    assert len({start[:7] for start in starts}) >= 4


def test_all_happened_in_the_past_and_in_order(past: tuple[list[Json], list[Json]]) -> None:
    meetings = {meeting["uri"]: meeting for meeting in past[0]}
    for row in past[1]:
        meeting = meetings[row["event"]]
        assert meeting["created_at"] <= row["created_at"] <= row["updated_at"]
        assert moment(row["updated_at"]) < AROUND
        assert row["created_at"] <= meeting["start_time"]
        if row["no_show"]:
            assert row["no_show"]["created_at"] >= meeting["end_time"]
        if row["status"] == "canceled":
            assert row["cancellation"]["created_at"] == row["updated_at"] <= meeting["start_time"]


def test_meetings_count_their_invitees_and_end_with_the_last(past: tuple[list[Json], list[Json]]) -> None:
    invitees = Counter(row["event"] for row in past[1])
    active = Counter(row["event"] for row in past[1] if row["status"] == "active")

    for meeting in past[0]:
        counter = meeting["invitees_counter"]
        assert (counter["total"], counter["active"]) == (invitees[meeting["uri"]], active[meeting["uri"]])
        assert counter["total"] <= counter["limit"]
        assert (meeting["status"] == "canceled") == (counter["active"] == 0) == ("cancellation" in meeting)


def test_moves_link_both_halves(past: tuple[list[Json], list[Json]]) -> None:
    known = {row["uri"]: row for row in past[1]}
    old_halves = [row for row in past[1] if row["rescheduled"]]

    assert old_halves
    for old in old_halves:
        new = known[old["new_invitee"]]
        assert new["old_invitee"] == old["uri"]
        assert (new["email"], new["created_at"]) == (old["email"], old["updated_at"])
    assert len([row for row in past[1] if row["old_invitee"]]) == len(old_halves)


def test_people_come_again_and_phones_are_theirs_alone(past: tuple[list[Json], list[Json]]) -> None:
    phones: dict[str, set[str]] = {}
    wrong = 0
    for row in past[1]:
        for answer in row["questions_and_answers"]:
            if answer["question"] == "Mobile number":
                wrong += not is_phone(answer["answer"])
                phones.setdefault(answer["answer"], set()).add(row["email"].lower())
    times = Counter(row["email"].lower() for row in past[1])

    assert max(times.values()) > 2
    assert wrong > 0
    assert all(len(whose) == 1 for phone, whose in phones.items() if is_phone(phone))
    assert any(row["email"] != row["email"].lower() for row in past[1])


def test_the_same_seed_makes_the_same_past_in_another_sandbox(calendly: Api, past: Json) -> None:
    with Sandbox() as other:
        generate.generate(other.calendly, dict(WISH))

        assert dict(other.calendly.state.events) == dict(calendly.calendly.state.events)
        assert dict(other.calendly.state.invitees) == dict(calendly.calendly.state.invitees)
        assert other.calendly.state.no_shows == calendly.calendly.state.no_shows


def test_another_seed_adds_another_past_and_the_same_one_is_refused(calendly: Api) -> None:
    generate_in(calendly)

    assert calendly.call("POST", "/sandbox/calendly/generate", WISH).status == 400
    generate_in(calendly, seed=5)
    assert calendly.call("GET", "/sandbox/calendly/state").body["counts"] == {"events": 300, "invitees": 380}


@pytest.mark.parametrize(
    "changes",
    [{"events": 0}, {"invitees": 149}, {"invitees": 1501}, {"days_back": -20}, {"wish": 1}, {"around": "now"}],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(calendly: Api, changes: Json) -> None:
    answer = calendly.call("POST", "/sandbox/calendly/generate", {**WISH, **changes})

    assert answer.status == 400
    assert len(calendly.calendly.state.events) == 0


def test_full_groups_hold_ten(calendly: Api) -> None:
    counts = generate_in(calendly, events=20, invitees=200)

    assert counts["invitees"] == 200
    assert {event["invitees_counter"]["total"] for event in calendly.calendly.state.events.values()} == {10}


def test_a_generated_booking_lives_on_like_any_other(calendly: Api) -> None:
    generate_in(calendly)
    state = calendly.calendly.state
    uri = next(uri for uri, row in state.invitees.items() if row["status"] == "active" and not row["no_show"])
    host = state.events[state.invitees[uri]["event"]]["event_memberships"][0]["user"]

    new = calendly.calendly.move(uri, "2031-03-04T09:00:00Z")
    calendly.calendly.cancel(new)

    assert state.invitees[uri]["new_invitee"] == new
    assert state.events[state.invitees[new]["event"]]["status"] == "canceled"
    assert listed(calendly, organization=ORGANIZATION, user=host)[-1]["start_time"] == "2031-03-04T09:00:00.000000Z"


def test_a_generated_past_survives_a_restart(calendly: Api) -> None:
    generate_in(calendly)
    calendly.calendly.book(email="ada@example.com")
    kept = calendly.sandbox.snapshot()
    before = dict(calendly.calendly.state.invitees)

    calendly.sandbox.reset()
    calendly.sandbox.restore(kept)

    assert dict(calendly.calendly.state.invitees) == before
    assert calendly.calendly.state.invitees.newest(1)[0]["email"] == "ada@example.com"


@pytest.mark.parametrize(("back", "ahead"), [(100, -10), (-10, 100)])
def test_a_past_or_a_future_alone(calendly: Api, back: int, ahead: int) -> None:
    generate_in(calendly, days_back=back, days_ahead=ahead)

    starts = [moment(event["start_time"]) for event in calendly.calendly.state.events.values()]
    assert AROUND - back * DAY <= min(starts)
    assert max(starts) <= AROUND + ahead * DAY + 1800
    assert all(moment(row["updated_at"]) < AROUND for row in calendly.calendly.state.invitees.values())


def test_it_sends_no_webhook(calendly: Api) -> None:
    calendly.calendly.deliveries.mode = "hold"
    calendly.subscribe("http://127.0.0.1:1/hook")

    generate_in(calendly)

    assert calendly.calendly.deliveries.pending() == []


def test_hosts_see_their_own_part(calendly: Api) -> None:
    calendly.calendly.settings.rate_limits = False
    generate_in(calendly)

    mine = listed(calendly, user=CAMILLE)

    assert 0 < len(mine) < 150
    assert {meeting["event_memberships"][0]["user"] for meeting in mine} == {CAMILLE}
