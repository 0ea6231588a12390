"""Books as several visitors at once: `<connection> <event type> <name> <start>…`, a visitor for each start.

Run by `test_booking_rush.py` as a process of its own; begins when a line comes in, prints what each visitor hears.
"""

import json
import sys
import threading
from datetime import datetime

import django

django.setup()

from django.db import connection as database  # noqa: E402 - Django first

from calendly_connector.clients.calendly_scheduling import Place, Wish  # noqa: E402
from calendly_connector.models import Connection  # noqa: E402
from calendly_connector.services import scheduling  # noqa: E402


def main(pk: int, event_type: str, name: str, starts: list[str]) -> None:
    """Book each start in a thread of its own."""
    connection = Connection.objects.select_related("brevo_account").get(pk=pk)
    heard: list[dict[str, str]] = []

    def visit(number: int, start: str) -> None:
        wish = Wish(
            event_type=event_type,
            start_at=datetime.fromisoformat(start),
            email=f"{name}{number}@example.com",
            timezone="Europe/Copenhagen",
            name=f"{name} {number}",
            place=Place(kind="google_conference", text=""),
        )
        outcome = scheduling.book(connection, wish, key=f"{name}-{number}-{start}")
        heard.append({"state": str(outcome.state), "words": outcome.words, "fallback": outcome.fallback_url})
        database.close()

    visitors = [threading.Thread(target=visit, args=each) for each in enumerate(starts)]
    print("ready", flush=True)
    sys.stdin.readline()
    for each in visitors:
        each.start()
    for each in visitors:
        each.join()
    print(json.dumps(heard))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
