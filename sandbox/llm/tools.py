"""Which of the agent's tools a model is offered.

The agent names all it can do, once. Models that were trained on tools of their own get those in
the place of ours: the gateway turns their calls into the agent's, and the agent's results into
theirs. Every other model gets plain functions, each thing in one way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sandbox.llm.provider import Tool

BASH: Final = "bash"
PATCH: Final = "apply_patch"
EDITING: Final = ("read", "edit", "write")
"""What the text editor of Anthropic's models comes to."""


def plain_tools(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Those for a model without tools of its own."""
    return tuple(tool for tool in tools if tool.name != PATCH)
