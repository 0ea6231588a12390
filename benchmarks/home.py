"""The pages at a million rows: how long home, reports and every list take, and how much longer than at a thousand.

`python -m benchmarks.home [--rows 1000000] [--database-url URL]`, on a database of its own; `make bench` ends with it.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from benchmarks.report import Line, heading, machine, rows
from benchmarks.stage import a_database

FEW, MANY = 1_000, 1_000_000
TURNS, SLOW_TURNS = 20, 5
SLOW = 1.0  # seconds: a page that needs more is measured less often
MAX_HOME = 0.300
YEAR, DECADE = 364, 3652  # days before today
STATIC = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
"""Pages are rendered in this process, without the collected files that a server would have."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Seconds on the clock, and of them those that this process worked: what counts on a busy machine."""

    seconds: float
    cpu: float


def measure(many: int) -> list[Line]:
    """Measure every page at a thousand rows, then at many; the database has to be migrated, and is filled."""
    from django.test import override_settings  # noqa: PLC0415 - reads the settings, which have to be set first

    from benchmarks import rows_of  # noqa: PLC0415 - reads the models, for which Django has to be ready

    with override_settings(STORAGES=STATIC, ALLOWED_HOSTS=["*"]):
        pages, taken, counting = _pages(), {}, {}
        for count in (FEW, many):
            begun = time.monotonic()
            rows_of.fill(count)
            filled = time.monotonic() - begun
            counting = {name: _once(work) for name, work in rows_of.COUNTING.items()}
            taken[count] = {name: _median(ask) for name, ask in pages.items()}
    return [
        *(_line(name, taken[FEW][name], each) for name, each in sorted(taken[many].items(), key=_home_first)),
        *(Line(f"counting {name}", f"{each.seconds:.2f} s") for name, each in counting.items()),
        Line(f"{many:,} bookings were made in", f"{filled:.0f} s"),
    ]


def _home_first(page: tuple[str, Taken]) -> tuple[bool, float]:
    return page[0] != "home", -page[1].seconds


def _pages() -> dict[str, Callable[[], None]]:
    """Return what asks for each page as a member of staff who may see everything: home, and every list's first."""
    from django.contrib import admin  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415

    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])

    def asking(address: str) -> Callable[[], None]:
        def ask() -> None:
            answer = client.get(address)
            assert answer.status_code == 200, f"{address} answered {answer.status_code}"
            answer.getvalue()  # a file is made while it is read

        return ask

    ours = [model for model in admin.site._registry if model._meta.app_label == "calendly_connector"]
    lists = {
        str(model._meta.verbose_name_plural): f"{model._meta.app_label}_{model._meta.model_name}" for model in ours
    }
    return {
        "home": asking(reverse("admin:index")),
        "who came?": asking(reverse("admin:calendly_connector_held")),
        **{name: asking(address) for name, address in _reports().items()},
        **{f"list of {name}": asking(reverse(f"admin:{label}_changelist")) for name, label in lists.items()},
    }


def _reports() -> dict[str, str]:
    """Return the addresses of the attribution report for 30 days, a year, and everything that the ledger holds."""
    from django.urls import reverse  # noqa: PLC0415

    page, file = (reverse(f"admin:calendly_connector_attribution{kind}") for kind in ("", "_csv"))
    today = timezone.localdate()
    year, everything = (f"period=own&since={today - timedelta(days=days)}&until={today}" for days in (YEAR, DECADE))
    return {
        "attribution, 30 days": f"{page}?period=30",
        "attribution, a year": f"{page}?{year}",
        "attribution, a year by campaign": f"{page}?{year}&by=campaign",
        "attribution, a year by first touch": f"{page}?{year}&touch=first",
        "attribution, everything": f"{page}?{everything}",
        "attribution, a year as CSV": f"{file}?{year}&by=campaign",
    }


def _median(ask: Callable[[], None]) -> Taken:
    """Return what a page takes, in the middle of many turns, after one that warms up."""
    first = _once(ask)
    turns = [_once(ask) for _ in range(SLOW_TURNS if first.seconds > SLOW else TURNS)]
    return Taken(
        seconds=statistics.median(turn.seconds for turn in turns), cpu=statistics.median(turn.cpu for turn in turns)
    )


def _once(work: Callable[[], object]) -> Taken:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(seconds=time.perf_counter() - begun, cpu=time.process_time() - cpu)


def _line(name: str, before: Taken, after: Taken) -> Line:
    figure = f"{_ms(after.seconds)}, {_ms(after.cpu)} of CPU; {after.cpu / before.cpu:.1f} times the CPU at {FEW:,}"
    if name != "home":
        return Line(name, figure)
    return Line(name, figure, aim="below 300 ms", is_met=after.seconds < MAX_HOME)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    """Make a database, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.home", description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY, help="how many bookings the ledger holds")
    parser.add_argument(
        "--database-url", default="", help="a PostgreSQL server on which a database is made and dropped"
    )
    options = parser.parse_args()
    print(machine() + heading("Pages with many rows"), flush=True)
    with a_database(options.database_url):
        print(rows(measure(options.rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
