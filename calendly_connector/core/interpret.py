"""Calendly's JSON → a `Booking` snapshot. The only file that knows Calendly's keys.

Each leaf is read where it is needed; a missing nullable key equals null (calendly-api.md §5.7), a missing
indispensable one is a MalformedPayload that names the place.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from calendly_connector.core.booking import Answer, Booking, Cancellation, Host, Invitee, Meeting, Payment, Tracking
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.trigger import INVITEE_WEBHOOKS, NO_SHOW_DELETED, OTHER_WEBHOOKS

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A delivery that is understood, or unknown, and needs nothing done. `reason` is for staff."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A booking snapshot; `is_no_show_withdrawn` when the delivery said that a mark was taken back."""

    booking: Booking
    is_no_show_withdrawn: bool = False


def interpret_webhook(body: Any) -> Seen | Ignored:
    """Return what a delivery's decoded body says.

    Raises MalformedPayload when an invitee delivery lacks what every invitee has.
    Source: https://developer.calendly.com/api-docs/overview/examples/webhooks
    """
    if not isinstance(body, Mapping):
        raise MalformedPayload("body", "no JSON object")
    name = webhook_name(body)
    if name in OTHER_WEBHOOKS:
        return Ignored(reason=f"“{name}”: {OTHER_WEBHOOKS[name]}.")
    if name not in INVITEE_WEBHOOKS:
        return Ignored(reason=f"“{name[:100]}” is no webhook that this version knows.")
    payload = _object(body, "payload")
    taken_at = _time(body, "created_at")
    scheduled_event = _object(payload, "scheduled_event", "payload.")
    booking = interpret_listing(payload, scheduled_event, taken_at=taken_at)
    return Seen(booking=booking, is_no_show_withdrawn=name == NO_SHOW_DELETED)


def webhook_name(body: Any) -> str:
    """Return the name that a delivery's decoded body gives itself, "" when it has none."""
    return _text(body, "event") if isinstance(body, Mapping) else ""


def interpret_listing(invitee: Json, scheduled_event: Json, *, taken_at: datetime) -> Booking:
    """Return the snapshot of one row of `GET …/invitees` and its scheduled event, fetched at `taken_at` (aware).

    Raises MalformedPayload.
    """
    return Booking(invitee=_invitee(invitee, taken_at=taken_at), meeting=_meeting(scheduled_event, taken_at=taken_at))


def _invitee(data: Json, *, taken_at: datetime) -> Invitee:
    status = _text(data, "status")
    if status not in ("active", "canceled"):
        raise MalformedPayload("invitee.status", f"the unknown status {status[:40]!r}")
    return Invitee(
        uri=_required(data, "uri", "invitee."),
        email=_required(data, "email", "invitee.", longest=EMAIL_LIMIT).lower(),
        name=_text(data, "name").strip(),
        first_name=_text(data, "first_name").strip(),
        last_name=_text(data, "last_name").strip(),
        is_canceled=status == "canceled",
        is_rescheduled=bool(data.get("rescheduled")),
        created_at=_time(data, "created_at", "invitee."),
        updated_at=_time(data, "updated_at", "invitee."),
        taken_at=taken_at,
        timezone=_text(data, "timezone"),
        answers=tuple(_answers(data)),
        tracking=_tracking(data),
        text_reminder_number=_text(data, "text_reminder_number"),
        old_invitee=_address(data, "old_invitee", "invitee."),
        new_invitee=_address(data, "new_invitee", "invitee."),
        cancel_url=_text(data, "cancel_url"),
        reschedule_url=_text(data, "reschedule_url"),
        cancellation=_cancellation(data),
        payment=_payment(data),
        no_show_uri=_no_show_uri(data),
        scheduling_method=_text(data, "scheduling_method"),
        routing_form_submission=_text(data, "routing_form_submission"),
    )


def _meeting(data: Json, *, taken_at: datetime) -> Meeting:
    path = "scheduled_event."
    kind, place, join_url = _location(data.get("location"))
    return Meeting(
        uri=_required(data, "uri", path),
        name=_text(data, "name").strip(),
        event_type=_address(data, "event_type", path),
        start_at=_time(data, "start_time", path),
        end_at=_time(data, "end_time", path),
        updated_at=_time(data, "updated_at", path),
        taken_at=taken_at,
        is_canceled=_text(data, "status") == "canceled",
        location_kind=kind,
        location=place,
        join_url=join_url,
        hosts=tuple(_hosts(data)),
        guests=tuple(_text(guest, "email").strip().lower() for guest in _objects(data, "event_guests")),
    )


