"""Staff read who changed the mapping and what, compare versions, and roll back after being asked."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from calendly_connector.admin import page, parts
from calendly_connector.models import Connection, FieldMapping, MappingVersion, TriggerMapping
from calendly_connector.services import versions
from tests.admin.mapped import add_catalogue, posted, read, row_address
from tests.factories import DEMO

ROLLING_BACK = ("change_connection", "change_triggermapping", "change_fieldmapping")


@pytest.fixture
def changed(connection: Connection) -> Connection:
    """Return a connection whose mapping joined Newsletter in version 2 and joins Demos in version 3."""
    add_catalogue(connection)
    FieldMapping.objects.create(connection=connection, source="first_name", attribute="FIRSTNAME")
    berta = User.objects.create_user("berta")
    for number in (4, 5):
        join(connection, berta, number)
    return connection


def join(connection: Connection, by: User, number: int) -> None:
    with versions.changing(connection, by=by, why=f"To list {number}"):
        TriggerMapping.objects.update_or_create(
            connection=connection, trigger="booked", defaults={"join_lists": [number]}
        )


def address_of(connection: Connection, rest: str = "") -> str:
    return page.address_of(connection, "versions", rest)


def test_each_version_says_who_when_why_and_what(staff: Client, changed: Connection) -> None:
    text = read(staff, address_of(changed))

    assert text.index("Version 3") < text.index("Version 2") < text.index("Version 1")
    assert "berta: To list 5" in text
    assert "the connector: As it was before versions were kept" in text
    assert "Every other type, Booked: join Newsletter, default event → join Demos" in text


def test_what_changed_is_told_in_the_readers_language(staff: Client, changed: Connection) -> None:
    with translation.override("da"):
        join(changed, User.objects.get(username="berta"), 4)

    danish = staff.get(address_of(changed), headers={"Accept-Language": "da"}).content.decode()
    listed = staff.get(parts.list_of(MappingVersion), headers={"Accept-Language": "da"}).content.decode()

    assert "Alle andre typer" in danish and "Every other type" not in danish
    assert "Alle andre typer" in listed and "Every other type" not in listed
    assert "Every other type, Booked: join Demos, default event → join Newsletter" in read(staff, address_of(changed))


def test_what_staff_save_in_the_grid_is_a_version(staff: Client, changed: Connection) -> None:
    staff.post(row_address(changed, DEMO), posted())

    assert "anna: Mapping of “Demo”" in read(staff, address_of(changed))


def test_a_version_is_shown_whole(staff: Client, changed: Connection) -> None:
    text = read(staff, address_of(changed, "2"))

    assert "Every other type, Booked: join Newsletter, default event" in text
    assert "First name → FIRSTNAME (Always)" in text


@pytest.mark.parametrize(
    ("other", "words"),
    [("now", "join Newsletter, default event → "), ("1", "− Every other type, Booked"), ("3", "join Demos")],
)
def test_a_version_is_compared_with_today_or_another(
    other: str, words: str, staff: Client, changed: Connection
) -> None:
    differences = staff.get(f"{address_of(changed, '2')}?with={other}").context["differences"]

    assert words in "\n".join(differences)


def test_two_versions_that_are_alike_say_so(staff: Client, changed: Connection) -> None:
    assert "Both are the same." in read(staff, address_of(changed, "3"))


def test_staff_roll_back_after_being_asked(staff: Client, changed: Connection) -> None:
    address = address_of(changed, "2/roll-back")

    question = staff.post(address)
    assert "join Demos, default event → join Newsletter" in question.content.decode()
    assert TriggerMapping.objects.get().join_lists == [5]
    answer = staff.post(address, {"confirmed": "yes"})

    assert [str(each) for each in get_messages(answer.wsgi_request)] == [
        "The mapping is that of version 2 again, kept as version 4."
    ]
    assert TriggerMapping.objects.get().join_lists == [4]
    assert MappingVersion.objects.filter(connection=changed)[0].made_by_name == "anna"
    assert "version 2 again" in LogEntry.objects.get().change_message


def test_every_older_version_of_the_list_may_be_rolled_back_to(
    staff: Client, log_in: Callable[..., Client], changed: Connection
) -> None:
    own = read(staff, address_of(changed))
    others = read(log_in("view_connection", "view_triggermapping"), address_of(changed))

    assert [f'action="{address_of(changed, f"{number}/roll-back")}"' in own for number in (1, 2, 3)] == [
        True,
        True,
        False,
    ]
    assert "roll-back" not in others


def test_rolling_back_to_what_is_in_force_says_so(staff: Client, changed: Connection) -> None:
    answer = staff.post(address_of(changed, "3/roll-back"), {"confirmed": "yes"})

    assert "was that of version 3 already" in str(*get_messages(answer.wsgi_request))
    assert MappingVersion.objects.count() == 3


@pytest.mark.parametrize("lacking", ROLLING_BACK)
def test_who_lacks_a_permission_reads_versions_and_rolls_none_back(
    lacking: str, log_in: Callable[..., Client], changed: Connection
) -> None:
    viewer = log_in("view_connection", "view_triggermapping", *(name for name in ROLLING_BACK if name != lacking))

    assert "Roll back" not in read(viewer, address_of(changed, "2"))
    assert viewer.post(address_of(changed, "2/roll-back"), {"confirmed": "yes"}).status_code == 403
    assert TriggerMapping.objects.get().join_lists == [5]


def test_who_may_change_all_that_a_version_holds_rolls_back(log_in: Callable[..., Client], changed: Connection) -> None:
    keeper = log_in("view_connection", "view_triggermapping", *ROLLING_BACK)

    keeper.post(address_of(changed, "2/roll-back"), {"confirmed": "yes"})

    assert TriggerMapping.objects.get().join_lists == [4]


def test_who_may_not_see_the_mapping_sees_no_version(log_in: Callable[..., Client], changed: Connection) -> None:
    viewer = log_in("view_connection")

    assert [viewer.get(address_of(changed, rest)).status_code for rest in ("", "2")] == [403, 403]


@pytest.mark.parametrize("rest", ["9", "nothing", "2/nothing", "2/roll-back/x", "9" * 20])
def test_what_does_not_exist_is_not_found(rest: str, staff: Client, changed: Connection) -> None:
    assert staff.get(address_of(changed, rest)).status_code == 404
    assert staff.get(f"{address_of(changed, '2')}?with={rest}").status_code == 404


def test_a_roll_back_takes_post_only(staff: Client, changed: Connection) -> None:
    assert staff.get(address_of(changed, "2/roll-back")).status_code == 405


def test_a_hundred_versions_cost_as_many_queries_as_three(staff: Client, changed: Connection) -> None:
    read(staff, address_of(changed))  # what is read once and kept
    with CaptureQueriesContext(database) as few:
        read(staff, address_of(changed))
    for number in range(100):
        join(changed, User.objects.get(username="berta"), number + 10)

    with CaptureQueriesContext(database) as many:
        text = read(staff, address_of(changed))

    assert len(many) == len(few)
    assert "Page 1 of 5 (103 in all)" in text
