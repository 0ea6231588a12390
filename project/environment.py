"""Reads the process environment for `settings.py`: strict, and with a `NAME_FILE` twin for every `NAME`.

django-environ does the parsing of addresses; this wrapper repairs what it lets through: a secret file's trailing
newline, a secret that starts with `$`, and a misspelt boolean, which would otherwise be read as "off".
"""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

FOLDER = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class Environment:
    """Typed access to environment variables, after loading an optional `.env` file (which never overrides them)."""

    def __init__(self, dotenv: Path) -> None:
        if dotenv.is_file():
            environ.Env.read_env(dotenv)

    def text(self, name: str, default: str = "") -> str:
        """Return the variable, or the content of the file named by `<name>_FILE`, without surrounding white space."""
        path = os.environ.get(f"{name}_FILE", "")
        if not path:
            return os.environ.get(name, "").strip() or default
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {error.strerror}.") from error

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean; raise ImproperlyConfigured for anything but true/false, yes/no, on/off, 1/0."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in TRUE | FALSE:
            raise ImproperlyConfigured(f"{name} is {value!r}: write true or false.")
        return value in TRUE

    def number(self, name: str, default: int, *, least: int = 1) -> int:
        """Return a whole number, `least` or more; raise ImproperlyConfigured for anything else."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and int(value) >= least):
            words = f"above {least - 1}" if least else "from 0 on"
            raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number {words}.")
        return int(value)

    def days(self, name: str, default: int, *, least: int) -> int:
        """Return for how many days something is kept, 0 for ever; raise ImproperlyConfigured below `least`."""
        found = self.number(name, default, least=0)
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
        try:
            return dict(environ.Env.db_url_config(self.text(name, default)))
        except (ValueError, ImproperlyConfigured) as error:
            raise ImproperlyConfigured(
                f"{name} can't be understood. Use postgres://user:password@host:5432/name or sqlite:///path/to/file."
            ) from error

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
