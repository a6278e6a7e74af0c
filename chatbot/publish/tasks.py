"""A task that was approved -> what is published of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history import queries
from chatbot.models import Approval, PullRequest, Run, Task
from chatbot.publish import text
from chatbot.publish.forge import GitHubForge
from chatbot.publish.publisher import PublishRequest, Signature, publish
from chatbot.sources import TaskSources
from sandbox.errors import ThreadsmithError


class ForgeNotConfigured(ThreadsmithError):
    """No forge is configured."""

    code = "forge_not_configured"
    resolution = "Set THREADSMITH_FORGE_TOKEN; until then the patch can be downloaded."


class TaskPublisher:
    """Publishes approved patches through one forge."""

    def __init__(
        self,
        settings: Settings,
        actions: Actions,
        forge: GitHubForge | None,
        sources: TaskSources,
    ) -> None:
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._forge = forge
        self._sources = sources

    async def publish(self, task: Task) -> None:
        """Make the pull request of the task's newest approval; raises ThreadsmithError."""
        if self._forge is None:
            raise ForgeNotConfigured
        approval = await self._history.read(partial(queries.approved, task_id=task.id))
        if approval is None:
            raise ThreadsmithError("Nothing was approved.")
        request = await self._request(task, approval, self._forge)
        published = await publish(
            request, self._forge, on_step=partial(self._actions.record_publish_step, task.id)
        )
        pull_request = PullRequest(
            number=published.number,
            url=published.url,
            branch=published.branch,
            head_commit=published.head_commit,
        )
        await self._actions.published(task.id, approval, pull_request, created=published.created)

    async def _request(self, task: Task, approval: Approval, forge: GitHubForge) -> PublishRequest:
        history = self._history
        run = await history.read(partial(queries.get_run, run_id=approval.run_id))
        patch = await history.read(partial(queries.get_patch, sha256=approval.patch_sha256))
        ends = await self._approved_ends(task)
        info = await forge.repository(task.source.repository)
        url = task.source.url
        return PublishRequest(
            repository=task.source.repository,
            clone_url=url,
            mirror=Path(self._sources.mirrors.path(url)),
            base_commit=run.base_commit or "",
            # Where the work began, if that is a branch.
            base_branch=task.branch or info.default_branch,
            patch=patch,
            patch_sha256=approval.patch_sha256,
            branch=self._branch(task, run),
            # A follow-up does not rename the pull request.
            title=text.pull_title(ends[0]["title"] or task.title),
            body=text.pull_body(
                summaries=[str(end["summary"]) for end in ends],
                claimed=str(ends[-1]["claimed"]),
                asked_by=task.author.name,
            ),
            message=text.commit_message(
                title=task.title, summary=task.summary, co_author=_co_author(run)
            ),
            author=Signature(
                name=self._settings.forge.author_name, email=self._settings.forge.author_email
            ),
            # Not the approval's time: approved again, it must be the commit that may be there.
            at=int(run.finished_at or run.created_at),
            credentials=self._sources.credentials(url),
        )

    def _branch(self, task: Task, run: Run) -> str:
        """The pull request's own branch, as long as the run began there."""
        pull_request = task.pull_request
        if pull_request is not None and run.branch == pull_request.branch:
            return pull_request.branch
        return text.branch_name(task.title, run.id if pull_request else task.id)

    async def _approved_ends(self, task: Task) -> list[dict[str, Any]]:
        """How each run ended whose patch was approved, this one last."""
        events = await self._history.read(partial(queries.task_events, task_id=task.id))
        runs = {
            event.payload["approval_id"]: event.payload["run_id"]
            for event in events
            if event.kind == "approval_requested"
        }
        ends = {
            event.payload["run_id"]: event.payload
            for event in events
            if event.kind == "run_finished"
        }
        chosen = [
            runs[event.payload["approval_id"]]
            for event in events
            if event.kind == "approval_settled" and event.payload["state"] == "approved"
        ]
        # A publishing that failed and was approved again counts once.
        return [ends[run_id] for run_id in dict.fromkeys(chosen)]


def _co_author(run: Run) -> tuple[str, str]:
    """The person who asked, by name; the address is one that belongs to nobody."""
    return run.author.name, f"{run.author.id.lower()}@users.noreply.threadsmith.invalid"
