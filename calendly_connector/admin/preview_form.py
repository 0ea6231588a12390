"""The forms of the preview: which booking, a made-up one, and the address to send it to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.core.booking import Tracking
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Connection, EventType
from calendly_connector.services import samples, zones
from calendly_connector.services.preview_subject import MADE_UP_LENGTH, MadeUp

TRIGGERS: dict[Trigger, Promise] = {
    Trigger.BOOKED: gettext_lazy("Booked"),
    Trigger.RESCHEDULED: gettext_lazy("Moved"),
    Trigger.CANCELED: gettext_lazy("Canceled"),
    Trigger.NO_SHOW: gettext_lazy("No-show"),
    Trigger.NO_SHOW_UNDONE: gettext_lazy("No-show withdrawn"),
    Trigger.ATTENDED: gettext_lazy("Attended"),
}
PAST = frozenset({Trigger.NO_SHOW, Trigger.NO_SHOW_UNDONE, Trigger.ATTENDED})
"""What happens only after a meeting has begun."""

UTM = ("source", "medium", "campaign", "term", "content")
NOBODY = "test.person@example.com"
ANSWER = "answer_{}"
LONGEST = 255
LONGEST_ANSWER = 10_000


class KindForm(forms.Form):
    """Which kind of meeting, and what happened to it."""

    type = forms.ModelChoiceField(EventType.objects.none(), label=gettext_lazy("Event type"), empty_label=None)
    kind = forms.ChoiceField(choices=[(str(key), name) for key, name in TRIGGERS.items()], label=gettext_lazy("Kind"))

    def __init__(self, connection: Connection, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        types = EventType.objects.filter(connection=connection).order_by("-is_active", "name", "pk")
        self.fields["type"].queryset = types  # type: ignore[attr-defined]


class LocalTimeField(forms.DateTimeField):
    """A day and time on somebody's clock: nobody's zone yet."""

    def to_python(self, value: Any) -> datetime | None:
        """Return it without a zone: the staff's own, which may skip that hour, has nothing to do with it."""
        with timezone.override(UTC):
            found = super().to_python(value)
        return found.replace(tzinfo=None) if found else None


class MadeUpForm(forms.Form):
    """A booking that nobody made: who, when, the answers to that type's questions, and the page's parameters."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST)
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,  # an address that is filled in beforehand would be masked for those who may not read any
        help_text=gettext_lazy(
            "Empty: an address that nobody has. Nothing is sent to it. If this person booked before, their bookings "
            "count too."
        ),
    )
    start_at = LocalTimeField(
        label=gettext_lazy("Start of the meeting"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    timezone = forms.CharField(label=gettext_lazy("Invitee's time zone"), max_length=64)

    def __init__(
        self, connection: Connection, event_type: EventType, trigger: Trigger, data: Any = None, **options: Any
    ) -> None:
        self.event_type, self.trigger = event_type, trigger
        super().__init__(data, initial=_initial(connection, trigger), **options)
        length = {"minutes": MADE_UP_LENGTH // timedelta(minutes=1)}
        self.fields["start_at"].help_text = (
            _("On the invitee's clock: in the time zone below. The meeting counts as %(minutes)d minutes long.")
            % length
        )
        self.questions = [str(question) for question in event_type.questions]
        given = samples.answers_by_question(connection, event_type.uri) if self.questions else {}
        for number, question in enumerate(self.questions):
            self.fields[ANSWER.format(number)] = _answer(question, given.get(question, ()))
        for part in UTM:
            self.fields[f"utm_{part}"] = forms.CharField(label=f"UTM {part}", required=False, max_length=LONGEST)

    def clean_email(self) -> str:
        """Return the address as people are known by it."""
        return str(self.cleaned_data["email"]).strip().lower() or NOBODY

    def clean_timezone(self) -> str:
        """Refuse a zone that doesn't exist."""
        name = str(self.cleaned_data["timezone"])
        if name not in zones.known():
            raise forms.ValidationError(
                _("“%(name)s” is no time zone. Write it as Europe/Paris."), params={"name": name}
            )
        return name

    def clean(self) -> dict[str, Any]:
        """Read the start in the invitee's zone."""
        cleaned = super().clean() or self.cleaned_data
        if "start_at" in cleaned and "timezone" in cleaned:
            cleaned["start_at"] = cleaned["start_at"].replace(tzinfo=ZoneInfo(cleaned["timezone"])).astimezone(UTC)
        return cleaned

    def made_up(self) -> MadeUp:
        """Return what a valid form says."""
        data = self.cleaned_data
        answers = {question: data[ANSWER.format(number)] for number, question in enumerate(self.questions)}
        return MadeUp(
            event_type=self.event_type,
            trigger=self.trigger,
            name=data["name"],
            email=data["email"],
            start_at=data["start_at"],
            answers=answers,
            tracking=Tracking(**{f"utm_{part}": data[f"utm_{part}"] for part in UTM}),
            timezone=data["timezone"],
        )


class AddressForm(forms.Form):
    """Where a preview is sent for real."""

    address = forms.EmailField(label=gettext_lazy("Test address"))


def _initial(connection: Connection, trigger: Trigger) -> dict[str, Any]:
    return {
        "name": _("Test Person"),
        "start_at": _start_for(trigger, timezone.localtime(timezone=ZoneInfo(connection.timezone))),
        "timezone": connection.timezone,
    }


def _start_for(trigger: Trigger, now: datetime) -> datetime:
    """Return ten o'clock of a day that suits: yesterday for what comes after a meeting, else tomorrow."""
    day = now + timedelta(days=-2 if trigger in PAST else 1)
    return day.replace(hour=10, minute=0, second=0, microsecond=0, tzinfo=None)


def _answer(question: str, given: Iterable[str]) -> forms.CharField:
    people = ", ".join(f"“{answer}”" for answer in given)
    words = _("People answered: %(answers)s.") % {"answers": people} if people else ""
    return forms.CharField(
        label=question,
        required=False,
        max_length=LONGEST_ANSWER,
        help_text=words,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
