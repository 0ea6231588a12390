"""Export and erase on a person's page: offered to whoever may, asked first, and told without saying who it was."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from calendly_connector.admin import parts, person_acts
from calendly_connector.models import Connection, Erasure, Person
from sandbox import scenarios
from sandbox.world import Fault
from tests.admin.people import client_of
from tests.journeys.river import River
from tests.services.everywhere import EMAIL, put_everywhere, tables_with

SEES = ("view_person", "view_addresses")
NADIA = scenarios.NADIA.email


def address(name: str, person: Person) -> str:
    return reverse(f"admin:{name}", args=[person.pk])


def page_of(client: Client, person: Person) -> str:
    return client.get(parts.page_of(Person, person.pk)).content.decode()


@pytest.mark.parametrize(
    ("permissions", "exports", "erases"),
    [
        (("view_person",), False, False),
        (("view_person", "delete_person"), False, False),
        (SEES, True, False),
        ((*SEES, "change_person"), True, False),
        ((*SEES, "delete_person"), True, True),
    ],
)
def test_each_way_is_offered_to_whoever_may_go_it(
    log_in: Callable[..., Client], connection: Connection, permissions: tuple[str, ...], exports: bool, erases: bool
) -> None:
    person = put_everywhere(connection)
    client = log_in(*permissions)
    file, question = (address(name, person) for name in (person_acts.EXPORT, person_acts.ERASE))

    page = page_of(client, person)

    assert ((file in page), (question in page)) == (exports, erases)
    assert client.get(file).status_code == (200 if exports else 403)
    assert client.get(question).status_code == (200 if erases else 403)
    assert client.post(question, {"confirmed": "yes"}).status_code == (302 if erases else 403)
    assert Person.objects.filter(pk=person.pk).exists() != erases


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Manager"])
def test_no_role_erases(connection: Connection, role: str) -> None:
    person = put_everywhere(connection)

    assert client_of(role).post(address(person_acts.ERASE, person), {"confirmed": "yes"}).status_code == 403


def test_the_export_is_a_file(staff: Client, connection: Connection) -> None:
    person = put_everywhere(connection)

    answer = staff.get(address(person_acts.EXPORT, person))

    assert answer["Content-Disposition"] == f'attachment; filename="person-{person.pk}.json"'
    assert "no-store" in answer["Cache-Control"]
    assert answer.json()["email"] == EMAIL


def test_erasing_is_asked_first_with_what_it_would_delete(staff: Client, connection: Connection) -> None:
    person = put_everywhere(connection)

    for answer in (staff.get(address(person_acts.ERASE, person)), staff.post(address(person_acts.ERASE, person))):
        text = answer.content.decode()
        assert "Bookings: 1" in text
        assert "Webhook deliveries: 2" in text
        assert "opted out" in text
        assert "Enterprise" in text
    assert Person.objects.filter(pk=person.pk).exists()


def test_after_a_yes_everything_is_gone_and_nothing_says_who_it_was(staff: Client, connection: Connection) -> None:
    person = put_everywhere(connection)

    answer = staff.post(address(person_acts.ERASE, person), {"confirmed": "yes"})

    assert (answer.status_code, answer["Location"]) == (302, parts.list_of(Person))
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said[0] == "The person was erased."
    assert any("stays there" in words for words in said)
    assert tables_with(EMAIL) == set()
    assert EMAIL not in " ".join(said + [str(session.get_decoded()) for session in Session.objects.all()])
    assert LogEntry.objects.get().object_id == str(Erasure.objects.get().pk)
    assert "Deleted here" in staff.get(parts.page_of(Erasure, Erasure.objects.get().pk)).content.decode()


def booked(river: River) -> Person:
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=NADIA)


def test_the_box_takes_the_contact_out_of_brevo(staff: Client, river: River) -> None:
    staff.post(address(person_acts.ERASE, booked(river)), {"confirmed": "yes", "brevo": "on"})

    assert river.brevo.contact(NADIA) is None
    assert not Person.objects.exists()


def test_when_brevo_fails_the_page_says_so_and_nothing_is_deleted(staff: Client, river: River) -> None:
    person = booked(river)
    river.sandbox.world.faults.add(Fault(provider="brevo", method="DELETE", kind="status", status=500))

    answer = staff.post(address(person_acts.ERASE, person), {"confirmed": "yes", "brevo": "on"}, follow=True)

    assert "Nothing here was deleted" in answer.content.decode()
    assert Person.objects.filter(pk=person.pk).exists()
