"""The routes under /sandbox/brevo: the window, the whole state as JSON, switches, and what staff would do in Brevo."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.brevo_attributes import attribute_json
from sandbox.brevo_lists import list_json
from sandbox.brevo_people import contact_json
from sandbox.brevo_processes import process_json
from sandbox.brevo_state import Json
from sandbox.http import Request, Response, Router
from sandbox.window import window_page

if TYPE_CHECKING:
    from sandbox.brevo import Brevo

Action = Callable[[Json], Json]


class Control:
    """Translates control requests into calls of `Brevo`'s methods."""

    def __init__(self, brevo: "Brevo") -> None:
        self.brevo = brevo

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/sandbox/brevo")(self.window)
        router.route("GET", "/sandbox/brevo/state")(self.state)
        router.route("GET", "/sandbox/brevo/reports/{name}")(self.report)
        actions: dict[str, Action] = {
            "settings": self._settings,
            "attributes": self._attributes,
            "lists": self._lists,
            "contacts": self._contacts,
            "block": self._block,
            "unsubscribe": self._unsubscribe,
            "delete": self._delete,
            "confirm-doi": self._confirm,
            "reset": self._reset,
        }
        for name, action in actions.items():
            router.route("POST", f"/sandbox/brevo/{name}")(_answering(action))

    def window(self, request: Request) -> Response:
        """Return the page that shows what Brevo has."""
        return Response(body=window_page(self.brevo, request))

    def report(self, request: Request, name: str) -> Response:
        """Return a report of an import."""
        text = self.brevo.state.reports.get(name)
        if text is None:
            return Response(status=404, body={"message": "no such report"})
        return Response(body=text.encode(), headers={"Content-Type": "text/csv; charset=utf-8"})

    def state(self, request: Request) -> Response:
        """Return everything as JSON."""
        brevo = self.brevo
        with brevo.lock:
            state = brevo.state
            contacts = [
                {**contact_json(each), "ext_id": each.identifiers.get("ext_id")} for each in state.contacts.values()
            ]
            body = {
                "contacts": contacts,
                "lists": [list_json(each) for each in state.lists.values()],
                "attributes": [attribute_json(each) for each in state.attributes.values()],
                "events": brevo.events(),
                "processes": [process_json(each, request.base_url) for each in state.processes.values()],
                "confirmations": [vars(each) for each in state.confirmations.values()],
                "webhooks": list(state.deliveries),
                "settings": {**vars(brevo.settings), "limits": brevo.limits.as_json()},
            }
        return Response(body=body)

    def _settings(self, body: Json) -> Json:
        limits = body.pop("limits", None)
        if isinstance(limits, bool):
            limits = {"enabled": limits}
        if not isinstance(limits, dict | None):
            raise ValueError("limits must be true, false or an object")
        self.brevo.limits.update(limits or {})
        self.brevo.settings.update(body)
        return {**vars(self.brevo.settings), "limits": self.brevo.limits.as_json()}

    def _attributes(self, body: Json) -> Json:
        named = {key: body[key] for key in ("type", "category", "options") if key in body}
        self.brevo.add_attribute(body["name"], **named)
        return {"name": body["name"].upper()}

    def _lists(self, body: Json) -> Json:
        return {"id": self.brevo.add_list(body["name"], body.get("id"), body.get("folder_id"))}

    def _contacts(self, body: Json) -> Json:
        named = {key: body[key] for key in ("attributes", "list_ids", "ext_id") if key in body}
        return {"id": self.brevo.add_contact(body["email"], **named)}

    def _block(self, body: Json) -> Json:
        self.brevo.block(body["email"], body.get("reason", "admin"))
        return self._contact(body)

    def _unsubscribe(self, body: Json) -> Json:
        self.brevo.unsubscribe(body["email"], body.get("list_ids"))
        return self._contact(body)

    def _delete(self, body: Json) -> Json:
        self.brevo.delete_contact(body["email"])
        return {}

    def _confirm(self, body: Json) -> Json:
        return {"confirmed": self.brevo.confirm_optin(body["email"])}

    def _reset(self, body: Json) -> Json:
        self.brevo.reset()
        return {}

    def _contact(self, body: Json) -> Json:
        return self.brevo.contact(body["email"]) or {}


# What the values of a control request are; others are left to the switches.
_KINDS: dict[str, type] = {
    "name": str, "type": str, "category": str, "email": str, "ext_id": str, "reason": str, "id": int, "folder_id": int,
    "attributes": dict, "list_ids": list,
}  # fmt: skip


def _checked(body: Json) -> Json:
    given = {name: value for name, value in body.items() if value is not None}
    for name, kind in _KINDS.items():
        if name in given and type(given[name]) is not kind:
            raise ValueError(f"{name} cannot be {given[name]!r}")
    return given


def _answering(action: Action) -> Any:
    """Return the handler for an action: JSON in and out; a form (the window's buttons) leads back to the window."""

    def handle(request: Request) -> Response:
        is_form = "urlencoded" in request.headers.get("content-type", "")
        try:
            body: Any = request.form() if is_form else request.json() if request.body else {}
            answer = action(_checked(dict(body)))
        except (ValueError, TypeError) as error:
            return Response(status=400, body={"message": str(error)})
        except KeyError as error:
            return Response(status=400, body={"message": f"{error} is missing"})
        return Response(status=303, headers={"Location": "/sandbox/brevo"}) if is_form else Response(body=answer)

    return handle
