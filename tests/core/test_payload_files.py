"""The payload files are what SOURCES.md says: listed, whole, true to the reference, and about nobody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import yaml

from tests import payload_files
from tests.sandbox.openapi import REFERENCE, Spec

SPEC_PATH = REFERENCE / "calendly-openapi.yaml"
LOCATION_TYPES = {
    "ask_invitee", "custom", "google_conference", "gotomeeting", "gotomeeting_conference", "inbound_call",
    "microsoft_teams_conference", "outbound_call", "physical", "webex_conference", "zoom", "zoom_conference",
}  # fmt: skip
MISSING = object()

each_file = pytest.mark.parametrize("name", payload_files.names())
each_invitee_file = pytest.mark.parametrize("name", [n for n in payload_files.names() if n.startswith("invitee")])


@dataclass(frozen=True)
class Row:
    """One row of SOURCES.md."""

    shows: str
    source: str
    origin: str
    certainty: str
    schema: str


def read_rows() -> list[tuple[str, Row]]:
    lines = payload_files.SOURCES.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return [(first.strip("`").removesuffix(".json"), Row(*others)) for first, *others in cells]


ROWS = dict(read_rows())


@pytest.fixture(scope="module")
def document() -> Any:
    if not SPEC_PATH.is_file():
        pytest.skip(f"the reference is not at {SPEC_PATH}")
    return yaml.load(SPEC_PATH.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@pytest.fixture(scope="module")
def spec(document: Any) -> Spec:
    return Spec(document)


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the paths whose value differs; a list counts as one value."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            inner = f"{path}.{key}" if path else key
            yield from differences(before.get(key, MISSING), after.get(key, MISSING), inner)
    elif type(before) is not type(after) or before != after:
        yield path


def complaint(problem: str) -> str:
    """Return the path that a problem reported by `Spec.webhook_problems` is about."""
    _, place, message = problem.split(": ", 2)
    missing = re.match(r"'(\w+)' is a required property", message)
    return place.removeprefix("$.") + (f".{missing[1]}" if missing else "")


def test_every_file_has_one_row_and_every_row_its_file() -> None:
    assert sorted(name for name, _ in read_rows()) == payload_files.names()


@each_file
def test_file_is_a_whole_delivery(name: str) -> None:
    body = payload_files.load(name)

    assert {"event", "created_at", "created_by", "payload"} <= body.keys()
    assert body["event"] == name.split("__")[0]
    assert payload_files.raw(name).decode()


@each_invitee_file
def test_invitee_belongs_to_its_scheduled_event(name: str) -> None:
    body = payload_files.load(name)
    payload = body["payload"]

    assert payload["event"] == payload["scheduled_event"]["uri"]
    assert payload["uri"].startswith(payload["event"] + "/invitees/")
    assert (payload["status"] == "canceled") is ("cancellation" in payload) is (body["event"] == "invitee.canceled")
    assert payload["rescheduled"] is bool(payload["new_invitee"])


@each_file
def test_file_obeys_the_schema_but_for_what_its_row_admits(name: str, spec: Spec) -> None:
    body = payload_files.load(name)

    complaints = {complaint(problem) for problem in spec.webhook_problems(body["event"], body)}

    admitted = ROWS[name].schema
    assert admitted == "valid" or admitted.startswith("not valid: ")
    assert complaints == set(quoted(admitted))


@each_file
def test_origin_is_as_its_row_says(name: str, document: Any) -> None:
    row, body = ROWS[name], payload_files.load(name)

    if row.origin == "copied":
        webhook, key = quoted(row.source)[-2:]
        content = document["webhooks"][webhook]["post"]["requestBody"]["content"]["application/json"]
        assert body == content["examples"][key]["value"]
    else:
        assert row.origin.startswith("derived: `")
        base, *changed = quoted(row.origin)
        assert set(differences(payload_files.load(base), body)) == set(changed)


@each_file
def test_row_says_what_the_file_shows_and_how_sure_that_is(name: str) -> None:
    row = ROWS[name]

    assert row.shows and "§" in row.source
    assert row.certainty.split(" ")[0] in {"high", "medium-high", "medium", "low"}


@each_file
def test_people_are_fictitious(name: str) -> None:
    domains = re.findall(r"[\w.+-]+@([\w.-]+)", payload_files.raw(name).decode())

    assert {domain.lower() for domain in domains} <= {"example.com", "example.fr"}


def test_every_webhook_has_a_file(spec: Spec) -> None:
    assert {name.split("__")[0] for name in payload_files.names()} == spec.webhook_names()


def test_every_location_type_has_a_file() -> None:
    bodies = [payload_files.load(name) for name in payload_files.names() if name.startswith("invitee.created__")]
    locations = [body["payload"]["scheduled_event"]["location"] for body in bodies]

    assert {location["type"] for location in locations if location} >= LOCATION_TYPES
    assert None in locations


def test_chain_of_three_moves_is_linked_both_ways_and_its_times_never_go_back() -> None:
    created = ["invitee.created__chain_0_created", *(f"invitee.created__chain_{n}_new_created" for n in (1, 2, 3))]
    ended = [
        *(f"invitee.canceled__chain_{n}_old_canceled" for n in (1, 2, 3)),
        "invitee.canceled__chain_4_final_cancel",
    ]
    bookings = [payload_files.load(name)["payload"] for name in created]
    ends = [payload_files.load(name)["payload"] for name in ended]

    uris = [booking["uri"] for booking in bookings]
    assert len(set(uris)) == 4
    assert [booking["old_invitee"] for booking in bookings] == [None, *uris[:-1]]
    assert [end["uri"] for end in ends] == uris
    assert [end["new_invitee"] for end in ends] == [*uris[1:], None]
    assert [end["rescheduled"] for end in ends] == [True, True, True, False]
    assert all(booking["updated_at"] < end["updated_at"] for booking, end in zip(bookings, ends, strict=True))
    assert all(first["updated_at"] < later["updated_at"] for first, later in pairwise(bookings))
