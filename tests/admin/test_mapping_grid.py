"""Staff read the grid in words and change a row: lists, events and consent; what can't work is refused in words."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendly_connector.admin import mapping_remove, mapping_row
from calendly_connector.core.booking import Answer
from calendly_connector.models import BrevoList, Connection, ConsentRule, EventType, MappingVersion, TriggerMapping
from calendly_connector.services import grid
from tests.admin.mapped import TRIGGERS, add_catalogue, add_type, address_of, posted, read, row_address
from tests.admin.rows import make_booking_row, make_connection
from tests.factories import DEMO, DISCOVERY_CALL
from tests.journeys.river import River


@pytest.fixture
def mapped(connection: Connection) -> Connection:
    """Return a connection with two event types and two lists, none of them mapped."""
    return add_catalogue(connection)


def save(client: Client, address: str, **changes: Any) -> list[str]:
    """Post the form of a row, expecting it to be taken; return what is said."""
    answer = client.post(address, posted(**changes))
    assert answer.status_code == 302, answer.content.decode()
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    client.cookies.pop("messages", None)
    return said


def refused(client: Client, address: str, **changes: Any) -> str:
    """Post the form of a row, expecting it to be refused; return the page."""
    answer = client.post(address, posted(**changes))
    assert answer.status_code == 200
    assert not TriggerMapping.objects.exists()
    assert not EventType.objects.exclude(decided_name="").exists()
    return answer.content.decode()


def line_of(text: str, name: str) -> str:
    """Return the words of one row of the grid."""
    [line] = [row for row in text.split("<tr") if f'class="cc-row-name">{name}<' in row]
    return " ".join(re.sub(r"<[^>]+>", "", line.replace("<wbr>", "")).split())


# -- The grid ---------------------------------------------------------------------------------------------------------


def test_each_row_says_in_words_what_is_joined_left_and_sent(staff: Client, mapped: Connection) -> None:
    TriggerMapping.objects.create(
        connection=mapped, event_type=DEMO, trigger="booked", join_lists=[4], leave_lists=[5, 99], event_name="demo_on"
    )
    TriggerMapping.objects.create(connection=mapped, event_type=DEMO, trigger="canceled", sends_event=False)
    ConsentRule.objects.create(connection=mapped, event_type=DEMO, mode="answer", question="News?", answer="Yes")

    line = line_of(read(staff, address_of(mapped)), "Demo")

    assert "Team Sales · Round robin" in line
    assert "+ joins Newsletter #4 − leaves Demos #5 − leaves #99 (not in Brevo) demo_on" in line
    assert "no event" in line
    assert "as every other type" in line  # the four triggers without a cell
    assert "Lists are joined only by those who answer “Yes” to “News?”." in line


def test_the_default_row_comes_first_and_decides_for_rows_without_their_own(staff: Client, mapped: Connection) -> None:
    TriggerMapping.objects.create(connection=mapped, trigger="booked", join_lists=[4])

    text = read(staff, address_of(mapped))

    assert text.index("Every other type</span>") < text.index("Demo</span>")
    assert "joins Newsletter #4 calendly_meeting_booked" in line_of(text, "Every other type")
    assert "The row “Every other type” decides." in line_of(text, "Demo")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Not mapped yet"),
        ({"decided_name": "Old name"}, "Renamed since it was mapped It was called “Old name”."),
        ({"decided_name": "Talk"}, "Follows the default row"),
        ({"is_ignored": True}, "Ignored"),
        ({"is_active": False}, "Switched off in Calendly"),
    ],
)
def test_each_row_says_its_state(fields: dict[str, Any], words: str, staff: Client, connection: Connection) -> None:
    add_type(connection, "talk", "Talk", **fields)

    assert words in line_of(read(staff, address_of(connection)), "Talk")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Demo", "Discovery call", "Support", "Talk", "Gone"]),
        ("q=camille", ["Discovery call"]),
        ("q=sales+demo", ["Demo"]),
        ("show=new", ["Demo", "Discovery call"]),
        ("show=renamed", ["Talk"]),
        ("show=own", ["Talk"]),
        ("show=default", ["Demo", "Discovery call", "Gone"]),
        ("show=ignored", ["Support"]),
        ("show=nonsense&page=nonsense", ["Demo", "Discovery call", "Support", "Talk", "Gone"]),
    ],
)
def test_rows_are_found_by_name_host_and_state_those_switched_off_last(
    query: str, names: list[str], staff: Client, mapped: Connection
) -> None:
    add_type(mapped, "gone", "Gone", is_active=False)
    add_type(mapped, "talk", "Talk", decided_name="Speech")
    add_type(mapped, "support", "Support", is_ignored=True, decided_name="Support")
    TriggerMapping.objects.create(connection=mapped, event_type="talk", trigger="booked")

    page = staff.get(f"{address_of(mapped)}?{query}")

    assert [line.row.event_type.name for line in page.context["rows"]] == names


def test_a_thousand_types_cost_as_many_queries_as_two(staff: Client, mapped: Connection) -> None:
    read(staff, address_of(mapped))  # what is read once and kept
    with CaptureQueriesContext(database) as few:
        read(staff, address_of(mapped))
    for number in range(998):
        add_type(mapped, f"type-{number}", f"Type {number}")
    for trigger in TRIGGERS:
        TriggerMapping.objects.create(connection=mapped, event_type="type-7", trigger=trigger, join_lists=[4])

    with CaptureQueriesContext(database) as many:
        text = read(staff, address_of(mapped))

    assert len(many) == len(few) <= 20
    assert text.count("cc-row-edit") == 51
    assert "Page 1 of 20 (1000 in all)" in text


def test_another_connections_rows_are_not_shown(staff: Client, mapped: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    foreign = add_type(other, "foreign", "Foreign")

    assert "Foreign" not in read(staff, address_of(mapped))
    assert staff.get(address_of(mapped, str(foreign.pk))).status_code == 404


def test_staff_leave_all_new_types_to_the_default_row_after_being_asked(staff: Client, mapped: Connection) -> None:
    add_type(mapped, "talk", "Talk", decided_name="Speech")
    address = address_of(mapped, "accept")

    question = staff.post(address).content.decode()
    assert "2 event types are not mapped yet." in question
    assert "Discovery call" in question
    assert not EventType.objects.filter(decided_name="Demo").exists()
    answer = staff.post(address, {"confirmed": "yes"})

    assert str(*get_messages(answer.wsgi_request)) == "2 event types count as mapped now."
    assert not EventType.objects.get(uri=DEMO).is_undecided
    assert EventType.objects.get(uri="talk").is_undecided  # a rename is confirmed one by one
    assert MappingVersion.objects.filter(connection=mapped)[0].made_by_name == "anna"


@pytest.mark.parametrize("rest", ["999", "nothing", "1" * 30, "default/x"])
def test_a_row_that_does_not_exist_is_not_found(rest: str, staff: Client, mapped: Connection) -> None:
    assert staff.get(address_of(mapped, rest)).status_code == 404


# -- One row ----------------------------------------------------------------------------------------------------------


def test_staff_map_an_event_type(staff: Client, mapped: Connection) -> None:
    said = save(
        staff,
        row_address(mapped, DISCOVERY_CALL),
        **{"booked-join": ["4"], "booked-leave": ["5"], "booked-event_name": "call_booked"},
        **{"consent-mode": "answer", "consent-question": "Newsletter?", "consent-answer": "Yes"},
    )

    cells = {row.trigger: row for row in TriggerMapping.objects.filter(event_type=DISCOVERY_CALL)}
    rule = ConsentRule.objects.get(event_type=DISCOVERY_CALL)
    booked = cells["booked"]
    assert set(cells) == set(TRIGGERS)
    assert (booked.join_lists, booked.leave_lists, booked.event_name) == ([4], [5], "call_booked")
    assert (rule.mode, rule.question, rule.answer) == ("answer", "Newsletter?", "Yes")
    assert EventType.objects.get(uri=DISCOVERY_CALL).decided_name == "Discovery call"
    assert said == ["The mapping of “Discovery call” was saved: 8 changes, in force from now on."]
    assert "join Newsletter" in LogEntry.objects.get().get_change_message()


def test_the_default_row_can_be_edited(staff: Client, mapped: Connection) -> None:
    save(staff, row_address(mapped), **{"booked-join": ["4"], "consent-mode": "never"})

    assert TriggerMapping.objects.get(event_type="", trigger="booked").join_lists == [4]
    assert ConsentRule.objects.get(event_type="").mode == "never"
    assert not EventType.objects.exclude(decided_name="").exists()


@pytest.mark.parametrize(("choice", "is_ignored", "kept"), [("default", False, 0), ("ignore", True, 1)])
def test_following_the_default_row_forgets_the_own_mapping_and_ignoring_keeps_it(
    choice: str, is_ignored: bool, kept: int, staff: Client, mapped: Connection
) -> None:
    TriggerMapping.objects.create(connection=mapped, event_type=DEMO, trigger="booked", join_lists=[4])

    save(staff, row_address(mapped, DEMO), choice=choice, **{"booked-event_name": "not looked at"})

    row = EventType.objects.get(uri=DEMO)
    assert (row.is_ignored, row.decided_name) == (is_ignored, "Demo")
    assert TriggerMapping.objects.filter(event_type=DEMO).count() == kept


def test_a_renamed_type_is_confirmed_by_saving_it(staff: Client, mapped: Connection) -> None:
    EventType.objects.filter(uri=DEMO).update(decided_name="Old demo")

    save(staff, row_address(mapped, DEMO), choice="default")

    assert not EventType.objects.get(uri=DEMO).is_undecided


def test_saving_what_is_there_changes_nothing(staff: Client, mapped: Connection) -> None:
    address = row_address(mapped, DEMO)
    save(staff, address, **{"booked-join": ["5", "4"]})
    numbers = list(MappingVersion.objects.values_list("number", flat=True))

    said = save(staff, address, **{"booked-join": ["4", "5"]})  # the order of the page is not that of the row

    assert said == ["The mapping of “Demo” was saved already: nothing changed."]
    assert list(MappingVersion.objects.values_list("number", flat=True)) == numbers == [2, 1]
    assert LogEntry.objects.count() == 1


def test_a_new_type_starts_undecided_with_what_the_default_row_does(staff: Client, mapped: Connection) -> None:
    TriggerMapping.objects.create(connection=mapped, trigger="booked", join_lists=[4])

    form = staff.get(row_address(mapped, DEMO)).context["form"]

    assert form.choice["choice"].value() is None
    assert [option.number for option in form.cells[0].join_options() if option.is_chosen] == [4]


def test_lists_are_offered_with_folder_size_and_id(staff: Client, mapped: Connection) -> None:
    text = read(staff, row_address(mapped, DEMO))

    assert "Newsletter — Marketing · 1,240 contacts · #4" in text
    assert "Demos · 1 contact · #5" in text


def test_questions_are_offered_with_real_answers(staff: Client, mapped: Connection) -> None:
    make_booking_row(mapped, answers=(Answer(question="Newsletter?", answer="Yes, please"),))

    text = read(staff, row_address(mapped, DISCOVERY_CALL))

    assert '<option value="Newsletter?">Newsletter? (Yes, please)</option>' in text
    assert '<option value="Company">Company</option>' in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"choice": ""}, "This field is required"),
        ({"booked-event_name": "meeting booked"}, "letters"),
        ({"booked-join": ["4"], "booked-leave": ["4"]}, "The list “Newsletter” can&#x27;t be joined and left at once."),
        ({"booked-join": ["four"]}, "not one of the available choices"),
        ({"booked-join": ["9" * 30]}, "not one of the available choices"),
        ({"consent-mode": ""}, "This field is required"),
        ({"consent-mode": "answer", "consent-answer": "Yes"}, "Say which question asks for consent."),
        ({"consent-mode": "answer", "consent-question": "Newsletter?"}, "Say which answer gives consent"),
        (
            {"consent-mode": "answer", "consent-question": "Company", "consent-other_question": "News?"},
            "not both",
        ),
        ({"consent-mode": "double_opt_in", "consent-redirect_url": "https://example.com/"}, "id of the template"),
        ({"consent-mode": "double_opt_in", "consent-template": "7"}, "address of the page after the click"),
        (
            {"consent-mode": "double_opt_in", "consent-template": "7", "consent-redirect_url": "javascript:alert(1)"},
            "Write a whole address",
        ),
        ({"consent-mode": "double_opt_in", "consent-template": "0"}, "greater than or equal to 1"),
        ({"consent-mode": "double_opt_in", "consent-template": "9" * 12}, "less than or equal to"),
    ],
)
def test_a_row_that_cannot_work_is_refused(
    changes: dict[str, Any], words: str, staff: Client, mapped: Connection
) -> None:
    text = refused(staff, row_address(mapped, DEMO), **changes)

    assert words in text
    assert "Nothing was saved." in text


def test_nothing_that_was_entered_is_lost_when_it_is_refused(staff: Client, mapped: Connection) -> None:
    text = refused(
        staff,
        row_address(mapped, DEMO),
        **{"booked-join": ["4", "77"], "canceled-event_name": "gone wrong", "attended-leave": ["5"]},
        **{"consent-mode": "answer", "consent-question": "An old one", "consent-answer": "Sure"},
    )

    for kept in (
        'name="booked-join" value="4" checked',
        'name="booked-join" value="77" checked',
        'value="gone wrong"',
        'name="attended-leave" value="5" checked',
        '<option value="An old one" selected>',
        'value="Sure"',
    ):
        assert kept in text


def test_a_list_that_is_gone_from_brevo_stays_with_a_warning_until_it_is_unticked(
    staff: Client, mapped: Connection
) -> None:
    save(staff, row_address(mapped, DEMO), **{"booked-join": ["4", "5"]})
    BrevoList.objects.filter(number=5).delete()
    address = row_address(mapped, DEMO)

    assert "#5: not among the lists read from Brevo" in read(staff, address)
    warned = save(staff, address, **{"booked-join": ["4", "5"]})
    assert any("List #5 is not among the lists" in words for words in warned)

    silent = save(staff, address, **{"booked-join": ["4"]})
    assert len(silent) == 1
    assert TriggerMapping.objects.get(trigger="booked").join_lists == [4]


def test_double_opt_in_is_kept_with_what_it_needs_and_nothing_else(staff: Client, mapped: Connection) -> None:
    save(
        staff,
        row_address(mapped, DEMO),
        **{"consent-mode": "double_opt_in", "consent-template": "7", "consent-redirect_url": "https://example.com/t"},
        **{"consent-question": "Company", "consent-answer": "Yes"},
    )

    rule = ConsentRule.objects.get()
    assert (rule.template, rule.redirect_url, rule.question, rule.answer) == (7, "https://example.com/t", "", "")


def test_a_row_is_copied_into_the_form_and_saved_only_then(staff: Client, mapped: Connection) -> None:
    save(staff, row_address(mapped, DISCOVERY_CALL), **{"booked-join": ["4"], "consent-mode": "never"})
    source = EventType.objects.get(uri=DISCOVERY_CALL)

    page = staff.get(f"{row_address(mapped, DEMO)}?copy={source.pk}")

    form = page.context["form"]
    assert form.choice["choice"].value() == "own"
    assert [option.number for option in form.cells[0].join_options() if option.is_chosen] == [4]
    assert form.consent["mode"].value() == "never"
    assert not TriggerMapping.objects.filter(event_type=DEMO).exists()


def test_saving_leads_back_to_the_grid_as_it_was_filtered(staff: Client, mapped: Connection) -> None:
    listed = staff.get(f"{address_of(mapped)}?q=demo&show=new")

    [line] = listed.context["rows"]
    answer = staff.post(line.address, posted())

    assert answer.headers["Location"] == f"{address_of(mapped)}?q=demo&show=new"


# -- The pick-lists ---------------------------------------------------------------------------------------------------


def test_staff_read_the_pick_lists_again(staff: Client, river: River) -> None:
    number = river.brevo.add_list("Fresh")
    EventType.objects.all().delete()

    answer = staff.post(address_of(river.connection, "refresh"))

    types, offers = (str(message) for message in get_messages(answer.wsgi_request))
    assert types == f"{EventType.objects.count()} event types were read from Calendly."
    assert offers.startswith("Read from Brevo: ")
    assert BrevoList.objects.get(number=number).name == "Fresh"
    assert "ago" in read(staff, address_of(river.connection))


def test_a_refresh_that_fails_says_why(staff: Client, mapped: Connection) -> None:
    answer = staff.post(address_of(mapped, "refresh"))

    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert len(said) == 2
    assert "There is no Calendly token" in said[0]


@pytest.mark.parametrize("button", ["refresh", "accept"])
def test_a_button_takes_post_only(button: str, staff: Client, mapped: Connection) -> None:
    assert staff.get(address_of(mapped, button)).status_code == 405


# -- Permissions ------------------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_the_grid_and_changes_nothing(log_in: Callable[..., Client], mapped: Connection) -> None:
    viewer = log_in("view_connection", "view_triggermapping")

    text = read(viewer, address_of(mapped))

    assert ">Edit<" not in text
    assert text.count("Only managers can change this.") == 1
    assert "Read them again" not in text
    for rest in ("refresh", "accept", "default"):
        assert viewer.post(address_of(mapped, rest), posted(confirmed="yes")).status_code == 403
    assert not TriggerMapping.objects.exists()


def test_who_may_only_look_reads_a_row_and_finds_nothing_to_press(
    log_in: Callable[..., Client], mapped: Connection
) -> None:
    viewer = log_in("view_connection", "view_triggermapping")

    text = read(viewer, row_address(mapped, DEMO))

    assert "Only managers can change this." in text
    assert "<fieldset disabled>" in text
    assert not any(each in text for each in ('value="Save"', "Copy into the form", 'cc-row-form" novalidate'))
    assert viewer.post(row_address(mapped, DEMO), posted()).status_code == 403


def test_who_may_not_look_is_refused(log_in: Callable[..., Client], mapped: Connection) -> None:
    assert log_in("view_connection").get(address_of(mapped)).status_code == 403


# -- What is mapped, and neither service has --------------------------------------------------------------------------


@pytest.fixture
def lost(mapped: Connection) -> str:
    """Return the address of a mapped event type that Calendly doesn't list."""
    uri = "https://api.calendly.com/event_types/abc123"
    TriggerMapping.objects.create(connection=mapped, event_type=uri, trigger="booked", join_lists=[4])
    TriggerMapping.objects.create(connection=mapped, event_type=DEMO, trigger="booked", join_lists=[99])
    return uri


