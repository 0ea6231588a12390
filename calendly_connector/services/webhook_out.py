"""Notices for chat tools: one JSON message to NOTICE_WEBHOOK_URL. It never fails anybody."""

import logging

from calendly_connector import conf
from calendly_connector.clients import outgoing

logger = logging.getLogger(__name__)


def post(text: str) -> bool:
    """Post `{"text": …}` to the address of the settings, if there is one; return whether it was taken."""
    url = conf.notice_webhook_url()
    if not url:
        return False
    try:
        outgoing.post_json(url, {"text": text}, allows_loopback=conf.notice_webhook_allows_loopback())
    except (outgoing.NotAllowed, outgoing.NotDelivered) as error:
        logger.warning("The chat tool could not be told: %s", error)
        return False
    return True
