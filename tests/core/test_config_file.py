"""Both formats of the configuration file, as values: what they mean, and everything that can be wrong with them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendly_connector.core import config_file, config_old
from calendly_connector.core.config_file import Config, Content
from calendly_connector.core.config_reader import Mention, Surroundings
from calendly_connector.core.trigger import Trigger

DISCOVERY, DEMO = "https://api.calendly.com/event_types/abc123", "https://api.calendly.com/event_types/xyz789"
VARIABLES = {"CALENDLY_ACCESS_TOKEN": "the-token", "CALENDLY_WEBHOOK_SIGNING_KEY": "the-key", "LIST": "12", "NAME": "x"}
NOTHING: Content = {"grid": [], "fields": [], "consents": [], "types": {}}
SETTINGS = {"is_active": True, "timezone": "UTC", "phone_region": "", "grace_hours": 24, "guest_policy": "ignore"}


def cell(event_type: str, trigger: str, join: list[int] | None = None, **changes: Any) -> dict[str, Any]:
    row = {"event_type": event_type, "trigger": trigger, "join_lists": join or [], "leave_lists": []}
    return {**row, "sends_event": True, "event_name": "", **changes}


def line(source: str, attribute: str, overwrite: str = "always") -> dict[str, str]:
    return {"source": source, "attribute": attribute, "overwrite": overwrite}


def read(values: dict[str, Any], *, current: Content = NOTHING, may_fill_in: bool = True) -> tuple[Config, list[str]]:
    """Return what a file says, and its problems as path and words."""
    around = Surroundings(variables=VARIABLES, may_fill_in=may_fill_in)
    reader = config_old.read if config_old.is_old(values) else config_file.read
    config = reader(values, around, current=current)
    return config, [
        f"{'.'.join(map(str, each.path))}: {each.words % each.values}" for each in around.problems if each.is_error
    ]


def old(**changes: Any) -> dict[str, Any]:
    """Return the file of design.md §8, with changes at the connector's level; None takes a key away."""
    file: dict[str, Any] = {
        "enabled": True,
        "access_token": "${CALENDLY_ACCESS_TOKEN}",
        "sync": {"contacts": True, "events": True, "cancellations": True},
        "event_mapping": {
            "discovery_call": {"list_id": 10, "event_type_uri": DISCOVERY},
            "demo": {"list_id": 11, "event_type_uri": DEMO},
        },
        "webhook": {"signing_key": "${CALENDLY_WEBHOOK_SIGNING_KEY}"},
        "field_mapping": {
            "email": "email",
            "name": "FIRSTNAME",
            "questions_and_answers": {"company": "COMPANY", "role": "JOB_TITLE", "phone": "SMS"},
            "event_type_name": "CALENDLY_EVENT_TYPE",
            "scheduled_at": "MEETING_DATE",
            "status": "BOOKING_STATUS",
        },
        "debug": True,
        "log_level": "verbose",
        "log_webhooks": True,
    }
    return {"connectors": {"calendly": {key: value for key, value in {**file, **changes}.items() if value is not None}}}


# -- The old platform's -----------------------------------------------------------------------------------------


def test_the_old_file_means_what_it_meant_without_its_errors() -> None:
    config, problems = read(old())

    assert problems == []
    assert config.settings == {"is_active": True}
    assert (config.debug, config.log_level, config.log_webhooks) == (True, "DEBUG", True)
    assert config.content["grid"] == [
        cell(DISCOVERY, "booked", [10]),
        cell(DISCOVERY, "rescheduled", [10]),
        cell(DEMO, "booked", [11]),
        cell(DEMO, "rescheduled", [11]),
    ]
    assert config.content["fields"] == [
        line("first_name", "FIRSTNAME"),
        line("last_name", "LASTNAME"),
        line("answer:company", "COMPANY"),
        line("answer:role", "JOB_TITLE"),
        line("phone", "SMS"),
        line("event_type_name", "CALENDLY_EVENT_TYPE"),
        line("meeting_date", "MEETING_DATE"),
        line("status", "BOOKING_STATUS"),
    ]


def test_two_types_may_feed_one_list() -> None:
    mapping = {"a": {"list_id": 10, "event_type_uri": DISCOVERY}, "b": {"list_id": 10, "event_type_uri": DEMO}}

    config, problems = read(old(event_mapping=mapping))

    assert problems == []
    assert [row["join_lists"] for row in config.content["grid"]] == [[10]] * 4


def test_without_events_none_is_sent_for_any_type() -> None:
    config, _ = read(old(sync={"events": False}))

    grid = config.content["grid"]
    assert not any(row["sends_event"] for row in grid)
    assert {row["trigger"] for row in grid if not row["event_type"]} == set(Trigger)
    assert [row["join_lists"] for row in grid if row["event_type"] == DEMO] == [[11], [11]]


