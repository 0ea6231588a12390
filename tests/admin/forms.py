"""Reads a page as a browser does: where its links lead, and what its forms would post."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass
class Form:
    """One form that posts: its address, what it holds, and what may be pressed or chosen beside that."""

    address: str
    values: dict[str, list[str]] = field(default_factory=dict)
    choices: list[tuple[str, str]] = field(default_factory=list)  # a button, or an option of a select

    def posts(self) -> list[dict[str, list[str]]]:
        """Return everything that can be posted with one press or one choice."""
        return [{**self.values, name: [value]} for name, value in self.choices] or [self.values]


class Reader(HTMLParser):
    """Collects links and posting forms."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address, self.links, self.forms = address, list[str](), list[Form]()
        self._form: Form | None = None
        self._select = ""
        self._disabled: list[bool] = []  # of the fieldsets that we are in
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, a form, or something within one."""
        values = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in values:
            self.links.append(urljoin(self.address, values["href"]))
        elif tag == "form" and values.get("method", "").lower() == "post":
            self._form = Form(urljoin(self.address, values.get("action", "")))
            self.forms.append(self._form)
        elif tag == "fieldset":
            self._disabled.append("disabled" in values)
        elif self._form is not None and "disabled" not in values and not any(self._disabled):
            self._take(self._form, tag, values)

    def handle_endtag(self, tag: str) -> None:
        """Leave a form, or a part of one."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "fieldset":
            self._disabled.pop()

    def _take(self, form: Form, tag: str, values: dict[str, str]) -> None:
        name, value = values.get("name", ""), values.get("value", "")
        if tag == "button" or (tag == "input" and values.get("type") == "submit"):
            form.choices.append((name or "pressed", value))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.append((self._select, value))
        elif tag in ("input", "textarea") and name:
            form.values.setdefault(name, []).append(value or "x")
