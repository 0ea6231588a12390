"""The way back of a no-show: a link of their own, made by a click alone, once, and matched back to its booking."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import held, held_row
from calendly_connector.models import Booking, Connection, SchedulingLink
from calendly_connector.services import roles
from sandbox.calendly_world import DISCOVERY
from tests.admin.people import client_of
from tests.admin.rows import make_link
from tests.admin.test_held import MARK, PAGE, book_held, make_held, press
from tests.journeys.river import River


def way_back(row: Booking) -> str:
    return reverse(f"admin:{held_row.RECOVERY}", args=[row.pk])


def links_made(river: River) -> int:
    return len(river.sandbox.world.journal.calls("calendly", method="POST", template="/scheduling_links"))


def missed(river: River, operator: Client) -> Booking:
    """Return a booking whose person was marked as a no-show."""
    booking = book_held(river)
    press(operator, booking, "no_show")
    return booking


def shown_link(page: str, booking: Booking) -> str:
    """Return the address that is ready to be copied; empty without one."""
    found = re.search(rf'id="link-{booking.pk}" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def test_a_link_to_book_again_is_made_by_a_click_alone_and_only_once(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)

    assert f'action="{way_back(booking)}?show=all"' in operator.get(f"{PAGE}?show=all").content.decode()
    assert "Make a link to book again" in operator.get(way_back(booking)).content.decode()
    assert links_made(river) == 0
    made = operator.post(way_back(booking)).content.decode()
    address = shown_link(made, booking)

    link = SchedulingLink.objects.get()
    assert (link.state, link.email, link.event_type) == ("live", booking.person.email, booking.event_type)
    assert address.startswith(f"{link.url}?name=Amira+Haddad&email=amira.haddad%40example.com&")
    assert address.endswith(f"utm_campaign=no_show&utm_source=recovery&utm_medium=email&utm_content={link.tag}")
    assert "It can be booked with once, until " in made
    assert 'href="mailto:amira.haddad%40example.com?subject=Shall%20we%20find%20another%20time%3F&amp;body=' in made
    assert [shown_link(operator.get(each).content.decode(), booking) for each in (PAGE, way_back(booking))] == [
        address,
        address,
    ]
    assert shown_link(operator.post(way_back(booking)).content.decode(), booking) == address
    assert links_made(river) == 1


def test_a_booking_made_with_the_link_is_matched_back_to_it(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    address = shown_link(operator.post(way_back(booking)).content.decode(), booking)
    given = dict(parse_qsl(urlsplit(address).query))

    again = river.calendly.book(
        email=given["email"], tracking={key: value for key, value in given.items() if key.startswith("utm_")}
    )
    river.flow()

    link = SchedulingLink.objects.get()
    assert (link.state, link.booking and link.booking.uri) == ("used", again)
    assert shown_link(operator.get(PAGE).content.decode(), booking) == ""
    assert shown_link(operator.post(way_back(booking)).content.decode(), booking) not in ("", address)


def test_a_link_of_a_campaign_is_used_again(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    make_link(
        booking, event_type=booking.event_type, state="live", url="https://calendly.com/d/a-b/demo",
        made_at=timezone.now(), expires_at=timezone.now() + timedelta(days=80),
    )  # fmt: skip

    for page in (operator.get(PAGE), operator.post(way_back(booking))):
        assert shown_link(page.content.decode(), booking).startswith("https://calendly.com/d/a-b/demo?name=Amira")

    assert links_made(river) == 0


def test_an_expired_link_is_offered_to_nobody(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    make_link(
        booking, event_type=booking.event_type, state="live", url="https://calendly.com/d/a-b/demo",
        expires_at=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip

    assert shown_link(operator.get(PAGE).content.decode(), booking) == ""
    assert "/d/a-b/" not in shown_link(operator.post(way_back(booking)).content.decode(), booking)
    assert links_made(river) == 1


def test_without_the_scope_the_common_page_serves_and_says_why(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    river.break_calendly(
        "status", "/scheduling_links", method="POST", status=403,
        body={"title": "Insufficient scope", "message": "…", "required_scopes": ["scheduling_links:write"]},
    )  # fmt: skip

    page = operator.post(way_back(booking)).content.decode()

    assert shown_link(page, booking) == (
        "https://calendly.com/camille-durand/discovery-call?name=Amira+Haddad&email=amira.haddad%40example.com"
        "&utm_campaign=no_show&utm_source=recovery&utm_medium=email"
    )
    assert "common page, for a link that works once could not be made." in page
    assert "The Calendly token lacks the scope scheduling_links:write." in page
    assert not SchedulingLink.objects.exists()  # nothing waits to be made
    river.mend()
    assert "/d/" in shown_link(operator.post(way_back(booking)).content.decode(), booking)


def test_a_lost_answer_leaves_nobody_with_two_links(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    river.break_calendly("commit_then_reset", "/scheduling_links", method="POST", times=None)

    assert "discovery-call" in shown_link(operator.post(way_back(booking)).content.decode(), booking)
    river.mend()
    assert "/d/" in shown_link(operator.post(way_back(booking)).content.decode(), booking)
    assert SchedulingLink.objects.get().state == "live"


def test_an_event_type_that_is_off_has_no_way_back(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    river.calendly.edit_event_type(DISCOVERY, active=False)

    page = operator.post(way_back(booking)).content.decode()

    assert "be booked any more" in page
    assert (shown_link(page, booking), links_made(river)) == ("", 0)


def test_a_row_whose_mark_was_taken_back_meanwhile_gets_no_link(river: River) -> None:
    operator = client_of(roles.OPERATOR)
    booking = missed(river, operator)
    press(operator, booking, "undo")

    row = operator.post(way_back(booking), headers={held.IN_PLACE: "1"}).content.decode()

    assert "Amira Haddad isn’t marked as a no-show any more." in row
    assert links_made(river) == 0


def test_who_may_mark_nobody_makes_no_link(log_in: Callable[..., Client], connection: Connection) -> None:
    booking = make_held(connection, no_show_uri=f"{MARK}/1")
    some = log_in("view_booking", "view_addresses")

    assert "Make a link" not in some.get(PAGE).content.decode()
    assert some.get(way_back(booking)).status_code == 200
    assert some.post(way_back(booking)).status_code == 403
