"""Reading Calendly: people, event types, events and invitees, pages, refusals."""

from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.calendly_world import CAMILLE, DEMO, DISCOVERY, FORM, GROUP_DEMO, HUGO, INES, ORGANIZATION, SUPPORT
from tests.sandbox.calendly_api import Answer, Api, Json

UNKNOWN = "https://api.calendly.com/users/00000000-0000-4000-8000-000000000000"
TUESDAY = "2031-03-04T"


def path_of(uri: str) -> str:
    return urlsplit(uri).path


def uris(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.raw
    return [row["uri"] for row in answer.rows]


def test_me_is_the_owner_of_the_token(calendly: Api) -> None:
    me = calendly.get("/users/me").resource

    assert me["uri"] == CAMILLE
    assert me["current_organization"] == ORGANIZATION
    assert calendly.get("/users/HGBHCAAFDE2QTSEZ").resource == me
    assert calendly.get(path_of(HUGO)).resource["name"] == "Hugo Martin"


@pytest.mark.parametrize("path", ["/users/x", "/organizations/x", "/event_types/x", "/scheduled_events/x", "/nothing"])
def test_unknown_addresses_are_404(calendly: Api, path: str) -> None:
    answer = calendly.get(path)

    assert answer.status == 404
    assert answer.body["title"] == "Resource Not Found"


def test_the_organization_tells_its_plan(calendly: Api) -> None:
    answer = calendly.get(path_of(ORGANIZATION))

    assert (answer.resource["plan"], answer.resource["stage"]) == ("teams", "paid")


def test_memberships_by_organization_user_email_and_role(calendly: Api) -> None:
    everybody = calendly.get("/organization_memberships", organization=ORGANIZATION)

    assert [row["role"] for row in everybody.rows] == ["owner", "admin", "user"]
    assert "current_organization" not in everybody.rows[0]["user"]
    assert len(calendly.get("/organization_memberships", user=HUGO).rows) == 1
    assert len(calendly.get("/organization_memberships", organization=ORGANIZATION, role="user").rows) == 1
    assert calendly.get("/organization_memberships", email="ines@example.fr").rows[0]["user"]["uri"] == INES
    assert calendly.get(path_of(everybody.rows[0]["uri"])).resource == everybody.rows[0]
    assert calendly.get("/organization_memberships", role="user").status == 400


def test_a_plain_member_reads_their_own_membership(calendly: Api) -> None:
    calendly.calendly.add_token("ines", user=INES)

    assert calendly.get("/organization_memberships", token="ines", user=INES).rows[0]["role"] == "user"
    assert calendly.get("/organization_memberships", token="ines", organization=ORGANIZATION).status == 403


def test_event_types_of_the_organization_in_the_asked_order(calendly: Api) -> None:
    by_name = calendly.get("/event_types", organization=ORGANIZATION)
    by_position = calendly.get("/event_types", organization=ORGANIZATION, sort="position:desc")

    assert [row["name"] for row in by_name.rows] == ["Demo", "Discovery call", "Group demo", "Support"]
    assert uris(by_position) == [SUPPORT, GROUP_DEMO, DEMO, DISCOVERY]
    assert {row["kind"] for row in by_name.rows} == {"solo", "group"}
    assert uris(calendly.get("/event_types", user=INES)) == [SUPPORT]


def test_event_types_need_an_owner_and_known_values(calendly: Api) -> None:
    assert calendly.get("/event_types").status == 400
    assert calendly.get("/event_types", organization=ORGANIZATION, sort="color:asc").status == 400
    assert calendly.get("/event_types", organization=ORGANIZATION, active="maybe").status == 400
    assert calendly.get("/event_types", user=UNKNOWN).body["message"] == "This user is not in your organization"
    assert calendly.get("/event_types", organization=UNKNOWN).status == 403


def test_a_deleted_event_type_leaves_the_list_but_stays_readable(calendly: Api) -> None:
    calendly.calendly.delete_event_type(DEMO)

    assert DEMO not in uris(calendly.get("/event_types", organization=ORGANIZATION))
    assert calendly.get(path_of(DEMO)).resource["deleted_at"]


def test_inactive_event_types_are_filtered_only_when_asked(calendly: Api) -> None:
    calendly.calendly.edit_event_type(DEMO, active=False)

    assert DEMO in uris(calendly.get("/event_types", organization=ORGANIZATION))
    assert DEMO not in uris(calendly.get("/event_types", organization=ORGANIZATION, active="true"))
    assert uris(calendly.get("/event_types", organization=ORGANIZATION, active="false")) == [DEMO]


def test_hosts_of_a_round_robin_type(calendly: Api) -> None:
    answer = calendly.get("/event_type_memberships", event_type=SUPPORT)

    assert [row["member"]["uri"] for row in answer.rows] == [HUGO, INES]


def test_locations_of_a_user(calendly: Api) -> None:
    kinds = {row["kind"]: row.get("connected") for row in calendly.get("/locations", user=CAMILLE).rows}

    assert kinds["zoom_conference"] is True
    assert kinds["physical"] is None
    assert calendly.get("/locations", user=UNKNOWN).status == 403


def test_routing_forms_and_their_submissions(calendly: Api) -> None:
    submission = calendly.calendly.submit_form()

    assert uris(calendly.get("/routing_forms", organization=ORGANIZATION)) == [FORM]
    assert uris(calendly.get("/routing_form_submissions", form=FORM)) == [submission]
    assert calendly.get(path_of(submission)).resource["submitter"] is None


# Events and invitees.


def test_an_event_and_its_invitee_have_every_key(calendly: Api) -> None:
    uri = calendly.calendly.book(
        event_type="Discovery call",
        email="nadia.benali@example.com",
        first_name="Nadia",
        last_name="Benali",
        answers={"Which topics?": ["Pricing", "Security"], "Mobile number": "+33612345678", "Company": "Benali"},
        tracking={"utm_source": "newsletter", "gclid": "dropped"},
        guests=["colleague@example.com"],
    )

    invitee = calendly.get(path_of(uri)).resource
    event = calendly.get(path_of(invitee["event"])).resource

    assert [row["answer"] for row in invitee["questions_and_answers"]] == [
        "Benali",
        "+33 6 12 34 56 78",
        "Pricing\nSecurity",
    ]
    assert invitee["name"] == "Nadia Benali"
    assert invitee["tracking"] == {
        "utm_campaign": None,
        "utm_source": "newsletter",
        "utm_medium": None,
        "utm_content": None,
        "utm_term": None,
        "salesforce_uuid": None,
    }
    assert "cancellation" not in invitee
    assert event["location"]["type"] == "zoom"
    assert event["invitees_counter"] == {"total": 1, "active": 1, "limit": 1}
    assert event["event_memberships"][0]["user"] == CAMILLE
    assert event["event_guests"][0]["email"] == "colleague@example.com"
    assert len(event["created_at"]) == len("2026-11-22T10:15:04.130011Z")


def test_events_are_filtered_by_time_status_and_address(calendly: Api) -> None:
    desk = calendly.calendly
    early = desk.book(email="early@example.com", start_time=TUESDAY + "09:00:00Z")
    late = desk.book(email="late@example.com", start_time=TUESDAY + "15:00:00Z")
    desk.cancel(early)
    of: Json = {"organization": ORGANIZATION}

    early_event, late_event = desk.invitee(early)["event"], desk.invitee(late)["event"]
    assert uris(calendly.get("/scheduled_events", **of)) == [early_event, late_event]
    assert uris(calendly.get("/scheduled_events", **of, sort="start_time:desc")) == [late_event, early_event]
    assert uris(calendly.get("/scheduled_events", **of, status="active")) == [late_event]
    assert uris(calendly.get("/scheduled_events", **of, status="canceled")) == [early_event]
    assert uris(calendly.get("/scheduled_events", **of, invitee_email="late@example.com")) == [late_event]
    assert uris(calendly.get("/scheduled_events", **of, invitee_email="nobody@example.com")) == []
    assert uris(calendly.get("/scheduled_events", **of, min_start_time=TUESDAY + "10:00:00Z")) == [late_event]
    assert uris(calendly.get("/scheduled_events", **of, max_start_time=TUESDAY + "10:00:00Z")) == [early_event]
    assert uris(calendly.get("/scheduled_events", **of, min_start_time=TUESDAY + "15:00:00Z")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("sort", "created_at:asc"),
        ("min_start_time", "yesterday"),
        ("min_start_time", TUESDAY + "10:00:00+02:00"),
        ("count", "0"),
        ("count", "101"),
        ("count", "many"),
        ("page_token", "made-up"),
    ],
)
def test_wrong_filters_are_400(calendly: Api, name: str, value: str) -> None:
    answer = calendly.get("/scheduled_events", organization=ORGANIZATION, **{name: value})

    assert answer.status == 400
    assert answer.body["details"][0]["parameter"] == name


