"""What Brevo told of one person's contact, and what follows from it, for the person's page."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from calendly_connector.admin import parts
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.person_parts import Facts, Names, named
from calendly_connector.models import ContactMirror, Person


def facts_of(person: Person, names: Names) -> Facts:
    """Return what Brevo told, in pairs; nothing when it told nothing yet."""
    row: ContactMirror | None = getattr(person, "mirror", None)
    if row is None:
        return []
    facts: Facts = [(_("Opted out"), _opt_out(row))]
    if row.opted_out_at:
        facts.append((_("Told of last"), parts.moment(row.opted_out_at)))
    if row.unsubscribed_lists:
        facts.append((_("Lists left by mail"), ", ".join(named(number, names) for number in row.unsubscribed_lists)))
    if row.deleted_at:
        facts.append((_("Deleted"), _deleted(row)))
    if row.told_at:
        facts.append((_("Last heard"), parts.age(row.told_at)))
    return facts


def _opt_out(row: ContactMirror) -> SafeString:
    if not row.opt_out:
        return parts.badge(_("No"), Tone.GOOD)
    badge = parts.badge(row.get_opt_out_display(), Tone.WARN)
    if not row.person.connection.brevo_account.follows_opt_outs:
        return badge
    return format_html("{} {}", badge, _("Joins no list by our writes."))


def _deleted(row: ContactMirror) -> SafeString:
    words = _("It comes back with the next booking, or with “Sync again”.")
    return format_html("{} {} {}", parts.badge(_("Deleted in Brevo"), Tone.WARN), parts.moment(row.deleted_at), words)