def test_without_cancellations_none_does_anything() -> None:
    current = {**NOTHING, "grid": [cell(DEMO, "canceled", [7]), cell("", "booked", [8])]}

    config, _ = read(old(sync={"cancellations": False}, event_mapping=None), current=current)

    assert config.content["grid"] == [cell("", "booked", [8]), cell("", "canceled", sends_event=False)]


def test_without_contacts_nobody_joins_and_no_attribute_is_written() -> None:
    config, _ = read(old(sync={"contacts": False}))

    assert [row["join_lists"] for row in config.content["grid"]] == [[]] * 4
    assert {row["overwrite"] for row in config.content["fields"]} == {"never"}


def test_what_the_old_file_does_not_say_stays() -> None:
    consent = {"event_type": "", "mode": "never", "question": "", "answer": "", "template": None, "redirect_url": ""}
    types = {DEMO: {"decided_name": "Demo", "is_ignored": True}}
    current = {
        "grid": [cell(DEMO, "no_show", [3])],
        "fields": [line("name", "X")],
        "consents": [consent],
        "types": types,
    }

    config, problems = read({"connectors": {"calendly": {"debug": False}}}, current=current)

    assert problems == []
    assert config.content == current
    assert (config.settings, config.debug, config.log_webhooks) == ({}, False, None)


def test_a_type_that_gets_a_list_is_not_ignored_any_more() -> None:
    current = {**NOTHING, "types": {DEMO: {"decided_name": "Demo", "is_ignored": True}}}

    config, _ = read(old(), current=current)

    assert config.content["types"][DEMO]["is_ignored"] is False
    assert config.decides == {DEMO, DISCOVERY}


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"name": "FULLNAME"}, [line("name", "FULLNAME")]),
        (
            {"name": "FIRSTNAME", "last_name": "SURNAME"},
            [line("first_name", "FIRSTNAME"), line("last_name", "SURNAME")],
        ),
        ({"event_type": "TYPE"}, [line("event_type_name", "TYPE")]),
        ({"host_name": "HOST"}, [line("host_name", "HOST")]),
        ({"questions_and_answers": {"Phone number": "SMS"}}, [line("answer:Phone number", "SMS")]),
        ({"email": "EMAIL"}, []),
    ],
)
def test_other_fields_of_the_old_file(fields: dict[str, Any], lines: list[dict[str, str]]) -> None:
    config, problems = read(old(field_mapping=fields))

    assert problems == []
    assert config.content["fields"] == lines


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"colour": "red"}, "connectors.calendly.colour: “colour” is not known here"),
        ({"enabled": "yes"}, "connectors.calendly.enabled: “enabled” must be true or false."),
        ({"sync": [1]}, "connectors.calendly.sync: “sync” must hold keys of its own."),
        ({"sync": {"contact": True}}, "connectors.calendly.sync.contact: “contact” is not known here"),
        ({"event_mapping": {"a": {"list_id": "x", "event_type_uri": DEMO}}}, "event_mapping.a.list_id: “list_id” must"),
        ({"event_mapping": {"a": {"list_id": 0, "event_type_uri": DEMO}}}, "event_mapping.a.list_id: “list_id” must"),
        ({"event_mapping": {"a": {"list_id": 4}}}, "event_mapping.a: “event_type_uri” is missing."),
        ({"field_mapping": {"email": "E_MAIL"}}, "field_mapping.email: The e-mail address says"),
        ({"field_mapping": {"shoe_size": "SIZE"}}, "field_mapping.shoe_size: “shoe_size” is not known here"),
        ({"field_mapping": {"status": "A", "location": "A"}}, "field_mapping.location: A is written twice"),
        ({"field_mapping": {"status": 5}}, "field_mapping.status: “status” must be text"),
        ({"access_token": "${NOT_SET}"}, "calendly.access_token: The environment variable NOT_SET is not set."),
        ({"access_token": "abc-literal"}, "calendly.access_token: “access_token” is a secret"),
        ({"webhook": {"signing_key": "x${NAME}"}}, "calendly.webhook.signing_key: “signing_key” is a secret"),
        ({"log_level": "loud"}, "calendly.log_level: “log_level” must be one of"),
        ({"webhook": {"url": "x"}}, "calendly.webhook.url: “url” is not known here"),
    ],
)
def test_what_is_wrong_with_the_old_file_is_told_with_its_place(changes: dict[str, Any], problem: str) -> None:
    _, problems = read(old(**changes))

    assert len(problems) == 1
    assert problem in problems[0]


