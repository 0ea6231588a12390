"""Looks again, alone and three times, at the few tests that failed in a run of thousands.

Many of them start servers, workers and browsers, two at a time on however few processors there are, for most of an
hour. A fault shows again; a test that was merely starved doesn't. Either way the run's summary names it: whoever reads
the name twice has a test, or a race, to mend. More than a few failures are no accident, and are left as they are.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
AT_MOST, TIMES = 3, 3


def cache_options(name: str) -> tuple[str, ...]:
    """Return what makes pytest note failures for this check alone, and forget those of an earlier run."""
    return ("-o", f"cache_dir={_cache(name)}", "--cache-clear")


def failed_in(name: str) -> list[str]:
    """Return the tests that failed in a check's run, as pytest names them."""
    noted = _cache(name) / "v" / "cache" / "lastfailed"
    return sorted(json.loads(noted.read_text())) if noted.is_file() else []


def passes(alone: Sequence[str], tests: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run some tests again, nothing beside them; return whether they passed every time. False if there are many."""
    if not 0 < len(tests) <= AT_MOST:
        return False
    print(f"\nAgain, alone, {TIMES} times: {', '.join(tests)}", flush=True)
    return all(_passes(alone, tests, environment) for _ in range(TIMES))


def _passes(alone: Sequence[str], tests: Sequence[str], environment: Mapping[str, str]) -> bool:
    done = subprocess.run([*alone, *tests], cwd=BASE, env=environment, stdin=subprocess.DEVNULL, check=False)
    return not done.returncode


def _cache(name: str) -> Path:
    return BASE / ".pytest_cache" / name
