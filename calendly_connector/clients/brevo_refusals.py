"""What a refusal of Brevo's means: its codes change, so metadata and words decide (brevo-api.md §2.4)."""

from calendly_connector.clients import errors


def taken_identifiers(error: errors.Refused) -> frozenset[str]:
    """Return the identifying attributes (SMS, WHATSAPP, …) that belong to another contact already.

    The `code` changed in 2026, so the metadata decide, else the words (brevo-api.md §2.4).
    """
    metadata = error.body.get("metadata")
    names = metadata.get("duplicate_identifiers") if isinstance(metadata, dict) else None
    if isinstance(names, list):
        return frozenset(str(name).upper() for name in names)
    message = str(error.body.get("message", ""))
    return frozenset({"SMS"}) if "already associated" in message and "sms" in message.casefold() else frozenset()


def is_taken(error: errors.Refused) -> bool:
    """Return whether a contact was refused because something of it belongs to another, whatever Brevo calls that."""
    message = str(error.body.get("message", "")).casefold()
    return bool(taken_identifiers(error)) or "already exist" in message or error.code == "duplicate_parameter"


def is_phone_invalid(error: errors.Refused) -> bool:
    """Return whether a contact was refused because of its phone's form."""
    return "invalid phone" in str(error.body.get("message", "")).casefold()


def is_existing_attribute(error: errors.Refused) -> bool:
    """Return whether an attribute could not be created because it is there already."""
    return "must be unique" in str(error.body.get("message", ""))
