"""Runs the jobs: `calendly_worker [--once] [--concurrency N] [--job NAME] [--jobs]`."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector import tasks
from calendly_connector.services import schedule
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker


class Command(BaseCommand):
    """Works until SIGTERM or Ctrl-C, then finishes what it has in hand."""

    help = "Take in deliveries, write to Brevo, and do what repeats. Any number may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="do what is due now, then stop")
        parser.add_argument("--job", metavar="NAME", help="run one piece of repeating work now, then stop")
        parser.add_argument("--jobs", action="store_true", help="list the repeating work, its last and next run")
        parser.add_argument("--concurrency", type=int, default=4, metavar="N", help="jobs at a time (default 4)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.", returncode=2)
        schedule.install(tasks.SCHEDULES)
        if options["jobs"]:
            self.stdout.write("\n".join(schedule.lines()))
            return
        if options["job"]:
            self._run_one(options["job"])
            return
        worker = Worker(tasks.TASKS, concurrency=options["concurrency"], bell=Bell())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if options["once"]:
            self.stdout.write(f"{worker.drain()} jobs done.")
            return
        self.stdout.write(f"Working on {options['concurrency']} jobs at a time.")
        self.stdout.flush()
        worker.run()
        self.stdout.write("Stopped; nothing was left half done.")

    def _run_one(self, name: str) -> None:
        """Run one piece of repeating work here, and say what it said."""
        if name not in tasks.SCHEDULES:
            known = ", ".join(sorted(tasks.SCHEDULES))
            raise CommandError(f"There is no repeating work “{name}”. There is: {known}.", returncode=2)
        said = schedule.run_now(name, tasks.TASKS[name].run)
        if said.startswith(schedule.FAILED):
            raise CommandError(said)
        self.stdout.write(said)
