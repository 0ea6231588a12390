"""Reads the invitees of several meetings at once. The threads only call out; whoever uses them keeps the database."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Row
from calendly_connector.clients.http import Exchange
from calendly_connector.clients.pace import Pace

AT_ONCE = 8
"""Enough to use 500 calls a minute up although each answer takes a second."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The invitees of one meeting, or why they can't be read. `token` is the one that the call was made with."""

    number: int
    token: str
    taken_at: datetime
    rows: tuple[Row, ...] = ()
    error: errors.ApiError | None = None
    exchanges: list[Exchange] = field(default_factory=list)


class Fetchers:
    """A few threads, each with a client of its own, within one pace."""

    def __init__(self, pace: Pace, *, is_watched: bool = False) -> None:
        self._pace = pace
        self._is_watched = is_watched
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="fetcher")
        self._in_hand: set[Future[Fetched]] = set()
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

    def ask(self, number: int, meeting_uri: str, *, token: str) -> None:
        """Have the invitees of a meeting read; `number` comes back with them."""
        self._in_hand.add(self._pool.submit(self._fetch, number, meeting_uri, token))

    def some(self) -> Iterator[Fetched]:
        """Wait for the next answers and yield them."""
        done, self._in_hand = wait(self._in_hand, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)

    def rest(self) -> Iterator[Fetched]:
        """Wait for everything under way and yield it."""
        while self._in_hand:
            yield from self.some()

    def _fetch(self, number: int, meeting_uri: str, token: str) -> Fetched:
        taken_at, told = timezone.now(), list[Exchange]()
        try:
            with self._pace.place():
                rows = tuple(self._client(token, told).list_invitees(meeting_uri))
        except errors.ApiError as error:
            return Fetched(number=number, token=token, taken_at=taken_at, error=error, exchanges=told)
        return Fetched(number=number, token=token, taken_at=taken_at, rows=rows, exchanges=told)

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
