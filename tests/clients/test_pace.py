"""The pace of Calendly's calls, by what its answers say of the limit."""

import pytest

from calendly_connector.clients.pace import Pace


def pace_after(*, remaining: str, reset: str) -> Pace:
    pace = Pace(clock=lambda: 1000.0)
    pace.observe({"x-ratelimit-limit": "500", "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset})
    return pace


def test_a_limit_that_is_used_up_is_waited_for() -> None:
    assert pace_after(remaining="0", reset="42").wait() == 42.0


@pytest.mark.parametrize("reset", ["1795339230", "1795339230000"])
def test_a_reset_that_can_be_no_span_stops_the_work_for_minutes_only(reset: str) -> None:
    assert pace_after(remaining="0", reset=reset).wait() == 120.0


@pytest.mark.parametrize("reset", ["", "soon", "1.5e3", "nan"])
def test_a_reset_that_is_no_number_says_nothing(reset: str) -> None:
    assert pace_after(remaining="0", reset=reset).wait() == 0.0
