"""What goes into the booking part of the API and what comes out, for checking and for the schema."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from calendly_connector.clients.calendly_scheduling import UTM_KEYS
from calendly_connector.models import BookingRequest
from calendly_connector.services import scheduling
from calendly_connector.web.api.fields import Strict, Text

LONGEST_URI, LONGEST_NAME, LONGEST_EMAIL, LONGEST_ANSWER = 255, 255, 320, 10_000
MOST, USUAL = 50, 20
KEY = r"^[A-Za-z0-9_-]{20,64}$"
STATES = [*BookingRequest.State.values, scheduling.LIMIT]
SINCE = "ISO 8601 with its offset, such as 2026-12-03T00:00:00Z; by default now."


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.CharField):
    """A moment with its offset from UTC."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the moment; raise ValidationError."""
        try:
            found = parse_datetime(data) if isinstance(data, str) and len(data) < 50 else None
            return _within_reach(found)
        except (ValueError, OverflowError):
            raise serializers.ValidationError("Write a moment with its offset: 2026-12-03T09:00:00Z.") from None


def _within_reach(found: datetime | None) -> datetime:
    if found is None or found.tzinfo is None or not 2000 <= found.year <= 9000:
        raise ValueError
    return found


class Zone(Text):
    """A time zone of the IANA's."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name; raise ValidationError."""
        name = super().to_internal_value(data)
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise serializers.ValidationError("This time zone isn't known: write one such as Europe/Paris.") from None
        return name


class Whose(Strict):
    """Whose event types."""

    connection = Text(required=False, max_length=200, help_text="Id or name; may be left out while there is one only.")


class Where(Whose):
    """Whose event types: a page's, which is open to everybody, or a connection's, for which a token is needed."""

    page = Text(required=False, max_length=80, help_text="The last part of an active booking page's address.")


class TypesQuery(Where):
    """Which event types."""

    after = serializers.IntegerField(required=False, default=0, min_value=0, max_value=10**6, help_text="Skipped.")
    limit = serializers.IntegerField(required=False, default=USUAL, min_value=1, max_value=MOST)


class TimesQuery(Where):
    """Which open times."""

    event_type = Text(max_length=LONGEST_URI, help_text="The event type's address at Calendly.")
    since = Moment(required=False, help_text=SINCE)
    until = Moment(required=False, help_text="At most 62 days later; by default 14.")
    timezone = Zone(required=False, default="UTC", max_length=64, help_text="For `local_time`.")


class PlaceShape(Strict):
    """A place to meet, one of the event type's."""

    kind = Text(max_length=60)
    location = Text(required=False, default="", allow_blank=True, max_length=LONGEST_NAME)


class AnswerShape(Strict):
    """An answer. The question's text is its only key."""

    question = Text(max_length=2000)
    answer = Text(allow_blank=True, max_length=LONGEST_ANSWER, help_text="Several chosen ones: one on each line.")


def _optional(length: int, words: str = "") -> Text:
    return Text(required=False, default="", allow_blank=True, max_length=length, help_text=words or None)


