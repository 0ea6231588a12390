"""Brevo's webhooks as news: by word and address, in Brevo's time, and tolerant of what isn't as documented.

Bodies after brevo-api.md §7.1; that of `contact_updated` is its live sample.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from calendly_connector.core import brevo_news
from calendly_connector.core.brevo_news import Ignored, News, Unreadable, Word
from calendly_connector.core.errors import MalformedNews

RECEIVED_AT = datetime.fromtimestamp(1_795_339_300, UTC)
TS = 1_795_339_230
UPDATED = {
    "id": 31,
    "email": "ada@example.com",
    "event": "contact_updated",
    "key": "xxxxxxx",
    "content": [{"email": "ada@example.com", "attributes": {"FIRSTNAME": "Ada"}, "emailBlacklist": False}],
    "date": "2026-11-22 10:20:30",
    "ts": TS,
}
UNSUBSCRIBED = {
    "id": 31,
    "email": "ada@example.com",
    "event": "unsubscribe",
    "list_id": [8, 12],
    "camp_id": 1,
    "date_event": "2026-11-22 10:20:30",
    "ts_sent": TS - 500,
    "ts_event": TS - 60,
    "ts": TS,
}


def read(body: Any) -> list[News | Ignored | Unreadable]:
    return brevo_news.read(body, received_at=RECEIVED_AT)


def only(body: Any) -> News:
    (found,) = read(body)
    assert isinstance(found, News)
    return found


def test_unsubscribing_names_the_lists_and_counts_from_the_click() -> None:
    news = only(UNSUBSCRIBED)

    assert news == News(word=Word.UNSUBSCRIBED, email="ada@example.com", at=TS - 60, lists=(8, 12))


def test_a_changed_contact_brings_attributes_and_whether_it_is_blocked() -> None:
    news = only(UPDATED)

    assert news == News(
        word=Word.UPDATED, email="ada@example.com", at=TS, attributes={"FIRSTNAME": "Ada"}, is_blocked=False
    )


@pytest.mark.parametrize("word", ["hard_bounce", "spam", "contact_deleted"])
def test_other_words_bring_the_address_and_the_time_alone(word: str) -> None:
    news = only({"event": word, "email": " Ada@Example.COM ", "ts": TS, "list_id": [3], "id": 9})

    assert news == News(word=Word(word), email="ada@example.com", at=TS)


def test_a_mails_own_time_counts_only_where_a_mail_is_told_of() -> None:
    assert only({**UPDATED, "ts_event": TS - 60}).at == TS
    assert only({**UNSUBSCRIBED, "ts_event": None}).at == TS


@pytest.mark.parametrize("given", [TS, float(TS), str(TS), f" {TS} "])
def test_a_time_is_read_in_any_form(given: object) -> None:
    assert only({**UPDATED, "ts": given}).at == TS


def test_no_news_is_from_after_its_receipt() -> None:
    assert only({**UPDATED, "ts": TS + 10**6}).at == int(RECEIVED_AT.timestamp())


TIMELESS = [None, "yesterday", -1, 0, float("nan"), True, [TS], 10**18]


@pytest.mark.parametrize(
    "change",
    [
        *({"ts": given} for given in TIMELESS),
        {"email": ""}, {"email": None}, {"email": "nobody"}, {"email": ["ada@example.com"]},
        {"email": "a" * 320 + "@example.com"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["contact_updated", "contact_deleted"])
def test_what_lacks_an_address_or_a_time_is_told_so(change: dict[str, object], word: str) -> None:
    (found,) = read({"event": word, "email": "ada@example.com", "ts": TS, **change})

    assert isinstance(found, Unreadable)
    assert "Brevo's news has no" in found.problem


@pytest.mark.parametrize("word", ["unsubscribe", "hard_bounce", "spam"])
@pytest.mark.parametrize("given", TIMELESS)
def test_an_opt_out_without_a_time_counts_from_its_receipt(word: str, given: object) -> None:
    news = only({"event": word, "email": "ada@example.com", "ts": given, "ts_event": given})

    assert (news.word, news.at) == (Word(word), int(RECEIVED_AT.timestamp()))


@pytest.mark.parametrize("word", [*brevo_news.OTHER_WORDS, "dance", "", None, 7, ["unsubscribe"]])
def test_words_that_need_nothing_done_are_passed_over_with_a_reason(word: object) -> None:
    (found,) = read({**UPDATED, "event": word})

    assert isinstance(found, Ignored)
    assert found.reason


def test_a_batch_is_read_one_by_one_and_its_bad_ones_spoil_nothing() -> None:
    found = read([UNSUBSCRIBED, "nonsense", {**UPDATED, "event": "list_addition"}, UPDATED, None])

    assert [type(each) for each in found] == [News, Unreadable, Ignored, News, Unreadable]


@pytest.mark.parametrize("body", [None, 7, "text", True])
def test_what_is_neither_an_object_nor_a_batch_is_malformed(body: object) -> None:
    with pytest.raises(MalformedNews, match="neither"):
        read(body)


@pytest.mark.parametrize("content", [None, [], {}, "text", [7], [[]], [{}]])
def test_a_change_without_readable_content_still_tells_that_the_contact_is_there(content: object) -> None:
    assert only({**UPDATED, "content": content}) == News(word=Word.UPDATED, email="ada@example.com", at=TS)


def test_content_that_is_one_object_is_as_good_as_a_list_of_one() -> None:
    assert only({**UPDATED, "content": UPDATED["content"][0]}) == only(UPDATED)  # type: ignore[index]


def test_each_row_of_content_is_about_its_own_address() -> None:
    content = [{"email": "Bob@example.com", "attributes": {"A": 1}}, {"attributes": {"B": 2}}]

    found = read({**UPDATED, "content": content})

    assert [(each.email, each.attributes) for each in found if isinstance(each, News)] == [
        ("bob@example.com", {"A": 1}),
        ("ada@example.com", {"B": 2}),
    ]


@pytest.mark.parametrize(
    ("given", "is_blocked"),
    [
        (True, True), (1, True), ("true", True), ("1", True), (False, False), (0, False), ("False", False),
        (None, None), ("maybe", None), (2, None), ([], None), ({}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["emailBlacklist", "emailBlacklisted"])
def test_the_blocklist_is_read_only_from_what_is_plainly_yes_or_no(
    key: str, given: object, is_blocked: bool | None
) -> None:
    assert only({**UPDATED, "content": [{key: given}]}).is_blocked is is_blocked


def test_attributes_keep_what_an_attribute_may_hold_and_what_every_database_stores() -> None:
    given = {
        "name": "A\x00da",
        "half": "\ud83d",
        "number": 1.5,
        "yes": True,
        "several": ["a", 1, None, ["x"]],
        "nothing": None,
        "thing": {"a": 1},
        "endless": float("inf"),
        "": "no name",
    }

    news = only({**UPDATED, "content": [{"attributes": given}]})

    assert news.attributes == {"NAME": "Ada", "HALF": "?", "NUMBER": 1.5, "YES": True, "SEVERAL": ["a", 1]}


@pytest.mark.parametrize(
    ("given", "lists"), [([8, "9", 8.0], (8, 9, 8)), (8, (8,)), (None, ()), (["x", -1, 0, True, 10**20], ())]
)
def test_lists_are_read_from_numbers_alone(given: object, lists: tuple[int, ...]) -> None:
    assert only({**UNSUBSCRIBED, "list_id": given}).lists == lists
