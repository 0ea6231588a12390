"""A contact that Brevo refused, without what it was refused for: the rest is worth writing."""

from collections.abc import Callable
from dataclasses import replace

from calendly_connector.clients import brevo_refusals, errors
from calendly_connector.core import cause, decide
from calendly_connector.core.steps import UpsertContact

SPOKEN = {"SMS": "SMS (phone)"}


def lessened(
    upsert: UpsertContact, refused: errors.Refused, *, is_there: Callable[[int], bool]
) -> UpsertContact | None:
    """Return what may be written all the same: without a taken or invalid identifier, else clearing
    nothing, else without lists.

    Of several lists, those stay that `is_there`, unless all are. None when there is nothing to leave out: then the
    refusal is final.
    """
    taken = brevo_refusals.taken_identifiers(refused) & upsert.attributes.keys()
    if taken:
        return _without(upsert, taken, "it belongs to another contact", cause.IDENTIFIER_TAKEN)
    phones = decide.PHONE_ATTRIBUTES & upsert.attributes.keys()
    if phones and brevo_refusals.is_taken(refused):  # it names the e-mail, or nothing; the e-mail can't be left out
        return _without(upsert, phones, "it belongs to another contact", cause.IDENTIFIER_TAKEN)
    if brevo_refusals.is_phone_invalid(refused):
        why = "Brevo says that it is invalid"
        return _without(upsert, phones, why, cause.PHONE_INVALID) if phones else None
    if upsert.clears:  # that "" clears is practice, and not in the reference (brevo-api.md §2.3)
        names = ", ".join(sorted(upsert.clears))
        return replace(upsert, clears=frozenset(), warnings=(*upsert.warnings, f"{names} could not be cleared."))
    if not upsert.join_lists:
        return None
    several = upsert.join_lists if len(upsert.join_lists) > 1 else ()
    there = tuple(number for number in several if is_there(number))
    kept = there if len(there) < len(several) else ()
    gone = ", ".join(f"#{number}" for number in upsert.join_lists if number not in kept)
    warning = f"No list was joined: {refused} Are the lists of the mapping still there?"
    if kept:
        warning = f"These lists were not joined: {gone}. {refused} Are the lists of the mapping still there?"
    causes = (cause.LISTS_REFUSED, *upsert.causes)  # first: the log keeps the most urgent one
    return replace(upsert, join_lists=kept, warnings=(*upsert.warnings, warning), causes=causes)


def without_unseen(upsert: UpsertContact) -> UpsertContact:
    """Return what may be written of a contact whose attributes Brevo doesn't show: nothing that must be empty first."""
    names = frozenset(upsert.only_if_empty) & upsert.attributes.keys()
    kept = {name: value for name, value in upsert.attributes.items() if name not in names}
    warnings = [
        f"{SPOKEN.get(name, name)} was left out: Brevo doesn't show whether it is empty." for name in sorted(names)
    ]
    return replace(upsert, attributes=kept, warnings=(*upsert.warnings, *warnings))


def _without(upsert: UpsertContact, names: frozenset[str], why: str, code: str) -> UpsertContact:
    kept = {name: value for name, value in upsert.attributes.items() if name not in names}
    warnings = [f"{SPOKEN.get(name, name)} was left out: {why}." for name in sorted(names)]
    causes = [cause.of(code, name) for name in sorted(names)]
    return replace(upsert, attributes=kept, warnings=(*upsert.warnings, *warnings), causes=(*causes, *upsert.causes))
