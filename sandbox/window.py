"""The Brevo window: one page that shows contacts, lists, events, imports and the last calls. Everything is escaped."""

import json
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from sandbox.brevo_people import contact_json
from sandbox.brevo_state import Contact, CustomEvent
from sandbox.http import Request
from sandbox.pages import page, section, table
from sandbox.world import Call

if TYPE_CHECKING:
    from sandbox.brevo import Brevo

SHOWN = 100  # rows of a table


def window_page(brevo: "Brevo", request: Request) -> str:
    """Return the page; `?q=` keeps the contacts and events whose address contains it."""
    wanted = request.param("q").strip().lower()
    with brevo.lock:
        body = "".join(
            (_search(wanted), _contacts(brevo, wanted), _lists(brevo), _confirmations(brevo), _events(brevo, wanted),
             _processes(brevo), _calls(brevo))
        )  # fmt: skip
    return page("Brevo window", body)


def _search(wanted: str) -> str:
    return (
        '<form method="get" action="/sandbox/brevo"><label>Find an address '
        f'<input name="q" value="{escape(wanted)}"></label> <button>Find</button></form>'
    )


def _contacts(brevo: "Brevo", wanted: str) -> str:
    found = [contact for contact in reversed(brevo.state.contacts.values()) if wanted in contact.email]
    rows = [
        (_person(contact), _definitions(contact_json(contact)["attributes"]), _memberships(brevo, contact),
         escape(_time(contact.modified_at)), _actions(contact))
        for contact in found[:SHOWN]
    ]  # fmt: skip
    title = f"Contacts ({len(found)}{', the newest shown' if len(found) > SHOWN else ''})"
    return section(title, table(("Contact", "Attributes", "Lists", "Changed", ""), rows, "No contacts yet."))


def _person(contact: Contact) -> str:
    marks = "".join(
        f' <span class="tag bad">{mark}</span>'
        for mark, is_set in (("blocklisted", contact.email_blacklisted), ("SMS blocklisted", contact.sms_blacklisted))
        if is_set
    )
    ext_id = contact.identifiers.get("ext_id", "")
    extra = f'<br><span class="dim">{escape(ext_id)}</span>' if ext_id else ""
    name = escape(contact.email or "(no address)")
    return f'<strong>{name}</strong> <span class="dim">#{contact.id}</span>{marks}{extra}'


def _memberships(brevo: "Brevo", contact: Contact) -> str:
    names = {number: found.name for number, found in brevo.state.lists.items()}
    joined = "".join(f'<span class="tag">{escape(names[number])}</span>' for number in sorted(contact.list_ids))
    left = "".join(
        f'<span class="tag bad">left {escape(names.get(number, str(number)))}</span>'
        for number in sorted(contact.unsubscribed_lists)
    )
    return joined + left or '<span class="dim">none</span>'


def _actions(contact: Contact) -> str:
    if not contact.email:
        return ""
    unsubscribe = "" if contact.email_blacklisted else _button("unsubscribe", "Unsubscribe", contact.email)
    return unsubscribe + " " + _button("delete", "Delete", contact.email)


def _button(action: str, label: str, email: str) -> str:
    return (
        f'<form method="post" action="/sandbox/brevo/{action}">'
        f'<input type="hidden" name="email" value="{escape(email)}">'
        f"<button>{escape(label)}</button></form>"
    )


def _lists(brevo: "Brevo") -> str:
    rows = [
        (str(found.id), escape(found.name), str(len(found.members)), escape(brevo.state.folders[found.folder_id].name))
        for found in brevo.state.lists.values()
    ]
    return section("Lists", table(("Id", "Name", "Contacts", "Folder"), rows, "No lists."))


def _confirmations(brevo: "Brevo") -> str:
    waiting = [each for each in brevo.state.confirmations.values() if not each.confirmed]
    if not waiting:
        return ""
    rows = [
        (escape(each.email), escape(", ".join(map(str, each.list_ids))),
         _button("confirm-doi", "Click the link in the mail", each.email))
        for each in waiting[-SHOWN:]
    ]  # fmt: skip
    return section("Double opt-in mails waiting for their click", table(("To", "Lists", ""), rows, ""))


def _events(brevo: "Brevo", wanted: str) -> str:
    found = []
    for event in reversed(brevo.state.events):
        if wanted in _addressee(brevo, event):
            found.append(event)
        if len(found) == SHOWN:
            break
    rows = [
        (
            escape(_time(event.date)),
            escape(event.name),
            _event_person(brevo, event),
            _definitions(event.event_properties),
        )
        for event in found
    ]
    return section("Events, newest first", table(("When", "Name", "Contact", "Properties"), rows, "No events yet."))


def _addressee(brevo: "Brevo", event: CustomEvent) -> str:
    contact = brevo.state.contacts.get(event.contact_id or 0)
    return contact.email if contact else str(event.identifiers.get("email_id", "")).lower()


def _event_person(brevo: "Brevo", event: CustomEvent) -> str:
    mark = ' <span class="tag bad">no such contact</span>' if event.orphan else ""
    return escape(_addressee(brevo, event) or json.dumps(event.identifiers)) + mark


def _processes(brevo: "Brevo") -> str:
    rows = [
        (str(process.id), escape(process.name), escape(process.status), _reports(process.reports))
        for process in list(reversed(brevo.state.processes.values()))[:SHOWN]
    ]
    return section("Imports and other processes", table(("Id", "Kind", "State", "Reports"), rows, "None yet."))


def _reports(reports: dict[str, str]) -> str:
    links = [f'<a href="/sandbox/brevo/reports/{escape(name)}">{escape(kind)}</a>' for kind, name in reports.items()]
    return ", ".join(links)


def _calls(brevo: "Brevo") -> str:
    calls = list(reversed(brevo.world.journal.calls("brevo")))[:SHOWN]
    rows = [
        (escape(_time(call.at)), escape(f"{call.method} {call.path}"), _status(call), _body(call)) for call in calls
    ]
    return section("Last API calls", table(("When", "Call", "Answer", "Sent"), rows, "No calls yet."))


def _status(call: Call) -> str:
    kind = "good" if 200 <= call.status < 300 else "bad"
    fault = f" ({call.fault})" if call.fault else ""
    return f'<span class="{kind}">{call.status or "no answer"}{escape(fault)}</span>'


def _body(call: Call) -> str:
    if call.body is None:
        return ""
    text = json.dumps(call.body, ensure_ascii=False)
    return f'<span class="dim">{escape(text if len(text) <= 300 else text[:300] + "…")}</span>'


def _definitions(values: dict[str, Any]) -> str:
    if not values:
        return ""
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{_value(value)}</dd>" for name, value in values.items()) + "</dl>"
    )


def _value(value: Any) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
