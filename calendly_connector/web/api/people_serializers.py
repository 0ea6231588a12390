"""What goes into the people's part of the API and what comes out, for checking and for the schema."""

from typing import Any

from rest_framework import serializers

from calendly_connector.core.booking import Status
from calendly_connector.web.api.fields import Strict, Text, Truth

LONGEST_EMAIL, LONGEST_NAME = 320, 200
MOST_ON_A_PAGE, ON_A_PAGE = 200, 50
LARGEST_ID = 2**63 - 1
STATUSES = [each.value for each in Status]


class Query(Strict):
    """How a list is narrowed and paged."""

    email = serializers.CharField(required=False, max_length=LONGEST_EMAIL, help_text="One address, in any case.")
    connection = serializers.CharField(required=False, max_length=LONGEST_NAME, help_text="Id or name of a connection.")
    after = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST_ID, help_text="People whose id is greater: the last page's last."
    )
    limit = serializers.IntegerField(
        required=False, default=ON_A_PAGE, min_value=1, max_value=MOST_ON_A_PAGE, help_text="How many on a page."
    )


class PersonQuery(Strict):
    """What is asked of one person."""

    brevo = serializers.BooleanField(
        required=False, default=False, help_text="Compare with the contact in Brevo, which is asked for it now."
    )


class SyncRequest(Strict):
    """Whom to bring up to date."""

    email = Text(max_length=LONGEST_EMAIL)
    connection = Text(required=False, max_length=LONGEST_NAME, help_text="Id or name; without it, every connection.")


class UpdateRequest(Strict):
    """What to write to whom."""

    email = Text(max_length=LONGEST_EMAIL)
    connection = Text(required=False, max_length=LONGEST_NAME, help_text="Id or name; without it, every connection.")
    attributes = serializers.DictField(
        allow_empty=False, help_text="Name of an attribute in Brevo → text, number, true or false, or a list of texts."
    )


class EraseRequest(Strict):
    """How far an erasure goes."""

    brevo = Truth(required=False, default=False, help_text="Delete the contact in Brevo too: its opt-out goes with it.")
    calendly = Truth(required=False, default=False, help_text="Ask Calendly to delete their data (Enterprise plan).")


class Connection(serializers.Serializer[Any]):
    """One Calendly account joined to one Brevo account."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class PersonBrief(serializers.Serializer[Any]):
    """A person in a list."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    connection = Connection()
    known_since = serializers.DateTimeField()
    written_at = serializers.DateTimeField(allow_null=True, help_text="When the contact was written to Brevo last.")
    name = serializers.CharField(allow_blank=True, help_text="As in the newest booking.")


class Page(serializers.Serializer[Any]):
    """People by their ids."""

    results = PersonBrief(many=True)
    next = serializers.CharField(allow_null=True, help_text="The address of the next page.")


class Booking(serializers.Serializer[Any]):
    """One booking, as the ledger has it."""

    uri = serializers.CharField(help_text="Calendly's address of the invitee.")
    status = serializers.ChoiceField(choices=STATUSES)
    meeting = serializers.CharField(allow_blank=True)
    event_type = serializers.CharField(allow_blank=True)
    start_at = serializers.DateTimeField()
    end_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    moves = serializers.IntegerField()
    moved_from = serializers.CharField(allow_blank=True)
    moved_to = serializers.CharField(allow_blank=True)


class Totals(serializers.Serializer[Any]):
    """All bookings together."""

    booked = serializers.IntegerField()
    moved = serializers.IntegerField()
    canceled = serializers.IntegerField()
    no_shows = serializers.IntegerField()
    attended = serializers.IntegerField()
    current = serializers.CharField(help_text="The booking that the contact's attributes describe.")
    next_meeting_at = serializers.DateTimeField(allow_null=True)
    last_meeting_at = serializers.DateTimeField(allow_null=True)


class JoinedList(serializers.Serializer[Any]):
    """A list that the connector let somebody join or leave, or asked them about."""

    id = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    done = serializers.CharField(help_text="join, leave or ask.")


class AttributeLine(serializers.Serializer[Any]):
    """One attribute on both sides."""

    name = serializers.CharField()
    wanted = serializers.JSONField(allow_null=True)
    found = serializers.JSONField(allow_null=True)
    verdict = serializers.CharField(help_text="same, different, left_alone or awaited.")


