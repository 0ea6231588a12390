"""Posts webhooks as Calendly does: signed, without following redirects, retried for 24 hours of the simulated clock.

Knows nothing of bookings. A delivery is bytes for one subscription; what failed is reported through `on_failure`.
"""

import hashlib
import heapq
import hmac
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sandbox.calendly_post import Poster, UnreachableError
from sandbox.calendly_values import Json, stamp
from sandbox.world import Clock

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 15.0
WORKERS = 8
FIRST_WAIT = 10.0  # seconds before the first retry, doubled each time (the real times are undocumented)
GIVE_UP_AFTER = 24 * 3600.0
Mode = Literal["auto", "hold"]
Status = Literal["pending", "sending", "delivered", "failed", "dropped"]


class OnFailure(Protocol):
    """Hears of each failed attempt: whether it began a retry sequence, whether it was the last."""

    def __call__(self, subscription_uri: str, *, began: bool, gave_up: bool) -> None:
        """Note the failure."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try: when (simulated Unix seconds) and how it ended ("204", or the words of a failure)."""

    at: float
    outcome: str


@dataclass(kw_only=True, eq=False)
class Delivery:
    """One webhook message for one subscription."""

    number: int
    subscription: str
    url: str
    event: str
    body: bytes
    created_at: float
    due_at: float
    key: str = field(repr=False)
    status: Status = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    def headers(self, now: float) -> dict[str, str]:
        """Return the headers to post with; each attempt is signed with its own time."""
        headers = {"Content-Type": "application/json", "User-Agent": "Calendly", "Accept": "*/*"}
        if self.key:
            headers["Calendly-Webhook-Signature"] = signature(self.key, int(now), self.body)
        return headers

    def __lt__(self, other: "Delivery") -> bool:
        """Order by due time for the heap."""
        return (self.due_at, self.number) < (other.due_at, other.number)


