"""Where a name leads, asked once: the very address that was checked is the one that is dialled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from sandbox.errors import ThreadsmithError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""From a name and a port to addresses; raises OSError for a name that nobody knows."""

_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
        # Metadata services that stand elsewhere.
        *("100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
"""Loopback, link-local with its metadata services, multicast, and what is no address: refused
whatever the configuration says."""
_PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24"),
        *("198.18.0.0/15", "fc00::/7", "fec0::/10", "100::/64"),
    )
)
_NAT64: Final = ip_network("64:ff9b::/96")
_COMPATIBLE: Final = ip_network("::/96")


class AddressRefused(ThreadsmithError):
    """The address is not a public one."""

    code = "address_refused"
    resolution = "Name the host in `sandbox.private_hosts` if it is yours and meant to be reached."


class NameUnknown(ThreadsmithError):
    """The name leads nowhere."""

    code = "name_unknown"
    resolution = "Check the name, and the host's own name service."


async def resolve(host: str, port: int) -> list[str]:
    """By the host's own resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def check_public(
    host: str,
    port: int,
    *,
    private_hosts: Collection[str] = (),
    resolver: Resolver = resolve,
) -> tuple[str, ...]:
    """The host's addresses; raises AddressRefused unless every one may be dialled.

    One private address among public ones is enough to refuse: the next answer could be that one.
    """
    try:
        found = await resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(f"`{host[:100]}` leads nowhere.", details=str(error)) from error
    if not found:
        raise NameUnknown(f"`{host[:100]}` leads nowhere.")
    is_exempt = host.lower().removesuffix(".") in {name.lower() for name in private_hosts}
    for text in found:
        problem = address_problem(text, is_exempt=is_exempt)
        if problem is not None:
            raise AddressRefused(f"`{host[:100]}` leads to {problem}.")
    return tuple(found)


def address_problem(text: str, *, is_exempt: bool = False) -> str | None:
    """Why the address may not be dialled, in words; None where it may."""
    try:
        address: Address = ip_address(text.partition("%")[0])
    except ValueError:
        return "no address"
    for inner in _unwrapped(address):
        if any(inner.version == net.version and inner in net for net in _NEVER):
            return f"an address of this machine or its network ({text})"
        if not is_exempt and any(inner.version == n.version and inner in n for n in _PRIVATE):
            return f"a private address ({text})"
    return None


def _unwrapped(address: Address) -> list[Address]:
    """The address, and every IPv4 address that a gateway may take it for."""
    found: list[Address] = [address]
    if isinstance(address, IPv6Address):
        teredo = address.teredo or ()
        low = IPv4Address(int(address) & 0xFFFFFFFF)
        found += [inner for inner in (address.ipv4_mapped, address.sixtofour, *teredo) if inner]
        if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
            found.append(low)
    return found
