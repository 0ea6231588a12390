"""Makes several calls to Calendly at once. The threads only call out; whoever uses them keeps the database."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.http import Exchange
from calendly_connector.clients.pace import Pace

AT_ONCE = 8
"""Enough to use 500 calls a minute up although each answer takes a second."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Fetched(Generic[T]):
    """What came of one call, or why nothing did. `token` is the one that the call was made with."""

    number: int
    token: str
    taken_at: datetime
    result: T | None = None
    error: errors.ApiError | None = None
    exchanges: list[Exchange] = field(default_factory=list)


class Fetchers(Generic[T]):
    """A few threads, each with a client of its own, within one pace. `work` makes the call about one address."""

    def __init__(self, pace: Pace, work: Callable[[CalendlyClient, str], T], *, is_watched: bool = False) -> None:
        self._pace, self._work = pace, work
        self._is_watched = is_watched
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="fetcher")
        self._in_hand: set[Future[Fetched[T]]] = set()
        self._mine = threading.local()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Wait for nobody: what is still under way changes nothing at Calendly."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def is_full(self) -> bool:
        """Return whether every thread has something to do."""
        return len(self._in_hand) >= AT_ONCE

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is under way."""
        return not self._in_hand

    def ask(self, number: int, uri: str, *, token: str) -> None:
        """Have the call made about an address; `number` comes back with its result."""
        trail = copy_context()  # what is logged by the thread belongs to the same work
        self._in_hand.add(self._pool.submit(trail.run, self._fetch, number, uri, token))

    def some(self) -> Iterator[Fetched[T]]:
        """Wait for the next answers and yield them."""
        done, self._in_hand = wait(self._in_hand, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)

    def rest(self) -> Iterator[Fetched[T]]:
        """Wait for everything under way and yield it."""
        while self._in_hand:
            yield from self.some()

    def _fetch(self, number: int, uri: str, token: str) -> Fetched[T]:
        taken_at, told = timezone.now(), list[Exchange]()
        try:
            with self._pace.place():
                result = self._work(self._client(token, told), uri)
        except errors.ApiError as error:
            return Fetched(number=number, token=token, taken_at=taken_at, error=error, exchanges=told)
        return Fetched(number=number, token=token, taken_at=taken_at, result=result, exchanges=told)

    def _client(self, token: str, told: list[Exchange]) -> CalendlyClient:
        """Return this thread's client: its connection stays open, its token is told anew for each call."""
        self._mine.token, self._mine.told = token, told
        if not hasattr(self._mine, "client"):
            self._mine.client = CalendlyClient(
                token=lambda: self._mine.token,
                base_url=conf.calendly_api_url(),
                observe=self._pace.observe,
                witness=(lambda exchange: self._mine.told.append(exchange)) if self._is_watched else None,
            )
        client: CalendlyClient = self._mine.client
        return client