def signature(key: str, at: int, body: bytes) -> str:
    """Return the Calendly-Webhook-Signature of a raw body."""
    digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliveries:
    """The messages under way. `mode` "auto" sends them from worker threads, "hold" keeps them for the test to send."""

    def __init__(self, clock: Clock, on_failure: OnFailure) -> None:
        self._mode: Mode = "auto"
        self.connect_timeout, self.read_timeout = CONNECT_TIMEOUT, READ_TIMEOUT
        self._clock = clock
        self._on_failure = on_failure
        lock = threading.RLock()
        self._changed = threading.Condition(lock)  # workers wait here for something due
        self._settled = threading.Condition(lock)  # `settle` waits here for them to finish
        self._queue: list[Delivery] = []
        self._sending: set[Delivery] = set()
        self._number = 0
        self._recent: deque[Delivery] = deque(maxlen=1000)
        self._workers: list[threading.Thread] = []
        self._stopping = False
        clock.watch(self._wake)

    @property
    def mode(self) -> Mode:
        """Return "auto" or "hold"."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._changed:
            self._mode = mode
            self._start_workers()
            self._changed.notify_all()

    def add(self, subscription: Json, key: str, event: str, payload: Json) -> None:
        """Queue one message; its body is fixed now, whatever happens to the booking later."""
        now = self._clock.now()
        # Real deliveries carry whole seconds here, although with six digits.
        message = {"event": event, "created_at": stamp(int(now)), "created_by": subscription["creator"]}
        body = json.dumps({**message, "payload": payload}, ensure_ascii=False, separators=(",", ":")).encode()
        with self._changed:
            self._number += 1
            delivery = Delivery(
                number=self._number, subscription=subscription["uri"], url=subscription["callback_url"], event=event,
                body=body, created_at=now, due_at=now, key=key,
            )  # fmt: skip
            heapq.heappush(self._queue, delivery)
            self._recent.append(delivery)
            self._start_workers()
            self._changed.notify()

    def pending(self) -> list[Delivery]:
        """Return what is not delivered yet, oldest first."""
        with self._changed:
            return sorted(self._queue, key=lambda delivery: delivery.number)

    def recent(self) -> list[Delivery]:
        """Return the last thousand messages, oldest first, whatever became of them."""
        with self._changed:
            return list(self._recent)

    def deliver(self, delivery: Delivery) -> int:
        """Send one message now (again, if it was sent before) and return the status; 0 when unreachable."""
        with self._changed:
            self._sending.add(delivery)
        poster = Poster(self.connect_timeout, self.read_timeout)
        try:
            return self._attempt(delivery, poster)
        finally:
            poster.close()

    def drop(self, delivery: Delivery) -> None:
        """Lose one message for good."""
        self._finish(delivery, "dropped")

    def abandon(self, subscription_uri: str) -> None:
        """Lose everything still pending for a subscription (deleted or disabled: nothing is replayed)."""
        with self._changed:
            for delivery in [*self._queue, *self._sending]:
                if delivery.subscription == subscription_uri and delivery.status in ("pending", "sending"):
                    self._finish(delivery, "dropped")

    def run_due(self, timeout: float = 30.0) -> None:
        """In automatic mode, return once everything due by the simulated clock has been tried."""
        if self._mode == "auto":
            self.settle(timeout)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is due or being sent; say whether that happened in time."""
        with self._changed:
            self._changed.notify_all()
            return self._settled.wait_for(lambda: not self._sending and not self._due(), timeout)

    def reset(self) -> None:
        """Begin again: no messages, mode and time-outs as at first."""
        self.clear()
        self.mode = "auto"
        self.connect_timeout, self.read_timeout = CONNECT_TIMEOUT, READ_TIMEOUT

    def clear(self) -> None:
        """Forget all messages; one that is being sent is not tried again."""
        with self._changed:
            for delivery in self._sending:
                delivery.status = "dropped"
            self._queue.clear()
            self._recent.clear()
            self._settled.notify_all()

    def stop(self) -> None:
        """End the worker threads."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.join(1)

    def snapshot(self) -> list[Delivery]:
        """Return what a restarted sandbox must still send."""
        with self._changed:
            sending = [delivery for delivery in self._sending if delivery.status == "sending"]
            return [*self._queue, *sending]

    def restore(self, deliveries: list[Delivery]) -> None:
        """Take over what an earlier process had still to send."""
        with self._changed:
            for delivery in deliveries:
                delivery.status = "pending"
            self._queue = list(deliveries)
            heapq.heapify(self._queue)
            self._recent.extend(deliveries)
            self._number = max((delivery.number for delivery in deliveries), default=self._number)
            self._start_workers()
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _start_workers(self) -> None:
        if self._workers or self._mode != "auto" or not self._queue:
            return
        self._stopping = False
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(WORKERS)]
        for worker in self._workers:
            worker.start()

    def _due(self) -> bool:
        return self._mode == "auto" and bool(self._queue) and self._queue[0].due_at <= self._clock.now()

    def _work(self) -> None:
        poster = Poster(self.connect_timeout, self.read_timeout)
        while True:
            with self._changed:
                while not self._due() and not self._stopping:
                    self._changed.wait(self._seconds_to_next())
                if self._stopping:
                    poster.close()
                    return
                delivery = heapq.heappop(self._queue)
                delivery.status = "sending"
                self._sending.add(delivery)
            poster.connect_timeout, poster.read_timeout = self.connect_timeout, self.read_timeout
            self._attempt(delivery, poster)

    def _seconds_to_next(self) -> float | None:
        """Return how long to sleep; None (until notified) when nothing is planned."""
        if self._mode != "auto" or not self._queue:
            return None
        return max(0.001, self._queue[0].due_at - self._clock.now())

    def _attempt(self, delivery: Delivery, poster: Poster) -> int:
        """Try once and settle the message. The caller has put it into `_sending`."""
        now = self._clock.now()
        try:
            status = poster.post(delivery.url, delivery.body, delivery.headers(now))
            outcome = str(status)
        except UnreachableError as problem:
            status, outcome = 0, str(problem)
        delivery.attempts.append(Attempt(at=now, outcome=outcome))
        try:
            if 200 <= status < 300:
                self._finish(delivery, "delivered")
            elif delivery.status not in ("delivered", "dropped"):  # a copy sent by a test changes nothing
                self._fail(delivery, now)
        finally:
            with self._changed:
                self._sending.discard(delivery)
                self._settled.notify_all()
        return status

    def _fail(self, delivery: Delivery, now: float) -> None:
        first = delivery.attempts[0].at
        gave_up = now - first >= GIVE_UP_AFTER
        if gave_up:
            self._finish(delivery, "failed")
        else:
            wait = FIRST_WAIT * 2 ** (len(delivery.attempts) - 1)
            self._plan(delivery, min(now + wait, max(first + GIVE_UP_AFTER, now + FIRST_WAIT)))
        self._on_failure(delivery.subscription, began=len(delivery.attempts) == 1, gave_up=gave_up)

    def _plan(self, delivery: Delivery, due_at: float) -> None:
        with self._changed:
            if delivery.status == "dropped":
                return
            self._unqueue(delivery)
            delivery.status, delivery.due_at = "pending", due_at
            heapq.heappush(self._queue, delivery)
            self._changed.notify_all()

    def _finish(self, delivery: Delivery, status: Status) -> None:
        with self._changed:
            self._unqueue(delivery)
            delivery.status = status

    def _unqueue(self, delivery: Delivery) -> None:
        """Take a message out of the queue; one being sent by a worker has left it already."""
        if delivery.status == "pending" and delivery in self._queue:
            self._queue.remove(delivery)
            heapq.heapify(self._queue)