def _answers(data: Json) -> list[Answer]:
    rows = _objects(data, "questions_and_answers")
    return [
        Answer(
            question=_text(row, "question"),
            answer=_text(row, "answer"),
            position=row["position"] if isinstance(row.get("position"), int) else index,
        )
        for index, row in enumerate(rows)
    ]


def _tracking(data: Json) -> Tracking:
    row = data.get("tracking")
    if not isinstance(row, Mapping):
        return Tracking()
    return Tracking(**{name: _text(row, name) for name in Tracking.__dataclass_fields__})


def _cancellation(data: Json) -> Cancellation | None:
    row = data.get("cancellation")
    if not isinstance(row, Mapping):
        return None
    return Cancellation(
        canceled_by=_text(row, "canceled_by"), reason=_text(row, "reason"), canceler_type=_text(row, "canceler_type")
    )


def _payment(data: Json) -> Payment | None:
    row = data.get("payment")
    if not isinstance(row, Mapping):
        return None
    try:
        amount = float(row.get("amount") or 0)  # a number in samples, "string" in the 2026 schema
    except (TypeError, ValueError, OverflowError):
        amount = 0.0
    return Payment(
        provider=_text(row, "provider"),
        amount=amount if math.isfinite(amount) else 0.0,
        currency=_text(row, "currency"),
        successful=bool(row.get("successful")),
    )


def _no_show_uri(data: Json) -> str:
    mark = data.get("no_show")
    if not isinstance(mark, Mapping):
        return ""
    return _address(mark, "uri", "invitee.no_show.") or "marked"  # a mark without an address is still a mark


def _hosts(data: Json) -> list[Host]:
    return [
        Host(uri=_text(row, "user"), name=_text(row, "user_name"), email=_text(row, "user_email"))
        for row in _objects(data, "event_memberships")
    ]


LOCATION_KINDS = {"zoom_conference": "zoom", "gotomeeting_conference": "gotomeeting"}
"""Event types spell two kinds otherwise than events do (calendly-api.md §4.6); both mean the same."""


def _location(data: Any) -> tuple[str, str, str]:
    """Return kind, place in words (an address, a number to dial, or the join link) and join link."""
    if not isinstance(data, Mapping):
        return "", "", ""
    kind = _text(data, "type")
    join_url = _text(data, "join_url")
    join_url = join_url if _is_web_address(join_url) else ""
    extra = _text(data, "additional_info")
    place = ", ".join(part for part in (_text(data, "location") or join_url, extra) if part)
    return LOCATION_KINDS.get(kind, kind), place, join_url


def _is_web_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError:  # such as a bracket without its partner
        return False


def _text(data: Json, key: str) -> str:
    value = data.get(key)
    if value is None or isinstance(value, Mapping | list):
        return ""
    text = str(value).replace("\x00", "")  # PostgreSQL stores no NUL
    return text.encode("utf-8", "replace").decode()  # half a character pair (\ud83d alone) is legal JSON, not UTF-8


ADDRESS_LIMIT, EMAIL_LIMIT = 255, 320
"""The longest that the ledger keeps; a shortened key would be another booking's or person's."""


def _address(data: Json, key: str, path: str, *, longest: int = ADDRESS_LIMIT) -> str:
    value = _text(data, key).strip()
    if len(value) > longest:
        raise MalformedPayload(path + key, f"more than {longest} characters")
    return value


def _required(data: Json, key: str, path: str, *, longest: int = ADDRESS_LIMIT) -> str:
    value = _address(data, key, path, longest=longest)
    if not value:
        raise MalformedPayload(path + key, "nothing")
    return value


def _object(data: Json, key: str, path: str = "") -> Json:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise MalformedPayload(path + key, "no object")
    return value


def _objects(data: Json, key: str) -> Sequence[Json]:
    value = data.get(key)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _time(data: Json, key: str, path: str = "") -> datetime:
    value = _required(data, key, path)
    try:
        moment = datetime.fromisoformat(value)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedPayload(path + key, f"no time ({value[:40]!r})") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise MalformedPayload(path + key, f"a time in the year {moment.year}")
    return moment


FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Beyond them, adding an hour or a time zone may fail."""
