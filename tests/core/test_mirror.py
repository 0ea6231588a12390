"""A mirror is what was told, whatever order it was told in: late, twice, and newer before older."""

import itertools
import random
from typing import Any

import pytest

from calendly_connector.core import mirror
from calendly_connector.core.brevo_news import News, Word
from calendly_connector.core.mirror import Mirror


def news(word: str, at: int, **facts: Any) -> News:
    return News(word=Word(word), email="ada@example.com", at=at, **facts)


def unsubscribed(at: int, *lists: int) -> News:
    return news("unsubscribe", at, lists=lists)


def changed(at: int, *, is_blocked: bool | None = None, **attributes: object) -> News:
    return news("contact_updated", at, is_blocked=is_blocked, attributes=attributes)


def bounced(at: int) -> News:
    return news("hard_bounce", at)


def complained(at: int) -> News:
    return news("spam", at)


def deleted(at: int) -> News:
    return news("contact_deleted", at)


def told(*story: News) -> Mirror:
    found = Mirror()
    for each in story:
        found = mirror.take(found, each)
    return found


STORIES = {
    "unsubscribed and back": [
        changed(10, is_blocked=False, CITY="Aarhus"),
        unsubscribed(20, 3),
        changed(30, is_blocked=True, CITY="Vejle"),
        changed(40, is_blocked=False),
        unsubscribed(50, 4),
        changed(60, is_blocked=True),
    ],
    "a lasting opt-out": [
        unsubscribed(10, 3), bounced(20), changed(30, is_blocked=True), changed(40, is_blocked=False), complained(50),
        changed(60, is_blocked=False),
    ],
    "deleted and made by somebody else": [
        changed(10, CITY="Aarhus", SIZE=1),
        unsubscribed(20, 3),
        deleted(30),
        changed(40, is_blocked=False, CITY="Vejle"),
        deleted(50),
        changed(45, SIZE=2),
    ],
    "all in one second": [
        changed(10, is_blocked=False, CITY="Aarhus"), changed(10, is_blocked=True, CITY="Vejle"), unsubscribed(10, 3),
        deleted(10), bounced(10), complained(10),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_every_order_ends_in_the_same_mirror(story: str) -> None:
    expected = told(*STORIES[story])

    for order in itertools.permutations(STORIES[story]):
        assert told(*order) == expected


@pytest.mark.parametrize("story", STORIES)
def test_what_comes_twice_or_more_changes_nothing(story: str) -> None:
    expected, dice = told(*STORIES[story]), random.Random(7)

    for _ in range(200):
        repeated = STORIES[story] * 3
        dice.shuffle(repeated)
        assert told(*repeated) == expected


def test_after_every_beginning_the_mirror_is_that_of_the_news_so_far() -> None:
    dice = random.Random(11)
    everything = [each for story in STORIES.values() for each in story]

    for _ in range(300):
        dice.shuffle(everything)
        beginning = everything[: dice.randrange(1, len(everything))]
        assert told(*beginning) == told(*sorted(beginning, key=repr))


@pytest.mark.parametrize(
    ("story", "opt_out", "at"),
    [
        ([], "", None),
        ([unsubscribed(10)], "unsubscribed", 10),
        ([changed(10, is_blocked=True)], "blocked", 10),
        ([unsubscribed(10), changed(20, is_blocked=True)], "unsubscribed", 10),
        ([changed(10, is_blocked=True), unsubscribed(20)], "unsubscribed", 20),
        ([unsubscribed(10), changed(20, is_blocked=False)], "", None),
        ([unsubscribed(20), changed(10, is_blocked=False)], "unsubscribed", 20),
        ([unsubscribed(10), changed(10, is_blocked=False)], "unsubscribed", 10),
        ([unsubscribed(10), changed(20, is_blocked=False), changed(30, is_blocked=True)], "blocked", 30),
        ([unsubscribed(10), changed(20)], "unsubscribed", 10),
        ([bounced(10), changed(20, is_blocked=False)], "bounced", 10),
        ([complained(10), changed(20, is_blocked=False), unsubscribed(30)], "complained", 10),
        ([bounced(10), complained(20)], "complained", 20),
        ([complained(10), bounced(20)], "bounced", 20),
        ([unsubscribed(10), deleted(20)], "unsubscribed", 10),
    ],
)
def test_the_newest_news_says_whether_and_why_somebody_gets_no_mail(
    story: list[News], opt_out: str, at: int | None
) -> None:
    found = told(*story)

    assert (found.opt_out, found.opted_out_at) == (opt_out, at)


def test_lists_that_were_left_stay_left() -> None:
    found = told(unsubscribed(10, 3, 4), changed(20, is_blocked=False), unsubscribed(30, 4), deleted(40))

    assert found.lists == {3: 10, 4: 30}


@pytest.mark.parametrize(
    ("story", "at"),
    [
        ([deleted(10)], 10),
        ([deleted(10), unsubscribed(20)], 10),
        ([deleted(10), changed(20)], None),
        ([deleted(10), changed(10)], 10),
        ([changed(20), deleted(10)], None),
        ([deleted(10), changed(20), deleted(30)], 30),
    ],
)
def test_a_deleted_contact_is_there_again_once_brevo_tells_of_it(story: list[News], at: int | None) -> None:
    assert told(*story).deleted_at == at


@pytest.mark.parametrize("at", [5, 10, 11, 900])
def test_a_contact_that_we_made_anew_is_there_whatever_our_clock_says(at: int) -> None:
    made = mirror.made_anew(told(deleted(10)), at=at)

    assert made.deleted_at is None
    assert mirror.take(made, deleted(10)).deleted_at is None
    assert mirror.take(made, deleted(1000)).deleted_at == 1000
    assert mirror.gone_still(made).deleted_at == 10
    assert made.told_at == 10  # Brevo's own last word


def test_attributes_are_the_newest_and_of_the_present_contact() -> None:
    found = told(changed(10, CITY="Aarhus", SIZE=1), changed(20, CITY="Vejle"))

    assert {name: value for name, (_at, value) in found.attributes.items()} == {"CITY": "Vejle", "SIZE": 1}
    assert told(changed(10, CITY="Aarhus"), deleted(15)).attributes == {}


def test_every_word_means_something() -> None:
    assert mirror.MEANING.keys() == set(Word)
