"""Little stories to stage on the Calendly stand-in, with fictitious people. Each returns the URIs it made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.calendly import Calendly
from sandbox.calendly_values import Json
from sandbox.calendly_world import DEMO, DISCOVERY, GROUP_DEMO

PATIENCE = 10.0  # seconds for a receiver to take the first webhooks; a dead one doesn't stop the story
Answers = dict[str, str | list[str]]
Story = Callable[[Calendly], Json]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who books, with what they write into the form."""

    first_name: str
    last_name: str
    email: str
    answers: Answers = field(default_factory=dict)
    source: str | None = None


NADIA = Person(
    first_name="Nadia", last_name="Benali", email="nadia.benali@example.com", source="newsletter",
    answers={"Company": "Benali Conseil", "Role": "Founder", "Mobile number": "+33612345678",
             "Which topics?": ["Pricing", "Integration"]},
)  # fmt: skip
ZOE = Person(
    first_name="Zoé", last_name="Lefèvre", email="zoe.lefevre@example.com", source="linkedin",
    answers={"Company": "Studio Lefèvre", "Role": "Head of Marketing", "Which topics?": ["Security"]},
)  # fmt: skip
TOM = Person(
    first_name="Tom", last_name="O'Brien", email="tom.obrien@example.com",
    answers={"Company": "O'Brien & Sons", "Role": "Managing director", "Mobile number": "+14045551234"},
)  # fmt: skip
AMIRA = Person(
    first_name="Amira", last_name="Haddad", email="amira.haddad@example.com", source="webinar",
    answers={"Company": "Haddad Logistik GmbH", "Role": "Sales lead"},
)  # fmt: skip
PEOPLE = (NADIA, ZOE, TOM, AMIRA)


def book(calendly: Calendly, person: Person, event_type: str = DISCOVERY, start_time: float | None = None) -> str:
    """Let a person book, the next free slot unless a time is given."""
    questions = {question["name"] for question in calendly.find_event_type(event_type)["custom_questions"]}
    return calendly.book(
        event_type=event_type, email=person.email, first_name=person.first_name, last_name=person.last_name,
        answers={text: answer for text, answer in person.answers.items() if text in questions},
        tracking={"utm_source": person.source}, start_time=start_time,
    )  # fmt: skip


def booked(calendly: Calendly, person: Person = NADIA) -> Json:
    """Somebody books."""
    return {"invitee": book(calendly, person)}


def moved(calendly: Calendly, person: Person = ZOE) -> Json:
    """Somebody books and then picks another time."""
    old = book(calendly, person)
    return {"old_invitee": old, "invitee": calendly.move(old)}


def canceled(calendly: Calendly, person: Person = TOM) -> Json:
    """Somebody books and then cancels."""
    invitee = book(calendly, person)
    return {"invitee": calendly.cancel(invitee, reason="Conflict with another meeting")}


def no_show(calendly: Calendly, person: Person = AMIRA) -> Json:
    """Somebody booked a meeting of an hour ago and did not come."""
    invitee = book(calendly, person, start_time=calendly.clock.now() - 3600)
    return {"invitee": invitee, "no_show": calendly.mark_no_show(invitee)}


def tell_story(calendly: Calendly) -> Json:
    """Four people book, one moves, one cancels, one is a no-show. Each step is a webhook of its own.

    Nobody cancels in the second of booking: what happens to a booking waits until the news of it has been delivered.
    """
    nadia, zoe, tom = book(calendly, NADIA), book(calendly, ZOE, DEMO), book(calendly, TOM, GROUP_DEMO)
    amira = book(calendly, AMIRA, start_time=calendly.clock.now() - 3600)
    calendly.deliveries.settle(timeout=PATIENCE)
    calendly.mark_no_show(amira)
    new_zoe = calendly.move(zoe)
    calendly.cancel(tom, reason="We chose another date")
    return {"booked": nadia, "moved": new_zoe, "canceled": tom, "no_show": amira}
