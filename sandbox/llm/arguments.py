"""A tool call's arguments, as the model wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from sandbox.llm.provider import Block, ToolCall


def parse_call(id_: str, name: str, raw: str) -> ToolCall:
    """A call with its arguments parsed; broken ones are kept as they came."""
    try:
        arguments = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return ToolCall(id_, name, None, raw)
    return ToolCall(id_, name, arguments)


def with_own_ids(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Every call gets an id of its own: some servers leave them out or repeat them."""
    seen: set[str] = set()
    result: list[Block] = []
    for index, block in enumerate(blocks):
        if isinstance(block, ToolCall):
            id_ = block.id if block.id and block.id not in seen else f"call_{index}_{block.id}"
            seen.add(id_)
            block = replace(block, id=id_)
        result.append(block)
    return tuple(result)
