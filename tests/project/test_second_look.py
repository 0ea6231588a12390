"""The second look at tests that failed: alone, three times, few of them, and named whatever it finds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import checks, second_look

COUNT = """
import pathlib, sys
counter = pathlib.Path(sys.argv[1])
calls = [*counter.read_text().split(), "|".join(sys.argv[3:])]
counter.write_text(" ".join(calls))
sys.exit(len(calls) == int(sys.argv[2]))
"""
STARVED = """
def test_it():
    with open("tries", "a+") as tries:
        tries.write(".")
        assert tries.tell() > {fails}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_look, "BASE", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a bare pytest begins in a fifth of the time
    (tmp_path / "calls").write_text("")


def looked(tests: list[str], tmp_path: Path, *, failing: int) -> tuple[bool, list[str]]:
    """Look again with a command that fails at one of its calls; return the outcome and what was called with."""
    alone = (sys.executable, "-c", COUNT, str(tmp_path / "calls"), str(failing))
    return second_look.passes(alone, tests, {}), (tmp_path / "calls").read_text().split()


def test_what_passes_three_times_alone_was_starved(tmp_path: Path) -> None:
    assert looked(["a", "b"], tmp_path, failing=4) == (True, ["a|b"] * 3)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_what_fails_again_has_failed(failing: int, tmp_path: Path) -> None:
    assert looked(["a"], tmp_path, failing=failing) == (False, ["a"] * failing)


@pytest.mark.parametrize("tests", [[], ["a", "b", "c", "d"]])
def test_no_accident_is_a_run_that_broke_off_or_failed_in_many_places(tests: list[str], tmp_path: Path) -> None:
    assert looked(tests, tmp_path, failing=9) == (False, [])


def test_pytest_notes_what_failed_in_this_run_only(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"--rootdir={tmp_path}"]
    noted = []
    for failing in ("one", "two"):
        file.write_text(f"def test_one(): assert '{failing}' != 'one'\ndef test_two(): assert '{failing}' != 'two'\n")
        ended = subprocess.run([*command, file, *second_look.cache_options("sqlite")], cwd=tmp_path, check=False)
        noted.append((ended.returncode, second_look.failed_in("sqlite")))

    assert noted == [(1, ["test_it.py::test_one"]), (1, ["test_it.py::test_two"])]


def test_the_summary_names_it_and_ci_passes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = checks.Check(name="sqlite", run=())
    monkeypatch.setattr(second_look, "failed_in", lambda _name: ["tests/test_it.py::test_one"])

    assert checks.report([(check, "unsteady", 1.0)]) == 0
    assert checks.report([(check, "unsteady", 1.0), (check, "failed", 1.0)]) == 1
    assert "FAILED ONCE, then passed 3 times alone: tests/test_it.py::test_one" in capsys.readouterr().out


@pytest.mark.parametrize(("fails", "result"), [(0, "passed"), (1, "unsteady"), (2, "failed")])
def test_a_check_asks_again_by_itself(fails: int, result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "BASE", tmp_path)
    (tmp_path / "test_it.py").write_text(STARVED.format(fails=fails))
    pytest_there = (sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"--rootdir={tmp_path}")

    assert checks.ask(checks.Check(name="sqlite", run=pytest_there, alone=pytest_there)) == result