class ListLine(serializers.Serializer[Any]):
    """One list on both sides."""

    id = serializers.IntegerField()
    wanted = serializers.CharField()
    is_member = serializers.BooleanField()
    verdict = serializers.CharField()


class InBrevo(serializers.Serializer[Any]):
    """What Brevo shows beside what it should show. With `is_known` false there is only `why_unknown`."""

    is_known = serializers.BooleanField()
    why_unknown = serializers.CharField(allow_blank=True)
    contact_id = serializers.IntegerField(required=False, allow_null=True)
    is_blocked = serializers.BooleanField(required=False)
    is_same = serializers.BooleanField(required=False)
    differences = serializers.IntegerField(required=False)
    attributes = AttributeLine(many=True, required=False)
    lists = ListLine(many=True, required=False)
    other_lists = serializers.ListField(child=serializers.IntegerField(), required=False)
    warnings = serializers.ListField(child=serializers.CharField(), required=False)


class Mirror(serializers.Serializer[Any]):
    """What Brevo told us of the contact."""

    opt_out = serializers.CharField(allow_blank=True, help_text="unsubscribed, bounced, complained, blocked or empty.")
    opted_out_at = serializers.DateTimeField(allow_null=True)
    unsubscribed_lists = serializers.ListField(child=serializers.IntegerField())
    deleted_at = serializers.DateTimeField(allow_null=True)
    told_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)


class LogEntry(serializers.Serializer[Any]):
    """One step for Brevo."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    trigger = serializers.CharField(allow_blank=True)
    state = serializers.CharField()
    summary = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)


class Consent(serializers.Serializer[Any]):
    """The proof of a consent."""

    given_at = serializers.DateTimeField()
    rule = serializers.CharField()
    question = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True)
    lists = serializers.ListField(child=serializers.IntegerField())


class Person(PersonBrief):
    """Everything that is known of one person."""

    next_change_at = serializers.DateTimeField(allow_null=True, help_text="When time alone changes the contact next.")
    bookings = Booking(many=True)
    totals = Totals(allow_null=True)
    lists = JoinedList(many=True)
    brevo = InBrevo(allow_null=True, help_text="Null unless it was asked for.")
    mirror = Mirror(allow_null=True)
    log = LogEntry(many=True, help_text="The newest twenty.")
    consents = Consent(many=True)


class Synced(serializers.Serializer[Any]):
    """What was found of a person through one connection."""

    connection = Connection()
    person = serializers.IntegerField(allow_null=True)
    found = serializers.IntegerField(help_text="Bookings read from Calendly.")
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    gone = serializers.IntegerField(help_text="Known to us, and not to Calendly any more.")
    erased = serializers.IntegerField(help_text="Left out, since the person was erased after they were made.")
    unreadable = serializers.IntegerField()
    queued = serializers.BooleanField(help_text="The contact is about to be written to Brevo.")
    problem = serializers.CharField(allow_blank=True, help_text="Why Calendly couldn't be asked.")


class SyncAnswer(serializers.Serializer[Any]):
    """What came of bringing somebody up to date."""

    results = Synced(many=True)


class UpdateAnswer(serializers.Serializer[Any]):
    """What is about to be written, as Brevo takes it."""

    people = serializers.ListField(child=serializers.IntegerField())
    attributes = serializers.DictField()


class Export(serializers.Serializer[Any]):
    """Everything that is held about an address. Rows are as the database has them."""

    format = serializers.CharField()
    exported_at = serializers.DateTimeField()
    email = serializers.CharField()
    people = serializers.ListField(child=serializers.DictField())
    webhook_deliveries = serializers.ListField(child=serializers.DictField())
    brevo_deliveries = serializers.ListField(child=serializers.DictField())
    debug_records = serializers.ListField(child=serializers.DictField())
    differences = serializers.ListField(child=serializers.DictField())
    notices = serializers.ListField(child=serializers.DictField())
    replays = serializers.ListField(child=serializers.DictField())
    audit = serializers.ListField(child=serializers.DictField())
    named_elsewhere = serializers.ListField(child=serializers.DictField())


class EraseAnswer(serializers.Serializer[Any]):
    """What was deleted, and what wasn't, in words."""

    erased = serializers.BooleanField()
    counts = serializers.DictField(child=serializers.IntegerField())
    brevo = serializers.ListField(child=serializers.CharField())
    calendly = serializers.ListField(child=serializers.CharField())
