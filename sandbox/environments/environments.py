"""Environments of this host: found, built once, renewed, bounded."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from sandbox.engines.engine import Engine
from sandbox.environments.bounds import Bounds, choose_surplus
from sandbox.environments.build_log import BuildLog, Unheard
from sandbox.environments.recipe import Recipe, find_locks, hash_scripts, seat_key
from sandbox.environments.records import KEY_LABEL, SEAT_SCOPE, Record, Records, tag_of
from sandbox.errors import ImageMissing, ThreadsmithError
from sandbox.locks import is_locked, locked
from sandbox.phases import Build, Run, Stopped, set_up
from sandbox.seats import SEATS, Install
from sandbox.sources.files import count_files
from sandbox.spec import RunSpec, Tree
from sandbox.watch import Watch

log = structlog.get_logger(__name__)

MAX_GENERATIONS: Final = 20
"""Maintenance runs over one whole build: Docker's images have room for about 120 layers."""
LARGE_FILES: Final = 2000
"""A tree with so many files is kept prepared though it has no script: laying it takes seconds."""
RENEWAL_SECONDS: Final = 1800.0
"""An environment is rebuilt in the background no more often than that."""
BUILD_PREFIX: Final = "env-"
"""Of the run ids of builds in the background."""
_REMEMBERED: Final = 256

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run's agent starts from."""

    image: str
    commit: str | None = None
    """Whose tree the image holds; None: the agent lays it."""
    key: str | None = None


