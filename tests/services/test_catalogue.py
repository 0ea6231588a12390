"""The mirrors tell lists by folder, hosts from teams, and what is gone from what is only old."""

from calendly_connector.models import BrevoList, EventType
from calendly_connector.services import catalogue, setup
from calendly_connector.services import connection as connections
from sandbox.brevo_state import Folder
from sandbox.calendly_world import DISCOVERY, SUPPORT
from tests.journeys.river import River


def refresh_lists(installation: River) -> None:
    account = installation.account
    catalogue.refresh_lists(account, connections.brevo_client(account))


def test_lists_know_their_folders_name(installation: River) -> None:
    installation.brevo.state.folders[77] = Folder(id=77, name="Marketing")
    number = installation.brevo.add_list("Newsletter", folder_id=77)

    refresh_lists(installation)

    assert BrevoList.objects.get(number=number).folder == "Marketing"


def test_a_list_that_moved_is_in_its_new_folder(installation: River) -> None:
    installation.brevo.state.folders[77] = Folder(id=77, name="Marketing")
    number = installation.brevo.add_list("Newsletter")
    refresh_lists(installation)
    installation.brevo.state.lists[number].folder_id = 77

    refresh_lists(installation)

    assert BrevoList.objects.get(number=number).folder == "Marketing"


def test_event_types_know_whether_a_host_or_a_team_owns_them(installation: River) -> None:
    setup.check(installation.connection)

    types = {row.uri: row for row in EventType.objects.filter(connection=installation.connection)}

    assert (types[DISCOVERY].owner, types[DISCOVERY].is_team) == ("Camille Durand", False)
    assert (types[SUPPORT].owner, types[SUPPORT].is_team) == ("Support", True)


def test_an_event_type_that_is_gone_is_switched_off_and_keeps_what_staff_said(installation: River) -> None:
    setup.check(installation.connection)
    gone = EventType.objects.get(connection=installation.connection, uri=SUPPORT)
    EventType.objects.create(
        connection=gone.connection, uri=f"{SUPPORT}-old", name="Old", decided_name="Old", read_at=gone.read_at
    )

    catalogue.refresh_event_types(installation.connection)

    old = EventType.objects.get(uri=f"{SUPPORT}-old")
    assert (old.is_active, old.decided_name) == (False, "Old")
    assert EventType.objects.get(uri=SUPPORT).is_active
