"""Asks for a connection's token again and again, each time as if it had just expired: `<connection> <stop file>`.

Run by `test_refresh.py` as a process of its own; ends with status 1 and the error when a token isn't to be had.
"""

import sys
from datetime import timedelta
from pathlib import Path

import django
from django.utils import timezone

django.setup()

from calendly_connector.models import Connection  # noqa: E402 - Django first
from calendly_connector.services import tokens  # noqa: E402


def main(pk: int, stop: Path) -> None:
    """Work until the file is there."""
    connection = Connection.objects.get(pk=pk)
    count = 0
    while not stop.exists():
        Connection.objects.filter(pk=pk).update(token_expires_at=timezone.now() - timedelta(seconds=1))
        assert tokens.access_token(connection)
        count += 1
    print(count)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
