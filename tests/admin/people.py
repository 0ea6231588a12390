"""Members of staff in one of the three roles."""

from django.contrib.auth.models import Group, User
from django.test import Client

from calendly_connector.services import roles


def make_member(role: str, name: str = "vera") -> User:
    """Return a member of staff who is in one role only; the password is the one that tests.browser logs in with."""
    roles.make_groups()  # a test that commits starts with emptied tables
    user = User.objects.create_user(name, password="a password", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    return user


def client_of(role: str) -> Client:
    """Return the browser of such a member, logged in."""
    client = Client()
    client.force_login(make_member(role))
    return client
