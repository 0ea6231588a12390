"""Decides what `make run` starts: sandbox or real services, on which ports, with which secrets and which database."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from project import ports
from project.environment import Environment
from project.supervisor import say

BASE = Path(__file__).resolve().parent.parent
OTHER_SIDE = {
    "real": (
        "There are credentials now, but this database holds the sandbox's invented people, who don't belong into "
        "your Brevo account. Move db.sqlite3 away, or set DATABASE_URL to a new database, and run again."
    ),
    "sandbox": (
        "This database holds real bookings, but there are no credentials in .env any more. Put them back; or, to "
        "practise in the sandbox, set DATABASE_URL to a new database."
    ),
}


class CannotRunError(Exception):
    """Something that a person has to put right; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What this run consists of."""

    sandbox: bool
    web_port: int
    sandbox_port: int
    environment: Mapping[str, str]  # for web, worker and commands, on top of our own


def write_dotenv(path: Path) -> None:
    """Write new secrets into `.env`, unless SECRET_KEY is given somewhere. What is there is never changed.

    Raises CannotRunError for a file that can't be read.
    """
    try:
        given = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise CannotRunError(f"{path.name} can't be read: {why}.") from error
    names = {line.split("=")[0].removeprefix("export ").strip() for line in given.splitlines()}
    if {"SECRET_KEY", "SECRET_KEY_FILE"} & (names | {name for name, value in os.environ.items() if value}):
        return
    new = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DEBUG": "false",
    }
    lines = ["# Written by `make run`. Keep it: stored tokens can't be read without it. .env.example lists the rest."]
    lines += [f"{name}={value}" for name, value in new.items() if name not in names]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # for our eyes only, from the start
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(("\n" if given else "") + "\n".join(lines) + "\n")
    say("Wrote new secrets into .env.")


def make_plan(env: Environment, memory: Path) -> Plan:
    """Decide between sandbox and real services, and choose the ports. `memory` is the folder that outlives a run."""
    calendly = bool(env.text("CALENDLY_ACCESS_TOKEN") or env.text("CALENDLY_CLIENT_ID"))
    brevo = bool(env.text("BREVO_API_KEY"))
    sandbox = not calendly and not brevo
    web_port = choose_port(env, "PORT", default=8000)
    if not sandbox:
        public_url = env.text("PUBLIC_URL", f"http://{ports.HOST}:{web_port}")
        return Plan(sandbox=False, web_port=web_port, sandbox_port=0, environment={"PUBLIC_URL": public_url})
    sandbox_port = choose_port(env, "SANDBOX_PORT", default=8400, used=web_port)
    environment = sandbox_environment(memory, web_port=web_port, sandbox_port=sandbox_port)
    return Plan(sandbox=True, web_port=web_port, sandbox_port=sandbox_port, environment=environment)


def choose_port(env: Environment, variable: str, *, default: int, used: int = 0) -> int:
    """Return the port that the variable asks for, or a free one, and say so when it isn't the usual one."""
    wanted = env.text(variable)
    port = ports.choose(variable, wanted=wanted, default=default, used={used})
    if not wanted and port != default:
        say(f"Port {default} is taken: using {port}.")
    return port


def sandbox_environment(memory: Path, *, web_port: int, sandbox_port: int) -> dict[str, str]:
    """Return what makes web and worker talk to the sandbox instead of the real services."""
    base = f"http://{ports.HOST}:{sandbox_port}"
    return {
        "PUBLIC_URL": f"http://{ports.HOST}:{web_port}",
        "CALENDLY_API_URL": base,
        "CALENDLY_AUTH_URL": base,
        "BREVO_API_URL": f"{base}/v3",
        "CALENDLY_ACCESS_TOKEN": "sandbox-calendly-token",
        "BREVO_API_KEY": "sandbox-brevo-key",
        "CALENDLY_WEBHOOK_SIGNING_KEY": kept_secret(memory / "sandbox-signing-key"),
    }


def kept_secret(path: Path) -> str:
    """Return the secret in this file, which is made when it is missing."""
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()


def claim_database(env: Environment, memory: Path, *, sandbox: bool) -> None:
    """Remember whether this database holds practice or real data.

    Raise CannotRunError when it belongs to the other side: invented people must never reach a real Brevo account, nor
    real bookings be worked off against the sandbox.
    """
    default = f"sqlite:///{BASE / 'db.sqlite3'}"
    address = env.text("DATABASE_URL", default)
    notes, name = memory / "databases.json", hashlib.sha256(address.encode()).hexdigest()
    known: dict[str, str] = json.loads(notes.read_text()) if notes.is_file() else {}
    mode, is_new = ("sandbox" if sandbox else "real"), _is_missing_file(env, default)
    if not is_new and known.get(name, mode) != mode:
        raise CannotRunError(OTHER_SIDE[mode])
    if sandbox and (is_new or name not in known):  # a new database begins with a new sandbox
        (memory / "sandbox.json").unlink(missing_ok=True)
        story_mark(memory).unlink(missing_ok=True)
    notes.write_text(json.dumps({**known, name: mode}))


def story_mark(memory: Path) -> Path:
    """Return the file that is there once the sandbox's story was played."""
    return memory / "story-played"


def _is_missing_file(env: Environment, default: str) -> bool:
    database = env.database("DATABASE_URL", default)
    return "sqlite" in database["ENGINE"] and not Path(database["NAME"]).exists()
