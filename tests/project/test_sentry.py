"""Errors go to Sentry without secrets, people and bodies; and the program says what is missing when they can't."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BASE = Path(__file__).resolve().parents[2]
SECRETS = {
    "BREVO_API_KEY": "planted-brevo-key-a1b2c3d4e5f6",
    "CALENDLY_WEBHOOK_SIGNING_KEY": "planted-signing-key-0a1b2c3d4e5f",
    "METRICS_TOKEN": "planted-metrics-token-7e6f5a4b",
}
PROGRAM = """
import logging, os, sys
import django
django.setup()
import sentry_sdk
from django.test import Client
from calendly_connector.services import trail

logging.getLogger("some.library").warning("before it, anna@example.com was written")
key = os.environ["BREVO_API_KEY"]
try:
    innocent = {"headers": {"api-key": key}}
    raise ZeroDivisionError(f"{key} of anna@example.com and anna%40example.com")
except ZeroDivisionError:
    with trail.scope(delivery=5, booking=7, job="push/9"):
        logging.getLogger("calendly_connector.test").exception("Job %s failed for %s", 9, "anna@example.com")

from calendly_connector.web import webhook
def stumble(*_):
    raise RuntimeError("the webhook fell over")
webhook.read_body = stumble
Client(raise_request_exception=False).post(
    "/webhooks/calendly/a-token-that-nobody-guesses?who=anna@example.com",
    data=b'{"payload": {"email": "anna@example.com", "name": "Anna Nagy"}}',
    content_type="application/json", headers={"Cookie": "sessionid=stolen", "Authorization": f"Bearer {key}"},
)
Client().get("/admin/", headers={"Host": "scanner.example"})
sentry_sdk.flush(10)
"""


class Sentry:
    """Stands in for Sentry on loopback: takes envelopes, keeps their items."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        sentry = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                raw = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                sentry.items += [json.loads(line) for line in raw.decode().splitlines() if line]
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://0123456789abcdef@127.0.0.1:{self.server.server_address[1]}/1"

    @property
    def reports(self) -> list[Any]:
        """Return what was reported, without the envelopes."""
        return [item for item in self.items if "exception" in item]


@pytest.fixture(scope="module")
def sentry() -> Iterator[Sentry]:
    """Return what a program with two errors reported."""
    found = Sentry()
    done = run(PROGRAM, SENTRY_DSN=found.dsn, SENTRY_ENVIRONMENT="staging")
    assert done.returncode == 0, done.stdout + done.stderr
    yield found
    found.server.shutdown()
    found.server.server_close()


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the tests' settings and planted secrets."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **SECRETS, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_errors_of_jobs_and_of_requests_are_reported(sentry: Sentry) -> None:
    kinds = [report["exception"]["values"][-1]["type"] for report in sentry.reports]

    assert kinds[0] == "ZeroDivisionError"
    assert "RuntimeError" in kinds


def test_what_strangers_can_cause_at_will_is_no_error_of_ours(sentry: Sentry) -> None:
    """Or whoever scans the internet fills the reports."""
    assert "scanner.example" not in json.dumps(sentry.items)
    assert [report for report in sentry.reports if "DisallowedHost" in json.dumps(report)] == []


def test_a_report_names_what_it_is_about(sentry: Sentry) -> None:
    report = sentry.reports[0]

    assert {name: report["tags"][name] for name in ("delivery", "booking", "job")} == {
        "delivery": "5", "booking": "7", "job": "push/9",
    }  # fmt: skip
    assert report["release"].startswith("calendly-connector@")
    assert report["environment"] == "staging"


def test_neither_secrets_nor_people_nor_bodies_leave(sentry: Sentry) -> None:
    # Frames quote the lines of code around them, and the program above stands in no file: nothing is quoted of it.
    told = json.dumps(sentry.items)

    assert "********" in told
    assert [value for value in SECRETS.values() if value in told] == []
    for private in ("example.com", "Nagy", "stolen", "nobody-guesses", "payload", "before it"):
        assert private not in told, private


def test_a_report_holds_no_variables_and_no_request(sentry: Sentry) -> None:
    for report in sentry.reports:
        assert not {"request", "user", "breadcrumbs"} & report.keys()
        frames = [frame for value in report["exception"]["values"] for frame in value["stacktrace"]["frames"]]
        assert frames
        assert not any("vars" in frame for frame in frames)


WITHOUT = "import sys; sys.modules['sentry_sdk'] = None\nimport django\ndjango.setup()\n{}"


def test_without_the_package_it_says_what_to_install() -> None:
    done = run(WITHOUT.format(""), SENTRY_DSN="http://key@127.0.0.1:9/1")

    assert done.returncode == 1
    assert "pip install 'calendly-connector[sentry]'" in done.stderr


def test_without_an_address_the_package_is_not_needed() -> None:
    assert run(WITHOUT.format("print('ready')")).stdout == "ready\n"


def test_a_wrong_address_is_named_without_showing_it() -> None:
    done = run("import django; django.setup()", SENTRY_DSN="planted-no-address")

    assert done.returncode == 1
    assert "SENTRY_DSN is no address" in done.stderr.splitlines()[-1]
