"""The two phases of a run: set-up makes an environment, the agent works in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sandbox.engines.engine import Engine, Handle
from sandbox.errors import RunFailed, ThreadsmithError
from sandbox.gateway.door import Door
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.passing import Passing
from sandbox.gateway.routes import RESULT, Bundle, Routes
from sandbox.gateway.speaker import Spare, Speaker
from sandbox.gateway.turns import Turns
from sandbox.gateway.wire import Claim
from sandbox.llm.prices import Prices
from sandbox.llm.providers import Model
from sandbox.outcomes import LOG_CHARACTERS, End, Facts
from sandbox.outside import Outside, make_proxy
from sandbox.passing.upstream import Upstream
from sandbox.recorder import Recorder
from sandbox.redaction import NO_SECRETS, Redactor
from sandbox.seats import Install
from sandbox.spec import (
    AGENT_COMMAND,
    AGENT_PROGRAM,
    AUTHORITIES,
    GATEWAY_DIRECTORY,
    OWN_AGENT,
    ContainerSpec,
    Mount,
    Phase,
    RunSpec,
)
from sandbox.warm import Guest
from sandbox.watch import Watch, wait_for_end

FORCED_GRACE_SECONDS: Final = 3.0
"""For an agent that is stopped from outside to send its patch."""
TAIL_LINES: Final = 30
LOG_BYTES: Final = 16_384


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run with everything its phases need."""

    spec: RunSpec
    recorder: Recorder
    engine: Engine
    model: Model | None
    """None: an environment is built, and no model is spoken to."""
    spare: Spare | None
    """Who takes over where that is away."""
    prices: Prices
    upstream: Upstream | None
    """Where other agents' requests go on to; None: the model speaks no protocol of theirs."""
    bundle: Bundle
    program: Path
    directory: Path
    watch: Watch
    outside: Outside
    secrets: Mapping[str, str]
    """Values of the variables that the configuration declares, by name."""
    redactor: Redactor = NO_SECRETS


@dataclass(frozen=True, kw_only=True)
class Build:
    """One set-up phase: what it starts from and what it leaves."""

    image: str
    have: str | None
    """The commit whose tree that image holds already."""
    script: str | None
    tag: str
    """Of the environment."""
    labels: Mapping[str, str]
    install: Install | None = None
    """In the place of a script of the repository."""


class SetupFailed(RunFailed):
    """The set-up script failed."""

    code = "setup_failed"
    stage = "setup"
    resolution = "Correct the set-up script in the repository, or remove it."


class Stopped(RunFailed):
    """The run was stopped before the agent had started."""


def make_container(
    run: Run, phase: Phase, *, image: str, token: str, egress: bool
) -> ContainerSpec:
    """The container of one phase: set-up is root, the agent has no rights; neither a network."""
    spec = run.spec
    gateway = (run.directory / "gateway").absolute()
    mounts = [
        Mount(source=str(run.program.absolute()), target=AGENT_PROGRAM),
        Mount(source=str(gateway), target=GATEWAY_DIRECTORY),
    ]
    if egress and (authorities := run.outside.authorities) is not None:
        mounts.append(Mount(source=str(authorities), target=AUTHORITIES))
    return ContainerSpec(
        run_id=spec.run_id,
        phase=phase,
        image=image,
        command=AGENT_COMMAND,
        environment={"THREADSMITH_TOKEN": token},
        mounts=tuple(mounts),
        limits=spec.limits,
        privileged_user=phase == "setup",
    )


async def set_up(run: Run, build: Build) -> None:
    """Run the repository's script as root, and keep what it leaves as an image."""
    setup, install = run.spec.setup, build.install
    egress = setup.network if setup is not None and build.script is not None else ()
    path = build.script
    if install is not None:
        egress, path = install.network, install.title
    started = {"path": path, "network": list(egress)}
    await run.recorder.event("setup_started", started)
    entry = Entry(
        phase="setup",
        started_at=time.time(),
        prepared_commit=build.have,
        script=build.script,
        install=install.script if install is not None else "",
        egress=egress,
    )
    journal = await Journal.begin(run.directory, entry)
    began = time.monotonic()
    async with open_door(run, journal) as door:
        handle = await start_container(run, door, image=build.image)
        try:
            end = await wait_for_end(
                run.engine,
                handle,
                ended=door.routes.ended,
                watch=run.watch,
                seconds=run.spec.limits.setup_seconds,
                limits=run.spec.limits,
            )
            await run.engine.stop(handle)
            await door.routes.events.finish()
            failure = _setup_failure(run, door, end)
            tail = door.routes.events.setup_tail(TAIL_LINES)
            tail = tail or (await _logs(run, handle))[-LOG_CHARACTERS:]
            payload = {
                "exit_code": _exit_code(door, end),
                "seconds": round(time.monotonic() - began, 3),
                "tail": tail,
            }
            await run.recorder.event("setup_finished", payload)
            if failure is not None:
                failure.details = failure.details or tail
                raise failure if install is None else _not_installed(install, failure)
            await run.engine.snapshot(handle, tag=build.tag, labels=build.labels)
        finally:
            await run.engine.remove(handle)
            await run.recorder.handle(None)