@pytest.mark.parametrize(
    ("show", "names"),
    [("lost_type", ["Not found in Calendly: abc123"]), ("lost_list", ["Demo"]), ("default", ["Discovery call"])],
)
def test_what_neither_service_has_is_filtered(
    show: str, names: list[str], staff: Client, mapped: Connection, lost: str
) -> None:
    text = read(staff, f"{address_of(mapped)}?show={show}")

    assert re.findall(r'class="cc-row-name">([^<]+)<', text) == ["Every other type", *names]


def test_a_row_that_calendly_does_not_list_is_edited(staff: Client, mapped: Connection, lost: str) -> None:
    address = mapping_row.address_of(mapped, grid.lost_type(mapped, lost))

    shown = read(staff, address)
    save(staff, address, **{"booked-join": ["5"]})

    assert "Ignore its bookings" not in shown
    assert TriggerMapping.objects.get(event_type=lost, trigger="booked").join_lists == [5]
    assert staff.get(address_of(mapped, "lost-0123456789abcdef")).status_code == 404


def test_a_row_that_calendly_does_not_list_is_removed_after_asking(
    staff: Client, mapped: Connection, lost: str
) -> None:
    address = mapping_remove.address_of(mapped, grid.lost_type(mapped, lost))

    asked = staff.post(address).content.decode()
    assert TriggerMapping.objects.filter(event_type=lost).exists()
    answer = staff.post(address, {"confirmed": "yes"}, follow=True)

    assert "Yes, remove it" in asked
    assert "was removed" in answer.content.decode()
    assert not TriggerMapping.objects.filter(event_type=lost).exists()
    assert staff.post(address).status_code == 404


def test_who_may_only_look_removes_no_row(log_in: Callable[..., Client], mapped: Connection, lost: str) -> None:
    viewer = log_in("view_connection", "view_triggermapping")

    answer = viewer.post(mapping_remove.address_of(mapped, grid.lost_type(mapped, lost)), {"confirmed": "yes"})

    assert answer.status_code == 403
    assert TriggerMapping.objects.filter(event_type=lost).exists()
