"""Keys to the API: shown on one page and nowhere else, made for oneself, revoked by whoever manages."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import ApiToken
from calendly_connector.services import api_tokens, roles
from tests.admin.people import client_of

pytestmark = pytest.mark.django_db
ADD = parts.list_of(ApiToken) + "add/"


def add(client: Client, user: User, **fields: str) -> str:
    """Make a key and return the page that follows."""
    answer = client.post(ADD, {"name": "CRM", "user": user.pk, **fields})
    assert answer.status_code == 200
    return answer.content.decode()


def token_in(page: str) -> str:
    return page.partition('id="cc-token">')[2].partition("<")[0]


def test_a_token_is_shown_once_and_opens_the_api(staff: Client) -> None:
    anna = User.objects.get(username="anna")

    token = token_in(add(staff, anna))

    row = ApiToken.objects.get()
    assert api_tokens.find(token) == row
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/people", headers=headers).status_code == 200
    for page in (parts.list_of(ApiToken), parts.page_of(ApiToken, row.pk), parts.list_of(LogEntry)):
        text = staff.get(page).content.decode()
        assert token not in text
        assert (row.hint in text) or page == parts.list_of(LogEntry)


def test_the_token_is_kept_nowhere(staff: Client) -> None:
    answer = staff.post(ADD, {"name": "CRM", "user": User.objects.get(username="anna").pk})
    token = token_in(answer.content.decode())

    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    kept += [str(values) for model in (ApiToken, LogEntry) for values in model._default_manager.values_list()]
    kept += [morsel.value for morsel in answer.cookies.values()]

    assert token and not any(token in text for text in kept)
    assert "no-store" in answer["Cache-Control"]


def test_a_manager_makes_keys_for_nobody_else(staff: Client) -> None:
    anna = User.objects.get(username="anna")
    manager = client_of(roles.MANAGER)
    vera = User.objects.get(username="vera")

    refused = manager.post(ADD, {"name": "CRM", "user": anna.pk})
    add(manager, vera)

    assert "Select a valid choice" in refused.content.decode()
    assert [row.user for row in ApiToken.objects.all()] == [vera]


@pytest.mark.parametrize("role", [roles.VIEWER, roles.OPERATOR])
def test_others_make_and_revoke_none(role: str) -> None:
    row, _token = api_tokens.make(name="CRM", user=User.objects.create_user("robot"))
    client = client_of(role)

    answers = [
        client.get(ADD),
        client.post(parts.page_of(ApiToken, row.pk).replace("change", "delete"), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert ApiToken.objects.count() == 1


def test_a_manager_revokes_a_key(staff: Client) -> None:
    row, token = api_tokens.make(name="CRM", user=User.objects.get(username="anna"))

    client_of(roles.MANAGER).post(parts.page_of(ApiToken, row.pk).replace("/change/", "/delete/"), {"post": "yes"})

    assert api_tokens.find(token) is None


def test_nobody_changes_a_key(staff: Client) -> None:
    row, _token = api_tokens.make(name="CRM", user=User.objects.get(username="anna"))

    assert staff.post(parts.page_of(ApiToken, row.pk), {"name": "Other"}).status_code == 403


def expire(row: ApiToken) -> None:
    ApiToken.objects.update(expires_at=timezone.now())


def switch_off(row: ApiToken) -> None:
    User.objects.filter(pk=row.user_id).update(is_active=False)


@pytest.mark.parametrize(
    ("act", "words"), [(lambda row: None, "Valid"), (expire, "Expired"), (switch_off, "User switched off")]
)
def test_the_list_says_whether_a_key_opens_anything(staff: Client, act: Callable[[ApiToken], None], words: str) -> None:
    row, _token = api_tokens.make(name="CRM", user=User.objects.create_user("robot"))
    act(row)

    assert words in staff.get(parts.list_of(ApiToken)).content.decode()
