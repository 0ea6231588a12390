"""The filters of GET /contacts and of a list's contacts: what the query keeps."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import invalid, moment, not_found, refusal
from sandbox.brevo_people import contact_json
from sandbox.brevo_state import Attribute, Contact
from sandbox.http import Request

Test = Callable[[Contact], bool]


def filters_of(request: Request, account: Account) -> list[Test]:
    """Return the conditions that the query of GET /contacts sets."""
    tests = time_filters(request)
    list_ids = set(_query_numbers(request, "listIds"))
    if list_ids and request.param("segmentId"):
        raise invalid("listIds and segmentId cannot be used together")
    if request.param("segmentId"):
        raise not_found("Segment ID does not exist")  # the sandbox has no segments
    if list_ids:
        tests.append(lambda contact: bool(contact.list_ids & list_ids))
    ids = set(_query_numbers(request, "ids"))
    if len(ids) > 20:
        raise refusal(400, "out_of_range", "ids is limited to 20")
    if ids:
        tests.append(lambda contact: contact.id in ids)
    if request.param("filter"):
        tests.append(_equals(request.param("filter"), account))
    return tests


def time_filters(request: Request) -> list[Test]:
    """Return the conditions of `modifiedSince` and `createdSince`."""
    tests: list[Test] = []
    if request.param("modifiedSince"):
        modified = moment(request.param("modifiedSince"), "modifiedSince")
        tests.append(lambda contact: contact.modified_at >= modified)
    if request.param("createdSince"):
        created = moment(request.param("createdSince"), "createdSince")
        tests.append(lambda contact: contact.created_at >= created)
    return tests


def _query_numbers(request: Request, name: str) -> list[int]:
    given = [part for value in request.query.get(name, []) for part in value.split(",")]
    if not all(re.fullmatch(r"\d{1,18}", part) for part in given):
        raise invalid(f"{name} must be integers")
    return [int(part) for part in given]


def _equals(condition: str, account: Account) -> Test:
    """Read the only filter there is: equals(ATTRIBUTE,value)."""
    found = re.fullmatch(r"equals\(\s*(\w+)\s*,\s*(.*?)\s*\)", condition)
    if not found:
        raise invalid("filter must be of the form equals(ATTRIBUTE,value)")
    name, value = found[1].upper(), found[2].strip("\"'")
    attribute = account.state.attributes.get(name)
    if attribute is None:
        raise invalid(f"filter names an unknown attribute: {name}")
    return lambda contact: _matches(contact_json(contact)["attributes"].get(name), value, attribute)


def _matches(stored: Any, value: str, attribute: Attribute) -> bool:
    if stored is None:
        return False
    if isinstance(stored, bool):
        return str(stored).lower() == value.lower()
    if isinstance(stored, list):
        return all(part.strip() in stored for part in value.split(","))
    if isinstance(stored, int | float):
        return str(stored) == value or str(float(stored)) == value
    labels = dict(attribute.enumeration)
    return value in (stored, labels.get(str(stored), stored))
