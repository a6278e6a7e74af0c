"""Patch -> commit -> branch -> pull request: a row of steps, each safe to repeat.

All git work is done in the bare mirror, without a working tree, so nothing in the repository or
the patch is ever run or followed. Nothing is forced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from chatbot.publish.forge import GitHubForge, OpenPull
from sandbox.errors import ThreadsmithError
from sandbox.git import GitCredentials, GitFailed, credential_env, git
from sandbox.patch import check_patch

PUSH_SECONDS = 300.0
MAX_PATCH_BYTES = 64 * 1024**2
"""The run's own limit is lower; this one only guards against a damaged store."""

Step = Callable[[str, str], Awaitable[None]]


class PublishFailed(ThreadsmithError):
    """The pull request could not be made."""

    code = "publish_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """Everything that is published, pinned by the patch's hash."""

    repository: str
    """`owner/name` on the forge."""
    clone_url: str
    mirror: Path
    base_commit: str
    base_branch: str
    patch: bytes
    patch_sha256: str
    branch: str
    """The pull request's own branch."""
    title: str
    body: str
    message: str
    """The commit's whole message, trailers included."""
    author: Signature
    at: int
    """Unix seconds of the commit; fixed, so that a repeated step makes the same commit."""
    credentials: GitCredentials | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    number: int
    url: str
    branch: str
    head_commit: str
    created: bool


async def publish(request: PublishRequest, forge: GitHubForge, *, on_step: Step) -> Published:
    """Open the pull request, or bring the branch's open one up to date; raises PublishFailed."""
    commit = await make_commit(request)
    await on_step("commit", commit)
    await push_branch(request, commit)
    await on_step("push", request.branch)
    found = await forge.find_pull(request.repository, request.branch)
    pull = await _open_or_edit(request, forge, found)
    await on_step("pull_request", pull.url)
    return Published(
        number=pull.number,
        url=pull.url,
        branch=request.branch,
        head_commit=commit,
        created=found is None,
    )


async def make_commit(request: PublishRequest) -> str:
    """The patch as one commit on its base, in the mirror; the same request, the same id."""
    digest = hashlib.sha256(request.patch).hexdigest()
    if digest != request.patch_sha256:
        raise PublishFailed("The patch is not the one that was approved.", details=digest)
    summary = await check_patch(
        request.mirror, request.base_commit, request.patch, limit_bytes=MAX_PATCH_BYTES
    )
    if not summary.files:
        raise PublishFailed("The patch changes nothing.")
    environment = {
        "GIT_AUTHOR_NAME": request.author.name,
        "GIT_AUTHOR_EMAIL": request.author.email,
        "GIT_AUTHOR_DATE": f"{request.at} +0000",
        "GIT_COMMITTER_NAME": request.author.name,
        "GIT_COMMITTER_EMAIL": request.author.email,
        "GIT_COMMITTER_DATE": f"{request.at} +0000",
    }
    commit = await git(
        *("commit-tree", summary.tree, "-p", request.base_commit, "-F", "-"),
        git_dir=request.mirror,
        env=environment,
        stdin=request.message.encode(),
    )
    return commit.decode().strip()


async def push_branch(request: PublishRequest, commit: str) -> None:
    """Push without force: a branch that others moved is left as it is, and said so."""
    try:
        await git(
            *("push", "--quiet", "--porcelain", "--", request.clone_url),
            f"{commit}:refs/heads/{request.branch}",
            git_dir=request.mirror,
            env=credential_env(request.clone_url, request.credentials),
            timeout=PUSH_SECONDS,
        )
    except GitFailed as error:
        raise _explain_push(request, error) from error


async def _open_or_edit(
    request: PublishRequest, forge: GitHubForge, found: OpenPull | None
) -> OpenPull:
    if found is not None:
        return await forge.edit_pull(
            request.repository, found.number, title=request.title, body=request.body
        )
    return await forge.create_pull(
        request.repository,
        branch=request.branch,
        base=request.base_branch,
        title=request.title,
        body=request.body,
        draft=request.draft,
    )


def _explain_push(request: PublishRequest, error: GitFailed) -> PublishFailed:
    said = error.stderr.lower()
    if "fetch first" in said or "non-fast-forward" in said or "rejected" in said:
        return PublishFailed(
            f"The branch `{request.branch}` has moved since this work began, or refuses pushes.",
            details=error.stderr,
            resolution="Reply with what to do: a further run starts from the branch as it is now.",
        )
    if "403" in said or "401" in said or "authentication" in said or "could not read" in said:
        return PublishFailed(
            f"The forge's token may not push to `{request.repository}`.",
            details=error.stderr,
            resolution="Give the token the right to push there, then press the button again.",
        )
    return PublishFailed(
        f"The branch could not be pushed to `{request.repository}`.",
        details=error.stderr,
        resolution="Check that the forge can be reached, then press the button again.",
    )
