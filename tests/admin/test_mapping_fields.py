"""Staff edit the field mapping: all lines at once, told what is wrong, and nothing that they typed is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendly_connector.admin import page, parts
from calendly_connector.admin.fields_form import group_of
from calendly_connector.core.booking import Answer
from calendly_connector.core.fields import FIELDS
from calendly_connector.models import BrevoAttribute, Connection, EventType, FieldMapping, MappingVersion
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row, make_connection
from tests.factories import DISCOVERY_CALL
from tests.journeys.river import River

ATTRIBUTES: tuple[tuple[str, str, list[list[str]]], ...] = (
    ("COMPANY", "text", []),
    ("FIRSTNAME", "text", []),
    ("VISITS", "float", []),
    ("MEETING_DATE", "date", []),
    ("STATUS", "category", [["1", "booked"], ["2", "cancelled"]]),
    ("TOTAL", "calculated", []),
    ("EMAIL", "text", []),
)
NORMAL = "/contacts/attributes/normal"
Line = tuple[str, str, str] | tuple[str, str]


@pytest.fixture
def desk(connection: Connection) -> Connection:
    """Return a connection with an event type that asks three questions, an answer to one, and some attributes."""
    now = timezone.now()
    EventType.objects.create(
        connection=connection,
        uri=DISCOVERY_CALL,
        name="Discovery call",
        questions=["Company name", "Team size", "Which topics?"],
        read_at=now,
    )
    for name, kind, options in ATTRIBUTES:
        BrevoAttribute.objects.create(
            account=connection.brevo_account, name=name, kind=kind, options=options, read_at=now
        )
    make_booking_row(connection, answers=(Answer(question="Which topics?", answer="Pricing"),))
    return connection


def address(connection: Connection, rest: str = "") -> str:
    return page.address_of(connection, "fields", rest)


def mark_of(staff: Client, connection: Connection) -> str:
    return str(staff.get(address(connection)).context["mark"])


def posted(*lines: Line, **more: str) -> dict[str, Any]:
    """Return what the form sends for these lines."""
    data = {"lines-TOTAL_FORMS": len(lines), "lines-INITIAL_FORMS": 0, **more}
    for number, (source, attribute, *when) in enumerate(lines):
        values = {"source": source, "attribute": attribute, "overwrite": (when or ["always"])[0]}
        data |= {f"lines-{number}-{name}": value for name, value in values.items()}
    return data


def save(staff: Client, connection: Connection, *lines: Line, **more: str) -> tuple[Any, list[str]]:
    """Save these lines; return the answer and what was said."""
    more.setdefault("mark", mark_of(staff, connection))
    answer = staff.post(address(connection), posted(*lines, **more))
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    client_forgets(staff)
    return answer, said


def client_forgets(staff: Client) -> None:
    staff.cookies.pop("messages", None)


def mapped(connection: Connection) -> list[tuple[str, ...]]:
    return list(connection.field_mappings.order_by("pk").values_list("source", "attribute", "overwrite"))


def test_lines_are_added_changed_and_removed_at_once(staff: Client, desk: Connection) -> None:
    for source, attribute in (("name", "FIRSTNAME"), ("moves", "VISITS")):
        FieldMapping.objects.create(connection=desk, source=source, attribute=attribute)

    answer, said = save(
        staff,
        desk,
        ("first_name", "FIRSTNAME", "if_empty"),
        ("moves", "VISITS"),
        ("answer:Which topics?", "COMPANY"),
        ("", ""),
        **{"lines-1-DELETE": "on"},
    )

    assert answer.headers["Location"] == address(desk)
    assert said == ["2 lines are saved."]
    assert mapped(desk) == [("first_name", "FIRSTNAME", "if_empty"), ("answer:Which topics?", "COMPANY", "always")]


def test_two_lines_may_swap_their_attributes(staff: Client, desk: Connection) -> None:
    for source, attribute in (("first_name", "COMPANY"), ("event_type_name", "FIRSTNAME")):
        FieldMapping.objects.create(connection=desk, source=source, attribute=attribute)

    save(staff, desk, ("first_name", "FIRSTNAME"), ("event_type_name", "COMPANY"))

    assert {row[:2] for row in mapped(desk)} == {("first_name", "FIRSTNAME"), ("event_type_name", "COMPANY")}


def test_a_save_is_kept_as_a_version_and_in_the_audit(staff: Client, desk: Connection) -> None:
    save(staff, desk, ("first_name", "FIRSTNAME"))

    version = MappingVersion.objects.order_by("-number")[0]
    assert (version.made_by_name, version.changes) == ("anna", ["+ First name → FIRSTNAME (Always)"])
    assert "1 line is saved" in LogEntry.objects.get().change_message


def test_saving_the_same_again_changes_nothing(staff: Client, desk: Connection) -> None:
    save(staff, desk, ("first_name", "FIRSTNAME"))
    count = MappingVersion.objects.count()

    _, said = save(staff, desk, ("first_name", "FIRSTNAME"))

    assert said == ["Nothing was changed."]
    assert (MappingVersion.objects.count(), LogEntry.objects.count()) == (count, 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("shoe_size", "COMPANY"), "There is no field “shoe_size”"),
        (("answer: ?", "COMPANY"), "Write the text of the question"),
        (("", "COMPANY"), "This field is required"),
        (("first_name", ""), "Pick an attribute, or write the name of a new one"),
        (("first_name", "EMAIL"), "says whose contact it is"),
        (("first_name", "FIRST NAME"), "only capitals"),
        (("moves", "VISITS"), "Another line writes VISITS already"),
        (("moves", "COMPANY", "sometimes"), "Select a valid choice"),
    ],
)
def test_a_line_that_cannot_work_is_refused_and_nothing_is_lost(
    line: Line, words: str, staff: Client, desk: Connection
) -> None:
    FieldMapping.objects.create(connection=desk, source="name", attribute="FIRSTNAME")

    answer, said = save(staff, desk, ("no_shows", "VISITS"), line)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert words in text
    assert "Nothing was saved yet" in said[0]
    assert mapped(desk) == [("name", "FIRSTNAME", "always")]
    assert [form["source"].value() for form in answer.context["lines"]][:2] == ["no_shows", line[0]]


def test_a_new_attribute_is_written_in_capitals(staff: Client, desk: Connection) -> None:
    _, said = save(staff, desk, ("moves", "+"), **{"lines-0-new_attribute": " moves_made "})

    assert mapped(desk) == [("moves", "MOVES_MADE", "always")]
    assert "Brevo has no attribute MOVES_MADE" in said[1]


def test_an_attribute_is_picked_or_written_not_both(staff: Client, desk: Connection) -> None:
    answer, _ = save(staff, desk, ("moves", "VISITS"), **{"lines-0-new_attribute": "MOVES"})

    assert "Pick an attribute or write a new one, not both." in answer.content.decode()


def test_somebody_elses_change_is_not_overwritten_unseen(staff: Client, desk: Connection) -> None:
    old = mark_of(staff, desk)
    FieldMapping.objects.create(connection=desk, source="name", attribute="FIRSTNAME")

    answer, said = save(staff, desk, ("first_name", "FIRSTNAME"), mark=old)

    assert "somebody else changed the fields meanwhile. Theirs are now: Whole name → FIRSTNAME" in said[0]
    assert mapped(desk) == [("name", "FIRSTNAME", "always")]
    assert answer.context["lines"][0]["source"].value() == "first_name"
    save(staff, desk, ("first_name", "FIRSTNAME"), mark=answer.context["mark"])
    assert mapped(desk) == [("first_name", "FIRSTNAME", "always")]


WARNINGS = [
    ("first_name", "SHOE_SIZE", "Brevo has no attribute SHOE_SIZE"),
    ("first_name", "VISITS", "VISITS is of the type “float”, but “First name” is a “text”"),
    ("first_name", "TOTAL", "Brevo computes TOTAL itself"),
    ("answer:Which topics?", "VISITS", "a real answer doesn't fit: “Pricing” is no number. It is left out."),
    ("answer:Company", "COMPANY", "No active event type asks “Company” now; “Company name” is most like it."),
    ("answer:Favourite colour", "COMPANY", "No active event type asks “Favourite colour” now."),
    ("phone", "EXT_ID", "EXT_ID is no attribute but a key of Brevo's own"),
]


@pytest.mark.parametrize(("source", "attribute", "words"), WARNINGS)
def test_a_line_that_looks_wrong_is_saved_with_the_warning_that_was_shown_while_editing(
    source: str, attribute: str, words: str, staff: Client, desk: Connection
) -> None:
    shown = staff.get(address(desk, "check"), {"source": source, "attribute": attribute}).json()["warnings"]

    _, said = save(staff, desk, (source, attribute))

    assert words in shown[0]
    assert said[1:] == shown
    assert mapped(desk) == [(source, attribute, "always")]


def test_a_line_that_is_switched_off_warns_of_nothing(staff: Client, desk: Connection) -> None:
    assert save(staff, desk, ("first_name", "VISITS", "never"))[1] == ["1 line is saved."]


def test_an_unread_catalogue_is_said(staff: Client, desk: Connection) -> None:
    desk.brevo_account.attributes_read_at = None
    desk.brevo_account.save()

    assert "have not been read yet" in save(staff, desk, ("first_name", "COMPANY"))[1][1]


@pytest.mark.parametrize(
    ("source", "attribute", "words"),
    [
        ("meeting_date", "MEETING_DATE", "date → YYYY-MM-DD in the invitee's zone"),
        ("meeting_date", "COMPANY", "date → text: YYYY-MM-DD in the invitee's zone"),
        ("answer:Which topics?", "MEETING_DATE", "text → date; only if it is written YYYY-MM-DD"),
        ("status", "STATUS", "text → one of the category's options: booked, cancelled"),
        ("no_shows", "VISITS", "number, as it is"),
        ("phone", "SMS", "text → phone number with its country, such as +33612345678"),
        ("", "COMPANY", ""),
        ("moves", "", ""),
    ],
)
def test_the_conversion_is_told(source: str, attribute: str, words: str, staff: Client, desk: Connection) -> None:
    said = staff.get(address(desk, "check"), {"source": source, "attribute": attribute}).json()

    assert said["conversion"] == words


def test_real_answers_and_a_name_are_shown_for_a_question(staff: Client, desk: Connection) -> None:
    said = staff.get(address(desk, "check"), {"source": "answer:Which topics?"}).json()

    assert (said["answers"], said["proposed_name"], said["warnings"]) == (["Pricing"], "TOPICS", [])


def test_only_what_can_be_written_is_offered_with_its_type(staff: Client, desk: Connection) -> None:
    text = staff.get(address(desk)).content.decode()

    assert '<option value="VISITS">VISITS (number)</option>' in text
    assert '<option value="SMS">SMS (phone number)</option>' in text
    assert '<option value="answer:Team size">Team size</option>' in text
    assert 'value="TOTAL"' not in text
    assert 'value="EMAIL"' not in text


def test_every_field_is_offered_in_a_group_of_its_own_kind(staff: Client, desk: Connection) -> None:
    pick_list = staff.get(address(desk)).context["lines"].empty_form.fields["source"].widget.pick_list

    offered = [name for _, choices in pick_list.groups for name, _ in choices]
    assert set(FIELDS) <= set(offered)
    assert len(offered) == len(set(offered))
    assert {str(group_of(name)) for name in ("last_name", "last_utm_term", "last_meeting_date")} == {
        "Invitee",
        "UTM, last touch",
        "Over all bookings",
    }


def test_a_question_keeps_the_spelling_it_is_mapped_with(staff: Client, desk: Connection) -> None:
    FieldMapping.objects.create(connection=desk, source="answer:team size", attribute="VISITS")
    FieldMapping.objects.create(connection=desk, source="answer:Long gone", attribute="COMPANY")

    text = staff.get(address(desk)).content.decode()

    assert '<option value="answer:team size" selected>Team size</option>' in text
    assert '<option value="answer:Long gone" selected>Answer: Long gone</option>' in text


def test_suggestions_are_shown_and_added_with_one_click(staff: Client, desk: Connection) -> None:
    FieldMapping.objects.create(connection=desk, source="first_name", attribute="FIRSTNAME")
    found = staff.get(address(desk)).context["suggestions"]
    pairs = {(each.source, each.attribute) for each in found}

    save(staff, desk, ("first_name", "FIRSTNAME", "if_empty"), add="COMPANY|answer:Company name")

    assert {("answer:Company name", "COMPANY"), ("meeting_date", "MEETING_DATE"), ("phone", "SMS")} <= pairs
    assert mapped(desk) == [("first_name", "FIRSTNAME", "if_empty"), ("answer:Company name", "COMPANY", "always")]


def test_a_renamed_question_is_replaced_with_one_click(staff: Client, desk: Connection) -> None:
    FieldMapping.objects.create(connection=desk, source="answer:Company", attribute="COMPANY")
    text = staff.get(address(desk)).content.decode()

    save(staff, desk, ("answer:Company", "COMPANY"), **{"use-lines-0": "answer:Company name"})

    assert "Use “Company name” instead" in text
    assert mapped(desk) == [("answer:Company name", "COMPANY", "always")]


def test_the_number_of_queries_does_not_grow_with_the_lines(staff: Client, desk: Connection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            assert staff.get(address(desk)).status_code == 200
        return len(found)

    def add(*numbers: int) -> None:
        for number in numbers:
            FieldMapping.objects.create(connection=desk, source=f"answer:Question {number}", attribute=f"A_{number}")
            make_booking_row(desk, f"nadia-{number}", answers=(Answer(question=f"Question {number}", answer="No"),))

    add(1)
    queries()  # what a process asks only once
    few = queries()
    add(*range(2, 101))

    assert queries() == few <= 14


def create_form(*rows: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {"new-TOTAL_FORMS": len(rows), "new-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        data |= {f"new-{number}-{name}": value for name, value in row.items()}
    return data


def create_row(source: str, name: str, kind: str = "text", *, is_chosen: bool = True) -> dict[str, str]:
    return {"source": source, "name": name, "kind": kind, **({"is_chosen": "on"} if is_chosen else {})}


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_missing_attributes_are_asked_for_with_name_and_type_first(staff: Client, river: River) -> None:
    river.map_field("meeting_minutes", "MINUTES")
    row = river.connection

    page_text = staff.get(address(row)).content.decode()
    rows = staff.get(address(row, "create")).context["rows"]

    assert "Create the 1 missing attribute" in page_text
    assert [(form["name"].value(), form["kind"].value()) for form in rows if form["is_chosen"].value()] == [
        ("MINUTES", "float")
    ]
    assert "MINUTES" not in river.brevo.state.attributes


def test_missing_attributes_are_created_and_an_answers_attribute_with_its_line(staff: Client, river: River) -> None:
    river.map_field("meeting_minutes", "MINUTES")

    answer = staff.post(
        address(river.connection, "create"),
        create_form(
            create_row("meeting_minutes", "MINUTES", "float"),
            create_row("answer:Which topics?", "topics"),
            create_row("answer:Role", "ROLE_TOO", is_chosen=False),
        ),
    )

    assert messages_of(answer) == ["2 attributes are in Brevo now: MINUTES (number), TOPICS (text)."]
    assert answer.headers["Location"] == address(river.connection)
    kinds = dict(river.account.attributes.values_list("name", "kind"))
    assert (kinds["MINUTES"], kinds["TOPICS"], "ROLE_TOO" in kinds) == ("float", "text", False)
    assert ("answer:Which topics?", "TOPICS", "always") in mapped(river.connection)
    assert LogEntry.objects.count() == 1


def test_what_brevo_refuses_stays_with_brevos_words_and_the_others_are_created(staff: Client, river: River) -> None:
    river.map_field("meeting_minutes", "MINUTES")
    river.break_brevo("status", f"{NORMAL}/MINUTES", status=400, body={"message": "No, thanks"})

    answer = staff.post(
        address(river.connection, "create"),
        create_form(create_row("meeting_minutes", "MINUTES", "float"), create_row("answer:Which topics?", "TOPICS")),
    )

    said = messages_of(answer)
    assert said[0] == "1 attribute is in Brevo now: TOPICS (text)."
    assert said[1] == "MINUTES: Brevo refused it: No, thanks"
    (left,) = answer.context["rows"].forms
    assert (left["name"].value(), left["kind"].value(), left["is_chosen"].value()) == ("MINUTES", "float", True)
    assert "Brevo refused it" in left.refusal


def test_a_dead_key_loses_nothing(staff: Client, river: River) -> None:
    river.break_brevo("status", f"{NORMAL}/TOPICS", status=401, body={"message": "Key not found"})

    answer = staff.post(
        address(river.connection, "create"),
        create_form(create_row("answer:Which topics?", "TOPICS"), create_row("answer:Role", "JOB")),
    )

    assert [form["name"].value() for form in answer.context["rows"]] == ["TOPICS", "JOB"]
    assert all("Brevo doesn't accept the API key any more" in words for words in messages_of(answer))
    assert "JOB" not in river.brevo.state.attributes  # it was not even tried


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MY NAME", "only capitals"),
        ("2ND", "begin with a digit"),
        ("COMPANY", "Brevo has COMPANY already"),
        ("SMS", "Brevo has SMS already"),
        ("TWICE", "Another row has this name"),
        ("", "only capitals"),
    ],
)
def test_a_name_that_cannot_be_created_is_refused(name: str, words: str, staff: Client, desk: Connection) -> None:
    answer = staff.post(
        address(desk, "create"),
        create_form(create_row("answer:Team size", "TWICE"), create_row("answer:Which topics?", name)),
    )

    assert words in answer.content.decode()
    assert [form["name"].value() for form in answer.context["rows"]] == ["TWICE", name]


def test_nothing_ticked_creates_nothing(staff: Client, desk: Connection) -> None:
    answer = staff.post(address(desk, "create"), create_form(create_row("moves", "MOVES", is_chosen=False)))

    assert messages_of(answer) == ["Nothing was ticked, so nothing was created."]


def test_the_attributes_are_read_again(staff: Client, river: River) -> None:
    river.brevo.add_attribute("SHOE_SIZE", type="float")

    answer = staff.post(address(river.connection, "refresh"))

    assert "Read from Brevo" in messages_of(answer)[0]
    assert river.account.attributes.filter(name="SHOE_SIZE").exists()


def test_who_may_only_look_sees_the_lines_but_changes_nothing(desk: Connection) -> None:
    FieldMapping.objects.create(connection=desk, source="name", attribute="FIRSTNAME")
    viewer = client_of("Viewer")

    text = viewer.get(address(desk)).content.decode()
    answers = [
        viewer.post(address(desk), posted(("moves", "VISITS"))),
        viewer.post(address(desk, "create"), create_form(create_row("moves", "MOVES"))),
        viewer.get(address(desk, "create")),
        viewer.post(address(desk, "refresh")),
    ]

    assert "<fieldset disabled>" in text
    assert 'value="Save"' not in text
    assert [answer.status_code for answer in answers] == [403, 403, 403, 403]
    assert mapped(desk) == [("name", "FIRSTNAME", "always")]


def test_without_permission_nothing_is_seen(log_in: Callable[..., Client], desk: Connection) -> None:
    client = log_in("view_connection")

    assert [client.get(address(desk, rest)).status_code for rest in ("", "check", "create")] == [403, 403, 403]


def test_who_cares_for_brevo_creates_what_is_missing_but_maps_nothing(
    log_in: Callable[..., Client], river: River
) -> None:
    river.map_field("meeting_minutes", "MINUTES")
    client = log_in("view_fieldmapping", "change_brevoaccount")
    before = mapped(river.connection)
    rows = client.get(address(river.connection, "create")).context["rows"]

    client.post(
        address(river.connection, "create"),
        create_form(create_row("meeting_minutes", "MINUTES", "float"), create_row("answer:Which topics?", "TOPICS")),
    )

    assert [form["name"].value() for form in rows] == ["MINUTES"]
    assert river.account.attributes.filter(name="MINUTES").exists()
    assert mapped(river.connection) == before


def test_another_connections_lines_stay_as_they_are(staff: Client, desk: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    FieldMapping.objects.create(connection=other, source="name", attribute="FIRSTNAME")

    save(staff, desk, ("first_name", "FIRSTNAME"))

    assert mapped(other) == [("name", "FIRSTNAME", "always")]


def test_an_unknown_address_below_the_page_is_not_found(staff: Client, desk: Connection) -> None:
    assert staff.get(address(desk, "elsewhere")).status_code == 404


def test_the_list_of_all_lines_can_be_read_and_leads_to_the_page(staff: Client, desk: Connection) -> None:
    row = FieldMapping.objects.create(connection=desk, source="answer:Team size", attribute="VISITS")

    text = staff.get(parts.list_of(FieldMapping)).content.decode()
    refused = [
        staff.get(parts.list_of(FieldMapping) + "add/"),
        staff.post(parts.page_of(FieldMapping, row.pk), {"attribute": "COMPANY"}),
        staff.post(parts.page_of(FieldMapping, row.pk).replace("/change/", "/delete/"), {"post": "yes"}),
    ]

    assert f'<a href="{address(desk)}">Edit the fields</a>' in text
    assert f'<a href="{address(desk)}">VISITS</a>' in text
    assert "Answer: Team size" in text
    assert [answer.status_code for answer in refused] == [403, 403, 403]


def test_the_questions_of_new_attributes_are_named_and_what_fits_is_said(staff: Client, desk: Connection) -> None:
    EventType.objects.update(questions=["Your role", "Which topics?"])
    BrevoAttribute.objects.create(account=desk.brevo_account, name="JOB_TITLE", kind="text", read_at=timezone.now())

    fields = staff.get(address(desk)).content.decode()
    create = staff.get(address(desk, "create")).content.decode()

    assert "“Your role”, “Which topics?”" in fields
    assert create.count("exists and fits: map it instead") == 1
    assert "JOB_TITLE exists and fits" in create