class Environments:
    """One directory of records over one engine; other processes may share both."""

    def __init__(
        self,
        engine: Engine,
        records: Records,
        *,
        bounds: Bounds,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.records = records
        self._engine = engine
        self._bounds = bounds
        self._clock = clock
        self._in_use: Counter[str] = Counter()
        self._locks: OrderedDict[tuple[str, str], tuple[tuple[str, str], ...]] = OrderedDict()
        self._background: dict[str, asyncio.Task[None]] = {}
        self._one_build = asyncio.Semaphore(1)

    @asynccontextmanager
    async def prepared(self, run: Run) -> AsyncIterator[Prepared]:
        """The image for the run's agent: found or built now, and kept while it is in use."""
        scopes = dict.fromkeys(("default", run.spec.tree.scope))
        recipes = [await self._recipe(run.spec, scope) for scope in scopes]
        # From before the look: what is found must still be there when the container starts.
        self._in_use.update(recipe.key for recipe in recipes)
        try:
            yield await self._prepare(run, recipes)
        finally:
            self._in_use.subtract(recipe.key for recipe in recipes)

    async def renew_later(self, run: Run, prepared: Prepared) -> None:
        """Bring the environment to the run's commit in the background, where that is worth it."""
        tree = run.spec.tree
        if self._bounds.count == 0 or tree.scope != "default" or prepared.commit == tree.commit:
            return
        if prepared.key is None:
            if await count_files(tree) < LARGE_FILES:
                return
        else:
            record = await self.records.get(prepared.key)
            if record is None or self._clock() - record.built_at < RENEWAL_SECONDS:
                return
        self.build_later(run)

    def build_later(self, run: Run) -> None:
        """Build the environment of the run's tree when nothing else is being built."""
        name = f"{run.spec.tree.mirror} {run.spec.tree.scope}"
        if name not in self._background:
            task = asyncio.create_task(self._build_aside(run), name=f"environment {name}")
            self._background[name] = task
            task.add_done_callback(partial(self._built_aside, name))

    def _built_aside(self, name: str, task: asyncio.Task[None]) -> None:
        self._background.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("environment_broke", name=name, exc_info=error)

    async def build(self, run: Run) -> Record:
        """Build the environment of the run's tree from the beginning, whatever there is."""
        recipe = await self._recipe(run.spec, run.spec.tree.scope)
        async with self._held(run, recipe.key):
            return await self._build(run, recipe)

    async def sweep(self) -> int:
        """Remove images without a record, and records over the bounds; answers how many."""
        await self.records.tidy(self._clock() - self._bounds.unused_seconds)
        return await self._remove_strays() + await self.prune()

    async def prune(self) -> int:
        """Keep within the bounds; what another process uses goes another time."""
        records = await self.records.all()
        used = {key for key, count in self._in_use.items() if count}
        surplus = choose_surplus(records, self._bounds, now=self._clock(), in_use=used)
        return sum([await self.remove(record.key) for record in surplus])

    async def remove(self, key: str) -> bool:
        """The image first: without its record nobody would find it. False: it is in use."""
        try:
            await self._engine.remove_image(tag_of(key))
        except ThreadsmithError as error:
            log.info("environment_kept", key=key, error=str(error))
            return False
        await self.records.remove(key)
        return True

    async def close(self) -> None:
        """End what is being built in the background."""
        tasks = list(self._background.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is being built in the background."""
        await asyncio.gather(*self._background.values(), return_exceptions=True)

    async def _prepare(self, run: Run, recipes: list[Recipe]) -> Prepared:
        own, has_script = recipes[-1], bool(recipes[-1].scripts)
        for recipe in recipes:
            if (record := await self._find(recipe.key)) is not None:
                return await self._use(run, own, record)
        if not has_script:
            await _tell(run, "none", own.key, None)
            return Prepared(image=await self._ground(run))
        async with self._held(run, own.key):
            if (record := await self._find(own.key)) is not None:  # somebody was quicker
                return await self._use(run, own, record)
            await _tell(run, "miss", own.key, None)
            record = await self._build(run, own)
        return Prepared(image=record.tag, commit=record.commit, key=record.key)

    async def _use(self, run: Run, own: Recipe, record: Record) -> Prepared:
        """A hit; where the repository has a maintenance script, it is run for another commit."""
        now = self._clock()
        await self.records.touch(record.key)
        await _tell(run, "hit", record.key, now - record.built_at)
        setup, commit = run.spec.setup, run.spec.tree.commit
        has_maintenance = setup is not None and len(own.scripts) > 1
        if has_maintenance and record.commit != commit:
            record = await self._maintain(run, own, record)
        return Prepared(image=record.tag, commit=record.commit, key=record.key)

    async def _maintain(self, run: Run, own: Recipe, record: Record) -> Record:
        commit = run.spec.tree.commit
        async with self._held(run, own.key):
            newest = await self._find(own.key)
            if newest is not None and newest.commit == commit:
                return newest
            record = newest or record
            if record.generation >= MAX_GENERATIONS:
                return await self._build(run, own)
            return await self._build(run, own, over=record)

    async def _find(self, key: str) -> Record | None:
        record = await self.records.get(key)
        if record is None:
            return None
        try:
            await self._engine.image_id(record.tag)
        except ImageMissing:
            return None
        return record

    async def _build(self, run: Run, recipe: Recipe, *, over: Record | None = None) -> Record:
        """Under the key's lock: set up, keep the image, write it down."""
        spec, setup, key = run.spec, run.spec.setup, recipe.key
        script = None
        if setup is not None and recipe.scripts:
            script = setup.maintenance if over is not None else setup.path
        build = Build(
            image=over.tag if over is not None else await self._ground(run),
            have=over.commit if over is not None else None,
            script=script,
            tag=tag_of(key),
            labels={KEY_LABEL: key},
        )
        recorder = BuildLog(self.records.log_path(key), run.recorder)
        await recorder.begin()
        began = time.monotonic()
        await set_up(replace(run, recorder=recorder), build)
        now = self._clock()
        record = Record(
            key=key,
            repository=spec.tree.repository,
            scope=recipe.scope,
            commit=spec.tree.commit,
            image=spec.image,
            built_at=now,
            seconds=round(time.monotonic() - began, 3),
            size_bytes=await self._size(key),
            generation=over.generation + 1 if over is not None else 0,
            spec={**spec.to_json(), "patch": "", "request": "", "author": ""},
        )
        await self.records.put(record)
        self._in_use[key] += 1
        try:
            await self._remove_strays(builder=key)
            await self.prune()
        finally:
            self._in_use[key] -= 1
        return record

    async def _build_aside(self, run: Run) -> None:
        recipe = await self._recipe(run.spec, run.spec.tree.scope)
        spec = replace(run.spec, run_id=f"{BUILD_PREFIX}{recipe.key[:16]}", patch=b"")
        aside = replace(
            run,
            spec=spec,
            recorder=Unheard(),
            model=None,
            directory=run.directory.with_name(spec.run_id),
            watch=Watch(),
        )
        async with self._one_build:
            try:
                record = await self._find(recipe.key)
                if record is None or record.commit != spec.tree.commit:
                    await asyncio.to_thread(
                        aside.directory.mkdir, mode=0o700, parents=True, exist_ok=True
                    )
                    await self.build(aside)
            except ThreadsmithError as error:
                log.warning("environment_failed", key=recipe.key, error=str(error))
                if (record := await self.records.get(recipe.key)) is not None:
                    await self.records.put(replace(record, failure=error.brief))
            finally:
                await asyncio.to_thread(shutil.rmtree, aside.directory, ignore_errors=True)

    async def _recipe(self, spec: RunSpec, scope: str) -> Recipe:
        tree, setup = spec.tree, spec.setup
        return Recipe(
            repository=tree.mirror.rstrip("/").rpartition("/")[2],
            scope=scope,
            image_id=await self._engine.image_id(spec.image),
            scripts=await hash_scripts(tree, setup),
            locks=await self._find_locks(tree),
            variables=setup.secrets if setup is not None else (),
            agent=SEATS[spec.agent].install.digest if spec.agent in SEATS else "",
        )

    async def _ground(self, run: Run) -> str:
        """What everything else is built on: the image, with another agent's program in it."""
        spec = run.spec
        if spec.agent not in SEATS:
            return spec.image
        install = SEATS[spec.agent].install
        image_id = await self._engine.image_id(spec.image)
        key = seat_key(image_id, install, home=self.records.directory)
        if await self._find(key) is None:
            async with self._held(run, key):
                if await self._find(key) is None:
                    await self._install(run, install, key)
        await self.records.touch(key)
        return tag_of(key)

    async def _install(self, run: Run, install: Install, key: str) -> None:
        """Under the key's lock."""
        build = Build(
            image=run.spec.image,
            have=None,
            script=None,
            tag=tag_of(key),
            labels={KEY_LABEL: key},
            install=install,
        )
        recorder = BuildLog(self.records.log_path(key), run.recorder)
        await recorder.begin()
        began = time.monotonic()
        await set_up(replace(run, recorder=recorder), build)
        record = Record(
            key=key,
            repository=install.name,
            scope=SEAT_SCOPE,
            commit="",
            image=run.spec.image,
            built_at=self._clock(),
            seconds=round(time.monotonic() - began, 3),
            size_bytes=await self._size(key),
            spec={**run.spec.to_json(), "patch": "", "request": "", "author": ""},
        )
        await self.records.put(record)

    async def _find_locks(self, tree: Tree) -> tuple[tuple[str, str], ...]:
        """A commit never changes: what was found in it is remembered."""
        name = (tree.mirror, tree.commit)
        if name not in self._locks:
            self._locks[name] = await find_locks(tree)
            if len(self._locks) > _REMEMBERED:
                self._locks.popitem(last=False)
        return self._locks[name]

    async def _size(self, key: str) -> int:
        found = [
            image.size_bytes for image in await self._engine.images() if image.tag == tag_of(key)
        ]
        return found[0] if found else 0

    async def _remove_strays(self, *, builder: str = "") -> int:
        """Images of ours that no record names: half-made ones, and those that were replaced.

        What is being built right now, by others than ``builder``, has no record yet.
        """
        known = {record.tag for record in await self.records.all()}
        strays = [image for image in await self._engine.images() if image.tag not in known]
        removed = 0
        for image in strays:
            key = image.labels.get(KEY_LABEL, "")
            if key != builder and await asyncio.to_thread(is_locked, self.records.lock_path(key)):
                continue
            try:
                await self._engine.remove_image(image.id)
                removed += 1
            except ThreadsmithError as error:
                log.debug("environment_in_use", image=image.id, error=str(error))
        return removed

    @asynccontextmanager
    async def _held(self, run: Run, key: str) -> AsyncIterator[None]:
        """The key's lock, between tasks and processes; a stop ends the waiting."""
        lock = locked(
            self.records.lock_path(key),
            on_wait=partial(_tell, run, "building", key, None),
        )
        await _unless_stopped(run, lock.__aenter__())
        try:
            yield
        finally:
            await lock.__aexit__(None, None, None)


async def _unless_stopped(run: Run, work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    stop = asyncio.create_task(run.watch.forced.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Stopped
        return task.result()
    finally:
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _tell(run: Run, state: str, key: str, age_seconds: float | None) -> None:
    payload = {"state": state, "key": key, "age_seconds": age_seconds}
    await run.recorder.event("environment", payload)
