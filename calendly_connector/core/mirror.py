"""What Brevo told of one contact, added up so that the order of the news doesn't matter (pure).

News may come late, twice, in any order. So nothing here is "the state": for each thing that may be told the newest time
is kept, and the state is read off those times. Taking in the same news in any order ends in the same mirror.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calendly_connector.core.brevo_news import News, Word

UNSUBSCRIBED, BOUNCED, COMPLAINED, BLOCKED = "unsubscribed", "bounced", "complained", "blocked"
SUBSCRIBED, DELETED, SEEN, MADE = "subscribed", "deleted", "seen", "made"
"""What may be told: four opt-outs, their contrary, that the contact is gone, is there, and was made anew by us."""

LASTING = (COMPLAINED, BOUNCED)
"""Opt-outs that no news takes back: only the mail's own fate says more of the address."""

PASSING = (UNSUBSCRIBED, BLOCKED)
"""Opt-outs that end when Brevo tells later that the contact gets mail. A reason that is told beats one that isn't."""

OPT_OUTS = (UNSUBSCRIBED, BOUNCED, COMPLAINED, BLOCKED)

MEANING = {
    Word.UNSUBSCRIBED: UNSUBSCRIBED,
    Word.BOUNCED: BOUNCED,
    Word.COMPLAINED: COMPLAINED,
    Word.DELETED: DELETED,
    Word.UPDATED: SEEN,
}


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The newest time of everything that was told; times are seconds since 1970, by Brevo's clock."""

    told: Mapping[str, int] = field(default_factory=dict)
    lists: Mapping[int, int] = field(default_factory=dict)  # left by the person's own wish → when
    attributes: Mapping[str, tuple[int, Any]] = field(default_factory=dict)  # name → when, value

    @property
    def opt_out(self) -> str:
        """Return why the person gets no mail, "" when they do. Told in the same second, the opt-out counts."""
        lasting = [reason for reason in LASTING if reason in self.told]
        if lasting:
            return max(lasting, key=lambda reason: self.told[reason])
        ended_at = self.told.get(SUBSCRIBED, 0)
        return next((reason for reason in PASSING if self.told.get(reason, -1) >= ended_at), "")

    @property
    def opted_out_at(self) -> int | None:
        """Return when the opt-out was told last, None without one."""
        return self.told[self.opt_out] if self.opt_out else None

    @property
    def deleted_at(self) -> int | None:
        """Return when the contact was deleted, None while there is one as far as we know."""
        deleted_at = self.told.get(DELETED)
        if deleted_at is None:
            return None
        return None if max(self.told.get(SEEN, 0), self.told.get(MADE, 0)) > deleted_at else deleted_at

    @property
    def told_at(self) -> int | None:
        """Return the time of Brevo's newest news."""
        return max((at for name, at in self.told.items() if name != MADE), default=None)


def take(mirror: Mirror, news: News) -> Mirror:
    """Return the mirror with one more piece of news, older or newer than what it holds."""
    told = dict(mirror.told)
    _keep(told, MEANING[news.word], news.at)
    if news.is_blocked is not None:
        _keep(told, BLOCKED if news.is_blocked else SUBSCRIBED, news.at)
    lists = dict(mirror.lists)
    for number in news.lists:
        _keep(lists, number, news.at)
    attributes = dict(mirror.attributes)
    for name, value in news.attributes.items():
        attributes[name] = max(attributes.get(name, (news.at, value)), (news.at, value), key=_age)
    ended_at = told.get(DELETED, -1)  # what was told of a contact that is gone says nothing of the next one
    attributes = {name: found for name, found in attributes.items() if found[0] > ended_at}
    return Mirror(told=told, lists=lists, attributes=attributes)


def without_lists(mirror: Mirror, numbers: Iterable[int]) -> Mirror:
    """Return the mirror for somebody who is found on these lists: whatever they left, they are back."""
    gone = set(numbers)
    return replace(mirror, lists={number: at for number, at in mirror.lists.items() if number not in gone})


def made_anew(mirror: Mirror, *, at: int) -> Mirror:
    """Return the mirror after we made the contact again, which is always after it was deleted, whatever clocks say."""
    return replace(mirror, told={**mirror.told, MADE: max(at, mirror.told.get(DELETED, 0) + 1)})


def gone_still(mirror: Mirror) -> Mirror:
    """Return the mirror as if we hadn't made the contact again: ours lacks what went with the one before."""
    return replace(mirror, told={name: at for name, at in mirror.told.items() if name != MADE})


def _keep(times: dict[Any, int], name: Any, at: int) -> None:
    times[name] = max(times.get(name, at), at)


def _age(found: tuple[int, Any]) -> tuple[int, str]:
    """Return what decides between two values; of the same second, always the same one wins."""
    return found[0], json.dumps(found[1], sort_keys=True)