async def work(
    run: Run, *, image: str, have: str | None, stays: bool = False, guest: Guest | None = None
) -> Facts:
    """Start the agent and wait for its end; ``have`` is the commit that the image holds.

    A ``guest`` is taken on where that still can be done. ``stays``: as one, for the next run.
    """
    entry = Entry(
        phase="agent",
        started_at=time.time(),
        image=image,
        prepared_commit=have,
        egress=run.spec.agent_network,
        stays=stays and run.spec.agent == OWN_AGENT,
        container=guest.handle["run_id"] if guest is not None else "",
    )
    journal = await Journal.begin(run.directory, entry)
    if guest is not None:
        await guest.move(run.directory / "gateway")
    async with open_door(run, journal) as door:
        handle = await _take_on(run, door, guest) if guest is not None else None
        started: dict[str, Any] = {
            "image": image,
            "phase": "agent",
            **({"warm": True} if handle else {}),
        }
        if run.spec.agent != OWN_AGENT:
            started["agent"] = run.spec.agent
        handle = handle or await start_container(run, door, image=image)
        run.watch.has_agent = True
        await run.recorder.event("container_started", started)
        end = await follow(run, door, handle)
    return replace(_facts(run, door, end), handle=handle)


async def _take_on(run: Run, door: Door, guest: Guest) -> Handle | None:
    """Wake it and give it the run's token; None: it is gone, or goes now."""
    try:
        await run.engine.resume(guest.handle)
        await guest.give(door.journal.entry.token)
    except (ThreadsmithError, OSError):
        with suppress(ThreadsmithError):
            await run.engine.remove(guest.handle)
        return None
    await run.recorder.handle(guest.handle)
    return guest.handle


async def go_on(run: Run, journal: Journal, handle: Handle) -> Facts:
    """Lay a new socket for an agent that an earlier process started, and wait for its end."""
    run.watch.has_agent = True
    async with open_door(run, journal) as door:
        end = await follow(run, door, handle)
    return _facts(run, door, end)


async def start_container(run: Run, door: Door, *, image: str) -> Handle:
    """Start the container that the door is for, and keep its handle."""
    entry = door.journal.entry
    container = make_container(
        run, entry.phase, image=image, token=entry.token, egress=bool(entry.egress)
    )
    starting = asyncio.create_task(run.engine.start(container))
    try:
        handle = await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(ThreadsmithError):
            await starting  # else it would come up when everything has been cleared away
        raise
    await run.recorder.handle(handle)
    return handle


async def follow(run: Run, door: Door, handle: Handle) -> End:
    limits, entry = run.spec.limits, door.journal.entry
    spent = time.time() - entry.started_at
    most = limits.verify_seconds if entry.phase == "verify" else limits.wall_seconds
    end = await wait_for_end(
        run.engine,
        handle,
        ended=door.routes.ended,
        watch=run.watch,
        seconds=max(0.0, most - spent),
        limits=limits,
    )
    if end.kind in ("limit", "disk", "stop"):
        # The door is still open: the agent may send what it has.
        await run.engine.stop(handle, grace_seconds=FORCED_GRACE_SECONDS)
    elif end.kind == "exit":
        end = replace(end, logs=await _logs(run, handle))
    return end


