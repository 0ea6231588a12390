"""Nothing that was done in Brevo is undone by the next write: what an opt-out and a deletion forbid (pure).

The one place that knows; single writes and imports ask it alike, through `decide.decide_contact`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from calendly_connector.core import lists
from calendly_connector.core.lists import Wish

NAMED_LISTS = 10  # in a note

SPOKEN = {
    "unsubscribed": "the person unsubscribed in Brevo",
    "bounced": "mail to the person bounced",
    "complained": "the person reported a mail as spam",
    "blocked": "the person is blocked in Brevo",
}
LEFT = "the person left it by a mail's link"
DELETED = (
    "This contact was deleted in Brevo on {day}. It comes back when the person books again, or with “Sync again” on "
    "their page."
)
RECORDED = "The opt-out was recorded once more: deleting the contact in Brevo had taken it along."
MADE_ANEW = "The contact had been deleted in Brevo on {day} and was made anew."


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What Brevo told of a person's contact, as far as it binds us."""

    opt_out: str = ""  # why they get no mail (core.mirror); "": they do
    left_lists: frozenset[int] = frozenset()
    deleted_at: datetime | None = None
    follows_opt_outs: bool = True  # False: opt-outs are shown, and lists joined as if there were none

    @property
    def records_opt_out(self) -> bool:
        """Return whether the next write must tell Brevo of an opt-out that went with the contact."""
        return self.deleted_at is not None and bool(self.opt_out)


def why_left_alone(standing: Standing, *, booked_at: datetime | None, is_asked: bool = False) -> str:
    """Return why nothing of a person is written, in staff's words; "" when it may be.

    `booked_at` is when they last booked (None: never), `is_asked` that staff want this very contact back. Brevo tells
    whole seconds: what was booked in the second of the deletion was there before it.
    """
    gone_at = standing.deleted_at
    if gone_at is None or is_asked or (booked_at and booked_at.replace(microsecond=0) > gone_at):
        return ""
    return DELETED.format(day=f"{gone_at:%Y-%m-%d}")


def why_not_joined(number: int, standing: Standing) -> str:
    """Return why a person doesn't join a list by our write, "" when they may."""
    if not standing.follows_opt_outs:
        return ""
    if standing.opt_out:
        return SPOKEN.get(standing.opt_out, SPOKEN["blocked"])
    return LEFT if number in standing.left_lists else ""


def withheld(wishes: Mapping[int, Wish], *, applied: lists.ListOperations, standing: Standing) -> dict[int, str]:
    """Return the lists that would be joined now and aren't, with the reason.

    Asking by mail is allowed: there, it is the person who clicks.
    """
    new = [number for number, wish in wishes.items() if wish.what == lists.JOIN and applied.get(number) != lists.JOIN]
    return {number: why for number in sorted(new) if (why := why_not_joined(number, standing))}


def notes_of(standing: Standing, held_back: Mapping[int, str]) -> tuple[str, ...]:
    """Return what is to be noted on a write: lists that aren't joined, and a contact that is made anew."""
    found: list[str] = []
    for why in dict.fromkeys(held_back.values()):
        numbers = [number for number, reason in held_back.items() if reason == why]
        found.append(f"Not joined: lists {_named(numbers)}, because {why}.")
    if standing.deleted_at:
        found.append(MADE_ANEW.format(day=f"{standing.deleted_at:%Y-%m-%d}"))
    if standing.records_opt_out:
        found.append(RECORDED)
    return tuple(found)


def _named(numbers: list[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers[:NAMED_LISTS])
