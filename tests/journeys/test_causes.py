"""Whatever staff should mend carries a code that equal failures share; a later whole write of the contact clears it."""

from typing import Any

from calendly_connector.models import SyncLogEntry
from tests.journeys.river import River

TOM: Any = {"email": "tom@example.com", "name": "Tom Berg"}


def causes(kind: str = "contact") -> list[str]:
    return list(SyncLogEntry.objects.filter(kind=kind).order_by("pk").values_list("cause", flat=True))


def test_value_that_brevo_has_no_attribute_for(river: River) -> None:
    river.map_field("event_type_name", "NOWHERE")
    river.calendly.book(event_type="Demo", **TOM)

    river.flow()

    assert causes() == ["attribute_missing:NOWHERE"]


def test_value_that_does_not_fit(river: River) -> None:
    river.add_attribute("GUESTS_EXPECTED", type="float")
    river.map_field("event_type_name", "GUESTS_EXPECTED")
    river.calendly.book(event_type="Demo", **TOM)

    river.flow()

    assert causes() == ["unfit:GUESTS_EXPECTED"]


def test_next_whole_write_without_the_trouble_clears_it(river: River) -> None:
    river.map_field("event_type_name", "NOWHERE")
    uri = river.calendly.book(event_type="Demo", **TOM)
    river.flow()
    river.add_attribute("NOWHERE")

    river.calendly.cancel(uri)
    river.flow()

    assert causes() == ["", ""]
    assert river.contact("tom@example.com")["attributes"]["NOWHERE"] == "Demo"


def test_next_write_with_the_same_trouble_leaves_one_entry_to_mend(river: River) -> None:
    river.map_field("event_type_name", "NOWHERE")
    uri = river.calendly.book(event_type="Demo", **TOM)
    river.flow()

    river.calendly.cancel(uri)
    river.flow()

    assert causes() == ["", "attribute_missing:NOWHERE"]


def test_lists_that_are_gone(river: River) -> None:
    river.map_lists("booked", join=[999])
    river.calendly.book(event_type="Demo", **TOM)

    river.flow()

    assert causes() == ["lists_refused"]


def test_event_that_is_refused(river: River) -> None:
    river.break_brevo("status", "/events", status=400, body={"code": "invalid_parameter", "message": "no"})
    river.calendly.book(event_type="Demo", **TOM)

    river.flow()

    assert causes("event") == ["event_refused"]


def test_phone_number_that_nobody_can_understand(river: River) -> None:
    river.calendly.book(event_type="Demo", answers={"Mobile number": "12 34 56 78"}, **TOM)

    river.flow()

    assert causes() == ["phone_unreadable:SMS"]
    assert "the phone number can't be understood" in SyncLogEntry.objects.get(kind="contact").reason


def test_no_phone_number_at_all_is_no_trouble(river: River) -> None:
    river.calendly.book(event_type="Demo", answers={"Mobile number": " "}, **TOM)

    river.flow()

    assert causes() == [""]
