"""Services against a real database, and a sandbox for those that call out."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.models import Connection
from calendly_connector.services import limits
from calendly_connector.services.connection import environment_connection
from sandbox.app import Sandbox
from tests.journeys.river import River


@pytest.fixture
def installation(
    running_sandbox: Sandbox, settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[River]:
    """Return an installation whose credentials are set and that has not asked either service anything yet."""
    monkeypatch.setattr(limits, "_paces", {})
    river = River(running_sandbox, settings)
    river.connection = environment_connection()
    yield river
    running_sandbox.reset()


@pytest.fixture
def connection(db: None) -> Connection:
    """Return the connection of the environment."""
    return environment_connection()
