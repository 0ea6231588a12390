"""A token for every call: refreshed in time, by one, stored before it is used; and what becomes of a lost grant."""

import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.admin.connection import ConnectionAdmin
from calendly_connector.clients import errors
from calendly_connector.models import Connection, Job
from calendly_connector.services import connection as connections
from calendly_connector.services import grants, oauth, queue, setup, tokens
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from sandbox.calendly_world import PERSONAL_TOKEN
from sandbox.world import Fault
from tests import consent
from tests.journeys.river import River

TOKEN = "/oauth/token"


def connect_by_oauth(river: River, settings: Settings) -> Connection:
    """Return a connection of its own, connected with the button."""
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    made = connections.make_connection("Paris", river.connection.brevo_account)
    start = oauth.begin(made)
    oauth.finish(made, start.saved, consent.answer(start.url))
    river.sandbox.world.journal.clear()
    return Connection.objects.select_related("brevo_account").get(pk=made.pk)


@pytest.fixture
def paris(installation: River, settings: Settings) -> Connection:
    """Return a connection connected with the button."""
    return connect_by_oauth(installation, settings)


def expire(row: Connection, *, seconds: float = -1.0) -> None:
    """Let the stored token end in so many seconds."""
    Connection.objects.filter(pk=row.pk).update(token_expires_at=timezone.now() + timedelta(seconds=seconds))


def let_lease_run_out(row: Connection) -> None:
    Connection.objects.filter(pk=row.pk).update(refresh_lease_until=timezone.now() - timedelta(seconds=1))


def now(row: Connection) -> Connection:
    return Connection.objects.get(pk=row.pk)


def refreshes(river: River) -> int:
    """Return how often a token was asked for since the connection was made."""
    return len(river.sandbox.world.journal.calls("calendly", method="POST", template=TOKEN))


def break_tokens(river: River, kind: Any, **details: Any) -> None:
    river.sandbox.world.faults.add(Fault(provider="calendly", kind=kind, method="POST", path=TOKEN, **details))


# -- Where a token comes from -----------------------------------------------------------------------------------


def test_the_environments_connection_uses_the_environments_token_and_stores_none(installation: River) -> None:
    assert tokens.access_token(installation.connection) == PERSONAL_TOKEN
    assert now(installation.connection).access_token == ""


def test_a_stored_token_wins_over_the_environments(installation: River, settings: Settings) -> None:
    setup.save_calendly_token(installation.connection, PERSONAL_TOKEN)
    settings.CALENDLY_ACCESS_TOKEN = "another"

    assert tokens.access_token(installation.connection) == PERSONAL_TOKEN


def test_a_connection_without_a_token_says_what_to_do(installation: River, settings: Settings) -> None:
    other = connections.make_connection("Other", installation.connection.brevo_account)
    settings.CALENDLY_ACCESS_TOKEN = ""

    with pytest.raises(tokens.NotConfigured, match="button"):
        tokens.access_token(other)
    with pytest.raises(tokens.NotConfigured, match="CALENDLY_ACCESS_TOKEN"):
        tokens.access_token(installation.connection)


# -- Refreshing -------------------------------------------------------------------------------------------------


def test_a_token_that_is_good_for_long_is_left_alone(installation: River, paris: Connection) -> None:
    assert tokens.access_token(paris) == paris.access_token
    assert refreshes(installation) == 0


def test_a_token_is_refreshed_ahead_of_its_end_and_the_pair_is_stored(installation: River, paris: Connection) -> None:
    expire(paris, seconds=200)

    token = tokens.access_token(paris)

    row = now(paris)
    assert token == row.access_token != paris.access_token
    assert row.refresh_token != paris.refresh_token
    assert grants.lasts(row, timedelta(minutes=90))
    assert row.refresh_lease_until is None
    assert connections.calendly_client(paris).get_me().name == "Camille Durand"
    assert refreshes(installation) == 1


def test_a_token_that_ends_soon_serves_while_somebody_refreshes_it(installation: River, paris: Connection) -> None:
    expire(paris, seconds=100)
    assert grants.take_lease(paris.pk)

    assert tokens.access_token(paris) == paris.access_token
    assert refreshes(installation) == 0


