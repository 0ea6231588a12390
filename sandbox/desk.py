"""The Calendly desk at /sandbox/calendly: book, move, cancel, mark a no-show, see what was delivered. No script."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import scenarios
from sandbox.calendly import Calendly
from sandbox.calendly_bookings import BookingError
from sandbox.calendly_values import Json
from sandbox.desk_page import desk_page
from sandbox.http import Request, Response, Router

HOME = "/sandbox/calendly"
ZONE = "Europe/Paris"


def register_desk(router: Router, calendly: Calendly) -> None:
    """Add the page and what its buttons post to."""
    desk = Desk(calendly)
    router.route("GET", HOME)(desk.show)
    for name, act in desk.acts().items():
        router.route("POST", f"{HOME}/desk/{name}")(desk.posting(act))


class Desk:
    """Translates the desk's forms into calls of `Calendly`'s methods."""

    def __init__(self, calendly: Calendly) -> None:
        self._calendly = calendly

    def show(self, request: Request) -> Response:
        """Return the page."""
        return Response(body=desk_page(self._calendly, request.param("said")))

    def acts(self) -> dict[str, Callable[[dict[str, list[str]]], Any]]:
        """Return what each form does, by the last part of its address."""
        calendly = self._calendly
        return {
            "book": self._book,
            "move": lambda form: calendly.move(_one(form, "invitee"), _time(form), _by(form)),
            "cancel": lambda form: calendly.cancel(_one(form, "invitee"), _by(form), _one(form, "reason")),
            "no-show": lambda form: calendly.mark_no_show(_one(form, "invitee")),
            "undo": lambda form: calendly.undo_no_show(_one(form, "invitee")),
            "story": lambda form: scenarios.tell_story(calendly),
        }

    def posting(self, act: Callable[[dict[str, list[str]]], Any]) -> Callable[[Request], Response]:
        """Return a handler that acts and leads back to the page; what cannot be done is said there."""

        def handler(request: Request) -> Response:
            try:
                act(request.fields())
                said = ""
            except BookingError as problem:
                said = "?said=" + str(problem).replace(" ", "+")
            except (KeyError, ValueError):
                said = "?said=That+did+not+work:+something+is+missing+or+unknown."
            return Response(status=303, headers={"Location": HOME + said})

        return handler

    def _book(self, form: dict[str, list[str]]) -> str:
        kind = self._calendly.find_event_type(_one(form, "event_type"))
        answers: dict[str, str | list[str]] = {}
        for question in kind["custom_questions"]:
            values = [value for value in form.get(f"answer_{question['position']}", []) if value]
            if values:
                answers[question["name"]] = values if question["type"] == "multi_select" else values[0]
        return self._calendly.book(
            event_type=kind["uri"], email=_required(form, "email"), answers=answers, start_time=_time(form),
            **_name(form),
        )  # fmt: skip


def _one(form: dict[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1].strip()


def _required(form: dict[str, list[str]], name: str) -> str:
    value = _one(form, name)
    if not value:
        raise ValueError(name)
    return value


def _name(form: dict[str, list[str]]) -> Json:
    first, last = _one(form, "first_name"), _one(form, "last_name")
    return {"first_name": first, "last_name": last or None} if first else {"name": last}


def _by(form: dict[str, list[str]]) -> Any:
    return "host" if _one(form, "by") == "host" else "invitee"


def _time(form: dict[str, list[str]]) -> datetime | None:
    """Return the start typed in (local time in Paris); None means the next free slot."""
    text = _one(form, "start_time")
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)) if text else None
