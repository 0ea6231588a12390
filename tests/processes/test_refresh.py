"""Two real processes and one rotating refresh token: a thousand refreshes, and the connection lives."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings as configured
from pytest_django.fixtures import Settings

from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import oauth, tokens
from tests import consent
from tests.journeys.river import River
from tests.processes.programs import BASE, wait_for

REFRESHES = 1000
PASSED_ON = (
    "CALENDLY_API_URL", "CALENDLY_AUTH_URL", "CALENDLY_CLIENT_ID", "CALENDLY_CLIENT_SECRET", "PUBLIC_URL",
)  # fmt: skip


def test_two_processes_refresh_a_thousand_times_and_never_spend_a_token_twice(
    river: River, settings: Settings, database_url: str, tmp_path: Path
) -> None:
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    paris = connections.make_connection("Paris", river.account)
    start = oauth.begin(paris)
    oauth.finish(paris, start.saved, consent.answer(start.url))
    river.sandbox.world.journal.clear()
    stop = tmp_path / "stop"

    asking = [ask(paris, stop, database_url) for _ in range(2)]
    wait_for(lambda: refreshes(river)[0] >= REFRESHES or any(each.poll() is not None for each in asking))
    stop.touch()
    outputs = [each.communicate(timeout=60)[0] for each in asking]

    assert [each.returncode for each in asking] == [0, 0], outputs
    assert all(int(output.split()[-1]) > REFRESHES // 10 for output in outputs)  # both had their share
    count, statuses = refreshes(river)
    assert count >= REFRESHES
    assert statuses == {200}
    row = Connection.objects.get(pk=paris.pk)
    assert (row.state, row.state_reason, row.refresh_lease_until) == ("connected", "", None)
    assert tokens.refresh_now(paris, rejected=row.access_token)  # the last pair stored is the one that counts


def refreshes(river: River) -> tuple[int, set[int]]:
    """Return how many refreshes Calendly has seen, and with which statuses it answered them."""
    calls = river.sandbox.world.journal.calls("calendly", method="POST", template="/oauth/token")
    return len(calls), {call.status for call in calls}


def ask(row: Connection, stop: Path, database_url: str) -> "subprocess.Popen[str]":
    """Start a process that asks for the connection's token until it is stopped."""
    environment = {
        **os.environ,
        **{name: str(getattr(configured, name)) for name in PASSED_ON},
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(BASE),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.processes.refresher", str(row.pk), str(stop)],
        cwd=BASE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