@pytest.mark.parametrize("kind", ["status", "reset"])
def test_a_token_that_ends_soon_serves_while_calendly_is_in_trouble(
    installation: River, paris: Connection, kind: str
) -> None:
    expire(paris, seconds=100)
    break_tokens(installation, kind, **({"status": 503} if kind == "status" else {}))

    assert tokens.access_token(paris) == paris.access_token


def test_the_schedule_refreshes_what_ends_within_half_an_hour(installation: River, paris: Connection) -> None:
    expire(paris, seconds=1700)

    assert tokens.refresh_due() == "Tokens refreshed: 1."
    assert tokens.refresh_due() == "Tokens refreshed: 0."
    assert refreshes(installation) == 1


def test_the_schedule_tells_whose_refresh_failed(installation: River, paris: Connection) -> None:
    expire(paris)
    break_tokens(installation, "status", status=503)

    assert tokens.refresh_due().startswith("Tokens refreshed: 0. Paris: Calendly")


def test_two_threads_make_one_refresh(
    transactional_db: None, running_sandbox: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    river = River(running_sandbox, settings)
    river.connection = connections.environment_connection()
    paris = connect_by_oauth(river, settings)
    expire(paris)
    break_tokens(river, "slow", seconds=0.3)
    together, found = threading.Barrier(4), []

    def ask() -> None:
        try:
            together.wait()
            found.append(tokens.access_token(paris))
        finally:
            database.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert set(found) == {now(paris).access_token}
    assert refreshes(river) == 1


def test_who_waits_too_long_is_told_that_nothing_was_sent(paris: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "PATIENCE", 0.1)
    expire(paris)
    assert grants.take_lease(paris.pk)

    with pytest.raises(errors.Unreachable, match="another process"):
        tokens.access_token(paris)


def test_a_lease_that_ran_out_is_taken_over(installation: River, paris: Connection) -> None:
    expire(paris)
    assert grants.take_lease(paris.pk)
    let_lease_run_out(paris)

    assert tokens.access_token(paris) == now(paris).access_token
    assert refreshes(installation) == 1


def test_a_lease_is_let_go_by_its_holder_only(paris: Connection) -> None:
    assert grants.take_lease(paris.pk)
    mine = grants.read(paris.pk)
    let_lease_run_out(paris)
    assert grants.take_lease(paris.pk)

    grants.release(mine)

    assert not grants.take_lease(paris.pk)


def test_the_lease_outlives_the_longest_refresh() -> None:
    assert grants.LEASE.total_seconds() > 2 * 20.0  # CalendlyOAuth's time-out, to connect and to read


# -- 401 --------------------------------------------------------------------------------------------------------


def test_a_rejected_token_is_refreshed_and_the_call_made_once_more(installation: River, paris: Connection) -> None:
    client = connections.calendly_client(paris)
    del installation.calendly.state.tokens[paris.access_token]

    assert client.get_me().name == "Camille Durand"
    assert client.get_me().name == "Camille Durand"
    assert refreshes(installation) == 1


def test_a_call_is_repeated_once_only(installation: River, paris: Connection) -> None:
    installation.break_calendly("status", "/users/me", status=401, times=5)

    with pytest.raises(errors.Unauthorized):
        connections.calendly_client(paris).get_me()

    assert len(installation.sandbox.world.journal.calls("calendly", template="/users/me")) == 2
    assert refreshes(installation) == 1


def test_a_token_that_somebody_refreshed_meanwhile_is_not_refreshed_again(
    installation: River, paris: Connection
) -> None:
    fresh = tokens.refresh_now(paris, rejected=paris.access_token)

    assert tokens.refresh_now(paris, rejected=paris.access_token) == fresh
    assert refreshes(installation) == 1


def test_a_client_in_hand_goes_on_over_a_rotation(installation: River, paris: Connection) -> None:
    client = connections.calendly_client(paris)
    old = paris.access_token
    tokens.refresh_now(paris, rejected=old)
    del installation.calendly.state.tokens[old]
    installation.sandbox.world.journal.clear()

    assert client.get_me().name == "Camille Durand"
    assert refreshes(installation) == 0


def test_a_rejected_personal_token_stops_the_work_until_calendly_accepts_one(
    installation: River, settings: Settings
) -> None:
    setup.check(installation.connection)
    settings.CALENDLY_ACCESS_TOKEN = "deleted"
    client = connections.calendly_client(installation.connection)

    with pytest.raises(tokens.ReconnectNeeded, match="CALENDLY_ACCESS_TOKEN"):
        client.get_me()

    row = now(installation.connection)
    assert (row.state, "401" in row.state_reason) == ("reconnect", True)
    with pytest.raises(tokens.ReconnectNeeded):
        tokens.access_token(row)
    assert tokens.refresh_due() == "Tokens refreshed: 0."

    settings.CALENDLY_ACCESS_TOKEN = PERSONAL_TOKEN

    assert "accepts the token again" in tokens.refresh_due()
    assert tokens.access_token(row) == PERSONAL_TOKEN


def test_a_token_put_in_meanwhile_is_used_instead_of_the_rejected_one(installation: River) -> None:
    setup.save_calendly_token(installation.connection, PERSONAL_TOKEN)

    assert tokens.refresh_now(installation.connection, rejected="the former one") == PERSONAL_TOKEN
    assert now(installation.connection).state == "connected"


# -- When a refresh goes wrong ----------------------------------------------------------------------------------


def test_a_lost_grant_asks_staff_to_connect_again_and_never_loops(installation: River, paris: Connection) -> None:
    expire(paris)
    del installation.calendly.state.tokens[paris.refresh_token]

    for _ in range(3):
        with pytest.raises(tokens.ReconnectNeeded, match="Connect with Calendly"):
            tokens.access_token(paris)

    row = now(paris)
    assert (row.state, row.access_token, row.refresh_token) == ("reconnect", "", "")
    assert "Connect with Calendly" in row.state_reason
    assert refreshes(installation) == 1


def test_work_waits_for_a_dead_connection_without_burning_its_tries(
    installation: River, paris: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire(paris)
    del installation.calendly.state.tokens[paris.refresh_token]
    queue.enqueue("ask", paris.pk)
    task = tasks.Task(run=lambda job: connections.calendly_client(paris).get_me().name)
    worker = Worker({"ask": task}, concurrency=1, bell=Bell())

    for _ in range(queue.MAX_FAILURES + 5):
        Job.objects.update(run_after=timezone.now())
        worker.drain()

    job = Job.objects.get(kind="ask")
    assert (job.state, job.failures) == ("ready", 0)
    assert "Connect with Calendly" in job.last_error


def test_a_renewal_that_does_not_tell_the_scopes_leaves_them_as_they_are(
    installation: River, paris: Connection
) -> None:
    body = {"token_type": "Bearer", "access_token": "a", "refresh_token": "b", "created_at": 1, "expires_in": 7200}
    installation.break_calendly("status", TOKEN, status=200, body=body)
    expire(paris)

    assert tokens.access_token(paris) == "a"
    row = Connection.objects.get(pk=paris.pk)
    assert (row.scopes, row.refresh_token) == (paris.scopes, "b")
    assert paris.scopes


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_in_no_known_form_is_a_lost_answer(installation: River, paris: Connection, status: int) -> None:
    """It was sent, and may have spent the token: nobody may try at once, as if nothing had been sent."""
    installation.break_calendly("status", TOKEN, status=status, body="<html>no</html>")
    expire(paris)

    with pytest.raises(errors.BadAnswer, match=f"answered {status} with something that is no JSON"):
        tokens.access_token(paris)

    assert Connection.objects.get(pk=paris.pk).state_reason.startswith(tokens.LOST_ANSWER)


def test_a_lost_answer_is_told_and_tried_again_once_the_pause_is_over(installation: River, paris: Connection) -> None:
    expire(paris)
    break_tokens(installation, "reset")

    with pytest.raises(errors.AnswerLost):
        tokens.access_token(paris)

    row = now(paris)
    assert (row.state, "got lost" in row.state_reason) == ("connected", True)
    with pytest.raises(errors.Unreachable):  # not before the pause is over
        tokens.access_token(paris)
    assert refreshes(installation) <= 1

    let_lease_run_out(paris)

    assert tokens.access_token(paris) == now(paris).access_token  # it had not reached Calendly
    assert now(paris).state_reason == ""


def test_a_lost_answer_to_a_spent_token_is_explained(installation: River, paris: Connection) -> None:
    expire(paris)
    break_tokens(installation, "commit_then_reset")
    with pytest.raises(errors.AnswerLost):
        tokens.access_token(paris)
    let_lease_run_out(paris)

    with pytest.raises(tokens.ReconnectNeeded, match="got lost on its way"):
        tokens.access_token(paris)

    assert now(paris).state == "reconnect"


def test_calendlys_own_limit_of_tokens_is_waited_for(installation: River, paris: Connection) -> None:
    expire(paris)
    break_tokens(installation, "status", status=429)

    with pytest.raises(errors.RateLimited):
        tokens.access_token(paris)

    assert now(paris).state == "connected"
    assert now(paris).refresh_token == paris.refresh_token


def test_an_application_that_calendly_does_not_know_keeps_the_tokens(
    installation: River, paris: Connection, settings: Settings
) -> None:
    expire(paris)
    settings.CALENDLY_CLIENT_SECRET = "wrong"

    with pytest.raises(tokens.ReconnectNeeded, match="CALENDLY_CLIENT_SECRET"):
        tokens.access_token(paris)

    assert now(paris).state == "reconnect"
    consent.use_application(settings)
    let_lease_run_out(paris)
    assert tokens.refresh_due() == "Tokens refreshed: 1."
    assert now(paris).state == "connected"


def test_an_unreachable_calendly_costs_nothing(installation: River, paris: Connection, settings: Settings) -> None:
    expire(paris)
    settings.CALENDLY_AUTH_URL = "http://127.0.0.1:9"

    with pytest.raises(errors.Unreachable):
        tokens.access_token(paris)

    settings.CALENDLY_AUTH_URL = installation.sandbox.url
    assert tokens.access_token(paris) == now(paris).access_token


def test_a_slow_refresh_does_not_overwrite_a_new_connection(
    installation: River, paris: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the answer is on its way, staff connect anew: theirs counts."""
    expire(paris)
    original = tokens.application().refresh

    class Slow:
        def refresh(self, token: str) -> Any:
            found = original(token)
            grants.replace(paris.pk, token, {"access_token": "newer", "refresh_token": "newer still"})
            return found

    monkeypatch.setattr(tokens, "application", Slow)

    assert tokens.access_token(paris) == "newer"
    assert now(paris).refresh_token == "newer still"


def test_a_rotation_of_keys_in_between_does_not_lose_the_pair(installation: River, paris: Connection) -> None:
    row = now(paris)
    row.save()  # the same secret, another ciphertext

    assert grants.replace(paris.pk, paris.refresh_token, {"refresh_token": "next"})
    assert not grants.replace(paris.pk, paris.refresh_token, {"refresh_token": "another"})
    assert now(paris).refresh_token == "next"


def test_the_clients_of_a_thread_do_not_pile_up(installation: River, settings: Settings) -> None:
    for number in range(connections.MOST_CLIENTS + 10):
        settings.BREVO_API_KEY = f"key-{number}"
        connections.brevo_client(installation.connection.brevo_account)

    assert len(connections._ready.clients) == connections.MOST_CLIENTS


def test_saving_a_connections_page_never_puts_back_a_spent_token(installation: River, paris: Connection) -> None:
    page = ConnectionAdmin(Connection, admin.site)
    stale = now(paris)
    fresh = tokens.refresh_now(paris, rejected=paris.access_token)
    stale.name = "Paris, rue de la Paix"

    page.save_model(RequestFactory().post("/"), stale, SimpleNamespace(changed_data=["name"]), change=True)

    assert (now(paris).name, now(paris).access_token) == ("Paris, rue de la Paix", fresh)
