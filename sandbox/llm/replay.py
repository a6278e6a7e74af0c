"""Recorded replies in the place of a model. They drive the real agent and its real tools.

A recording is a JSON file; the model of a run is `replay:<path of the file>`.

    {"replies_for": [
        {"when": "failing test",          a piece of the request's text, or a regular expression;
                                          case does not matter
         "mode": "change",                optional: change, explain or review
         "replies": [reply, ...]}],
     "otherwise": {"replies": [reply, ...]}}      optional: for every other request

The first entry that fits is taken. A reply is one of

    {"content": [block, ...],             text and tool_call blocks; a call's "id" may be left out
     "stop": "tool_calls"|"end"|"length"|"refusal",       optional: by the content
     "usage": {"input_tokens": 0, ...}}                   optional: estimated, see below
    {"raw_text": "..."}                   a reply of words alone
    {"error": {"brief": "...", "details": "...", "resolution": "..."}}    the provider fails

The provider keeps no state: a run's replies are counted from the newest user message that holds
the run's request, a text block that starts with "# Task" (a task's first run) or "# Follow-up"
(every later one). Tool results, nudges and messages from the thread start nothing anew. The mode
is looked for in that text as a line `Mode: <mode>`.

Without recorded usage, tokens are estimated as a quarter of the characters, so that the figures
of a demonstration are not zero; they are no measurement.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sandbox.errors import ProviderError
from sandbox.llm.blocks import block_from_json, message_to_json, tools_to_json
from sandbox.llm.provider import Block, Conversation, Message, Reply, Stop, Text, ToolCall, Usage
from sandbox.llm.tools import plain_tools

REQUEST_HEADINGS: Final = ("# Task", "# Follow-up")
_MODE = re.compile(r"^\W*mode\W+(change|explain|review)\b", re.IGNORECASE | re.MULTILINE)
_CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded reply, or the failure recorded in its place."""

    content: tuple[Block, ...] = ()
    stop: Stop = "end"
    usage: Usage | None = None
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The replies to one kind of request."""

    when: str | None
    mode: str | None
    replies: tuple[Recorded, ...]

    def fits(self, request: str) -> bool:
        if self.mode is not None and self.mode != _mode_of(request):
            return False
        return self.when is None or _found(self.when, request)


class ReplayProvider:
    """Fulfils `Provider`; the model's name is the path of the recording."""

    name = "replay"

    def __init__(self, *, delay_seconds: float = 0.0) -> None:
        """``delay_seconds``: how long each reply takes, so that it can be watched."""
        self._delay_seconds = delay_seconds
        self._parsed: dict[tuple[str, int], tuple[Scene, ...]] = {}

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        scenes = await asyncio.to_thread(self._load, Path(model))
        request, answered = find_request(conversation.messages)
        scene = next((scene for scene in scenes if scene.fits(request)), None)
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        if scene is None:
            raise ProviderError(
                "The recording has no replies for this request.",
                details=f"{model}: {request[:500]}",
                resolution="Ask for what was recorded, or name a real model.",
            )
        if answered >= len(scene.replies):
            raise ProviderError(
                "The recorded replies end here.",
                details=f"{model}: {answered} replies were given for {scene.when!r}",
                resolution="Record more replies, or name a real model.",
            )
        recorded = scene.replies[answered]
        if recorded.error is not None:
            raise ProviderError(**recorded.error)
        return _make_reply(recorded, conversation, model)

    async def close(self) -> None:
        self._parsed.clear()

    def _load(self, path: Path) -> tuple[Scene, ...]:
        try:
            key = (str(path), path.stat().st_mtime_ns)
            if key not in self._parsed:
                self._parsed[key] = parse_recording(json.loads(path.read_text()))
            return self._parsed[key]
        except OSError as error:
            raise ProviderError(
                "The recorded replies cannot be read.",
                details=str(error),
                resolution="Name a file that exists: `replay:<path>`.",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderError(
                "The recorded replies are not valid.",
                details=f"{path}: {error!r}",
                resolution="See sandbox/llm/replay.py for the format.",
            ) from error


def find_request(messages: tuple[Message, ...]) -> tuple[str, int]:
    """The newest request's text, and how many replies it has had since."""
    answered = 0
    for message in reversed(messages):
        if message.role == "assistant":
            answered += 1
            continue
        for block in message.content:
            if isinstance(block, Text) and block.text.startswith(REQUEST_HEADINGS):
                return block.text, answered
    first = next((b.text for m in messages for b in m.content if isinstance(b, Text)), "")
    return first, answered


def parse_recording(data: dict[str, Any]) -> tuple[Scene, ...]:
    """The scenes of a recording, the one for all other requests last."""
    scenes = [
        Scene(when=entry["when"], mode=entry.get("mode"), replies=_parse_replies(entry))
        for entry in data.get("replies_for", [])
    ]
    if "otherwise" in data:
        scenes.append(Scene(when=None, mode=None, replies=_parse_replies(data["otherwise"])))
    return tuple(scenes)


def _parse_replies(entry: dict[str, Any]) -> tuple[Recorded, ...]:
    return tuple(_parse_reply(reply) for reply in entry["replies"])


def _parse_reply(data: dict[str, Any]) -> Recorded:
    if "error" in data:
        error = data["error"]
        names = ("brief", "details", "resolution")
        return Recorded(error={name: str(error[name]) for name in names if name in error})
    if "raw_text" in data:
        return Recorded(content=(Text(data["raw_text"]),), usage=_parse_usage(data))
    content = tuple(block_from_json({"id": "", **b} if _is_call(b) else b) for b in data["content"])
    has_calls = any(isinstance(block, ToolCall) for block in content)
    stop: Stop = data.get("stop") or ("tool_calls" if has_calls else "end")
    return Recorded(content=content, stop=stop, usage=_parse_usage(data))


def _parse_usage(data: dict[str, Any]) -> Usage | None:
    return Usage(**data["usage"]) if "usage" in data else None


def _is_call(block: dict[str, Any]) -> bool:
    return bool(block["type"] == "tool_call")


def _make_reply(recorded: Recorded, conversation: Conversation, model: str) -> Reply:
    number = sum(message.role == "assistant" for message in conversation.messages)
    content = tuple(
        replace(block, id=block.id or f"call_{number}_{index}")
        if isinstance(block, ToolCall)
        else block
        for index, block in enumerate(recorded.content)
    )
    usage = recorded.usage or _estimate(conversation, content)
    return Reply(content=content, stop=recorded.stop, model=Path(model).name, usage=usage)


def _estimate(conversation: Conversation, content: tuple[Block, ...]) -> Usage:
    prompt = [message_to_json(message) for message in conversation.messages]
    tools = tools_to_json(plain_tools(conversation.tools))
    sent = len(conversation.system) + len(json.dumps([tools, prompt]))
    received = len(json.dumps(message_to_json(Message("assistant", content))))
    return Usage(
        input_tokens=sent // _CHARACTERS_PER_TOKEN,
        output_tokens=max(1, received // _CHARACTERS_PER_TOKEN),
    )


def _mode_of(request: str) -> str | None:
    match = _MODE.search(request)
    return match[1].lower() if match else None


def _found(pattern: str, text: str) -> bool:
    if pattern.lower() in text.lower():
        return True
    try:
        return re.search(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return False
