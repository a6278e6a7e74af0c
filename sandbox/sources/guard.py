"""Before git talks to a host that a stranger named: it must be a public one, and stay that one."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from sandbox.egress.addresses import Resolver, check_public, resolve
from sandbox.sources.addresses import Address

_PORTS = {"http": 80, "https": 443, "ssh": 22}


async def guard(
    address: Address, *, private_hosts: Collection[str] = (), resolver: Resolver = resolve
) -> dict[str, str]:
    """Variables that keep git on the address that was checked; raises AddressRefused.

    Over HTTP git is told where the name leads, so that a second look cannot differ, and follows
    no redirect. SSH has no such setting; there the host's key is what proves who answers.
    """
    parts = urlsplit(address.url) if "://" in address.url else None
    scheme = parts.scheme if parts else "ssh"
    host = (parts.hostname if parts else address.host) or address.host
    port = (parts.port if parts else None) or _PORTS[scheme]
    found = await check_public(host, port, private_hosts=private_hosts, resolver=resolver)
    if scheme == "ssh":
        return {}
    shown = ",".join(f"[{each}]" if ":" in each else each for each in found)
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "http.curloptResolve",
        "GIT_CONFIG_VALUE_0": f"{host}:{port}:{shown}",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }
