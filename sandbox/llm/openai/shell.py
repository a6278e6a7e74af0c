"""The shell that OpenAI's models were trained on, as calls of the agent's bash and back. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sandbox.llm.arguments import safe
from sandbox.llm.provider import Block, ToolCall, ToolResult
from sandbox.llm.tools import BASH

_PART: Final = re.compile(r"(.+)__(\d{1,3})")
"""One of several commands of a call."""
_END: Final = re.compile(r"\[(?:exit (\d+)|(killed after))[^\n]*\]\s*\Z")
"""The last line of a result of bash, see `sandbox.gateway.protocol`."""

Json = dict[str, Any]
Places = dict[str, tuple[str, str]]
"""By a call's id: the type of the item that it went to, and that item's id."""


def from_shell(call_id: str, commands: Sequence[str], timeout_ms: int | None) -> list[ToolCall]:
    """A call of bash for each command; they run in their order, in one shell."""
    limit = {"timeout_seconds": max(1, math.ceil(timeout_ms / 1000))} if timeout_ms else {}
    ids = [call_id] if len(commands) == 1 else [f"{call_id}__{n}" for n in range(len(commands))]
    return [
        ToolCall(id_, BASH, {"command": command, **limit})
        for id_, command in zip(ids, commands, strict=True)
    ]


def shell_groups(content: Iterable[Block]) -> list[Block | list[ToolCall]]:
    """The blocks, with the calls of bash as lists: those of one call of the shell together."""
    found: list[Block | list[ToolCall]] = []
    for block in content:
        if not isinstance(block, ToolCall) or block.name != BASH:
            found.append(block)
            continue
        last = found[-1] if found else None
        match = _PART.fullmatch(block.id)
        if (
            match
            and isinstance(last, list)
            and block.arguments is not None
            and last[-1].arguments is not None
            and last[-1].id == f"{match[1]}__{int(match[2]) - 1}"
        ):
            last.append(block)
        else:
            found.append([block])
    return found


def to_shell(calls: list[ToolCall]) -> Json:
    """One call of the shell; its calls all have arguments."""
    given = [call.arguments or {} for call in calls]
    match = _PART.fullmatch(calls[0].id)
    action: Json = {"commands": [str(arguments.get("command", "")) for arguments in given]}
    limit = given[0].get("timeout_seconds")
    if isinstance(limit, int):
        action["timeout_ms"] = limit * 1000
    return {
        "type": "shell_call",
        "call_id": safe(match[1] if match and len(calls) > 1 else calls[0].id),
        "action": action,
        "status": "completed",
    }


def results_of_shell(results: Iterable[ToolResult], places: Places) -> list[Json]:
    """The results of every call of the shell, each with all of its commands'."""
    outputs: dict[str, list[Json]] = {}
    for result in results:
        kind, id_ = places.get(result.call_id, ("", ""))
        if kind == "shell_call":
            outputs.setdefault(id_, []).append(_output(result))
    return [
        {"type": "shell_call_output", "call_id": id_, "output": output}
        for id_, output in outputs.items()
    ]


def _output(result: ToolResult) -> Json:
    end = _END.search(result.text)
    if end is None:
        outcome: Json = {"type": "exit", "exit_code": int(result.is_error)}
    elif end[2]:
        outcome = {"type": "timeout"}
    else:
        outcome = {"type": "exit", "exit_code": int(end[1])}
    return {"stdout": result.text, "stderr": "", "outcome": outcome}
