"""Every member of staff reads the admin in their own language and on their own clock."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from calendly_connector.admin import my_settings, parts
from calendly_connector.models import Booking, StaffPreference, SyncLogEntry
from calendly_connector.services import roles, zones
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row, make_connection, make_step

PAGE, HOME = reverse("my_settings"), reverse("admin:index")


@pytest.fixture
def viewer(db: None) -> Client:
    """Return the browser of somebody who may only look."""
    return client_of(roles.VIEWER)


def choose(client: Client, language: str = "", zone: str = "") -> str:
    """Save the settings and return the page that follows."""
    page = client.post(PAGE, {"language": language, "timezone": zone}, follow=True)
    assert page.redirect_chain == [(PAGE, 302)], page.content.decode()
    return page.content.decode()


def test_the_settings_are_one_click_away(viewer: Client) -> None:
    assert f'href="{PAGE}"' in viewer.get(HOME).content.decode()


def test_nobody_else_gets_in(client: Client) -> None:
    assert client.get(PAGE).status_code == 302


def test_a_language_is_kept_and_used_at_once(viewer: Client) -> None:
    page = choose(viewer, language="da")

    assert '<html lang="da"' in page
    assert '<html lang="da"' in viewer.get(HOME).content.decode()
    assert translation.get_language() == "en"


def test_a_zone_moves_the_time_in_a_title(viewer: Client) -> None:
    booking = make_booking_row(make_connection())
    booking.start_at = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    booking.save()

    choose(viewer, zone="Asia/Tokyo")

    page = viewer.get(parts.page_of(Booking, booking.pk)).content.decode()
    assert "on 2026-06-01 21:00 JST" in page
    assert "on 2026-06-01 12:00 UTC" not in page


def test_days_and_months_are_named_in_the_readers_language(viewer: Client) -> None:
    booking = make_booking_row(make_connection())
    booking.start_at = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    booking.save()

    choose(viewer, language="da")

    assert re.search(r"man\.? 04 maj 2026", viewer.get(parts.list_of(Booking)).content.decode())


def test_a_zone_moves_every_time(viewer: Client) -> None:
    step = make_step(make_booking_row(make_connection()))
    SyncLogEntry.objects.update(created_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
    before = viewer.get(parts.page_of(SyncLogEntry, step.pk)).content.decode()

    choose(viewer, zone="Asia/Tokyo")

    assert "2026-06-01 12:00:00 UTC" in before
    assert "2026-06-01 21:00:00 JST" in viewer.get(parts.page_of(SyncLogEntry, step.pk)).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


def test_without_a_choice_the_browser_is_asked(viewer: Client) -> None:
    assert '<html lang="en"' in viewer.get(HOME).content.decode()
    assert '<html lang="da"' in viewer.get(HOME, headers={"Accept-Language": "da, en;q=0.5"}).content.decode()
    assert '<html lang="en"' in viewer.get(HOME, headers={"Accept-Language": "sv"}).content.decode()


def test_a_choice_counts_more_than_the_browser(viewer: Client) -> None:
    choose(viewer, language="en")

    assert '<html lang="en"' in viewer.get(HOME, headers={"Accept-Language": "da"}).content.decode()


@pytest.mark.parametrize("chosen", [{"language": "xx", "timezone": ""}, {"language": "", "timezone": "Mars/Base"}])
def test_what_isnt_offered_is_refused(chosen: dict[str, str], viewer: Client) -> None:
    page = viewer.post(PAGE, chosen)

    assert page.status_code == 200
    assert "Select a valid choice" in page.content.decode()
    assert not StaffPreference.objects.exists()


def test_a_zone_that_was_dropped_meanwhile_keeps_no_page_from_opening(viewer: Client) -> None:
    StaffPreference.objects.create(user=User.objects.get(), language="xx", timezone="Mars/Base")

    assert viewer.get(HOME).status_code == 200


def test_the_database_is_asked_once_in_a_while(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer.get(HOME)

    with CaptureQueriesContext(database) as queries:
        viewer.get(HOME)
    asked = [each for each in queries if "staffpreference" in each["sql"]]
    monkeypatch.setattr(my_settings, "KEPT_SECONDS", -1)
    with CaptureQueriesContext(database) as later:
        viewer.get(HOME)

    assert asked == []
    assert len([each for each in later if "staffpreference" in each["sql"]]) == 1


def test_only_zones_of_places_under_their_present_names_are_offered() -> None:
    names = [name for _area, places in zones.zones() for name, _place in places]

    assert {"Europe/Copenhagen", "America/Argentina/Ushuaia", "Asia/Kolkata"} <= set(names)
    assert not {"Asia/Calcutta", "US/Pacific", "Etc/GMT+3", "Japan", "EST", "UTC"} & set(names)
