"""Words that the worker stored in English are shown in the reader's language."""

import re
from collections.abc import Iterator

import pytest
from django.utils import translation

from calendly_connector.admin import said as module
from calendly_connector.admin.said import said
from calendly_connector.core import cause
from calendly_connector.models import SyncLogEntry
from tests import stored_words
from tests.journeys.river import River


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read in a language whose every sentence is the English one in capitals, names left as they are."""

    def shout(sentence: str) -> str:
        return "".join(part if part.startswith("%(") else part.upper() for part in re.split(r"(%\(\w\)s)", sentence))

    monkeypatch.setattr(module, "gettext", shout)
    module._translated.cache_clear()
    with translation.override("da"):
        yield
    module._translated.cache_clear()


def test_list_of_sentences_is_up_to_date() -> None:
    assert stored_words.TARGET.read_text(encoding="utf-8") == stored_words.render(), "python -m tests.stored_words"


def test_english_is_shown_as_it_is_stored() -> None:
    assert said("Covered by the next write of the same contact.") == "Covered by the next write of the same contact."


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Covered by the next write of the same contact.", "COVERED BY THE NEXT WRITE OF THE SAME CONTACT."),
        (
            "COMPANY was left out: “x” is no number. ROLE was left out: the phone number can't be understood.",
            "COMPANY WAS LEFT OUT: “x” IS NO NUMBER. ROLE WAS LEFT OUT: THE PHONE NUMBER CAN'T BE UNDERSTOOD.",
        ),
        ("Send event calendly_meeting_booked again", "SEND EVENT calendly_meeting_booked AGAIN"),
        ("Brevo refused the event. quota exceeded", "BREVO REFUSED THE EVENT. quota exceeded"),
        ("Whatever nobody knows", "Whatever nobody knows"),
        ("", ""),
    ],
)
def test_sentence_is_found_and_what_fills_it_kept(shouting: None, stored: str, shown: str) -> None:
    assert said(stored) == shown


def test_every_reason_that_a_story_leaves_is_known(shouting: None, river: River) -> None:
    river.map_field("event_type_name", "NOWHERE")
    river.map_lists("booked", join=[999])
    river.calendly.cancel(river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg"))
    river.flow()

    texts = [text for row in SyncLogEntry.objects.all() for text in (row.reason, row.summary) if text]

    assert cause.LISTS_REFUSED in SyncLogEntry.objects.values_list("cause", flat=True)
    assert [text for text in texts if said(text) == text] == []
