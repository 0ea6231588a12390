"""The sync log: what was written to Brevo, or why not, and the way back."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import asking, choosing, parts, repair_acts, replay
from calendly_connector.admin import repair as repair_page
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import HappeningFilter, HeldFilter, titled
from calendly_connector.admin.parts import Tone
from calendly_connector.models import BrevoAccount, SyncLogEntry, TriggerMapping
from calendly_connector.services import journal, repair, retry

State = SyncLogEntry.State
TONES = {
    State.WAITING: Tone.WAIT,
    State.SENDING: Tone.WAIT,
    State.DONE: Tone.GOOD,
    State.MERGED: Tone.GOOD,
    State.SKIPPED: Tone.QUIET,
    State.UNKNOWN: Tone.WARN,
    State.FAILED: Tone.BAD,
}
LABELS = {
    "name": _("Event name"),
    "at": _("Happened at"),
    "lists": _("Lists"),
    "leave": _("Lists to leave"),
    "warnings": _("Warnings"),
}
"""What a request holds beside attributes and properties; the rest is our own bookkeeping."""

NEWEST = 50  # rows of the log on another row's page


def badge_of(state: str, cause: str, *, is_paused: bool = False) -> SafeString:
    """Return how a step stands. Done with a cause to mend isn't all green; a pause of the account says why it waits."""
    if state == State.DONE and cause:
        return parts.badge(gettext("Done, with a warning"), Tone.WARN)
    if state == State.WAITING and is_paused:
        return parts.badge(gettext("Waiting, because writing is paused"), Tone.WAIT)
    return parts.badge(State(state).label, TONES[State(state)])


