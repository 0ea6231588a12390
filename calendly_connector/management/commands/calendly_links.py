"""Makes single-use links for campaigns.

`calendly_links --event-type … (--email … [--name …] | --brevo-list …) [--attribute BOOKING_LINK] [--refill]
[--utm-source …] [--utm-medium …] [--utm-campaign …] [--connection …] [--dry-run] [--yes] [--json]`
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.management import options as shared
from calendly_connector.management.foreground import LINKS, Foreground
from calendly_connector.management.progress import Progress
from calendly_connector.models import Connection
from calendly_connector.services import backfill, links, links_look, links_one, queue
from calendly_connector.services.links import Wish

INTERRUPTED = 130
GO_ON = "Stopped. What was made is kept: the same command goes on where it was."
ATTRIBUTE = "BOOKING_LINK"
UTM = ("utm_source", "utm_medium", "utm_campaign")


class Command(BaseCommand):
    """Counts, shows how long it takes, makes, writes, and reports. May be stopped and run again."""

    help = (
        "Make a single-use link for one person, or for everybody on a Brevo list, and write each to an attribute of "
        "its contact. Goes on where it was after Ctrl-C or a crash; nobody ever has two links that can be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--event-type", required=True, metavar="NAME or URI", help="what is booked with the links")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--email", default="", help="make one link now, and print it")
        whom.add_argument("--brevo-list", default="", metavar="NUMBER or NAME", help="one link for each contact")
        parser.add_argument("--name", default="", help="with --email: the person's name")
        parser.add_argument(
            "--attribute",
            default="",
            metavar="NAME",
            help=f"where they are written; for a list {ATTRIBUTE} by default",
        )
        for name in UTM:
            parser.add_argument(f"--{name.replace('_', '-')}", default="", help="comes back with the booking")
        parser.add_argument("--refill", action="store_true", help="also for those whose link is used or expired")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--yes", action="store_true", help="ask nothing: begin, and make the attribute if need be")
        parser.add_argument("--json", action="store_true", help="report as JSON; needs --yes or --dry-run")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        if options["json"] and not (options["yes"] or options["dry_run"] or options["email"]):
            raise CommandError("--json asks nothing: add --yes, or --dry-run.", returncode=2)
        try:
            event_type = _event_type(connection, options["event_type"])
            if options["email"]:
                self._make_one(connection, event_type, options)
            else:
                self._make_all(connection, event_type, options)
        except (ApiError, links_look.Unfit, links.OtherUnderWay, queue.Later) as error:
            raise CommandError(str(error)) from error

    def _make_one(self, connection: Connection, event_type: str, options: dict[str, Any]) -> None:
        email, attribute = options["email"].strip().lower(), options["attribute"].upper()
        wish = Wish(event_type=event_type, attribute=attribute, tracking=_tracking(options))
        if "@" not in email:
            raise CommandError("--email: that is no e-mail address.", returncode=2)
        if options["dry_run"]:
            kind, per_minute = links_look.bookable(connection, event_type)
            self.stdout.write(f"One link for “{kind.name}”: one of {per_minute} calls a minute.")
            return
        if attribute and links_look.need_attribute(connection, attribute):
            self._make_attribute(connection, attribute, is_asked=not options["yes"])
        link = links_one.make_one(connection, event_type, email=email, name=options["name"])
        address = links_one.address_of(link, tracking=wish.tracking)
        told = {"email": email, "link": address, "expires_at": link.expires_at.isoformat() if link.expires_at else ""}
        self.stdout.write(json.dumps(told) if options["json"] else address)
        if attribute:
            self._work(links.start_for(link, wish, by="calendly_links"), options, is_told=not options["json"])

    def _make_all(self, connection: Connection, event_type: str, options: dict[str, Any]) -> None:
        chosen = links_look.find_list(connection.brevo_account, options["brevo_list"])
        wish = Wish(
            event_type=event_type,
            attribute=(options["attribute"] or ATTRIBUTE).upper(),
            list_number=chosen.number,
            tracking=_tracking(options),
            is_refill=options["refill"],
        )
        begun, fallback = links.open_run(connection), ""
        if begun is None or options["dry_run"]:
            found = links_look.look(connection, wish)
            fallback = found.scheduling_url
            if options["dry_run"] or not options["json"]:
                self._say_beforehand(found, as_json=options["json"])
            if options["dry_run"]:
                return
            if found.is_attribute_missing:
                self._make_attribute(connection, wish.attribute, is_asked=not options["yes"])
            elif not options["yes"]:
                _confirm(f"Make {found.calls} links, and replace what {wish.attribute} holds?")
        self._work(links.start(connection, wish, by="calendly_links", fallback=fallback), options, is_told=True)

    def _say_beforehand(self, found: links_look.Look, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(found.to_json()) if as_json else "\n".join(look_lines(found)))

    def _make_attribute(self, connection: Connection, name: str, *, is_asked: bool) -> None:
        if is_asked:
            _confirm(f"Brevo has no attribute {name}. Make it there (type text), and go on?")
        links_look.make_attribute(connection, name)

    def _work(self, row: Any, options: dict[str, Any], *, is_told: bool) -> None:
        work = Foreground(row, LINKS, Progress(is_quiet=options["json"]))
        try:
            work.run()
        except KeyboardInterrupt:
            raise CommandError(GO_ON, returncode=INTERRUPTED) from None
        why_stopped, told = work.why_stopped, links.report(work.row)
        if is_told:
            self.stdout.write(json.dumps(told) if options["json"] else "\n".join(report_lines(told)))
        if why_stopped:
            raise CommandError(f"{why_stopped} The same command goes on where it was.")


def look_lines(found: links_look.Look) -> Iterator[str]:
    """Yield what a run would do, line by line."""
    yield f"Contacts on the list: {found.contacts}. Links to make for “{found.event_type}”: {found.to_make}."
    if found.to_write_again:
        yield f"  {found.to_write_again} have a link that {found.attribute} lacks: it is written again."
    yield from (f"  {count} {reason}" for reason, count in found.left_out.items())
    yield (
        f"Calls to Calendly: {found.calls}, of which {found.per_minute} a minute are allowed: "
        f"about {max(1, found.minutes)} minutes, and a few more for Brevo's import."
    )
    if found.is_attribute_missing:
        yield f"Brevo has no attribute {found.attribute} yet: it would be made, of the type text."


def report_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield what came of a run (`links.report`)."""
    yield f"{told['connection']}: {told['made']} links made, {told['written']} written to {told['attribute']}."
    yield from (f"  {count} {reason}" for reason, count in told["left_out"].items())
    if told["snippet"]:
        yield f"For an HTML block of Brevo's e-mail editor:\n{told['snippet']}"


def _event_type(connection: Connection, text: str) -> str:
    try:
        found = backfill.find_event_types(connection, [text])
    except backfill.UnknownEventType as error:
        raise CommandError(str(error), returncode=2) from error
    if len(found) > 1:
        raise CommandError(f"Several event types are called {text!r}: name one by its URI.", returncode=2)
    return found[0]


def _tracking(options: dict[str, Any]) -> dict[str, str]:
    return {name: options[name].strip() for name in UTM if options[name].strip()}


def _confirm(question: str) -> None:
    """Ask on the terminal; raise CommandError without a yes, or without anybody to ask."""
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Add --yes to say so.", returncode=2)
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")
