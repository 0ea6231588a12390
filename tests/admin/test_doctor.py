"""The doctor's page: for whom, what it shows, in Danish too, and that it ends in time and changes nothing."""

import time
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.admin import doctor as page
from calendly_connector.admin import parts
from calendly_connector.core.diagnosis import Level, Page, Place
from calendly_connector.models import Connection, Schedule, StaffPreference
from calendly_connector.services import doctor, roles
from tests.admin.people import client_of
from tests.journeys.river import River

ADDRESS = reverse(f"admin:{page.NAME}")


def asked(client: Client) -> str:
    """Press the button, and return the page."""
    answer = client.post(ADDRESS)
    assert answer.status_code == 200
    return answer.content.decode()


def test_nothing_is_looked_at_before_the_button_is_pressed(staff: Client, river: River) -> None:
    river.sandbox.world.journal.clear()

    shown = staff.get(ADDRESS).content.decode()

    assert "Look now" in shown
    assert "What to do" not in shown
    assert not river.sandbox.world.journal.calls()


def test_the_button_shows_what_is_wrong_with_its_remedy_and_the_page_it_begins_on(
    staff: Client, river: River, settings: Settings
) -> None:
    settings.CALENDLY_ACCESS_TOKEN = "dead"
    river.sandbox.world.journal.clear()

    shown = asked(staff)

    assert "Calendly doesn’t accept" in shown or "Calendly doesn&#x27;t accept" in shown
    assert f'<a href="{parts.page_of(Connection, river.connection.pk)}">Open the page</a>' in shown
    assert "docs/repair.md#401-from-calendly" in shown
    assert "things are well" in shown
    assert "dead" not in shown
    assert {call.method for call in river.sandbox.world.journal.calls()} == {"GET"}


def test_all_is_well_is_said_too(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda seconds: doctor.Report(lines=(), seconds=0.1, is_offline=False))

    assert "All is well" in asked(staff)


def test_the_page_speaks_danish_and_so_do_the_start_up_checks(staff: Client, river: River, settings: Settings) -> None:
    StaffPreference.objects.create(user_id=staff.session["_auth_user_id"], language="da")
    settings.DEBUG, settings.FIELD_ENCRYPTION_KEYS = True, []

    shown = asked(staff)

    for words in (
        "Det skal du gøre:",
        "DEBUG er slået til",
        "FIELD_ENCRYPTION_KEYS er tom",
        "Se efter igen",
        "I stykker",
    ):
        assert words in shown
    for words in ("What to do", "DEBUG is on", "The database", "This machine", "Nobody", "No worker"):
        assert words not in shown


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [(roles.VIEWER, 403), (roles.OPERATOR, 200), (roles.MANAGER, 200)])
def test_who_may_ask(role: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda seconds: doctor.Report(lines=(), seconds=0.1, is_offline=False))
    client = client_of(role)

    assert (client.get(ADDRESS).status_code, client.post(ADDRESS).status_code) == (status, status)
    assert (ADDRESS in client.get(reverse("admin:index")).content.decode()) is (status == 200)


def test_only_reading_and_the_button_are_answered(staff: Client) -> None:
    assert staff.put(ADDRESS).status_code == 405


def test_strangers_have_to_log_in(db: None) -> None:
    assert Client().post(ADDRESS).status_code == 302


def test_it_takes_less_than_ten_seconds_when_nobody_answers(
    staff: Client, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = doctor.QUICK
    monkeypatch.setattr(doctor, "QUICK", 1.5)
    river.break_calendly("timeout", seconds=3, times=None)
    river.break_brevo("timeout", method="", seconds=3, times=None)
    begun = time.monotonic()

    asked(staff)

    assert time.monotonic() - begun < 3.5
    assert quick < 10


@pytest.mark.django_db
def test_every_place_has_its_address_and_every_level_its_badge(log_in: Callable[..., Client]) -> None:
    addresses = {page.ADDRESSES[place](Place(page=place, key=7)) for place in Page}

    assert len(addresses) == len(Page)
    assert set(page.LEVELS) == set(Level)
    assert set(page.GROUPS) == set(doctor.Group)


def test_a_worker_that_stands_still_is_found_from_the_page(staff: Client, river: River) -> None:
    Schedule.objects.create(name="sweep", every_seconds=15, next_run_at=timezone.now())

    assert "No worker has ever run" in asked(staff)