def test_a_type_with_two_lists_is_told() -> None:
    mapping = {"a": {"list_id": 10, "event_type_uri": DEMO}, "b": {"list_id": 11, "event_type_uri": DEMO}}

    _, problems = read(old(event_mapping=mapping))

    assert problems == [
        "connectors.calendly.event_mapping.b.event_type_uri: This event type has a list already, further up."
    ]


def test_another_connector_of_the_old_platform_is_told() -> None:
    _, problems = read({"connectors": {"calendly": {}, "hubspot": {}}})

    assert problems == ["connectors.hubspot: “hubspot” is not known here. Known: calendly."]


def test_all_problems_are_told_at_once() -> None:
    _, problems = read(old(enabled=3, debug="maybe", log_webhooks=None, colour="red"))

    assert [each.split(":")[0].rpartition(".")[2] for each in problems] == ["enabled", "debug", "colour"]


def test_secrets_are_mentioned_by_their_variable_only() -> None:
    around = Surroundings(variables=VARIABLES)

    config = config_old.read(old(), around, current=NOTHING)

    mentions = [each for each in around.mentions if each.kind in config_file.SECRETS]
    assert [(each.kind, each.value) for each in mentions] == [
        ("calendly_access_token", "CALENDLY_ACCESS_TOKEN"),
        ("calendly_signing_key", "CALENDLY_WEBHOOK_SIGNING_KEY"),
    ]
    assert "the-token" not in f"{config}{mentions}"


# -- Variables --------------------------------------------------------------------------------------------------


def test_variables_are_filled_in_as_numbers_too() -> None:
    mapping = {"a": {"list_id": "${LIST}", "event_type_uri": "https://x.example/${NAME}"}}

    config, problems = read(old(event_mapping=mapping))

    assert problems == []
    assert config.content["grid"][0] == cell("https://x.example/x", "booked", [12])


@pytest.mark.parametrize(
    ("text", "may_fill_in", "problem"),
    [
        ("${MISSING}", True, "The environment variable MISSING is not set."),
        ("${CALENDLY_ACCESS_TOKEN}", True, "CALENDLY_ACCESS_TOKEN looks like a secret"),
        ("a ${DATABASE_URL} b", True, "DATABASE_URL looks like a secret"),
        ("${NAME}", False, "only the command calendly_config fills in ${NAME}"),
        ("${", True, "write a variable as ${NAME}"),
        ("${a b}", True, "write a variable as ${NAME}"),
    ],
)
def test_a_variable_that_may_not_be_copied_is_told(text: str, may_fill_in: bool, problem: str) -> None:
    mapping = {"a": {"list_id": 1, "event_type_uri": text}}

    _, problems = read(old(event_mapping=mapping), may_fill_in=may_fill_in)

    assert [problem in each for each in problems] == [True]


# -- Our own ----------------------------------------------------------------------------------------------------


def full() -> dict[str, Any]:
    return {
        "version": 1,
        "connection": {"timezone": "Europe/Copenhagen", "phone_region": "DK", "grace_hours": 2, "is_active": False},
        "secrets": {"brevo_api_key": "${CALENDLY_ACCESS_TOKEN}"},
        "default_row": {"triggers": {"booked": {"join_lists": [5], "event_name": "booked"}}},
        "event_types": [
            {
                "event_type": DEMO,
                "decided_as": "Demo",
                "consent": {"mode": "answer", "question": "News?", "answer": "Yes"},
                "triggers": {"canceled": {"leave_lists": [5], "sends_event": False}},
            },
            {"event_type": DISCOVERY, "is_ignored": True},
        ],
        "fields": [{"source": "answer:Role", "attribute": "ROLE", "overwrite": "if_empty"}],
    }


def test_our_own_file_says_everything() -> None:
    config, problems = read(full())

    assert problems == []
    assert config.settings == full()["connection"]
    assert config.content == {
        "grid": [
            cell("", "booked", [5], event_name="booked"),
            cell(DEMO, "canceled", leave_lists=[5], sends_event=False),
        ],
        "fields": [line("answer:Role", "ROLE", "if_empty")],
        "consents": [
            {
                "event_type": DEMO,
                "mode": "answer",
                "question": "News?",
                "answer": "Yes",
                "template": None,
                "redirect_url": "",
            }
        ],
        "types": {
            DEMO: {"decided_name": "Demo", "is_ignored": False},
            DISCOVERY: {"decided_name": "", "is_ignored": True},
        },
    }


