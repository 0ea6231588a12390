"""Somebody without a script who reads a booking page, follows its links, and fills in its form."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from django.test import Client


@dataclass
class Seen:
    """One page as it is read: words, links by their text (or what they are called aloud), and the posting form."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    action: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)  # radios and boxes
    described: dict[str, str] = field(default_factory=dict)  # field → ids of what describes it
    focused: str = ""
    autocomplete: dict[str, str] = field(default_factory=dict)


class Visitor(HTMLParser):
    """Opens pages with Django's client, and remembers the one that is open."""

    def __init__(self, **headers: str) -> None:
        super().__init__()
        self.client, self.headers = Client(), headers
        self.address, self.page = "", Seen()
        self.answer: Any = None

    def open(self, address: str) -> "Visitor":
        """Open an address."""
        return self._read(self.client.get(address, headers=self.headers), address)

    def follow(self, words: str) -> "Visitor":
        """Follow the first link whose text, or name, matches."""
        found = [href for name, href in self.page.links if re.search(words, name)]
        assert found, f"no link {words!r} among {self.page.links}"
        return self.open(urljoin(self.address, found[0]))

    def send(self, **values: Any) -> "Visitor":
        """Fill in the form and send it; follow where it leads."""
        assert self.page.action, "there is no form"
        data = {**self.page.values, **values}
        address = urljoin(self.address, self.page.action)
        answer = self.client.post(address, data, headers=self.headers)
        if answer.status_code == 303:
            return self.open(answer["Location"])
        return self._read(answer, address)

    def _read(self, answer: Any, address: str) -> "Visitor":
        self.address, self.answer, self.page = address, answer, Seen()
        self._link, self._textarea, self._has_name, self._is_posting = "", "", False, False
        self.reset()
        self.feed(answer.content.decode())
        self.close()
        self.page.text = " ".join(self.page.text.split())
        return self

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, the form, or a field."""
        values = {name: value or "" for name, value in attrs}
        if "autofocus" in values:
            self.page.focused = values.get("name", "")
        if tag == "a":
            self._link = values.get("href", "")
            self._has_name = "aria-label" in values
            self.page.links.append((values.get("aria-label", ""), self._link))
        elif tag == "form":
            self._is_posting = values.get("method") == "post"
            self.page.action = values.get("action", "") if self._is_posting else self.page.action
        elif tag in ("input", "textarea") and self._is_posting:
            self._field(tag, values)

    def handle_endtag(self, tag: str) -> None:
        """Leave what had a text."""
        self._link = "" if tag == "a" else self._link
        self._textarea = "" if tag == "textarea" else self._textarea

    def handle_data(self, data: str) -> None:
        """Take text where it belongs."""
        self.page.text += data
        if self._link and not self._has_name:
            name, href = self.page.links[-1]
            self.page.links[-1] = (f"{name} {' '.join(data.split())}".strip(), href)
        if self._textarea:
            self.page.values[self._textarea] = [self.page.values[self._textarea][0] + data.lstrip("\n")]

    def _field(self, tag: str, values: dict[str, str]) -> None:
        name = values["name"]
        self.page.described[name] = values.get("aria-describedby", "")
        self.page.autocomplete[name] = values.get("autocomplete", "")
        if values.get("type") in ("radio", "checkbox"):
            self.page.offered.setdefault(name, []).append(values.get("value", "on"))
            if "checked" not in values:
                return
        self._textarea = name if tag == "textarea" else ""
        self.page.values.setdefault(name, []).append(values.get("value", ""))
