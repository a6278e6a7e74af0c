"""From how a run's container ended to the run's outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from sandbox.engines.engine import Handle, State
from sandbox.errors import ProviderError, ThreadsmithError
from sandbox.gateway.wire import Claim
from sandbox.recorder import Outcome
from sandbox.spec import RunSpec

LOG_CHARACTERS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What ended the wait for a container."""

    kind: Literal["claim", "exit", "limit", "disk", "stop"]
    state: State | None = None
    logs: str = ""
    """Of the container, without secrets."""
    reason: str = ""
    """Of `disk`: the limit that was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when a run's agent container has ended."""

    end: End
    claim: Claim | None
    patch: dict[str, Any] | None
    """Of the newest patch the gateway kept: its hash and its number of files."""
    fault: ProviderError | None
    is_stopping: bool
    handle: Handle | None = None
    """Of the container, where this process started it."""

    @property
    def patch_sha256(self) -> str | None:
        return self.patch["sha256"] if self.patch and self.patch["files"] else None


def failed(error: ThreadsmithError) -> Outcome:
    return Outcome(
        kind="failed",
        stage=error.stage or "run",
        brief=error.brief,
        resolution=error.resolution,
        details=error.details,
    )


def conclude(spec: RunSpec, facts: Facts) -> Outcome:
    """The outcome of the agent phase; a patch that was made is named whatever the kind."""
    return replace(_conclude(spec, facts), patch_sha256=facts.patch_sha256)


def _conclude(spec: RunSpec, facts: Facts) -> Outcome:
    claim, end = facts.claim, facts.end
    if claim is not None and claim.kind == "finished":
        return _finished(spec, claim, facts)
    if end.kind == "limit":
        return Outcome(
            kind="failed",
            stage="agent",
            brief=f"The run reached its limit of {_duration(spec.limits.wall_seconds)}.",
            resolution="Ask for less at a time, or raise `sandbox.wall_seconds`.",
            summary=claim.summary if claim else "",
        )
    if end.kind == "disk":
        return Outcome(
            kind="failed",
            stage="agent",
            brief=f"The run reached its limit of {end.reason} on disk.",
            resolution="Ask for less at a time, or raise `sandbox.disk_mib`.",
            summary=claim.summary if claim else "",
        )
    if facts.is_stopping or end.kind == "stop" or (claim is not None and claim.kind == "stopped"):
        return Outcome(kind="stopped", summary=claim.summary if claim else "")
    if claim is None:
        return _vanished() if end.state is None or end.state.name == "gone" else _exited(end)
    if facts.fault is not None:
        return replace(failed(facts.fault), stage="model", summary=claim.summary)
    brief = claim.brief or "The agent gave up before it was done."
    gave_up = Outcome(
        kind="failed",
        stage="agent",
        brief=brief,
        resolution="Reply in the thread to go on from here, or start anew.",
        details=claim.details,
        title=claim.title,
        summary=claim.summary,
        claimed=claim.claimed,
        answer=claim.answer,
    )
    if claim.kind == "gave_up" and spec.mode == "change" and facts.patch_sha256:
        return replace(gave_up, kind="patch", summary=claim.summary or brief)
    return gave_up


def _finished(spec: RunSpec, claim: Claim, facts: Facts) -> Outcome:
    outcome = Outcome(
        kind="nothing",
        title=claim.title,
        summary=claim.summary,
        claimed=claim.claimed,
        answer=claim.answer,
        findings=claim.findings,
    )
    match spec.mode:
        case "review":
            return replace(outcome, kind="findings")
        case "explain" if claim.answer or claim.summary:
            return replace(outcome, kind="answer", answer=claim.answer or claim.summary)
        case "explain":
            return replace(
                outcome,
                kind="failed",
                stage="agent",
                brief="The agent ended without an answer.",
                resolution="Ask again, perhaps in other words.",
            )
        case "change" if facts.patch_sha256:
            return replace(outcome, kind="patch")
        case _:
            return replace(outcome, kind="answer" if claim.answer else "nothing")


def vanished() -> ThreadsmithError:
    error = ThreadsmithError(
        "The container vanished while the program was down.",
        resolution="Reply in the thread to start again from what was kept.",
    )
    error.stage = "container"
    return error


def _vanished() -> Outcome:
    return Outcome(
        kind="failed",
        stage="container",
        brief="The container vanished.",
        resolution="Somebody or something removed it from the host; start the task again.",
    )


def _exited(end: End) -> Outcome:
    code = end.state.code if end.state else None
    reason = end.state.reason if end.state else ""
    why = ", ".join(part for part in (f"exit code {code}", reason) if part)
    resolution = "See the details in the log."
    if reason == "out of memory":
        resolution = "Raise `sandbox.memory_mib`, or ask for less at a time."
    elif code in (126, 127):
        resolution = "The image must have python3 (3.8 or newer) and git."
    return Outcome(
        kind="failed",
        stage="agent",
        brief=f"The agent ended without a result ({why}).",
        resolution=resolution,
        details=end.logs[-LOG_CHARACTERS:],
    )


def _duration(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"