def test_a_section_that_is_left_out_stays_and_an_empty_one_empties() -> None:
    current, _ = read(full())

    kept, _ = read({"version": 1}, current=current.content)
    emptied, _ = read({"version": 1, "event_types": [], "fields": []}, current=current.content)

    assert kept.content == current.content
    assert emptied.content == {**NOTHING, "grid": [cell("", "booked", [5], event_name="booked")]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": 2}, "version: “version” must be a whole number from 1 to 1."),
        ({"version": None}, ": “version” is missing."),
        ({"connection": {"grace_hours": -1}}, "connection.grace_hours: “grace_hours” must be a whole number"),
        ({"connection": {"phone_region": "DNK"}}, "connection.phone_region: “phone_region” is longer than 2"),
        ({"connection": {"timezone": 5}}, "connection.timezone: “timezone” must be text"),
        ({"connection": {"guest_policy": "x"}}, "connection.guest_policy: “guest_policy” must be one of: ignore"),
        ({"default_row": {"triggers": {"moved": {}}}}, "default_row.triggers.moved: “moved” is not known here"),
        ({"default_row": {"consent": {"mode": "x"}}}, "default_row.consent.mode: “mode” must be one of: always"),
        ({"default_row": {"triggers": {"booked": {"join_lists": [1, "2"]}}}}, "booked.join_lists.1: “join_lists” must"),
        (
            {"default_row": {"triggers": {"booked": {"join_lists": 3}}}},
            "booked.join_lists: “join_lists” must be a list",
        ),
        ({"event_types": {}}, "event_types: “event_types” must be a list."),
        ({"event_types": ["x"]}, "event_types.0: Each line of “event_types” must hold"),
        ({"event_types": [{"event_type": " "}]}, "event_types.0.event_type: “event_type” is empty."),
        ({"event_types": [{}]}, "event_types.0: “event_type” is missing."),
        ({"event_types": [{"event_type": "a"}, {"event_type": "a"}]}, "event_types.1.event_type: This event type has"),
        ({"fields": [{"source": "status"}]}, "fields.0: “attribute” is missing."),
        ({"fields": [{"source": "a\0", "attribute": "A"}]}, "fields.0.source: “source” holds a character"),
        ({"fields": [{"source": "a\ud800", "attribute": "A"}]}, "fields.0.source: “source” holds a character"),
        ({"secrets": {"brevo_api_key": "xkeysib-literal"}}, "secrets.brevo_api_key: “brevo_api_key” is a secret"),
    ],
)
def test_what_is_wrong_with_our_own_file_is_told_with_its_place(changes: dict[str, Any], problem: str) -> None:
    _, problems = read({**full(), **changes})

    assert len(problems) == 1
    assert problems[0].startswith(problem) or problem in problems[0]
    assert "literal" not in problems[0]


def test_lists_types_and_fields_are_mentioned_where_they_stand() -> None:
    around = Surroundings(variables=VARIABLES)

    config_file.read(full(), around, current=NOTHING)

    assert Mention(kind="lists", value=[5], path=("default_row", "triggers", "booked", "join_lists")) in around.mentions
    assert Mention(kind="event_type", value=DEMO, path=("event_types", 0, "event_type")) in around.mentions
    assert Mention(kind="field", value=("answer:Role", "ROLE"), path=("fields", 0, "attribute")) in around.mentions


# -- There and back ---------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ids = st.lists(st.integers(1, 2**40), max_size=3)
uris = st.sampled_from(["", "a", "b", "${X}", "$${X}", "Æ ø", "default_row"])


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Return a mapping that the database might hold."""
    keys = draw(st.sets(st.tuples(uris, st.sampled_from([each.value for each in Trigger]))))
    grid = [
        cell(uri, trigger, draw(ids), leave_lists=draw(ids), sends_event=draw(st.booleans()), event_name=draw(words))
        for uri, trigger in sorted(keys)
    ]
    fields = [
        line(f"answer:{draw(words)}", name) for name in draw(st.lists(words.filter(bool), unique=True, max_size=4))
    ]
    consents = [
        {
            "event_type": uri,
            "mode": draw(st.sampled_from(config_file.CONSENT_MODES)),
            "question": draw(words),
            "answer": draw(words),
            "template": draw(st.none() | st.integers(1, 99)),
            "redirect_url": draw(words),
        }
        for uri in sorted(draw(st.sets(uris)))
    ]
    types = {
        uri: {"decided_name": draw(words.filter(bool)), "is_ignored": draw(st.booleans())}
        for uri in sorted(draw(st.sets(uris.filter(bool))))
    }
    return {"grid": grid, "fields": fields, "consents": consents, "types": types}


@given(contents())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_laid_out_reads_back_as_it_was(content: Content) -> None:
    laid_out = config_file.lay_out(SETTINGS, {}, content)

    config, problems = read(laid_out)

    assert problems == []
    assert config.settings == SETTINGS
    back = config.content
    back["grid"].sort(key=lambda row: (row["event_type"], row["trigger"]))
    assert {**back, "consents": sorted(back["consents"], key=lambda row: row["event_type"])} == content
