"""The patch as a commit on a branch, made in the bare mirror: no working tree, nothing forced."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.publish.errors import PublishFailed
from chatbot.publish.large_files import check_large_files
from sandbox.git import GitFailed, config_env, git
from sandbox.patch import PatchSummary, check_patch
from sandbox.redaction import NO_SECRETS, REDACTED, Redactor

PUSH_SECONDS = 300.0
MAX_NAMED = 10


class BaseMoved(PublishFailed):
    """The base branch has changes that this patch does not go together with."""

    code = "base_moved"

    def __init__(self, base: str, files: Sequence[str]) -> None:
        named = ", ".join(f"`{path}`" for path in files[:MAX_NAMED])
        more = f" and {len(files) - MAX_NAMED} more" if len(files) > MAX_NAMED else ""
        super().__init__(
            f"`{base}` has changed the same places in {named}{more} since this work began.",
            resolution="Press Update: a further run brings the work onto the branch as it is now.",
        )
        self.base = base


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What becomes a commit, pinned by the patch's hash."""

    mirror: Path
    base_commit: str
    """What the patch was made for."""
    continues: str | None = None
    """The branch's own head, where the work was brought from there onto a newer base."""
    patch: bytes
    patch_sha256: str
    message: str
    """The commit's whole message, trailers included."""
    author: Signature
    at: int
    """Unix seconds of the commit; fixed, so that a repeated step makes the same commit."""
    limit_bytes: int
    signing_key: Path | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        own = () if self.continues is None else (self.continues,)
        return (*own, self.base_commit)


async def make_commit(
    work: Work, redactor: Redactor = NO_SECRETS, *, was_redacted: bool = False
) -> tuple[str, PatchSummary]:
    """One commit; the same work gives the same id. Raises PublishFailed and PatchRefused."""
    digest = hashlib.sha256(work.patch).hexdigest()
    if digest != work.patch_sha256:
        raise PublishFailed("The patch is not the one that was approved.", details=digest)
    _check_secrets(work.patch, redactor, was_redacted=was_redacted)
    summary = await check_patch(
        work.mirror, work.base_commit, work.patch, limit_bytes=work.limit_bytes
    )
    if not summary.files:
        raise PublishFailed("The patch changes nothing.")
    await check_large_files(work.mirror, work.base_commit, summary)
    environment = {
        "GIT_AUTHOR_NAME": work.author.name,
        "GIT_AUTHOR_EMAIL": work.author.email,
        "GIT_AUTHOR_DATE": f"{work.at} +0000",
        "GIT_COMMITTER_NAME": work.author.name,
        "GIT_COMMITTER_EMAIL": work.author.email,
        "GIT_COMMITTER_DATE": f"{work.at} +0000",
    }
    sign: tuple[str, ...] = ()
    if work.signing_key is not None:
        sign = ("-S",)
        key = str(work.signing_key.expanduser().absolute())
        environment |= config_env({"gpg.format": "ssh", "user.signingKey": key})
    parents = [part for parent in work.parents for part in ("-p", parent)]
    try:
        commit = await git(
            *("commit-tree", summary.tree, *parents, *sign, "-F", "-"),
            git_dir=work.mirror,
            env=environment,
            stdin=work.message.encode(),
        )
    except GitFailed as error:
        raise PublishFailed(
            "The commit could not be made.",
            details=error.stderr,
            resolution="See the log; check forge.signing_key_file, if one is set.",
        ) from error
    return commit.decode().strip(), summary


def _check_secrets(patch: bytes, redactor: Redactor, *, was_redacted: bool) -> None:
    """What was hidden on its way out of the container must not be published in its place."""
    added = [
        line[1:]
        for line in patch.split(b"\n")
        if line.startswith(b"+") and not line.startswith(b"+++ ")
    ]
    if was_redacted and any(REDACTED.encode() in line for line in added):
        raise PublishFailed(
            f"Something that looks like a secret was hidden in this patch (`{REDACTED}`).",
            resolution="Ask for the change without the secret; a reply in the thread will do.",
        )
    _, count = redactor.patch(patch)
    if count:
        raise PublishFailed(
            "The patch holds what looks like a secret.",
            resolution="Ask for the change without the secret; a reply in the thread will do.",
        )


async def find_conflicts(mirror: Path, base_head: str, commit: str) -> list[str]:
    """Files that the commit and the base branch's newest one changed in the same places."""
    return (await merge(mirror, base_head, commit))[1]


async def merge(mirror: Path, base_head: str, commit: str) -> tuple[str, list[str]]:
    """The tree of both, with marks where they do not go together, and the files that have them."""
    try:
        found = await git(
            *("merge-tree", "--write-tree", "--name-only", "-z", "--no-messages"),
            *(base_head, commit),
            git_dir=mirror,
            fine=1,
        )
    except GitFailed as error:
        raise PublishFailed(
            "The base branch cannot be compared with this work.", details=error.stderr
        ) from error
    tree, *files = found.decode(errors="replace").rstrip("\0").split("\0")
    return tree, [path for path in files if path]


async def push_branch(
    work_mirror: Path,
    commit: str,
    *,
    url: str,
    branch: str,
    repository: str,
    env: Mapping[str, str],
    must_be_new: bool = False,
) -> None:
    """Push without force: a branch that others moved is left as it is, and said so.

    ``must_be_new``: one that is there already, other than by this very commit, stays as it is.
    """
    # The lease on nothing makes the remote itself refuse where somebody was faster.
    lease = (f"--force-with-lease=refs/heads/{branch}:",) if must_be_new else ()
    try:
        await git(
            *("push", "--quiet", *lease, "--", url),
            f"{commit}:refs/heads/{branch}",
            git_dir=work_mirror,
            env=env,
            timeout=PUSH_SECONDS,
        )
    except GitFailed as error:
        raise _explain(error.stderr, repository, branch) from error


def _explain(stderr: str, repository: str, branch: str) -> PublishFailed:
    said = stderr.lower()
    if "workflow" in said and ("scope" in said or "permission" in said):
        return PublishFailed(
            "The forge's token may not change workflows.",
            details=stderr,
            resolution="Give the token the workflow right, or ask for the change without them.",
        )
    if "gh006" in said or "protected branch" in said:
        return PublishFailed(
            f"The branch `{branch}` is protected in `{repository}`.",
            details=stderr,
            resolution="Choose another branch_name for this repository in the settings.",
        )
    if "stale info" in said:
        return PublishFailed(
            f"There is a branch `{branch}` in `{repository}` already.",
            details=stderr,
            resolution="Press Edit and name another.",
        )
    if "fetch first" in said or "non-fast-forward" in said or "rejected" in said:
        return PublishFailed(
            f"The branch `{branch}` has moved since this work began, or refuses pushes.",
            details=stderr,
            resolution="Reply with what to do: a further run starts from the branch as it is now.",
        )
    if "403" in said or "401" in said or "authentication" in said or "could not read" in said:
        return PublishFailed(
            f"The forge's token may not push to `{repository}`.",
            details=stderr,
            resolution="Give the token the right to push there, then press the button again.",
        )
    return PublishFailed(
        f"The branch could not be pushed to `{repository}`.",
        details=stderr,
        resolution="Check that the forge can be reached, then press the button again.",
    )
