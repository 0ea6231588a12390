"""GET /contacts: paging and filters (reference 2.7 and 9)."""

import pytest

from tests.sandbox.brevo_api import Api


def test_listing_pages_newest_first(api: Api) -> None:
    for number in range(5):
        api.brevo.add_contact(f"p{number}@example.com")

    first, last = api.get("/contacts?limit=2").json, api.get("/contacts?limit=2&offset=4").json
    oldest = api.get("/contacts?limit=1&sort=asc").json

    assert [contact["email"] for contact in first["contacts"]] == ["p4@example.com", "p3@example.com"]
    assert [contact["email"] for contact in last["contacts"]] == ["p0@example.com"]
    assert oldest["contacts"][0]["email"] == "p0@example.com"
    assert first["count"] == 5


@pytest.mark.parametrize(
    ("query", "emails"),
    [
        ("listIds=1", ["ada"]), ("listIds=1&listIds=2", ["bob", "ada"]), ("ids=2", ["bob"]),
        ("filter=equals(FIRSTNAME,%22Ada%22)", ["ada"]), ("filter=equals(B1,true)", ["bob"]),
        ("filter=equals(CIV,1)", ["ada"]), ("filter=equals(CIV,Mrs)", ["ada"]),
        ("filter=equals(TOPICS,%22Demo,Price%22)", ["bob"]), ("filter=equals(COUNT,3)", ["bob"]),
        ("modifiedSince=2026-01-01T00%3A00%3A00.000Z", ["bob", "ada"]), ("createdSince=2100-01-01", []),
    ],
)  # fmt: skip
def test_listing_filters(api: Api, query: str, emails: list[str]) -> None:
    api.brevo.add_attribute("B1", "boolean")
    api.brevo.add_attribute("COUNT", "float")
    api.brevo.add_attribute("CIV", category="category", options={1: "Mrs", 2: "Mr"})
    api.brevo.add_attribute("TOPICS", "multiple-choice", options=["Demo", "Price", "Team"])
    api.brevo.add_contact("ada@x.com", {"FIRSTNAME": "Ada", "CIV": 1, "TOPICS": ["Demo"]}, [1])
    api.brevo.add_contact("bob@x.com", {"B1": True, "COUNT": 3, "TOPICS": ["Demo", "Price"]}, [2])

    found = api.get(f"/contacts?{query}").json

    assert [contact["email"].split("@")[0] for contact in found["contacts"]] == emails
    assert found["count"] == len(emails)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=1001", "out_of_range"), ("limit=-1", "out_of_range"), ("limit=x", "invalid_parameter"),
        ("sort=up", "invalid_parameter"), ("modifiedSince=yesterday", "invalid_parameter"),
        ("filter=FIRSTNAME", "invalid_parameter"), ("filter=equals(NOPE,1)", "invalid_parameter"),
        ("listIds=1&segmentId=1", "invalid_parameter"), ("listIds=x", "invalid_parameter"),
        ("&".join(f"ids={n}" for n in range(21)), "out_of_range"),
    ],
)  # fmt: skip
def test_listing_refuses_what_it_cannot_do(api: Api, query: str, code: str) -> None:
    assert api.get(f"/contacts?{query}").error[:2] == (400, code)
