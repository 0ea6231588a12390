"""Whoever may not see people's addresses finds none on any page; everybody else sees them."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from html import unescape
from io import BytesIO

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import page, parts
from calendly_connector.admin.connection_pages import PAGES
from calendly_connector.admin.mask import MaskAddresses
from calendly_connector.core.booking import Answer
from calendly_connector.models import Booking, BrevoAttribute, Connection, FieldMapping, Person, WebhookDelivery
from calendly_connector.services import roles
from tests.admin.people import client_of, make_member
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_some_of_everything, make_step

SECRET = re.compile(r"planted|(zoe|nadia\d)(<wbr>)?(@|%40)|\+4511223344")
PLANTED = "planted.person@secret.example"


def plant(model: type[models.Model]) -> None:
    """Write an address into every text of every row that has room for one."""
    for column in model._meta.fields:
        is_free = isinstance(column, models.CharField | models.TextField) and not column.choices and not column.unique
        room = getattr(column, "max_length", None) or 100
        if is_free and room > 60 and column.name not in ("uri", "token", "event_type"):
            with suppress(IntegrityError), transaction.atomic():  # two rows of this model may not say the same
                model._default_manager.update(**{column.name: f"Told by {PLANTED} +4511223344"})


@pytest.fixture
def planted(db: None) -> list[str]:
    """Plant addresses everywhere and return every page that shows a row."""
    make_some_of_everything(2)
    make_booking_row(Connection.objects.earliest("pk"), "zoe")
    body = b'{"email": "zoe@example.com", "payload": {"email": "planted.person@secret.example"}}'
    WebhookDelivery.objects.update(body=body)
    rows = [model for model in admin.site._registry if model._meta.app_label == roles.APP]
    for model in rows:
        plant(model)
    lists = [parts.list_of(model) for model in rows]
    pages = [parts.page_of(model, key) for model in rows for key in model._default_manager.values_list("pk", flat=True)]
    desk = [page.address_of(row, each.name) for row in Connection.objects.all() for each in PAGES]
    return [reverse("admin:index"), *lists, *pages, *desk]


def test_a_viewer_sees_no_address_on_any_page(planted: list[str]) -> None:
    viewer = client_of(roles.VIEWER)

    read = {address: viewer.get(address) for address in planted}

    opened = {address: answer.content.decode() for address, answer in read.items() if answer.status_code == 200}
    assert len(opened) > 40
    assert {address: SECRET.findall(text) for address, text in opened.items() if SECRET.search(text)} == {}
    assert "p…@s….example" in opened[parts.page_of(Booking, Booking.objects.earliest("pk").pk)]


def test_an_operator_sees_them(planted: list[str]) -> None:
    operator = client_of(roles.OPERATOR)

    shown = operator.get(parts.list_of(Person)).content.decode()

    assert "zoe<wbr>@example.com" in shown or "zoe@example.com" in shown


def test_names_stay(db: None) -> None:
    make_some_of_everything(1)
    booking = Booking.objects.earliest("pk")

    assert booking.name in client_of(roles.VIEWER).get(parts.page_of(Booking, booking.pk)).content.decode()


@pytest.mark.django_db
def test_searching_by_address_finds_and_shows_it_masked() -> None:
    make_some_of_everything(2)
    make_booking_row(Connection.objects.earliest("pk"), "zoe")

    answer = client_of(roles.VIEWER).get(parts.list_of(Person, q="zoe@example.com"))

    assert answer.context["cl"].result_count == 1
    assert "z…@e….com" in answer.content.decode()
    assert not re.search("zoe(<wbr>)?@", answer.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("role", [roles.VIEWER, roles.OPERATOR])
def test_a_persons_deliveries_are_found_whether_or_not_the_address_is_seen(role: str) -> None:
    connection = make_connection()
    booking = make_booking_row(connection, "zoe")
    make_delivery(connection, booking_uri=booking.uri)
    make_delivery(connection, email="zoe@example.com")
    make_delivery(connection, email="leo@example.com")
    client = client_of(role)
    shown = client.get(parts.page_of(Person, booking.person_id)).content.decode()
    found = re.search(r'href="([^"]+)">All webhook deliveries', shown)
    assert found

    answer = client.get(unescape(found[1]))

    assert answer.context["cl"].result_count == 2


def test_what_the_start_page_tells_of_others_work_is_masked(db: None) -> None:
    viewer = make_member(roles.VIEWER)
    kind = ContentType.objects.get_for_model(Person)
    LogEntry.objects.create(user=viewer, content_type=kind, object_id="1", object_repr=PLANTED, action_flag=CHANGE)
    client = Client()
    client.force_login(viewer)

    assert "p…@s….example" in client.get(reverse("admin:index")).content.decode()


@pytest.mark.django_db
def test_the_login_page_shows_again_what_was_typed() -> None:
    answer = Client().post(reverse("admin:login"), {"username": "anna@example.com", "password": "wrong"})

    assert "anna@example.com" in answer.content.decode()


NATIONAL = "40 12 34 56"
CANCEL = "https://calendly.com/cancellations/e2f4-1"


@pytest.fixture
def told(db: None) -> list[str]:
    """Return the pages that show what one person told us: a number, and a link that acts for them."""
    connection = make_connection()
    account, now = connection.brevo_account, timezone.now()
    BrevoAttribute.objects.create(account=account, name="PHONE", kind="text", read_at=now)
    FieldMapping.objects.create(connection=connection, source="answer:Your phone?", attribute="PHONE")
    booking = make_booking_row(
        connection, answers=(Answer(question="Your phone?", answer=NATIONAL),), cancel_url=CANCEL
    )
    payload = {"answer": f"Call me:\n{NATIONAL}", "cancel_url": CANCEL, "created_at": "2026-11-22T10:15:04.000000Z"}
    delivery = make_delivery(connection, json.dumps({"payload": payload}).encode(), booking_uri=booking.uri)
    step = make_step(booking, "contact", request={"attributes": {"PHONE": NATIONAL}})
    rows = (booking, booking.person, delivery, step)
    return [*(parts.page_of(type(row), row.pk) for row in rows), preview_of(connection, booking)]


def preview_of(connection: Connection, booking: Booking) -> str:
    return f"{page.address_of(connection, 'preview')}?booking={booking.pk}"


def test_a_viewer_sees_no_phone_number_and_gets_no_link_that_acts(told: list[str]) -> None:
    viewer = client_of(roles.VIEWER)

    texts = {address: viewer.get(address).content.decode() for address in told}

    assert {
        address for address, text in texts.items() if NATIONAL in text or NATIONAL.replace(" ", "") in text
    } == set()
    assert {address for address, text in texts.items() if "cancellations" in text or "Cancel it" in text} == set()
    assert all("40…56" in texts[address] for address in told if "person/" not in address)
    assert "2026-11-22T10:15:04.000000Z" in texts[told[2]]


def test_an_operator_sees_the_number_and_gets_the_links(told: list[str]) -> None:
    operator = client_of(roles.OPERATOR)

    texts = [operator.get(address).content.decode() for address in told]

    assert [NATIONAL in text for text in texts] == [True, False, True, True, True]
    assert [f'href="{CANCEL}"' in text for text in texts] == [True, True, False, False, False]


TEXT = "é zoe@example.com and planted.person@secret.example\n".encode()
ANSWERS: dict[str, Callable[[], HttpResponseBase]] = {
    "json": lambda: JsonResponse({"email": "zoe@example.com"}),
    "stream": lambda: StreamingHttpResponse(
        [TEXT[:1], TEXT[1:7], TEXT[7:30], TEXT[30:]], content_type="text/csv; charset=utf-8"
    ),
    "file": lambda: FileResponse(
        BytesIO(TEXT), content_type="text/plain; charset=utf-8", headers={"Content-Length": str(len(TEXT))}
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_of_answer_is_masked(kind: str, rf: RequestFactory) -> None:
    request: HttpRequest = rf.get(reverse("admin:index"))
    request.user = make_member(roles.VIEWER)

    response = MaskAddresses(lambda request: ANSWERS[kind]())(request)

    sent = b"".join(response)
    assert "z…@e….com" in sent.decode()
    assert not SECRET.search(sent.decode())
    assert response.get("Content-Length", str(len(sent))) == str(len(sent))


@pytest.mark.django_db
def test_a_member_reads_their_own_address(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get(reverse("admin:index"))
    request.user = User.objects.create_user("vera@example.com", is_staff=True)

    response = MaskAddresses(lambda request: JsonResponse({"welcome": "vera@example.com"}))(request)

    assert b"vera@example.com" in b"".join(response)
