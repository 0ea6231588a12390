"""Members of staff, by what they may do."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from calendly_connector.models import Connection
from tests.admin.rows import make_connection
from tests.journeys.conftest import river

__all__ = ["river"]  # the sandbox, for what asks the two services


@pytest.fixture
def connection(db: None) -> Connection:
    """Return a connection configured by environment."""
    return make_connection()


@pytest.fixture
def log_in(db: None) -> Callable[..., Client]:
    """Return a function that logs in a member of staff with some permissions only, such as "view_booking"."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create_user("some", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def staff(db: None) -> Client:
    """Return a member of staff who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("anna"))
    return client
