"""The third phase: what the agent claims is tried again, by the host, in a clean container.

The container starts from the same environment, gets the patch as it was kept, and runs the
commands that the configuration or the agent names. Nothing that the agent left behind is in it.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sandbox.errors import ThreadsmithError
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.protocol import MAX_CHECKS
from sandbox.gateway.wire import Claim
from sandbox.outcomes import End
from sandbox.phases import Run, follow, open_door, start_container
from sandbox.recorder import Outcome
from sandbox.spec import RunSpec

State = Literal["verified", "failed", "unverified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the host saw."""

    state: State
    reason: str = ""
    """Why nothing was verified, or not all of it."""
    checks: tuple[dict[str, Any], ...] = ()
    """`command`, `exit_code` (None: its time was up), `summary`, `output`, `seconds` of each."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "checks": list(self.checks)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a clean container starts from."""

    image: str
    have: str | None
    """The commit whose tree the image holds."""
    checks: tuple[str, ...] = field(default=())


def find_checks(spec: RunSpec, claim: Claim | None) -> tuple[str, ...]:
    """The configuration's commands, then the agent's."""
    named = (*spec.checks, *(claim.checks if claim is not None else ()))
    return tuple(dict.fromkeys(named))[:MAX_CHECKS]


async def verify(run: Run, outcome: Outcome, place: Place) -> Verification:
    """Never raises but for cancellation: what cannot be verified says why."""
    if not run.spec.verify:
        return Verification(state="unverified", reason="Verification is switched off.")
    if not place.checks:
        return Verification(state="unverified", reason="No test command is known.")
    if run.watch.is_stopping:
        return Verification(state="unverified", reason="The run was stopped.")
    try:
        return await _verify(run, outcome, place)
    except ThreadsmithError as error:
        return Verification(state="unverified", reason=error.brief)


async def _verify(run: Run, outcome: Outcome, place: Place) -> Verification:
    entry = Entry(
        phase="verify",
        started_at=time.time(),
        image=place.image,
        prepared_commit=place.have,
        egress=run.spec.agent_network,
        checks=place.checks,
        outcome=asdict(outcome),
    )
    journal = await Journal.begin(run.directory, entry)
    async with open_door(run, journal) as door:
        handle = await start_container(run, door, image=place.image)
        started = {"image": place.image, "phase": "verify", "checks": list(place.checks)}
        await run.recorder.event("container_started", started)
        try:
            end = await follow(run, door, handle)
        finally:
            await run.engine.remove(handle)
            await run.recorder.handle(None)
        claim, told = door.routes.claim, door.routes.events.checks
    checks = tuple(told[number] for number in sorted(told))
    if any(check["exit_code"] != 0 for check in checks):
        return Verification(state="failed", checks=checks)
    if claim is not None and claim.kind == "finished" and len(checks) == len(place.checks):
        return Verification(state="verified", checks=checks)
    return Verification(state="unverified", reason=_reason(run, end, claim), checks=checks)


def _reason(run: Run, end: End, claim: Claim | None) -> str:
    if run.watch.is_stopping:
        return "The run was stopped."
    match end.kind:
        case "limit":
            return f"It took longer than {run.spec.limits.verify_seconds} seconds."
        case "disk":
            return f"It reached its limit of {end.reason} on disk."
        case _ if claim is not None and claim.brief:
            return claim.brief
        case _:
            return "The container ended before all commands had."
