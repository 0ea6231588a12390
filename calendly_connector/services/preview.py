"""What would go to Brevo for a booking, call by call, and why. Nothing is written anywhere; Brevo is read at most."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from calendly_connector.clients import brevo_bodies
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.rehearsal import PlannedCall, Rehearsal
from calendly_connector.core import explain
from calendly_connector.core.decide import PHONE_ATTRIBUTES, ContactDecision
from calendly_connector.core.explain import AttributeFate, AttributeLine, EventLine, ListLine
from calendly_connector.core.steps import AskConsent, LeaveLists, Skip, TrackEvent, UpsertContact
from calendly_connector.models import BrevoAccount, Connection, SyncLogEntry
from calendly_connector.services import brevo_now, catalogue, journal, opt_in, preview_events
from calendly_connector.services.brevo_now import Before
from calendly_connector.services.preview_subject import Subject

Kind = SyncLogEntry.Kind
NO_CONTACT = "The contact was deleted in Brevo."


@dataclass(frozen=True, kw_only=True)
class Act:
    """One call to Brevo: made by a client, or written down by a rehearsing one. `bucket` is its rate limit's."""

    bucket: str
    make: Callable[[BrevoClient], None]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would be sent, what Brevo has before, and the rule behind each line."""

    subject: Subject
    before: Before
    acts: tuple[Act, ...]
    attributes: list[AttributeLine]
    lists: list[ListLine]
    events: list[EventLine]
    notes: list[str]

    @property
    def calls(self) -> list[PlannedCall]:
        """Return the calls as they would go out, in their order."""
        client = Rehearsal()
        for act in self.acts:
            act.make(client)
        return client.calls


def preview(subject: Subject) -> Preview:
    """Return what would be sent for a subject now."""
    account = subject.connection.brevo_account
    before = brevo_now.look_up(account, subject.email)
    subject = with_live_attributes(subject, account)
    waiting = journal.open_steps(subject.person) if subject.person else []
    events = preview_events.events_of(subject, waiting)
    is_written = not subject.is_ignored or any(step.kind == Kind.CONTACT for step in waiting)
    decision = subject.decide() if is_written else None
    if decision and decision.left_alone:
        return explained(subject, None, before, acts=(), events=_unsent(events), notes=[decision.left_alone])
    asks, unasked = asks_of(decision, waiting, before, email=subject.email)
    acts = acts_of(decision, before, earlier=_waiting_leaves(waiting, subject.email), asks=asks, events=events)
    return explained(subject, decision, before, acts=acts, events=events, notes=unasked)


def _unsent(events: Iterable[EventLine]) -> list[EventLine]:
    """Return events as they are told of somebody to whom nothing is written."""
    return [
        replace(line, decision=Skip(what=f"No event {line.decision.name}", reason=NO_CONTACT))
        if isinstance(line.decision, TrackEvent)
        else line
        for line in events
    ]


def explained(
    subject: Subject,
    decision: ContactDecision | None,
    before: Before,
    *,
    acts: tuple[Act, ...],
    events: list[EventLine],
    notes: Iterable[str],
) -> Preview:
    """Return a preview with the rule behind each line. Without a decision the contact is left alone."""
    summary, rules, attributes, found = subject.summary, subject.rules, [], []
    if summary and decision:
        attributes = explain.attributes_of(summary, rules=rules, before=before.attributes)
        found = explain.lists_of(subject.counted, rules=rules, applied=subject.applied, standing=subject.standing)
    return Preview(
        subject=subject,
        before=before,
        acts=acts,
        attributes=attributes,
        lists=found,
        events=events,
        notes=[*notes, *_notes(subject, attributes)],
    )


def with_live_attributes(subject: Subject, account: BrevoAccount) -> Subject:
    """Return the subject with Brevo's attributes read afresh in the cases in which a write would read them."""
    decision = subject.decide()
    warnings = decision.upsert.warnings if decision else ()
    is_missing = any("has no attribute" in words for words in warnings)
    if account.attributes_read_at and not (is_missing and catalogue.is_stale(account)):
        return subject
    found = brevo_now.read_attributes(account)
    return subject if found is None else replace(subject, rules=replace(subject.rules, attributes=found))


