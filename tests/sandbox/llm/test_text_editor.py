"""Anthropic's own bash and text editor: offered, translated to the agent's tools, and back."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.llm.provider import Message, ToolCall, ToolResult
from sandbox.llm.text_editor import EDITOR, from_native, to_native
from tests.sandbox.llm.conftest import Pair
from tests.sandbox.llm.script import Failure, Words
from tests.sandbox.llm.test_responses import talk

MODEL = "claude-sonnet-5-5"


@pytest.mark.parametrize(
    ("given", "name", "arguments"),
    [
        ({"command": "view", "path": "a"}, "read", {"path": "a"}),
        (
            {"command": "view", "path": "a", "view_range": [5, -1]},
            "read",
            {"path": "a", "start": 5},
        ),
        (
            {"command": "view", "path": "a", "view_range": [5, 9]},
            "read",
            {"path": "a", "start": 5, "end": 9},
        ),
        (
            {"command": "create", "path": "a", "file_text": "x"},
            "write",
            {"path": "a", "content": "x"},
        ),
        (
            {"command": "str_replace", "path": "a", "old_str": "x", "new_str": "y"},
            "edit",
            {"path": "a", "old": "x", "new": "y"},
        ),
        (
            {"command": "insert", "path": "a", "insert_line": 0, "insert_text": "x"},
            "edit",
            {"path": "a", "line": 0, "new": "x"},
        ),
        ({"command": "undo_edit", "path": "a"}, "edit", {"path": "a", "undo": True}),
        ({"command": "rename", "path": "a"}, "edit", {"command": "rename", "path": "a"}),
        ({}, "edit", {}),
        (
            {"command": "view", "path": "a", "view_range": "all"},
            "read",
            {"path": "a", "view_range": "all"},
        ),
    ],
)
def test_there_and_back(given: dict[str, Any], name: str, arguments: dict[str, Any]) -> None:
    assert from_native(EDITOR, given) == (name, arguments)
    assert to_native(name, arguments) == (EDITOR, given)


def test_bash() -> None:
    assert from_native("bash", {"command": "ls"}) == ("bash", {"command": "ls"})
    restart = from_native("bash", {"restart": True})
    assert restart == ("bash", {"command": "exit 0  # restart"})
    assert to_native(restart[0], restart[1] or {}) == ("bash", {"restart": True})
    assert from_native(EDITOR, None) == ("edit", None)


async def test_calls_reach_the_agent_in_its_words(anthropic_pair: Pair) -> None:
    view = ("v", EDITOR, '{"command": "view", "path": "a.py"}')
    broken = ("w", EDITOR, '{"command": "create", "path": "b.py", "file_te')
    anthropic_pair.will(
        Words(calls=(view, broken), thinking="Hm.", stop="length"), Words(text="Done.")
    )
    reply = await anthropic_pair.provider.reply(talk(), model=MODEL)
    calls = [block for block in reply.content if isinstance(block, ToolCall)]
    assert calls == [
        ToolCall("v", "read", {"path": "a.py"}),
        ToolCall("w", "edit", None, broken[2]),
    ]
    results = Message("user", (ToolResult("v", "1"), ToolResult("w", "cut off", is_error=True)))
    await anthropic_pair.provider.reply(
        talk(Message("assistant", reply.content), results), model=MODEL
    )
    first, second = anthropic_pair.server.requests
    assert first["thinking"] == {"type": "adaptive"}
    assert [tool.get("type", tool["name"]) for tool in first["tools"]] == [
        "bash_20250124",
        "text_editor_20250728",
        "plan",
    ]
    thought, seen, lost = second["messages"][1]["content"]
    assert thought == {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    assert (seen["name"], seen["input"]) == (EDITOR, {"command": "view", "path": "a.py"})
    assert (lost["name"], lost["input"]) == (EDITOR, {})


async def test_a_run_that_changes_nothing_has_no_editor(anthropic_pair: Pair) -> None:
    from dataclasses import replace

    tools = tuple(t for t in talk().tools if t.name in ("bash", "read", "plan"))
    anthropic_pair.will(Words(text="Hi."))
    await anthropic_pair.provider.reply(replace(talk(), tools=tools), model=MODEL)
    sent = anthropic_pair.server.requests[0]
    assert [tool["name"] for tool in sent["tools"]] == ["bash", "read", "plan"]
    assert "type" in sent["tools"][0]


async def test_another_model_behind_the_same_protocol_gets_functions(anthropic_pair: Pair) -> None:
    anthropic_pair.will(Words(text="Hi."))
    await anthropic_pair.provider.reply(talk(), model="open-model-4")
    sent = anthropic_pair.server.requests[0]
    assert [tool["name"] for tool in sent["tools"]] == ["bash", "read", "edit", "write", "plan"]
    assert not any("type" in tool for tool in sent["tools"])
    assert "thinking" not in sent


async def test_a_server_that_does_not_know_the_models_own_tools(anthropic_pair: Pair) -> None:
    words = "tools.0: Input tag 'bash_20250124' found using 'type' does not match any of the tags"
    refused = Failure(status=400, type="invalid_request_error", message=words)
    anthropic_pair.will(refused, Words(text="Hi."), Words(text="Hi."))
    for _ in range(2):
        await anthropic_pair.provider.reply(talk(), model=MODEL)
    kinds = [{t.get("type") for t in sent["tools"]} for sent in anthropic_pair.server.requests]
    assert kinds[0] > {"bash_20250124", "text_editor_20250728"}
    assert kinds[1:] == [{None}, {None}]
