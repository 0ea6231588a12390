"""Debug mode keeps what was said, without secrets and people, ends by itself, and never stands in anybody's way."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.http import Exchange
from calendly_connector.models import Connection, DebugRecord
from calendly_connector.services import connection as connections
from calendly_connector.services import debug, prune
from sandbox.calendly_webhooks import signature
from tests import payload_files
from tests.journeys.river import SIGNING_KEY, River

BODY = payload_files.raw("invitee.created__discovery_call")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation whose debug mode is on."""
    debug.switch(installation.connection, is_on=True)
    return installation


def exchange(**changes: object) -> Exchange:
    """Return a call to Brevo."""
    values: dict[str, object] = {
        "method": "POST",
        "address": "https://api.brevo.com/v3/contacts",
        "request_headers": {"api-key": "xkeysib-planted-0123456789"},
        "request_body": b'{"email": "nadia@example.com", "attributes": {"FIRSTNAME": "Nadia"}, "listIds": [4]}',
        "status": 201,
        "answer_headers": {"Content-Type": "application/json"},
        "answer_body": b'{"id": 5}',
        "milliseconds": 12,
    }
    return Exchange(**{**values, **changes})  # type: ignore[arg-type]


def directions() -> list[str]:
    return list(DebugRecord.objects.order_by("pk").values_list("direction", flat=True))


# -- Deliveries -------------------------------------------------------------------------------------------------


def test_a_delivery_is_kept_with_its_headers_and_without_anybody(river: River) -> None:
    river.post_body(BODY)

    row = DebugRecord.objects.get()
    assert (row.direction, row.method, row.address, row.status) == ("from_calendly", "POST", "/webhooks/calendly", 200)
    assert row.delivery == river.connection.deliveries.get()
    assert row.request_headers["Content-Type"] == "application/json"
    assert '"event": "invitee.created"' in row.request_body
    assert row.answer_body == '{"stored": true}'
    whole = f"{row.request_headers}{row.request_body}"
    assert [word for word in ("nadia", "Benali", "+336", "v1=0") if word.lower() in whole.lower()] == []


def test_a_connections_own_address_is_kept_without_what_lets_a_delivery_in(river: River) -> None:
    token = river.connection.webhook_token

    river.post_raw(BODY, signature(SIGNING_KEY, int(time.time()), BODY), path=f"/webhooks/calendly/{token}")

    assert token not in DebugRecord.objects.get().address


def test_a_delivery_costs_no_query_while_debug_mode_is_off(installation: River) -> None:
    installation.post_body(BODY)

    with CaptureQueriesContext(database) as queries:
        installation.post_body(BODY + b" ")

    assert len(queries) == 2  # the connection, and the delivery
    assert not DebugRecord.objects.exists()


