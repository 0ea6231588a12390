"""Tells a broker that there is work, from every process that asks for some. Never in the way of what it does.

A broker that doesn't answer costs one short try now and then: the beat's tick finds the work all the same.
"""

import logging
import time
from typing import Any

from celery import Celery
from celery.exceptions import OperationalError
from django.db import connection, transaction

from calendly_connector.services import queue

logger = logging.getLogger(__name__)

PAUSE = 5.0  # seconds without a try after a failed one


class Messenger:
    """Sends a message after each commit that made work."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._quiet_until = 0.0  # time.monotonic()

    def listen(self) -> None:
        """Hear from now on of every job that is asked for, and every delivery that is stored."""
        queue.work_came.connect(self._hear, weak=False, dispatch_uid="broker")  # nobody else keeps us

    def _hear(self, **_: Any) -> None:
        if not any(waiting[1] == self.send for waiting in connection.run_on_commit):  # one message for all of a commit
            transaction.on_commit(self.send)

    def send(self) -> None:
        """Send one message, unless the broker failed to take one a moment ago."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._app.send_task("calendly_connector.work", retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            self._quiet_until = time.monotonic() + PAUSE
            logger.warning("The broker takes no message; the work is found within a second or so: %s", error)