def test_events_of_one_user(calendly: Api) -> None:
    mine = calendly.calendly.book(event_type=DISCOVERY, email="a@example.com")
    theirs = calendly.calendly.book(event_type=DEMO, email="a@example.com")
    mine, theirs = (calendly.calendly.invitee(uri)["event"] for uri in (mine, theirs))

    assert uris(calendly.get("/scheduled_events", user=CAMILLE)) == [mine]
    assert uris(calendly.get("/scheduled_events", user=HUGO, organization=ORGANIZATION)) == [theirs]
    both: Json = {"user": HUGO, "organization": ORGANIZATION, "invitee_email": "a@example.com"}
    assert uris(calendly.get("/scheduled_events", **both)) == [theirs]


def test_another_users_events_need_the_organization_too(calendly: Api) -> None:
    answer = calendly.get("/scheduled_events", user=HUGO)

    assert answer.status == 403
    assert answer.body["message"].startswith("Please also specify organization")
    assert calendly.get("/scheduled_events").status == 400
    assert calendly.get("/scheduled_events", user=UNKNOWN, organization=ORGANIZATION).status == 403
    assert calendly.get("/scheduled_events", organization=UNKNOWN).status == 403
    assert calendly.get("/scheduled_events", group=UNKNOWN).status == 404


