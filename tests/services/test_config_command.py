"""`calendly_config` as an operator calls it: words with line numbers, JSON for scripts, and a status to trust."""

import io
import json
import sys
from pathlib import Path

import pytest
from django.core.management import ManagementUtility, call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from calendly_connector.models import Connection, MappingVersion
from calendly_connector.services import connection as connections
from tests.services.test_config_file import OLD

OWN = "version: 1\nconnection: {grace_hours: 3}\nfields: [{source: first_name, attribute: FIRSTNAME}]\n"


@pytest.fixture
def file(tmp_path: Path, connection: Connection) -> Path:
    """Return where a configuration for the environment's connection lies."""
    path = tmp_path / "calendly.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


def call(*arguments: str) -> str:
    out = io.StringIO()
    call_command("calendly_config", *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def exit_status(*arguments: str) -> int:
    try:
        ManagementUtility(["manage.py", "calendly_config", *arguments]).execute()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_file_is_imported_and_told(file: Path) -> None:
    said = call("import", str(file))

    assert "grace time (hours): 24 → 3" in said
    assert "“Calendly → Brevo” is configured by the file." in said
    assert Connection.objects.get().grace_hours == 3
    assert MappingVersion.objects.first() is not None


def test_the_old_platforms_file_is_imported(file: Path, settings: Settings) -> None:
    settings.CALENDLY_ACCESS_TOKEN = settings.CALENDLY_WEBHOOK_SIGNING_KEY = "planted-0123456789"
    file.write_text(OLD, encoding="utf-8")

    said = call("import", str(file))

    assert "Note: Line 7: List #10 is not among" in said
    assert "planted" not in said
    assert Connection.objects.get().trigger_mappings.count() == 4


def test_a_dry_run_changes_nothing(file: Path) -> None:
    said = call("import", str(file), "--dry-run")

    assert "grace time (hours): 24 → 3" in said
    assert "Nothing was changed: a dry run." in said
    assert Connection.objects.get().grace_hours == 24


def test_a_file_that_changes_nothing_says_so(file: Path) -> None:
    call("import", str(file))

    assert "The file says what is configured already." in call("import", str(file))


def test_problems_are_told_with_their_lines_and_nothing_is_changed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(OWN + "colour: red\nversion: 2\n", encoding="utf-8")

    status = exit_status("import", str(file))

    said = capsys.readouterr().err
    assert status == 1
    assert "Line 4: “colour” is not known here." in said
    assert "Line 5: “version” is here twice." in said
    assert "Problems in the file: 2. Nothing was changed." in said


def test_an_import_reports_as_json(file: Path) -> None:
    said = json.loads(call("import", str(file), "--json"))

    assert said["applied"] is True
    assert said["problems"] == []
    assert "grace time (hours): 24 → 3" in said["changes"]
    assert said["notes"][0].keys() == {"line", "words"}


def test_problems_are_reported_as_json_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("version: 1\ncolour: red\n", encoding="utf-8")

    status = exit_status("import", str(file), "--json")

    said = json.loads(capsys.readouterr().out)
    assert status == 1
    assert said["applied"] is False
    assert [each["line"] for each in said["problems"]] == [2]


def test_a_file_may_come_by_standard_input(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OWN.encode())))

    call("import", "-")

    assert Connection.objects.get().grace_hours == 3


def test_a_named_connection_is_configured(file: Path) -> None:
    connections.make_connection("Paris", Connection.objects.get().brevo_account)

    call("import", str(file), "--connection", "Paris")

    assert Connection.objects.get(name="Paris").grace_hours == 3
    assert Connection.objects.get(is_environment=True).grace_hours == 24


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("import", "/no/such/file"), 2),
        (("import",), 2),
        ((), 2),
        (("delete",), 2),
        (("export", "--dry-run"), 2),
        (("export", "--output", "/no/such/folder/file"), 1),
        (("export", "--connection", "Nobody"), 1),
    ],
)
def test_wrong_usage_and_failure_have_their_status(
    arguments: tuple[str, ...], status: int, connection: Connection
) -> None:
    assert exit_status(*arguments) == status


def test_an_export_goes_to_standard_output_or_to_a_file(file: Path) -> None:
    call("import", str(file))

    said = call("export")
    told = call("export", "--output", str(file))

    assert "grace_hours: 3\n" in said
    assert file.read_text(encoding="utf-8") == said
    assert told == f"Written to {file}.\n"


def test_an_unknown_connection_is_answered_with_those_that_there_are(file: Path) -> None:
    with pytest.raises(CommandError, match="There are: .*Calendly → Brevo"):
        call("import", str(file), "--connection", "Nobody")
