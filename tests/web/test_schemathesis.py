"""A program that knows nothing but our published schema calls a real web server with what the schema allows, and more.

Schemathesis invents the calls; the sandbox stands behind. SEED and EXAMPLES (of each operation) choose what it invents;
a failure prints the seed, and the call that broke as a line for curl.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from calendly_connector.models import BookingPage, Person
from calendly_connector.services import api_tokens, roles, visitors
from tests.admin.people import make_member
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.booking import EMAIL, open_times, type_named
from tests.web_process import free_address, web_process

__all__ = ["river"]

SEED, EXAMPLES = os.environ.get("SEED") or "20261128", os.environ.get("EXAMPLES") or "6"
THOROUGH = "examples,coverage,fuzzing"  # coverage: each border and each kind of wrong value, one after the other
SECONDS = 300  # for one caller; it takes a twentieth of it where nothing else goes on
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "ignored_auth"),
)
KEYS = [f"{number:020}" for number in range(5)]
SLUG = "talk"
PEOPLE = 12  # one after the other is erased


@pytest.fixture
def page(river: River) -> BookingPage:
    """Return a booking page of an installation that holds people."""
    for number in range(PEOPLE):
        river.calendly.book(event_type="Discovery call", email=f"p{number}@example.com", name=f"Person {number}")
    for delivery in river.pending():
        assert river.post(delivery) == 200
        river.calendly.deliveries.drop(delivery)
    river.work()
    uris = [type_named(river.calendly, name) for name in ("Demo", "Discovery call")]
    return BookingPage.objects.create(connection=river.connection, slug=SLUG, title="Talk", event_types=uris)


def known(page: BookingPage) -> dict[str, list[Any]]:
    """Return what there is, by the parameters (and places in a body) that ask for it: a guess would never find it."""
    people = list(Person.objects.order_by("pk").values_list("pk", "email"))
    times = [f"{each.start_at:%Y-%m-%dT%H:%M:%SZ}" for each in open_times(page.connection, page.event_types[0])[:20]]
    return {
        "path.person_id": [pk for pk, _ in people],
        "query.email": [email for _, email in people],
        "body.email": [*(email for _, email in people[:10]), EMAIL],
        "query.event_type": page.event_types,
        "body.event_type": page.event_types,
        "body.start_time": times,
        "query.connection": [str(page.connection.pk), page.connection.name],
        "path.key": KEYS,
        "body.key": KEYS,
        "body.form_token": [visitors.form_token(page.slug, event_type=uri) for uri in page.event_types],
        "body.website": [""],  # a trap for robots, and this is one
    }


def configuration(values: Mapping[str, Sequence[Any]], *, page: str) -> str:
    """Return a file that lets Schemathesis take known values most of the time, and this page (if any) always."""
    lines = ["[parameters]", f'"query.page" = "{page}"'] if page else []
    for number, (place, found) in enumerate(values.items()):
        lines += [f"[parameters.{json.dumps(place)}]", f'dictionary = "d{number}"', "probability = 0.8"]
        lines += [f"[dictionaries.d{number}]", f"values = {json.dumps(list(found))}"]
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls what, how thoroughly, and which operations must have answered with 200 for the run to mean anything."""

    role: str = ""  # whose token; none without
    page: str = ""  # the booking page that every call names
    phases: str = "fuzzing"
    only: Sequence[str] = ()
    reached: Sequence[str] = ()


BOOKING = ("--include-path-regex", "bookings|available-times|event-types")
CALLERS = {
    "stranger": Caller(),
    "visitor": Caller(
        page=SLUG, phases=THOROUGH, only=BOOKING,
        reached=("GET /event-types", "GET /available-times"),  # a good booking can't be guessed: test_api_bookings.py
    ),
    "viewer": Caller(role=roles.VIEWER, only=BOOKING, reached=("GET /available-times",)),
    "superuser": Caller(
        role="superuser", phases=THOROUGH, only=("--include-path-regex", "people|scheduling-links"),
        reached=(
            *("GET /people", "GET /people/{person_id}", "GET /people/{person_id}/export"),
            *("POST /people/sync", "POST /people/{person_id}/erase", "POST /scheduling-links"),
        ),
    ),
}  # fmt: skip


def token_of(role: str) -> str:
    """Return a new token of a member in that role."""
    user = User.objects.create_superuser("root") if role == "superuser" else make_member(role)
    return api_tokens.make(name="fuzz", user=user)[1]


def answered(report: Path) -> Counter[tuple[str, int]]:
    """Return how often each operation answered with each status, from Schemathesis' report."""
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    recorders = [line["ScenarioFinished"]["recorder"] for line in lines if "ScenarioFinished" in line]
    return Counter(
        (recorder["label"].replace("/api/v1", ""), call["response"]["status_code"])
        for recorder in recorders
        for call in recorder.get("interactions", {}).values()
    )


@pytest.mark.parametrize("who", CALLERS)
def test_no_call_breaks_the_api_and_every_answer_is_as_published(
    who: str, page: BookingPage, database_url: str, tmp_path: Path
) -> None:
    caller, address = CALLERS[who], free_address()
    settings, report, log = tmp_path / "settings.toml", tmp_path / "report.ndjson", tmp_path / "web.log"
    settings.write_text(configuration(known(page), page=caller.page), encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "--no-color", "run"]
    command += [f"{address}/api/v1/schema", "--seed", SEED, "--max-examples", EXAMPLES, "--checks", ",".join(CHECKS)]
    command += ["--phases", caller.phases, *caller.only, "--no-shrink", "--generation-database", "none"]
    command += ["--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all"]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report)]
    command += ["--header", f"Authorization: Bearer {token_of(caller.role)}"] if caller.role else []

    with web_process(address, database_url=database_url, output=log, application="tests.web.unhurried"):
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "COLUMNS": "200"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    print(f"SEED={SEED} EXAMPLES={EXAMPLES}")  # pytest shows it with any of the failures below
    assert done.returncode == 0, f"SEED={SEED}\n{done.stdout}\n{done.stderr}\n{log.read_text()[-3000:]}"
    found = answered(report)
    assert {status for _, status in found} & {429, *range(500, 600)} == set()
    assert set(caller.reached) <= {operation for operation, status in found if status == 200}
    assert sum(found.values()) >= 20
