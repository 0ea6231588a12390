"""Takes people out of what is kept for support: their names, addresses, numbers and answers (pure).

The structure stays, and so do ids, times, states and addresses of resources: whoever helps can still read what was
said. Secrets are masked elsewhere (masking.py). When in doubt, a text goes.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

EMAIL, PHONE, ADDRESS, NAME, TEXT, LINK = "‹e-mail›", "‹phone›", "‹ip›", "‹name›", "‹text›", "‹link›"

EMAILS = re.compile(r"(?<![\w.+'-])[\w.+'-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++")
PHONES = re.compile(r"(?<![\w./-])(?:\+|00)\d[\d\s()./-]{5,30}\d(?![\w:])")
ADDRESSES = re.compile(r"(?<!\w/)(?<![\w.:])[0-9A-Fa-f:.]{3,45}(?![\w:])")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?")

NAMES = frozenset(
    {"name", "first_name", "last_name", "full_name", "firstname", "lastname", "user_name", "canceled_by", "host_name"}
)
PHONE_KEYS = frozenset(
    {"sms", "whatsapp", "landline_number", "phone", "phone_id", "phone_number", "text_reminder_number"}
)
TEXTS = frozenset(
    {
        "answer", "reason", "cancel_reason", "location", "additional_info", "company", "companyname", "job_title",
        "city", "street", "zipcode", "linkedin", "meeting_notes_plain", "meeting_notes_html", "value", "values",
        "filebody", "password",
    }
)  # fmt: skip
"""Keys of free texts, whoever wrote them."""

LINKS = frozenset({"cancel_url", "reschedule_url", "join_url", "scheduling_url", "avatar_url"})
"""Keys of addresses that let whoever has them in."""

PERSONAL_MAPPINGS = frozenset({"attributes", "data"})
"""Keys of mappings whose every text may be an answer, or lets somebody into a meeting."""

KINDS_OF_NAMES = frozenset({"category", "folderId", "totalSubscribers", "uniqueSubscribers", "pooling_type"})
"""Keys beside a `name` that belongs to a list, an attribute or an event type and not to somebody."""

STATES = frozenset({"booked", "cancelled", "no_show", "attended", "active", "canceled", "true", "false"})
HIDING_HEADERS = re.compile(r"(?i)auth|key|token|secret|cookie|password|forwarded|(^|-)ip$|client-ip|remote")
SIGNATURE = re.compile(r"\b[0-9a-f]{16,}\b")
SHORTEST_NAME = 3


def redacted(body: str) -> str:
    """Return a body without people: as JSON when it is some, else by what its text looks like."""
    try:
        value = json.loads(body)
        return json.dumps(_Redaction(value).result, ensure_ascii=False)
    except (ValueError, RecursionError):
        return without_patterns(body)


def without_patterns(text: str) -> str:
    """Return a text without e-mail addresses, phone numbers and network addresses."""
    text = EMAILS.sub(EMAIL, text)
    text = PHONES.sub(PHONE, text)
    return ADDRESSES.sub(_without_address, text)


def redacted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers without credentials, signatures and network addresses."""
    return {name: TEXT if HIDING_HEADERS.search(name) else _header(name, str(value)) for name, value in headers.items()}


def redacted_address(address: str) -> str:
    """Return the address of a call without people, and without what lets a webhook in."""
    parts = urlsplit(address)
    steps = [EMAIL if EMAILS.search(unquote(step)) else _step(step) for step in parts.path.split("/")]
    place = steps.index("webhooks") + 2 if "webhooks" in steps else len(steps)
    steps[place : place + 1] = [LINK if step else step for step in steps[place : place + 1]]
    host = f"{parts.scheme}://{parts.hostname or ''}" if parts.netloc else ""
    port = f":{parts.port}" if parts.netloc and parts.port else ""
    query = f"?{without_patterns(unquote(parts.query))}" if parts.query else ""
    return f"{host}{port}{'/'.join(steps)}{query}"


def _step(step: str) -> str:
    """Return one part of a path: a phone number may be the key of a contact."""
    plain = unquote(step)
    return PHONE if PHONES.fullmatch(plain) else quote(plain, safe=":~@!$&'()*+,;=-._‹›")


def _header(name: str, value: str) -> str:
    value = SIGNATURE.sub(TEXT, value) if "signature" in name.lower() else value
    return without_patterns(value)


def _without_address(found: re.Match[str]) -> str:
    text = found[0].rstrip(".:")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return found[0]
    return ADDRESS + found[0][len(text) :]


class _Redaction:
    """One value: first its names are learnt, then they are taken out wherever they stand."""

    def __init__(self, value: Any) -> None:
        self._names: set[str] = set()
        self._learn(value)
        whole = sorted(self._names, key=len, reverse=True)
        self._anywhere = re.compile(rf"(?i)\b(?:{'|'.join(map(re.escape, whole))})\b") if whole else None
        self.result = self._of(value)

    def _learn(self, value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                self._learn(each)
        elif isinstance(value, dict):
            for key, each in value.items():
                if isinstance(each, str) and _is_name(key, value):
                    self._names |= {part for part in (each.strip(), *each.split()) if len(part) >= SHORTEST_NAME}
                self._learn(each)

    def _of(
        self, value: Any, key: str = "", around: Mapping[str, Any] | None = None, *, is_personal: bool = False
    ) -> Any:
        if isinstance(value, dict):
            inner = is_personal or key.lower() in PERSONAL_MAPPINGS
            return {name: self._of(each, name, value, is_personal=inner) for name, each in value.items()}
        if isinstance(value, list):
            return [self._of(each, key, around, is_personal=is_personal) for each in value]
        if isinstance(value, str) and value:
            return self._text(value, key, around or {}, is_personal=is_personal)
        return PHONE if key.lower() in PHONE_KEYS and isinstance(value, int) else value

    def _text(self, text: str, key: str, around: Mapping[str, Any], *, is_personal: bool) -> str:
        name = key.lower()
        if name in PHONE_KEYS:
            return PHONE
        if _is_name(key, around):
            return NAME
        if key == "name" and not _is_of_a_thing(around):  # a meeting may be called after whom it is with
            return TEXT
        if name in LINKS:
            return LINK
        if name in TEXTS or (is_personal and not _is_plain(text)):
            return TEXT
        return self._without_names(without_patterns(text))

    def _without_names(self, text: str) -> str:
        """Return a text without the names that were learnt. An address keeps its path, which holds ids."""
        if self._anywhere is None or text in STATES:
            return text
        path, mark, query = text.partition("?") if text.startswith("http") else ("", "", text)
        return path + mark + self._anywhere.sub(NAME, query)


def _is_name(key: str, around: Mapping[str, Any]) -> bool:
    """Return whether a key's text names somebody."""
    if key == "name":
        return not _is_of_a_thing(around) and "start_time" not in around
    return key.lower() in NAMES


def _is_of_a_thing(around: Mapping[str, Any]) -> bool:
    """Return whether a `name` is a list's, an attribute's or an event type's."""
    uri = around.get("uri")
    return bool(KINDS_OF_NAMES & around.keys()) or (isinstance(uri, str) and "/event_types/" in uri)


def _is_plain(text: str) -> bool:
    """Return whether a text of an attribute says nothing of anybody: a time, or a booking's state."""
    return bool(MOMENT.fullmatch(text)) or text in STATES
