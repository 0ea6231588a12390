"""Where a message to the outside may go: the open internet, and nowhere else."""

import pytest

from calendly_connector.core import addresses

PUBLIC = ["8.8.8.8", "1.1.1.1", "140.82.112.3", "2606:4700:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8"]
FORBIDDEN = {
    "this machine": ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0", "0.1.2.3", "::", "::127.0.0.1"],
    "private": [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.1.1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:10.0.0.1",
    ],
    "link-local": ["169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
    "wrapped metadata": ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "64:ff9b:1::a9fe:a9fe"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "255.255.255.255"],
    "carriers' own": ["100.64.0.1", "100.127.255.254"],
    "reserved": ["240.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.9", "198.18.0.1", "2001:db8::1", "fec0::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "no address": ["", "localhost", "example.com", "2130706433", "0x7f.1", "1.2.3", "1.2.3.4/8", "[::1]"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_the_open_internet_is_allowed(address: str) -> None:
    assert addresses.is_public(address)
    assert addresses.first_allowed([address]) == address


@pytest.mark.parametrize("address", [each for many in FORBIDDEN.values() for each in many])
def test_everything_else_is_not(address: str) -> None:
    assert not addresses.is_public(address)
    assert addresses.first_allowed([address]) == ""


def test_one_forbidden_address_among_several_forbids_the_name() -> None:
    assert addresses.first_allowed(["8.8.8.8", "10.0.0.1"]) == ""
    assert addresses.first_allowed([]) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_allowed_where_that_is_wished_for(address: str) -> None:
    assert addresses.first_allowed([address], allows_loopback=True) == address
    assert addresses.first_allowed([address, "10.0.0.1"], allows_loopback=True) == ""


def test_no_private_network_is_allowed_with_it() -> None:
    assert addresses.first_allowed(["169.254.169.254"], allows_loopback=True) == ""
