"""The one sentence about a connection: the most urgent thing wins."""

from dataclasses import replace

import pytest

from calendly_connector.core import banner
from calendly_connector.core.banner import Facts, Finding, Level

EVERYTHING = Facts(
    must_reconnect=True,
    is_disabled=True,
    is_paused=True,
    is_expired=True,
    cant_deliver=True,
    is_active=False,
    failed=3,
    left_out=2,
    unknown=1,
    unasked=1,
    undecided=2,
    renamed=1,
    is_silent=True,
)


@pytest.mark.parametrize(
    ("facts", "finding", "level"),
    [
        (Facts(), Finding.FINE, Level.GOOD),
        (Facts(must_reconnect=True), Finding.RECONNECT, Level.BAD),
        (Facts(is_connected=False), Finding.NOT_CONNECTED, Level.BAD),
        (Facts(is_disabled=True), Finding.DISABLED, Level.BAD),
        (Facts(is_subscribed=False), Finding.NOT_SUBSCRIBED, Level.BAD),
        (Facts(is_paused=True), Finding.PAUSED, Level.BAD),
        (Facts(is_expired=True), Finding.EXPIRED, Level.WARN),
        (Facts(cant_deliver=True), Finding.CANT_DELIVER, Level.WARN),
        (Facts(is_active=False), Finding.SWITCHED_OFF, Level.WARN),
        (Facts(failed=1), Finding.FAILED, Level.WARN),
        (Facts(left_out=1), Finding.LEFT_OUT, Level.WARN),
        (Facts(unknown=1), Finding.UNKNOWN, Level.WARN),
        (Facts(unasked=1), Finding.UNASKED, Level.WARN),
        (Facts(undecided=1), Finding.UNDECIDED, Level.WARN),
        (Facts(renamed=1), Finding.RENAMED, Level.WARN),
        (Facts(is_silent=True), Finding.SILENT, Level.WARN),
        (EVERYTHING, Finding.RECONNECT, Level.BAD),
        (replace(EVERYTHING, must_reconnect=False), Finding.DISABLED, Level.BAD),
        (replace(EVERYTHING, must_reconnect=False, is_connected=False), Finding.NOT_CONNECTED, Level.BAD),
        (replace(EVERYTHING, must_reconnect=False, is_subscribed=False), Finding.NOT_SUBSCRIBED, Level.BAD),
        (replace(EVERYTHING, must_reconnect=False, is_disabled=False), Finding.PAUSED, Level.BAD),
        (Facts(is_paused=True, failed=4), Finding.PAUSED, Level.BAD),
        (Facts(failed=4, undecided=2), Finding.FAILED, Level.WARN),
        (Facts(failed=4, left_out=2), Finding.FAILED, Level.WARN),
        (Facts(left_out=4, undecided=2), Finding.LEFT_OUT, Level.WARN),
        (Facts(undecided=2, is_silent=True), Finding.UNDECIDED, Level.WARN),
    ],
)
def test_the_most_urgent_thing_is_said(facts: Facts, finding: Finding, level: Level) -> None:
    assert banner.choose(facts) is finding
    assert banner.level_of(finding) is level


def test_a_connection_that_calendly_shuts_out_is_not_blamed_for_its_subscription() -> None:
    assert banner.findings(Facts(must_reconnect=True, is_subscribed=False, is_disabled=True)) == [Finding.RECONNECT]
    assert banner.findings(Facts(is_connected=False, is_subscribed=False)) == [Finding.NOT_CONNECTED]


def test_a_subscription_that_is_switched_off_is_not_also_said_to_fail() -> None:
    assert banner.findings(Facts(is_disabled=True, cant_deliver=True)) == [Finding.DISABLED]


def test_every_finding_but_the_good_one_can_be_found() -> None:
    one_by_one = [
        *banner.findings(EVERYTHING),
        *banner.findings(Facts(is_connected=False)),
        *banner.findings(Facts(is_subscribed=False)),
        *banner.findings(replace(EVERYTHING, must_reconnect=False)),
        *banner.findings(Facts(cant_deliver=True)),
    ]

    assert set(one_by_one) == set(Finding) - {Finding.FINE}


def test_all_findings_come_in_the_order_of_their_urgency() -> None:
    found = banner.findings(replace(EVERYTHING, must_reconnect=False))

    assert found == sorted(found, key=list(Finding).index)
    assert len(found) == 11
