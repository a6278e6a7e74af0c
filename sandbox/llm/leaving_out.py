"""What a conversation can do without where a provider refuses it for that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sandbox.llm.provider import Block, Conversation, Image, Opaque, Text

REFUSED: Final = frozenset({400, 404, 415, 422, 500})
"""Statuses of a refusal that may be about a part of the conversation."""
UNSEEN: Final = "[a picture that this model cannot see]"
_PICTURES: Final = re.compile(r"image|vision|multimodal", re.IGNORECASE)
_THOUGHTS: Final = re.compile(r"signature|encrypted|reasoning", re.IGNORECASE)


def leave_out(conversation: Conversation, words: str) -> Conversation | None:
    """The conversation without what those words are about; None: they are about nothing else.

    Thoughts are their provider's own, and may be refused when its key has been changed; pictures
    are not for every model.
    """
    rules: tuple[tuple[re.Pattern[str], Callable[[Block], Block | None]], ...] = (
        (_THOUGHTS, lambda block: None if isinstance(block, Opaque) else block),
        (_PICTURES, lambda block: Text(UNSEEN) if isinstance(block, Image) else block),
    )
    for pattern, rule in rules:
        if pattern.search(words):
            left = _changed(conversation, rule)
            if left != conversation:
                return left
    return None


def _changed(conversation: Conversation, rule: Callable[[Block], Block | None]) -> Conversation:
    return replace(
        conversation,
        messages=tuple(
            replace(
                message,
                content=tuple(
                    block for given in message.content if (block := rule(given)) is not None
                ),
            )
            for message in conversation.messages
        ),
    )
