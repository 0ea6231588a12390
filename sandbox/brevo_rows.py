"""The rows of an import: CSV with semicolons, or JSON."""

import csv
import io
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.brevo_answers import invalid, is_number
from sandbox.brevo_state import Json, State
from sandbox.brevo_values import cell_value, email_address, phone_number


@dataclass(kw_only=True)
class Row:
    """One person of an import as sent: nothing is checked yet. Names of attributes in upper case."""

    email: str = ""
    contact_id: int | None = None
    attributes: Json = field(default_factory=dict)

    def cell(self, column: str) -> Any:
        """Return a column for a report."""
        return self.email if column == "EMAIL" else self.attributes.get(column, "")


def identifiable(row: Row) -> bool:
    """Tell whether a row names anybody."""
    phones = any(phone_number(row.attributes.get(name)) for name in ("SMS", "WHATSAPP", "LANDLINE_NUMBER"))
    return bool(email_address(row.email) or row.contact_id is not None or row.attributes.get("EXT_ID") or phones)


def read_json(body: Any) -> list[Row]:
    """Return the rows of a `jsonBody`."""
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise invalid("jsonBody must be an array of objects")
    return [_json_row(each) for each in body]


def read_json_text(text: str) -> list[Row]:
    """Return the rows of a .json file."""
    return read_json(json.loads(text))


def _json_row(given: Json) -> Row:
    attributes = given.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise invalid("attributes must be an object")
    upper = {name.upper(): value for name, value in attributes.items()}
    email, number = given.get("email") or upper.pop("EMAIL", ""), given.get("id")
    return Row(email=str(email).strip(), contact_id=number if is_number(number) else None, attributes=upper)


def read_csv(text: str, state: State) -> list[Row]:
    """Return the rows of a CSV text: a header of attribute names, columns divided by semicolons."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    header = [name.strip().upper() for name in next(lines, [])]
    return [_csv_row(dict(zip(header, cells, strict=False)), state) for cells in lines if any(cells)]


def _csv_row(cells: dict[str, str], state: State) -> Row:
    email, number = cells.pop("EMAIL", "").strip(), cells.pop("CONTACT ID", cells.pop("ID", ""))
    attributes: Json = {}
    for name, text in cells.items():
        known = state.attributes.get(name)
        attributes[name] = cell_value(known, text) if known and text.strip() else text.strip()
    return Row(email=email, contact_id=int(number) if number.strip().isdigit() else None, attributes=attributes)
