"""Fills Calendly with a past and a future in bulk: the same seed and the same middle always make the same bookings.

People book, some of them often; they move, cancel, stay away, and answer questions, also with phone numbers that aren't
any. Nobody is told: it happened before anybody subscribed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from sandbox import calendly_parts as parts
from sandbox.calendly import Calendly
from sandbox.calendly_state import State
from sandbox.calendly_values import Json, moment, stamp
from sandbox.generate_lives import Life, Lives

MOST_EXTRA = 9  # people who may join the first of a group
USUAL_EXTRA = 4


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How much of everything, from `days_back` before `around` (Unix seconds) to `days_ahead` after; either may be
    negative, for a past or a future alone."""

    events: int
    invitees: int
    around: float
    days_back: float = 365
    days_ahead: float = 30
    seed: int = 1

    def check(self) -> None:
        """Raise ValueError for what cannot be."""
        if self.events < 1 or self.days_back + self.days_ahead <= 0:
            raise ValueError("events must be positive, and so must be the days from days_back to days_ahead")
        if not self.events <= self.invitees <= self.events * (1 + MOST_EXTRA):
            raise ValueError(f"every event has 1 to {1 + MOST_EXTRA} invitees")


def generate(calendly: Calendly, given: Json) -> Json:
    """Fill the account as {"events", "invitees", "days_back", "days_ahead", "seed", "around"} wish; return counts.

    Raises ValueError when this seed was used before.
    """
    around = moment(given["around"]) if "around" in given else calendly.clock.now() // 3600 * 3600
    wish = Wish(**{**given, "around": around})
    wish.check()
    history = _History(calendly.state, wish)
    with calendly.lock:
        calendly.state.add_past(history.rows())
        calendly.state.no_shows.update(history.marks)
    return {"events": wish.events, "invitees": wish.invitees, "people": history.people, "statuses": history.statuses}


class _History:
    """Writes lives down as rows, one event after the other, so that only the packed rows take memory."""

    def __init__(self, state: State, wish: Wish) -> None:
        self._state, self._wish, self._dice = state, wish, Random(wish.seed)
        self._lives = Lives(
            state, self._dice, earliest=wish.around - wish.days_back * 86_400, now=wish.around,
            latest=wish.around + wish.days_ahead * 86_400,
        )  # fmt: skip
        self.marks: dict[str, Json] = {}
        self.statuses: Counter[str] = Counter()

    @property
    def people(self) -> int:
        """Return how many different people booked."""
        return self._lives.people

    def rows(self) -> Iterator[tuple[Json, Sequence[Json]]]:
        """Yield each event with its invitees."""
        groups = self._group_sizes()
        singles = self._wish.events - len(groups)
        while groups or singles:
            if self._dice.random() * (len(groups) + singles) < len(groups):
                yield self._written(self._lives.group(groups.pop()))
            else:
                chain = self._lives.chain(at_most=singles)
                singles -= len(chain)
                yield from (self._written([life]) for life in chain)

    def _group_sizes(self) -> list[int]:
        """Return how many people come to each group event: whoever is more than one per event."""
        extra = self._wish.invitees - self._wish.events
        fewest, usual = -(-extra // MOST_EXTRA), -(-extra // USUAL_EXTRA)
        count = max(fewest, min(usual, self._wish.events))
        seats = [number for number in range(count) for _ in range(MOST_EXTRA)]
        taken = Counter(self._dice.sample(seats, extra))
        return [1 + taken[number] for number in range(count)]

    def _written(self, lives: Sequence[Life]) -> tuple[Json, list[Json]]:
        event = self._event(lives)
        invitees = [self._invitee(event["uri"], life) for life in lives]
        self.statuses.update(life.status for life in lives)
        return event, invitees

    def _event(self, lives: Sequence[Life]) -> Json:
        first = lives[0]
        if first.event in self._state.events:
            raise ValueError(f"the seed {self._wish.seed} was used before")
        user = self._state.users[first.host]
        event = parts.scheduled_event(
            first.kind, user, first.start, first.place, self._state.places[first.kind["uri"]], stamp(first.booked_at)
        )
        active = sum(life.canceled_at is None for life in lives)
        changed_at = max(max(life.booked_at, life.canceled_at or 0) for life in lives)
        event |= {
            "uri": first.event,
            "updated_at": stamp(changed_at),
            "invitees_counter": {**event["invitees_counter"], "total": len(lives), "active": active},
            "calendar_event": {"kind": "google", "external_id": f"{self._dice.getrandbits(104):026x}"},
        }
        if not active:
            last = max(lives, key=lambda life: life.canceled_at or 0)
            event |= {"status": "canceled", "cancellation": last.cancellation(user["name"])}
        return event

    def _invitee(self, event_uri: str, life: Life) -> Json:
        row = parts.invitee(event_uri, {**life.details, "uri": life.uri, **life.links}, stamp(life.booked_at))
        if life.canceled_at is not None:
            cancellation = life.cancellation(self._state.users[life.host]["name"])
            row |= {"status": "canceled", "cancellation": cancellation, "updated_at": stamp(life.canceled_at)}
        if life.marked_at is not None:
            at = stamp(life.marked_at)
            mark = {"uri": life.mark_uri, "invitee": life.uri, "created_at": at}
            self.marks[mark["uri"]] = mark
            row |= {"no_show": {"uri": mark["uri"], "created_at": at}, "updated_at": at}
        row |= {"old_invitee": life.old, "new_invitee": life.new, "rescheduled": life.new is not None}
        return row
