"""What each payload file of an invitee delivery says: the facts in which it differs from a plain booking.

A fact is named by its path in the booking (`invitee.tracking.utm_term`); lists count as one fact. `test_interpret.py`
compares whole bookings, so a fact that isn't named here must be the plain booking's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from calendly_connector.core.booking import Answer, Host

Facts = Mapping[str, Any]

CALENDLY = "https://api.calendly.com"
EVENT = f"{CALENDLY}/scheduled_events"
CAMILLE = Host(uri=f"{CALENDLY}/users/HGBHCAAFDE2QTSEZ", name="Camille Durand", email="camille@example.fr")
AMELIE = Host(
    uri=f"{CALENDLY}/users/3b0f7c52-8d1e-4a69-9f24-6e5d4c3b2a10", name="Amélie Roche", email="amelie@example.fr"
)
GOTO = "https://global.gotomeeting.com/join/123456789"
TEAMS = "https://teams.microsoft.com/l/meetup-join/example"
LONG_ANSWER = ("Nous cherchons un outil simple pour relier les rendez-vous à nos campagnes. " * 400)[:29_999] + "."
ZOOM = "https://us02web.zoom.us/j/81234567890"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def links(number: str) -> Facts:
    return {
        "invitee.cancel_url": f"https://calendly.com/cancellations/{number}",
        "invitee.reschedule_url": f"https://calendly.com/reschedulings/{number}",
    }


def times(invitee: str, meeting: str, taken: str) -> Facts:
    taken_at = at(taken)
    return {
        "invitee.updated_at": at(invitee),
        "invitee.taken_at": taken_at,
        "meeting.updated_at": at(meeting),
        "meeting.taken_at": taken_at,
    }


def answers(company: str, mobile: str, topics: str = "Pricing\nIntegration") -> tuple[Answer, ...]:
    return (
        Answer(question="Company", answer=company, position=0),
        Answer(question="Which topics?", answer=topics, position=1),
        Answer(question="Mobile number", answer=mobile, position=2),
    )


PLAIN: Facts = {
    "invitee.uri": f"{EVENT}/0d9b5c7e-3f18-4a6b-8f52-1c7e9a4d2b60/invitees/e2f4a6b8-1c3d-4e5f-8a9b-0c1d2e3f4a5b",
    "invitee.email": "nadia.benali@example.com",
    "invitee.name": "Nadia Benali",
    "invitee.first_name": "Nadia",
    "invitee.last_name": "Benali",
    "invitee.is_canceled": False,
    "invitee.is_rescheduled": False,
    "invitee.created_at": at("2026-11-22T10:15:04.130011Z"),
    **times("2026-11-22T10:15:04.130011Z", "2026-11-22T10:15:04.118204Z", "2026-11-22T10:15:05Z"),
    "invitee.timezone": "Europe/Paris",
    "invitee.answers": answers("Benali Conseil", "+33 6 12 34 56 78"),
    "invitee.tracking.utm_campaign": "autumn",
    "invitee.tracking.utm_source": "newsletter",
    "invitee.tracking.utm_medium": "email",
    "invitee.tracking.utm_content": "",
    "invitee.tracking.utm_term": "",
    "invitee.tracking.salesforce_uuid": "",
    "invitee.text_reminder_number": "+33 6 12 34 56 78",
    "invitee.old_invitee": "",
    "invitee.new_invitee": "",
    **links("e2f4a6b8-1c3d-4e5f-8a9b-0c1d2e3f4a5b"),
    "invitee.cancellation": None,
    "invitee.payment": None,
    "invitee.no_show_uri": "",
    "invitee.scheduling_method": "",
    "invitee.routing_form_submission": "",
    "meeting.uri": f"{EVENT}/0d9b5c7e-3f18-4a6b-8f52-1c7e9a4d2b60",
    "meeting.name": "Discovery call",
    "meeting.event_type": f"{CALENDLY}/event_types/2a7d9c44-6e0b-4f6c-9f1e-5d0a8b3c7e21",
    "meeting.start_at": at("2026-12-03T09:00:00Z"),
    "meeting.end_at": at("2026-12-03T09:30:00Z"),
    "meeting.is_canceled": False,
    "meeting.location_kind": "zoom",
    "meeting.location": ZOOM,
    "meeting.join_url": ZOOM,
    "meeting.hosts": (CAMILLE,),
    "meeting.guests": ("colleague@example.com",),
}


def canceled(by: str, kind: str, reason: str = "", *, event_too: bool = True) -> Facts:
    return {
        "invitee.is_canceled": True,
        "invitee.cancellation.canceled_by": by,
        "invitee.cancellation.canceler_type": kind,
        "invitee.cancellation.reason": reason,
        "meeting.is_canceled": event_too,
    }


def place(kind: str, where: str = "", join: str = "") -> Facts:
    return {"meeting.location_kind": kind, "meeting.location": where or join, "meeting.join_url": join}


def slot(event: str, name: str, event_type: str, start: str, end: str) -> Facts:
    return {
        "meeting.uri": f"{EVENT}/{event}",
        "meeting.name": name,
        "meeting.event_type": f"{CALENDLY}/event_types/{event_type}",
        "meeting.start_at": at(start),
        "meeting.end_at": at(end),
    }


CANCEL_TIMES = times("2026-11-24T08:02:30.650000Z", "2026-11-24T08:02:31.020000Z", "2026-11-24T08:02:31Z")
UNDO_TIMES = times("2026-12-03T10:02:44.100000Z", "2026-11-22T10:15:12.440913Z", "2026-12-03T10:02:44Z")
MOVE_TIMES = times("2026-11-25T14:20:10.512000Z", "2026-11-25T14:20:10.540000Z", "2026-11-25T14:20:11Z")
WHOLE_EVENT_TIMES = times("2026-11-25T09:10:30.650000Z", "2026-11-25T09:10:31.020000Z", "2026-11-25T09:10:31Z")
NEW_HALF = f"{EVENT}/7e3a1f92-5c04-4d8e-b6a7-f0d29c8b4e15/invitees/a91d7c3e-5b2f-4086-9e4d-3c8b7a6f5e12"
BY_INVITEE = {**canceled("Nadia Benali", "invitee", "Conflict with another meeting"), **CANCEL_TIMES}
BY_HOST = {**canceled("Camille Durand", "host"), **CANCEL_TIMES}
OLD_HALF: Facts = {"invitee.is_rescheduled": True, "invitee.new_invitee": NEW_HALF, **MOVE_TIMES}
MARKED: Facts = {
    "invitee.no_show_uri": f"{CALENDLY}/invitee_no_shows/40a3cb54-e45c-4f34-b100-bd346220a5bb",
    **times("2026-12-03T09:45:10.250000Z", "2026-11-22T10:15:12.440913Z", "2026-12-03T09:45:10Z"),
}

PAID = {"provider": "stripe", "amount": 120.5, "currency": "EUR", "successful": True}
UNPAID = {"provider": "paypal", "amount": 80.0, "currency": "USD", "successful": False}


def options(payment: Facts) -> Facts:
    return {
        "invitee.first_name": "",
        "invitee.last_name": "",
        "invitee.timezone": "",
        "invitee.answers": (),
        "invitee.text_reminder_number": "",
        "invitee.routing_form_submission": f"{CALENDLY}/routing_form_submissions/f7b1d3a5-9c2e-4e68-a0d4-8b6c5f1e2d39",
        **{f"invitee.payment.{key}": value for key, value in payment.items()},
        "meeting.guests": (),
        "meeting.location": "",
        "meeting.join_url": "",
    }


CHAIN_SLOTS = {
    0: ("2026-12-03T10:00:00Z", "2026-12-03T10:30:00Z"),
    1: ("2026-12-07T13:00:00Z", "2026-12-07T13:30:00Z"),
    2: ("2026-12-08T08:30:00Z", "2026-12-08T09:00:00Z"),
    3: ("2026-12-10T15:00:00Z", "2026-12-10T15:30:00Z"),
}
CHAIN_CREATED = {
    0: ("2026-11-22T11:00:00.210000Z", "2026-11-22T11:00:00.190000Z", "2026-11-22T11:00:01Z"),
    1: ("2026-11-23T09:20:10.210000Z", "2026-11-23T09:20:10.190000Z", "2026-11-23T09:20:11Z"),
    2: ("2026-11-24T16:45:30.210000Z", "2026-11-24T16:45:30.190000Z", "2026-11-24T16:45:31Z"),
    3: ("2026-11-25T14:20:10.210000Z", "2026-11-25T14:20:10.190000Z", "2026-11-25T14:20:11Z"),
}
CHAIN_ENDED = {
    1: times("2026-11-23T09:20:10.512000Z", "2026-11-23T09:20:10.540000Z", "2026-11-23T09:20:11Z"),
    2: times("2026-11-24T16:45:30.512000Z", "2026-11-24T16:45:30.540000Z", "2026-11-24T16:45:31Z"),
    3: MOVE_TIMES,
    4: times("2026-11-26T07:05:20.512000Z", "2026-11-26T07:05:20.540000Z", "2026-11-26T07:05:21Z"),
}


def chain_uri(number: int) -> str:
    event = f"{EVENT}/5a1e0c3b-7d24-4f96-8b10-c2e4d6f8a0{number + 1}{number + 1}"
    return f"{event}/invitees/b0c1d2e3-000{number + 1}-4a5b-8c6d-7e8f9a0b1c0{number + 1}"


def chain(number: int) -> Facts:
    uri, (start, end), (invitee, meeting, taken) = chain_uri(number), CHAIN_SLOTS[number], CHAIN_CREATED[number]
    return {
        "invitee.uri": uri,
        "invitee.email": "lucas.moreau@example.com",
        "invitee.name": "Lucas Moreau",
        "invitee.first_name": "Lucas",
        "invitee.last_name": "Moreau",
        "invitee.answers": answers("Atelier Moreau", "+33 6 98 76 54 32"),
        "invitee.text_reminder_number": "+33 6 98 76 54 32",
        "invitee.created_at": at(invitee),
        "invitee.old_invitee": chain_uri(number - 1) if number else "",
        **links(uri.rpartition("/")[2]),
        **times(invitee, meeting, taken),
        **slot(uri.split("/")[4], "Discovery call", "2a7d9c44-6e0b-4f6c-9f1e-5d0a8b3c7e21", start, end),
        **place("zoom", join="https://us02web.zoom.us/j/811" + str(number) * 8),
        "meeting.guests": (),
    }


def chain_moved(number: int) -> Facts:
    moved = {"invitee.is_rescheduled": True, "invitee.new_invitee": chain_uri(number)}
    return {**chain(number - 1), **canceled("Lucas Moreau", "invitee"), **moved, **CHAIN_ENDED[number]}


GROUP_SLOT = slot(
    "61b7c8d9-2e3f-4a10-9b5c-d7e8f9a0b1c2",
    "Group demo",
    "c81f0b7a-1d52-4f43-8e9a-94b6d2e0f358",
    "2026-12-04T14:00:00Z",
    "2026-12-04T15:00:00Z",
)
GROUP_NADIA: Facts = {
    **GROUP_SLOT,
    "invitee.uri": f"{GROUP_SLOT['meeting.uri']}/invitees/c1a2b3c4-1111-4d5e-8f60-718293a4b5c6",
    "invitee.created_at": at("2026-11-22T12:00:04.130011Z"),
    **times("2026-11-22T12:00:04.130011Z", "2026-11-22T12:00:04.150000Z", "2026-11-22T12:00:05Z"),
    **links("c1a2b3c4-1111-4d5e-8f60-718293a4b5c6"),
    "meeting.guests": (),
}
GROUP_JONAS: Facts = {
    **GROUP_SLOT,
    "invitee.uri": f"{GROUP_SLOT['meeting.uri']}/invitees/c1a2b3c4-2222-4d5e-8f60-718293a4b5c7",
    "invitee.email": "jonas.keller@example.com",
    "invitee.name": "Jonas Keller",
    "invitee.first_name": "Jonas",
    "invitee.last_name": "Keller",
    "invitee.answers": answers("Keller GmbH", "+49 151 23456789"),
    "invitee.text_reminder_number": "+49 151 23456789",
    "invitee.created_at": at("2026-11-22T13:30:04.130011Z"),
    **times("2026-11-22T13:30:04.130011Z", "2026-11-22T13:30:04.150000Z", "2026-11-22T13:30:05Z"),
    **links("c1a2b3c4-2222-4d5e-8f60-718293a4b5c7"),
    "meeting.guests": (),
}
SECOND: Facts = {
    **slot(
        "9c8b7a69-5847-4a36-8251-4f3e2d1c0b9a",
        "Demo",
        "4f6e8d0c-2b1a-4c3d-9e5f-7a8b9c0d1e2f",
        "2026-12-15T10:00:00Z",
        "2026-12-15T10:45:00Z",
    ),
    "invitee.uri": f"{EVENT}/9c8b7a69-5847-4a36-8251-4f3e2d1c0b9a/invitees/d4e5f6a7-3333-4b8c-9d0e-1f2a3b4c5d6e",
    "invitee.created_at": at("2026-11-23T08:40:04.130011Z"),
    **times("2026-11-23T08:40:04.130011Z", "2026-11-23T08:40:04.118204Z", "2026-11-23T08:40:05Z"),
    **links("d4e5f6a7-3333-4b8c-9d0e-1f2a3b4c5d6e"),
    **place("zoom", join="https://us02web.zoom.us/j/84440001111"),
    "meeting.guests": (),
}
RESCHEDULED: Facts = {
    "invitee.uri": NEW_HALF,
    "invitee.old_invitee": PLAIN["invitee.uri"],
    "invitee.created_at": at("2026-11-25T14:20:10.210000Z"),
    **times("2026-11-25T14:20:10.210000Z", "2026-11-25T14:20:10.190000Z", "2026-11-25T14:20:11Z"),
    **links("a91d7c3e-5b2f-4086-9e4d-3c8b7a6f5e12"),
    "meeting.uri": f"{EVENT}/7e3a1f92-5c04-4d8e-b6a7-f0d29c8b4e15",
    "meeting.start_at": at("2026-12-07T13:00:00Z"),
    "meeting.end_at": at("2026-12-07T13:30:00Z"),
    **place("zoom", join="https://us02web.zoom.us/j/89876543210"),
}

DIFFERENCES: dict[str, Facts] = {
    "invitee.canceled__by_host": BY_HOST,
    "invitee.canceled__by_host_reason_null": BY_HOST,
    "invitee.canceled__by_invitee": BY_INVITEE,
    "invitee.canceled__chain_1_old_canceled": chain_moved(1),
    "invitee.canceled__chain_2_old_canceled": chain_moved(2),
    "invitee.canceled__chain_3_old_canceled": chain_moved(3),
    "invitee.canceled__chain_4_final_cancel": {
        **chain(3),
        **canceled("Lucas Moreau", "invitee", "Project stopped"),
        **CHAIN_ENDED[4],
    },
    "invitee.canceled__group_jonas_leaves": {
        **GROUP_JONAS,
        **canceled("Jonas Keller", "invitee", "On holiday", event_too=False),
        **CANCEL_TIMES,
    },
    "invitee.canceled__group_whole_event_jonas": {
        **GROUP_JONAS,
        **canceled("Camille Durand", "host", "Host unavailable"),
        **WHOLE_EVENT_TIMES,
    },
    "invitee.canceled__group_whole_event_nadia": {
        **GROUP_NADIA,
        **canceled("Camille Durand", "host", "Host unavailable"),
        **WHOLE_EVENT_TIMES,
    },
    "invitee.canceled__one_of_a_group_leaves": {
        **BY_INVITEE,
        "meeting.name": "Group demo",
        "meeting.event_type": f"{CALENDLY}/event_types/c81f0b7a-1d52-4f43-8e9a-94b6d2e0f358",
        "meeting.guests": (),
        "meeting.is_canceled": False,
    },
    "invitee.canceled__reschedule_old_half": {**canceled("Nadia Benali", "invitee"), **OLD_HALF},
    "invitee.canceled__reschedule_old_half_by_host": {**canceled("Camille Durand", "host"), **OLD_HALF},
    "invitee.canceled__second_booking": {
        **SECOND,
        **canceled("Nadia Benali", "invitee"),
        **times("2026-11-26T10:00:30.650000Z", "2026-11-26T10:00:31.020000Z", "2026-11-26T10:00:31Z"),
    },
    "invitee.canceled__unknown_keys": BY_INVITEE,
    "invitee.created__answer_empty": {
        "invitee.answers": answers("Benali Conseil", "", topics=""),
        "invitee.text_reminder_number": "",
    },
    "invitee.created__api_booking": {"invitee.scheduling_method": "api"},
    "invitee.created__chain_0_created": chain(0),
    "invitee.created__chain_1_new_created": chain(1),
    "invitee.created__chain_2_new_created": chain(2),
    "invitee.created__chain_3_new_created": chain(3),
    "invitee.created__cjk_name": {
        "invitee.email": "taro.yamada@example.com",
        "invitee.name": "山田 太郎",
        "invitee.first_name": "太郎",
        "invitee.last_name": "山田",
        "invitee.timezone": "Asia/Tokyo",
    },
    "invitee.created__collective_two_hosts": {
        "meeting.name": "Technical review",
        "meeting.event_type": f"{CALENDLY}/event_types/88a2b3c4-d5e6-4f70-9b01-c2d3e4f5a6b7",
        "meeting.hosts": (CAMILLE, AMELIE),
    },
    "invitee.created__discovery_call": {},
    "invitee.created__email_mixed_case_spaces": {},
    "invitee.created__group_jonas": GROUP_JONAS,
    "invitee.created__group_nadia": GROUP_NADIA,
    "invitee.created__guests": {
        "meeting.guests": ("colleague@example.com", "chef@example.fr", "nadia.benali@example.com")
    },
    "invitee.created__host_uri_only": {"meeting.hosts": (Host(uri=CAMILLE.uri),)},
    "invitee.created__instant_book": {"invitee.scheduling_method": "instant_book"},
    "invitee.created__location_ask_invitee": place("ask_invitee", "Café des Arts, Grenoble"),
    "invitee.created__location_custom": place("custom", "We will write to you before the meeting"),
    "invitee.created__location_custom_null": place("custom"),
    "invitee.created__location_google_conference": place(
        "google_conference", join="https://meet.google.com/abc-defg-hij"
    ),
    "invitee.created__location_google_conference_initiated": place("google_conference"),
    "invitee.created__location_gotomeeting": place("gotomeeting", join=GOTO),
    "invitee.created__location_gotomeeting_conference": place("gotomeeting", join=GOTO),
    "invitee.created__location_inbound_call": place("inbound_call", "+33 4 99 00 11 22, Ask for Camille"),
    "invitee.created__location_microsoft_teams_conference": place("microsoft_teams_conference", join=TEAMS),
    "invitee.created__location_microsoft_teams_no_audio": place("microsoft_teams_conference", join=TEAMS),
    "invitee.created__location_null": place(""),
    "invitee.created__location_outbound_call": place("outbound_call", "+33 6 12 34 56 78"),
    "invitee.created__location_outbound_call_null": place("outbound_call"),
    "invitee.created__location_physical": place("physical", "12 rue des Lilas, Lyon, 2nd floor"),
    "invitee.created__location_physical_no_info": place("physical", "12 rue des Lilas, Lyon"),
    "invitee.created__location_unknown_type": place("holodeck_conference", join="https://example.com/holodeck"),
    "invitee.created__location_webex_conference": place(
        "webex_conference", join="https://example.webex.com/example/j.php?MTID=m0123456789"
    ),
    "invitee.created__location_zoom_conference": {},
    "invitee.created__location_zoom_failed": place("zoom"),
    "invitee.created__location_zoom_no_data": {},
    "invitee.created__location_zoom_status_null": place("zoom"),
    "invitee.created__minimal_keys": {"invitee.first_name": "", "invitee.last_name": ""},
    "invitee.created__multi_select_answers": {
        "invitee.answers": answers(
            "Benali Conseil",
            "+33 6 12 34 56 78",
            topics="Pricing\nIntegration\nSecurity\nSingle sign-on, with SAML",
        )
    },
    "invitee.created__no_show_missing": {},
    "invitee.created__no_time_zone": {"invitee.timezone": ""},
    "invitee.created__nulls_and_options": options(PAID),
    "invitee.created__one_off_event_type": {
        "meeting.name": "Contract talk",
        "meeting.event_type": f"{CALENDLY}/event_types/99b3c4d5-e6f7-4081-8c12-d3e4f5a6b7c8",
    },
    "invitee.created__outbound_call_only_number": {
        **place("outbound_call", "+33 6 12 34 56 78"),
        "invitee.answers": (),
        "invitee.text_reminder_number": "",
    },
    "invitee.created__payment_amount_string": options(PAID),
    "invitee.created__payment_unsuccessful": options(UNPAID),
    "invitee.created__phone_display_format": {
        "invitee.answers": answers("Benali Conseil", "+1 404-555-1234"),
        "invitee.text_reminder_number": "+1 404-555-1234",
        "invitee.timezone": "America/New_York",
    },
    "invitee.created__question_renamed": {
        "invitee.answers": (
            Answer(question="Name of your company", answer="Benali Conseil", position=0),
            *PLAIN["invitee.answers"][1:],
        )
    },
    "invitee.created__questions_moved": {
        "invitee.answers": (
            Answer(question="Mobile number", answer="+33 6 12 34 56 78", position=0),
            Answer(question="Company", answer="Benali Conseil", position=1),
            Answer(question="Which topics?", answer="Pricing\nIntegration", position=2),
        )
    },
    "invitee.created__reschedule_new_half": RESCHEDULED,
    "invitee.created__round_robin": {
        "meeting.name": "Sales call",
        "meeting.event_type": f"{CALENDLY}/event_types/77f1a2b3-c4d5-4e6f-8a90-b1c2d3e4f5a6",
        "meeting.hosts": (AMELIE,),
    },
    "invitee.created__second_booking": SECOND,
    "invitee.created__single_name": {"invitee.first_name": "", "invitee.last_name": ""},
    "invitee.created__single_name_comma": {
        "invitee.email": "jens.peter.nielsen@example.com",
        "invitee.name": "Nielsen, Jens Peter",
        "invitee.first_name": "",
        "invitee.last_name": "",
    },
    "invitee.created__single_name_one_word": {
        "invitee.name": "Nadia",
        "invitee.first_name": "",
        "invitee.last_name": "",
    },
    "invitee.created__text_reminder_only": {"invitee.answers": ()},
    "invitee.created__timestamps_0_digits": {
        "invitee.created_at": at("2026-11-22T10:15:04Z"),
        "invitee.updated_at": at("2026-11-22T10:15:04Z"),
        "meeting.updated_at": at("2026-11-22T10:15:04Z"),
    },
    "invitee.created__timestamps_3_digits": {
        "invitee.created_at": at("2026-11-22T10:15:04.130Z"),
        "invitee.updated_at": at("2026-11-22T10:15:04.130Z"),
        "meeting.updated_at": at("2026-11-22T10:15:04.118Z"),
    },
    "invitee.created__timestamps_mixed": {
        "invitee.created_at": at("2026-11-22T10:15:04.130Z"),
        "invitee.updated_at": at("2026-11-22T10:15:04Z"),
        "meeting.updated_at": at("2026-11-22T10:15:04Z"),
    },
    "invitee.created__timestamps_offset": {},
    "invitee.created__unknown_keys": {},
    "invitee.created__unknown_keys_options": options(PAID),
    "invitee.created__utm_complete": {
        "invitee.tracking.utm_content": "button-blue",
        "invitee.tracking.utm_term": "crm rendez-vous",
        "invitee.tracking.salesforce_uuid": "003Ex000001ExamQAA",
    },
    "invitee.created__utm_none": {
        "invitee.tracking.utm_campaign": "",
        "invitee.tracking.utm_source": "",
        "invitee.tracking.utm_medium": "",
    },
    "invitee.created__very_long_answer": {
        "invitee.answers": (
            Answer(question="Company", answer="Benali Conseil", position=0),
            Answer(question="Tell us more", answer=LONG_ANSWER, position=1),
        )
    },
    "invitee.created__zoe_aeroeskoebing": {
        "invitee.email": "zoe@example.fr",
        "invitee.name": "Zoé Ærøskøbing",
        "invitee.first_name": "Zoé",
        "invitee.last_name": "Ærøskøbing",
        "invitee.timezone": "Europe/Copenhagen",
    },
    "invitee_no_show.created__marked": MARKED,
    "invitee_no_show.created__unknown_keys": MARKED,
    "invitee_no_show.deleted__no_show_missing": UNDO_TIMES,
    "invitee_no_show.deleted__no_show_null": UNDO_TIMES,
}
"""Payload file → the facts in which its booking differs from `PLAIN`."""