@asynccontextmanager
async def open_door(run: Run, journal: Journal) -> AsyncIterator[Door]:
    """The gateway, and beside it the way to the outside where the phase has one."""
    async with AsyncExitStack() as stack:
        hiding = Hiding(run.redactor, journal, run.recorder)
        routes = await _make_routes(run, journal, hiding)
        door = Door(run.spec.run_id, journal, routes)
        stack.push_async_callback(door.close)
        await door.open()
        if journal.entry.egress:
            proxy = make_proxy(journal, run.recorder, run.outside, hiding)
            stack.push_async_callback(proxy.close)
            await proxy.open(door.directory)
        yield door


async def _make_routes(run: Run, journal: Journal, hiding: Hiding) -> Routes:
    spec, turns, passing = run.spec, None, None
    is_agent = journal.entry.phase == "agent"
    model = run.model if is_agent else None
    if model is not None and spec.agent != OWN_AGENT and run.upstream is not None:
        passing = Passing(spec, run.recorder, run.upstream, model=model.name, hiding=hiding)
        await passing.load()
    elif model is not None:
        speaker = Speaker(
            model,
            run_id=spec.run_id,
            recorder=run.recorder,
            journal=journal,
            spare=run.spare,
            prices=run.prices,
            patience=run.watch.patience,
        )
        turns = Turns(
            *(spec, run.recorder, model.provider),
            model=model.name,
            hiding=hiding,
            speaker=speaker,
        )
        await turns.load()
    names = spec.setup.secrets if spec.setup is not None else ()
    return Routes(
        spec,
        journal,
        run.recorder,
        turns=turns,
        passing=passing,
        bundle=run.bundle,
        patch=await asyncio.to_thread(_read_work, run.directory, journal.entry.phase),
        variables={name: run.secrets[name] for name in names if name in run.secrets},
        hiding=hiding,
    )


def _facts(run: Run, door: Door, end: End) -> Facts:
    """To be asked when the door is closed: until then the agent's word may still come."""
    return Facts(
        end=end,
        claim=_claim(door.routes),
        patch=door.journal.entry.patch,
        fault=door.routes.fault,
        is_stopping=run.watch.is_stopping,
    )


def _claim(routes: Routes) -> Claim | None:
    """In the host's own words where another agent was refused: it says so in many ways."""
    claim, passing = routes.claim, routes.passing
    if claim is not None and claim.kind == "gave_up" and passing is not None and passing.refused:
        return replace(claim, brief=passing.refused)
    return claim


async def _logs(run: Run, handle: Handle) -> str:
    try:
        logs = await run.engine.logs(handle, limit_bytes=LOG_BYTES)
    except ThreadsmithError as error:
        return f"(no log: {error.brief})"
    shown, hidden = run.redactor.counted(logs)
    if hidden:
        await run.recorder.event("redacted", {"where": "log", "count": hidden})
    return shown


def _exit_code(door: Door, end: End) -> int | None:
    if door.routes.claim is not None:
        return door.routes.claim.exit_code
    return end.state.code if end.state else None


def _not_installed(install: Install, failure: ThreadsmithError) -> ThreadsmithError:
    """It is no fault of the repository's."""
    if isinstance(failure, Stopped):
        return failure
    return SetupFailed(
        f"The agent {install.name} could not be installed.",
        details=f"{failure.brief}\n{failure.details}",
        resolution="See the details; an image that has what it is installed with may help.",
    )


def _setup_failure(run: Run, door: Door, end: End) -> ThreadsmithError | None:
    claim = door.routes.claim
    if run.watch.is_stopping:
        return Stopped()
    if end.kind == "limit":
        return SetupFailed(
            f"The set-up script reached its limit of {run.spec.limits.setup_seconds} seconds.",
            resolution="Shorten the script, or raise `sandbox.setup_seconds`.",
        )
    if end.kind == "disk":
        return SetupFailed(
            f"The set-up script reached its limit of {end.reason} on disk.",
            resolution="Install less, or raise `sandbox.disk_mib`.",
        )
    if claim is None:
        reason = end.state.reason if end.state else ""
        return SetupFailed(f"The set-up container ended without a result. {reason}".strip())
    if claim.kind == "finished" and claim.exit_code == 0:
        return None
    brief = claim.brief or f"The set-up script failed (exit code {claim.exit_code})."
    return SetupFailed(brief, details=claim.details)


def _read_work(directory: Path, phase: Phase) -> bytes:
    """What lies over the commit: the work so far, or the result that is to be verified."""
    path = directory / (RESULT if phase == "verify" else "work.patch")
    return path.read_bytes() if path.exists() else b""
