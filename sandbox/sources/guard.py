"""Before git talks to a host that a stranger named: it must be a public one, and stay that one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from sandbox.egress.addresses import NameUnknown, Resolver, check_public, resolve
from sandbox.errors import SourceError
from sandbox.sources.addresses import Address

_PORTS = {"http": 80, "https": 443, "ssh": 22}
_RESOLVE_SECONDS = 15.0
# What git reads as a name must be what is looked up here: nothing that it would unfold, cut or
# turn into another alphabet.
_PLAIN_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


async def guard(
    address: Address, *, private_hosts: Collection[str] = (), resolver: Resolver = resolve
) -> dict[str, str]:
    """Settings that keep git on the addresses that were checked; raises AddressRefused.

    Over HTTP git is told where the name leads, so that a second look cannot differ, and follows
    no redirect. SSH has no such setting; there the host's key is what proves who answers.
    """
    scheme, host, port = _endpoint(address)
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await check_public(host, port, private_hosts=private_hosts, resolver=resolver)
    except TimeoutError:
        raise SourceError(
            f"`{host}` is not found in time.",
            resolution="Check the host's own name service, then try again.",
            code="source_unreachable",
        ) from None
    except NameUnknown:
        if not _has_proxy(scheme, host):
            raise
        found = ()  # a name that only the host's own proxy knows
    if scheme == "ssh":
        return {}
    settings = {"http.followRedirects": "false"}
    if found and not _is_literal(host):
        shown = ",".join(f"[{each}]" if ":" in each else each for each in found)
        settings["http.curloptResolve"] = f"{host}:{port}:{shown}"
    return settings


def _endpoint(address: Address) -> tuple[str, str, int]:
    """Scheme, host and port that git will make of the address."""
    if "://" in address.url:
        parts = urlsplit(address.url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    else:
        scheme, host, port = "ssh", address.host.lower(), None
    if not _PLAIN_NAME.fullmatch(host) and ("%" in host or not _is_literal(host)):
        raise SourceError(
            f"The host of `{address.shown[:200]}` is no plain name.",
            resolution="Write it in plain letters, digits, dots and hyphens, without a last dot.",
            code="address_refused",
        )
    return scheme, host, port or _PORTS[scheme]


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _has_proxy(scheme: str, host: str) -> bool:
    """Whether git would leave the look-up to a proxy of this host's environment."""
    proxies = getproxies_environment()
    named = scheme in proxies or "all" in proxies
    return scheme != "ssh" and named and not proxy_bypass(host)
