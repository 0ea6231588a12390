"""The pages at a million rows: how long the home page and every list take, and how much longer than at a thousand.

Part of `make bench`; alone, on a database of its own: `python -m benchmarks.home [--rows 1000000]`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

from benchmarks.report import Line, machine, rows

FEW, MANY = 1_000, 1_000_000
TURNS, SLOW_TURNS = 20, 5
SLOW = 1.0  # seconds: a page that needs more is measured less often
MAX_HOME = 0.300
STATIC = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
"""Pages are rendered in this process, without the collected files that a server would have."""


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
        *(_line(name, taken[FEW][name], seconds) for name, seconds in sorted(taken[many].items(), key=_home_first)),
        *(Line(f"counting {name}", f"{seconds:.2f} s") for name, seconds in counting.items()),
        Line(f"{many:,} bookings were made in", f"{filled:.0f} s"),
    ]


def _home_first(page: tuple[str, float]) -> tuple[bool, float]:
    return page[0] != "home", -page[1]


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

        return ask

    ours = [model for model in admin.site._registry if model._meta.app_label == "calendly_connector"]
    lists = {
        str(model._meta.verbose_name_plural): f"{model._meta.app_label}_{model._meta.model_name}" for model in ours
    }
    return {
        "home": asking(reverse("admin:index")),
        **{f"list of {name}": asking(reverse(f"admin:{label}_changelist")) for name, label in lists.items()},
    }


def _median(ask: Callable[[], None]) -> float:
    """Return the seconds that a page takes, in the middle of many turns, after one that warms up."""
    first = _once(ask)
    return statistics.median(_once(ask) for _ in range(SLOW_TURNS if first > SLOW else TURNS))


def _once(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _line(name: str, before: float, after: float) -> Line:
    figure = f"{after * 1000:.0f} ms   {after / before:.2f} times what it takes at {FEW:,}"
    if name != "home":
        return Line(name, figure)
    return Line(name, figure, aim="below 300 ms", is_met=after < MAX_HOME)


def main() -> int:
    """Make a database, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.home", description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY, help="how many bookings the ledger holds")
    options = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="calendly-connector-bench-") as folder:
        url = os.environ.get("DATABASE_URL") or f"sqlite:///{Path(folder) / 'db.sqlite3'}"
        os.environ |= {
            "SECRET_KEY": "known-to-everyone-and-good-for-a-benchmark-alone",
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DEBUG": "false",
            "PUBLIC_URL": "http://127.0.0.1:1",
        }
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        print(rows(measure(options.rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
