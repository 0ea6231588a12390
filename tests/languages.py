"""Keeps the languages of the admin complete: `make messages` collects and compiles, `make test ONLY=languages` judges.

One catalogue for everything (locale/), whichever folder a string is in. The judging is gettext's own: `msgcmp` knows
what is missing, empty or doubtful, `msgfmt` whether a translation has the placeholders of its original.
"""

import gettext
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BASE = Path(__file__).resolve().parent.parent
LOCALE = BASE / "locale"
SOURCES = ("project", "calendly_connector", "templates")
MISSING = re.compile(r"\S+\.pot:(\d+)(?=: this message)")
CATALOGUE = Path("LC_MESSAGES") / "django.po"


def languages() -> list[str]:
    """Return the languages that have a folder."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


@contextmanager
def collected() -> Iterator[Path]:
    """Yield a copy of locale/ with every string that there is now: catalogues as they should be, and their template."""
    options = ["--keep-pot", "--no-wrap", "--no-obsolete", "--add-location", "file", "--verbosity", "0"]
    chosen = [word for language in languages() for word in ("--locale", language)]
    with TemporaryDirectory() as folder:
        for path in (*(BASE / name for name in SOURCES), LOCALE):
            shutil.copytree(path, Path(folder) / path.name, ignore=shutil.ignore_patterns("__pycache__", "static"))
        command = [sys.executable, "-m", "django", "makemessages", *chosen, *options]
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=True)
        yield Path(folder) / LOCALE.name


def check() -> list[str]:
    """Return what is wrong with the languages."""
    with collected() as place:
        return [line for language in languages() for line in _check_one(language, place)]


def update() -> None:
    """Bring the catalogues up to date and compile them, so that an installation needs no gettext."""
    with collected() as place:
        for language in languages():
            catalogue = LOCALE / language / CATALOGUE
            shutil.copyfile(place / language / CATALOGUE, catalogue)
            subprocess.run(["msgfmt", "-o", str(catalogue.with_suffix(".mo")), str(catalogue)], check=True)


def _check_one(language: str, place: Path) -> list[str]:
    """Return what one language lacks."""
    catalogue, compiled = LOCALE / language / CATALOGUE, place / f"{language}.mo"
    wrong = _complaints(["msgcmp", str(catalogue), str(place / "django.pot")])
    wrong += _complaints(["msgfmt", "--check-format", "-o", str(compiled), str(catalogue)])
    if not wrong and _translations(compiled) != _translations(catalogue.with_suffix(".mo")):
        wrong.append(f"{language}: django.mo isn't made from django.po; `make messages` makes it.")
    lines = (place / "django.pot").read_text().splitlines()  # which is gone when somebody wants to look
    return [MISSING.sub(lambda found: _original(lines, int(found[1])), line).replace(f"{BASE}/", "") for line in wrong]


def _original(lines: Sequence[str], number: int) -> str:
    """Return the original of the entry that a line belongs to."""
    start = max(index for index in range(number) if lines[index].startswith("msgid "))
    return " ".join(lines[start : max(start + 1, number - 1)])


def _complaints(command: Sequence[str]) -> list[str]:
    """Run one of gettext's programs; return what it says if it isn't content."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.returncode:
        return []
    return [line for line in done.stderr.splitlines() if "warning:" not in line] or [f"{command[0]} failed"]


def _translations(path: Path) -> dict[object, str]:
    """Return the translations of a compiled catalogue without its heading; none when there is no file."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        found: dict[object, str] = dict(vars(gettext.GNUTranslations(file))["_catalog"])
    found.pop("", None)
    return found


if __name__ == "__main__":
    update()
    print("\n".join(check()) or "Every language is complete.")
