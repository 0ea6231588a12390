"""Managers make booking pages, everybody sees who booked on them, and mistakes are named where they were made."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import BookingPage, BookingRequest, Connection, EventType
from calendly_connector.services import roles
from tests.admin.people import client_of
from tests.admin.rows import make_connection, make_some_of_everything

DEMO, CALL = "https://api.calendly.com/event_types/demo", "https://api.calendly.com/event_types/call"
ADD = "/admin/calendly_connector/bookingpage/add/"


@pytest.fixture
def kinds(connection: Connection) -> Connection:
    """Return a connection with two event types."""
    for uri, name in ((CALL, "Call"), (DEMO, "Demo")):
        EventType.objects.create(connection=connection, uri=uri, name=name, read_at=timezone.now())
    return connection


def filled(connection: Connection, **changes: Any) -> dict[str, Any]:
    """Return a form as the page posts it: both types ticked, the second one first."""
    types = {"event_types_shown": [CALL, DEMO], "event_types": [CALL, DEMO], "event_types_0": "2", "event_types_1": "1"}
    words = {"title": "Talk to us", "slug": "", "intro": "", "consent_text": "", "allowed_origins": "", "theme": ""}
    return {"connection": connection.pk, "days_ahead": "30", "is_active": "on", **words, **types, **changes}


def test_a_manager_makes_a_page_with_its_types_in_order(kinds: Connection) -> None:
    sites, theme = "https://Example.com/\n\nhttps://shop.example.com", "accent: #0b5cad;\n--book-radius: 4px\n"

    answer = client_of(roles.MANAGER).post(ADD, filled(kinds, allowed_origins=sites, theme=theme))

    assert answer.status_code == 302
    page = BookingPage.objects.get()
    assert (page.slug, page.event_types) == ("talk-to-us", [DEMO, CALL])
    assert page.allowed_origins == ["https://example.com", "https://shop.example.com"]
    assert page.theme == {"accent": "#0b5cad", "radius": "4px"}


def test_the_only_connection_is_chosen_beforehand_and_of_several_none(kinds: Connection) -> None:
    manager = client_of(roles.MANAGER)
    chosen = f'<option value="{kinds.pk}" selected>'
    first = manager.get(ADD).content.decode()
    make_connection("Other", is_environment=False)

    assert chosen in first and chosen not in manager.get(ADD).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"allowed_origins": "https://ok.example\nhttps://*.example.com"}, "“https://*.example.com” is no site."),
        ({"theme": "accent: red;}"}, "“red;}” is no colour for accent."),
        ({"theme": "radius: 4"}, "“4” is no length for radius."),
        ({"theme": "colour: #000"}, "“colour” is none of: accent,"),
        ({"theme": "font: url(x)"}, "“url(x)” are no font names"),
        ({"event_types": []}, "Tick at least one event type."),
        ({"title": "???"}, "Write an address"),
        ({"days_ahead": "0"}, "Write a number of days from 1 to 365."),
        ({"event_types_shown": ["x"], "event_types": ["x"]}, "Tick event types of “Main” only."),
    ],
)
def test_a_mistake_is_named(kinds: Connection, changes: dict[str, Any], words: str) -> None:
    answer = client_of(roles.MANAGER).post(ADD, filled(kinds, **changes))

    assert answer.status_code == 200
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert not BookingPage.objects.exists()


def test_types_of_another_connection_are_refused(kinds: Connection) -> None:
    other = make_connection("Other", is_environment=False)

    answer = client_of(roles.MANAGER).post(ADD, filled(other))

    assert "Tick event types of “Other” only." in answer.content.decode()


def test_a_page_keeps_a_type_that_calendly_dropped_until_it_is_unticked(kinds: Connection) -> None:
    page = BookingPage.objects.create(connection=kinds, slug="talk", title="Talk", event_types=["gone", DEMO])
    manager, address = client_of(roles.MANAGER), parts.page_of(BookingPage, page.pk)

    shown = manager.get(address).content.decode()
    assert "doesn&#x27;t offer any more (gone)" in shown or "doesn't offer any more (gone)" in shown
    types = {"event_types_shown": ["gone", DEMO, CALL], "event_types": [DEMO, "gone"], "event_types_0": "9"}
    manager.post(address, filled(kinds, slug="talk", **{**types, "event_types_1": "1", "event_types_2": ""}))

    page.refresh_from_db()
    assert page.event_types == [DEMO, "gone"]


def test_the_page_has_its_address_its_snippet_and_who_booked(kinds: Connection, staff: Client) -> None:
    page = BookingPage.objects.create(connection=kinds, slug="talk", title="Talk", event_types=[DEMO])

    shown = staff.get(parts.page_of(BookingPage, page.pk)).content.decode()

    assert (
        'href="/book/talk" target="_blank" rel="noopener">http://testserver/book/talk<' in shown
        and f"page__id__exact={page.pk}" in shown
    )
    assert "&lt;script src=&quot;http://testserver/book/embed.js&quot; data-page=&quot;talk&quot; async&gt;" in shown
    assert "no site may embed it yet" in shown and "0 of 10 in the last minute" in shown


def test_a_viewer_looks_at_pages_and_requests_and_sees_no_address(db: None) -> None:
    make_some_of_everything(1)
    viewer, page, row = client_of(roles.VIEWER), BookingPage.objects.get(), BookingRequest.objects.get()

    shown = viewer.get(parts.page_of(BookingPage, page.pk)).content.decode()
    asked = viewer.get(parts.page_of(BookingRequest, row.pk)).content.decode()

    assert 'name="title"' not in shown and "Discovery call" in shown
    assert "Booked" in asked and "Benali" in asked and row.email not in asked.replace("<wbr>", "")
    assert viewer.post(parts.page_of(BookingPage, page.pk), {"title": "Mine"}).status_code == 403