@admin.register(SyncLogEntry)
class SyncLogAdmin(HistoryAdmin[SyncLogEntry]):
    """One row per step."""

    tones = TONES
    list_display = ("when", "state_badge", "step", "person_link", "booking_link")
    list_display_links = None
    change_list_template = "admin/calendly_connector/repair/change_list.html"
    list_select_related = ("person", "booking")
    list_filter = ("state", "kind", HappeningFilter, HeldFilter, ("created_at", titled(_("wanted"))), "connection")
    address_fields = ("person", "booking__uri")
    search_fields = ("person__email", "booking__name", "booking__uri", "summary", "reason")
    search_help_text = _("E-mail, name, invitee address, what was done, or the reason")
    actions = ("retry", "replay", "skip")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("standing", "words", "why", "kind", "trigger")}),
        (_("For whom"), {"fields": ("person_link", "booking_link", "delivery_link", "connection_link")}),
        (_("What is, or was, sent to Brevo"), {"fields": ("request_table",), "classes": ("cc-whole",)}),
        (_("When"), {"fields": ("created", "sent", "settled", "attempts")}),
    )

    def get_urls(self) -> list[Any]:
        """Add the repair page and its buttons."""
        wrap = self.admin_site.admin_view
        return [
            path("repair/", wrap(repair_page.show), name=repair_page.NAME),
            path("repair/<slug:name>/", wrap(repair_acts.act), name=repair_page.ACT),
            *super().get_urls(),
        ]

    @admin.display(description=_("age"), ordering="created_at")
    def when(self, row: SyncLogEntry) -> SafeString:
        """Return how old the entry is."""
        return parts.age(row.created_at)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, row: SyncLogEntry) -> SafeString:
        """Return how it stands, from the row alone."""
        return badge_of(row.state, row.cause)

    @admin.display(description=_("state"))
    def standing(self, row: SyncLogEntry) -> SafeString:
        """Return how it stands, and whether it waits for its account."""
        return badge_of(row.state, row.cause, is_paused=row.connection.brevo_account.is_paused)

    @admin.display(description=_("step"), ordering="summary")
    def step(self, row: SyncLogEntry) -> SafeString:
        """Return what is to be done, or was, and why not."""
        return parts.with_reason(parts.page_of(SyncLogEntry, row.pk), row.summary, row.reason)

    @admin.display(description=_("summary"))
    def words(self, row: SyncLogEntry) -> str:
        """Return what is to be done, or was."""
        return parts.said(row.summary)

    @admin.display(description=_("reason"))
    def why(self, row: SyncLogEntry) -> str:
        """Return why it came to that."""
        return parts.said(row.reason) or "–"

    @admin.display(description=_("trigger"))
    def trigger(self, row: SyncLogEntry) -> SafeString:
        """Return what an event tells of, and which replay asked for the step."""
        name, again = row.happening.split(":")[0], replay.link_of(row.happening)
        known = dict(TriggerMapping.Trigger.choices).get(name, "" if again else row.happening)
        return format_html("{} {}", known, again) if known or again else parts.NOTHING

    @admin.display(description=_("person"), ordering="person__email")
    def person_link(self, row: SyncLogEntry) -> SafeString:
        """Return a link to whom it concerns."""
        return parts.link_to(row.person, parts.email(row.person.email))

    @admin.display(description=_("booking"), ordering="booking__start_at")
    def booking_link(self, row: SyncLogEntry) -> SafeString:
        """Return a link to the booking that called for it."""
        return parts.link_to(row.booking, row.booking.meeting_name) if row.booking else parts.NOTHING

    @admin.display(description=_("webhook delivery"))
    def delivery_link(self, row: SyncLogEntry) -> SafeString:
        """Return a link to the delivery that brought the news."""
        return parts.link_to(row.delivery)

    @admin.display(description=_("connection"))
    def connection_link(self, row: SyncLogEntry) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=_("request"))
    def request_table(self, row: SyncLogEntry) -> SafeString:
        """Return what was sent, one line for each value."""
        account, rows = row.connection.brevo_account, list[tuple[str, str]]()
        for name, value in row.request.items():
            if name in ("attributes", "properties"):
                rows += parts.pairs(value)
            elif name in LABELS and value:
                is_lists = name in ("lists", "leave")
                rows += parts.pairs({str(LABELS[name]): list_names(account, value) if is_lists else value})
        empty = gettext("It is decided just before writing, from all of the person's bookings.")
        told = [(name, parts.told(value)) for name, value in rows]
        return parts.table((gettext("Name"), gettext("Value")), told, empty=empty)

    @admin.display(description=_("wanted"))
    def created(self, row: SyncLogEntry) -> SafeString:
        """Return when it was decided."""
        return parts.moment(row.created_at)

    @admin.display(description=_("sent"))
    def sent(self, row: SyncLogEntry) -> SafeString:
        """Return when its call was made."""
        return parts.moment(row.sent_at)

    @admin.display(description=_("settled"))
    def settled(self, row: SyncLogEntry) -> SafeString:
        """Return when its outcome was known."""
        return parts.moment(row.settled_at)

    def offers(self, row: SyncLogEntry) -> Sequence[str]:
        """Offer another try for what failed, and to do anything that is settled once more."""
        again = ("retry",) if row.state == State.FAILED else ()
        left_out = ("skip",) if row.state == State.FAILED or row.cause else ()
        return (*again, *(("replay",) if row.state not in journal.OPEN else ()), *left_out)

    @admin.action(description=_("Replay…"), permissions=["act"])
    def replay(self, request: HttpRequest, queryset: QuerySet[SyncLogEntry]) -> HttpResponseBase:
        """Plan to do entries once more; the plan's page starts it."""
        try:
            return HttpResponseRedirect(replay.plan_address(choosing.chosen_by(request, queryset)))
        except ValueError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=_("Leave out…"), permissions=["act"])
    def skip(self, request: HttpRequest, queryset: QuerySet[SyncLogEntry]) -> HttpResponseBase | None:
        """Leave failed entries out for good, with a reason."""
        why = asking.reason_in(request)
        if not why:
            return asking.ask(
                request,
                title=gettext("Leave these entries out?"),
                lines=[repair_acts.skip_words(repair.worth_mending(queryset).count())],
                button=gettext("Yes, leave them out"),
                back=parts.list_of(SyncLogEntry),
                hidden=asking.carried(request),
                reason_label=gettext("Why?"),
            )
        count = repair.skip(queryset, by=request.user.get_username(), why=why)
        self.message_user(request, repair_acts.skipped_words(count, why))
        return None

    @admin.action(description=_("Try again"), permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[SyncLogEntry]) -> HttpResponseBase | None:
        """Let failed steps wait again; they are sent at once."""
        page = self.confirm(
            request,
            queryset,
            question=gettext("Try again?"),
            consequence=gettext(
                "What failed is sent to Brevo again, in order and person by person. "
                "Entries that didn't fail are left alone."
            ),
            button=gettext("Yes, try again"),
        )
        if page:
            return page
        done = retry.retry_entries(queryset)
        people = ngettext("%(count)d person", "%(count)d people", done.people) % {"count": done.people}
        self.message_user(
            request,
            gettext("%(entries)s of %(people)s will be tried again.")
            % {
                "entries": ngettext("%(count)d entry", "%(count)d entries", done.entries) % {"count": done.entries},
                "people": people,
            },
        )
        return None


def list_names(account: BrevoAccount, numbers: Iterable[int]) -> list[str]:
    """Return lists as staff know them: number and name."""
    names = dict(account.lists.values_list("number", "name"))
    return [f"#{number} {names.get(number, '')}".strip() for number in numbers]


def log_table(entries: QuerySet[SyncLogEntry]) -> SafeString:
    """Return the newest entries as a table for another row's page."""
    rows = [
        (
            parts.age(entry.created_at),
            badge_of(entry.state, entry.cause),
            parts.link_to(entry, parts.said(entry.summary)),
            parts.said(entry.reason),
        )
        for entry in entries.order_by("-pk")[:NEWEST]
    ]
    return parts.table(
        (gettext("Age"), gettext("State"), gettext("Step"), gettext("Reason")),
        rows,
        empty=gettext("Nothing has been written to Brevo for this."),
    )
