"""The results of one reply, as they go to the model: together no more than a turn may hold."""

from __future__ import annotations

from typing import Any, Dict, List

from agent_image.agent.prompt import CUT_SHORT
from agent_image.agent.tools import Result

Json = Dict[str, Any]

MAX_BYTES = 1_000_000
"""As JSON they may be three times as long, and pictures come beside them."""
KEPT_CHARACTERS = 2000


def result_blocks(calls: List[Json], results: Dict[int, Result]) -> List[Json]:
    """One for each call, in order; where there is no more room, only its beginning."""
    blocks, room = [], MAX_BYTES
    for index, call in enumerate(calls):
        text = results[index].text
        if _size(text) > room:
            text = text[:KEPT_CHARACTERS] + CUT_SHORT
        room = max(0, room - _size(text))
        is_error = results[index].is_error
        blocks.append(
            {"type": "tool_result", "call_id": call["id"], "text": text, "is_error": is_error}
        )
    return blocks


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
