"""A running sandbox for the clients, and the clients."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.calendly import CalendlyClient
from sandbox.app import Sandbox

BREVO_KEY, CALENDLY_TOKEN = "sandbox-brevo-key", "sandbox-calendly-token"


@dataclass
class Observed:
    """The buckets of the answers that a Brevo client told its observer about, and the last answer's headers."""

    buckets: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_running_sandbox: Sandbox) -> Sandbox:
    """Return a fresh sandbox with Brevo's limits off and imports done at once."""
    _running_sandbox.reset()
    _running_sandbox.brevo.limits.enabled = False
    _running_sandbox.brevo.settings.import_seconds = 0.0
    return _running_sandbox


@pytest.fixture
def observed() -> Observed:
    """Return what the Brevo client's observer was told."""
    return Observed()


@pytest.fixture
def brevo(sandbox: Sandbox, observed: Observed) -> BrevoClient:
    """Return a client of the sandbox's Brevo."""

    def observe(bucket: str, headers: Mapping[str, str]) -> None:
        observed.buckets.append(bucket)
        observed.headers = dict(headers)

    return BrevoClient(api_key=BREVO_KEY, base_url=f"{sandbox.url}/v3", observe=observe)


@pytest.fixture
def calendly(sandbox: Sandbox) -> CalendlyClient:
    """Return a client of the sandbox's Calendly."""
    return CalendlyClient(token=CALENDLY_TOKEN, base_url=sandbox.url)
