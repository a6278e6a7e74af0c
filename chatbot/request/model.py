"""What is understood of a request, and what has to be known to understand it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.spec import Mode

MODEL_ALIASES: Mapping[str, str] = {
    "fable": "anthropic:claude-fable-5-1",
    "opus": "anthropic:claude-opus-5-5",
    "sonnet": "anthropic:claude-sonnet-5-5",
    "haiku": "anthropic:claude-haiku-5-5",
}
"""What people call models by, where the configuration says nothing else."""

AGENTS: Mapping[str, str] = {
    "codex": "codex",
    "codex cli": "codex",
    "claude code": "claude-code",
    "claude-code": "claude-code",
    "mini-swe-agent": "mini-swe-agent",
    "opencode": "opencode",
    "aider": "aider",
    "gemini cli": "gemini-cli",
    "gemini-cli": "gemini-cli",
    "goose": "goose",
}
"""Agent programs by the names people give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was understood. ``repository`` is `owner/name`, an address, or None: none is named."""

    task: str
    repository: str | None = None
    ref: str | None = None
    mode: Mode = "change"
    model: str | None = None
    image: str | None = None
    """Of the container."""
    count: int = 1
    """Attempts."""
    draft: bool | None = None
    """Whether the pull request is a draft; None: nothing was said."""
    agent: str | None = None
    """The agent program."""
    candidates: tuple[str, ...] = ()
    """Repositories that may be meant, none of them surely: ask."""
    unknown: str | None = None
    """A short name that was said of a repository, which nobody knows: ask."""
    unsure: tuple[str, ...] = ()
    """Words that sound like an option, and were left in the task because they may be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names that mean something here."""

    repositories: tuple[str, ...] = ()
    """Known ones, as `owner/name`."""
    models: Mapping[str, str] = field(default_factory=lambda: MODEL_ALIASES)
    agents: Mapping[str, str] = field(default_factory=lambda: AGENTS)
    forge_url: str = "https://github.com"
    default: str | None = None
    """The repository of the place itself, so that odd words need not be one."""
