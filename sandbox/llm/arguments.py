"""A reply's blocks: calls with their arguments and ids as the model wrote them, thoughts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, NoReturn

from sandbox.llm.provider import Block, Conversation, Opaque, Stop, Text, ToolCall

MAX_CHARACTERS: Final = 64
"""Of an id or a name: what every provider takes."""
MAX_DEPTH: Final = 100
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")


def parse_call(id_: str | None, name: str | None, raw: str) -> ToolCall:
    """A call with its arguments parsed; broken ones are kept as they came."""
    try:
        arguments = json.loads(raw, parse_constant=_refuse) if raw.strip() else {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict) or _is_deep(arguments):
        return ToolCall(id_ or "", name or "", None, raw)
    return ToolCall(id_ or "", name or "", arguments)


def _refuse(name: str) -> NoReturn:
    """No provider takes these back."""
    raise ValueError(name)


def _is_deep(data: Any) -> bool:
    """What is too deep could be read, and then not be written any more."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


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
    """A reply's blocks as they are kept: each call with an id of its own, no half characters.

    A reply that was cut off at its length was cut in its last block: a call there is broken,
    however whole it looks.
    """
    taken = (
        block.id
        for message in conversation.messages
        for block in message.content
        if isinstance(block, ToolCall)
    )
    result = with_own_ids(map(_clean, blocks), taken)
    last = result[-1] if result else None
    if stop == "length" and isinstance(last, ToolCall) and last.arguments is not None:
        raw = json.dumps(last.arguments, ensure_ascii=False)
        return (*result[:-1], replace(last, arguments=None, raw=raw))
    return result


def _clean(block: Block) -> Block:
    match block:
        case Text(text):
            return Text(_whole(text))
        case ToolCall(id_, name, arguments, raw):
            return ToolCall(_whole(id_), _whole(name), _whole(arguments), _whole(raw))
        case Opaque(provider, data, model):
            return Opaque(provider, _whole(data), model)
    return block


def _whole(value: Any) -> Any:
    """JSON can hold half a surrogate pair, which neither store nor provider takes."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def safe(word: str) -> str:
    """An id or a tool's name as every provider takes it, whatever another one or the model gave."""
    return _ODD.sub("_", word)[:MAX_CHARACTERS] or "unknown"
