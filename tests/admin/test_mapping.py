"""Cells, consent rules and versions of all connections are listed, and each row leads to where it is edited."""

import pytest
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import page, parts
from calendly_connector.models import (
    Connection,
    ConsentProof,
    ConsentRule,
    EventType,
    FieldMapping,
    MappingVersion,
    TriggerMapping,
)
from tests.admin.mapped import add_catalogue, read, row_address
from tests.admin.rows import EMPTY, make_booking_row, make_connection
from tests.factories import DEMO


@pytest.fixture
def mapped(connection: Connection) -> Connection:
    """Return a connection with an event type that is mapped."""
    add_catalogue(connection)
    TriggerMapping.objects.create(
        connection=connection, event_type=DEMO, trigger="booked", join_lists=[4, 12], leave_lists=[5]
    )
    ConsentRule.objects.create(connection=connection, event_type=DEMO, mode="answer", question="News?", answer="Yes")
    MappingVersion.objects.create(
        connection=connection, number=7, made_at=timezone.now(), made_by_name="berta", content={**EMPTY}
    )
    return connection


@pytest.mark.parametrize("model", [TriggerMapping, ConsentRule])
def test_a_row_leads_to_its_row_of_the_grid(model: type[Model], staff: Client, mapped: Connection) -> None:
    link = f'<a href="{row_address(mapped, DEMO)}">Demo</a>'

    assert link in read(staff, parts.list_of(model))
    assert link in read(staff, parts.page_of(model, model._default_manager.get().pk))


def test_the_default_row_has_a_link_too_and_an_unknown_type_has_none(staff: Client, connection: Connection) -> None:
    for uri in ("", "https://api.calendly.com/event_types/gone"):
        TriggerMapping.objects.create(connection=connection, event_type=uri, trigger="booked")

    text = read(staff, parts.list_of(TriggerMapping))

    assert f'<a href="{row_address(connection)}">Every other type</a>' in text
    assert ">https://api.calendly.com/event_types/gone<" in text


def test_lists_are_named_and_lost_ones_are_said(staff: Client, mapped: Connection) -> None:
    row = TriggerMapping.objects.get()

    for address in (parts.list_of(TriggerMapping), parts.page_of(TriggerMapping, row.pk)):
        text = read(staff, address)
        assert "#4 Newsletter, #12 not in Brevo?" in text
        assert "#5 Demos" in text


@pytest.mark.parametrize(
    ("model", "name"),
    [(TriggerMapping, "mapping"), (ConsentRule, "mapping"), (MappingVersion, "versions"), (FieldMapping, "fields")],
)
def test_a_button_leads_to_the_page_where_it_is_edited(
    model: type[Model], name: str, staff: Client, mapped: Connection
) -> None:
    assert f'<li><a href="{page.address_of(mapped, name)}">' in read(staff, parts.list_of(model))


def test_each_connection_has_a_button_while_they_are_few(staff: Client, mapped: Connection) -> None:
    others = [make_connection(f"Other {number}", is_environment=False) for number in range(4)]
    assert f'<a href="{page.address_of(others[-1], "mapping")}">Edit the mapping: Other 3</a>' in read(
        staff, parts.list_of(TriggerMapping)
    )

    make_connection("One too many", is_environment=False)

    assert "Edit the mapping" not in read(staff, parts.list_of(TriggerMapping))


def test_a_version_leads_to_its_page(staff: Client, mapped: Connection) -> None:
    text = read(staff, parts.list_of(MappingVersion))

    assert f'<a href="{page.address_of(mapped, "versions", "7")}">Version 7</a>' in text
    assert "berta" in text


def test_a_rule_is_a_sentence(staff: Client, mapped: Connection) -> None:
    assert "only by those who answer “Yes” to “News?”." in read(staff, parts.list_of(ConsentRule))


def test_a_proof_shows_what_was_asked_and_answered_for_which_lists(staff: Client, mapped: Connection) -> None:
    booking = make_booking_row(mapped)
    proof = ConsentProof.objects.create(
        person=booking.person,
        booking=booking,
        mode="answer",
        question="News?",
        answer="Yes, please",
        lists=[4, 12],
        given_at=booking.booked_at,
    )

    for address in (parts.list_of(ConsentProof), parts.page_of(ConsentProof, proof.pk)):
        text = read(staff, address)
        assert "Yes, please" in text
        assert "#4 Newsletter, #12 not in Brevo?" in text
        assert parts.page_of(type(booking), booking.pk) in text


def test_a_proof_of_double_opt_in_names_the_mail(staff: Client, mapped: Connection) -> None:
    booking = make_booking_row(mapped)
    ConsentProof.objects.create(
        person=booking.person, mode="double_opt_in", template=9, lists=[4], given_at=booking.booked_at
    )

    assert "Mail of the template 9" in read(staff, parts.list_of(ConsentProof))


def test_an_event_type_leads_to_its_row_of_the_grid_where_alone_it_is_ignored(
    staff: Client, mapped: Connection
) -> None:
    row = EventType.objects.get(uri=DEMO)
    address = parts.page_of(EventType, row.pk)

    assert row_address(mapped, DEMO) in read(staff, address)
    assert staff.post(address, {"is_ignored": "on"}).status_code == 403
