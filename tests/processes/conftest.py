"""Real worker processes between the tests' own sandbox and a database that all of them open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from sandbox.app import Sandbox
from tests.journeys.river import River
from tests.processes.programs import Crew


@pytest.fixture
def river(settings: Settings, database_url: str) -> Iterator[River]:
    """Return a connected installation without a worker; its webhooks are held until the test delivers them."""
    with Sandbox() as sandbox:
        river = River(sandbox, settings)
        river.connect()
        yield river


@pytest.fixture
def crew(river: River, database_url: str, tmp_path: Path) -> Iterator[Crew]:
    """Return what starts workers for this river and ends them with the test."""
    crew = Crew(database_url, tmp_path)
    yield crew
    crew.dismiss()
