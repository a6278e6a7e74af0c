"""Patch -> commit -> branch -> pull request: a row of steps, each safe to repeat.

All git work is done in the bare mirror, without a working tree, so nothing in the repository or
the patch is ever run or followed. Nothing is forced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chatbot.forge.errors import ForgeConflict, ForgeError
from chatbot.forge.github import GitHubForge, OpenPull
from chatbot.publish.branch import BaseMoved, Work, find_conflicts, make_commit, push_branch
from chatbot.publish.text import updated_body
from sandbox.errors import ThreadsmithError
from sandbox.redaction import NO_SECRETS, Redactor

Step = Callable[[str, dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the branch goes."""

    repository: str
    """`owner/name` on the forge; of a plain remote what people call it."""
    push_url: str
    branch: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What lets git push there, and nowhere else; it holds the token."""
    fork: str = ""
    """The repository that ``push_url`` belongs to, where it is a fork."""
    must_be_new: bool = False
    """A person named the branch: it must not be one that holds other work."""

    @property
    def owner(self) -> str:
        return self.fork.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestText:
    """What the pull request is to be, where one is wanted."""

    base: str
    base_head: str
    """The base branch's newest commit, which is in the mirror."""
    title: str
    body: str
    new_title: str = ""
    """What a pull request that stands is to be called from now on; empty: as it is."""
    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """Everything that is published."""

    work: Work
    target: Target
    pull: PullRequestText | None
    """None: the branch alone."""
    answers: tuple[int, ...] = ()
    """Review comments that this commit answers."""
    was_redacted: bool = False
    """Something was hidden in the task's patches on their way out of the container."""
    is_first: bool = True
    """Nothing of the task was published on this branch before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    number: int
    url: str
    branch: str
    head_commit: str
    created: bool
    fork: str = ""


async def publish(
    request: PublishRequest,
    forge: GitHubForge | None,
    *,
    on_step: Step,
    redactor: Redactor = NO_SECRETS,
) -> Published:
    """Open the pull request, or bring the branch's open one up to date; raises PublishFailed."""
    work, target = request.work, request.target
    commit, summary = await make_commit(work, redactor, was_redacted=request.was_redacted)
    made = {
        "result": commit,
        "commit": commit,
        "tree": summary.tree,
        "parents": list(work.parents),
        "patch_sha256": work.patch_sha256,
    }
    await on_step("commit", made)
    if request.pull is not None:
        conflicts = await find_conflicts(work.mirror, request.pull.base_head, commit)
        if conflicts:
            raise BaseMoved(request.pull.base, conflicts)
    await push_branch(
        work.mirror,
        commit,
        url=target.push_url,
        branch=target.branch,
        repository=target.fork or target.repository,
        env=target.env,
        must_be_new=target.must_be_new,
    )
    pushed = {"url": target.push_url, "branch": target.branch, "commit": commit}
    await on_step("push", {"result": target.branch, **pushed})
    if request.pull is None or forge is None:
        return Published(number=0, url="", branch=target.branch, head_commit=commit, created=True)
    pull, created = await _open_or_edit(target, request.pull, forge, on_step)
    opened = {"number": pull.number, "url": pull.url, "created": created}
    await on_step("pull_request", {"result": pull.url, **opened})
    if request.is_first:
        await _dress(target, request.pull, pull, forge, on_step)
    for comment in request.answers:
        await _answer(target.repository, pull.number, comment, commit, forge, on_step)
    return Published(
        number=pull.number,
        url=pull.url,
        branch=target.branch,
        head_commit=commit,
        created=created or request.is_first,
        fork=target.fork,
    )


async def _open_or_edit(
    target: Target, text: PullRequestText, forge: GitHubForge, on_step: Step
) -> tuple[OpenPull, bool]:
    name, branch = target.repository, target.branch
    found = await forge.find_pull(name, branch, owner=target.owner)
    if found is None:
        create = partial(
            forge.create_pull,
            name,
            branch=branch,
            base=text.base,
            title=text.title,
            body=text.body,
            owner=target.owner,
        )
        try:
            pull = await create(draft=text.draft)
        except ForgeConflict as error:
            if text.draft and "draft" in error.brief.lower():
                # Some plans of GitHub's have none for private repositories.
                pull = await create(draft=False)
                told = "This repository takes no drafts: it was opened for review."
                await on_step("note", {"result": told, "details": error.brief})
                return pull, True
            # The answer to an earlier try may have been lost on its way.
            found = await forge.find_pull(name, branch, owner=target.owner)
            if found is None:
                raise
        else:
            return pull, True
    body = updated_body(found.body, text.body)
    if body != found.body or text.new_title:
        found = await forge.edit_pull(name, found.number, body=body, title=text.new_title)
    return found, False


async def _dress(
    target: Target, text: PullRequestText, pull: OpenPull, forge: GitHubForge, on_step: Step
) -> None:
    """Labels and reviewers: what is wrong with them must not undo a pull request that stands."""
    name, number = target.repository, pull.number
    try:
        if text.labels:
            await forge.add_labels(name, number, text.labels)
            await on_step("labels", {"result": ", ".join(text.labels)})
        if text.reviewers:
            await forge.request_reviewers(name, number, text.reviewers)
            await on_step("reviewers", {"result": ", ".join(text.reviewers)})
    except ThreadsmithError as error:
        await on_step("note", {"result": error.brief, "details": error.details})


async def _answer(
    name: str, number: int, comment: int, commit: str, forge: GitHubForge, on_step: Step
) -> None:
    """Once: a step that is repeated finds the answer that is there."""
    words = f"Answered in {commit}."
    try:
        if not await forge.has_reply(name, number, comment, words):
            await forge.reply(name, number, comment, words)
    except ForgeError as error:
        await on_step("note", {"result": error.brief, "details": error.details})
    else:
        await on_step("answer", {"result": words, "comment": comment, "commit": commit})