def acts_of(
    decision: ContactDecision | None,
    before: Before,
    *,
    earlier: Iterable[LeaveLists] = (),
    asks: Iterable[AskConsent],
    events: Iterable[EventLine],
) -> tuple[Act, ...]:
    """Return the calls in the writer's order: the contact, lists to leave (`earlier` first), mails that ask, events."""
    contact = [_upsert(explain.without_filled(decision.upsert, before.attributes or {}))] if decision else []
    leaves = [*earlier, *([decision.leave] if decision and decision.leave else [])]
    sent = [line.decision for line in events if isinstance(line.decision, TrackEvent)]
    return (*contact, *map(_leave, leaves), *map(_ask, asks), *map(_event, sent))


def _upsert(upsert: UpsertContact) -> Act:
    return Act(
        bucket="contacts",
        make=lambda client: client.upsert_contact(
            upsert.email,
            attributes=upsert.attributes,
            lists=upsert.join_lists,
            records_opt_out=upsert.records_opt_out,
        ),
    )


def _leave(leave: LeaveLists) -> Act:
    return Act(bucket="contacts", make=lambda client: client.leave_lists(leave.email, lists=leave.lists))


def _ask(ask: AskConsent) -> Act:
    return Act(
        bucket="contacts",
        make=lambda client: client.ask_double_opt_in(
            ask.email, lists=ask.lists, template=ask.template, redirect_url=ask.redirect_url
        ),
    )


def _event(step: TrackEvent) -> Act:
    body = brevo_bodies.event_body(step.name, email=step.email, at=step.at, properties=step.properties)
    return Act(bucket="events", make=lambda client: client.create_event(body))


def asks_of(
    decision: ContactDecision | None, waiting: Iterable[SyncLogEntry], before: Before, *, email: str
) -> tuple[list[AskConsent], list[str]]:
    """Return the mails that ask for consent, and why others aren't sent: nobody who opted out, or joined, is asked."""
    asks = [_waiting_ask(step, email) for step in waiting if step.kind == Kind.OPT_IN]
    asks += decision.asks if decision else ()
    if asks and before.is_blocked:
        return [], [opt_in.OPTED_OUT]
    open_asks = [replace(ask, lists=tuple(n for n in ask.lists if n not in before.lists)) for ask in asks]
    found = [ask for ask in open_asks if ask.lists]
    already = [_("The contact is on the list already, so no mail asks.")] if len(found) < len(asks) else []
    return found, already


def _waiting_leaves(waiting: Iterable[SyncLogEntry], email: str) -> list[LeaveLists]:
    steps = [step for step in waiting if step.kind == Kind.LEAVE_LISTS]
    return [LeaveLists(email=email, lists=tuple(step.request["lists"])) for step in steps]


def _waiting_ask(step: SyncLogEntry, email: str) -> AskConsent:
    request = step.request
    return AskConsent(
        email=email,
        lists=tuple(request["lists"]),
        template=request["template"],
        redirect_url=request["redirect_url"],
    )


def _notes(subject: Subject, attributes: Iterable[AttributeLine]) -> list[str]:
    """Return what else staff should know."""
    found = []
    if subject.is_ignored:
        found.append(_("This event type is set to “ignore” in the mapping, so this booking changes nothing."))
    if any(line.fate is AttributeFate.WRITTEN and line.rule.attribute in PHONE_ATTRIBUTES for line in attributes):
        found.append(
            _("If the phone number belongs to another contact of Brevo's, it is left out and the rest is written.")
        )
    if subject.connection.guest_policy == Connection.GuestPolicy.CONTACT and subject.entry.booking.meeting.guests:
        found.append(_("The guests become contacts of their own, in no list. Their calls aren't shown here."))
    return found
