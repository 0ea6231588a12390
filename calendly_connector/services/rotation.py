"""A new signing key for a connection, with overlap: not one delivery is refused on the way."""

from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import queue, subscription

FORGET_KEY = "forget_key"
OVERLAP = 86_400.0  # seconds: Calendly retries a delivery for so long


def rotate(connection: Connection) -> str:
    """Make a new key, subscribe with it, and accept the old one for another day; return what was done, in words.

    Raises ApiError, NotConfigured: then both keys are accepted until this is done again and succeeds.
    """
    connections.rotate_signing_key(connection)
    outcome = subscription.subscribe(connection, is_forced=True)
    queue.enqueue(FORGET_KEY, connection.pk, delay=OVERLAP)
    return f"The signing key was changed. {outcome.words} Deliveries signed with the old key are taken for a day."
