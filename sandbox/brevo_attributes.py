"""The attribute catalogue: /contacts/attributes and below."""

import re
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, invalid, is_number, missing, not_found, text_in
from sandbox.brevo_state import Attribute, Json
from sandbox.http import Request, Response, Router

# Reference 4.2. Global and calculated attributes have a formula and no type.
TYPES = {
    "normal": ("text", "date", "float", "boolean", "multiple-choice", "user"),
    "category": ("category",),
    "transactional": ("text", "date", "float", "boolean", "id"),
    "calculated": ("",),
    "global": ("",),
}
MOST = 200  # attributes in an account
LONGEST_LABEL = 200


class Attributes:
    """Lists, creates, changes and deletes attributes."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/contacts/attributes")(self.browse)
        path = "/contacts/attributes/{category}/{name}"
        router.route("POST", path)(self.create)
        router.route("PUT", path)(self.update)
        router.route("DELETE", path)(self.delete)
        router.route("DELETE", "/contacts/attributes/{kind}/{name}/{option}")(self.delete_option)

    def browse(self, request: Request) -> Response:
        """Return the whole catalogue; there is no paging."""
        return Response(body={"attributes": [attribute_json(each) for each in self.account.state.attributes.values()]})

    def create(self, request: Request, category: str, name: str) -> Response:
        """Create an attribute."""
        if category not in TYPES:
            raise invalid("Invalid attribute category")
        body = body_of(request)
        self.add(
            Attribute(
                name=name.upper(),
                category=category,
                type=text_in(body, "type"),
                options=_options(body),
                enumeration=_enumeration(body),
                formula=text_in(body, "value"),
            )
        )
        return Response(status=201)

    def add(self, attribute: Attribute) -> Attribute:
        """Put a checked attribute into the catalogue."""
        state = self.account.state
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,49}", attribute.name):
            raise invalid("Attribute name is invalid")
        if attribute.type not in TYPES[attribute.category]:
            raise invalid("Invalid attribute type") if attribute.type else missing("type is missing")
        if attribute.name in state.attributes:
            raise invalid("Attribute name must be unique")
        if len(state.attributes) >= MOST:
            raise invalid(f"An account has at most {MOST} attributes")
        state.attributes[attribute.name] = attribute
        return attribute

    def _find(self, category: str, name: str) -> Attribute:
        found = self.account.state.attributes.get(name.upper())
        if found is None or found.category != category:
            raise not_found("Attribute not found")
        return found

    def update(self, request: Request, category: str, name: str) -> Response:
        """Change the options or the formula; the type stays. Options of a multiple choice are added to the old ones."""
        attribute = self._find(category, name)
        body = body_of(request)
        enumeration, options, formula = _enumeration(body), _options(body), text_in(body, "value")
        if enumeration and category == "category":
            attribute.enumeration = enumeration
        elif options and attribute.type == "multiple-choice":
            attribute.options += [option for option in options if option not in attribute.options]
        elif formula and category in ("calculated", "global"):
            attribute.formula = formula
        else:
            raise invalid("Nothing that can be updated was given")
        return Response(status=204)

    def delete(self, request: Request, category: str, name: str) -> Response:
        """Delete an attribute and its values."""
        attribute = self._find(category, name)
        del self.account.state.attributes[attribute.name]
        for contact in self.account.state.contacts.values():
            contact.attributes.pop(attribute.name, None)
        return Response(status=204)

    def delete_option(self, request: Request, kind: str, name: str, option: str) -> Response:
        """Delete one option of a multiple choice."""
        attribute = self._find("normal", name)
        if kind != "multiple-choice" or attribute.type != kind:
            raise invalid("Attribute is not a multiple choice")
        if option not in attribute.options:
            raise not_found("Option not found")
        attribute.options.remove(option)
        return Response(status=204)


def attribute_json(attribute: Attribute) -> Json:
    """Return a catalogue entry as the API answers it: a category is shown with the type text (reference 4.1)."""
    body: Json = {"name": attribute.name, "category": attribute.category}
    if attribute.type:
        body["type"] = "text" if attribute.category == "category" else attribute.type
    if attribute.category == "category":
        body["enumeration"] = [
            {"value": int(number) if number.isdigit() else 0, "label": label, "valueStr": number}
            for number, label in attribute.enumeration
        ]
    if attribute.type == "multiple-choice":
        body["multiCategoryOptions"] = list(attribute.options)
    if attribute.formula:
        body["calculatedValue"] = attribute.formula
    return body


def _options(body: Json) -> list[str]:
    options = body.get("multiCategoryOptions", [])
    if not isinstance(options, list) or not all(_is_label(option) for option in options):
        raise invalid("multiCategoryOptions must be an array of strings")
    return list(dict.fromkeys(options))


def _enumeration(body: Json) -> list[tuple[str, str]]:
    entries = body.get("enumeration", [])
    if not isinstance(entries, list) or not all(_is_option(entry) for entry in entries):
        raise invalid("enumeration must be an array of {value, label}")
    return [(str(entry["value"]), entry["label"]) for entry in entries]


def _is_option(entry: Any) -> bool:
    return isinstance(entry, dict) and is_number(entry.get("value")) and _is_label(entry.get("label"))


def _is_label(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= LONGEST_LABEL
