"""The river under test: a signed webhook in at one end, the sandbox's Brevo at the other."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.services import catalogue, limits
from sandbox.app import Sandbox
from tests.journeys.river import River


@pytest.fixture
def river(
    running_sandbox: Sandbox, settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[River]:
    """Return a connected installation whose webhooks are held until the test delivers them."""
    monkeypatch.setattr(catalogue, "_unreadable", {})  # what a process remembers, it would remember for the next test
    monkeypatch.setattr(limits, "_paces", {})
    river = River(running_sandbox, settings)
    river.connect()
    running_sandbox.world.journal.clear()
    yield river
    running_sandbox.reset()
