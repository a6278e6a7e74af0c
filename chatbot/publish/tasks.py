"""A task that was approved -> what is published of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from chatbot.actions import Actions
from chatbot.changes import continues_pull
from chatbot.config import Settings
from chatbot.forge.errors import ForgeForbidden
from chatbot.forge.github import GitHubForge, RepositoryInfo
from chatbot.history import people, queries
from chatbot.models import Approval, PublishRules, PullEdits, PullRequest, Run, Task, Thread
from chatbot.publish import template, text
from chatbot.publish.branch import Signature, Work
from chatbot.publish.publisher import PublishRequest, PullRequestText, Target, publish
from chatbot.publish.told import Told, read_told
from chatbot.publish_rules import publish_rules
from chatbot.sources import TaskSources
from chatbot.verified import read_verified
from sandbox.errors import ThreadsmithError
from sandbox.redaction import NO_SECRETS, Redactor
from sandbox.sources.files import read_file

Permalink = Callable[[Thread], Awaitable[str]]


class ForgeNotConfigured(ThreadsmithError):
    """No forge is configured."""

    code = "forge_not_configured"
    resolution = "Set THREADSMITH_FORGE_TOKEN; until then the patch can be downloaded."


async def no_permalink(_: Thread) -> str:
    """Where there is no Slack."""
    return ""


class TaskPublisher:
    """Publishes approved patches through one forge."""

    def __init__(
        self,
        settings: Settings,
        actions: Actions,
        forge: GitHubForge | None,
        sources: TaskSources,
        *,
        redactor: Redactor = NO_SECRETS,
        page_url: Callable[[Task], str] = lambda _: "",
    ) -> None:
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._forge = forge
        self._sources = sources
        self._redactor = redactor
        self._page_url = page_url
        self.permalink: Permalink = no_permalink
        """Set by the front that has threads."""

    async def publish(self, task: Task) -> None:
        """Publish the task's newest approval; raises ThreadsmithError."""
        approval = await self._history.read(partial(queries.approved, task_id=task.id))
        if approval is None:
            raise ThreadsmithError("Nothing was approved.")
        rules = publish_rules(self._settings, task.source.repository)
        forge = self._forge if task.source.forge else None
        if forge is None and (task.source.forge or rules.publish != "branch"):
            raise ForgeNotConfigured
        request = await self._request(task, approval, rules, forge)
        published = await publish(
            request,
            forge,
            on_step=partial(self._actions.record_publish_step, task.id),
            redactor=self._redactor,
        )
        url = published.url
        if not url and task.source.forge:
            url = f"{task.source.url.removesuffix('.git')}/tree/{published.branch}"
        pull_request = PullRequest(
            number=published.number,
            url=url,
            branch=published.branch,
            head_commit=published.head_commit,
            head_repository=published.fork,
        )
        await self._actions.published(task.id, approval, pull_request, created=published.created)

    async def _request(
        self, task: Task, approval: Approval, rules: PublishRules, forge: GitHubForge | None
    ) -> PublishRequest:
        history = self._history
        run = await history.read(partial(queries.get_run, run_id=approval.run_id))
        patch = await history.read(partial(queries.get_patch, sha256=approval.patch_sha256))
        told = await history.read(partial(read_told, task_id=task.id))
        settings = self._settings.forge
        author = Signature(name=settings.author_name, email=settings.author_email)
        work = Work(
            mirror=Path(self._sources.mirrors.path(task.source.url)),
            base_commit=run.base_commit or "",
            continues=run.continues,
            patch=patch,
            patch_sha256=approval.patch_sha256,
            message=text.commit_message(
                title=approval.edits.title or task.title,
                summary=task.summary if approval.edits.body is None else approval.edits.body,
                co_author=await self._co_author(run),
                signed_off_by=(author.name, author.email) if settings.sign_off else None,
            ),
            author=author,
            # Not the approval's time: approved again, it must be the commit that may be there.
            at=int(run.finished_at or run.created_at),
            limit_bytes=settings.patch_kib * 1024,
            signing_key=settings.signing_key_file,
        )
        is_first = not continues_pull(task, run)
        info = None if forge is None else await forge.repository(task.source.repository)
        target = await self._target(task, run, approval.edits, rules, forge, info)
        pull = None
        if info is not None and rules.publish != "branch":
            pull = await self._pull(task, approval.edits, told, rules, info)
        return PublishRequest(
            work=work,
            target=target,
            pull=pull,
            answers=told.comments,
            was_redacted=told.was_redacted,
            is_first=is_first,
        )

    async def _target(
        self,
        task: Task,
        run: Run,
        edits: PullEdits,
        rules: PublishRules,
        forge: GitHubForge | None,
        info: RepositoryInfo | None,
    ) -> Target:
        name, url = task.source.repository, task.source.url
        fork = task.pull_request.head_repository if task.pull_request else ""
        if forge is not None and info is not None and not info.rights.push and not fork:
            if info.is_archived or not info.rights.can_fork:
                raise ForgeForbidden(
                    f"Publishing to `{name}` does not work: {', '.join(info.missing)}.",
                    resolution="Give the token or the app that right, then press again.",
                )
            fork = await forge.fork(name)
        if fork:
            url = f"{self._settings.forge.url.rstrip('/')}/{fork}.git"
        named = None if continues_pull(task, run) else edits.branch
        return Target(
            repository=name,
            push_url=url,
            branch=named or _branch(task, run, rules),
            must_be_new=named is not None,
            env=await self._sources.push_env(task, url),
            fork=fork,
        )

    async def _pull(
        self,
        task: Task,
        edits: PullEdits,
        told: Told,
        rules: PublishRules,
        info: RepositoryInfo,
    ) -> PullRequestText:
        # Where the work began, if that is a branch.
        base = rules.base or task.branch or info.default_branch
        head = await self._sources.fetch(task, await self._sources.look_up(task, base))
        form = b""
        for path in template.PATHS:
            if found := await read_file(head, path, limit_bytes=template.MAX_BYTES):
                form = found
                break
        closes = ""
        if task.issue is not None:
            own = task.issue.repository == task.source.repository
            closes = f"{'' if own else task.issue.repository}#{task.issue.number}"
        given = text.PullText(
            summaries=tuple(str(end.get("summary") or "") for end in told.ends),
            claimed=str(told.ends[-1].get("claimed") or ""),
            verified=read_verified(told.ends[-1]),
            asked_by=task.author.name,
            closes=closes,
            thread_url=await self.permalink(task.thread) if task.thread else "",
            # Whoever has the page's address may read it: a public pull request would tell it.
            page_url=self._page_url(task) if info.is_private else "",
        )
        return PullRequestText(
            base=base,
            base_head=head.commit,
            title=text.pull_title(str(told.ends[0].get("title") or task.title)),
            new_title=text.pull_title(edits.title) if edits.title is not None else "",
            body=text.pull_body(given, form.decode(errors="replace")),
            draft=_is_draft(task, rules) if edits.draft is None else edits.draft,
            labels=rules.labels,
            reviewers=rules.reviewers,
        )

    async def _co_author(self, run: Run) -> tuple[str, str]:
        """The person who asked: as the forge knows them, else an address that is nobody's."""
        linked = await self._history.read(partial(people.find, user_id=run.author.id))
        if linked is None:
            return run.author.name, f"{run.author.id.lower()}@users.noreply.threadsmith.invalid"
        return run.author.name, linked.address(self._settings.forge.url)


def _is_draft(task: Task, rules: PublishRules) -> bool:
    """As the request says, else as the repository has it."""
    return rules.draft if task.draft is None else task.draft


def _branch(task: Task, run: Run, rules: PublishRules) -> str:
    if task.pull_request is not None and continues_pull(task, run):
        return task.pull_request.branch
    return text.branch_name(
        rules.branch_name,
        title=task.title,
        task_id=run.id if task.pull_request else task.id,
        person=task.author.name,
        issue=str(task.issue.number) if task.issue else "",
    )
