"""The webhook's door, with a signing key and nothing else configured."""

import pytest
from pytest_django.fixtures import Settings

from tests.web.door import KEY, Door


@pytest.fixture
def door(settings: Settings, db: None) -> Door:
    """Return a door to an installation that knows its signing key, but neither service."""
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = KEY
    return Door()
