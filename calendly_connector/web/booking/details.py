"""The form with which a visitor books: who comes, the event type's questions, the place, guests, consent."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from calendly_connector.clients.calendly_scheduling import BookableType, Place, Wish
from calendly_connector.models import BookingPage
from calendly_connector.web.booking import places, questions
from calendly_connector.web.booking.consent_box import ConsentBox

MOST_GUESTS = 10  # calendly-api.md §4.11
TRAP = "website"  # the field that only robots see


class DetailsForm(forms.Form):
    """Everything that is asked once a time is chosen."""

    def __init__(self, kind: BookableType, page: BookingPage, box: ConsentBox | None, **options: Any) -> None:
        super().__init__(label_suffix="", **options)
        self.kind, self.page, self.box = kind, page, box
        self.places = places.choices_of(kind)
        region = page.connection.phone_region
        self._ask_who()
        for name, question in self._asked():
            self.fields |= questions.fields_of(question, name, region=region)
        self._ask_where(region)
        if page.asks_for_guests:
            self._ask_for_guests()
        if box:
            label = page.consent_text or box.question.text
            tick = _ConsentInput(label, box)
            self.fields["consent"] = forms.BooleanField(label=label, required=box.is_required, widget=tick)
        self.fields[TRAP] = forms.CharField(label=_("Leave this field empty"), required=False, widget=_TrapInput)

    def _ask_who(self) -> None:
        given, family = _text_input("given-name"), _text_input("family-name")
        mail = forms.EmailInput(attrs={"autocomplete": "email"})
        self.fields["first_name"] = forms.CharField(label=_("First name"), max_length=100, widget=given)
        self.fields["last_name"] = forms.CharField(label=_("Last name"), max_length=100, required=False, widget=family)
        self.fields["email"] = forms.EmailField(label=_("E-mail address"), max_length=320, widget=mail)

    def _ask_where(self, region: str) -> None:
        kinds = {place.kind for place in self.places}
        is_one_of_several = len(self.places) > 1
        if is_one_of_several:
            names = [(str(number), places.name_of(place)) for number, place in enumerate(self.places)]
            self.fields["place"] = forms.ChoiceField(label=_("Where"), choices=names, widget=forms.RadioSelect)
        if places.PHONE in kinds:
            self.fields["place_phone"] = questions.PhoneField(
                region=region,
                label=_("Phone number that we call"),
                help_text=_("Needed only if we are to call you.") if is_one_of_several else "",
                required=not is_one_of_several,
            )
        if places.WORDS in kinds:
            self.fields["place_words"] = forms.CharField(
                label=_("Where we meet"),
                help_text=_("Needed only for a place of your choice.") if is_one_of_several else "",
                max_length=questions.SHORT,
                required=not is_one_of_several,
            )

    def _ask_for_guests(self) -> None:
        self.fields["guests"] = forms.CharField(
            label=_("Guests"),
            help_text=_("E-mail addresses of those who come along, at most ten, one a line."),
            max_length=4000,
            required=False,
            widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        )

    def _asked(self) -> Iterator[tuple[str, Any]]:
        """Yield the questions that are asked as they are, by the name of their field."""
        for question in self.kind.questions:
            if self.box is None or question != self.box.question:
                yield questions.name_of(question), question

    def clean_guests(self) -> tuple[str, ...]:
        """Return the guests' addresses; raise ValidationError naming the one that is none."""
        found = tuple(dict.fromkeys(each for each in re.split(r"[\s,;]+", self.cleaned_data["guests"]) if each))
        for address in found:
            try:
                validate_email(address)
            except ValidationError:
                raise ValidationError(_("“%(text)s” isn't an e-mail address.") % {"text": address}) from None
        if len(found) > MOST_GUESTS:
            raise ValidationError(_("At most ten guests can be invited."))
        return found

    def clean(self) -> None:
        """See to what concerns several fields."""
        values = self.cleaned_data
        for name, question in self._asked():
            problem = "" if name in self.errors else questions.missing_in(question, name, values)
            if problem:
                self.add_error(name, problem)
        place = self._place()
        for kind, name in ((places.PHONE, "place_phone"), (places.WORDS, "place_words")):
            if place and place.kind == kind and name not in self.errors and not values.get(name):
                self.add_error(name, _("This is needed for the place that you chose."))

    def add_problems(self, problems: Mapping[str, str]) -> None:
        """Show what the booking's own check found, beside the field it is about."""
        by_position = {f"answers.{question.position}": name for name, question in self._asked()}
        if self.box:
            by_position[f"answers.{self.box.question.position}"] = "consent"
        for field, words in problems.items():
            name = by_position.get(field, field.partition(".")[0])
            self.add_error(name if name in self.fields else None, gettext(words))

    @property
    def is_trapped(self) -> bool:
        """Return whether the field that people don't see was filled in."""
        return bool(self.data.get(TRAP))

    def rows(self) -> Iterator[BoundField]:
        """Yield the fields in order, the first one with an error marked to be where the cursor is."""
        wrong = next((name for name in self.fields if name in self.errors), "")
        for name in self.fields:
            if name == TRAP:
                continue
            if name == wrong:
                self.fields[name].widget.attrs["autofocus"] = True
            yield self[name]

    def trap(self) -> BoundField:
        """Return the field that only robots fill in."""
        return self[TRAP]

    def wish(self, *, start_at: datetime, zone: str, tracking: Mapping[str, str]) -> Wish:
        """Return what is to be booked. Call it once the form is valid."""
        values = self.cleaned_data
        place = self._place()
        phone, words = values.get("place_phone") or "", values.get("place_words") or ""
        return Wish(
            event_type=self.kind.uri,
            start_at=start_at,
            email=values["email"],
            timezone=zone,
            first_name=values["first_name"],
            last_name=values["last_name"],
            place=places.chosen(place, phone=phone, words=words) if place else None,
            answers=tuple(self._answers()),
            tracking=tracking,
            guests=values.get("guests") or (),
        )

    def _place(self) -> Place | None:
        if len(self.places) < 2:
            return self.places[0] if self.places else None
        number = str(self.cleaned_data.get("place") or "")
        return self.places[int(number)] if number else None

    def _answers(self) -> Iterator[tuple[str, str, int]]:
        for name, question in self._asked():
            answer = questions.answer_of(question, name, self.cleaned_data)
            if answer:
                yield question.text, answer, question.position
        if self.box:
            answer = self.box.ticked if self.cleaned_data["consent"] else self.box.empty
            if answer:
                yield self.box.question.text, answer, self.box.question.position


class _ConsentInput(forms.CheckboxInput):
    """A box that is ticked for its words alone: a tick beside other words, or for another question, is none."""

    def __init__(self, words: str, box: ConsentBox) -> None:
        self._means = questions.digest(f"{words}\n{box.question.text}\n{box.ticked}")
        super().__init__(check_test=lambda value: value is True)

    def format_value(self, value: Any) -> str:
        return self._means

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        return bool(data.get(name) == self._means)


class _TrapInput(forms.TextInput):
    """Out of reach of the keyboard, and of what fills in forms for people. Never filled in again by us."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "tabindex": "-1"})

    def format_value(self, value: Any) -> str:
        return ""


def _text_input(autocomplete: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": autocomplete})
