"""Where a meeting is held: what visitors may choose, and what is sent of it (calendly-api.md §4.11)."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.clients.calendly_scheduling import BookableType, Place

PHONE, WORDS = "outbound_call", "ask_invitee"  # visitors say which number, or which place
WITH_TEXT = frozenset({"physical", "custom"})
NAMES = {
    "zoom_conference": "Zoom",
    "zoom": "Zoom",  # an event's own name of it, and of GoTo (calendly-api.md §4.6)
    "gotomeeting": "GoTo Meeting",
    "google_conference": "Google Meet",
    "gotomeeting_conference": "GoTo Meeting",
    "microsoft_teams_conference": "Microsoft Teams",
    "webex_conference": "Webex",
    "inbound_call": gettext_lazy("You call us"),
    PHONE: gettext_lazy("We call you"),
    WORDS: gettext_lazy("A place of your choice"),
    "physical": gettext_lazy("In person"),
    "custom": gettext_lazy("As agreed"),
}


def choices_of(kind: BookableType) -> Sequence[Place]:
    """Return what may be chosen: nothing for round robin, whose place may not be sent."""
    return () if kind.is_pooled else kind.places


def name_of(place: Place) -> str:
    """Return a place as visitors read it."""
    name = str(NAMES.get(place.kind) or _("Online"))
    return f"{name}: {place.text}" if place.text else name


def chosen(place: Place, *, phone: str, words: str) -> Place:
    """Return a place as it is sent, with what the visitor said where the visitor says it."""
    if place.kind == PHONE:
        return Place(kind=place.kind, text=phone)
    if place.kind == WORDS:
        return Place(kind=place.kind, text=words)
    return Place(kind=place.kind, text=place.text if place.kind in WITH_TEXT else "")
