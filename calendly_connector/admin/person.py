"""People: everything we know of one e-mail address, on one page."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import parts, person_acts, person_parts, timeline, told_by_brevo
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.booking_parts import SECRETS
from calendly_connector.admin.booking_parts import TONES as BOOKING_TONES
from calendly_connector.admin.delivery import BY_PERSON
from calendly_connector.admin.filters import ToldByBrevoFilter, titled
from calendly_connector.admin.sync_log import badge_of
from calendly_connector.clients import errors
from calendly_connector.core.difference import Comparison
from calendly_connector.models import Booking, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import compare, push, queue, resync

MOST_AT_ONCE = 200  # people synced again by one press: more are a replay's business


@admin.register(Person)
class PersonAdmin(HistoryAdmin[Person]):
    """One row per person."""

    list_display = ("email", "full_name", "newest_booking", "bookings_count", "newest_step", "written")
    list_filter = (("pushed_at", titled(gettext_lazy("last written"))), ToldByBrevoFilter, "connection")
    address_fields = ("pk", "bookings__uri")
    search_fields = ("email", "bookings__name", "bookings__uri")
    search_help_text = gettext_lazy("E-mail, name, or invitee address")
    change_form_template = "admin/calendly_connector/person.html"
    actions = ("sync_again",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("address", "full_name", "connection_link", "written", "looked_at")}),
    )

    def get_urls(self) -> list[Any]:
        """Add what a person's page leads to."""
        return [*person_acts.urls(self.admin_site), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        """Find the newest booking and step, and count the bookings, along the way."""
        newest = Booking.objects.filter(person=OuterRef("pk")).order_by("-pk")
        steps = SyncLogEntry.objects.filter(person=OuterRef("pk")).order_by("-pk")
        counted = Booking.objects.filter(person=OuterRef("pk")).order_by().values("person")
        return (
            super()
            .get_queryset(request)
            .select_related("connection__brevo_account")
            .defer(*SECRETS, "connection__brevo_account__api_key")
            .annotate(
                found_name=Subquery(newest.values("name")[:1]),
                found_status=Subquery(newest.values("status")[:1]),
                found_step=Subquery(steps.values("pk")[:1]),
                found_state=Subquery(steps.values("state")[:1]),
                found_cause=Subquery(steps.values("cause")[:1]),
                found_count=Subquery(counted.annotate(count=Count("pk")).values("count")),
            )
        )

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, row: Any) -> str:
        """Return the name of the newest booking."""
        return row.found_name or "–"

    @admin.display(description=gettext_lazy("newest booking"))
    def newest_booking(self, row: Any) -> SafeString:
        """Return how the newest booking stands."""
        if not row.found_status:
            return parts.NOTHING
        status = Booking.Status(row.found_status)
        return parts.badge(status.label, BOOKING_TONES[status])

    @admin.display(description=gettext_lazy("bookings"))
    def bookings_count(self, row: Any) -> SafeString:
        """Return how many bookings there are, as a link to them."""
        return parts.link_to_list(Booking, row.found_count or 0, person__id__exact=row.pk)

    @admin.display(description=gettext_lazy("newest step"))
    def newest_step(self, row: Any) -> SafeString:
        """Return how the newest step stands, as a link to it."""
        if not row.found_state:
            return parts.NOTHING
        badge = badge_of(row.found_state, row.found_cause, is_paused=row.connection.brevo_account.is_paused)
        return parts.link(SyncLogEntry, row.found_step, badge)

    @admin.display(description=gettext_lazy("written to Brevo"), ordering="pushed_at")
    def written(self, row: Person) -> SafeString:
        """Return when the contact was written last."""
        return parts.age(row.pushed_at)

    @admin.display(description=gettext_lazy("e-mail"))
    def address(self, row: Person) -> str:
        """Return the e-mail address."""
        return row.email

    @admin.display(description=gettext_lazy("next change by time alone"))
    def looked_at(self, row: Person) -> SafeString:
        """Return when time alone next changes what Brevo should show."""
        return parts.moment(row.clock_at)

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: Person) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add both sides and the timeline; Brevo is asked only when staff pressed the button."""
        row = context["original"]
        found, trouble = _compared(row) if "compare" in request.GET else (None, "")
        context |= _sides(row, found) | _story(row, is_newest_first=request.GET.get("order") != "oldest")
        context |= {"trouble": trouble, **person_acts.ways(request, row)}
        return super().render_change_form(request, context, *args, **kw)

    def offers(self, row: Person) -> Sequence[str]:
        """Offer to write the contact again."""
        return ("sync_again",)

    @admin.action(description=gettext_lazy("Sync again"), permissions=["act"])
    def sync_again(self, request: HttpRequest, queryset: QuerySet[Person]) -> HttpResponseBase | None:
        """Write contacts again from the ledger as it is now."""
        people = list(queryset[: MOST_AT_ONCE + 1])
        if len(people) > MOST_AT_ONCE:
            words = _("Choose at most %(count)d people. Nothing was done.") % {"count": MOST_AT_ONCE}
            self.message_user(request, words, messages.ERROR)
            return None
        page = self.confirm(
            request,
            queryset,
            question=_("Sync again?"),
            consequence=_(
                "The contact is written to Brevo once more, from what we know of the bookings now. No event is sent. "
                "Lists that were joined or left before stay as they are in Brevo."
            ),
            button=_("Yes, sync again"),
        )
        if page:
            return _with_plan(page, people)
        for person in people:
            resync.sync_again(person, by=request.user.get_username(), makes_anew=len(people) == 1)
        self.message_user(request, _outcome(people))
        return None


def _compared(row: Person) -> tuple[Comparison | None, str]:
    """Return the comparison, or words why there is none."""
    try:
        return compare.compare(row), ""
    except queue.Later as later:
        wait = later.seconds if later.seconds and later.seconds < LONG else None
        again = _("Try again in %(seconds)d s.") % {"seconds": wait + 1} if wait else ""
        return None, " ".join(filter(None, (parts.said(str(later)), again)))
    except (errors.ApiError, SecretUnreadableError, ImproperlyConfigured) as trouble:
        return None, parts.said(str(trouble))


LONG = 3600  # seconds: nobody waits for that


def _sides(row: Person, found: Comparison | None) -> dict[str, Any]:
    """Return what the template shows of both systems."""
    side = person_parts.our_side(row)
    names = timeline.list_names(row.connection.brevo_account_id)
    rows = {each.uri: each for each in side.rows}
    current = rows.get(side.summary.current.uri) if side.summary else None
    shown: dict[str, Any] = {
        "ours": person_parts.facts_of(side, names),
        "told": told_by_brevo.facts_of(row, names),
        "bookings": person_parts.bookings_table(side),
        "consents": person_parts.consents_table(row.consents.all()[: person_parts.SHOWN], names),
        "links": person_parts.service_links(row, current, found),
        "comparison": found,
    }
    if found:
        shown |= {
            "theirs": person_parts.brevo_facts(found),
            "verdict": person_parts.verdict_badge(found),
            "attributes": person_parts.attributes_table(found),
            "lists": person_parts.lists_table(found, names),
            "other_lists": ", ".join(person_parts.named(number, names) for number in found.other_lists),
            "warnings": [parts.said(words) for words in found.warnings],
        }
    return shown


def _story(row: Person, *, is_newest_first: bool) -> dict[str, Any]:
    """Return the timeline and the ways out of it."""
    blocks = timeline.of_person(row, is_newest_first=is_newest_first)
    return {
        "blocks": blocks,
        "is_newest_first": is_newest_first,
        "is_cut": len(blocks) == timeline.NEWEST,
        "newest": timeline.NEWEST,
        "whole_log": parts.list_of(SyncLogEntry, person__id__exact=row.pk),
        "deliveries": parts.list_of(WebhookDelivery, q=f"{BY_PERSON}{row.pk}"),
    }


def _with_plan(page: TemplateResponse, people: Sequence[Person]) -> TemplateResponse:
    """Add what will be written, where one person was chosen."""
    if len(people) == 1 and page.context_data is not None:
        decision, _at = push.decide_now(people[0])
        names = timeline.list_names(people[0].connection.brevo_account_id)
        page.context_data["plan"] = person_parts.plan_table(decision, names) if decision else ""
        page.context_data["warnings"] = [parts.said(words) for words in decision.upsert.warnings] if decision else []
    page.template_name = "admin/calendly_connector/person_sync.html"
    return page


def _outcome(people: Sequence[Person]) -> str:
    """Return what becomes of a wish to sync again, and where to see it."""
    count = len(people)
    done = ngettext("%(count)d contact will be written again.", "%(count)d contacts will be written again.", count) % {
        "count": count
    }
    if any(person.connection.brevo_account.is_paused for person in people):
        return done + " " + _("Writing to Brevo is paused, so it waits until somebody resumes it.")
    return done + " " + _("How it went is shown in the timeline of the person's page, and in the sync log.")
