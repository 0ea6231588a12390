"""What commands say of readings, line by line."""

from collections.abc import Iterator
from typing import Any

from calendly_connector.services.foresight import Foresight


def foresight_lines(found: Foresight) -> Iterator[str]:
    """Yield what a reading would look at, and what a sample of it would change."""
    yield f"Meetings in this stretch: {found.meetings}. To be read: {found.to_read}{_time(found.minutes)}."
    yield from (f"  {count} × {name}" for name, count in found.types.items())
    yield from (f"  {count} left out: {reason}" for reason, count in found.skipped.items())
    if not found.sampled:
        return
    yield (
        f"A sample of {found.sampled} meetings: {found.new} new bookings, {found.changed} changed, "
        f"{found.unchanged} known as they are" + (f", {found.unreadable} can't be read." if found.unreadable else ".")
    )
    for each in found.examples:
        change = f"{each.before} → {each.after}" if each.before else f"new, {each.after}"
        yield f"  {each.email}, {each.meeting}, {each.start_at}: {change}"


def _time(minutes: float) -> str:
    if minutes < 1:
        return ""
    return f", about {minutes:.0f} minutes by Calendly's limit (ten times as long on a free plan)"


def report_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield what came of a reading (`backfill.report`)."""
    yield (
        f"{told['connection']}: {told['meetings']} meetings seen, {told['meetings_read']} read, "
        f"{told['invitees']} bookings: {told['new']} new, {told['changed']} changed, {told['unchanged']} known already."
    )
    yield from (f"  left out: {count} × {reason}" for reason, count in told["skipped"].items())
    if told["held_back"]:
        yield f"  automation events held back: {told['held_back']}"
    for each in told.get("events_held_back", ()):
        yield f"    {each['trigger']}: {each['booking']}"
    brevo = told["brevo"]
    yield f"  Brevo: {brevo['written']} contacts written, {brevo['waiting']} people wait."
    if brevo["waiting"]:
        yield f"  {brevo['paused'] or 'A worker goes on writing them; nothing is lost.'}"
    yield from (f"  refused by Brevo: {count} × {cause}" for cause, count in brevo["refused"].items())


def drift_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield the differences that a comparison found (`drift_report.report`)."""
    compared = told["comparison"]
    if compared is None:
        yield f"{told['connection']}: nobody was compared yet. Press “Compare now” under Differences in the admin."
        return
    yield f"{told['connection']}: {compared['words'] or 'The comparison is under way.'}"
    for each in told["people"]:
        standing = each["state"] if each["is_fixable"] else f"{each['state']}, respected"
        yield f"  {each['email']} ({standing}): {', '.join(each['kinds'])}"
    if told["is_cut"]:
        yield "  … and more: the admin has them all."
