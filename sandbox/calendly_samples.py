"""Payloads for GET /sample_webhook_data: the latest of the account's own where there is one, else made up."""

from sandbox import calendly_parts as parts
from sandbox.calendly_state import State
from sandbox.calendly_values import API, Json, uuid_of

CONTACT = f"{API}/contacts/3e8d5f7a-c1b2-4960-8e4f-a7d9c0b1e2f3"
RECAP = f"{API}/meeting_recaps/18c4e6a0-b2d3-4f59-9a7c-d0e1f2a3b4c5"


def sample_payload(name: str, state: State, now: str) -> Json:
    """Return what a delivery of this name would carry."""
    thing, _, change = name.partition(".")
    if thing in ("invitee", "invitee_no_show"):
        return _invitee(name, state, now)
    if thing == "event_type":
        event_type = next(iter(state.event_types.values()))
        return {**event_type, "deleted_at": now, "active": False} if change == "deleted" else event_type
    if thing == "routing_form_submission":
        return submission(next(iter(state.forms)), next(iter(state.event_types)), now)
    if thing == "contact":
        return _contact(state, change, now)
    return _recap(_invitee("invitee.created", state, now)["scheduled_event"], change, now)


def submission(form: str, event_type: str, now: str) -> Json:
    """Return a routing form submission that has not led to a booking yet (three digits in its times)."""
    at = f"{now[:23]}Z"
    industry, email = "123e4567-e89b-12d3-a456-426614174000", "095be615-a8ad-4c33-8e9c-c7612fbf6c9f"
    return {
        "uri": f"{API}/routing_form_submissions/f7b1d3a5-9c2e-4e68-a0d4-8b6c5f1e2d39",
        "routing_form": form,
        "questions_and_answers": [
            {"question_uuid": industry, "question": "Industry?", "answer": "IT & Software"},
            {"question_uuid": email, "question": "Email", "answer": "nadia.benali@example.com"},
        ],
        "tracking": parts.tracking({"utm_source": "newsletter"}),
        "result": {"type": "event_type", "value": event_type},
        "submitter": None,
        "submitter_type": None,
        "created_at": at,
        "updated_at": at,
    }


def _invitee(name: str, state: State, now: str) -> Json:
    if state.invitees:
        [invitee] = state.invitees.newest(1)
        event = state.events[invitee["event"]]
    else:
        event_type, user = next(iter(state.event_types.values())), next(iter(state.users.values()))
        place = parts.location(event_type["locations"], None, {})
        event = parts.scheduled_event(event_type, user, 1_796_288_400.0, place, 1, now)
        person = parts.person("nadia.benali@example.com", "", "Nadia", "Benali", "Europe/Paris")
        details = {**person, "questions_and_answers": [], "tracking": parts.tracking(None)}
        invitee = parts.invitee(event["uri"], details, now)
    mark = {"uri": f"{API}/invitee_no_shows/40a3cb54-e45c-4f34-b100-bd346220a5bb", "created_at": now}
    invitee = {**invitee, "no_show": mark if name == "invitee_no_show.created" else None}
    if name == "invitee.canceled":
        why = {"canceled_by": invitee["name"], "reason": "", "canceler_type": "invitee", "created_at": now}
        invitee, event = ({**half, "status": "canceled", "cancellation": why} for half in (invitee, event))
    return parts.webhook_payload(invitee, event)


def _contact(state: State, change: str, now: str) -> Json:
    contact: Json = {"uri": CONTACT, "deleted_at": now}
    if change != "deleted":
        unknown = ("job_title", "state", "linkedin", "next_meeting_date", "last_meeting_date", "last_interaction_date",
                   "first_email_date", "last_email_date")  # fmt: skip
        contact = {
            "uri": CONTACT,
            "creation_source": "api",
            "name": "Nadia Benali",
            "emails": [{"email": "nadia.benali@example.com", "primary": True}],
            "phone_numbers": [],
            "timezone": "Europe/Paris",
            "company": "Benali Conseil",
            "country": "France",
            "city": "Lyon",
            "custom_fields": [],
            "created_at": now,
            "updated_at": now,
            **dict.fromkeys(unknown),
        }
    return {"user_uuid": uuid_of(next(iter(state.users))), "contact": contact}


def _recap(event: Json, change: str, now: str) -> Json:
    if change == "deleted":
        return {"event": {"uri": event["uri"]}, "recap": {"uri": RECAP, "deleted_at": now}}
    texts = {"summary_md": "Short summary.", "action_items_md": "- Send the quote", "discussion_md": "Pricing."}
    recap = {
        "uri": RECAP,
        "transcript": "Camille: Bonjour",
        **texts,
        "share_link": "https://calendly.com/recaps/example",
    }
    host = event["event_memberships"][0]
    attendee = {"host": True, "user_email": host["user_email"], "user_name": host["user_name"]}
    meeting = {key: event[key] for key in ("uri", "name", "start_time", "end_time", "location")}
    payload = {
        "event": {**meeting, "attendees": [attendee]},
        "recap": {**recap, "created_at": now, "updated_at": now},
    }
    return {"created_at": now, **payload} if change == "created" else payload
