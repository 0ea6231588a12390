"""Differences as lines: what can be fixed, what is respected, and when two looks found the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from calendly_connector.core import drift, merge
from calendly_connector.core.difference import AttributeLine, Comparison, ListLine, Verdict
from tests.factories import END_AT, START_AT, make_booking, make_entry, make_meeting

LATER = timedelta(hours=1)


def attribute(verdict: Verdict = Verdict.DIFFERENT, **changes: Any) -> AttributeLine:
    return replace(AttributeLine(name="COMPANY", wanted="Benali", found="Other", verdict=verdict), **changes)


def on_list(verdict: Verdict = Verdict.DIFFERENT, wanted: str = "join", *, is_member: bool = False) -> ListLine:
    return ListLine(number=7, wanted=wanted, is_member=is_member, verdict=verdict)


def compared(*attributes: AttributeLine, lists: tuple[ListLine, ...] = (), contact_id: int = 1) -> Comparison:
    return Comparison(is_wanted=True, contact_id=contact_id, attributes=attributes, lists=lists)


@pytest.mark.parametrize(
    ("found", "options", "kinds", "is_fixable"),
    [
        (compared(), {}, [], False),
        (compared(attribute(Verdict.SAME)), {}, [], False),
        (compared(attribute()), {}, ["attribute"], True),
        (compared(attribute(Verdict.LEFT_ALONE)), {}, ["kept"], False),
        (compared(lists=(on_list(),)), {}, ["list"], True),
        (compared(lists=(on_list(Verdict.AWAITED, "ask"),)), {}, [], False),
        (compared(lists=(on_list(Verdict.LEFT_ALONE),)), {}, ["list_changed"], False),
        (compared(lists=(on_list(Verdict.LEFT_ALONE),)), {"unsubscribed": [7]}, ["unsubscribed"], False),
        (compared(lists=(on_list(Verdict.DIFFERENT, "leave", is_member=True),)), {"opt_out": "blocked"},
         ["list", "opted_out"], True),
        (compared(attribute(), lists=(on_list(),)), {"unsubscribed": [7]}, ["attribute", "unsubscribed"], False),
        (compared(attribute(), lists=(on_list(wanted="ask"),)), {"opt_out": "bounced"},
         ["attribute", "opted_out", "unsubscribed"], False),
        (compared(attribute()), {"opt_out": "blocked"}, ["attribute", "opted_out"], True),
        (compared(contact_id=0), {}, ["missing"], True),
        (compared(attribute(), contact_id=0), {"was_written": True}, ["deleted"], False),
        (Comparison(is_wanted=False), {"was_written": True, "opt_out": "blocked"}, [], False),
    ],
)  # fmt: skip
def test_each_finding_is_fixable_or_respected(
    found: Comparison, options: dict[str, Any], kinds: list[str], is_fixable: bool
) -> None:
    lines = drift.brevo_lines(found, **{"was_written": False, **options})

    assert sorted(drift.kinds_of(lines)) == kinds
    assert drift.is_fixable(lines) is is_fixable


def test_a_line_tells_what_is_wanted_and_what_was_found() -> None:
    (line,) = drift.brevo_lines(compared(attribute(wanted=("a", "b"), found="x" * 900)), was_written=True)

    assert line == {
        "where": "brevo",
        "what": "attribute",
        "name": "COMPANY",
        "wanted": ["a", "b"],
        "found": "x" * 500,
        "is_fixable": True,
    }


@pytest.mark.parametrize(
    ("changes", "what", "wanted", "found"),
    [
        ({"is_canceled": True}, "status", "canceled", "booked"),
        ({"no_show_uri": "https://api.calendly.com/invitee_no_shows/1"}, "status", "no_show", "booked"),
        ({"timezone": "UTC"}, "details", None, None),
    ],
)
def test_calendlys_news_of_a_known_booking_is_a_line(
    changes: dict[str, Any], what: str, wanted: Any, found: Any
) -> None:
    known = make_entry()
    seen = make_booking(updated_at=known.booking.invitee.updated_at + LATER, **changes)

    line = drift.calendly_line(known, merge.merge(known, seen))

    assert (line["where"], line["what"], line["wanted"], line["found"]) == ("calendly", what, wanted, found)
    assert line["booking"] == known.uri


def test_another_time_of_a_meeting_is_a_line() -> None:
    known = make_entry()
    meeting = make_meeting(
        updated_at=known.booking.meeting.updated_at + LATER, start_at=START_AT + LATER, end_at=END_AT + LATER
    )

    line = drift.calendly_line(known, merge.merge(known, make_booking(meeting=meeting)))

    assert line["what"] == "time"
    assert line["wanted"] == "2026-12-03T10:00:00+00:00/2026-12-03T10:30:00+00:00"
    assert line["found"] == "2026-12-03T09:00:00+00:00/2026-12-03T09:30:00+00:00"


def test_a_booking_that_the_ledger_lacks_is_a_line() -> None:
    line = drift.calendly_line(None, merge.merge(None, make_booking()))

    assert (line["what"], line["wanted"], line["found"], line["is_fixable"]) == ("unknown", "booked", None, True)


def test_a_new_look_at_a_booking_replaces_its_line_and_a_look_at_brevo_replaces_brevos() -> None:
    one, other = ({"where": "calendly", "what": "status", "booking": uri, "run": 1} for uri in ("1", "2"))
    brevo = {"where": "brevo", "what": "attribute", "name": "COMPANY"}

    lines = drift.with_line([one, other, brevo], {**one, "run": 2})
    rest = drift.with_part(lines, "brevo", [])

    assert lines == [{**one, "run": 2}, other, brevo]
    assert rest == [{**one, "run": 2}, other]


def test_the_digest_knows_neither_order_nor_comparison() -> None:
    one, other = {"what": "status", "run": 1}, {"what": "time", "run": 1}

    assert drift.digest_of([one, other]) == drift.digest_of([other, {**one, "run": 9}])
    assert drift.digest_of([one]) != drift.digest_of([{**one, "what": "time"}])


def test_people_are_counted_by_kind() -> None:
    counts = drift.count([["attribute", "deleted"], ["attribute"], ["kept"]])

    assert counts == {"different": {"attribute": 2}, "respected": {"deleted": 1, "kept": 1}}
