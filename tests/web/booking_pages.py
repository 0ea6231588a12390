"""What tests of booking pages share: a page for the sandbox's event types, and somebody who is taken for a person."""

from typing import Any

from django.core.cache import cache

from calendly_connector.models import BookingPage
from calendly_connector.services import catalogue
from calendly_connector.web.booking import questions
from sandbox.calendly_world import DEMO, DISCOVERY, GROUP_DEMO, SUPPORT, question
from tests.journeys.river import River

SITE = "https://www.example.com"
CONSENT = "May we write to you?"
WHO = {"first_name": "Ada", "last_name": "Berg", "email": "Ada@example.com"}

__all__ = ["CONSENT", "DEMO", "DISCOVERY", "GROUP_DEMO", "SITE", "SUPPORT", "WHO", "field_of", "make_page", "question"]


def field_of(text: str) -> str:
    """Return the name of the field that asks a question."""
    return f"question_{questions.digest(text)}"


def make_page(river: River, *types: str, **fields: Any) -> BookingPage:
    """Return a page for these event types, the demo by default."""
    cache.clear()  # what a process remembers, it would remember for the next test
    catalogue.refresh_event_types(river.connection)
    values = {"slug": "talk", "title": "Talk to us", "event_types": list(types or [DEMO]), **fields}
    return BookingPage.objects.create(connection=river.connection, **values)


def ask_more(river: River, uri: str, *questions: dict[str, Any]) -> None:
    """Let an event type ask these questions alone."""
    river.calendly.state.event_types[uri]["custom_questions"] = list(questions)
    cache.clear()
