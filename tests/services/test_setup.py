"""Testing both credentials: whose they are, what they may do, and what the two services offer."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.clients import errors
from calendly_connector.models import BrevoList, Connection, EventType, FieldMapping
from calendly_connector.services import setup
from calendly_connector.services.connection import NotConfigured
from sandbox.calendly_world import CAMILLE, ORGANIZATION
from tests.journeys.river import River


def test_a_first_check_learns_whose_accounts_they_are_and_what_they_offer(installation: River) -> None:
    number = installation.brevo.add_list("Demos")

    report = setup.check(installation.connection)

    connection, account = Connection.objects.get(), installation.account
    assert (connection.organization, connection.user) == (ORGANIZATION, CAMILLE)
    assert (connection.role, connection.scope, connection.timezone) == ("owner", "organization", "Europe/Paris")
    assert account.organization_id
    assert account.attributes_read_at
    assert BrevoList.objects.get(number=number).name == "Demos"
    assert EventType.objects.filter(name="Discovery call").exists()
    assert "Camille Durand, owner; we see the whole organization's bookings." in report.lines[0]


def test_a_check_may_be_repeated_and_forgets_what_is_gone(installation: River) -> None:
    number = installation.brevo.add_list("Demos")
    setup.check(installation.connection)
    del installation.brevo.state.lists[number]

    setup.check(installation.connection)

    assert not BrevoList.objects.filter(number=number).exists()
    assert Connection.objects.count() == 1


def test_every_list_is_read_however_many_pages(installation: River) -> None:
    for number in range(120):
        installation.brevo.add_list(f"List {number}")

    setup.check(installation.connection)

    assert BrevoList.objects.filter(name__startswith="List ").count() == 120


@pytest.mark.parametrize(("role", "scope"), [("owner", "organization"), ("admin", "organization"), ("user", "user")])
def test_the_role_decides_whose_bookings_we_see(installation: River, role: str, scope: str) -> None:
    installation.calendly.set_role(role)

    report = setup.check(installation.connection)

    assert (Connection.objects.get().role, Connection.objects.get().scope) == (role, scope)
    assert ("only this user's" in report.lines[0]) is (scope == "user")


def test_a_token_that_may_not_read_its_role_gets_the_narrow_scope(installation: River, settings: Settings) -> None:
    installation.calendly.add_token("narrow", scopes="users:read event_types:read")
    settings.CALENDLY_ACCESS_TOKEN = "narrow"

    report = setup.check(installation.connection)

    assert Connection.objects.get().scope == "user"
    assert "role unknown" in report.lines[0]


def test_a_missing_scope_is_named(installation: River, settings: Settings) -> None:
    installation.calendly.add_token("narrow", scopes="users:read organizations:read")
    settings.CALENDLY_ACCESS_TOKEN = "narrow"

    with pytest.raises(errors.Forbidden) as refused:
        setup.check(installation.connection)

    assert refused.value.required_scopes == ("event_types:read",)
    assert "event_types:read" in str(refused.value)


def test_another_calendly_account_is_refused_and_nothing_changes(installation: River) -> None:
    setup.check(installation.connection)
    Connection.objects.update(organization="https://api.calendly.com/organizations/another")
    connection = Connection.objects.select_related("brevo_account").get()

    with pytest.raises(setup.OtherAccount, match="another organization"):
        setup.check(connection)

    assert Connection.objects.get().organization.endswith("/another")


def test_another_brevo_account_is_refused_and_nothing_changes(installation: River) -> None:
    setup.check(installation.connection)
    type(installation.account).objects.update(organization_id="another")
    connection = Connection.objects.select_related("brevo_account").get()

    with pytest.raises(setup.OtherAccount, match="another account"):
        setup.check(connection)

    assert installation.account.organization_id == "another"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"CALENDLY_ACCESS_TOKEN": ""}, NotConfigured),
        ({"BREVO_API_KEY": ""}, NotConfigured),
        ({"CALENDLY_ACCESS_TOKEN": "wrong"}, errors.Unauthorized),
        ({"BREVO_API_KEY": "wrong"}, errors.Unauthorized),
        ({"CALENDLY_API_URL": "http://127.0.0.1:9"}, errors.Unreachable),
        ({"BREVO_API_URL": "http://127.0.0.1:9/v3"}, errors.Unreachable),
    ],
    ids=str,
)
def test_a_credential_that_does_not_work_is_told(
    installation: River, settings: Settings, changes: dict[str, str], error: type[Exception]
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    with pytest.raises(error) as told:
        setup.check(installation.connection)

    assert "sandbox-calendly-token" not in str(told.value)
    assert "sandbox-brevo-key" not in str(told.value)


def test_the_attributes_that_the_mapping_needs_and_brevo_lacks_are_named_with_a_type(installation: River) -> None:
    FieldMapping.objects.create(connection=installation.connection, source="bookings", attribute="MEETINGS")

    report = setup.check(installation.connection)

    assert ("MEETING_DATE", "date") in report.missing_attributes
    assert ("MEETINGS", "float") in report.missing_attributes
    assert ("COMPANY", "text") in report.missing_attributes
    assert not {"SMS", "EMAIL", "FIRSTNAME"} & {name for name, _ in report.missing_attributes}


def test_missing_attributes_are_created_and_existing_ones_are_no_trouble(installation: River) -> None:
    report = setup.check(installation.connection)
    name, kind = report.missing_attributes[0]
    installation.brevo.add_attribute(name, type=kind)  # somebody was quicker

    created = setup.create_attributes(installation.connection, report.missing_attributes)

    assert created == [name for name, _ in report.missing_attributes]
    assert setup.missing_attributes(installation.connection) == []


def test_a_connection_keeps_the_zone_that_staff_chose(installation: River) -> None:
    Connection.objects.update(timezone="Asia/Tokyo")

    setup.check(Connection.objects.select_related("brevo_account").get())

    assert Connection.objects.get().timezone == "Asia/Tokyo"


def _says(report: Any, words: str) -> bool:
    return any(words in line for line in report.lines)


def test_the_report_says_whether_automation_is_on(installation: River) -> None:
    assert _says(setup.check(installation.connection), "marketing automation is on")

    installation.break_brevo("status", "/account", method="GET", status=200, body={"companyName": "Acme"})

    assert _says(setup.check(installation.connection), "marketing automation is off")
