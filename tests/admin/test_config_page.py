"""Staff carry the configuration as a file: see what it would change, apply it, and keep a copy."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page
from calendly_connector.models import Connection, ConsentRule, EventType, MappingVersion, TriggerMapping
from calendly_connector.services import config_file, wizard
from tests.admin.mapped import add_catalogue
from tests.admin.rows import make_connection
from tests.browser import log_in as log_in_browser
from tests.browser import open_page, watch_complaints
from tests.factories import DEMO
from tests.services.test_config_file import OLD

PERMISSIONS = ("change_connection", "change_triggermapping", "change_fieldmapping")
OWN = "version: 1\nconnection: {grace_hours: 3}\nfields: [{source: first_name, attribute: FIRSTNAME}]\n"


def address(connection: Connection, rest: str = "") -> str:
    return page.address_of(connection, "file", rest)


def send(client: Client, connection: Connection, **values: object) -> str:
    """Post the form and return the page."""
    answer = client.post(address(connection), values)
    assert answer.status_code == 200
    return answer.content.decode()


def seen_in(client: Client, connection: Connection, text: str) -> str:
    """Check a file and return what proves that its changes were shown."""
    return str(client.post(address(connection), {"text": text, "check": "yes"}).context["seen"])


def test_a_file_is_looked_through_and_then_applied(staff: Client, connection: Connection) -> None:
    shown = send(staff, connection, text=OWN, check="yes")
    connection.refresh_from_db()
    assert "grace time (hours): 24 → 3" in shown
    assert "Apply these changes" in shown
    assert connection.grace_hours == 24

    values = {"text": OWN, "apply": "yes", "seen": seen_in(staff, connection, OWN)}
    answer = staff.post(address(connection), values, follow=True)

    connection.refresh_from_db()
    assert "The file was applied: 2 changes." in answer.content.decode()
    assert connection.grace_hours == 3
    version = MappingVersion.objects.filter(connection=connection).first()
    assert version
    assert (version.reason, version.made_by_name) == ("Imported from file", "anna")
    assert "Configured by a file: grace time (hours): 24 → 3" in LogEntry.objects.get().change_message


def test_a_file_may_be_uploaded(staff: Client, connection: Connection) -> None:
    upload = SimpleUploadedFile("calendly.yaml", OWN.replace("\n", "\r\n").encode())

    shown = send(staff, connection, upload=upload, check="yes")

    assert "grace time (hours): 24 → 3" in shown
    assert "connection: {grace_hours: 3}" in shown  # in the text field, for the next step


def test_the_old_platforms_file_is_taken_and_its_secrets_stay_out(
    staff: Client, connection: Connection, settings: Settings
) -> None:
    settings.CALENDLY_ACCESS_TOKEN = settings.CALENDLY_WEBHOOK_SIGNING_KEY = "planted-0123456789"

    shown = send(staff, connection, text=OLD, check="yes")

    assert "Debug mode: on for a day" in shown
    assert "List #10 is not among the lists" in shown
    assert "planted" not in shown
    assert "Apply these changes" in shown


def test_what_the_old_file_names_and_nobody_has_is_seen_on_every_page(
    staff: Client, connection: Connection, settings: Settings
) -> None:
    settings.CALENDLY_ACCESS_TOKEN = settings.CALENDLY_WEBHOOK_SIGNING_KEY = "planted-0123456789"
    add_catalogue(connection)
    EventType.objects.filter(uri=DEMO).update(decided_name="Demo")
    TriggerMapping.objects.create(connection=connection, event_type=DEMO, trigger="booked", join_lists=[4])
    ConsentRule.objects.create(connection=connection, event_type=DEMO, mode="never")

    staff.post(address(connection), {"text": OLD, "apply": "yes", "seen": seen_in(staff, connection, OLD)})

    grid = staff.get(page.address_of(connection, "mapping")).content.decode()
    assert "Not found in Calendly: abc123" in grid
    assert "Not found in Calendly: xyz789" in grid
    assert grid.count("A list is not in Brevo") == 2
    assert "Own mapping" not in grid
    assert not ConsentRule.objects.exists()
    assert EventType.objects.get(uri=DEMO).decided_name == ""  # it must be decided again
    overview = staff.get("/admin/").content.decode()
    assert "2 mapped event types are not found in Calendly. 2 mapped lists are not in Brevo." in overview
    assert "4 event types or lists of the mapping are found in neither service." in wizard.look(connection)[2].words


def test_problems_are_shown_with_their_lines_and_the_text_is_kept(staff: Client, connection: Connection) -> None:
    text = OWN + "colour: <red>\nversion: 1\n"

    shown = send(staff, connection, text=text, check="yes")

    assert "There are 2 problems, so nothing would be changed." in shown
    assert "<td>4</td><td>“colour” is not known here." in shown
    assert "<td>5</td><td>“version” is here twice." in shown
    assert "colour: &lt;red&gt;\nversion: 1\n</textarea>" in shown
    assert "Apply these changes" not in shown


def test_what_was_not_shown_is_not_applied(staff: Client, connection: Connection) -> None:
    seen = seen_in(staff, connection, OWN)

    shown = send(staff, connection, text=OWN.replace("3", "4"), apply="yes", seen=seen)

    connection.refresh_from_db()
    assert "Nothing was changed yet" in shown
    assert "grace time (hours): 24 → 4" in shown
    assert connection.grace_hours == 24


def test_what_changed_meanwhile_is_shown_again(staff: Client, connection: Connection) -> None:
    seen = seen_in(staff, connection, OWN)
    Connection.objects.update(grace_hours=9)

    shown = send(staff, connection, text=OWN, apply="yes", seen=seen)

    assert "Nothing was changed yet" in shown
    assert "grace time (hours): 9 → 3" in shown


def test_the_servers_environment_can_not_be_read_through_a_file(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMLESS", "planted-value")
    row = "event_types: [{event_type: 'https://x.example/%s'}]"

    shown = [send(staff, connection, text="version: 1\n" + row % name) for name in ("${HARMLESS}", "${SECRET_KEY}")]

    assert "only the command calendly_config fills in ${HARMLESS}" in shown[0]
    assert "SECRET_KEY looks like a secret" in shown[1]
    assert "planted-value" not in shown[0]


def test_the_configuration_is_downloaded(log_in: Callable[..., Client], connection: Connection) -> None:
    answer = log_in("view_connection").get(address(connection, "export"))

    assert answer.headers["Content-Disposition"] == f'attachment; filename="main-{connection.pk}.yaml"'
    assert answer.content.decode() == config_file.export(connection)


@pytest.mark.parametrize("button", ["check", "apply"])
def test_who_may_only_look_reads_no_file_in(button: str, log_in: Callable[..., Client], connection: Connection) -> None:
    viewer = log_in("view_connection")

    page = viewer.get(address(connection)).content.decode()
    answer = viewer.post(address(connection), {"text": OWN, button: "yes"})

    connection.refresh_from_db()
    assert "Download the configuration" in page
    assert "Check what would change" not in page
    assert answer.status_code == 403
    assert connection.grace_hours == 24


@pytest.mark.parametrize("lacking", PERMISSIONS)
def test_a_file_is_read_by_nobody_who_may_not_change_all_that_it_says(
    lacking: str, log_in: Callable[..., Client], connection: Connection
) -> None:
    client = log_in("view_connection", *(name for name in PERMISSIONS if name != lacking))

    assert client.post(address(connection), {"text": OWN, "check": "yes"}).status_code == 403


def test_who_may_change_all_that_it_says_reads_a_file(log_in: Callable[..., Client], connection: Connection) -> None:
    shown = send(log_in("view_connection", *PERMISSIONS), connection, text=OWN, check="yes")

    assert "Apply these changes" in shown


def test_without_the_permission_the_page_does_not_open(log_in: Callable[..., Client], connection: Connection) -> None:
    client = log_in("view_booking")

    assert client.get(address(connection)).status_code == 403
    assert client.get(address(connection, "export")).status_code == 403


def test_there_is_nothing_else_below_the_page(staff: Client, connection: Connection) -> None:
    assert staff.get(address(connection, "other")).status_code == 404


@pytest.mark.browser
def test_a_file_is_pasted_mended_and_applied_in_the_browser(live_server: LiveServer) -> None:
    connection = make_connection()
    User.objects.create_superuser("anna", password="a password")

    with open_page() as browser:
        complaints = watch_complaints(browser)
        log_in_browser(browser, f"{live_server.url}{address(connection)}")
        browser.get_by_label("Or its text").fill(OWN + "colour: red\n")
        browser.get_by_role("button", name="Check what would change").click()
        expect(browser.get_by_text("There is 1 problem")).to_be_visible()
        browser.get_by_label("Or its text").fill(OWN)
        browser.get_by_role("button", name="Check what would change").click()
        browser.get_by_role("button", name="Apply these changes").click()
        expect(browser.get_by_text("The file was applied")).to_be_visible()

    connection.refresh_from_db()
    assert connection.grace_hours == 3
    assert complaints == []
