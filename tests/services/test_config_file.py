"""A configuration file is applied as a whole or not at all, and what was exported comes back as it was."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from calendly_connector.models import (
    BrevoAttribute,
    BrevoList,
    Connection,
    ConsentRule,
    EventType,
    FieldMapping,
    MappingVersion,
    TriggerMapping,
)
from calendly_connector.services import config_file, debug, mapping, snapshot, yaml_text
from calendly_connector.services import connection as connections
from calendly_connector.services.config_file import Plan
from tests.core.test_config_file import contents

DISCOVERY, DEMO = "https://api.calendly.com/event_types/abc123", "https://api.calendly.com/event_types/xyz789"

OLD = """\
connectors:
  calendly:
    enabled: true
    access_token: "${CALENDLY_ACCESS_TOKEN}"
    sync: {contacts: true, events: true, cancellations: true}
    event_mapping:
      discovery_call: {list_id: 10, event_type_uri: "https://api.calendly.com/event_types/abc123"}
      demo: {list_id: 11, event_type_uri: "https://api.calendly.com/event_types/xyz789"}
    webhook: {signing_key: "${CALENDLY_WEBHOOK_SIGNING_KEY}"}
    field_mapping:
      email: email
      name: FIRSTNAME
      questions_and_answers: {company: COMPANY, role: JOB_TITLE, phone: SMS}
      event_type_name: CALENDLY_EVENT_TYPE
      scheduled_at: MEETING_DATE
      status: BOOKING_STATUS
    debug: true
    log_level: verbose
    log_webhooks: true
