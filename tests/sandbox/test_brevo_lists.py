"""Lists, folders, segments, and who is on a list (reference 3 and 9)."""

from typing import Any

import pytest

from tests.sandbox.brevo_api import Api


def test_account_starts_with_a_folder_and_lists(api: Api) -> None:
    folders, lists = api.get("/contacts/folders").json, api.get("/contacts/lists").json

    assert [folder["name"] for folder in folders["folders"]] == ["Your first folder"]
    assert {found["folderId"] for found in lists["lists"]} == {folders["folders"][0]["id"]}
    assert lists["count"] == 3


def test_list_is_created_read_renamed_moved_and_deleted(api: Api) -> None:
    folder_id = api.post("/contacts/folders", {"name": "Second"}).json["id"]
    created = api.post("/contacts/lists", {"name": "Demos", "folderId": 1})
    path = f"/contacts/lists/{created.json['id']}"

    assert created.status == 201
    assert api.put(path, {"name": "Demo calls"}).status == 204
    assert api.put(path, {"folderId": folder_id}).status == 204
    found = api.get(path).json
    assert (found["name"], found["folderId"], found["dynamicList"]) == ("Demo calls", folder_id, False)
    assert api.delete(path).status == 204
    assert api.get(path).error[:2] == (404, "document_not_found")


def test_list_needs_a_name_and_a_known_folder(api: Api) -> None:
    unknown = api.post("/contacts/lists", {"name": "Demos", "folderId": 9})

    assert unknown.error == (400, "document_not_found", "Folder ID does not exist")
    assert api.post("/contacts/lists", {"folderId": 1}).error[:2] == (400, "missing_parameter")
    assert api.post("/contacts/lists", {"name": "Demos"}).status == 400


@pytest.mark.parametrize("body", [{}, {"name": "x", "folderId": 1}, {"name": ""}, {"folderId": "1"}])
def test_list_changes_one_thing_per_call(api: Api, body: dict[str, Any]) -> None:
    assert api.put("/contacts/lists/1", body).status == 400


def test_lists_page_by_50_newest_first(api: Api) -> None:
    for number in range(57):
        api.brevo.add_list(f"List {number}")

    default, most = api.get("/contacts/lists").json, api.get("/contacts/lists?limit=50&offset=50").json

    assert len(default["lists"]) == 10
    assert default["lists"][0]["name"] == "List 56"
    assert (len(most["lists"]), most["count"]) == (10, 60)
    assert api.get("/contacts/lists?limit=1&sort=asc").json["lists"][0]["id"] == 1


@pytest.mark.parametrize("path", ["lists", "folders", "segments", "folders/1/lists"])
def test_limit_above_50_is_out_of_range(api: Api, path: str) -> None:
    assert api.get(f"/contacts/{path}?limit=50").status == 200
    assert api.get(f"/contacts/{path}?limit=51").error[:2] == (400, "out_of_range")


def test_only_unique_subscribers_count(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1, 2])
    api.brevo.add_contact("bob@example.com", list_ids=[1])

    found, folder = api.get("/contacts/lists/1").json, api.get("/contacts/folders/1").json

    assert (found["uniqueSubscribers"], found["totalSubscribers"], found["totalBlacklisted"]) == (2, 0, 0)
    assert folder["uniqueSubscribers"] == 2


def test_deleting_a_list_keeps_its_contacts(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1, 2])

    api.delete("/contacts/lists/1")

    assert api.contact("ada@example.com")["listIds"] == [2]


def test_deleting_a_folder_deletes_its_lists(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1])

    assert api.delete("/contacts/folders/1").status == 204

    assert api.get("/contacts/lists").json == {"lists": [], "count": 0}
    assert api.contact("ada@example.com")["listIds"] == []


def test_folder_is_renamed_and_lists_its_lists(api: Api) -> None:
    assert api.put("/contacts/folders/1", {"name": "Bookings"}).status == 204

    assert api.get("/contacts/folders/1").json["name"] == "Bookings"
    assert api.get("/contacts/folders/1/lists").json["count"] == 3
    assert api.post("/contacts/folders", {}).error[:2] == (400, "missing_parameter")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_folder(api: Api, method: str) -> None:
    answer = api.call(method, "/v3/contacts/folders/9", {"name": "x"} if method == "PUT" else None)

    assert answer.error == (404, "document_not_found", "Folder ID does not exist")


