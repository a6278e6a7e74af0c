"""A tool call's arguments and id, as the model wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sandbox.llm.provider import Block, Conversation, Stop, ToolCall

MAX_CHARACTERS: Final = 64
"""Of an id or a name: what every provider takes."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")


def parse_call(id_: str, name: str, raw: str) -> ToolCall:
    """A call with its arguments parsed; broken ones are kept as they came."""
    try:
        arguments = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return ToolCall(id_, name, None, raw)
    return ToolCall(id_, name, arguments)


def with_own_ids(blocks: Iterable[Block], taken: Iterable[str] = ()) -> tuple[Block, ...]:
    """Every call gets an id that no other has: some servers leave them out or repeat them."""
    seen = set(taken)
    result: list[Block] = []
    for block in blocks:
        if isinstance(block, ToolCall):
            id_, number = block.id, len(seen)
            while not id_ or id_ in seen:
                id_ = f"call_{number}"
                number += 1
            seen.add(id_)
            block = replace(block, id=id_)
        result.append(block)
    return tuple(result)


def finish_blocks(
    blocks: Iterable[Block], stop: Stop, conversation: Conversation
) -> tuple[Block, ...]:
    """A reply's blocks as they are kept, each call with an id of its own.

    A reply that was cut off at its length was cut in its last block: a call there is broken,
    however whole it looks.
    """
    taken = (
        block.id
        for message in conversation.messages
        for block in message.content
        if isinstance(block, ToolCall)
    )
    result = with_own_ids(blocks, taken)
    last = result[-1] if result else None
    if stop == "length" and isinstance(last, ToolCall) and last.arguments is not None:
        raw = json.dumps(last.arguments, ensure_ascii=False)
        return (*result[:-1], replace(last, arguments=None, raw=raw))
    return result


def safe(word: str) -> str:
    """An id or a tool's name as every provider takes it, whatever another one or the model gave."""
    return _ODD.sub("_", word)[:MAX_CHARACTERS] or "unknown"
