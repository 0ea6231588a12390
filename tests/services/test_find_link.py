"""The link that a booking came through, as the field mapping asks for it."""

from django.utils import timezone

from calendly_connector.models import Connection, EventType, LinkRun, SchedulingLink
from calendly_connector.services import mapping
from tests.factories import DISCOVERY_CALL


def make_link(connection: Connection, tag: str, run: LinkRun | None = None) -> None:
    SchedulingLink.objects.create(
        connection=connection, run=run, event_type=DISCOVERY_CALL, email=f"{tag}@example.com", tag=tag
    )


def test_a_tag_leads_to_the_link_and_its_run(connection: Connection) -> None:
    asked_at = timezone.now()
    run = LinkRun.objects.create(
        connection=connection,
        event_type=DISCOVERY_CALL,
        attribute="BOOKING_LINK",
        tracking={"utm_campaign": "autumn"},
        asked_at=asked_at,
    )
    make_link(connection, "one", run)
    make_link(connection, "two")
    find = mapping.rules_of(connection).find_link

    one, two = find("one"), find("two")

    assert one
    assert two
    assert (one.tag, one.campaign, one.run) == ("one", "autumn", f"BOOKING_LINK {asked_at:%Y-%m-%d}")
    assert (two.tag, two.campaign, two.run) == ("two", "", "")
    assert find("three") is None


def test_a_link_of_another_connection_is_not_ours(connection: Connection) -> None:
    make_link(connection, "one")

    assert mapping.find_link(connection.pk + 1, "one") is None


def test_the_rules_know_who_owns_an_event_type(connection: Connection) -> None:
    EventType.objects.create(
        connection=connection, uri=DISCOVERY_CALL, name="Discovery", owner="Camille Durand", read_at=timezone.now()
    )
    mapping.forget()

    rules = mapping.rules_of(connection)

    assert rules.type_owners == {DISCOVERY_CALL: "Camille Durand"}
    assert rules.type_names == {DISCOVERY_CALL: "Discovery"}
