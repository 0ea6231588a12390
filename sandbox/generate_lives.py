"""What happens to made-up bookings: who books what and when, and whether they move it, cancel it or stay away."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from sandbox import calendly_parts as parts
from sandbox.calendly_state import State
from sandbox.calendly_values import API, SITE, TRACKING_KEYS, Json, shown_phone, stamp

FIRST_NAMES = ("Ada", "Bruno", "Chloé", "Dario", "Élise", "Farid", "Greta", "Hana", "Ivo", "Jana", "Koffi", "Lena")
LAST_NAMES = ("Arnaud", "Benali", "Costa", "Dubois", "Ekström", "Ferrari", "García", "Haddad", "Ito", "Janssen", "Kaya")
COMPANIES = ("Atelier Nord", "Blue Harbour", "Café Lumen", "Delta & Sons", "Étoile SARL", "Fjord AS")
NO_PHONES = ("call my office", "+33 12", "later", "00")
REASONS = ("", "Conflict", "I am ill", "Found another supplier", "Sorry!\nAnother time.")
ZONES = ("Europe/Paris", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")
HOUR, DAY, STEP = 3600.0, 86_400.0, 1800
COMES_AGAIN, MOVES, CANCELS, STAYS_AWAY, LEAVES_GROUP = 0.35, 0.06, 0.09, 0.06, 0.12
ONE_NAME, SHOUTED, TYPES_PHONE, WRONG_PHONE, HAS_UTM = 0.2, 0.04, 0.5, 0.1, 0.3


@dataclass(kw_only=True)
class Life:
    """One invitee from booking to end. Times are Unix seconds."""

    kind: Json
    event: str
    uri: str
    host: str
    place: Json | None
    details: Json
    phone: str
    start: float
    booked_at: float
    canceled_at: float | None = None
    canceled_by: Literal["invitee", "host"] = "invitee"
    reason: str = ""
    marked_at: float | None = None
    mark_uri: str = ""
    old: str | None = None
    new: str | None = None

    @property
    def end(self) -> float:
        """Return when the meeting is over."""
        return float(self.start + self.kind["duration"] * 60)

    @property
    def status(self) -> str:
        """Return active, rescheduled, canceled or no_show."""
        if self.canceled_at is not None:
            return "rescheduled" if self.new else "canceled"
        return "no_show" if self.marked_at else "active"

    @property
    def links(self) -> Json:
        """Return the two addresses that carry the invitee's id."""
        number = self.uri.rpartition("/")[2]
        return {"cancel_url": f"{SITE}/cancellations/{number}", "reschedule_url": f"{SITE}/reschedulings/{number}"}

    def cancellation(self, host_name: str) -> Json:
        """Return who canceled, why and when."""
        who = host_name if self.canceled_by == "host" else self.details["name"]
        at = stamp(self.canceled_at or 0)
        return {"canceled_by": who, "reason": self.reason, "canceler_type": self.canceled_by, "created_at": at}


