"""What marking and canceling came to, in staff's words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.models import Booking
from calendly_connector.services.marking import Outcome, Said

SAID: Mapping[Said, Promise] = {
    Said.MARKED: _("%(who)s is marked as a no-show in Calendly. Brevo follows now."),
    Said.UNDONE: _("The mark of %(who)s was taken back in Calendly. Brevo follows now."),
    Said.ATTENDED: _("%(who)s counts as having attended. Brevo follows now."),
    Said.CANCELED: _("The meeting was canceled in Calendly. Brevo follows now."),
    Said.ALREADY: _("It was so already: the status of %(who)s is “%(status)s”."),
    Said.OTHERWISE: _("Nothing was done, for Calendly has it otherwise: the status of %(who)s is “%(status)s”."),
    Said.UNDERWAY: _("Calendly has taken it. It shows here and in Brevo within a minute or two."),
    Said.NOT_MARKED: _("%(who)s isn't marked as a no-show, so there is no mark to take back."),
    Said.NAMELESS: _("Calendly doesn't say which mark it is. Please take it back in Calendly; it follows here."),
    Said.IS_NO_SHOW: _("%(who)s is marked as a no-show. Take the mark back first."),
    Said.NOT_BEGUN: _("The meeting hasn't begun yet. Nobody can be marked before."),
    Said.NOT_OVER: _("The meeting isn't over yet. Nobody counts as having attended before its end."),
    Said.TOO_LATE: _("The meeting has begun, and Calendly cancels no past meetings. Mark who came instead."),
    Said.LACKS_SCOPE: _(
        "The Calendly token lacks the scope %(why)s. Connect again and grant it, or make a token that has it."
    ),
    Said.NOT_ALLOWED: _(
        "Calendly lets the user of this connection do that only with meetings of their own. Do it in Calendly as its "
        "host, or connect an owner or admin of the organization. (%(why)s)"
    ),
    Said.REFUSED: _("Calendly refused, and nothing was done. (%(why)s)"),
    Said.NOT_SENT: _("Nothing was done, for Calendly can't be asked just now. Please try again. (%(why)s)"),
    Said.LOST: _("Calendly didn't answer, and nothing was done: we looked. Please try again."),
    Said.UNKNOWN: _(
        "Calendly didn't answer, and can't be asked what became of it. We look again in a minute, and do nothing twice."
    ),
}


NOTED: Mapping[Said, Promise] = {
    Said.MARKED: _("Marked as a no-show in Calendly."),
    Said.UNDONE: _("Took the no-show mark back in Calendly."),
    Said.ATTENDED: _("Said that the person attended."),
    Said.CANCELED: _("Canceled the meeting in Calendly."),
    Said.UNDERWAY: _("Wrote to Calendly, and could not read back what came of it yet."),
    Said.UNKNOWN: _("Wrote to Calendly, and got no answer."),
}
"""For the audit, which outlives the person: nobody is named. What changed nothing isn't noted."""


def words_of(outcome: Outcome, booking: Booking) -> str:
    """Return an outcome as a sentence."""
    values = {
        "who": booking.name or booking.person.email,
        "status": booking.get_status_display(),
        "why": parts.said(outcome.why),
    }
    return str(SAID[outcome.said]) % values
