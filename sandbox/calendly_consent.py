"""The page on which a Calendly user lets an application in, or does not."""

from html import escape
from urllib.parse import urlsplit

from sandbox.calendly_state import App
from sandbox.calendly_values import Json
from sandbox.http import Request, Response
from sandbox.page import html_page

KEPT = ("client_id", "response_type", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "state")


def consent_page(request: Request, app: App, scopes: list[str], users: list[Json]) -> Response:
    """Ask who consents, and to which scopes."""
    hidden = "".join(_hidden(name, request.param(name)) for name in KEPT if name in request.query)
    people = "".join(f'<option value="{escape(user["uri"])}">{escape(user["name"])}</option>' for user in users)
    ticks = "".join(
        f'<li><label><input type="checkbox" name="granted" value="{escape(scope)}" checked> {escape(scope)}</label></li>'
        for scope in scopes
    )
    target = escape(urlsplit(request.param("redirect_uri")).netloc)
    return html_page(
        "Authorize",
        f'<form method="get" action="/oauth/authorize">{hidden}'
        f"<p><strong>{escape(app.name)}</strong> asks to use Calendly in your name, and will bring you back to {target}.</p>"
        f'<p><label>You are <select name="user">{people}</select></label></p>'
        f"<ul>{ticks}</ul>"
        '<p><button name="decision" value="approve">Approve</button> '
        '<button name="decision" value="decline">Decline</button></p></form>',
    )


def problem_page(words: str) -> Response:
    """Tell the person instead of redirecting to an address that may not be the application's."""
    return html_page("This request cannot be authorized", f"<p>{escape(words)}</p>", status=400)


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
