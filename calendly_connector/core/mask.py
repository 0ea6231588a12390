"""Makes people's addresses in a text unreadable and keeps them recognisable: n…@e….com, +45…78.

Knows every shape an address has in a page: as it is, escaped for HTML or JSON, with a break before its "@", and
percent-encoded in a link. A phone number without its country looks like any other number: it is hidden in what people
told us alone, which the page marks (TOLD). Links that act for a person without a log-in (ACTS) go altogether.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from html import escape, unescape
from urllib.parse import quote, unquote

BREAK = "<wbr>"
_LOCAL = r"(?:[\w.+'!#$*^`{|}~-]|&\#x27;|&\#39;|&amp;|\\u[0-9a-fA-F]{4}){1,400}"  # bounded: a page may hold long words
_PLAIN = re.compile(rf"(?P<name>{_LOCAL})(?:{BREAK})?@(?P<domain>[\w-]+(?:\.[\w-]+)*)")
_QUOTED = re.compile(r"(?P<name>(?:%[0-9A-Fa-f]{2}|[\w.!*'~-]){1,400}?)%40(?P<domain>(?:%[0-9A-Fa-f]{2}|[\w.-])+)")
TOLD = "data-told"
"""The last attribute of an element that holds nothing but text that people wrote."""

ACTS = "data-acts"
"""The last attribute of an element around a link that cancels or moves a meeting for whoever has it."""

_PHONE = re.compile(r"(?P<plus>\+|%2B)(?P<country>\d\d)\d{5,11}(?P<end>\d\d)(?!\d)")
_TOLD = re.compile(rf"{TOLD}>[^<]+")
_BEFORE = r"(?:(?<=\\[nrt])|(?<![\w#%&/+-])(?<!\d[.:]))"  # not within a key, an address, an escaped sign, or a time
_DATE = r"(?:19|20)\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d"
_NUMBER = re.compile(
    rf"{_BEFORE}(?:(?P<date>(?:{_DATE})(?!\d))|(?P<plus>\+?)\(?\d(?:[ \u00a0.()/-]{{0,3}}\d){{6,14}}(?![\w-]))"
)
_LINK = re.compile(rf"<span {ACTS}><a [^>]*>[^<]*</a></span>(?: · )?")
_ACTING = re.compile(r"https?:[\\/]{2,4}[\w.:-]+\\?/(?:cancellations|reschedulings)\\?/[\w-]+")


def without_addresses(text: str, *, spared: Collection[str] = (), asked: str = "") -> str:
    """Return a text with every e-mail address and phone number masked, and without links that act for a person.

    `spared` are addresses that may be read, such as the reader's own. `asked` is what the reader searched for: links
    to the next page of what was found have to carry it.
    """
    text = _ACTING.sub("…", _LINK.sub("", text)) if "http" in text else text
    text = _TOLD.sub(lambda told: _NUMBER.sub(_hide_number, told[0]), text) if TOLD in text else text
    text = _PHONE.sub(r"\g<plus>\g<country>…\g<end>", text)
    if "%40" in text:
        text = _QUOTED.sub(_hider(quote, unquote, {*spared, asked}), text)
    return _PLAIN.sub(_hider(str, unescape, spared), text) if "@" in text else text


def masked_stream(chunks: Iterable[str], mask: Callable[[str], str]) -> Iterator[str]:
    """Yield the chunks of a text masked. What may be half an address waits for the chunk after it."""
    kept = ""
    for chunk in chunks:
        text = kept + chunk
        end = max(text.rfind(" "), text.rfind("\n")) + 1  # no address has a space in it
        kept = text[end:]
        if end:
            yield mask(text[:end])
    if kept:
        yield mask(kept)


def mask_email(name: str, domain: str) -> str:
    """Return an address of which the first letters and the end remain."""
    first, dot, end = domain.rpartition(".")
    return f"{name[:1]}…@{(first or end)[:1]}…{dot}{end if dot else ''}"


def _hide_number(found: re.Match[str]) -> str:
    digits = "".join(filter(str.isdigit, found[0]))
    return found[0] if found["date"] else f"{found['plus']}{digits[:2]}…{digits[-2:]}"


def _hider(
    encode: Callable[[str], str], decode: Callable[[str], str], spared: Collection[str]
) -> Callable[[re.Match[str]], str]:
    def hide(found: re.Match[str]) -> str:
        name, domain = decode(found["name"]), decode(found["domain"])
        if f"{name}@{domain}" in spared:
            return found[0]
        return encode(escape(mask_email(name, domain)))

    return hide