def test_a_plain_member_sees_only_their_own_events(calendly: Api) -> None:
    calendly.calendly.add_token("ines", user=INES)
    event = calendly.calendly.invitee(calendly.calendly.book(email="a@example.com"))["event"]

    refused = calendly.get("/scheduled_events", token="ines", organization=ORGANIZATION)
    assert refused.status == 403
    assert refused.body["message"] == "You do not have permission to access this resource."
    assert calendly.get(path_of(event), token="ines").body["message"] == "You are not allowed to view this event"
    assert uris(calendly.get("/scheduled_events", token="ines", user=INES)) == []


def test_demoting_an_admin_closes_the_organization(calendly: Api) -> None:
    calendly.calendly.set_role("user")

    assert calendly.get("/scheduled_events", organization=ORGANIZATION).status == 403


def test_invitees_of_a_group_event(calendly: Api) -> None:
    desk = calendly.calendly
    ann = desk.book(event_type=GROUP_DEMO, email="ann@example.com", name="Ann")
    event = desk.invitee(ann)["event"]
    ben = desk.book(event=event, email="ben@example.com", name="Ben")
    desk.cancel(ann)

    path = path_of(event) + "/invitees"
    assert uris(calendly.get(path)) == [ann, ben]
    assert uris(calendly.get(path, sort="created_at:desc")) == [ben, ann]
    assert uris(calendly.get(path, status="active")) == [ben]
    assert uris(calendly.get(path, email="ann@example.com")) == [ann]
    assert desk.event(event)["status"] == "active"
    assert desk.event(event)["invitees_counter"] == {"total": 2, "active": 1, "limit": 10}


# Pages.


def test_pages_follow_each_other_and_keep_the_filters(calendly: Api) -> None:
    for number in range(7):
        calendly.calendly.book(email="many@example.com", name=f"Person {number}")
    asked: Json = {
        "organization": ORGANIZATION,
        "invitee_email": "many@example.com",
        "count": 3,
        "sort": "start_time:desc",
    }

    first = calendly.get("/scheduled_events", **asked)
    pages, following = [first], first.body["pagination"]["next_page"]
    while following:
        assert following.startswith(calendly.sandbox.url + "/scheduled_events?")
        assert parse_qs(urlsplit(following).query)["invitee_email"] == ["many@example.com"]
        pages.append(calendly.get(following))
        following = pages[-1].body["pagination"]["next_page"]

    assert [len(page.rows) for page in pages] == [3, 3, 1]
    starts = [row["start_time"] for page in pages for row in page.rows]
    assert starts == sorted(starts, reverse=True)
    assert len(set(starts)) == 7
    token = first.body["pagination"]["next_page_token"]
    assert calendly.get("/scheduled_events", **asked, page_token=token).rows == pages[1].rows


def test_the_previous_page_is_the_one_before(calendly: Api) -> None:
    for number in range(5):
        calendly.calendly.book(email=f"p{number}@example.com")
    first = calendly.get("/scheduled_events", organization=ORGANIZATION, count=2)
    second = calendly.get(first.body["pagination"]["next_page"])
    third = calendly.get(second.body["pagination"]["next_page"])

    assert first.body["pagination"]["previous_page"] is None
    assert third.body["pagination"]["next_page"] is None
    assert calendly.get(third.body["pagination"]["previous_page"]).rows == second.rows
    back = calendly.get(second.body["pagination"]["previous_page"])
    assert back.rows == first.rows
    assert back.body["pagination"]["previous_page"] is None
    assert back.body["pagination"]["next_page"]


def test_a_row_that_comes_meanwhile_disturbs_no_later_page(calendly: Api) -> None:
    for hour in ("10", "11", "12", "13"):
        calendly.calendly.book(email="a@example.com", start_time=f"{TUESDAY}{hour}:00:00Z")
    first = calendly.get("/scheduled_events", organization=ORGANIZATION, count=2)
    calendly.calendly.book(email="a@example.com", start_time=TUESDAY + "09:00:00Z")

    second = calendly.get(first.body["pagination"]["next_page"])

    assert not set(uris(first)) & set(uris(second))
    assert [row["start_time"][11:13] for row in second.rows] == ["12", "13"]


def test_a_single_page_has_all_five_keys_and_no_neighbours(calendly: Api) -> None:
    pagination = calendly.get("/event_types", organization=ORGANIZATION).body["pagination"]

    assert pagination == {
        "count": 4,
        "next_page": None,
        "previous_page": None,
        "next_page_token": None,
        "previous_page_token": None,
    }


def test_small_lists_are_paged_too(calendly: Api) -> None:
    first = calendly.get("/event_types", organization=ORGANIZATION, count=3)
    second = calendly.get(first.body["pagination"]["next_page"])

    assert len(first.rows) == 3
    assert [row["name"] for row in second.rows] == ["Support"]
    assert uris(calendly.get(second.body["pagination"]["previous_page"])) == uris(first)
