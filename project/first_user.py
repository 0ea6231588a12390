"""Makes the first staff user: `python -m project.first_user`. Prints the new password once; it is kept nowhere."""

import os
import secrets
import sys

import django
from django.contrib.auth import get_user_model

NAME = "admin"


def make_first_user() -> str:
    """Make a superuser when there is none, and return its password; else return an empty text."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return ""
    password = secrets.token_urlsafe(12)
    user, _ = users.get_or_create(username=NAME)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    return password


def main() -> int:
    """Print the password of the user that was made, or nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    print(make_first_user(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
