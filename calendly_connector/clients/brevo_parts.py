"""What the parts of `BrevoClient` share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from calendly_connector.clients import errors
from calendly_connector.clients.http import Answer


class Part:
    """One resource's methods, for `BrevoClient`, which makes the calls."""

    @abstractmethod
    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        """Make one call, counted in a bucket of Brevo's limits."""


def object_in(value: Any) -> Mapping[str, Any]:
    """Return an answer's object; raise BadAnswer for anything else."""
    if not isinstance(value, Mapping):
        raise errors.BadAnswer("Brevo answered in another form than it documents.")
    return value
