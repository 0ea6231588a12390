"""Reads the process environment for `settings.py`: strict, and with a `NAME_FILE` twin for every `NAME`.

django-environ does the parsing of addresses; this wrapper repairs what it lets through: a secret file's trailing
newline, a secret that starts with `$`, and a misspelt boolean, which would otherwise be read as "off".
"""

import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

MOST_NUMBER, MOST_DAYS = 100_000, 36_500  # a hundred years: a date before the first isn't one
HOST = re.compile(r"[\w.:-]+")
DATABASES = ("sqlite", "postgres", "postgresql")
LINE = re.compile(r"(?:export )?\w+=", re.ASCII)
FOLDER = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class Environment:
    """Typed access to environment variables, after loading an optional `.env` file (which never overrides them)."""

    def __init__(self, dotenv: Path) -> None:
        try:
            if dotenv.is_file():
                _check_lines(dotenv)
                environ.Env.read_env(dotenv)
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{dotenv} can't be read: {_why(error)}.") from error

    def text(self, name: str, default: str = "") -> str:
        """Return the variable, or the content of the file named by `<name>_FILE`, without surrounding white space."""
        path = os.environ.get(f"{name}_FILE", "")
        if not path:
            return os.environ.get(name, "").strip() or default
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {_why(error)}.") from error

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean; raise ImproperlyConfigured for anything but true/false, yes/no, on/off, 1/0."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in TRUE | FALSE:
            raise ImproperlyConfigured(f"{name} is {value!r}: write true or false.")
        return value in TRUE

    def number(self, name: str, default: int, *, least: int = 1, most: int = MOST_NUMBER) -> int:
        """Return a whole number, `least` to `most`; raise ImproperlyConfigured for anything else."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(most)) and least <= int(value) <= most):
            raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number from {least} to {most}.")
        return int(value)

    def choice(self, name: str, default: str, *, among: Sequence[str]) -> str:
        """Return one of the words in `among`, whatever its case; raise ImproperlyConfigured for another."""
        value = self.text(name, default)
        found = next((word for word in among if word.lower() == value.lower()), None)
        if found is None:
            raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(among)}.")
        return found

    def zone(self, name: str, default: str) -> str:
        """Return the name of a time zone; raise ImproperlyConfigured when there is none of this name."""
        value = self.text(name, default)
        if value not in available_timezones():
            raise ImproperlyConfigured(f"{name} is {value!r}: write the name of a zone, such as Europe/Copenhagen.")
        return value

    def address(
        self,
        name: str,
        default: str = "",
        *,
        schemes: Collection[str] = ("http", "https"),
        is_base: bool = True,
    ) -> str:
        """Return an address with scheme and host, or nothing where nothing is the default.

        One that others are built from (`is_base`) is given without a closing slash, any other as it was written.

        Raise ImproperlyConfigured for what can't be one. The value isn't told: it may hold a password.
        """
        value = self.text(name, default)
        value = value.rstrip("/") if is_base else value
        if value and not _is_address(value, schemes):
            begins = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ImproperlyConfigured(f"{name} is no address: write all of it, with {begins} and the host.")
        return value

    def days(self, name: str, default: int, *, least: int) -> int:
        """Return for how many days something is kept, 0 for ever; raise ImproperlyConfigured below `least`."""
        found = self.number(name, default, least=0, most=MOST_DAYS)
        if 0 < found < least:
            words = f"write 0 (for ever) or at least {least} (docs/retention.md)"
            raise ImproperlyConfigured(f"{name} is {found}: {words}.")
        return found

    def names(self, name: str, default: str = "") -> list[str]:
        """Return a comma-separated list, each item stripped."""
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def folder(self, name: str, default: str, *, taken: Collection[str]) -> str:
        """Return the beginning of an address, such as `admin/`: no slash before it, one behind it.

        Raise ImproperlyConfigured for what can't stand in an address, or begins with one of the folders in `taken`.
        """
        value = self.text(name, default).strip("/")
        if not FOLDER.fullmatch(value) or value.split("/")[0] in taken:
            raise ImproperlyConfigured(
                f"{name} is {value!r}: write letters, digits, “-” and “_”, such as back-office/, and none of "
                f"{', '.join(taken)}."
            )
        return f"{value}/"

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's database settings from an address such as `postgres://user:password@host/name`."""
        value, found = self.text(name, default), dict[str, Any]()
        if value.split(":")[0] in DATABASES:
            with suppress(ValueError, ImproperlyConfigured):
                found = dict(environ.Env.db_url_config(value))
        if not found.get("NAME"):
            raise ImproperlyConfigured(
                f"{name} can't be understood. Use postgres://user:password@host:5432/name or sqlite:///path/to/file."
            )
        return found

    def email(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's e-mail settings from an address such as `smtp+tls://user:password@host:587`."""
        try:
            found = dict(environ.Env.email_url_config(self.text(name, default)))
        except (ValueError, KeyError, ImproperlyConfigured) as error:
            raise ImproperlyConfigured(
                f"{name} can't be understood. Use smtp+tls://user:password@host:587, or smtp+ssl://user:password@host:465."
            ) from error
        empty = {"EMAIL_HOST": "localhost", "EMAIL_PORT": 25, "EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": ""}
        return {**found, **{key: value for key, value in empty.items() if not found.get(key)}}


def _is_address(value: str, schemes: Collection[str]) -> bool:
    """Answer whether something can be an address that is called; what it says of a port has to be a number."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(HOST.fullmatch(parts.hostname or ""))


def _check_lines(dotenv: Path) -> None:
    """Raise ImproperlyConfigured for a line that sets nothing: it would be left out, and a default taken in its place.

    The line isn't shown: a library that left it out wrote it into the log, with the secret that it may hold.
    """
    for number, line in enumerate(dotenv.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#") and not LINE.match(line):
            raise ImproperlyConfigured(
                f"{dotenv}, line {number}: write NAME=value, with nothing before the name, and no space before the “=”."
            )


def _why(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is no text in UTF-8"