def test_account_holds_300_lists_and_folders(api: Api) -> None:
    for number in range(297):
        api.brevo.add_list(f"List {number}")
    for number in range(299):
        api.post("/contacts/folders", {"name": f"Folder {number}"})

    assert api.post("/contacts/lists", {"name": "One more", "folderId": 1}).status == 400
    assert api.post("/contacts/folders", {"name": "One more"}).status == 400


def test_there_are_no_segments(api: Api) -> None:
    assert api.get("/contacts/segments").json == {"segments": [], "count": 0}


def test_contacts_of_a_list_page_by_500(api: Api) -> None:
    for name in ("ada", "bob", "cyd"):
        api.brevo.add_contact(f"{name}@example.com", list_ids=[1])

    found = api.get("/contacts/lists/1/contacts?limit=2").json

    assert [contact["email"] for contact in found["contacts"]] == ["cyd@example.com", "bob@example.com"]
    assert found["count"] == 3
    assert api.get("/contacts/lists/1/contacts?modifiedSince=2100-01-01T00%3A00%3A00Z").json["count"] == 0
    assert api.get("/contacts/lists/1/contacts?limit=501").error[:2] == (400, "out_of_range")
    assert api.get("/contacts/lists/99/contacts").status == 404


def test_adding_tells_who_was_added_but_not_why_not(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.add_contact("bob@example.com", list_ids=[1])
    emails = ["ada@example.com", "bob@example.com", "nobody@example.com"]

    answer = api.post("/contacts/lists/1/contacts/add", {"emails": emails})

    assert (answer.status, answer.json) == (201, {"contacts": {"success": emails[:1], "failure": emails[1:]}})
    assert api.brevo.contact("nobody@example.com") is None


@pytest.mark.parametrize("body", [{"ids": [1]}, {"emails": ["ada@example.com"]}, {"extIds": ["x1"]}])
def test_contacts_are_named_in_three_ways(api: Api, body: dict[str, Any]) -> None:
    api.brevo.add_contact("ada@example.com", ext_id="x1")

    added = api.post("/contacts/lists/1/contacts/add", body)
    removed = api.post("/contacts/lists/1/contacts/remove", body)

    wanted = {"contacts": {"success": next(iter(body.values())), "failure": []}}
    assert (added.status, added.json) == (removed.status, removed.json) == (201, wanted)


def test_adding_nobody_is_refused(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1])

    answer = api.post("/contacts/lists/1/contacts/add", {"emails": ["ada@example.com", "nobody@example.com"]})

    assert answer.error == (400, "invalid_parameter", "Contact already in list and/or does not exist")


def test_removing_nobody_is_refused(api: Api) -> None:
    answer = api.post("/contacts/lists/1/contacts/remove", {"emails": ["nobody@example.com"]})

    assert answer.error[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_150_contacts_per_call(api: Api, verb: str) -> None:
    ids = [api.brevo.add_contact(f"p{number}@example.com", list_ids=[2]) for number in range(151)]
    path = f"/contacts/lists/{1 if verb == 'add' else 2}/contacts/{verb}"

    assert api.post(path, {"ids": ids}).error[:2] == (400, "invalid_parameter")
    assert len(api.post(path, {"ids": ids[:150]}).json["contacts"]["success"]) == 150


@pytest.mark.parametrize(
    "body", [{}, {"emails": []}, {"ids": [1], "emails": ["a@b.com"]}, {"ids": ["1"]}, {"emails": "a"}]
)
def test_exactly_one_way_of_naming_is_wanted(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/contacts/lists/1/contacts/add", body).error[:2] == (400, "invalid_parameter")


def test_removing_all_names_a_process(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1])
    api.brevo.add_contact("bob@example.com", list_ids=[1])

    answer = api.post("/contacts/lists/1/contacts/remove", {"all": True})

    assert (answer.status, answer.json["contacts"]["total"]) == (201, 2)
    assert api.finished(answer.json["contacts"]["processId"])["status"] == "completed"
    assert api.brevo.list_members(1) == []


def test_unknown_list_cannot_be_joined_directly(api: Api) -> None:
    assert api.post("/contacts/lists/99/contacts/add", {"ids": [1]}).error[:2] == (404, "document_not_found")
