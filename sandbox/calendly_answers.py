"""Calendly's error answers (its documented bodies), each as a Refusal to raise."""

from sandbox.calendly_values import Json
from sandbox.http import Refusal, Response

NO_ACCESS = "You do not have permission to access this resource."
NOT_IN_ORGANIZATION = "This user is not in your organization"


def refusal(status: int, title: str, message: str, **more: object) -> Refusal:
    """Return any refusal in Calendly's form."""
    return Refusal(Response(status=status, body={"title": title, "message": message, **more}))


def invalid(parameter: str = "", message: str = "", *, code: str = "", summary: str = "") -> Refusal:
    """Return a 400; `parameter` and `message` become its one detail."""
    summary = summary or "The supplied parameters are invalid."
    if not message:
        return refusal(400, "Invalid Argument", summary)
    detail: Json = {"message": message}
    if parameter:
        detail["parameter"] = parameter
    if code:
        detail["code"] = code
    return refusal(400, "Invalid Argument", summary, details=[detail])


def unauthenticated() -> Refusal:
    """Return the 401 of a missing, unknown, expired or revoked token."""
    return refusal(401, "Unauthenticated", "The access token is invalid")


def denied(message: str = NO_ACCESS) -> Refusal:
    """Return a 403 for role, plan or relation."""
    return refusal(403, "Permission Denied", message)


def insufficient_scope(scopes: list[str]) -> Refusal:
    """Return the 403 of a token without the scopes needed."""
    message = "This operation requires the scopes listed in the 'required_scopes' array."
    return refusal(403, "Insufficient scope", message, required_scopes=scopes)


def not_found() -> Refusal:
    """Return the 404."""
    return refusal(404, "Resource Not Found", "The server could not find the requested resource.")


def already_exists(message: str) -> Refusal:
    """Return the 409."""
    return refusal(409, "Already Exists", message)


def resource(value: Json, status: int = 200) -> Response:
    """Return a single resource in its envelope."""
    return Response(status=status, body={"resource": value})
