"""Each page shows what staff need to answer "did Anna get the mail, and why not?", and links to the next one."""

import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.admin import parts
from calendly_connector.admin.job import KINDS
from calendly_connector.core.booking import Answer
from calendly_connector.models import BrevoList, Connection, Schedule
from calendly_connector.models.fields import EncryptedTextField
from tests.admin.rows import make_booking_row, make_delivery, make_step
from tests.factories import make_meeting

REQUEST = RequestFactory().get("/")
REQUEST.user = User(is_superuser=True, is_active=True, is_staff=True)


def read(staff: Client, row: object) -> str:
    page = staff.get(parts.page_of(type(row), row.pk))  # type: ignore[arg-type, attr-defined]
    return page.content.decode()


def test_a_delivery_shows_its_body_indented_and_escaped(staff: Client, connection: Connection) -> None:
    body = json.dumps({"event": "invitee.created", "name": "<script>alert(1)</script>"}).encode()

    text = read(staff, make_delivery(connection, body))

    assert "  &quot;name&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in text
    assert "<script>alert(1)" not in text


def test_a_body_that_is_no_json_is_shown_as_it_is(staff: Client, connection: Connection) -> None:
    assert "not \ufffd json" in read(staff, make_delivery(connection, b"not \xff json", state="malformed"))


def test_delivery_booking_person_and_step_link_to_one_another(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    delivery = make_delivery(connection, booking_uri=booking.uri)
    step = make_step(booking, delivery=delivery)
    rows = {"booking": booking, "delivery": delivery, "step": step, "person": booking.person}

    links = {
        (name, other)
        for name, row in rows.items()
        for other, target in rows.items()
        if name != other and f'href="{parts.page_of(type(target), target.pk)}"' in read(staff, row)
    }

    assert links == {(name, other) for name in rows for other in rows if name != other}


def test_a_booking_shows_answers_time_place_and_hosts(staff: Client, connection: Connection) -> None:
    answers = (Answer(question="Company", answer="<b>Benali</b>"),)

    text = read(staff, make_booking_row(connection, timezone="Asia/Tokyo", answers=answers))

    assert "&lt;b&gt;Benali&lt;/b&gt;" in text
    assert "Thu 03 Dec 2026, 18:00–18:30" in text
    assert "Asia/Tokyo" in text
    assert "Camille Durand (camille@example.fr)" in text
    assert 'href="https://zoom.example/j/81"' in text


def test_a_location_is_a_link_only_when_it_is_an_address(staff: Client, connection: Connection) -> None:
    meeting = make_meeting(location="javascript:alert(1)", join_url="")

    assert 'href="javascript' not in read(staff, make_booking_row(connection, meeting=meeting))


def test_a_moved_booking_shows_the_whole_chain(staff: Client, connection: Connection) -> None:
    first = make_booking_row(connection, "nadia-first")
    second = make_booking_row(connection, "nadia-second", old_invitee=first.uri)
    third = make_booking_row(connection, "nadia-third", old_invitee=second.uri)
    for old, new in ((first, second), (second, third)):
        old.successor = new.uri
        old.save()

    text = read(staff, second)

    assert text.index(parts.page_of(type(first), first.pk)) < text.index("(this one)")
    assert text.index("(this one)") < text.index(parts.page_of(type(third), third.pk))


def test_a_step_shows_what_was_sent_with_the_names_of_lists(staff: Client, connection: Connection) -> None:
    BrevoList.objects.create(account=connection.brevo_account, number=4, name="Demos", read_at=timezone.now())
    request = {
        "attributes": {"COMPANY": "Benali"},
        "lists": [4],
        "remember": {"pushed_digest": "internal"},
    }

    text = read(staff, make_step(make_booking_row(connection), kind="contact", request=request))

    assert "#4 Demos" in text
    assert "<td>COMPANY</td><td><span data-told>Benali</span></td>" in text
    assert "internal" not in text


def test_secrets_are_shown_as_set_and_never_as_text(staff: Client, connection: Connection, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = "token-not-to-be-seen"
    settings.BREVO_API_KEY = "key-not-to-be-seen"
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    text = read(staff, connection)

    assert "not-to-be-seen" not in text
    assert (text.count("</span>Set<"), text.count("</span>Not set<")) == (2, 1)
    assert "http://testserver/webhooks/calendly</code>" in text


def test_no_page_offers_a_secret_as_a_field() -> None:
    for model, page in admin.site._registry.items():
        secret = {field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)}
        assert not secret & {*flatten(page.list_display), *flatten_fieldsets(page.get_fieldsets(REQUEST))}


def test_a_stored_secret_is_said_to_be_stored(staff: Client, connection: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    connection.access_token = "token-not-to-be-seen"
    connection.save()

    text = read(staff, connection)

    assert "Stored here, encrypted" in text
    assert "not-to-be-seen" not in text


def test_another_connection_shows_its_own_address(staff: Client, connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(is_environment=False)

    assert f"/webhooks/calendly/{connection.webhook_token}</code>" in read(staff, connection)


def test_every_kind_of_job_has_words() -> None:
    assert KINDS.keys() == tasks.TASKS.keys()


def test_every_state_of_every_page_has_a_tone() -> None:
    for page in admin.site._registry.values():
        if tones := getattr(page, "tones", None):
            assert set(tones) == {value for value, _ in page.model._meta.get_field("state").flatchoices}


@pytest.mark.parametrize(("seconds", "status"), [("1", 200), ("30", 302)])
def test_a_schedule_takes_a_sensible_interval_only(seconds: str, status: int, staff: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    row = Schedule.objects.create(name="prune", every_seconds=86_400, next_run_at=later)

    page = staff.post(parts.page_of(Schedule, row.pk), {"every_seconds": seconds, "is_enabled": "on"})

    row.refresh_from_db()
    assert page.status_code == status
    assert (row.next_run_at < later) == (status == 302)  # a shorter interval counts at once


def test_the_schedule_that_deletes_shows_what_is_kept_how_long(staff: Client, settings: Settings) -> None:
    now = timezone.now()
    settings.KEEP_LOG_DAYS, settings.KEEP_DEBUG_DAYS = 200, 0
    pruning = Schedule.objects.create(name="prune", every_seconds=86_400, next_run_at=now, last_result="No disk")
    other = Schedule.objects.create(name="sweep", every_seconds=15, next_run_at=now)

    page = read(staff, pruning)

    assert "What Calendly posted" in page
    assert "200 days" in page
    assert f"{now - timedelta(days=200):%Y-%m-%d}" in page
    assert "For ever" in page
    assert "No disk" in page
    assert "KEEP_LOG_DAYS" not in read(staff, other)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 302),
        ({"timezone": "Europe/Atlantis"}, 200),
        ({"phone_region": "XX"}, 200),
        ({"phone_region": "dk"}, 302),
    ],
)
def test_a_connection_refuses_zones_and_countries_that_do_not_exist(
    changes: dict[str, str], status: int, staff: Client, connection: Connection
) -> None:
    form = {"name": "Main", "is_active": "on", "timezone": "Europe/Paris", "phone_region": ""}
    form |= {"grace_hours": "24", "guest_policy": "ignore"}

    page = staff.post(parts.page_of(Connection, connection.pk), form | changes)

    assert page.status_code == status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (5, "in a moment"),
        (-180, "3 min ago"),
        (-7200, "2 h ago"),
        (-86_400, "1 day ago"),
        (3 * 86_400 + 5, "in 3 days"),
    ],
)
def test_ages_are_words(seconds: float, words: str) -> None:
    assert parts.distance(seconds) == words
