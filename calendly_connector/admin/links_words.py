"""What pages say of single-use links: who gets one and who doesn't, how long it takes, and the button to paste."""

from collections.abc import Mapping

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.models import LinkRun, SchedulingLink
from calendly_connector.services import links, links_list, links_write
from calendly_connector.services.links_look import Look

REASONS = {
    links_list.OPTED_OUT: gettext_lazy("Unsubscribed or blocked in Brevo"),
    links_list.NO_EMAIL: gettext_lazy("Without an e-mail address"),
    links_list.HAS_ONE: gettext_lazy("Have a link that can still be used"),
    links_list.HAD_ONE: gettext_lazy("Had a link that is used or expired: a refill makes another"),
    links_list.ERASED: gettext_lazy("Were erased on request"),
    links_write.DELETED: gettext_lazy("Were deleted in Brevo meanwhile"),
}
"""Why somebody got no link, as it is kept → in staff's words."""

State = SchedulingLink.State
USES = (State.LIVE, State.USED, State.EXPIRED, State.REPLACED, State.WANTED)


def reason(kept: str) -> str:
    """Return a reason in staff's words."""
    if kept.startswith(f"{links_write.REFUSED}: "):
        return _("Refused by Brevo: %(cause)s") % {"cause": kept.split(": ", 1)[1]}
    return str(REASONS.get(kept, kept))


def left_out(found: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return why how many got no link, as rows of a table."""
    return [(reason(kept), str(count)) for kept, count in found.items()]


def look_lines(found: Look) -> list[str]:
    """Return what a run would do, sentence by sentence."""
    lines = [
        ngettext("The list has %(count)s contact.", "The list has %(count)s contacts.", found.contacts)
        % {"count": found.contacts},
        ngettext("%(count)s link would be made.", "%(count)s links would be made.", found.calls)
        % {"count": found.calls},
    ]
    if found.is_estimate:
        lines.append(_("The list is long: only its beginning was looked at, and the rest is estimated from it."))
    if found.to_write_again:
        words = ngettext(
            "%(count)s contact has a link already, which would be written to the attribute.",
            "%(count)s contacts have a link already, which would be written to the attribute.",
            found.to_write_again,
        )
        lines.append(words % {"count": found.to_write_again})
    minutes = max(1, found.minutes)
    words = ngettext(
        "Calendly allows %(calls)s calls a minute: that takes about %(count)s minute, then Brevo imports.",
        "Calendly allows %(calls)s calls a minute: that takes about %(count)s minutes, then Brevo imports.",
        minutes,
    )
    lines.append(words % {"calls": found.per_minute, "count": minutes})
    if found.is_attribute_missing:
        lines.append(_("Brevo has no attribute %(name)s yet: it is made there, of the type text.") % _named(found))
    else:
        lines.append(_("What the attribute %(name)s holds is replaced for these contacts.") % _named(found))
    return lines


def uses(row: LinkRun) -> list[tuple[str, str]]:
    """Return what became of a run's links, as rows of a table: state and count, how many can be used first."""
    found = SchedulingLink.objects.filter(run=row).order_by().values_list("state").annotate(Count("pk"))
    counts = dict(found)
    return [(str(state.label), str(counts[state])) for state in USES if state in counts]


def _named(found: Look) -> dict[str, str]:
    return {"name": found.attribute}


def snippet(row: LinkRun) -> str:
    """Return the button to paste into Brevo's e-mail editor."""
    return links.snippet(row, text=_("Book a time"))


def tracking_words(tracking: Mapping[str, str]) -> str:
    """Return the UTM parameters of a run in one line."""
    return ", ".join(f"{name}={value}" for name, value in tracking.items())
