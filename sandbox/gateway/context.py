"""Keeps a long conversation within the model's window: old tool results are cleared. Pure.

What is cleared follows from the stored turns alone, so that it is the same after a restart, and it
changes in large steps, so that the provider's prompt cache holds in between. The task, what people
said, the plan and every word of the model stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sandbox.llm.prices import PUBLISHED, Prices
from sandbox.llm.provider import Block, Image, Message, Text, ToolResult
from sandbox.recorder import Turn

DEFAULT_TOKENS: Final = 128_000
"""Of a model whose window is not known."""
HIGH_SHARE: Final = 0.6
"""Of the window: past it, results are cleared."""
KEEP_TURNS: Final = 8
SHORT_CHARACTERS: Final = 400
"""Shorter results cost less than their clearing says."""
CLEARED: Final = "[cleared to save room: {:,} characters; look again if it is still needed]"

PICTURE_CLEARED: Final = "[a picture, cleared to save room; look again if it is still needed]"


def window_tokens(provider: str, model: str, configured: int, *, prices: Prices = PUBLISHED) -> int:
    """How much the model takes in, or less where longer prompts cost more in every token."""
    if configured:
        return configured
    price = prices.find(provider, model)
    window = (price.context_tokens if price is not None else 0) or DEFAULT_TOKENS
    if price is not None and price.long_from:
        window = min(window, int(price.long_from / HIGH_SHARE))
    return window


def find_cut(turns: Sequence[Turn], window: int) -> int:
    """How many of the first turns are without their results.

    Each turn says how full the window was with it: where it was too full, all but the newest turns
    are cleared, and then nothing more until it is full again.
    """
    cut = 0
    for number, turn in enumerate(turns):
        usage = turn.reply.usage
        if usage.input_tokens + usage.output_tokens > HIGH_SHARE * window:
            cut = max(cut, number + 1 - KEEP_TURNS)
    return cut


def clear(turns: Sequence[Turn], cut: int) -> list[Turn]:
    """The turns with the results in the first of them replaced by a word about it."""
    return [
        replace(turn, messages=tuple(map(clear_message, turn.messages))) if number < cut else turn
        for number, turn in enumerate(turns)
    ]


def clear_message(message: Message) -> Message:
    """Pictures go with the results beside them; those that people sent stay."""
    found = any(isinstance(block, ToolResult) for block in message.content)
    return Message(
        message.role,
        tuple(
            Text(PICTURE_CLEARED) if found and isinstance(block, Image) else _cleared(block)
            for block in message.content
        ),
    )


def _cleared(block: Block) -> Block:
    if isinstance(block, ToolResult) and len(block.text) > SHORT_CHARACTERS:
        return replace(block, text=CLEARED.format(len(block.text)))
    return block
