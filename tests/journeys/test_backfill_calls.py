"""What a history of many people costs at Brevo: one import for each set of lists, one look, and what imports need."""

from collections import Counter

import pytest

from calendly_connector.models import Person
from calendly_connector.services import bulk
from tests.journeys.history import backfill, make_up
from tests.journeys.river import River
from tests.services.booking import type_named

INVITEES = 260  # of more than a hundred people


def test_all_imports_of_a_history_are_looked_at_by_one_call(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "LONG_POLLS", (3.0, 60.0))  # real waiting
    river.brevo.settings.import_seconds = 1.0
    for name in ("Demo", "Discovery call"):
        river.map_lists("booked", event_type=type_named(river.calendly, name), join=[river.brevo.add_list(name)])
    make_up(river.calendly, INVITEES)

    assert backfill().status == 0

    calls = Counter(f"{call.method} {call.template}" for call in river.sandbox.world.journal.calls("brevo"))
    assert calls.pop("POST /contacts/import") == 4  # both lists, one, the other, none
    assert calls == {
        "GET /processes": 1,
        "GET /contacts/folders": 1,
        "POST /contacts/lists": 1,
        "POST /contacts/lists/{list_id}/contacts/remove": 1,
    }
    assert len(river.brevo.contacts()) == Person.objects.count() > bulk.MANY_OF_HISTORY
