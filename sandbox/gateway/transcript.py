"""The whole conversation of a task, rebuilt from its stored turns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox.gateway.refusals import BadRequest
from sandbox.gateway.wire import TurnRequest
from sandbox.llm.provider import Block, Conversation, Message, Tool, ToolCall, ToolResult
from sandbox.recorder import Turn

UNANSWERED = "The run was stopped before this finished."


def make_conversation(
    turns: Sequence[Turn], request: TurnRequest, *, head: Message | None = None, since: int = 0
) -> Conversation:
    """Everything so far and what is new, with the newest run's system prompt and tools.

    ``head`` stands for the turns before ``since``, and for the results that came right after.
    """
    messages = [head] if head is not None else []
    system = ""
    tools: tuple[Tool, ...] = ()
    for number, turn in enumerate(turns):
        if turn.system is not None and turn.tools is not None:
            system, tools = turn.system, turn.tools
        if number < since:
            continue
        _add_user(messages, turn.messages)
        if turn.reply.content:
            messages.append(Message("assistant", turn.reply.content))
    if request.system is not None and request.tools is not None:
        system, tools = request.system, request.tools
    _add_user(messages, request.messages)
    return Conversation(system=system, tools=tools, messages=tuple(messages))


def check_results(turns: Sequence[Turn], request: TurnRequest) -> None:
    """Refuse results of calls that the newest reply did not make, or two of one call."""
    called = [call.id for call in _calls(turns[-1].reply.content)] if turns else []
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolResult):
                if block.call_id not in called:
                    raise BadRequest("A tool result answers no open call.")
                called.remove(block.call_id)


def _add_user(messages: list[Message], added: Iterable[Message]) -> None:
    """One user message: the results of the open calls first, in order, each call answered.

    Providers refuse a conversation where a call has no result right behind it.
    """
    blocks = [block for message in added for block in message.content]
    given = {block.call_id: block for block in blocks if isinstance(block, ToolResult)}
    others: list[Block] = [block for block in blocks if not isinstance(block, ToolResult)]
    last = messages[-1] if messages else None
    if last is not None and last.role == "user":
        messages[-1] = Message("user", (*last.content, *others))
        return
    calls = _calls(last.content) if last is not None else []
    results: list[Block] = [
        given.get(call.id, ToolResult(call.id, UNANSWERED, is_error=True)) for call in calls
    ]
    messages.append(Message("user", (*results, *others)))


def _calls(content: Iterable[Block]) -> list[ToolCall]:
    return [block for block in content if isinstance(block, ToolCall)]
