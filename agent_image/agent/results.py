"""The results of one reply, as they go to the model: together no more than a turn may hold."""

from __future__ import annotations

from typing import Any, Dict, List

from agent_image.agent.prompt import CUT_SHORT, NO_ROOM
from agent_image.agent.tools import Result

Json = Dict[str, Any]

MAX_BYTES = 600_000
"""As JSON they may be three times as long, and pictures come beside them."""
KEPT_CHARACTERS = 2000
MAX_IMAGES = 4
MAX_IMAGES_CHARACTERS = 1_400_000
"""Of their base64; what people send has its own share of the turn."""


def result_blocks(calls: List[Json], results: Dict[int, Result]) -> List[Json]:
    """One for each call, in order, then the pictures; what has no room is cut or left out."""
    blocks: List[Json] = []
    images: List[Json] = []
    room, left = MAX_BYTES, MAX_IMAGES_CHARACTERS
    for index, call in enumerate(calls):
        text, image = results[index].text, results[index].image
        if image is not None and len(images) < MAX_IMAGES and len(image["data"]) <= left:
            images.append(image)
            left -= len(image["data"])
        elif image is not None:
            text = NO_ROOM
        if _size(text) > room:
            text = text[:KEPT_CHARACTERS] + CUT_SHORT
        room = max(0, room - _size(text))
        is_error = results[index].is_error
        blocks.append(
            {"type": "tool_result", "call_id": call["id"], "text": text, "is_error": is_error}
        )
    return blocks + images


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
