"""What staff are told of consent that nobody is asked for."""

from django.utils.translation import gettext as _

from calendly_connector.services.unasked import Unasked


def not_asked(found: Unasked) -> str:
    """Return what isn't asked, and what follows."""
    if found.event_type:
        words = _("“%(name)s” doesn't ask “%(question)s”, so nobody gives the consent that its lists need.")
    else:
        words = _("No event type asks “%(question)s”, so nobody gives the consent that “every other type” needs.")
    return words % {"name": found.name, "question": found.question}


def perhaps(found: Unasked) -> str:
    """Return what the question may be called now, "" when none is like it."""
    if not found.replacement:
        return ""
    return _("Perhaps it is called “%(question)s” now.") % {"question": found.replacement}
