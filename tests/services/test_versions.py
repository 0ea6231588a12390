"""Versions of a mapping: kept when it changes, rolled back to, and found by the day that they were in force."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.core.rules import ConsentMode
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import (
    BrevoList,
    Connection,
    ConsentRule,
    EventType,
    FieldMapping,
    MappingVersion,
    TriggerMapping,
)
from calendly_connector.services import mapping, snapshot, versions
from tests.factories import DEMO, DISCOVERY_CALL


@pytest.fixture
def anna(db: None) -> User:
    """Return a member of staff."""
    return User.objects.create_user("anna")


def join(connection: Connection, by: User | None, *numbers: int, why: str = "A test") -> None:
    """Let bookings join these lists, as a change."""
    with versions.changing(connection, by=by, why=why):
        TriggerMapping.objects.update_or_create(
            connection=connection, event_type="", trigger="booked", defaults={"join_lists": list(numbers)}
        )


def newest(connection: Connection) -> MappingVersion:
    return MappingVersion.objects.filter(connection=connection)[0]


def joined(connection: Connection) -> list[int]:
    found: list[int] = TriggerMapping.objects.get(connection=connection, trigger="booked").join_lists
    return found


# -- Keeping ----------------------------------------------------------------------------------------------------------


def test_the_first_change_keeps_what_was_there_before_and_later_ones_only_themselves(
    connection: Connection, anna: User
) -> None:
    join(connection, anna, 4)
    join(connection, anna, 5)

    third, second, first = MappingVersion.objects.filter(connection=connection)
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert (first.made_by_name, first.content["grid"], first.made_at) == ("", [], connection.created_at)
    assert [row["join_lists"] for row in second.content["grid"]] == [[4]]


def test_a_version_says_who_made_it_why_and_what_changed(connection: Connection, anna: User) -> None:
    BrevoList.objects.create(account=connection.brevo_account, number=4, name="Newsletter", read_at=timezone.now())

    join(connection, anna, 4, why="x" * 300)

    version = newest(connection)
    assert (version.made_by, version.made_by_name, version.reason) == (anna, "anna", "x" * 200)
    assert version.changes == ["+ Every other type, Booked: join Newsletter, default event"]


def test_what_changed_is_told_apart_from_what_came_and_went(connection: Connection, anna: User) -> None:
    join(connection, anna, 4)
    with versions.changing(connection, by=anna, why="Another"):
        TriggerMapping.objects.filter(trigger="booked").update(join_lists=[5], sends_event=False)
        connection.field_mappings.filter(attribute="COMPANY").delete()
        ConsentRule.objects.create(
            connection=connection, event_type=DEMO, mode="answer", question="News?", answer="Yes"
        )

    assert newest(connection).changes == [
        "+ demo, joins lists: Only with a chosen answer (“News?” = “Yes”)",
        "Every other type, Booked: join #4, default event → join #5, no event",
        "− Answer: company → COMPANY (Always)",
    ]


def test_saving_without_a_change_keeps_no_version(connection: Connection, anna: User) -> None:
    join(connection, anna, 4)

    join(connection, anna, 4)

    assert newest(connection).number == 2


def test_a_change_that_fails_is_undone_and_keeps_no_version(connection: Connection, anna: User) -> None:
    with pytest.raises(ZeroDivisionError), versions.changing(connection, by=anna, why="Oh no"):
        connection.field_mappings.all().delete()
        raise ZeroDivisionError

    assert connection.field_mappings.exists()
    assert not MappingVersion.objects.exists()


def test_a_change_by_a_command_has_no_user(connection: Connection) -> None:
    join(connection, None, 4)

    assert (newest(connection).made_by, newest(connection).made_by_name) == (None, "")


def test_versions_of_two_connections_are_numbered_apart(connection: Connection, anna: User) -> None:
    other = Connection.objects.create(name="Other", brevo_account=connection.brevo_account)
    join(connection, anna, 4)

    join(other, anna, 5)

    assert [newest(connection).number, newest(other).number] == [2, 2]


# -- Rolling back -----------------------------------------------------------------------------------------------------


def test_a_roll_back_is_a_new_version_with_the_old_mapping(connection: Connection, anna: User) -> None:
    join(connection, anna, 4)
    old = newest(connection)
    join(connection, anna, 5)

    versions.roll_back(old, by=anna)

    made = newest(connection)
    assert joined(connection) == [4]
    assert (made.number, made.content, made.reason) == (4, old.content, "Rolled back to version 2")


def test_a_roll_back_brings_back_everything_that_a_mapping_is(connection: Connection, anna: User) -> None:
    kind = EventType.objects.create(connection=connection, uri=DEMO, name="Demo", read_at=timezone.now())
    with versions.changing(connection, by=anna, why="All of it"):
        TriggerMapping.objects.create(connection=connection, event_type=DEMO, trigger="canceled", leave_lists=[7])
        ConsentRule.objects.create(connection=connection, event_type="", mode="double_opt_in", template=9)
        EventType.objects.filter(pk=kind.pk).update(decided_name="Demo", is_ignored=True)
        FieldMapping.objects.filter(attribute="COMPANY").update(overwrite="if_empty")
    kept, before = newest(connection), snapshot.take(connection)
    with versions.changing(connection, by=anna, why="Nothing left"):
        connection.trigger_mappings.all().delete()
        connection.field_mappings.all().delete()
        connection.consent_rules.all().delete()
        connection.event_types.update(decided_name="", is_ignored=False)

    versions.roll_back(kept, by=anna)

    assert snapshot.take(connection) == before == kept.content


def test_a_decision_about_a_type_that_is_unknown_by_now_is_passed_over(connection: Connection, anna: User) -> None:
    content = snapshot.take(connection) | {"types": {DEMO: {"decided_name": "Demo", "is_ignored": True}}}

    versions.replace(connection, content, by=anna, why="From a file")

    assert newest(connection).content["types"] == {}


def test_rolling_back_to_what_is_in_force_changes_nothing(connection: Connection, anna: User) -> None:
    join(connection, anna, 4)

    versions.roll_back(newest(connection), by=anna)

    assert newest(connection).number == 2


# -- The mapping of a day ---------------------------------------------------------------------------------------------


def test_the_rules_of_a_day_are_those_of_the_version_in_force_then(connection: Connection, anna: User) -> None:
    now = timezone.now()
    for days, number in ((20, 4), (10, 5), (1, 6)):
        join(connection, anna, number)
        MappingVersion.objects.filter(pk=newest(connection).pk).update(made_at=now - timedelta(days=days))
    MappingVersion.objects.filter(number=1).update(made_at=now - timedelta(days=30))

    def lists_at(days: float) -> tuple[int, ...]:
        rules = versions.rules_at(connection, now - timedelta(days=days))
        return rules.rule_for(DISCOVERY_CALL, Trigger.BOOKED).join_lists

    assert [lists_at(days) for days in (0, 5, 10, 15, 25, 400)] == [(6,), (5,), (5,), (4,), (), ()]


def test_without_versions_the_rules_of_any_day_are_those_of_today(connection: Connection) -> None:
    TriggerMapping.objects.create(connection=connection, trigger="booked", join_lists=[4])

    rules = versions.rules_at(connection, timezone.now() - timedelta(days=99))

    assert rules.rule_for(DISCOVERY_CALL, Trigger.BOOKED).join_lists == (4,)


def test_the_rules_of_a_version_equal_the_rules_that_were_read_then(connection: Connection, anna: User) -> None:
    EventType.objects.create(connection=connection, uri=DEMO, name="Demo", is_ignored=True, read_at=timezone.now())
    with versions.changing(connection, by=anna, why="All of it"):
        TriggerMapping.objects.create(
            connection=connection, event_type=DEMO, trigger="booked", join_lists=[4], sends_event=False
        )
        ConsentRule.objects.create(connection=connection, event_type=DEMO, mode="never")

    then, now = versions.rules_at(connection, timezone.now()), mapping.rules_of(connection)

    assert then.consent_for(DEMO).mode is ConsentMode.NEVER
    assert (then.grid, then.fields, then.consents) == (now.grid, now.fields, now.consents)
    assert then.ignored_types == now.ignored_types == {DEMO}


def test_a_change_is_in_force_at_once(connection: Connection, anna: User, settings: Settings) -> None:
    settings.RULES_KEPT_SECONDS = 60
    mapping.forget()
    mapping.rules_of(connection)

    join(connection, anna, 4)

    assert mapping.rules_of(connection).rule_for(DEMO, Trigger.BOOKED).join_lists == (4,)
    mapping.forget()
