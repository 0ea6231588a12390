"""Can Calendly reach us? The words for everything that may stand in its way."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_django.fixtures import Settings

from calendly_connector.clients import callback, errors
from calendly_connector.clients.callback import CallbackFailed, Problem
from calendly_connector.models import Connection, WebhookDelivery
from calendly_connector.services import subscription
from calendly_connector.services.connection import environment_connection
from tests.clients.odd_server import Odd, answer, closed_port, odd_server
from tests.journeys.listener import Listener

KEY = "a-signing-key-for-tests-0123456789"


@pytest.fixture
def listener(transactional_db: None, settings: Settings) -> Iterator[Listener]:
    """Return a receiver that listens at PUBLIC_URL."""
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = KEY
    listener = Listener()
    settings.PUBLIC_URL = listener.url
    yield listener
    listener.switch_off()


@pytest.fixture
def lonely(db: None, settings: Settings) -> Connection:
    """Return a connection with a key."""
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = KEY
    return environment_connection()


def test_a_delivery_that_arrives_says_so_and_leaves_no_trace(listener: Listener) -> None:
    found = subscription.test_loop_back(environment_connection())

    assert found.is_reached
    assert "Calendly can reach us" in found.words
    assert not WebhookDelivery.objects.exists()


def test_a_connection_of_its_own_is_reached_at_its_own_address(listener: Listener) -> None:
    account = environment_connection().brevo_account
    own = Connection.objects.create(name="Second", brevo_account=account, signing_key=KEY[::-1])

    found = subscription.test_loop_back(own)

    assert found.is_reached
    assert own.webhook_token in found.words


def test_a_receiver_with_another_key_is_a_403_with_its_reasons(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "signature", SimpleNamespace(sign=lambda body, *, stamp, key: "0" * 64))

    found = subscription.test_loop_back(environment_connection())

    assert not found.is_reached
    assert "403" in found.words
    assert "signing key" in found.words


def test_a_receiver_that_is_switched_off(listener: Listener) -> None:
    listener.switch_off()

    found = subscription.test_loop_back(environment_connection())

    assert not found.is_reached
    assert "can't be connected to" in found.words


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(301, location="https://www.example.com/webhooks/calendly/"), "redirects to https://www.example.com/"),
        (answer(302), "redirects to nowhere"),
        (answer(403), "answered 403"),
        (answer(404), "answered 404"),
        (answer(502), "answered 502"),
        (answer(200), "another installation"),
        (Odd.RESET, "can't be connected to"),
    ],
)
def test_words_for_every_answer(lonely: Connection, settings: Settings, told: bytes | Odd, words: str) -> None:
    with odd_server(told) as server:
        settings.PUBLIC_URL = server.url
        found = subscription.test_loop_back(lonely)

    assert not found.is_reached
    assert words in found.words
    assert len(server.requests) == 1


def test_words_for_no_answer_in_time(lonely: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "READ_SECONDS", 0.2)
    with odd_server(Odd.SILENCE) as server:
        settings.PUBLIC_URL = server.url
        found = subscription.test_loop_back(lonely)

    assert "15 seconds" in found.words


def test_a_certificate_of_ones_own_is_told_apart(lonely: Connection, settings: Settings, tmp_path: Path) -> None:
    with _self_signed(tmp_path) as port:
        settings.PUBLIC_URL = f"https://127.0.0.1:{port}"
        found = subscription.test_loop_back(lonely)

    assert "certificate" in found.words


@contextmanager
def _self_signed(folder: Path) -> Iterator[int]:
    """Yield the port of a TLS server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "both.pem").write_bytes(secret + built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_shake_hands, args=(listener, context), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(5)


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        context.wrap_socket(connection, server_side=True).close()


def test_a_name_that_is_not_found_is_told_apart(
    lonely: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    settings.PUBLIC_URL = "https://sync.example.invalid"

    assert "host name that can't be found" in subscription.test_loop_back(lonely).words


def test_without_https_nothing_is_posted(lonely: Connection, settings: Settings) -> None:
    settings.PUBLIC_URL = "http://sync.example.com"

    assert "isn't https" in subscription.test_loop_back(lonely).words


def test_without_a_key_nothing_is_posted(lonely: Connection, settings: Settings) -> None:
    settings.CALENDLY_WEBHOOK_SIGNING_KEY = ""

    assert "no signing key" in subscription.test_loop_back(lonely).words


def test_every_problem_has_its_words() -> None:
    for problem in Problem:
        words = subscription.words_for_problem(CallbackFailed(problem, "404"), "https://a.example/x")
        assert words.startswith("https://a.example/x ")


def test_nobody_there_is_refused() -> None:
    with pytest.raises(CallbackFailed) as failed:
        callback.post(f"http://127.0.0.1:{closed_port()}/", body=b"", signature="")

    assert failed.value.problem is Problem.REFUSED


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.Unauthorized("401"), "connect it again"),
        (errors.Forbidden("403", body={"required_scopes": ["webhooks:write"]}), "lacks the scope webhooks:write"),
        (errors.Forbidden("Please upgrade to a paid Calendly account."), "plan"),
        (errors.Forbidden("You do not have permission to access this resource."), "owner or admin"),
        (errors.Refused("Hook with this url already exists", status=409), "already posts to our address"),
        (errors.Unreachable("no connection"), "tried again"),
        (errors.Refused("Invalid Argument", status=400), "Invalid Argument"),
    ],
)
def test_refusals_are_told_in_staffs_words(error: errors.ApiError, words: str) -> None:
    assert words in subscription.words_for(error)
