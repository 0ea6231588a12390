"""Calls to Brevo's CRM for one task: within the pace, with what a process remembers of an account."""

import time
from collections.abc import Callable
from typing import TypeVar

from calendly_connector.clients import errors
from calendly_connector.models import BrevoAccount
from calendly_connector.services import accounts, limits, queue

MEETING = "meeting"  # the title of the type of task, in any case
REMEMBERED = 86_400.0  # seconds
T = TypeVar("T")


class CrmOffError(Exception):
    """The account has no CRM, or the key may not use it. Not an ApiError: it is no reason to pause the account."""


class Calls:
    """The calls of one job. It takes one place in the pace; what else it has to call is counted without waiting."""

    def __init__(self, account: BrevoAccount, renew: accounts.Renew) -> None:
        self.account, self.renew = account, renew
        self.client = accounts.client_of(account)
        self._has_place = self._is_place_free = False

    def take_place(self) -> None:
        """Take the job's place, never of what may go at once; raise queue.Later when the pace doesn't allow it yet."""
        if self._has_place:
            return
        for bucket, spares_burst in (("other", True), ("tasks", False)):
            if seconds := limits.acquire(self.account.pk, bucket, spares_burst=spares_burst):
                raise queue.Later("Brevo's rate limit", seconds=seconds, is_failure=False)
        self._has_place = self._is_place_free = True

    def call(self, work: Callable[[], T], *, may_be_gone: bool = False) -> T:
        """Make one call. Raises CrmOffError when the account has no CRM, queue.Later, and errors.Refused: NotFound too
        if what is asked for `may_be_gone`."""
        self.take_place()
        if not self._is_place_free:
            limits.charge(self.account.pk, "other")
        self._is_place_free = False

        def guarded() -> T:
            try:
                return work()
            except (errors.Forbidden, errors.NotFound) as refused:
                if may_be_gone and isinstance(refused, errors.NotFound):
                    raise
                raise CrmOffError(str(refused)) from refused

        return accounts.call(self.account, "other", guarded, renew=self.renew, is_paced=False)

    def task_type(self) -> str:
        """Return the id of the type "Meeting"; of the first type where there is none of that name."""
        key = ("types", self.account.pk, "")
        if known := _remembered(key):
            return known
        found = self.call(self.client.list_task_types)
        if not found:
            raise queue.Later("Brevo named no types of tasks.")
        meeting = next((each.id for each in found if each.title.strip().casefold() == MEETING), found[0].id)
        _remember(key, meeting)
        return meeting

    def may_own(self, email: str) -> bool:
        """Return whether a host may be a user of Brevo: whoever was refused lately isn't."""
        return not _remembered(("owner", self.account.pk, email))

    def note_stranger(self, email: str) -> None:
        """Remember that a task was refused with this host as its owner."""
        _remember(("owner", self.account.pk, email), email)


_memory: dict[tuple[str, int, str], tuple[float, str]] = {}  # until when (monotonic) it holds, and what was learnt


def _remembered(key: tuple[str, int, str]) -> str:
    until, value = _memory.get(key, (0.0, ""))
    return value if until > time.monotonic() else ""


def _remember(key: tuple[str, int, str], value: str) -> None:
    _memory[key] = (time.monotonic() + REMEMBERED, value)
