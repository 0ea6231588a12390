"""One person, by e-mail address.

`calendly_person show EMAIL`, `sync EMAIL`, `update EMAIL NAME=VALUE…`, `export EMAIL [--output FILE]`,
`erase EMAIL [--brevo] [--calendly] [--yes]`; `--connection` narrows the first three, `--dry-run` where it writes,
`--json` where it reports.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.management import options as shared
from calendly_connector.models import Connection
from calendly_connector.services import erase, holding, people, people_export, people_sync, people_update
from calendly_connector.services.erase import Report
from calendly_connector.services.people_sync import Synced

ASKER = "calendly_person"
STDOUT = "-"


class Command(BaseCommand):
    """Shows, reads again, writes, exports or erases a person. Whoever may run it may see people's addresses."""

    help = "Show, sync, update, export or erase one person by e-mail address."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|sync|update|export|erase")
        show = verbs.add_parser("show", help="everything we know, and what Brevo shows")
        sync = verbs.add_parser("sync", help="read their bookings again from Calendly, and write the contact")
        update = verbs.add_parser("update", help="write attributes to the contact in Brevo")
        export = verbs.add_parser("export", help="everything that is held about them, as one JSON file")
        erasing = verbs.add_parser("erase", help="delete everything about them, in every connection, for good")
        for each in (show, sync, update, export, erasing):
            each.add_argument("email", metavar="EMAIL")
        update.add_argument("values", nargs="+", metavar="NAME=VALUE", help="an attribute of Brevo and its value")
        export.add_argument("--output", default=STDOUT, metavar="FILE", help="where to; without it, standard output")
        erasing.add_argument("--brevo", action="store_true", help="delete the contact in Brevo too, with its opt-out")
        erasing.add_argument("--calendly", action="store_true", help="ask Calendly to delete their data (Enterprise)")
        erasing.add_argument("--yes", action="store_true", help="don't ask")
        for each in (show, sync, update):
            shared.add_connection(each, default="every connection")
        for each in (sync, update, erasing):
            each.add_argument("--dry-run", action="store_true", help="say what would be done")
        for each in (show, sync, update, erasing):
            each.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except (people.UnknownPerson, people_update.Unfit, erase.NotErased, holding.Busy) as error:
            raise CommandError(str(error)) from error

    def _show(self, options: dict[str, Any]) -> None:
        found = people.find(options["email"], connection=_connection(options))
        shown = [people.describe(person, asks_brevo=True) for person in found]
        if options["json"]:
            self._write_json(shown)
            return
        for each in shown:
            for line in _lines(each):
                self.stdout.write(line)

    def _sync(self, options: dict[str, Any]) -> None:
        is_dry_run = options["dry_run"]
        done = people_sync.sync_person(
            options["email"], connection=_connection(options), by=ASKER, is_dry_run=is_dry_run
        )
        if options["json"]:
            self._write_json([each.to_json() for each in done])
        else:
            for each in done:
                self.stdout.write(_synced(each, is_dry_run=is_dry_run))
        if problems := [f"{each.connection}: {each.words}" for each in done if each.words]:
            raise CommandError(" ".join(problems))

    def _update(self, options: dict[str, Any]) -> None:
        found = people.find(options["email"], connection=_connection(options))
        is_dry_run = options["dry_run"]
        values = people_update.update(found, _given(options["values"]), by=ASKER, is_dry_run=is_dry_run)
        if options["json"]:
            queued = [] if is_dry_run else [person.pk for person in found]
            self._write_json({"attributes": values, "queued": queued})
            return
        for name, value in values.items():
            self.stdout.write(f"{name}: {value}")
        where = ", ".join(f"“{person.connection}”" for person in found)
        done = "Nothing was written: a dry run." if is_dry_run else f"The workers write it now, for {where}."
        self.stdout.write(self.style.SUCCESS(done))

    def _export(self, options: dict[str, Any]) -> None:
        text = people_export.as_text(people_export.export(options["email"]))
        if options["output"] == STDOUT:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} can't be written: {error.strerror}.") from error
        self.stdout.write(self.style.SUCCESS(f"Written to {options['output']}."))

    def _erase(self, options: dict[str, Any]) -> None:
        email = options["email"]
        if options["dry_run"]:
            self._tell(erase.foresee(email), options)
            return
        if not options["yes"]:
            self._ask(email, options)
        report = erase.erase(email, by=ASKER, in_brevo=options["brevo"], at_calendly=options["calendly"])
        self._tell(report, options)

    def _ask(self, email: str, options: dict[str, Any]) -> None:
        """Let somebody at a terminal say yes; a script has to say so beforehand. Raises CommandError for a no."""
        if not sys.stdin.isatty():
            raise CommandError("Nothing was erased: say --yes, or --dry-run to see what would be.", returncode=2)
        if not (options["brevo"] or options["calendly"]):
            self._tell(erase.foresee(email), {**options, "json": False}, is_question=True)
        if options["brevo"]:
            self.stdout.write(self.style.WARNING("Brevo forgets with the contact whether it had opted out."))
        if input("Erase this person for good? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was erased.")

    def _tell(self, report: Report, options: Mapping[str, Any], *, is_question: bool = False) -> None:
        if options["json"]:
            self._write_json(report.to_json())
            return
        verb = "Deleted" if report.erasure else "Would be deleted"
        for name, count in report.counts.items():
            self.stdout.write(f"{verb}: {name.replace('_', ' ')}: {count}")
        for words in (*report.brevo, *report.calendly):
            self.stdout.write(words)
        if not is_question:
            done = "Erased." if report.erasure else "Nothing was erased: a dry run."
            self.stdout.write(self.style.SUCCESS(done))

    def _write_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))