class BookingBody(Strict):
    """What is to be booked."""

    key = serializers.RegexField(
        re.compile(KEY), help_text="Made up by you, at random, for each form: the same key books once, however often."
    )
    event_type = Text(max_length=LONGEST_URI)
    start_time = Moment(help_text="One of the open times.")
    timezone = Zone(max_length=64, help_text="The visitor's.")
    email = Text(max_length=LONGEST_EMAIL)
    name = _optional(LONGEST_NAME, "Or `first_name`, with or without `last_name`.")
    first_name = _optional(LONGEST_NAME)
    last_name = _optional(LONGEST_NAME)
    text_reminder_number = _optional(60)
    location = PlaceShape(required=False)
    answers = serializers.ListField(child=AnswerShape(), required=False, max_length=50)
    guests = serializers.ListField(child=Text(max_length=LONGEST_EMAIL), required=False, max_length=20)
    tracking = serializers.DictField(child=Text(allow_blank=True, max_length=255), required=False)
    form_token = _optional(1000, "From `available-times`; needed on a page.")
    website = _optional(200, "Hidden from people, to be left empty.")

    def validate_tracking(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse what Calendly has no place for."""
        if value.keys() - set(UTM_KEYS):
            raise serializers.ValidationError(f"Only {', '.join(UTM_KEYS)}.")
        return value


class LinkBody(Strict):
    """For whom a link is made."""

    event_type = Text(max_length=LONGEST_URI)
    email = serializers.EmailField(max_length=LONGEST_EMAIL)
    name = _optional(LONGEST_NAME)
    tracking = serializers.DictField(
        child=Text(allow_blank=True, max_length=255),
        required=False,
        help_text="utm_source, utm_medium, utm_campaign, utm_term; utm_content is the link's own tag.",
    )

    def validate_tracking(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse what can't be in the address of a link, or is the link's own."""
        allowed = {key for key in UTM_KEYS if key.startswith("utm_")} - {"utm_content"}
        if value.keys() - allowed:
            raise serializers.ValidationError(f"Only {', '.join(sorted(allowed))}.")
        return value


Shape = serializers.Serializer[Any]


class QuestionShape(Shape):
    """A question of an event type's form."""

    position = serializers.IntegerField(help_text="What a complaint about its answer points to: `/answers/0`.")
    text = serializers.CharField()
    kind = serializers.CharField(help_text="string, text, phone_number, single_select or multi_select.")
    is_required = serializers.BooleanField()
    choices = serializers.ListField(child=serializers.CharField())
    takes_other = serializers.BooleanField(help_text="Beside the choices, any text.")


class OfferedPlace(Shape):
    """A place that may be chosen."""

    kind = serializers.CharField()
    location = serializers.CharField(allow_blank=True)


class EventTypeShape(Shape):
    """An event type that can be booked."""

    uri = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField()
    is_group = serializers.BooleanField()
    locale = serializers.CharField(allow_blank=True)
    scheduling_url = serializers.CharField(allow_blank=True, help_text="Calendly's own page.")
    questions = QuestionShape(many=True)
    places = OfferedPlace(many=True, help_text="Empty: there is nothing to choose.")


class TypesPage(Shape):
    """Event types, and the address of those that follow."""

    results = EventTypeShape(many=True)
    next = serializers.CharField(allow_null=True)


class TimeShape(Shape):
    """An open time."""

    start_time = serializers.CharField(help_text="In UTC.")
    local_time = serializers.CharField(help_text="The same moment in the zone that was asked for.")
    places_left = serializers.IntegerField()


class TimesPage(Shape):
    """Open times, and what a page's form has to send with a booking."""

    event_type = serializers.CharField()
    timezone = serializers.CharField()
    results = TimeShape(many=True)
    form_token = serializers.CharField(allow_blank=True, help_text="Of a page: from two seconds on, for two hours.")


class BookedShape(Shape):
    """A booking."""

    uri = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.CharField(help_text="As Calendly tells it: active or canceled. A moved one has its new time.")
    timezone = serializers.CharField(allow_blank=True)
    start_time = serializers.CharField(allow_null=True)
    end_time = serializers.CharField(allow_null=True)
    location = serializers.DictField(allow_null=True, help_text="As Calendly tells it, with the address to join.")
    cancel_url = serializers.CharField(allow_null=True)
    reschedule_url = serializers.CharField(allow_null=True)


class OutcomeShape(Shape):
    """What came of a wish."""

    key = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    detail = serializers.CharField(allow_blank=True, help_text="In words, for the visitor.")
    event_type = serializers.CharField()
    start_time = serializers.CharField()
    fallback_url = serializers.CharField(allow_blank=True, help_text="Calendly's own page, filled in.")
    booking = BookedShape(allow_null=True)


class LinkShape(Shape):
    """A link that books once."""

    url = serializers.CharField(help_text="With name, e-mail address and UTM parameters.")
    tag = serializers.CharField(help_text="Its utm_content: the booking comes back with it.")
    event_type = serializers.CharField()
    email = serializers.CharField()
    expires_at = serializers.CharField()
