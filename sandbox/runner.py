"""One run, from its source to its outcome."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

import agent_image
from sandbox.engines.engine import Engine, Handle
from sandbox.environments.build_log import Unheard
from sandbox.environments.environments import Environments, Prepared
from sandbox.environments.records import Record
from sandbox.errors import ImageMissing, ThreadsmithError
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.routes import Bundle
from sandbox.gateway.speaker import Spare
from sandbox.llm.providers import Providers, split_model
from sandbox.outcomes import Facts, conclude, failed, vanished
from sandbox.outside import Outside
from sandbox.phases import Run, Stopped, go_on, work
from sandbox.recorder import Outcome, Recorder
from sandbox.redaction import Redactor
from sandbox.seats import check_agent
from sandbox.spec import RunSpec
from sandbox.verification import Place, find_checks, verify
from sandbox.warm import Warm, find_kept
from sandbox.watch import Watch

log = structlog.get_logger(__name__)

STOP_GRACE_SECONDS: Final = 5.0
"""What an agent that was told to stop has to end by itself."""


class Runner:
    """Drives runs on one engine. Safe to use for many runs at once."""

    def __init__(
        self,
        engine: Engine,
        providers: Providers,
        *,
        directory: Path,
        bundle: Bundle,
        environments: Environments,
        outside: Outside | None = None,
        secrets: Mapping[str, str] | None = None,
        redactor: Redactor | None = None,
        program: Path | None = None,
        warm: Warm | None = None,
    ) -> None:
        """``directory`` holds a folder per run; ``bundle`` streams a tree to a container.

        ``secrets`` are the values of declared variables; ``redactor`` knows them too, and what
        else must not be shown; ``program`` is the folder shown to containers in the place of our
        own agent's. ``warm`` keeps containers for the next run of their task.
        """
        self._engine = engine
        self._providers = providers
        self._directory = directory
        self._bundle = bundle
        self._outside = outside or Outside()
        self._secrets = dict(secrets or {})
        self._redactor = redactor or Redactor(self._secrets.values())
        self.environments = environments
        self._program = program or Path(agent_image.__path__[0])
        self._warm = warm or Warm(engine, directory)
        self._watches: dict[str, Watch] = {}
        self._containers: dict[str, str] = {}
        """For which earlier run the container of a run was started."""

    async def run(self, spec: RunSpec, recorder: Recorder) -> Outcome:
        """Run to the end. Every failure is an Outcome; only cancellation is raised.

        Cancelling leaves the container to run on, for ``attach``, unless it was never started.
        """
        return await self._guarded(spec, recorder, self._begin)

    async def attach(self, spec: RunSpec, handle: Handle | None, recorder: Recorder) -> Outcome:
        """Go on with a run that an earlier process started."""

        async def go_on_from(run: Run) -> Outcome:
            return await self._go_on(run, handle)

        return await self._guarded(spec, recorder, go_on_from)

    async def stop(self, run_id: str) -> None:
        """End a run whose stop was asked for, by force where the agent does not end itself."""
        if (watch := self._watches.get(run_id)) is not None:
            await watch.stop(STOP_GRACE_SECONDS)

    async def sweep(self, *, keep: set[str]) -> int:
        """Remove every container and folder of runs not in ``keep``; answer how many.

        An engine that does not answer keeps its containers until the next start.
        """
        found = set(await asyncio.to_thread(_folders, self._directory))
        try:
            found |= {handle["run_id"] for handle in await self._engine.list()}
        except ThreadsmithError as error:
            log.warning("sweep_failed", error=str(error))
            return 0
        kept = keep | await find_kept(self._directory, keep)
        removed = sum([await self._clear(run_id) for run_id in found - kept])
        return removed + await self.environments.sweep()

    async def _begin(self, run: Run) -> Outcome:
        spec = run.spec
        with _stage("image"):
            await self._check_image(run)
        if await asyncio.to_thread(run.directory.exists):
            await self._clear(spec.run_id)
        await asyncio.to_thread(_make_folder, run.directory, spec.patch)
        async with AsyncExitStack() as stack:
            with _stage("setup"):
                prepared = await stack.enter_async_context(self.environments.prepared(run))
            if run.watch.is_stopping:
                raise Stopped
            with _stage("container"):
                facts = await self._work(run, prepared)
            place = Place(image=prepared.image, have=prepared.commit)
            outcome = await _verified(run, facts, place)
            await self.environments.renew_later(run, prepared)
        return outcome

    async def _work(self, run: Run, prepared: Prepared) -> Facts:
        """In the container that stayed after the task's last run, or in a new one."""
        spec, guest, image = run.spec, None, ""
        if self._warm.is_on:
            image = await self._engine.image_id(prepared.image)
            sha256 = hashlib.sha256(spec.patch).hexdigest()
            guest = await self._warm.take(spec, image=image, patch_sha256=sha256)
        if guest is not None:
            self._containers[spec.run_id] = guest.handle["run_id"]
        image_of, have, stays = prepared.image, prepared.commit, self._warm.is_on
        try:
            facts = await work(run, image=image_of, have=have, stays=stays, guest=guest)
        finally:
            if guest is not None:
                await guest.close()
        if not await self._warm.rest(spec, run.directory, facts, image=image):
            await self._end_containers(spec.run_id)
        return facts

    async def close(self) -> None:
        """Remove the containers that stayed, and end what is being built in the background."""
        await self._warm.close()
        await self.environments.close()

    async def _check_image(self, run: Run) -> None:
        """The image is there and will do; one that has to come from a registry takes its time."""
        try:
            await self._engine.image_id(run.spec.image)
        except ImageMissing:
            await run.recorder.event("image_pulling", {"image": run.spec.image})
        await self._engine.check_image(run.spec.image)

    async def build(self, spec: RunSpec, recorder: Recorder) -> Record:
        """Build the environment of a tree from the beginning; raises ThreadsmithError."""
        run = self._make_run(spec, recorder, Watch())
        await self._engine.check_image(spec.image)
        await asyncio.to_thread(_make_folder, run.directory, b"")
        try:
            return await self.environments.build(run)
        finally:
            await self._clear(spec.run_id)

    def build_later(self, spec: RunSpec) -> None:
        """Build it in the background, where the environment is not there already."""
        self.environments.build_later(self._make_run(spec, None, Watch()))

    async def _go_on(self, run: Run, handle: Handle | None) -> Outcome:
        journal = await Journal.find(run.directory)
        if journal is not None and journal.entry.phase == "verify":
            return await self._verify_again(run, journal.entry)
        if handle is None or journal is None or journal.entry.phase != "agent":
            raise vanished()
        state = await self._engine.poll(handle)
        if state.name == "gone" and journal.entry.claim is None:
            raise vanished()
        self._containers[run.spec.run_id] = handle["run_id"]
        items = await run.recorder.inbox(0, wait_seconds=0)
        stopping = None
        if any(item.kind == "stop" for item in items):
            stopping = asyncio.create_task(run.watch.stop(STOP_GRACE_SECONDS))
        try:
            facts = await go_on(run, journal, handle)
            await self._end_containers(run.spec.run_id)
            entry = journal.entry
            place = Place(image=entry.image, have=entry.prepared_commit)
            return await _verified(run, facts, place)
        finally:
            if stopping is not None:
                stopping.cancel()
                await asyncio.wait([stopping])

    async def _verify_again(self, run: Run, entry: Entry) -> Outcome:
        """The process died while the result was being verified: that begins anew."""
        await self._end_containers(run.spec.run_id)
        run.watch.has_agent = True
        outcome = Outcome(**(entry.outcome or {}))
        outcome = replace(outcome, findings=tuple(outcome.findings))
        place = Place(image=entry.image, have=entry.prepared_commit, checks=entry.checks)
        found = await verify(run, outcome, place)
        return replace(outcome, verification=found.to_json())

    async def _end_containers(self, run_id: str) -> None:
        """Nothing of the phase before goes on; what cannot go now goes at the run's end."""
        with suppress(ThreadsmithError):
            await self._remove_containers(run_id)

    async def _remove_containers(self, run_id: str) -> None:
        names = {run_id, self._containers.get(run_id, run_id)}
        for handle in await self._engine.list():
            if handle["run_id"] in names and not self._warm.holds(handle):
                await self._engine.remove(handle)

    async def _guarded(
        self, spec: RunSpec, recorder: Recorder, drive: Callable[[Run], Awaitable[Outcome]]
    ) -> Outcome:
        """Whatever happens, nothing of the run is left behind; but a cancelled one may go on."""
        began = time.monotonic()
        watch = self._watches[spec.run_id] = Watch()
        goes_on = False
        try:
            run = await self._prepare(spec, recorder, watch)
            outcome = await drive(run)
        except Stopped as error:
            outcome = Outcome(kind="stopped", summary=error.brief)
        except ThreadsmithError as error:
            outcome = failed(error)
        except asyncio.CancelledError:
            goes_on = watch.has_agent
            raise
        finally:
            watch.finished.set()
            del self._watches[spec.run_id]
            if not goes_on and await asyncio.to_thread((self._directory / spec.run_id).exists):
                await self._clear(spec.run_id)
                await recorder.handle(None)
            self._containers.pop(spec.run_id, None)
        return replace(outcome, seconds=round(time.monotonic() - began, 3))

    async def _prepare(self, spec: RunSpec, recorder: Recorder, watch: Watch) -> Run:
        run = self._make_run(spec, recorder, watch)
        with _stage("model"):
            name, _ = split_model(spec.model)
            check_agent(spec.agent, spec.model)
            return replace(
                run,
                model=await self._providers.model(spec.model),
                spare=self._spare(spec),
                upstream=self._providers.upstream(name),
            )

    def _spare(self, spec: RunSpec) -> Spare | None:
        """Not made before it is needed; a model is no spare of its own."""
        if not spec.fallback or spec.fallback == spec.model:
            return None
        return partial(self._providers.model, spec.fallback)

    def _make_run(self, spec: RunSpec, recorder: Recorder | None, watch: Watch) -> Run:
        """Without a model yet."""
        return Run(
            spec=spec,
            recorder=recorder or Unheard(),
            engine=self._engine,
            model=None,
            spare=None,
            prices=self._providers.prices,
            upstream=None,
            bundle=self._bundle,
            program=self._program,
            directory=self._directory / spec.run_id,
            watch=watch,
            outside=self._outside,
            secrets=self._secrets,
            redactor=self._redactor,
        )

    async def _clear(self, run_id: str) -> bool:
        """Remove containers and folder; what cannot go now goes at the next sweep."""
        try:
            await self._remove_containers(run_id)
        except ThreadsmithError as error:
            log.warning("clear_failed", run_id=run_id, error=str(error))
            return False
        await asyncio.to_thread(shutil.rmtree, self._directory / run_id, ignore_errors=True)
        return True


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """Name the stage in an error that does not know its own."""
    try:
        yield
    except ThreadsmithError as error:
        error.stage = error.stage or name
        raise


async def _verified(run: Run, facts: Facts, place: Place) -> Outcome:
    """What the run came to; a patch with what a clean container says of it."""
    outcome = conclude(run.spec, facts)
    if outcome.kind != "patch":
        return outcome
    place = replace(place, checks=find_checks(run.spec, facts.claim))
    found = await verify(run, outcome, place)
    return replace(outcome, verification=found.to_json())


def _make_folder(directory: Path, patch: bytes) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.mkdir(mode=0o700)
    (directory / "work.patch").write_bytes(patch)


def _folders(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.exists() else []
