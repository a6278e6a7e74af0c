"""Lays the workspace: the base commit as a git repository, and the work so far over it.

Where the image holds the tree already, only what came after its commit is fetched.
"""

from __future__ import annotations

import os
from typing import Any, Dict

from agent_image.agent.gateway import Gateway
from agent_image.agent.git import GitFailed, git
from agent_image.agent.places import Places
from agent_image.agent.stop import Stop

# checkStat and trustctime: a container from an image has other inodes and change times than the
# one that laid the tree, and git would read every file again.
_CONFIG = """
[core]
	checkStat = minimal
	trustctime = false
[user]
	name = Threadsmith
	email = threadsmith@localhost
[commit]
	gpgSign = false
[gc]
	auto = 0
[advice]
	detachedHead = false
	statusHints = false
	addEmbeddedRepo = false
	addIgnoredFile = false
	addEmptyPathspec = false
"""
# What tools leave behind and no project wants in a change; its own .gitignore has the last word.
_EXCLUDE = """
__pycache__/
*.py[co]
.pytest_cache/
.mypy_cache/
.ruff_cache/
.hypothesis/
.tox/
.nox/
.venv/
.coverage
*.egg-info/
node_modules/
.DS_Store
"""


class WorkspaceProblem(Exception):
    """The workspace cannot be laid."""

    def __init__(self, brief: str, details: str) -> None:
        self.brief = brief
        self.details = details
        super().__init__(brief)


def lay_out(gateway: Gateway, run: Dict[str, Any], places: Places, *, stop: Stop) -> None:
    """The tree as the agent finds it; raises Stopped and WorkspaceProblem."""
    if run["prepared_commit"] is None:
        lay(gateway, run, places, stop=stop)
    else:
        renew(gateway, run, places, stop=stop)
    if run["has_patch"]:
        lay_work(gateway, places, stop=stop)


def lay(gateway: Gateway, run: Dict[str, Any], places: Places, *, stop: Stop) -> None:
    """The base commit on a branch, without a remote."""
    workspace = places.workspace
    os.makedirs(workspace, exist_ok=True)
    try:
        git(workspace, "init", "--quiet")
        _append(workspace, "config", _CONFIG)
        _append(workspace, "info/exclude", _EXCLUDE)
        _fetch(gateway, places, "/source", stop=stop)
        branch = _branch(workspace, run["branch"])
        git(workspace, "checkout", "--quiet", "--force", "-B", branch, run["base_commit"], "--")
    except GitFailed as failure:
        raise WorkspaceProblem("The source could not be laid out.", str(failure)) from failure


def renew(gateway: Gateway, run: Dict[str, Any], places: Places, *, stop: Stop) -> None:
    """From the commit that the image holds to the run's own, keeping what set-up made."""
    workspace, commit = places.workspace, run["base_commit"]
    try:
        branch = _branch(workspace, run["branch"])
        # The image itself says where it stands: the host's record may be of the one before it.
        held = git(workspace, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
        if held == commit:
            # The tree is right: git need not look at each of its files.
            git(workspace, "update-ref", "refs/heads/" + branch, commit)
            git(workspace, "symbolic-ref", "HEAD", "refs/heads/" + branch)
            return
        _fetch(gateway, places, "/source?have=" + held, stop=stop)
        switch = ("checkout", "--quiet", "-B", branch, commit, "--")
        try:
            git(workspace, *switch)
        except GitFailed:
            # Set-up changed what the commits differ in: the repository has the last word.
            git(workspace, *switch[:1], "--force", *switch[1:])
    except GitFailed as failure:
        raise WorkspaceProblem(
            "The prepared workspace could not be brought to the commit.", str(failure)
        ) from failure


def _fetch(gateway: Gateway, places: Places, path: str, *, stop: Stop) -> None:
    bundle = os.path.join(places.scratch, "source.bundle")
    with open(bundle, "w+b") as file:
        gateway.ask("GET", path, stop=stop, into=file)
        is_empty = file.seek(0, os.SEEK_END) == 0
    if not is_empty:
        git(places.workspace, "fetch", "--quiet", "--no-tags", bundle, "refs/heads/base")
    os.unlink(bundle)


def lay_work(gateway: Gateway, places: Places, *, stop: Stop) -> None:
    """The task's patch so far, in the tree and the index but not committed.

    In the index, too, so that files stay part of the work though .gitignore names them.
    """
    path = os.path.join(places.scratch, "work.patch")
    with open(path, "w+b") as file:
        gateway.ask("GET", "/patch", stop=stop, into=file)
        if file.seek(0, os.SEEK_END) == 0:
            return
    apply = ("apply", "--binary", "--whitespace=nowarn")
    try:
        git(places.workspace, *apply, path)
        git(places.workspace, *apply, "--cached", path)
    except GitFailed as failure:
        raise WorkspaceProblem(
            "The work so far does not fit the base commit.", str(failure)
        ) from failure


def _append(workspace: str, name: str, text: str) -> None:
    path = os.path.join(workspace, ".git", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def _branch(workspace: str, name: str | None) -> str:
    try:
        git(workspace, "check-ref-format", "--branch", name or "")
    except GitFailed:
        return "work"
    return name or "work"
