"""The stand-in and Calendly's OpenAPI file name the same routes, and every sample of a webhook is as the file says.

That each single answer fits the file is checked in every test that uses the fixture `calendly`.
"""

import pytest

from sandbox.app import Sandbox
from sandbox.calendly_access import NEEDED
from sandbox.calendly_subscriptions import NAMES, ONLY_IN
from sandbox.calendly_world import CAMILLE, ORGANIZATION
from tests.sandbox.calendly_api import Api
from tests.sandbox.openapi import Spec


def test_every_route_is_in_the_file_and_every_operation_has_a_route(
    _running_sandbox: Sandbox, calendly_spec: Spec
) -> None:
    assert set(_running_sandbox.calendly.router.templates()) == calendly_spec.operations()


def test_every_operation_but_oauth_needs_the_scopes_of_the_file(calendly_spec: Spec) -> None:
    of_the_file = {operation: calendly_spec.scopes(*operation) for operation in calendly_spec.operations()}

    assert {operation: list(scopes) for operation, scopes in NEEDED.items()} == {
        operation: scopes for operation, scopes in of_the_file.items() if scopes
    }


def test_every_webhook_of_the_file_can_be_subscribed(calendly_spec: Spec) -> None:
    assert set(NAMES) == calendly_spec.webhook_names()


@pytest.mark.parametrize("booked", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_samples_are_as_the_file_says(calendly: Api, calendly_spec: Spec, name: str, booked: bool) -> None:
    if booked:
        calendly.calendly.book(email="a@example.com")
    scope = ONLY_IN.get(name, "organization")

    answer = calendly.get("/sample_webhook_data", event=name, organization=ORGANIZATION, scope=scope, user=CAMILLE)

    assert answer.status == 200
    assert calendly_spec.webhook_problems(name, answer.body) == []


def test_samples_of_the_wrong_scope_or_event_are_400(calendly: Api) -> None:
    asked = {"organization": ORGANIZATION, "scope": "organization"}

    assert calendly.get("/sample_webhook_data", **asked, event="meeting_recap.created").status == 400
    assert calendly.get("/sample_webhook_data", **asked, event="invitee.moved").status == 400
    assert calendly.get("/sample_webhook_data", **asked).status == 400


def test_the_check_notices_what_is_wrong(calendly_spec: Spec) -> None:
    assert calendly_spec.problems("GET", "/users/me", 200, {"resource": {}})
    assert calendly_spec.problems("GET", "/users/me", 418, {})
    assert calendly_spec.problems("GET", "/nowhere", 200, {})
    assert calendly_spec.webhook_problems("invitee.moved", {})
    assert calendly_spec.webhook_problems("invitee.created", {"event": "invitee.created"})
