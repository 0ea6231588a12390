"""What pages ask of the database doesn't grow with the rows: counted, and looked at, never timed."""

import re
from collections.abc import Iterator, Sequence

import pytest
from django.contrib import admin
from django.db import connection as database
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calendly_connector import models
from calendly_connector.admin import parts
from calendly_connector.models import Booking, Person, SyncLogEntry, WebhookDelivery
from tests import plans
from tests.admin.rows import make_some_of_everything
from tests.factories import invitee_uri

SHOWN = sorted(name for name in models.__all__ if admin.site.is_registered(getattr(models, name)))
BIG = [model._meta.db_table for model in (Booking, Person, SyncLogEntry, WebhookDelivery)]
ADDRESSES = {"home": reverse("admin:index"), **{name: parts.list_of(getattr(models, name)) for name in SHOWN}}
MOST_QUERIES = {"home": 26, "Connection": 9}
MOST_OF_A_LIST = 8


def asked_by(staff: Client, address: str) -> Sequence[str]:
    """Return what a page asks of the database each time."""
    staff.get(address)  # what a process asks only once is asked now
    with CaptureQueriesContext(database) as queries:
        assert staff.get(address).status_code == 200
    return [query["sql"] for query in queries.captured_queries]


@pytest.mark.parametrize("page", ADDRESSES)
def test_a_hundred_rows_cost_as_many_queries_as_three(page: str, staff: Client) -> None:
    make_some_of_everything(3)
    few = len(asked_by(staff, ADDRESSES[page]))

    make_some_of_everything(100)

    assert len(asked_by(staff, ADDRESSES[page])) == few <= MOST_QUERIES.get(page, MOST_OF_A_LIST)


@pytest.mark.parametrize("page", ADDRESSES)
def test_no_page_counts_a_whole_table(page: str, staff: Client) -> None:
    make_some_of_everything(3)

    asked = asked_by(staff, ADDRESSES[page])

    assert [statement for statement in asked if counts_everything(statement)] == []


def counts_everything(statement: str) -> bool:
    """Return whether a statement counts a big table's rows without a limit, or what only a limit could bound."""
    return any(not part_is_bounded(part) for part in counting_parts(statement))


def counting_parts(statement: str) -> Iterator[str]:
    """Walk through the parts of a statement, by brackets, that count."""
    flat = statement.replace('"', "")
    for found in re.finditer(r"COUNT\((?:\*|[\w.]+)\)", flat):
        yield enclosing(flat, found.start())


def enclosing(statement: str, at: int) -> str:
    """Return the innermost SELECT around a place."""
    depth, start = 0, 0
    for place in range(at, -1, -1):
        depth += {")": 1, "(": -1}.get(statement[place], 0)
        if depth < 0:
            start = place + 1
            break
    depth, end = 0, len(statement)
    for place in range(at, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if depth < 0:
            end = place
            break
    return statement[start:end]


def part_is_bounded(part: str) -> bool:
    """Return whether what is counted is limited, one person's, or what is to be mended (a small index of its own)."""
    is_big = any(f"FROM {table}" in part for table in BIG)
    return not is_big or any(words in part for words in ("LIMIT", ".cause = ", ".person_id = ("))


@pytest.mark.parametrize(
    ("statement", "is_whole"),
    [
        ('SELECT COUNT(*) AS "__count" FROM "calendly_connector_booking"', True),
        ('SELECT COUNT(*) FROM "calendly_connector_synclogentry" WHERE "state" = \'done\'', True),
        ('SELECT COUNT(*) FROM (SELECT "id" AS "c" FROM "calendly_connector_booking" LIMIT 10000) subquery', False),
        ("SELECT c.id, (SELECT COUNT(*) FROM calendly_connector_synclogentry e WHERE e.connection_id = c.id)", True),
        ('SELECT COUNT("t"."id") FROM "calendly_connector_connection" "t"', False),
    ],
)
def test_the_check_itself(statement: str, is_whole: bool) -> None:
    assert counts_everything(statement) is is_whole


NAME_COMPARED = re.compile(r'booking"\."name"(::text\))? LIKE')


@pytest.mark.parametrize("kind", ["e-mail", "invitee"])
@pytest.mark.parametrize("model", [Booking, Person, SyncLogEntry])
def test_an_address_is_looked_up_and_nothing_is_read_from_end_to_end_for_it(
    model: type[Model], kind: str, staff: Client
) -> None:
    make_some_of_everything(3)
    wanted = Booking.objects.get(uri=invitee_uri("nadia2-new"))
    address = parts.list_of(model, q=wanted.person.email if kind == "e-mail" else wanted.uri)

    with plans.heard() as said:
        page = staff.get(address).content.decode().replace("<wbr>", "")

    assert "nadia2@example.com" in page
    assert "nadia1@example.com" not in page
    assert [sql for sql, _ in said if NAME_COMPARED.search(sql)] == []


def test_other_words_are_looked_for_everywhere(staff: Client) -> None:
    make_some_of_everything(3)

    with plans.heard() as said:
        page = staff.get(parts.list_of(Person, q="nadia2")).content.decode().replace("<wbr>", "")

    assert "nadia2@example.com" in page
    assert any(NAME_COMPARED.search(sql) for sql, _ in said)
