"""Rate limits: groups, windows and headers (reference 6 and 9)."""

import time
from collections.abc import Callable

import pytest

from sandbox.brevo_limits import Limits, group_of
from sandbox.http import Refusal
from tests.sandbox.brevo_api import Answer, Api

EVENT = {"event_name": "booked", "identifiers": {"email_id": "ada@example.com"}}


@pytest.fixture
def limited(api: Api) -> Api:
    """Return a Brevo whose limits are on, with windows long enough for a slow machine."""
    api.brevo.limits.enabled = True
    api.brevo.limits.sizes["contacts"] = (10, 60.0)
    api.brevo.limits.sizes["events"] = (10, 60.0)
    return api


def window(answer: Answer) -> tuple[str, str, str]:
    """Return limit, remaining and reset."""
    return (
        answer.headers["x-sib-ratelimit-limit"],
        answer.headers["x-sib-ratelimit-remaining"],
        answer.headers["x-sib-ratelimit-reset"],
    )


def test_eleventh_call_is_refused_with_the_three_headers(limited: Api) -> None:
    answers = [limited.upsert("ada@example.com") for _ in range(11)]

    assert [answer.status for answer in answers] == [201] + [204] * 9 + [429]
    assert [answer.headers["x-sib-ratelimit-remaining"] for answer in answers] == [*map(str, range(9, -1, -1)), "0"]
    limit, remaining, reset = window(answers[-1])
    assert (limit, remaining) == ("10", "0")
    assert 0 < int(reset) <= 60
    assert "retry-after" not in answers[-1].headers
    assert answers[-1].json["message"]


def test_limits_are_on_unless_switched_off_and_as_published() -> None:
    limits = Limits()

    assert limits.enabled
    assert limits.sizes == {"contacts": (10, 1.0), "events": (10, 1.0), "other": (100, 3600.0)}


def test_refused_call_does_nothing(limited: Api) -> None:
    limited.brevo.limits.sizes["contacts"] = (0, 60.0)

    assert limited.upsert("ada@example.com").status == 429
    assert limited.brevo.contacts() == []


def test_contacts_and_events_have_windows_of_their_own(limited: Api) -> None:
    for _ in range(10):
        limited.upsert("ada@example.com")

    assert limited.upsert("ada@example.com").status == 429
    assert limited.post("/events", EVENT).status == 204
    assert limited.get("/account").status == 200


def test_everything_else_shares_100_per_hour(limited: Api) -> None:
    calls: list[Callable[[], Answer]] = [
        lambda: limited.get("/account"),
        lambda: limited.get("/processes"),
        lambda: limited.get("/events"),
        lambda: limited.post("/events/batch", {"events": [EVENT]}),
    ]

    statuses = [call().status for _ in range(25) for call in calls]

    assert 429 not in statuses
    assert [call().status for call in calls] == [429] * 4
    assert 3500 < int(window(limited.get("/account"))[2]) <= 3600


def test_window_opens_again_on_real_time(limited: Api) -> None:
    limited.brevo.limits.sizes["contacts"] = (1, 0.2)
    first, second = limited.upsert("ada@example.com"), limited.upsert("ada@example.com")
    limited.server.world.clock.advance(3600)
    still = limited.upsert("ada@example.com")
    time.sleep(0.25)

    assert [answer.status for answer in (first, second, still)] == [201, 429, 429]
    assert window(second)[2] == "1"
    assert limited.upsert("ada@example.com").status == 204


def test_reset_can_be_told_in_milliseconds(limited: Api) -> None:
    limited.brevo.limits.reset_in_milliseconds = True

    assert int(window(limited.upsert("ada@example.com"))[2]) > 1000


def test_switched_off_limits_leave_no_headers(api: Api) -> None:
    answers = [api.upsert("ada@example.com") for _ in range(12)]

    assert 429 not in [answer.status for answer in answers]
    assert "x-sib-ratelimit-limit" not in answers[-1].headers


@pytest.mark.parametrize(
    ("method", "template", "group"),
    [
        ("POST", "/contacts", "contacts"), ("GET", "/contacts/attributes", "contacts"),
        ("POST", "/contacts/import", "contacts"), ("GET", "/contacts/lists", "contacts"), ("POST", "/events", "events"),
        ("GET", "/events", "other"), ("POST", "/events/batch", "other"), ("GET", "/processes/{number}", "other"),
        ("GET", "/account", "other"), ("POST", "/crm/tasks", "other"), ("GET", "/webhooks", "other"),
        ("GET", "", "other"),
    ],
)  # fmt: skip
def test_groups_follow_the_cautious_reading(method: str, template: str, group: str) -> None:
    assert group_of(method, template) == group


def test_full_window_lets_nobody_in_until_it_ends() -> None:
    now = [100.0]
    limits = Limits(lambda: now[0])
    for _ in range(10):
        limits.take("POST", "/contacts")

    now[0] = 100.9
    with pytest.raises(Refusal):
        limits.take("POST", "/contacts")
    now[0] = 101.0
    limits.take("POST", "/contacts")
    assert limits.headers("POST", "/contacts") == {
        "x-sib-ratelimit-limit": "10", "x-sib-ratelimit-remaining": "9", "x-sib-ratelimit-reset": "1"
    }  # fmt: skip
