"""Secrets at rest: encrypted, bound to their column, readable with any of the keys, renewed with the newest."""

import json
import logging
import sqlite3
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection as database
from pytest_django.fixtures import Settings

from calendly_connector import checks, masking
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.models.fields import Secret, SecretUnreadableError, hint
from calendly_connector.services import connection as connections
from calendly_connector.services import secrets

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))
KEY = "xkeysib-planted-0123456789"


@pytest.fixture
def paris(db: None, settings: Settings) -> Connection:
    """Return a connection whose secrets are encrypted with the old key."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    return connections.make_connection("Paris", BrevoAccount.objects.create(name="Brevo", api_key=KEY))


def raw() -> str:
    """Return the API key as it lies in the database."""
    with database.cursor() as cursor:
        cursor.execute("SELECT api_key FROM calendly_connector_brevoaccount")
        return str(cursor.fetchone()[0])


def rotate(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("calendly_rotate_keys", "--json", *options, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


# -- The field --------------------------------------------------------------------------------------------------


def test_a_secret_is_encrypted_at_rest_and_read_back(paris: Connection) -> None:
    assert KEY not in raw()
    assert BrevoAccount.objects.get().api_key == KEY


def test_nothing_is_stored_as_nothing(paris: Connection) -> None:
    BrevoAccount.objects.update(api_key="")

    assert raw() == ""
    assert BrevoAccount.objects.get().api_key == ""


def test_a_wrong_key_raises_and_names_the_field_only(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [FOREIGN]

    with pytest.raises(SecretUnreadableError) as raised:
        BrevoAccount.objects.get().api_key  # noqa: B018 - to ask for it is the act

    assert "BrevoAccount.api_key" in str(raised.value)
    assert KEY not in str(raised.value)
    assert raw()[:20] not in str(raised.value)


@pytest.mark.parametrize("keys", [[], ["not a key"], [OLD, "not a key"]])
def test_without_good_keys_nothing_is_stored(paris: Connection, settings: Settings, keys: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    with pytest.raises(ImproperlyConfigured) as raised:
        BrevoAccount.objects.update(api_key="another")

    assert "not a key" not in str(raised.value)


def test_a_secret_of_another_column_is_not_read(paris: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE calendly_connector_connection SET access_token = signing_key")

    with pytest.raises(SecretUnreadableError, match="another field"):
        Connection.objects.get().access_token  # noqa: B018


@pytest.mark.parametrize("lookup", ["api_key", "api_key__contains", "api_key__in"])
def test_secrets_can_not_be_searched(paris: Connection, lookup: str) -> None:
    with pytest.raises(FieldError, match="can't be searched"):
        BrevoAccount.objects.filter(**{lookup: [KEY] if lookup.endswith("in") else KEY}).exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "not set"), ("short", "set"), ("x" * 15, "set"), ("0123456789abcdef", "set, ends in …cdef")],
)
def test_staff_see_whether_it_is_set_and_its_end(value: str, words: str) -> None:
    assert hint(value) == words


def test_a_secrets_repr_does_not_tell_it(paris: Connection) -> None:
    assert repr(BrevoAccount.objects.get().api_key) == "<secret, set, ends in …6789>"
    assert repr({"key": Secret(KEY)}) == "{'key': <secret, set, ends in …6789>}"


# -- Rotating the keys ------------------------------------------------------------------------------------------


def test_every_secret_gets_the_newest_key_and_the_old_one_may_go(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert rotate() == {"renewed": 2, "current": 0, "changed": 0, "unreadable": []}
    assert rotate() == {"renewed": 0, "current": 2, "changed": 0, "unreadable": []}

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert BrevoAccount.objects.get().api_key == KEY
    assert Connection.objects.get().signing_key == paris.signing_key


def test_a_dry_run_only_counts(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    before = raw()

    assert rotate("--dry-run")["renewed"] == 2
    assert raw() == before


def test_a_secret_that_changes_meanwhile_is_not_put_back(
    paris: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    read = list(secrets.stored())
    BrevoAccount.objects.update(api_key="changed-meanwhile")
    monkeypatch.setattr(secrets, "stored", lambda: iter(read))

    assert rotate()["changed"] == 1
    assert BrevoAccount.objects.get().api_key == "changed-meanwhile"


def test_what_no_key_fits_is_named_and_the_rest_is_done(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [FOREIGN]
    Connection.objects.filter(pk=paris.pk).update(access_token="readable-with-this-one")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, FOREIGN]

    with pytest.raises(CommandError, match=r"No key fits .*BrevoAccount\.api_key of row"):
        rotate()

    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert Connection.objects.get().access_token == "readable-with-this-one"


def test_without_a_key_nothing_is_touched(paris: Connection, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []

    with pytest.raises(CommandError, match="FIELD_ENCRYPTION_KEYS is empty"):
        rotate()


def test_a_person_is_told_how_many(paris: Connection, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    call_command("calendly_rotate_keys")

    assert capsys.readouterr().out == "2 encrypted with the newest key, 0 had it already.\n"


# -- Start-up checks --------------------------------------------------------------------------------------------


def ids(found: list[Any]) -> list[str]:
    return [message.id.removeprefix("calendly_connector.") for message in found]


@pytest.mark.parametrize(
    ("keys", "expected"), [([OLD], []), ([NEW, OLD], []), ([], ["W001"]), ([OLD, "no-key"], ["E001"])]
)
def test_keys_are_checked_at_the_start(settings: Settings, keys: list[str], expected: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    found = checks.encryption_keys()

    assert ids(found) == expected
    assert not any("no-key" in str(message) for message in found)


@pytest.mark.parametrize(("keys", "expected"), [([OLD], []), ([NEW, OLD], []), ([FOREIGN], ["E002"]), ([], ["E002"])])
def test_stored_secrets_are_checked_at_the_start(
    paris: Connection, settings: Settings, keys: list[str], expected: list[str]
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    found = checks.stored_secrets(databases=["default"])

    assert ids(found) == expected
    assert all("api_key of row" in str(message) and "Put the key back" in str(message.hint) for message in found)
    assert checks.stored_secrets(databases=None) == []


def test_before_the_first_migration_there_is_nothing_to_check(
    paris: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BrevoAccount._meta, "db_table", "not_there_yet")
    monkeypatch.setattr(Connection._meta, "db_table", "not_there_yet")

    assert checks.stored_secrets(databases=["default"]) == []


@pytest.mark.parametrize(("version", "expected"), [((3, 34, 1), ["E003"]), ((3, 35, 0), [])])
def test_an_old_sqlite_is_refused(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], expected: list[str]
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)

    assert ids(checks.sqlite_version(databases=["default"])) == (expected if database.vendor == "sqlite" else [])
    assert checks.sqlite_version(databases=None) == []


# -- Masking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer eyJhbGciOi.J9abcdefg.hijk", "eyJhbGciOi"),
        ("{'Authorization': 'Basic c2FuZGJveDpzZWNyZXQ='}", "c2FuZGJveDpzZWNyZXQ"),
        ("{'api-key': 'abcdef123456', 'x': 1}", "abcdef123456"),
        ("a key xkeysib-1234567890 in a text", "xkeysib-1234567890"),
        ("refresh_token=abcdefgh&grant_type=refresh_token", "abcdefgh"),
        ("GET /oauth/calendly/callback?code=abc123456&state=def789012", "abc123456"),
        ("GET /oauth/calendly/callback?code=abc123456&state=def789012", "def789012"),
        ("postgres://app:hunter2hunter@db/app", "hunter2hunter"),
        ("eyJraWQiOiIxY2Ux.eyJpc3MiOiJo.c2lnbmF0dXJl", "eyJpc3MiOiJo"),
    ],
)
def test_what_is_written_where_a_secret_would_be_is_hidden(text: str, hidden: str) -> None:
    assert hidden in text
    assert hidden not in masking.masked(text)


@pytest.mark.parametrize(
    "text", ["state=active", "the state: disabled", "Basic plan", "Calendly: POST /oauth/token: answered 400", "code 1"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert masking.masked(text) == text


def test_a_log_line_loses_secrets_and_people(settings: Settings) -> None:
    settings.BREVO_API_KEY = "a-key-of-no-special-form"
    record = logging.LogRecord(
        "x", logging.INFO, "", 1, "%s wrote to %s", ("a-key-of-no-special-form", "n@ex.fr"), None
    )

    assert masking.LogMask().filter(record)

    assert record.getMessage() == "******** wrote to …@…"


def test_an_untouched_log_line_keeps_its_arguments() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "Job %s", (7,), None)

    masking.LogMask().filter(record)

    assert (record.msg, record.args) == ("Job %s", (7,))


def test_the_remembered_secrets_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "MOST_REMEMBERED", 5)
    for number in range(20):
        masking.remember(f"secret-{number}")

    assert len(masking._remembered) <= 5
    assert "secret-19" not in masking.masked("secret-19")
