"""What the river asks of the big tables costs the same at a million rows: every statement, by its plan."""

import re
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection as database
from django.utils import timezone

from calendly_connector.models import Booking, Person
from calendly_connector.services import clock, receive, sweep
from sandbox import scenarios
from tests import plans
from tests.journeys.history import backfill, ledger, make_up, truth
from tests.journeys.river import River

READS_DELIVERIES = re.compile(r"(SCAN|SEARCH) d\b|Scan.* on calendly_connector_webhookdelivery d\b")


def test_no_statement_of_the_river_reads_a_whole_table(river: River) -> None:
    with plans.heard() as said:
        scenarios.moved(river.calendly)
        river.flow()
    asked = len(said)
    Booking.objects.update(end_at=timezone.now() - timedelta(days=3))
    Person.objects.update(clock_at=timezone.now())
    with plans.heard() as said_later:
        clock.find_due()
        river.flow()
        sweep.sweep()

    assert asked > 10
    assert len(said_later) > 10
    with plans.grown():
        assert reading_whole_tables((*said, *said_later)) == {}


def test_no_statement_of_a_reading_of_history_reads_a_whole_table(river: River) -> None:
    make_up(river.calendly, 40)

    with plans.heard() as said:
        assert backfill().status == 0

    assert len(said) > 100
    assert ledger() == truth(river)
    with plans.grown():
        assert reading_whole_tables(said) == {}


def test_what_waits_is_found_without_a_walk_through_all_deliveries(river: River) -> None:
    scenarios.booked(river.calendly)
    river.deliver()

    with plans.heard() as said:
        assert receive.Adopter().adopt() == 1
        assert receive.Adopter().adopt(thoroughly=True) == 0

    looks = [(sql, params) for sql, params in said if "NOT EXISTS" in sql]
    assert len(looks) == 3
    with plans.grown():
        for sql, params in looks:
            waiting = [line for line in plans.plan(sql, params) if READS_DELIVERIES.search(line)]
            assert waiting, database.vendor
            assert all(any(index in line for index in plans.SMALL) for line in waiting), waiting


def test_the_check_itself(river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()

    with plans.grown():
        whole = "SELECT COUNT(*) FROM calendly_connector_booking WHERE name = %s"
        assert len(plans.whole_tables(whole, ["Nadia"])) == 1, database.vendor
        assert len(plans.whole_tables(whole.replace("booking ", "booking b "), ["Nadia"])) == 1, database.vendor
        of_all = "SELECT name FROM calendly_connector_booking WHERE connection_id = %s"
        assert len(plans.whole_tables(of_all, [river.connection.pk])) == 1, database.vendor
        assert plans.whole_tables("SELECT 1 FROM calendly_connector_booking WHERE id = %s", [1]) == []


def reading_whole_tables(said: Iterable[plans.Statement]) -> dict[str, list[str]]:
    """Return the statements that read a whole table, with the lines of their plans that say so."""
    return {sql: lines for sql, params in said if (lines := plans.whole_tables(sql, params))}
