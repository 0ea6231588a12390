"""What every test gets: no network beyond this machine, and a database that other processes can open too."""

import os
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from calendly_connector import masking
from calendly_connector.services import tally
from sandbox.app import Sandbox
from tests.flush import Emptier
from tests.network import loopback_only

LONGEST = {
    "test_histories.py",
    "test_crash.py",
    "test_backfill.py",
    "test_run.py",
    "test_thirty_hours.py",
    "test_roles.py",
    "test_refresh.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end one process would do it while the others have nothing left."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run with skipped tests in CI: there, everything that a test may need has been installed."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and terminal and terminal.stats.get("skipped") and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Refuse any connection beyond this machine for the whole run."""
    with loopback_only():
        yield


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Forget what the test before kept: open times, event types, counts that weren't written yet."""
    cache.clear()
    masking._remembered.clear()  # a word that one test uses as a secret would be hidden from the next
    tally._counted.clear()
    tally._told.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """Give each test process its own database: on SQLite a file, since threads and other processes share it."""
    names = connection.settings_dict
    if connection.vendor == "sqlite":
        names["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:
        names["TEST"]["NAME"] = f"test_{names['NAME']}_{worker_id}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Empty the database in our own, quicker way after tests that need real transactions."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        emptier = Emptier()
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptier.empty())
        yield


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Serve one sandbox for all tests of this process."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """Return the DATABASE_URL of this test's own database, for processes that the test starts."""
    names = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{names['NAME']}"
    who = f"{quote(names['USER'])}:{quote(names['PASSWORD'])}@" if names["USER"] else ""
    return f"postgres://{who}{names['HOST']}:{names['PORT']}/{names['NAME']}?{urlencode({'connect_timeout': 10})}"
