"""Keeps environments ahead of their repositories: rebuilt when the default branch has moved."""

from __future__ import annotations

import asyncio

import structlog

from chatbot.config import Settings
from chatbot.history import queries, setup_approvals
from chatbot.history.store import History
from chatbot.models import Task
from chatbot.repository_rules import rules_of
from chatbot.scripts import read_scripts, trust_domain
from chatbot.sources import TaskSources
from sandbox.environments.records import Record
from sandbox.errors import ThreadsmithError
from sandbox.runner import Runner
from sandbox.spec import OWN_AGENT, RunSpec, Setup

log = structlog.get_logger(__name__)

RECENT_TASKS = 500


class Upkeep:
    """One look after the other, for ever."""

    def __init__(
        self, settings: Settings, history: History, *, runner: Runner, sources: TaskSources
    ) -> None:
        self._settings = settings
        self._history = history
        self._runner = runner
        self._sources = sources

    async def run(self) -> None:
        pause = self._settings.sandbox.refresh_minutes * 60
        while pause > 0:
            await asyncio.sleep(pause)
            await self.look()

    async def look(self) -> None:
        """Whatever fails is told to the log, and tried again the next time."""
        await self._runner.environments.prune()
        records = await self._runner.environments.records.all()
        tasks = await self._history.read(lambda db: queries.list_tasks(db, limit=RECENT_TASKS))
        by_mirror = {
            str(self._sources.mirrors.path(task.source.url)): task
            for task in reversed(tasks)
            if task.source.kind == "git" and task.source.url
        }
        for record in records:
            task = by_mirror.get(record.spec["tree"]["mirror"])
            if record.scope == "default" and task is not None:
                try:
                    await self._renew(record, task)
                except ThreadsmithError as error:
                    log.warning("refresh_failed", repository=record.repository, error=str(error))

    async def _renew(self, record: Record, task: Task) -> None:
        tree = await self._sources.look_up(task, None)
        if tree.commit == record.commit:
            return
        tree = await self._sources.fetch(task, tree)
        rules = await rules_of(self._settings, task.source.repository, tree)
        scripts = await read_scripts(tree, rules)
        setup = None
        if scripts is not None:
            sha256 = scripts.sha256
            given = await self._history.read(
                lambda db: setup_approvals.standing(db, trust_domain(task), sha256)
            )
            if given is None and not rules.is_trusted:
                return  # the next task asks
            setup = Setup(
                path=scripts.path,
                maintenance=scripts.maintenance,
                network=rules.setup_network,
                secrets=rules.secrets,
            )
        spec = RunSpec(
            run_id="",
            task_id="",
            mode="change",
            request="",
            author="",
            tree=tree,
            image=rules.image,
            model=self._settings.model.default,
            agent=record.spec.get("agent", OWN_AGENT),
            limits=self._settings.sandbox.limits(),
            setup=setup,
        )
        self._runner.build_later(spec)
