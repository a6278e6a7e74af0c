"""Where clearing is not enough: a conversation goes on from its task, its plan and a summary. Pure.

The summary is the model's own, asked for once and stored before it is used. What people said stays
as they said it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeGuard

from sandbox.gateway.context import HIGH_SHARE, KEEP_TURNS, SHORT_CHARACTERS, find_cut
from sandbox.gateway.wire import TurnRequest
from sandbox.llm.provider import Block, Message, Text, ToolCall, ToolResult
from sandbox.recorder import Summary, Turn

ENOUGH_SHARE: Final = 0.5
"""Of the window: where clearing leaves more than this, it would soon have to be done again."""
CHARACTERS_PER_TOKEN: Final = 4
LONG_RESULT: Final = 2000
"""What stays of each new result where even the request for a summary is too long."""
SAID_CHARACTERS: Final = 40_000
"""Of people's messages since the task began and what came with them, the newest first."""
BARE_CHARACTERS: Final = 8000
SUM_UP: Final = """\
This conversation is nearly as long as you can take in. Write down what you need to go on without \
it: what you found and where (paths, names, lines), what you decided and why, what you changed, \
what was tried and failed, the commands that work, what is left to do. Facts alone, at most 1,500 \
words. Call no tool now; you go on after this."""
HEAD: Final = """\
The conversation so far was too long and is replaced by your summary of it. The workspace is as \
your work left it.

<summary>
{}
</summary>"""
BARE: Final = "[No summary could be made. Your newest words and calls were:]\n{}"
CALL_CHARACTERS: Final = 300
PLAN: Final = "Your plan as it stands:\n{}"
_MARKS: Final = {"complete": "[x]", "in_progress": "[>]", "error": "[!]"}
_SAID: Final = ("Message from ", "Given along:", "<quotation ")
"""How the agent begins the words of a person, and what it tells of what came with them."""


def has_to_be_summed(turns: Sequence[Turn], since: int, window: int) -> bool:
    """Whether the newest turn was too full, and what can be cleared now would not free enough."""
    if len(turns) - since < KEEP_TURNS:
        return False
    usage = turns[-1].reply.usage
    used = usage.input_tokens + usage.output_tokens
    if used <= HIGH_SHARE * window:
        return False
    before, now = (since + find_cut(part, window) for part in (turns[since:-1], turns[since:]))
    freed = sum(map(_clearable, turns[before:now])) // CHARACTERS_PER_TOKEN
    return used - freed > ENOUGH_SHARE * window


def asking(request: TurnRequest, *, short: bool) -> TurnRequest:
    """The turn's own news with the request for a summary behind it."""
    messages = tuple(map(_shortened, request.messages)) if short else request.messages
    return replace(request, messages=(*messages, Message("user", (Text(SUM_UP),))))


def text_of(content: Iterable[Block]) -> str:
    return "\n".join(block.text for block in content if isinstance(block, Text)).strip()


def bare_summary(turns: Sequence[Turn]) -> str:
    """Without the model: its newest words and calls, as many as there is room for."""
    lines = [line for turn in turns for line in _lines(turn)]
    return BARE.format("\n".join(lines)[-BARE_CHARACTERS:])


def _lines(turn: Turn) -> Iterator[str]:
    for block in turn.reply.content:
        if isinstance(block, Text) and block.text.strip():
            yield block.text.strip()
        elif isinstance(block, ToolCall):
            given = json.dumps(block.arguments, ensure_ascii=False)
            yield f"[{block.name} {given[:CALL_CHARACTERS]}]"


def head(turns: Sequence[Turn], summary: Summary) -> Message:
    """What stands for the summed turns: requests and what came with them, words, plan, summary."""
    gone = turns[: summary.until]
    blocks: list[Block] = []
    for turn in gone:
        if turn.system is not None:
            blocks += (b for m in turn.messages for b in m.content if not _is_later(b))
    blocks += _said(gone)
    blocks.append(Text(HEAD.format(summary.text)))
    if plan := _plan(turns[: summary.until]):
        blocks.append(Text(PLAN.format(plan)))
    return Message("user", tuple(blocks))


def _clearable(turn: Turn) -> int:
    results = (b for m in turn.messages for b in m.content if isinstance(b, ToolResult))
    return sum(len(b.text) - 100 for b in results if len(b.text) > SHORT_CHARACTERS)


def _shortened(message: Message) -> Message:
    return Message(message.role, tuple(map(_short_block, message.content)))


def _short_block(block: Block) -> Block:
    if isinstance(block, ToolResult) and len(block.text) > LONG_RESULT:
        half = LONG_RESULT // 2
        cut = f"{block.text[:half]}\n[… cut: the conversation is full …]\n{block.text[-half:]}"
        return replace(block, text=cut)
    return block


def _is_later(block: Block) -> bool:
    """What is no part of a run's request: results, and words that came while it went on."""
    return isinstance(block, ToolResult) or _is_said(block)


def _is_said(block: Block) -> TypeGuard[Text]:
    return isinstance(block, Text) and block.text.startswith(_SAID)


def _said(turns: Sequence[Turn]) -> list[Block]:
    """What people said while the work went on, the newest in any case."""
    found: list[Block] = []
    room = SAID_CHARACTERS
    blocks = [block for turn in turns for message in turn.messages for block in message.content]
    for block in reversed(blocks):
        if _is_said(block) and len(block.text) <= room:
            room -= len(block.text)
            found.append(block)
    return found[::-1]


def _plan(turns: Sequence[Turn]) -> str:
    """The newest one."""
    for turn in reversed(turns):
        for block in reversed(turn.reply.content):
            if isinstance(block, ToolCall) and block.name == "plan" and block.arguments:
                items = block.arguments.get("items")
                if isinstance(items, list):
                    return "\n".join(_row(item) for item in items if isinstance(item, dict))
    return ""


def _row(item: dict[str, Any]) -> str:
    return f"{_MARKS.get(str(item.get('status')), '[ ]')} {item.get('title')}"
