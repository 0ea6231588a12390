"""What staff should mend, as a code that equal failures share: the sync log is grouped by it.

A code is a word, and after a colon what it is about (an attribute's name). `remedy` says what to do about each.
"""

ATTRIBUTE_MISSING = "attribute_missing"
ATTRIBUTE_COMPUTED = "attribute_computed"
UNFIT = "unfit"
PHONE_UNREADABLE = "phone_unreadable"
PHONE_INVALID = "phone_invalid"
IDENTIFIER_TAKEN = "identifier_taken"
LISTS_REFUSED = "lists_refused"
CONTACT_REFUSED = "contact_refused"
EVENT_REFUSED = "event_refused"
OPT_IN_REFUSED = "opt_in_refused"
OPT_IN_UNKNOWN = "opt_in_unknown"
GIVEN_UP = "given_up"

CODES = (
    *(ATTRIBUTE_MISSING, ATTRIBUTE_COMPUTED, UNFIT, PHONE_UNREADABLE, PHONE_INVALID, IDENTIFIER_TAKEN),
    *(LISTS_REFUSED, CONTACT_REFUSED, EVENT_REFUSED, OPT_IN_REFUSED, OPT_IN_UNKNOWN, GIVEN_UP),
)

LIMIT = 120
"""Characters that the log keeps of a code."""


def of(code: str, about: str = "") -> str:
    """Return a code with what it is about."""
    return f"{code}:{about}"[:LIMIT] if about else code


def split(cause: str) -> tuple[str, str]:
    """Return a code and what it is about."""
    code, _, about = cause.partition(":")
    return code, about


def label_of(code: str) -> str:
    """Return a code as the label of a metric: there are few of them, whatever is in the log."""
    return code if code in CODES else "other" if code else "none"
