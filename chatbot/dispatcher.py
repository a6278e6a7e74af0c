"""Takes queued runs within the limits and drives each to its end; publishes what was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog

from chatbot.actions import Actions
from chatbot.attempts import asked_of
from chatbot.budgets import check_allowance
from chatbot.config import Settings
from chatbot.given import Gathering, not_given
from chatbot.history import conversation, delivery, queries
from chatbot.models import Event, Run, Status, Task
from chatbot.ownership import Ownership
from chatbot.permissions import spend_limit
from chatbot.places import with_places
from chatbot.publish.update import bring_onto
from chatbot.recorder import StoryRecorder
from chatbot.repository_rules import Rules, rules_of
from chatbot.scripts import read_scripts, trust_domain
from chatbot.seats import find_agent, find_earlier
from chatbot.setup_changes import Decision
from chatbot.sources import TaskSources
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome
from sandbox.runner import Runner
from sandbox.sources.notes import tree_notes
from sandbox.spec import OWN_AGENT, Exchange, RunSpec, Setup, Tree

log = structlog.get_logger(__name__)

T = TypeVar("T")

DEADLINE_CHECK_SECONDS = 5.0
SEEN_SECONDS = 24 * 3600.0
"""Slack's last retry comes after about six minutes; a day is safe and small."""


