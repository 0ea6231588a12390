"""What people do at Calendly, at random, and the mail that tells of it: late, out of order, some of it twice."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import requests

from sandbox.calendly import Calendly
from sandbox.calendly_bookings import BookingError
from sandbox.calendly_webhooks import Delivery

BOOKINGS_OF_A_PERSON = 3
AT_ONCE = 40  # messages under way: the order in which they arrive is anybody's guess
TWICE = 0.1  # of the messages
MOVES = 3  # at most, of one meeting
PATH = "/webhooks/calendly"
SECONDS = 15  # for which Calendly waits for an answer


class Lives:
    """People who book, move, cancel, stay away, and come again."""

    def __init__(self, calendly: Calendly, dice: random.Random, *, bookings: int) -> None:
        self._calendly, self._dice = calendly, dice
        self._people = [f"person-{number}@example.com" for number in range(max(1, bookings // BOOKINGS_OF_A_PERSON))]
        self._open: list[str] = []
        self._moves: dict[str, int] = {}
        self.marked: set[str] = set()
        self.wanted = bookings

    @property
    def told(self) -> int:
        """Return how many bookings there are, both halves of a move counted."""
        return len(self._calendly.state.invitees)

    def go_on(self) -> None:
        """Let somebody do something."""
        if not self._open or self._dice.random() < 0.5:
            self._book()
            return
        act = self._dice.choice((self._move, self._move, self._cancel, self._mark, self._unmark))
        act(self._dice.choice(self._open))

    def _book(self) -> None:
        email = self._dice.choice(self._people)
        self._note(self._calendly.book(event_type="Demo", email=email, name="Ada Berg", start_time=self._time()))

    def _move(self, uri: str) -> None:
        if self._moves[uri] >= MOVES:
            return
        try:
            moved = self._calendly.move(uri, start_time=self._time(), by=self._dice.choice(("invitee", "host")))
        except BookingError:  # by chance it is the same time
            return
        self._open.remove(uri)
        self._note(moved, moves=self._moves[uri] + 1)

    def _cancel(self, uri: str) -> None:
        self._open.remove(uri)
        self._calendly.cancel(uri, by=self._dice.choice(("invitee", "host")), reason="Changed plans")

    def _mark(self, uri: str) -> None:
        if uri not in self.marked:  # once: so each booking has one event of each name
            self._calendly.mark_no_show(uri)
            self.marked.add(uri)

    def _unmark(self, uri: str) -> None:
        if self._calendly.invitee(uri)["no_show"]:
            self._calendly.undo_no_show(uri)

    def _note(self, uri: str, moves: int = 0) -> None:
        self._open.append(uri)
        self._moves[uri] = moves

    def _time(self) -> datetime:
        ahead = timedelta(seconds=self._dice.randrange(3600, 60 * 86_400))
        return (datetime.now(UTC) + ahead).replace(microsecond=0)


class Mail:
    """Brings Calendly's messages to one of several web servers, and those that weren't taken once more."""

    def __init__(
        self, calendly: Calendly, dice: random.Random, addresses: Sequence[str], mind_the_time: Callable[[], None]
    ) -> None:
        self._mind_the_time = mind_the_time
        self._deliveries, self._dice, self._addresses = calendly.deliveries, dice, addresses
        self._waiting: list[Delivery] = []
        self._http = requests.Session()
        self.taken = self.refused = self.again = 0

    def collect(self) -> None:
        """Take over what Calendly wants to deliver."""
        for delivery in self._deliveries.pending():
            self._waiting.append(delivery)
            self._deliveries.drop(delivery)

    def deliver(self, at_most: int = AT_ONCE) -> None:
        """Deliver until no more than so many are under way; what is refused stays among them."""
        while len(self._waiting) > at_most:
            self._mind_the_time()
            place = self._dice.randrange(len(self._waiting))
            if not self._post(self._waiting[place]):
                self.refused += 1
                time.sleep(0.05)
                continue
            self.taken += 1
            if self._dice.random() < TWICE:
                self.again += self._post(self._waiting[place])
            self._waiting[place] = self._waiting[-1]
            self._waiting.pop()

    def _post(self, delivery: Delivery) -> bool:
        address = f"{self._dice.choice(self._addresses)}{PATH}"
        try:
            answer = self._http.post(
                address, data=delivery.body, headers=delivery.headers(time.time()), timeout=SECONDS
            )
        except requests.RequestException:
            return False
        return answer.status_code == 200
