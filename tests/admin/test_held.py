"""The page “Who came?”: staff mark without JavaScript, only operators may, and the page costs the same however full."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import held, held_row, parts
from calendly_connector.admin.held_words import SAID
from calendly_connector.models import Booking, Connection, ConsentProof, ContactMirror
from calendly_connector.services import meetings_held, roles
from calendly_connector.services.marking import Said
from calendly_connector.services.meetings_held import Show
from sandbox import scenarios
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row
from tests.factories import make_meeting
from tests.journeys.river import River

PAGE = held.address()
MARK = "https://api.calendly.com/invitee_no_shows"


def make_held(
    connection: Connection,
    name: str = "nadia",
    *,
    who: str = "Nadia Benali",
    ago: timedelta = timedelta(),
    **more: object,
) -> Booking:
    """Return a booking of somebody called `who`, whose meeting ended so long ago, by default just now."""
    end = timezone.now() - ago
    uri = f"https://api.calendly.com/scheduled_events/{name}"
    meeting = make_meeting(start_at=end - timedelta(minutes=30), end_at=end, uri=uri)
    row = make_booking_row(connection, name, meeting=meeting, **more)
    row.name = who
    row.save(update_fields=["name"])
    return row


def book_held(river: River, person: scenarios.Person = scenarios.AMIRA) -> Booking:
    uri = scenarios.book(river.calendly, person, start_time=river.calendly.clock.now() - 3600)
    river.flow()
    return Booking.objects.get(uri=uri)


def press(client: Client, row: Booking, act: str, query: str = "", **extra: str) -> str:
    """Post a button and return the page that follows."""
    answer = client.post(
        reverse(f"admin:{held_row.MARK}", args=[row.pk]) + query, {"act": act}, follow=True, headers=extra or None
    )
    assert answer.status_code == 200
    return answer.content.decode()


def shown(client: Client, query: str = "") -> list[str]:
    """Return whose rows the page shows, in its order."""
    page = client.get(PAGE + query)
    assert page.status_code == 200
    return [line.name for _day, lines in page.context["days"] for line in lines]


def test_every_outcome_has_words() -> None:
    assert SAID.keys() == set(Said)


def test_an_operator_marks_and_takes_back_without_javascript(river: River) -> None:
    cache.clear()
    booking, operator = book_held(river), client_of(roles.OPERATOR)

    marked = press(operator, booking, "no_show", "?show=all")
    river.work()

    assert "Amira Haddad is marked as a no-show in Calendly." in marked
    assert 'data-status="no_show"' in marked
    assert river.contact(booking.person.email)["attributes"]["BOOKING_STATUS"] == "no_show"
    assert "taken back" in press(operator, booking, "undo", "?show=all")
    booking.refresh_from_db()
    assert booking.status == "booked"


def test_a_refusal_says_why_and_changes_nothing(river: River) -> None:
    booking, operator = book_held(river), client_of(roles.OPERATOR)
    river.calendly.add_token("sandbox-calendly-token", scopes="scheduled_events:read")

    page = press(operator, booking, "no_show")

    assert "The Calendly token lacks the scope scheduled_events:write." in page
    booking.refresh_from_db()
    assert booking.status == "booked"


def test_the_row_alone_answers_a_script(river: River) -> None:
    booking, operator = book_held(river), client_of(roles.OPERATOR)

    row = press(operator, booking, "attended", **{held.IN_PLACE: "1"})

    assert row.strip().startswith("<article")
    assert "Amira Haddad counts as having attended. Brevo follows now." in row
    assert 'value="no_show"' in row  # what mends a mistake
    assert "<html" not in row


def test_what_staff_did_is_kept(river: River, staff: Client) -> None:
    booking = book_held(river)

    press(client_of(roles.OPERATOR), booking, "attended")

    history = staff.get(reverse("admin:calendly_connector_booking_history", args=[booking.pk])).content.decode()
    assert "Said that the person attended." in history
    assert "Amira" not in LogEntry.objects.get().get_change_message()  # the audit outlives an erased person


def test_a_viewer_looks_and_marks_nothing(connection: Connection) -> None:
    booking, viewer = make_held(connection), client_of(roles.VIEWER)

    page = viewer.get(PAGE).content.decode()
    refused = viewer.post(reverse(f"admin:{held_row.MARK}", args=[booking.pk]), {"act": "no_show"})

    assert "Nadia Benali" in page
    assert "nadia@example.com" not in page.replace("<wbr>", "")
    assert "cc-held-acts" not in page
    assert refused.status_code == 403
    assert viewer.get(reverse(f"admin:{held_row.RECOVERY}", args=[booking.pk])).status_code == 403


def test_who_may_see_no_bookings_does_not_see_the_page(log_in: Callable[..., Client]) -> None:
    some = log_in("view_notice")

    assert some.get(PAGE).status_code == 403
    assert "Who came?" not in some.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(("method", "act", "code"), [("get", "no_show", 405), ("post", "marry", 404)])
def test_a_button_is_posted_and_known(method: str, act: str, code: int, staff: Client, connection: Connection) -> None:
    address = reverse(f"admin:{held_row.MARK}", args=[make_held(connection).pk])

    assert getattr(staff, method)(address, {"act": act}).status_code == code


def test_the_page_shows_today_and_what_is_older_and_unmarked(staff: Client, connection: Connection) -> None:
    day, mark = timedelta(days=2), "https://api.calendly.com/invitee_no_shows/1"
    make_held(connection, "today", who="Today")
    make_held(connection, "marked", who="Marked today", ago=timedelta(seconds=1), no_show_uri=mark)
    make_held(connection, "older", who="Older", ago=day)
    make_held(connection, "came", who="Came", ago=2 * day, attended_at=timezone.now())
    make_held(connection, "missed", who="Missed", ago=3 * day, no_show_uri=mark)
    make_held(connection, "gone", who="Gone", ago=day, is_canceled=True)
    make_held(connection, "long", who="Long ago", ago=timedelta(days=31))
    make_held(connection, "ahead", who="Ahead", ago=-day)

    assert shown(staff) == ["Today", "Marked today", "Older", "Came"]
    assert shown(staff, "?show=waiting") == ["Today", "Older"]
    assert shown(staff, "?show=no_shows") == ["Marked today", "Missed"]
    assert shown(staff, "?show=all") == ["Today", "Marked today", "Older", "Came", "Missed"]
    assert shown(staff, "?show=nonsense&q=OLD") == ["Older"]
    assert shown(staff, "?q=came@") == ["Came"]
    assert shown(staff, "?host=nobody") == []
    assert shown(staff, "?type=https://api.calendly.com/event_types/none") == []


def test_a_viewer_who_sees_no_addresses_narrows_by_host_all_the_same(connection: Connection) -> None:
    make_held(connection, "nadia", who="Nadia")
    make_held(connection, "tom", who="Tom", ago=timedelta(hours=1))
    Booking.objects.filter(name="Tom").update(host="hugo@example.fr")
    viewer = client_of(roles.VIEWER)

    page = viewer.get(PAGE).content.decode()
    key = re.search(r'<option value="(\w+)">h…@e….fr</option>', page)

    assert key
    assert shown(viewer, f"?host={key[1]}") == ["Tom"]


def test_everybody_of_a_group_meeting_has_a_row_and_the_meeting_counts_once(
    staff: Client, connection: Connection
) -> None:
    now = timezone.now()
    meeting = make_meeting(start_at=now - timedelta(minutes=9), end_at=now)
    for name in ("nadia", "tom"):
        make_booking_row(connection, name, meeting=meeting)
    make_held(connection, "zoe", ago=timedelta(days=5))

    assert len(shown(staff, "?show=waiting")) == 3
    assert meetings_held.waiting_lately() == 1
    home = staff.get(reverse("admin:index")).content.decode()
    assert "1 meeting of yesterday and today is unmarked" in home
    assert f'href="{held.address(Show.WAITING)}"' in home


def test_consent_and_opt_out_are_hinted_at(staff: Client, connection: Connection) -> None:
    booking, now = make_held(connection), timezone.now()
    ContactMirror.objects.create(person=booking.person, opt_out="unsubscribed", opted_out_at=now, told_at=now)
    ConsentProof.objects.create(
        person=booking.person, booking=booking, mode="answer", question="?", answer="Yes", lists=[1], given_at=now
    )

    page = staff.get(PAGE).content.decode()

    assert "Gets no marketing mail: Unsubscribed" in page
    assert "Has consented" in page


def test_the_page_costs_the_same_however_many_there_are(staff: Client, connection: Connection) -> None:
    def asked() -> list[str]:
        staff.get(PAGE)
        with CaptureQueriesContext(database) as queries:
            assert staff.get(f"{PAGE}?show=all").status_code == 200
        return [query["sql"] for query in queries.captured_queries]

    for number in range(2):
        make_held(connection, f"few{number}", ago=timedelta(minutes=number), no_show_uri=f"{MARK}/few{number}")
    few = asked()
    for number in range(60):
        make_held(connection, f"many{number}", ago=timedelta(hours=number), no_show_uri=f"{MARK}/{number}")

    many = asked()

    assert len(many) == len(few) <= 9
    assert all("LIMIT" in sql for sql in many if "COUNT(" in sql)
    assert len(shown(staff, "?show=all")) == held.PER_PAGE
    assert len(shown(staff, "?show=all&page=2")) == 12


def test_what_people_wrote_is_escaped(staff: Client, connection: Connection) -> None:
    make_held(connection, who="<script>alert(1)</script>")

    assert "<script>alert" not in staff.get(PAGE).content.decode()


def test_the_start_page_leads_here(staff: Client, connection: Connection) -> None:
    assert f'<a href="{PAGE}">Who came?</a>' in staff.get(reverse("admin:index")).content.decode()
    assert parts.list_of(Booking) in staff.get(PAGE).content.decode()
