"""The page of links: managers look, start and refill; operators stop; what was made is listed with its use."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import page, parts
from calendly_connector.models import LinkRun, SchedulingLink
from calendly_connector.services import catalogue, roles
from calendly_connector.services import connection as connections
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row, make_link
from tests.admin.test_history_in_browser import finish
from tests.journeys.river import River


@pytest.fixture
def number(river: River) -> int:
    """Return a list of three contacts that the catalogue knows."""
    found = river.brevo.add_list("Campaign")
    for each in range(3):
        river.brevo.add_contact(f"p{each}@example.com", list_ids=[found])
    catalogue.refresh_lists(river.account, connections.brevo_client(river.account))
    catalogue.refresh_event_types(river.connection)
    return found


def form(river: River, number: int, **more: str) -> dict[str, str]:
    kind = river.connection.event_types.get(name="Discovery call")
    wish = {"event_type": kind.uri, "list_number": str(number), "attribute": "booking_link"}
    return {**wish, "utm_source": "brevo", **more}


def test_a_manager_looks_starts_and_sees_what_came_of_it(river: River, number: int) -> None:
    manager, address = client_of(roles.MANAGER), page.address_of(river.connection, "links")
    looked = manager.post(address, form(river, number, look="1")).content.decode()

    assert "The list has 3 contacts." in looked
    assert "3 links would be made." in looked
    assert "Brevo has no attribute BOOKING_LINK yet" in looked
    assert not LinkRun.objects.exists()

    changed = form(river, number, start="1", looked=mark_of(looked), utm_campaign="spring")
    unseen = manager.post(address, changed).content.decode()
    assert "You changed what is asked for." in unseen
    assert not LinkRun.objects.exists()
    assert mark_of(unseen) not in ("", mark_of(looked))

    started = manager.post(address, form(river, number, start="1", looked=mark_of(looked)))
    row = LinkRun.objects.get()
    assert started.headers["Location"] == parts.page_of(LinkRun, row.pk)
    assert (row.asked_by, row.attribute, row.tracking) == ("vera", "BOOKING_LINK", {"utm_source": "brevo"})
    river.work()
    river.hurry()
    shown = manager.get(parts.page_of(LinkRun, row.pk)).content.decode()
    assert "3 of 3 links made" in shown
    assert "{{ contact.BOOKING_LINK|default:" in shown.replace("&#x27;", "'")
    assert "https://calendly.com/" in row.fallback
    assert "<td>Can be used</td><td>3</td>" in shown
    river.calendly.book(email="p0@example.com", tracking={"utm_content": SchedulingLink.objects.earliest("pk").tag})
    river.flow()
    shown = manager.get(parts.page_of(LinkRun, row.pk)).content.decode()
    assert "<td>Can be used</td><td>2</td>" in shown
    assert "<td>Used</td><td>1</td>" in shown


def test_a_refill_tells_how_many_and_how_long_before_it_is_begun(river: River, number: int) -> None:
    manager, address = client_of(roles.MANAGER), page.address_of(river.connection, "links")
    looked = manager.post(address, form(river, number, look="1")).content.decode()
    manager.post(address, form(river, number, start="1", looked=mark_of(looked)))
    finish_links(river)
    row = LinkRun.objects.get(state="finished")
    SchedulingLink.objects.filter(email="p1@example.com").update(state="expired")
    wish = {"action": "refill", "_selected_action": str(row.pk), "from_row": "1"}

    asked = manager.post(parts.list_of(LinkRun), wish).content.decode()

    assert "The list has 3 contacts. 1 link would be made." in asked
    assert "Calendly allows 500 calls a minute: that takes about 1 minute" in asked
    assert LinkRun.objects.count() == 1
    del river.brevo.state.attributes["BOOKING_LINK"]  # it is made again
    manager.post(parts.list_of(LinkRun), {**wish, "confirmed": "yes"})
    finish_links(river)
    again = LinkRun.objects.latest("pk")
    assert (again.made, again.state) == (1, "finished")
    assert SchedulingLink.objects.filter(email="p1@example.com", state="live").count() == 1


def test_a_refill_that_can_not_be_done_says_why(river: River, number: int, staff: Client) -> None:
    kind = river.connection.event_types.get(name="Discovery call")
    values = {"connection": river.connection, "event_type": kind.uri, "asked_at": timezone.now(), "attribute": "A_LINK"}
    rows = [
        LinkRun.objects.create(**values, list_number=number, state="finished", finished_at=timezone.now())
        for _each in range(2)
    ]
    several = {"action": "refill", "_selected_action": [str(row.pk) for row in rows]}

    both = staff.post(parts.list_of(LinkRun), several, follow=True).content.decode()
    river.calendly.edit_event_type(kind.uri, active=False)
    one = staff.post(parts.list_of(LinkRun), {**several, "_selected_action": str(rows[0].pk)}, follow=True)

    assert "Choose one run for a list that is over." in both
    assert "is switched off in Calendly" in one.content.decode()
    assert LinkRun.objects.count() == 2


def test_what_can_not_be_done_is_said_on_the_form(river: River, number: int) -> None:
    manager = client_of(roles.MANAGER)
    wish = form(river, number, look="1", attribute="FIRSTNAME")

    shown = manager.post(page.address_of(river.connection, "links"), wish).content.decode()

    assert "errornote" in shown
    assert "hold links" in shown
    assert not LinkRun.objects.exists()


def test_an_operator_stops_what_a_manager_refills(river: River, number: int, staff: Client) -> None:
    operator = client_of(roles.OPERATOR)
    assert operator.post(page.address_of(river.connection, "links"), form(river, number)).status_code == 403
    row = LinkRun.objects.create(
        connection=river.connection, event_type="t", attribute="A", list_number=number, asked_at=timezone.now()
    )

    act(operator, row, "pause")
    row.refresh_from_db()
    assert row.state == "paused"
    act(operator, row, "refill")
    act(operator, row, "cancel")
    row.refresh_from_db()
    assert (row.state, LinkRun.objects.count()) == ("canceled", 1)
    act(staff, row, "refill")
    assert LinkRun.objects.filter(is_refill=True, state="running").count() == 1


def test_each_link_shows_its_use(river: River, staff: Client) -> None:
    booking = make_booking_row(river.connection)
    make_link(booking, state="used", booking=booking, email="somebody.else@example.com")
    live = make_link(booking, state="live", url="https://calendly.com/d/x", tag="another", email="third@example.com")

    shown = staff.get(parts.list_of(SchedulingLink)).content.decode()
    assert "By another address" in shown
    assert parts.page_of(type(booking), booking.pk) in shown
    staff.post(
        parts.list_of(SchedulingLink), {"action": "put_aside", "_selected_action": str(live.pk), "confirmed": "yes"}
    )

    live.refresh_from_db()
    assert live.state == "replaced"


def finish_links(river: River) -> None:
    """Let the run that is under way end."""
    finish(river, lambda: not LinkRun.objects.filter(finished_at=None).exists())


def mark_of(shown: str) -> str:
    """Return what the page carries along for what it has looked at."""
    found = re.search(r'name="looked" value="(\w+)"', shown)
    return found[1] if found else ""


def act(client: Client, row: LinkRun, action: str) -> None:
    client.post(parts.list_of(LinkRun), {"action": action, "_selected_action": str(row.pk), "confirmed": "yes"})
