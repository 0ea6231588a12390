"""What staff should do about each cause (core.cause), as a table: what happened, how to mend it, and the button."""

from dataclasses import dataclass
from enum import StrEnum

from calendly_connector.core import cause
from calendly_connector.core.words import gettext_noop


class Action(StrEnum):
    """What mends it, beside replaying and leaving out, which are always offered."""

    CREATE = "create"  # the attribute, in Brevo; then replay
    MAPPING = "mapping"  # change the field mapping; then replay
    LISTS = "lists"  # read the lists again and change the grid; then replay
    REPLAY = "replay"  # nothing but trying again


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One cause in staff's words. `%(about)s` stands for what the cause is about."""

    title: str
    advice: str
    action: Action


REMEDIES = {
    cause.ATTRIBUTE_MISSING: Remedy(
        title=gettext_noop("The attribute %(about)s is missing in Brevo"),
        advice=gettext_noop(
            "The contacts were written without it. Create it here, or map the field to another attribute; "
            "a replay then writes what was left out."
        ),
        action=Action.CREATE,
    ),
    cause.ATTRIBUTE_COMPUTED: Remedy(
        title=gettext_noop("Brevo computes %(about)s itself"),
        advice=gettext_noop("A computed attribute can't be written. Map the field to another attribute, then replay."),
        action=Action.MAPPING,
    ),
    cause.UNFIT: Remedy(
        title=gettext_noop("Values don't fit into %(about)s"),
        advice=gettext_noop(
            "The attribute's type or its options don't take what people wrote. Choose another source or attribute, or "
            "add the missing options in Brevo; then replay."
        ),
        action=Action.MAPPING,
    ),
    cause.PHONE_UNREADABLE: Remedy(
        title=gettext_noop("Phone numbers for %(about)s can't be understood"),
        advice=gettext_noop(
            "They were left out; everything else was written. If the numbers lack a country code, choose the country "
            "on the connection's page, then replay. Nonsense may be left as it is."
        ),
        action=Action.REPLAY,
    ),
    cause.PHONE_INVALID: Remedy(
        title=gettext_noop("Brevo says that phone numbers for %(about)s are invalid"),
        advice=gettext_noop(
            "They were left out; everything else was written. Correct the number in Brevo, or leave it as it is."
        ),
        action=Action.REPLAY,
    ),
    cause.IDENTIFIER_TAKEN: Remedy(
        title=gettext_noop("The phone number for %(about)s belongs to another contact"),
        advice=gettext_noop(
            "Brevo allows a number once. It was left out; everything else was written. Perhaps one person has two "
            "e-mail addresses: merge them in Brevo, then replay, or leave it as it is."
        ),
        action=Action.REPLAY,
    ),
    cause.LISTS_REFUSED: Remedy(
        title=gettext_noop("Brevo refused a list"),
        advice=gettext_noop(
            "A list of the mapping may be gone. Read the lists again, choose one that is there in the mapping, then "
            "replay."
        ),
        action=Action.LISTS,
    ),
    cause.CONTACT_REFUSED: Remedy(
        title=gettext_noop("Brevo refused the contact"),
        advice=gettext_noop(
            "The reason is on each entry. Mend it, then replay: what waited behind the contact goes on with it."
        ),
        action=Action.REPLAY,
    ),
    cause.EVENT_REFUSED: Remedy(
        title=gettext_noop("Brevo refused the event"),
        advice=gettext_noop(
            "The reason is on each entry. Mend it, perhaps by another event name in the mapping, then replay."
        ),
        action=Action.REPLAY,
    ),
    cause.OPT_IN_REFUSED: Remedy(
        title=gettext_noop("Brevo refused to ask for consent"),
        advice=gettext_noop(
            "The double opt-in template must be active, tagged “optin”, and hold the link. Mend it in Brevo, then "
            "replay."
        ),
        action=Action.REPLAY,
    ),
    cause.OPT_IN_UNKNOWN: Remedy(
        title=gettext_noop("Whether people were asked for consent isn't known"),
        advice=gettext_noop(
            "The answer was lost, so the mail may have been sent. A replay with “send again” asks in any case; or "
            "leave it as it is."
        ),
        action=Action.REPLAY,
    ),
    cause.GIVEN_UP: Remedy(
        title=gettext_noop("Given up after many tries"),
        advice=gettext_noop("Brevo wasn't reached, or kept failing. When it answers again, try again."),
        action=Action.REPLAY,
    ),
}
"""Code → what to do about it."""

UNEXPLAINED = Remedy(
    title=gettext_noop("Failed for another reason"),
    advice=gettext_noop("The reason is on each entry. Mend it, then replay."),
    action=Action.REPLAY,
)


def remedy_for(code: str) -> Remedy:
    """Return what to do about a cause as the log keeps it."""
    return REMEDIES.get(cause.split(code)[0], UNEXPLAINED)