def test_a_record_that_can_not_be_written_fails_no_delivery(
    river: River, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**values: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(DebugRecord.objects, "create", refuse)

    assert river.post_body(BODY) == 200
    assert river.connection.deliveries.count() == 1
    assert "A debug record could not be kept: DatabaseError" in caplog.text


# -- Calls ------------------------------------------------------------------------------------------------------


def test_calls_to_both_services_are_kept_with_what_came_back(river: River) -> None:
    connections.calendly_client(river.connection).get_me()
    connections.brevo_client(river.account).get_account()

    assert directions() == ["to_calendly", "to_brevo"]
    row = DebugRecord.objects.last()
    assert row
    assert (row.method, row.status) == ("GET", 200)
    assert row.address.endswith("/v3/account")
    assert '"organization_id"' in row.answer_body
    kept = "".join(f"{each.request_headers}{each.request_body}{each.answer_body}" for each in DebugRecord.objects.all())
    assert [word for word in ("sandbox-brevo-key", "sandbox-calendly-token", "camille") if word in kept.lower()] == []


def test_a_refusal_and_a_lost_answer_are_kept_too(river: River) -> None:
    client = connections.brevo_client(river.account)
    river.break_brevo("status", status=500)
    with pytest.raises(errors.Unavailable):
        client.upsert_contact("nadia@example.com", attributes={}, lists=())
    river.break_brevo("reset")

    with pytest.raises(errors.ApiError):
        client.upsert_contact("nadia@example.com", attributes={}, lists=())

    assert list(DebugRecord.objects.order_by("pk").values_list("status", flat=True)) == [500, None]


def test_no_call_is_kept_while_debug_mode_is_off(installation: River) -> None:
    connections.calendly_client(installation.connection).get_me()
    connections.brevo_client(installation.account).get_account()

    assert directions() == []


def test_an_accounts_calls_are_kept_for_its_connections_that_watch(river: River) -> None:
    second = connections.make_connection("Second", river.account)
    connections.make_connection("Not watching", river.account)
    debug.switch(second, is_on=True)

    connections.brevo_client(river.account).get_account()

    kept = DebugRecord.objects.order_by("connection").values_list("connection__name", flat=True)
    assert list(kept) == [river.connection.name, "Second"]


def test_it_ends_by_itself_even_for_a_client_in_use(installation: River) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        debug.switch(installation.connection, is_on=True)
        calendly = connections.calendly_client(installation.connection)
        brevo = connections.brevo_client(installation.account)
        clock.move_to(NOW + timedelta(hours=23, minutes=59))
        brevo.get_account()
        installation.post_body(BODY)
        clock.move_to(NOW + timedelta(hours=24))
        calendly.get_me()
        brevo.get_account()
        installation.post_body(BODY + b" ")

    assert directions() == ["to_brevo", "from_calendly"]


def test_it_can_be_ended(river: River) -> None:
    debug.switch(river.connection, is_on=False)

    connections.brevo_client(river.account).get_account()

    assert directions() == []


def test_a_record_that_can_not_be_written_fails_no_call(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    client = connections.brevo_client(river.account)
    monkeypatch.setattr(DebugRecord.objects, "create", lambda **values: 1 / 0)

    assert client.get_account().organization_id
    assert Connection.objects.exists()  # the transaction goes on


# -- What is stored ---------------------------------------------------------------------------------------------


def test_secrets_and_people_are_masked_before_anything_is_stored(river: River) -> None:
    body = b'{"email": "nadia@example.com", "note": "xkeysib-planted-0123456789", "listIds": [4]}'
    witness = debug.witness_for(debug.watched_by(river.connection), "to_brevo")
    assert witness

    witness(exchange(request_body=body))

    row = DebugRecord.objects.get()
    assert '"listIds": [4]' in row.request_body
    assert "nadia" not in row.request_body
    assert "planted" not in f"{row.request_body}{row.request_headers}"


def test_a_long_body_is_cut_after_it_was_masked(river: River) -> None:
    witness = debug.witness_for(debug.watched_by(river.connection), "to_brevo")
    assert witness

    witness(exchange(request_body=b'{"note": "' + b"x" * 50_000 + b'", "email": "nadia@example.com"}'))

    row = DebugRecord.objects.get()
    assert len(row.request_body) == debug.LONGEST_BODY
    assert row.request_body.startswith('{"note": "xxx')


def test_a_huge_body_is_only_counted(river: River) -> None:
    witness = debug.witness_for(debug.watched_by(river.connection), "to_brevo")
    assert witness

    witness(exchange(request_body=b"x" * 8_000_000))

    assert DebugRecord.objects.get().request_body == "‹8000000 bytes›"


@pytest.mark.parametrize("body", [b"\xff\x00\xfe", b"", b"[" * 60_000, b"x" * debug.LARGEST, b"1.2:+00 a@" * 100_000])
def test_any_body_can_be_kept(river: River, body: bytes) -> None:
    witness = debug.witness_for(debug.watched_by(river.connection), "to_brevo")
    assert witness

    witness(exchange(request_body=body, answer_body=body))

    assert DebugRecord.objects.count() == 1


def test_records_go_after_a_week(river: River) -> None:
    river.post_body(BODY)
    DebugRecord.objects.update(at=timezone.now() - timedelta(days=6, hours=23))
    prune.prune()
    assert DebugRecord.objects.exists()
    DebugRecord.objects.update(at=timezone.now() - timedelta(days=7, hours=1))

    said = prune.prune()

    assert "debug_records × 1" in said
    assert not DebugRecord.objects.exists()
