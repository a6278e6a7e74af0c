"""Recorded replies: found by the request, counted from it, without any state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import ProviderError
from sandbox.llm.provider import Conversation, Message, Reply, Text, ToolCall, ToolResult, Usage
from sandbox.llm.replay import ReplayProvider

RECORDING: dict[str, Any] = {
    "replies_for": [
        {
            "when": "failing test",
            "mode": "explain",
            "replies": [{"content": [{"type": "text", "text": "It fails because."}]}],
        },
        {
            "when": "failing test",
            "replies": [
                {
                    "content": [
                        {"type": "text", "text": "I look."},
                        {"type": "tool_call", "name": "shell", "arguments": {"cmd": "ls"}},
                        {"type": "tool_call", "name": "read", "arguments": {"path": "a"}},
                    ]
                },
                {
                    "content": [
                        {"type": "tool_call", "name": "edit", "arguments": None, "raw": '{"x'}
                    ],
                    "usage": {"input_tokens": 100, "output_tokens": 20},
                },
            ],
        },
        {"when": "also .* basket", "replies": [{"raw_text": "Added."}]},
        {"when": "fail on purpose", "replies": [{"error": {"brief": "The model is away."}}]},
        {"when": "[broken", "replies": [{"raw_text": "No expression, but a piece of text."}]},
    ],
    "otherwise": {"replies": [{"content": [], "stop": "refusal"}]},
}


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps(RECORDING))
    return str(path)


def user(*texts: str) -> Message:
    return Message("user", tuple(Text(text) for text in texts))


async def ask(recording: str, *messages: Message, provider: ReplayProvider | None = None) -> Reply:
    provider = provider or ReplayProvider()
    conversation = Conversation(system="s", tools=(), messages=messages)
    return await provider.reply(conversation, model=recording)


TASK = user("# Task\nMend the FAILING TEST please.")


async def test_a_run_from_its_request_on(recording: str) -> None:
    first = await ask(recording, TASK)
    assert first.stop == "tool_calls"
    assert first.content == (
        Text("I look."),
        ToolCall("call_0_1", "shell", {"cmd": "ls"}),
        ToolCall("call_0_2", "read", {"path": "a"}),
    )
    assert first.model == "recorded.json"
    assert first.usage.input_tokens > 0
    assert first.usage.output_tokens > 0
    results = Message("user", (ToolResult("call_0_1", "x"), Text("You have new mail.")))
    second = await ask(recording, TASK, Message("assistant", first.content), results)
    assert second.content == (ToolCall("call_1_0", "edit", None, '{"x'),)
    assert second.usage == Usage(input_tokens=100, output_tokens=20)


async def test_the_same_conversation_gets_the_same_reply(recording: str) -> None:
    provider = ReplayProvider()
    assert await ask(recording, TASK, provider=provider) == await ask(
        recording, TASK, provider=provider
    )


async def test_a_follow_up_starts_its_own_replies(recording: str) -> None:
    said = Message("assistant", (Text("Done."),))
    results = ToolResult("call_1_0", "stopped", is_error=True)
    follow_up = Message("user", (results, Text("# Follow-up\nalso test an empty basket")))
    reply = await ask(recording, TASK, said, follow_up)
    assert reply.content == (Text("Added."),)


async def test_words_in_the_middle_of_a_run_start_nothing(recording: str) -> None:
    said = Message("assistant", (Text("I look."),))
    reply = await ask(recording, TASK, said, user("also test an empty basket"))
    assert reply.content == (ToolCall("call_1_0", "edit", None, '{"x'),)


async def test_the_mode_is_told_apart(recording: str) -> None:
    reply = await ask(recording, user("# Task\nMode: explain\n\nWhy is there a failing test?"))
    assert reply.content == (Text("It fails because."),)


async def test_every_other_request(recording: str) -> None:
    assert (await ask(recording, user("# Task\nSing."))).stop == "refusal"
    assert (await ask(recording, user("# Task\nSay [broken"))).stop == "end"


async def test_the_end_of_the_recording(recording: str) -> None:
    said = Message("assistant", (Text("x"),))
    with pytest.raises(ProviderError) as caught:
        await ask(recording, TASK, said, user("go on"), said, user("go on"))
    assert caught.value.brief == "The recorded replies end here."


async def test_a_recorded_failure(recording: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await ask(recording, user("# Task\nfail on purpose"))
    assert caught.value.brief == "The model is away."


async def test_a_changed_file_is_read_again(recording: str) -> None:
    provider = ReplayProvider()
    await ask(recording, TASK, provider=provider)
    Path(recording).write_text(json.dumps({"otherwise": {"replies": [{"raw_text": "New."}]}}))
    os.utime(recording, ns=(1, 1))
    assert (await ask(recording, TASK, provider=provider)).content == (Text("New."),)


@pytest.mark.parametrize(
    ("content", "brief"),
    [
        (None, "The recorded replies cannot be read."),
        ("{", "The recorded replies are not valid."),
        ("[]", "The recorded replies are not valid."),
        ('{"replies_for": [{"replies": []}]}', "The recorded replies are not valid."),
        ('{"otherwise": {"replies": [{"content": [{}]}]}}', "The recorded replies are not valid."),
        ("{}", "The recording has no replies for this request."),
    ],
)
async def test_a_recording_that_is_none(tmp_path: Path, content: str | None, brief: str) -> None:
    path = tmp_path / "r.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ProviderError) as caught:
        await ask(str(path), TASK)
    assert caught.value.brief == brief
