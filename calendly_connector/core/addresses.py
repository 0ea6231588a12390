"""Which network addresses a message to the outside may go to: public ones only. Pure."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; Alibaba's metadata (100.100.100.200) lives there
        "168.63.129.16/32",  # Azure's platform, reachable from every machine there
        "192.0.0.0/24",  # Oracle's metadata
        "192.88.99.0/24",
        "198.18.0.0/15",
        "fec0::/10",
        "64:ff9b:1::/48",
        "2001::/23",
    )
)
"""What Python's own tables call public, or did in one of its versions."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Return whether an address is on the open internet: not private, loopback, link-local, multicast, reserved, nor a
    cloud's metadata service, and not an IPv6 wrapping of one (mapped, 6to4, Teredo, NAT64)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(_is_public(each) for each in (address, *_inner(address)))


def is_loopback(text: str) -> bool:
    """Return whether an address is this machine."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def first_allowed(found: Sequence[str], *, allows_loopback: bool = False) -> str:
    """Return the address to connect to, "" when any of those that a name stands for is not to be reached."""
    allowed = all(is_public(text) or (allows_loopback and is_loopback(text)) for text in found)
    return found[0] if found and allowed else ""


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address in NAT64):
        return True  # what it wraps decides
    is_odd = address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global
    return not is_odd and not any(address in network for network in FORBIDDEN if network.version == address.version)


def _inner(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address wraps."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    wrapped: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in wrapped if each is not None]
