"""What the forge keeps of pull requests, issues, checks and comments; in memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Comment:
    """Under an issue or a pull request, or on a line of one."""

    id: int
    number: int
    author: str
    body: str
    path: str = ""
    line: int = 0
    commit: str = ""
    answers: int | None = None
    """The comment whose thread it continues."""
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True, kw_only=True)
class Review:
    id: int
    author: str
    state: str
    body: str
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True, kw_only=True)
class Check:
    """One program's verdict on one commit."""

    id: int
    name: str
    commit: str
    status: str = "completed"
    conclusion: str | None = None
    summary: str = ""


@dataclass(slots=True, kw_only=True)
class IssueEvent:
    id: int
    number: int
    event: str
    actor: str
    label: str = ""
    assignee: str = ""
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True, kw_only=True)
class Issue:
    number: int
    title: str
    body: str
    author: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)


@dataclass(slots=True, kw_only=True)
class Pull:
    """One pull request; its head commit is wherever its branch points."""

    number: int
    title: str
    body: str
    head: str
    base: str
    head_repository: str = ""
    """The fork its branch is in; empty: the repository itself."""
    draft: bool = False
    state: str = "open"
    merged: bool = False
    merged_by: str = ""
    author: str = ""
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    last_head: str = ""
    """Where its branch pointed before it was removed."""
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[Comment] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