def _connection(options: dict[str, Any]) -> Connection | None:
    return shared.chosen_connection(options) if options["connection"] else None


def _given(values: Iterable[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs as a mapping; raise CommandError for what is none, or is said twice."""
    found: dict[str, str] = {}
    for text in values:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or name.strip().upper() in found:
            raise CommandError(f"“{text[:60]}”: write each attribute once, as NAME=VALUE.", returncode=2)
        found[name.strip().upper()] = value
    return found


def _synced(done: Synced, *, is_dry_run: bool) -> str:
    counts = [f"{done.found} bookings read", f"{done.new} new", f"{done.changed} changed"]
    rest = (("gone at Calendly", done.gone), ("left out, as they were erased", done.erased))
    counts += [f"{count} {name}" for name, count in (*rest, ("not readable", done.unreadable)) if count]
    nothing = "nothing was written: a dry run" if is_dry_run else "there is no contact to write"
    end = "the workers write the contact now" if done.is_queued else nothing
    return f"{done.connection}: {', '.join(counts)}; {end}."


def _lines(shown: Mapping[str, Any]) -> Iterable[str]:
    """Yield a person as text to be read."""
    yield f"{shown['email']} · {shown['name'] or 'no name'} · {shown['connection']['name']} · #{shown['id']}"
    yield f"  Written to Brevo: {shown['written_at'] or 'never'}"
    yield from _bookings(shown)
    for each in shown["lists"]:
        yield f"  List {each['id']} {each['name']}: {each['done']}".rstrip()
    yield from _brevo(shown["brevo"])
    mirror = shown["mirror"]
    if mirror and mirror["opt_out"]:
        yield f"  Opted out in Brevo: {mirror['opt_out']}"
    if mirror and mirror["deleted_at"]:
        yield f"  Deleted in Brevo: {mirror['deleted_at']}"
    for each in shown["consents"]:
        yield f"  Consent {each['given_at']}: {each['rule']} {each['question']} {each['answer']}".rstrip()
    for each in shown["log"]:
        yield f"  {each['at']} {each['state']}: {each['summary']} {each['reason']}".rstrip()


def _bookings(shown: Mapping[str, Any]) -> Iterable[str]:
    for each in shown["bookings"]:
        moved = f", moved {each['moves']} times" if each["moves"] else ""
        yield f"  {each['status']}: {each['meeting']}, {each['start_at']}, booked {each['booked_at']}{moved}"
    if totals := shown["totals"]:
        names = ("booked", "moved", "canceled", "no_shows", "attended")
        yield "  Together: " + ", ".join(f"{name.replace('_', '-')} {totals[name]}" for name in names)
        yield f"  Next meeting: {totals['next_meeting_at'] or 'none'}; last: {totals['last_meeting_at'] or 'none'}"


def _brevo(found: Mapping[str, Any]) -> Iterable[str]:
    if not found["is_known"]:
        yield f"  Brevo couldn't be asked: {found['why_unknown']}"
        return
    if not found["contact_id"]:
        yield "  Brevo has no such contact."
        return
    blocked = ", on the blocklist" if found["is_blocked"] else ""
    yield f"  In Brevo: contact {found['contact_id']}{blocked}, differences: {found['differences']}"
    for line in found["attributes"]:
        wanted = "" if line["verdict"] == "same" else f" (we want {line['wanted']!r}: {line['verdict']})"
        yield f"    {line['name']}: {line['found']!r}{wanted}"