class Dispatcher:
    """Owns every run and every publishing of this process."""

    def __init__(
        self,
        settings: Settings,
        actions: Actions,
        *,
        runner: Runner,
        sources: TaskSources,
        publish: Callable[[Task], Awaitable[None]],
        missing: Callable[[Task], Coroutine[Any, Any, tuple[str, ...]]],
        ownership: Ownership,
        gathering: Gathering,
        takes: Callable[[Task], bool] = lambda _: True,
    ) -> None:
        """``takes`` says which queued tasks are this process's to drive."""
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._runner = runner
        self._sources = sources
        self._publish = publish
        self._missing = missing
        self._ownership = ownership
        self._gathering = gathering
        self._takes = takes
        self._places = asyncio.Semaphore(settings.sandbox.max_runs)
        self._driven: dict[str, asyncio.Task[None]] = {}
        self._preparing: set[str] = set()
        self._group = asyncio.TaskGroup()

    async def run(self, *, adopted: Sequence[Run] = ()) -> None:
        """Follow the story for ever, first going on with the runs of a process that died.

        Cancelling leaves containers to the next start.
        """
        before = self._actions.clock() - SEEN_SECONDS
        await self._history.write(lambda db: delivery.forget_seen(db, before))
        after = await self._history.read(queries.last_event_id)
        async with self._group:
            self._group.create_task(self._watch_deadlines())
            for run in adopted:
                self._start(run.id, self._walled(run.id, self._attach(run)))
                self._start(f"given {run.id}", self._gather(run.task_id))
            for run in await self._history.read(queries.open_runs):
                if run.started_at is None:
                    await self._take(run.id)
            for task in await self._history.read(queries.open_tasks):
                if task.status == Status.PUBLISHING:
                    self._start(task.id, self._publish_one(task.id))
            async for event in self._history.follow(after=after):
                await self._hear(event)

    async def _hear(self, event: Event) -> None:
        match event.kind:
            case "run_queued" | "run_requeued":
                await self._take(event.payload["run_id"])
            case "setup_approval_settled" if event.payload["state"] in {"approved", "skipped"}:
                await self._take(event.payload["run_id"])
            case "message_received" if event.payload.get("given"):
                task = await self._history.read(lambda db: queries.get_task(db, event.task_id))
                if self._takes(task):  # another process may reach what this one does not
                    self._start(f"given {event.id}", self._gather(event.task_id))
            case "stop_requested":
                await self._stop(event.payload["run_id"])
            case "approval_settled" if event.payload["state"] == "approved":
                self._start(event.task_id, self._publish_one(event.task_id))

    async def _take(self, run_id: str) -> None:
        run = await self._history.read(lambda db: queries.get_run(db, run_id))
        task = await self._history.read(lambda db: queries.get_task(db, run.task_id))
        if task.status == Status.WAITING:
            return  # for a person's word about the set-up
        mine = run.owner in {None, self._ownership.owner} and self._takes(task)
        if mine and run.finished_at is None and run_id not in self._driven:
            self._start(run_id, self._walled(run_id, self._drive(run_id)))

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._driven[name] = self._group.create_task(work, name=name)
        self._driven[name].add_done_callback(lambda _: self._driven.pop(name, None))

    async def _drive(self, run_id: str) -> None:
        run = await self._history.read(lambda db: queries.get_run(db, run_id))
        task = await self._task(run)
        missing = asyncio.create_task(self._missing(task))
        try:
            await self._run(task, run, missing)
        finally:
            missing.cancel()

    async def _run(self, task: Task, run: Run, missing: asyncio.Task[tuple[str, ...]]) -> None:
        run_id = run.id
        tree = await self._staged("source", self._sources.resolve(task, run))
        continues = await self._bring(task, run, tree)
        run = await self._actions.resolve_run(
            *(run_id,),
            branch=tree.branch,
            base_commit=tree.commit,
            continues=continues,
            detail={},
        )
        async with self._places:
            claimed = await self._actions.claim_run(run_id, self._ownership.owner)
            if claimed is None:
                return
            check_allowance(await self._recorder(task, run).allowance())
            self._preparing.add(run_id)
            try:
                tree = await self._staged("source", self._sources.fetch(task, tree))
                await self._gather(task.id)
                spec = await self._specify(task, claimed, tree, await missing)
                if spec is None:
                    return
                stored = spec.to_json() | {"patch": ""}
                await self._actions.record_spec(run_id, stored)
            finally:
                self._preparing.discard(run_id)
            outcome = await self._runner.run(spec, self._recorder(task, run))
            await self._actions.finish_run(run_id, await with_places(task, spec.tree, outcome))

    async def _bring(self, task: Task, run: Run, tree: Tree) -> str | None:
        """The published head that the run's commit follows besides its base, if any."""
        if run.update_onto is not None:
            tree = await self._staged("source", self._sources.fetch(task, tree))
            brought = await self._staged(
                "update",
                bring_onto(task, run, tree, actions=self._actions, sources=self._sources),
            )
            await self._actions.start_from(run.id, brought.patch, brought.sha256)
            return brought.continues
        earlier = await self._sources.unpublished(task, run)
        return None if earlier is None else earlier.continues

    async def _gather(self, task_id: str) -> None:
        """Outer wall: whatever goes wrong, no run waits for what cannot be had."""
        try:
            await self._gathering.gather(task_id)
        except Exception:
            log.exception("gather_broke", task_id=task_id)
            await self._gathering.give_up(task_id)

    async def _attach(self, run: Run) -> None:
        async with self._places:
            run = await self._actions.adopt_run(run.id, self._ownership.owner)
            spec = RunSpec.from_json(run.spec or {})
            task = await self._task(run)
            outcome = await self._runner.attach(spec, run.handle, self._recorder(task, run))
            await self._actions.finish_run(run.id, await with_places(task, spec.tree, outcome))

    async def _specify(
        self, task: Task, run: Run, tree: Tree, missing: tuple[str, ...]
    ) -> RunSpec | None:
        """What the run is made from; None: a person has to say first whether scripts may run."""
        rules = await rules_of(self._settings, task.source.repository, tree, image=task.image)
        setup, decision = await self._setup(task, run, tree, rules)
        if decision == "pending":
            return None
        notes = (*await tree_notes(tree), *rules.notes)
        lost = await self._history.read(lambda db: not_given(db, task.id, run.number))
        if notes or missing or lost:
            told = [*missing, *lost, *notes]
            await self._actions.record_event(run.id, "source_notes", {"notes": told})
        if rules.test:
            notes = (*notes, f"The repository says how its tests are run: {rules.test}")
        patch = b""
        if (sha256 := run.start_patch_sha256) is not None:
            patch = await self._history.read(lambda db: queries.get_patch(db, sha256))
        turns = await self._history.read(lambda db: conversation.count(db, task.id))
        agent = await self._history.read(lambda db: find_agent(db, task, run, rules))
        earlier: tuple[Exchange, ...] = ()
        if agent != OWN_AGENT:
            earlier = await self._history.read(lambda db: find_earlier(db, task, run))
        return RunSpec(
            run_id=run.id,
            task_id=task.id,
            mode=task.mode,
            request=asked_of(task, run),
            author=run.author.name,
            tree=tree,
            image=rules.image,
            model=task.model,
            agent=agent,
            earlier=earlier,
            fallback=self._settings.model.fallback,
            limits=replace(
                self._settings.sandbox.limits(),
                context_tokens=self._settings.model.context_tokens,
            ),
            setup=setup,
            agent_network=rules.agent_network,
            notes=notes,
            # At the command line nobody is spoken to.
            can_ask=task.origin != "cli",
            verify=self._settings.sandbox.verify,
            checks=(rules.test,) if rules.test else (),
            patch=patch,
            resume_turn=turns,
            own_container=run.attempt is not None,
        )

    async def _setup(
        self, task: Task, run: Run, tree: Tree, rules: Rules
    ) -> tuple[Setup | None, Decision]:
        scripts = await read_scripts(tree, rules)
        if scripts is None:
            return None, "skipped"
        decision: Decision = "approved"
        if not rules.is_trusted:
            decision = await self._actions.ask_setup(
                run.id,
                repository=trust_domain(task),
                sha256=scripts.sha256,
                content=scripts.to_json(),
                shown={
                    "path": scripts.path,
                    "lines": scripts.lines,
                    "network": list(rules.setup_network),
                    "secrets": list(rules.secrets),
                },
            )
        if decision != "approved":
            return None, decision
        setup = Setup(
            path=scripts.path,
            maintenance=scripts.maintenance,
            network=rules.setup_network,
            secrets=rules.secrets,
        )
        return setup, decision

    def _recorder(self, task: Task, run: Run) -> StoryRecorder:
        spend = spend_limit(self._settings, task.source.repository)
        budgets = self._settings.budgets
        return StoryRecorder(self._actions, run.task_id, run.id, budgets, spend=spend)

    async def _stop(self, run_id: str) -> None:
        if run_id in self._preparing and run_id in self._driven:
            self._driven[run_id].cancel()
            await self._actions.finish_run(
                run_id, Outcome(kind="stopped", summary="Stopped before the agent had started.")
            )
        elif run_id in self._driven:
            self._start(f"stop {run_id}", self._runner.stop(run_id))

    async def _publish_one(self, task_id: str) -> None:
        """Outer wall: whatever goes wrong, the task leaves `publishing`."""
        task = await self._history.read(lambda db: queries.get_task(db, task_id))
        if task.status != Status.PUBLISHING:
            return
        try:
            await self._publish(task)
        except ThreadsmithError as error:
            log.warning("publish_failed", task_id=task_id, error=str(error))
            await self._actions.publish_failed(task_id, error.stage or "publish", error)
        except Exception as error:
            log.exception("publish_broke", task_id=task_id)
            await self._actions.publish_failed(task_id, "internal", _internal(error))

    async def _walled(self, run_id: str, work: Coroutine[Any, Any, None]) -> None:
        """The run boundary: one run's fault never reaches another."""
        try:
            await work
        except ThreadsmithError as error:
            log.warning("run_failed", run_id=run_id, error=str(error))
            await self._actions.fail_run(run_id, error.stage or "run", error)
        except Exception as error:
            log.exception("run_broke", run_id=run_id)
            await self._actions.fail_run(run_id, "internal", _internal(error))

    async def _staged(self, stage: str, work: Awaitable[T]) -> T:
        try:
            return await work
        except ThreadsmithError as error:
            error.stage = stage
            raise

    async def _task(self, run: Run) -> Task:
        return await self._history.read(lambda db: queries.get_task(db, run.task_id))

    async def _watch_deadlines(self) -> None:
        while True:
            now = self._actions.clock()
            for task in await self._history.read(partial(queries.overdue_tasks, now=now)):
                log.warning("task_overdue", task_id=task.id, status=task.status)
                run = await self._history.read(partial(queries.newest_run, task_id=task.id))
                await self._actions.expire(task.id)
                if run.id in self._driven:
                    await self._stop(run.id)
            await asyncio.sleep(DEADLINE_CHECK_SECONDS)


def _internal(error: Exception) -> ThreadsmithError:
    return ThreadsmithError(
        "It failed inside Threadsmith.",
        details=repr(error),
        resolution="See the log of the Threadsmith process.",
    )
