"""The stored turns and set-up output as plain text for people. Pure.

Each text only ever grows: the text of more turns begins with the text of fewer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from chatbot.models import Event

Turn = dict[str, Any]
"""The stored form of `sandbox.recorder.Turn`."""


def make_prompt(turns: Iterable[Turn]) -> str:
    """Everything that was sent to the model: system, tools, every new message."""
    return "".join(part for turn in turns for part in _request(turn))


def make_response(turns: Iterable[Turn]) -> str:
    """Everything that the model answered."""
    return "".join(_reply(turn) for turn in turns)


def make_setup_log(events: Iterable[Event]) -> str:
    """What the repository's set-up script printed, between its start and its end."""
    return "".join(_setup(event) for event in events)


def _request(turn: Turn) -> Iterable[str]:
    number = _name(turn)
    if turn["system"] is not None:
        yield _section(f"{number}: system", turn["system"])
    if turn["tools"] is not None:
        tools = (f"{tool['name']}: {tool['description']}" for tool in turn["tools"])
        yield _section(f"{number}: tools", "\n".join(tools))
    for message in turn["messages"]:
        text = "\n\n".join(_block(block) for block in message["content"])
        yield _section(f"{number}: {message['role']}", text)


def _name(turn: Turn) -> str:
    """Where the request was tried several times, with the attempt's number."""
    attempt = turn.get("attempt")
    return (
        f"turn {turn['number']}" if attempt is None else f"attempt {attempt}, turn {turn['number']}"
    )


def _reply(turn: Turn) -> str:
    reply = turn["reply"]
    usage = reply["usage"]
    head = (
        f"{_name(turn)}: {reply['model']}, {reply['stop']},"
        f" {usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    )
    if usage.get("cache_read_tokens"):
        head += f", {usage['cache_read_tokens']} of the prompt from the cache"
    return _section(head, "\n\n".join(_block(block) for block in reply["content"]))


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "text":
            return str(block["text"])
        case "image":
            return f"[{block['media_type']}, {len(block['data']) * 3 // 4} bytes]"
        case "tool_call":
            arguments = block["arguments"]
            shown = block["raw"] if arguments is None else _json(arguments)
            return f"[call {block['id']}] {block['name']} {shown}"
        case "tool_result":
            failed = ", failed" if block["is_error"] else ""
            return f"[result {block['call_id']}{failed}]\n{block['text']}"
        case _:
            return "[reasoning, readable by its provider alone]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _section(head: str, text: str) -> str:
    return f"===== {head} =====\n{text.rstrip()}\n\n"


def _setup(event: Event) -> str:
    payload = event.payload
    match event.kind:
        case "setup_started":
            network = "with" if payload.get("network") is True else "without"
            return f"===== {payload.get('path')}, {network} network =====\n"
        case "setup_output":
            return str(payload.get("text", ""))
        case "setup_finished":
            return f"\n===== ended with exit code {payload.get('exit_code')} =====\n"
        case _:
            return ""
