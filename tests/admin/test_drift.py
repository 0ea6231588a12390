"""Staff see what differs, mend it, ignore it, and have everybody compared."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from calendly_connector.admin import drift_page, drift_words, parts
from calendly_connector.core.drift import RESPECTED, What
from calendly_connector.models import Connection, Drift, DriftRun, Job
from calendly_connector.services import drift_fix, drift_run, roles
from tests.admin import pressing
from tests.admin.people import client_of
from tests.admin.rows import make_drift
from tests.journeys.river import River
from tests.services.drifting import booked, compare

LIST = parts.list_of(Drift)
DELETED = {"where": "brevo", "what": "deleted", "name": "", "wanted": None, "found": None, "is_fixable": False}
CANCELED = {
    "where": "calendly", "what": "status", "name": "", "booking": "https://api.calendly.com/x", "wanted": "canceled",
    "found": "booked", "is_fixable": True,
}  # fmt: skip


def respected(connection: Connection, name: str = "zoe") -> Drift:
    return make_drift(connection, name, lines=[DELETED], kinds=["deleted"], is_fixable=False)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("<wbr>", "").split())


def act(client: Client, name: str, *rows: Drift, **values: str) -> str:
    """Choose an action of the list, say yes, and return what is said."""
    posted = {"action": name, "_selected_action": [str(row.pk) for row in rows], "confirmed": "yes", **values}
    answer = client.post(LIST, posted)
    said = "\n".join(str(message) for message in get_messages(answer.wsgi_request))
    client.cookies.pop("messages", None)
    return said


def test_the_list_tells_who_differs_in_what(staff: Client, connection: Connection) -> None:
    make_drift(connection)
    respected(connection)

    page = text_of(staff, LIST)

    assert "nadia@example.com" in page
    assert "Benali" in page
    assert "By hand" in page
    assert "Contact deleted in Brevo" in page
    assert "Respected" in page


def test_the_page_of_one_tells_every_line_and_what_becomes_of_it(staff: Client, connection: Connection) -> None:
    row = make_drift(connection, lines=[CANCELED, DELETED])

    page = text_of(staff, parts.page_of(Drift, row.pk))

    assert "Calendly and the bookings here" in page
    assert "A fix reads the booking from Calendly again." in page
    assert "Who was deleted in Brevo isn't written there again" in page.replace("&#x27;", "'")
    assert parts.page_of(type(row.person), row.person.pk) in page  # type: ignore[arg-type, union-attr]


def test_every_kind_has_words_and_an_outcome(staff: Client, connection: Connection) -> None:
    names = {What.LIST: "7", What.LIST_CHANGED: "7", What.UNSUBSCRIBED: "7"}
    values = {What.TIME: "2026-12-03T10:00:00+00:00/2026-12-03T10:30:00+00:00"}
    lines = [
        {"where": "brevo", "what": what.value, "name": names.get(what, ""), "wanted": values.get(what, "x"),
         "found": values.get(what, "y"), "is_fixable": what not in RESPECTED}
        for what in What
    ]  # fmt: skip
    row = make_drift(connection, lines=lines)

    page = text_of(staff, parts.page_of(Drift, row.pk)).replace("&#x27;", "'")

    assert drift_words.KINDS.keys() == drift_words.OUTCOMES.keys() == set(What)
    assert [str(words) for words in drift_words.OUTCOMES.values() if str(words) not in page] == []
    assert "and 9 more" in text_of(staff, LIST)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"kind": "deleted"}, 1),
        ({"kind": "attribute"}, 2),
        ({"kind": "nonsense"}, 3),
        ({"is_fixable__exact": "0"}, 1),
        ({"state__exact": "ignored"}, 1),
        ({"q": "zoe"}, 1),
    ],
)
def test_the_list_is_filtered(filters: dict[str, str], count: int, staff: Client, connection: Connection) -> None:
    make_drift(connection)
    make_drift(connection, "tom", state="ignored")
    respected(connection)

    page = staff.get(parts.list_of(Drift, **filters))

    assert page.context["cl"].result_count == count


def test_a_fix_asks_first_and_says_who_is_left(staff: Client, connection: Connection) -> None:
    rows = [make_drift(connection), respected(connection)]

    asked = text_of_answer(staff.post(LIST, {"action": "fix", "_selected_action": [row.pk for row in rows]}))
    said = act(staff, "fix", *rows)

    assert "1 person&#x27;s differences are mended" in asked
    assert "1 person is left alone" in asked
    assert said.startswith("1 person's differences are being fixed. 1 person is left alone")
    assert sorted(Drift.objects.values_list("state", "settled_by")) == [("fixing", "anna"), ("open", "")]
    assert Job.objects.get(kind=drift_fix.FIX).subject == connection.pk
    assert LogEntry.objects.filter(change_message__startswith="Fix: 1 person").count() == 2


def text_of_answer(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_what_is_ignored_may_be_opened_again(staff: Client, connection: Connection) -> None:
    row = make_drift(connection)

    said = [act(staff, "ignore", row), act(staff, "open_again", row)]

    assert said == [
        "1 person's differences are ignored until they change.",
        "1 person's differences are open again.",
    ]
    assert Drift.objects.get().state == "open"


def test_people_are_looked_at_again_but_not_too_many(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_drift(connection), make_drift(connection, "tom")]

    said = act(staff, "look_again", *rows)
    monkeypatch.setattr("calendly_connector.admin.drift.MOST_AT_ONCE", 1)
    refused = act(staff, "look_again", *rows)

    assert said == "2 people are compared with Brevo again."
    assert set(Job.objects.values_list("kind", "subject")) == {(drift_fix.LOOK, row.pk) for row in rows}
    assert "Nothing was done" in refused


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({}, ("fix", "ignore", "look_again")),
        ({"state": "ignored"}, ("fix", "open_again", "look_again")),
        ({"state": "fixing"}, ("look_again",)),
        ({"is_fixable": False}, ("ignore", "look_again")),
    ],
)
def test_a_row_offers_what_makes_sense(
    fields: dict[str, Any], offered: tuple[str, ...], staff: Client, connection: Connection
) -> None:
    row = make_drift(connection, **fields)

    page = staff.get(parts.page_of(Drift, row.pk))

    assert tuple(name for name, _label in page.context["row_actions"]) == offered


def test_fixing_all_asks_with_numbers_and_reasons(staff: Client, connection: Connection) -> None:
    make_drift(connection)
    make_drift(connection, "tom", state="ignored")
    respected(connection)
    address = reverse(f"admin:{drift_page.FIX_ALL}")

    asked = text_of_answer(staff.post(address, {"connection": connection.pk}))
    done = staff.post(address, {"connection": connection.pk, "confirmed": "yes"})

    for words in ("1 person&#x27;s differences are mended", "1 person is left alone", "Contact deleted in Brevo: 1",
                  "1 person&#x27;s differences are ignored"):  # fmt: skip
        assert words in asked
    assert (done.status_code, done.headers["Location"]) == (302, LIST)
    assert dict(Drift.objects.values_list("email", "state")) == {
        "nadia@example.com": "fixing", "tom@example.com": "ignored", "zoe@example.com": "open",
    }  # fmt: skip
    assert LogEntry.objects.filter(change_message__contains="are being fixed").exists()


def test_where_nothing_can_be_fixed_nothing_is_asked(staff: Client, connection: Connection) -> None:
    respected(connection)

    answer = staff.post(reverse(f"admin:{drift_page.FIX_ALL}"), {"connection": connection.pk})

    (said,) = map(str, get_messages(answer.wsgi_request))
    assert said.startswith("Nothing of “Main” can be fixed. 1 person is left alone")
    assert answer.status_code == 302


def test_everybody_is_compared_by_one_press_here_and_on_the_connections_page(
    staff: Client, connection: Connection
) -> None:
    answer = staff.post(reverse(f"admin:{drift_page.COMPARE}"), {"connection": connection.pk})
    said = pressing.press(staff, connection, "compare")

    assert answer.status_code == 302
    assert "is being compared" in said
    run = DriftRun.objects.get()
    assert (run.asked_by, Job.objects.get(kind=drift_run.RUN).subject) == ("anna", run.pk)
    assert LogEntry.objects.filter(change_message__contains="is being compared").count() == 2


LISTING = {"stage": "listing", "offset": 1000, "total": 4000, "people": 12}
PAUSED = {"stage": "asking", "words": "Writing to Brevo is paused, and so is asking it."}
COUNTS = {"different": {"attribute": 2}, "respected": {"deleted": 1}}
FINISHED = {"stage": "finished", "words": "3 people were compared.", "counts": COUNTS}
ENDED = {"stage": "asking", "words": "It failed many times, and was ended."}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (LISTING, ["Reading all contacts", 'max="4000" value="1000"', "12 people compared so far."]),
        (PAUSED, ["is paused", "<progress"]),
        (FINISHED, ["Compared", "3 people were", "Value of an attribute: 2", "Contact deleted in Brevo: 1"]),
        (ENDED, ["Ended early", "It failed many times"]),
    ],
    ids=["listing", "paused", "finished", "ended"],
)
def test_the_last_comparison_is_shown(
    fields: dict[str, object], words: list[str], staff: Client, connection: Connection, request: pytest.FixtureRequest
) -> None:
    is_over = request.node.callspec.id in ("finished", "ended")
    now = make_drift(connection).found_at
    DriftRun.objects.create(connection=connection, asked_at=now, finished_at=now if is_over else None, **fields)

    page = text_of(staff, LIST)

    assert [each for each in words if each not in page] == []


def test_who_may_only_look_is_offered_no_button_and_sees_no_address(connection: Connection) -> None:
    make_drift(connection)
    viewer = client_of(roles.VIEWER)

    page = text_of(viewer, LIST)
    answers = [
        viewer.post(reverse(f"admin:{name}"), {"connection": connection.pk})
        for name in (drift_page.COMPARE, drift_page.FIX_ALL)
    ]

    assert "Compare now" not in page
    assert "nadia@example.com" not in page
    assert [answer.status_code for answer in answers] == [403, 403]
    assert not DriftRun.objects.exists()


def test_buttons_take_posts_only_and_know_the_connections(staff: Client, connection: Connection) -> None:
    address = reverse(f"admin:{drift_page.COMPARE}")

    assert staff.get(address).status_code == 405
    assert [staff.post(address, {"connection": text}).status_code for text in ("", "x", "9" * 30, "0")] == [404] * 4


def test_the_overview_says_what_could_be_fixed(
    staff: Client, connection: Connection, log_in: Callable[..., Client]
) -> None:
    make_drift(connection)
    respected(connection)

    mine = text_of(staff, reverse("admin:index"))
    others = text_of(log_in("view_connection"), reverse("admin:index"))

    sentence = "Of 1 person, the bookings and Brevo differ, and that can be fixed."
    assert sentence in mine
    assert sentence not in others


def test_a_comparison_of_the_sandbox_ends_in_words(staff: Client, river: River) -> None:
    booked(river)
    compare(river)

    assert "1 people were compared, 1 of them without a difference." in text_of(staff, LIST)