class Lives:
    """Draws lives. All that happened lies an hour before `now`; meetings begin between `earliest` and `latest`."""

    def __init__(self, state: State, dice: Random, *, earliest: float, now: float, latest: float) -> None:
        self._state, self._dice = state, dice
        self._earliest, self._latest, self._until = earliest, latest, now - HOUR
        kinds = [kind for kind in state.event_types.values() if kind["active"]]
        self._singles = [kind for kind in kinds if state.places[kind["uri"]] == 1]
        self._groups = [kind for kind in kinds if state.places[kind["uri"]] > 1]
        self.people = 0

    def group(self, size: int) -> list[Life]:
        """Return the people of one group event."""
        first = self._booked(self._dice.choice(self._groups), self._start(self._earliest), self._person())
        lives = [first]
        while len(lives) < size:
            joins_at = self._between(first.booked_at, min(first.start, self._until))
            joined = self._booked(first.kind, first.start, self._newcomer())
            joined.event, joined.host, joined.place, joined.booked_at = first.event, first.host, first.place, joins_at
            joined.uri = f"{first.event}/invitees/{self._id()}"
            lives.append(joined)
        for life in lives:
            if self._happens(LEAVES_GROUP):
                self._cancel(life)
            else:
                self._maybe_stay_away(life)
        return lives

    def chain(self, *, at_most: int) -> list[Life]:
        """Return one booking with all its moves, which are at most so many meetings."""
        life = self._booked(self._dice.choice(self._singles), self._start(self._earliest), self._person())
        lives = [life]
        while len(lives) < at_most and self._happens(MOVES):
            lives.append(self._moved(lives[-1]))
        if self._happens(CANCELS):
            self._cancel(lives[-1])
        else:
            self._maybe_stay_away(lives[-1])
        return lives

    def _moved(self, life: Life) -> Life:
        self._cancel(life)
        moved_at = life.canceled_at or life.booked_at
        new = self._booked(
            life.kind, self._start(moved_at + HOUR, moved_at + 30 * DAY), {**life.details, "phone": life.phone}
        )
        new.booked_at, new.host, new.old, life.new, life.reason = moved_at, life.host, life.uri, new.uri, ""
        return new

    def _booked(self, kind: Json, start: float, details: Json) -> Life:
        event = f"{API}/scheduled_events/{self._id()}"
        given = {} if "questions_and_answers" in details else self._answers(kind, details)
        place = self._place(kind, details["phone"])
        return Life(
            kind=kind, event=event, uri=f"{event}/invitees/{self._id()}", place=place, start=start,
            phone=details["phone"], host=self._dice.choice(self._state.hosts[kind["uri"]]),
            booked_at=min(start, self._until) - self._between(HOUR, 21 * DAY),
            details={key: value for key, value in {**details, **given}.items() if key != "phone"},
        )  # fmt: skip

    def _cancel(self, life: Life) -> None:
        life.canceled_at = self._between(life.booked_at, min(life.start, self._until))
        life.canceled_by = "host" if self._happens(0.3) else "invitee"
        life.reason = self._dice.choice(REASONS)

    def _maybe_stay_away(self, life: Life) -> None:
        if life.end < self._until and self._happens(STAYS_AWAY):
            life.marked_at = self._between(life.end, min(life.end + DAY, self._until))
            life.mark_uri = f"{API}/invitee_no_shows/{self._id()}"

    def _person(self) -> Json:
        """Return who books: often somebody who did before."""
        if self.people and self._happens(COMES_AGAIN):
            return self._described(self._dice.randrange(self.people))
        return self._newcomer()

    def _newcomer(self) -> Json:
        self.people += 1
        return self._described(self.people - 1)

    def _described(self, number: int) -> Json:
        first = FIRST_NAMES[number % len(FIRST_NAMES)]
        last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
        email = f"person.{number}@example.com"
        whole = self._happens(ONE_NAME)
        who = parts.person(
            email.title() if self._happens(SHOUTED) else email, f"{first} {last}",
            None if whole else first, None if whole else last, self._dice.choice(ZONES),
        )  # fmt: skip
        utm = {key: f"{key}-{number % 7}" for key in TRACKING_KEYS[:3]} if self._happens(HAS_UTM) else None
        return {**who, "tracking": parts.tracking(utm), "phone": f"+336{number:08d}"}

    def _answers(self, kind: Json, details: Json) -> Json:
        given = {question["name"]: self._answer(question, details["phone"]) for question in kind["custom_questions"]}
        answered: Mapping[str, str | list[str]] = {name: answer for name, answer in given.items() if answer}
        return {"questions_and_answers": parts.answers(kind["custom_questions"], answered)}

    def _answer(self, question: Json, phone: str) -> str | list[str]:
        if question["type"] == "phone_number":
            if not self._happens(TYPES_PHONE):
                return ""
            return self._dice.choice(NO_PHONES) if self._happens(WRONG_PHONE) else phone
        if question["answer_choices"]:
            return self._dice.sample(question["answer_choices"], self._dice.randrange(len(question["answer_choices"])))
        return self._dice.choice(COMPANIES) if question["required"] or self._happens(0.6) else ""

    def _place(self, kind: Json, phone: str) -> Json | None:
        if not kind["locations"]:
            return None
        chosen = self._dice.choice(kind["locations"])
        if chosen["kind"] in parts.CONFERENCES:
            return parts.conference(chosen["kind"], str(80_000_000_000 + self._dice.randrange(9_999_999_999)))
        if chosen["kind"] == "outbound_call":
            return {"type": "outbound_call", "location": shown_phone(phone)}
        return parts.location([chosen], None, {})

    def _start(self, after: float, before: float = 0.0) -> float:
        """Return a half hour between two times; a later one than `latest` only where nothing else is left."""
        earliest, latest = min(max(after, self._earliest), self._latest), min(before or self._latest, self._latest)
        return self._between(earliest, max(earliest, latest)) // STEP * STEP + STEP

    def _between(self, low: float, high: float) -> float:
        return low + self._dice.random() * max(0.0, high - low)

    def _happens(self, share: float) -> bool:
        return self._dice.random() < share

    def _id(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