"""
"""The file of design.md §8, to the letter."""


BOMB = "a: &a [x,x,x]\n" + "".join(f"{key}: &{key} [{f'*{chr(ord(key) - 1)},' * 9}]\n" for key in "bcdefgh")


@pytest.fixture
def credentials(settings: Settings) -> Settings:
    settings.CALENDLY_ACCESS_TOKEN = "planted-token-0123456789"
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = "planted-signing-key-0123456789"
    return settings


@pytest.fixture
def catalogue(connection: Connection) -> Connection:
    """Return the connection with what the old file names, read from both services."""
    account, now = connection.brevo_account, timezone.now()
    for number, name in ((10, "Discovery calls"), (11, "Demos")):
        BrevoList.objects.create(account=account, number=number, name=name, read_at=now)
    for uri, name in ((DISCOVERY, "Discovery call"), (DEMO, "Demo")):
        EventType.objects.create(connection=connection, uri=uri, name=name, read_at=now)
    for name in ("FIRSTNAME", "LASTNAME", "COMPANY", "JOB_TITLE", "CALENDLY_EVENT_TYPE", "BOOKING_STATUS"):
        BrevoAttribute.objects.create(account=account, name=name, kind="text", read_at=now)
    BrevoAttribute.objects.create(account=account, name="MEETING_DATE", kind="date", read_at=now)
    type(account).objects.filter(pk=account.pk).update(attributes_read_at=now)
    connection.refresh_from_db()
    return connection


def own(text: str) -> str:
    return "version: 1\n" + dedent(text)


def apply(connection: Connection, text: str | bytes) -> Plan:
    return config_file.apply(connection, text, by=None)


def said(lines: list[yaml_text.Line]) -> list[str]:
    return [f"{line.number}: {line.words}" for line in lines]


# -- The old platform's -----------------------------------------------------------------------------------------


def test_the_old_file_imports_as_it_is(catalogue: Connection, credentials: Settings) -> None:
    done = apply(catalogue, OLD)

    catalogue.refresh_from_db()
    rules = mapping.rules_of(catalogue)
    assert done.errors == []
    assert {(uri, trigger.value): rule.join_lists for (uri, trigger), rule in rules.grid.items()} == {
        (DISCOVERY, "booked"): (10,),
        (DISCOVERY, "rescheduled"): (10,),
        (DEMO, "booked"): (11,),
        (DEMO, "rescheduled"): (11,),
    }
    assert {rule.attribute: rule.source for rule in rules.fields} == mapping.DEFAULT_FIELDS
    assert debug.is_on(catalogue)
    assert set(EventType.objects.values_list("decided_name", flat=True)) == {"Discovery call", "Demo"}
    assert MappingVersion.objects.filter(connection=catalogue)[0].reason == "Imported from file"


def test_the_log_of_the_installation_is_only_spoken_of(catalogue: Connection, credentials: Settings) -> None:
    done = apply(catalogue, OLD)

    assert [line for line in said(done.warnings) if "whole installation" in line] == [
        "18: The log is the whole installation's: set LOG_LEVEL=DEBUG and restart.",
        "19: The log is the whole installation's: set LOG_WEBHOOKS=true and restart.",
    ]


def test_secrets_are_neither_copied_nor_shown(catalogue: Connection, credentials: Settings) -> None:
    done = apply(catalogue, OLD)

    catalogue.refresh_from_db()
    assert (catalogue.access_token, catalogue.signing_key) == ("", "")
    assert "planted" not in f"{done}{config_file.export(catalogue)}"
    assert "${CALENDLY_ACCESS_TOKEN}" in config_file.export(catalogue)


def test_an_unset_variable_is_named_with_its_line(catalogue: Connection) -> None:
    done = apply(catalogue, OLD)

    assert said(done.errors) == [
        "4: The environment variable CALENDLY_ACCESS_TOKEN is not set.",
        "9: The environment variable CALENDLY_WEBHOOK_SIGNING_KEY is not set.",
    ]
    assert not TriggerMapping.objects.exists()


def test_switched_off_there_is_switched_off_here(catalogue: Connection, credentials: Settings) -> None:
    apply(catalogue, OLD.replace("enabled: true", "enabled: false"))

    catalogue.refresh_from_db()
    assert not catalogue.is_active


def test_what_neither_service_is_known_to_have_is_noted_with_its_line(
    connection: Connection, credentials: Settings
) -> None:
    done = apply(connection, OLD)

    notes = said(done.warnings)
    assert done.errors == []
    assert "7: This event type is not among those that we read from Calendly." in notes
    assert "7: List #10 is not among the lists that we read from Brevo." in notes
    assert any(note.startswith("12: Brevo's attributes have not been read yet") for note in notes)
    assert TriggerMapping.objects.count() == 4


def test_a_connection_with_secrets_of_its_own_says_so(catalogue: Connection, credentials: Settings) -> None:
    second = connections.make_connection("Second", catalogue.brevo_account)

    done = apply(second, OLD)

    assert "4: CALENDLY_ACCESS_TOKEN belongs to the connection of the environment; this one has its own." in said(
        done.warnings
    )


def test_another_variable_than_ours_is_noted(
    catalogue: Connection, credentials: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "x")

    done = apply(catalogue, OLD.replace("CALENDLY_ACCESS_TOKEN", "MY_TOKEN"))

    assert "4: The connector reads CALENDLY_ACCESS_TOKEN, not MY_TOKEN: set that variable too." in said(done.warnings)


# -- All or nothing ---------------------------------------------------------------------------------------------


def test_with_one_problem_nothing_is_applied_and_all_problems_are_told(catalogue: Connection) -> None:
    before = snapshot.take(catalogue)

    done = apply(
        catalogue,
        own(
            """\
            connection: {timezone: Mars/Olympus, phone_region: XX, grace_hours: 5, colour: red}
            event_types:
              - event_type: https://api.calendly.com/event_types/abc123
                triggers:
                  booked: {join_lists: [10], event_name: "with spaces"}
            fields:
              - {source: shoe_size, attribute: SIZE}
              - {source: first_name, attribute: lower}
              - {source: first_name, attribute: A, attribute: B}
            """
        ),
    )

    catalogue.refresh_from_db()
    assert [line.number for line in done.errors] == [2, 2, 2, 6, 8, 9, 10]
    assert done.changes == []
    assert snapshot.take(catalogue) == before
    assert (catalogue.timezone, catalogue.grace_hours) == ("UTC", 24)
    assert not MappingVersion.objects.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "0: The file is empty."),
        (b"\xff\xfe", "0: The file is not in UTF-8."),
        ("- 1", "1: The file must hold keys with values"),
        ("version: [1", "1: This can't be read as YAML"),
        ("version: 1\n---\nversion: 1", "2: This can't be read as YAML"),
        ("version: 1\nversion: 1", "2: “version” is here twice."),
        ("version: *nowhere", "1: This can't be read as YAML"),
        ("version: !!python/object:os.system 1", "1: “tag:yaml.org,2002:python/object:os.system” is not known"),
        ("version: 1\n? [a]\n: b", "2: A key must be a text."),
        ("version: \x07", "0: This can't be read as YAML"),
        ("x" * (yaml_text.LARGEST + 1), "0: The file is larger than"),
        ("version: &a [*a]", "0: This is nested too deeply"),
        ("[" * 2000, "0: This is nested too deeply"),
        (BOMB, "0: This is nested too deeply"),
        ("hello: 1", "1: “hello” is not known here. Known: connection"),
    ],
)
def test_what_is_no_configuration_is_refused_in_words(connection: Connection, text: str | bytes, problem: str) -> None:
    done = apply(connection, text)

    assert any(line.startswith(problem) for line in said(done.errors)), said(done.errors)


def test_an_anchor_may_be_used_again(catalogue: Connection) -> None:
    text = "default_row: {triggers: {booked: &lists {join_lists: [10]}, rescheduled: *lists}}"

    done = apply(catalogue, own(text))

    assert done.errors == []
    assert TriggerMapping.objects.get(trigger="rescheduled").join_lists == [10]


def test_words_that_older_yaml_takes_for_flags_and_times_stay_words(catalogue: Connection) -> None:
    text = "default_row: {consent: {mode: answer, question: NO, answer: yes}, triggers: {booked: {event_name: 'on'}}}"

    done = apply(catalogue, own(text))

    row = ConsentRule.objects.get()
    assert done.errors == []
    assert (row.question, row.answer) == ("NO", "yes")


def test_a_consent_rule_that_lacks_something_is_noted(catalogue: Connection) -> None:
    done = apply(catalogue, own("default_row: {consent: {mode: double_opt_in, template: 3}}"))

    assert said(done.warnings) == ["2: This needs “redirect_url” too; until then nobody joins the lists of this row."]


# -- What would change ------------------------------------------------------------------------------------------


def test_a_plan_says_what_would_change_and_changes_nothing(catalogue: Connection) -> None:
    text = own(
        """\
        connection: {timezone: Europe/Paris, is_active: false}
        default_row: {triggers: {booked: {join_lists: [10]}}}
        fields: [{source: first_name, attribute: FIRSTNAME}]
        """
    )

    plan = config_file.plan(catalogue, text)

    assert "timezone: UTC → Europe/Paris" in plan.changes
    assert "receives webhooks: yes → no" in plan.changes
    assert any(line.startswith("+ ") and "join Discovery calls" in line for line in plan.changes)
    assert any(line.startswith("− ") and "LASTNAME" in line for line in plan.changes)
    assert not TriggerMapping.objects.exists()


def test_another_order_of_fields_is_a_change(catalogue: Connection) -> None:
    rows = snapshot.take(catalogue)["fields"]
    lines = "".join(f"\n- {{source: '{row['source']}', attribute: {row['attribute']}}}" for row in reversed(rows))

    plan = config_file.plan(catalogue, own("fields:" + lines))

    assert plan.changes == ["The fields come in another order."]


def test_the_same_file_twice_changes_nothing_more(catalogue: Connection, credentials: Settings) -> None:
    apply(catalogue, OLD)
    versions = MappingVersion.objects.count()
    catalogue.refresh_from_db()

    assert config_file.plan(catalogue, OLD).changes == []
    apply(catalogue, OLD)

    assert MappingVersion.objects.count() == versions


# -- There and back ---------------------------------------------------------------------------------------------

ODD = [
    "NO",
    "12:30",
    "0045",
    "1e3",
    "null",
    "~",
    "Åse’s “blå” bil",
    "it's: #1",
    "a\nb\n  c\n",
    " x ",
    "- y",
    "${HOME}",
    "@",
]


def fill(connection: Connection, content: dict[str, Any]) -> None:
    for uri in content["types"]:
        EventType.objects.get_or_create(
            connection=connection, uri=uri, defaults={"name": uri, "read_at": timezone.now()}
        )
    snapshot.apply(connection, content)


@pytest.fixture
def odd(catalogue: Connection) -> Connection:
    """Return a connection whose mapping holds everything that YAML may misread."""
    for number, text in enumerate(ODD):
        FieldMapping.objects.create(connection=catalogue, source=f"answer:{text}", attribute=f"ODD_{number}")
        rule = {"mode": "answer", "question": text, "answer": text, "template": number or None, "redirect_url": text}
        ConsentRule.objects.create(connection=catalogue, event_type=text, **rule)
        TriggerMapping.objects.create(connection=catalogue, event_type=text, trigger="booked", join_lists=[11, 10])
    TriggerMapping.objects.create(connection=catalogue, trigger="canceled", leave_lists=[10], sends_event=False)
    EventType.objects.update(decided_name="NO", is_ignored=True)
    BrevoList.objects.filter(number=10).update(name="# odd: 'name'\nof two lines\x85")
    Connection.objects.update(timezone="Europe/Copenhagen", phone_region="NO", grace_hours=0, guest_policy="contact")
    catalogue.refresh_from_db()
    return catalogue


def test_an_export_read_again_and_exported_again_is_the_same_to_the_byte(odd: Connection) -> None:
    before, text = snapshot.take(odd), config_file.export(odd)

    done = apply(odd, text)

    odd.refresh_from_db()
    assert (done.errors, done.changes) == ([], [])
    assert snapshot.take(odd) == before
    assert config_file.export(odd) == text


def test_an_export_makes_the_same_rules_in_a_fresh_installation(odd: Connection, settings: Settings) -> None:
    text, before = config_file.export(odd), mapping.rules_of(odd)
    MappingVersion.objects.all().delete()
    Connection.objects.all().delete()
    fresh = connections.environment_connection()

    done = apply(fresh, text)

    fresh.refresh_from_db()
    after = mapping.rules_of(fresh)
    assert done.errors == []
    for name in ("fields", "grid", "consents", "ignored_types", "grace", "timezone"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.to_e164("22 33 44 55") == before.to_e164("22 33 44 55") == "+4722334455"


@given(contents())
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
def test_any_mapping_is_a_fixed_point(connection: Connection, content: dict[str, Any]) -> None:
    content["fields"] = [
        {**row, "attribute": f"A_{number}", "source": f"answer:x{row['source']}"}
        for number, row in enumerate(content["fields"])
    ]
    for row in content["grid"]:
        row["event_name"] = ""
    fill(connection, content)
    text = config_file.export(connection)

    done = apply(connection, text)

    assert (done.errors, done.changes) == ([], [])
    assert config_file.export(connection) == text


scalars = st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"]))
nested = scalars | st.lists(scalars | st.dictionaries(st.sampled_from("kl"), scalars))


@given(st.dictionaries(st.text("abc", min_size=1), nested, min_size=1))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_plain_value_is_written_so_that_it_reads_back(values: dict[str, Any]) -> None:
    comments: dict[tuple[str | int, ...], str] = {
        (key,): repr(value) for key, value in values.items() if not isinstance(value, list)
    }

    text = yaml_text.write(values, comments=comments, head="Head\nmore")

    assert yaml_text.parse(text) == yaml_text.Parsed(values=values, lines=yaml_text.parse(text).lines)


def test_an_export_says_the_names_of_lists_and_types_beside_their_ids(catalogue: Connection) -> None:
    TriggerMapping.objects.create(connection=catalogue, event_type=DEMO, trigger="booked", join_lists=[11, 99])

    text = config_file.export(catalogue)

    assert f"  - event_type: {DEMO} # Demo\n" in text
    assert "          - 11 # Demos\n          - 99\n" in text
    assert text.startswith("# Configuration of “Calendly → Brevo”")


def test_the_example_of_the_documentation_imports(catalogue: Connection, credentials: Settings) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration-file.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in page.split("```yaml\n")[1:]]

    plans = [config_file.plan(catalogue, example) for example in examples]

    assert len(plans) >= 2
    assert [plan.errors for plan in plans] == [[]] * len(plans)
