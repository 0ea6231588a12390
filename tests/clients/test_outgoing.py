"""Messages to the outside never reach a network of our own, whatever the address says or its name becomes."""

import ssl
from typing import Any

import pytest
import urllib3

from calendly_connector.clients import outgoing
from tests.clients.odd_server import answer, closed_port, odd_server

PLAYED = "127.0.0.1"


def resolve_to(*found: str) -> outgoing.Resolve:
    """Return a look-up that always finds these addresses."""
    return lambda host, port: list(found)


@pytest.mark.parametrize(
    "found",
    [
        *(["127.0.0.1"], ["10.0.0.5"], ["192.168.1.1"], ["169.254.169.254"], ["fd00:ec2::254"], ["::1"], ["fe80::1"]),
        *(["::ffff:10.0.0.5"], ["224.0.0.1"], ["0.0.0.0"], ["100.100.100.200"], ["8.8.8.8", "10.0.0.5"], []),
    ],
)
def test_a_name_that_stands_for_a_private_address_is_refused(found: list[str]) -> None:
    with pytest.raises(outgoing.NotAllowed):
        outgoing.post_json("https://chat.example.com/hook", {"text": "x"}, resolve=resolve_to(*found))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://chat.example.com/x",
            "ftp://chat.example.com/x",
            "file:///etc/passwd",
            "gopher://8.8.8.8/x",
            "//8.8.8.8",
        ),
        *("https://", "https:///x", "https://user:password@chat.example.com/", "https://chat.example.com:99999/", ""),
        *("https://[::1", "javascript:alert(1)"),
    ],
)
def test_only_https_without_a_user_name_is_allowed(url: str) -> None:
    with pytest.raises(outgoing.NotAllowed):
        outgoing.post_json(url, {"text": "x"}, resolve=resolve_to("8.8.8.8"))


def test_loopback_needs_to_be_allowed_and_other_networks_stay_forbidden() -> None:
    with pytest.raises(outgoing.NotAllowed):
        outgoing.post_json("http://127.0.0.1:1/", {}, allows_loopback=False)
    with pytest.raises(outgoing.NotAllowed):
        outgoing.post_json("http://10.0.0.1/", {}, allows_loopback=True, resolve=resolve_to("10.0.0.1"))
    with pytest.raises(outgoing.NotAllowed):
        outgoing.post_json("http://chat.example.com/", {}, allows_loopback=True, resolve=resolve_to("8.8.8.8"))


def test_the_connection_goes_to_the_checked_address_under_the_original_name() -> None:
    with odd_server(answer(204, b"")) as server:
        port = int(server.url.rsplit(":", 1)[1])
        url = f"http://chat.example.com:{port}/hook"
        outgoing.post_json(url, {"text": "hi"}, allows_loopback=True, resolve=resolve_to(PLAYED))

    assert b"Host: chat.example.com:" in server.requests[0]


def test_a_certificate_is_checked_for_the_name_not_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}

    class Pool(urllib3.HTTPSConnectionPool):
        def __init__(self, host: str, port: int, **options: Any) -> None:
            made.update(options, host=host)
            super().__init__("127.0.0.1", closed_port(), **options)

    monkeypatch.setattr(urllib3, "HTTPSConnectionPool", Pool)

    with pytest.raises(outgoing.NotDelivered):
        outgoing.post_json("https://chat.example.com/hook", {}, resolve=resolve_to("8.8.8.8"))

    assert made["host"] == "8.8.8.8"
    assert made["server_hostname"] == made["assert_hostname"] == "chat.example.com"
    assert Pool("8.8.8.8", 443).cert_reqs in (None, ssl.CERT_REQUIRED)


def test_a_name_that_is_not_found_is_not_delivered() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(outgoing.NotDelivered, match="can't be found"):
        outgoing.post_json("https://chat.example.com/hook", {}, resolve=fail)


@pytest.mark.parametrize("status", [301, 307, 400, 500])
def test_only_2xx_counts_and_no_redirect_is_followed(status: int) -> None:
    refused = pytest.raises(outgoing.NotDelivered, match=str(status))
    with odd_server(answer(status, location="http://169.254.169.254/")) as server, refused:
        outgoing.post_json(f"{server.url}/hook", {}, allows_loopback=True)

    assert len(server.requests) == 1


def test_nobody_there_is_not_delivered() -> None:
    with pytest.raises(outgoing.NotDelivered):
        outgoing.post_json(f"http://127.0.0.1:{closed_port()}/", {}, allows_loopback=True)


def test_this_machine_is_looked_up() -> None:
    assert set(outgoing.look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
