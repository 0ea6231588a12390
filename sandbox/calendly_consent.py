"""The page on which a Calendly user lets an application in, or does not."""

from html import escape
from urllib.parse import urlsplit

from sandbox.calendly_state import App
from sandbox.calendly_values import Json
from sandbox.http import Request, Response
from sandbox.pages import page, section

KEPT = ("client_id", "response_type", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "state")


def consent_page(request: Request, app: App, scopes: list[str], users: list[Json]) -> Response:
    """Ask who consents, and to which scopes."""
    hidden = "".join(_hidden(name, request.param(name)) for name in KEPT if name in request.query)
    people = "".join(f'<option value="{escape(user["uri"])}">{escape(user["name"])}</option>' for user in users)
    ticks = "".join(f"<li>{_tick(scope)}</li>" for scope in scopes)
    target = escape(urlsplit(request.param("redirect_uri")).netloc)
    form = (
        f'<form method="get" action="/oauth/authorize">{hidden}'
        f"<p><strong>{escape(app.name)}</strong> asks to use Calendly in your name and brings you back to {target}.</p>"
        f'<p><label>You are <select name="user">{people}</select></label></p>'
        f"<ul>{ticks}</ul>"
        '<p><button name="decision" value="approve">Approve</button> '
        '<button name="decision" value="decline">Decline</button></p></form>'
    )
    return Response(body=page("Authorize", section("May this application come in?", form)))


def problem_page(words: str) -> Response:
    """Tell the person instead of redirecting to an address that may not be the application's."""
    text = section("This request cannot be authorized", f"<p>{escape(words)}</p>")
    return Response(status=400, body=page("Authorize", text))


def _tick(scope: str) -> str:
    return f'<label><input type="checkbox" name="granted" value="{escape(scope)}" checked> {escape(scope)}</label>'


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
