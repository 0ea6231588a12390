"""Known holes, none known, and nobody asked are three different ends; the last never counts as passed."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import audit, checks
from tests.web_process import free_address

HOLE = {"id": "PYSEC-0000-1", "aliases": ["CVE-0000-1"], "fix_versions": ["5.2.2"]}
LOCK = "\n".join(f"{pin} --hash=sha256:{'0' * 64}" for pin in ("django==5.2.1", "urllib3==2.5.0"))


def report(*packages: dict[str, Any]) -> str:
    """Return what pip-audit prints with --format json."""
    return json.dumps({"dependencies": packages, "fixes": []})


# -- The report ------------------------------------------------------------------------------------------------------


def test_nothing_known_is_nothing_wrong() -> None:
    assert audit.judge(report({"name": "django", "version": "5.2.2", "vulns": []}), "No known holes") == []


def test_a_hole_is_named_with_its_remedy() -> None:
    [line] = audit.judge(report({"name": "django", "version": "5.2.1", "vulns": [HOLE]}), "Found 1")

    assert line == "django 5.2.1: PYSEC-0000-1 (CVE-0000-1), mended in 5.2.2"


def test_a_package_that_alone_is_unknown_is_wrong() -> None:
    known = {"name": "django", "version": "5.2.2", "vulns": []}

    assert audit.judge(report(known, {"name": "gone", "skip_reason": "not found"}), "") == ["gone: not found"]


def test_an_index_that_knows_none_was_not_asked() -> None:
    with pytest.raises(audit.NotReached, match="knows none of the 1 packages"):
        audit.judge(report({"name": "django", "skip_reason": "Dependency not found on PyPI"}), "")


def test_pip_audit_that_breaks_for_another_reason_is_a_failure() -> None:
    assert audit.judge("", "ERROR:pip_audit._cli:requirement file lacks a hash") == [
        "pip-audit failed: ERROR:pip_audit._cli:requirement file lacks a hash"
    ]
    assert audit.judge("", "") == ["pip-audit failed: pip-audit said nothing"]


# -- pip-audit itself, and a database on this machine ----------------------------------------------------------------


@pytest.fixture
def osv() -> Iterator[tuple[str, dict[str, Any]]]:
    """Run a database in the form of OSV; return its address, and what it knows: package → advisory, to be filled."""
    known: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = known.get(asked["package"]["name"])
            if answer == 503:
                return self.send_error(503)
            body = json.dumps({"vulns": [answer]} if answer else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query", known
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., list[str]]:
    """Return an audit of a small lock file by the databases at some addresses."""
    lock = tmp_path / "some.lock"
    lock.write_text(LOCK, encoding="utf-8")
    return lambda *urls: audit.audit([lock], [("--vulnerability-service", "osv", "--osv-url", url) for url in urls])


ADVISORY = {
    "id": "PYSEC-0000-2",
    "aliases": ["CVE-0000-2"],
    "affected": [
        {
            "package": {"name": "urllib3", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.5.1"}]}],
        }
    ],
}


def test_a_pinned_package_with_a_hole_fails(osv: tuple[str, dict[str, Any]], ask: Callable[..., list[str]]) -> None:
    url, known = osv
    assert ask(url) == []

    known["urllib3"] = ADVISORY

    assert ask(url) == ["urllib3 2.5.0: PYSEC-0000-2 (CVE-0000-2), mended in 2.5.1"]


def test_another_database_is_asked_when_the_first_is_away(
    osv: tuple[str, dict[str, Any]], ask: Callable[..., list[str]]
) -> None:
    url, known = osv
    known["urllib3"] = ADVISORY

    assert len(ask(f"{free_address()}/v1/query", url)) == 1


def test_a_database_that_is_away_or_broken_was_not_asked(
    osv: tuple[str, dict[str, Any]], ask: Callable[..., list[str]]
) -> None:
    url, known = osv
    known["django"] = 503

    with pytest.raises(audit.NotReached, match=r"ConnectionError.*; .*ServiceError"):
        ask(f"{free_address()}/v1/query", url)


# -- The summary -----------------------------------------------------------------------------------------------------


def away() -> list[str]:
    """Stand in for an audit without a network."""
    raise audit.NotReached("nobody there")


@pytest.mark.parametrize("is_ci", [True, False])
@pytest.mark.parametrize(
    ("run", "status", "told"),
    [
        (list, 0, "checks: 1 passed, 0 failed, 0 skipped"),
        (lambda: ["django 5.2.1: a hole"], 1, "checks: 0 passed, 1 failed, 0 skipped"),
        (away, 0, "checks: 0 passed, 0 failed, 1 skipped"),
    ],
)
def test_what_was_not_asked_is_neither_passed_nor_failed(
    run: Callable[[], list[str]], status: int, told: str, is_ci: bool,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(checks, "CI", is_ci)
    monkeypatch.setattr(checks, "CHECKS", (checks.Check(name="audit", run=run),))

    assert checks.main(["audit"]) == status

    said = capsys.readouterr().out
    assert told in said
    assert ("NOT RUN" in said) == ("NOT checked" in said) == (run is away)


def test_a_skipped_part_still_fails_ci(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    part = checks.Check(name="browser", run=list, needs="chromium")
    monkeypatch.setattr(checks, "CI", True)

    assert checks.report([(part, "skipped", 0.0)]) == 1
    assert "NOT RUN: the tests in a browser" in capsys.readouterr().out


def test_every_lock_file_is_audited() -> None:
    assert {path.name for path in audit.LOCKS} == {
        path.name for path in checks.tracked_files() if path.suffix == ".lock"
    }
    assert any(check.run is audit.audit for check in checks.CHECKS)
