"""How a phase reaches the outside: through the host's proxy, by its rules, and on the record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.egress.proxy import Attempt, EgressProxy
from sandbox.egress.rules import EgressRules
from sandbox.gateway.hiding import Counting, Hiding
from sandbox.gateway.journal import Journal
from sandbox.recorder import Recorder

MAX_ATTEMPTS: Final = 2000
"""Told one by one in one phase; a flood ends here."""
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What holds for every phase of this host."""

    private_hosts: tuple[str, ...] = ()
    """Names that may lead to private addresses."""
    upstream: str | None = None
    """The host's own proxy."""
    authorities: Path | None = None
    """Certificate authorities that containers are to trust; None: those of their image."""


def find_authorities(
    configured: Path | None = None, environment: Mapping[str, str] | None = None
) -> Path | None:
    """What is configured, else what the host itself trusts."""
    variables = os.environ if environment is None else environment
    named = configured or variables.get("SSL_CERT_FILE")
    for place in (named,) if named else _BUNDLES:
        path = Path(place)
        if path.is_file():
            return path.resolve()
    return None


def make_proxy(
    journal: Journal, recorder: Recorder, outside: Outside, hiding: Hiding
) -> EgressProxy:
    """The proxy of the journal's phase; each attempt becomes an event of the story."""
    entry = journal.entry
    rules = EgressRules.parse(entry.egress)
    name = "setup_network" if entry.phase == "setup" else "agent_network"
    told = 0

    async def report(attempt: Attempt) -> None:
        nonlocal told
        told += 1
        if told > MAX_ATTEMPTS:
            return
        allow = ""
        if attempt.verdict == "refused" and not rules.allows(
            attempt.host, attempt.port, attempt.method
        ):
            allow = f"{name} = {json.dumps(list(rules.with_host(attempt.host)))}"
        hide = Counting(hiding.redactor)
        payload = {
            "phase": entry.phase,
            "host": hide(attempt.host),
            "port": attempt.port,
            "method": hide(attempt.method),
            "verdict": attempt.verdict,
            "reason": hide(attempt.reason),
            "allow": hide(allow),
            "sent": attempt.sent,
            "received": attempt.received,
        }
        await recorder.event("egress", payload)
        await hiding.add("events", hide.count)

    return EgressProxy(
        rules,
        token=entry.token,
        report=report,
        private_hosts=outside.private_hosts,
        upstream=outside.upstream,
    )
