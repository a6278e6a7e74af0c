"""What is the Responses API's own: items, reasoning that comes sealed, the model's own tools."""

from __future__ import annotations

import pytest

from sandbox.errors import ContextTooLong, ProviderError
from sandbox.llm.openai import OpenAIProvider
from sandbox.llm.provider import (
    Block,
    Conversation,
    Message,
    Opaque,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.sandbox.llm.conftest import KEY, Pair
from tests.sandbox.llm.script import Failure, Words

NAMES = ("bash", "read", "edit", "write", "apply_patch", "plan")
TOOLS = tuple(Tool(name, "Do.", {"type": "object", "properties": {}}) for name in NAMES)
TASK = Message("user", (Text("# Task\nFix it."),))
MODEL = "gpt-5.2"

SHELL = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "call_s",
    "action": {"commands": ["ls", "pytest -q"], "timeout_ms": 1500, "max_output_length": None},
    "status": "completed",
}
PATCH = {
    "type": "apply_patch_call",
    "id": "ap_1",
    "call_id": "call_p",
    "operation": {"type": "update_file", "path": "a.py", "diff": "@@\n-a\n+b\n"},
    "status": "completed",
}


def talk(*messages: Message) -> Conversation:
    return Conversation(system="You are careful.", tools=TOOLS, messages=(TASK, *messages))


async def test_the_models_own_tools_are_the_agents(responses_pair: Pair) -> None:
    responses_pair.will(
        Words(thinking="Hm.", text="So.", phase="commentary", items=(SHELL, PATCH)),
        Words(text="Done."),
    )
    reply = await responses_pair.provider.reply(talk(), model=MODEL)
    calls = [block for block in reply.content if isinstance(block, ToolCall)]
    assert reply.stop == "tool_calls"
    assert calls == [
        ToolCall("call_s__0", "bash", {"command": "ls", "timeout_seconds": 2}),
        ToolCall("call_s__1", "bash", {"command": "pytest -q", "timeout_seconds": 2}),
        ToolCall("call_p", "apply_patch", PATCH["operation"]),  # type: ignore[arg-type]
    ]
    results: tuple[Block, ...] = (
        ToolResult("call_s__0", "README\n[exit 0]"),
        ToolResult("call_s__1", "1 failed\n[exit 1]"),
        ToolResult("call_p", "Hunk 1 fits nowhere.", is_error=True),
    )
    again = talk(Message("assistant", reply.content), Message("user", results))
    await responses_pair.provider.reply(again, model=MODEL)
    first, second = responses_pair.server.requests
    assert [tool["type"] for tool in first["tools"]] == ["shell", "apply_patch", "function"]
    assert first["prompt_cache_key"] == second["prompt_cache_key"]
    assert first["include"] == ["reasoning.encrypted_content"]
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed Hm."}
    assert second["input"][1:] == [
        sealed,
        {"type": "message", "role": "assistant", "content": "So.", "phase": "commentary"},
        {
            "type": "shell_call",
            "call_id": "call_s",
            "action": {"commands": ["ls", "pytest -q"], "timeout_ms": 2000},
            "status": "completed",
        },
        {k: v for k, v in PATCH.items() if k != "id"},
        {
            "type": "shell_call_output",
            "call_id": "call_s",
            "output": [
                {
                    "stdout": "README\n[exit 0]",
                    "stderr": "",
                    "outcome": {"type": "exit", "exit_code": 0},
                },
                {
                    "stdout": "1 failed\n[exit 1]",
                    "stderr": "",
                    "outcome": {"type": "exit", "exit_code": 1},
                },
            ],
        },
        {
            "type": "apply_patch_call_output",
            "call_id": "call_p",
            "status": "failed",
            "output": "Hunk 1 fits nowhere.",
        },
    ]


async def test_a_model_without_tools_of_its_own_gets_functions(responses_pair: Pair) -> None:
    responses_pair.will(Words(text="Hi."), Words(text="Hi."))
    for model in ("gpt-4.1", "some-open-model"):
        await responses_pair.provider.reply(talk(), model=model)
    first, second = responses_pair.server.requests
    names = [tool["name"] for tool in first["tools"]]
    assert names == ["bash", "read", "edit", "write", "plan"]
    assert ("include" in first, "include" in second) == (False, True)


async def test_what_another_model_called_and_thought_is_understood(responses_pair: Pair) -> None:
    """The conversation of a model that has become unavailable, taken over by this one."""
    said = (
        Opaque("anthropic", {"type": "thinking", "thinking": "", "signature": "s"}, "claude"),
        Opaque("openai.responses", {"type": "reasoning", "id": "rs_0"}, "gpt-5.1"),
        ToolCall("toolu:1", "edit", {"path": "a", "old": "x", "new": "y"}),
        ToolCall("b", "bash", {"command": "sleep 99"}),
        ToolCall("c", "no such tool!", None, "{broken"),
    )
    results: tuple[Block, ...] = (
        ToolResult("toolu:1", "ok"),
        ToolResult("b", "[killed after 5 seconds; the shell ended with it]", is_error=True),
        ToolResult("c", "There is no tool.", is_error=True),
    )
    responses_pair.will(Words(text="Go on."))
    await responses_pair.provider.reply(
        talk(Message("assistant", said), Message("user", results)), model=MODEL
    )
    items = responses_pair.server.requests[0]["input"][1:]
    assert [item["type"] for item in items] == [
        *("function_call", "shell_call", "function_call"),
        *("shell_call_output", "function_call_output", "function_call_output"),
    ]
    assert items[0]["call_id"] == items[4]["call_id"] == "toolu_1"
    assert items[2]["name"] == "no_such_tool_"
    assert items[3]["output"][0]["outcome"] == {"type": "timeout"}


async def test_a_diff_cut_by_the_length_is_not_carried_out(responses_pair: Pair) -> None:
    responses_pair.will(Words(items=(PATCH,), stop="length"), Words(text="In pieces."))
    reply = await responses_pair.provider.reply(talk(), model=MODEL)
    [call] = reply.content
    assert isinstance(call, ToolCall)
    assert (reply.stop, call.name, call.arguments) == ("length", "apply_patch", None)
    told = Message("user", (ToolResult(call.id, "Cut off.", is_error=True),))
    await responses_pair.provider.reply(
        talk(Message("assistant", reply.content), told), model=MODEL
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", ContextTooLong),
        ("invalid_prompt", ProviderError),
    ],
)
async def test_failure_in_the_stream_that_does_not_pass(
    responses_pair: Pair, code: str, kind: type[ProviderError]
) -> None:
    # The SDK's own types know fewer codes than the API has.
    known = code if code == "invalid_prompt" else "server_error"
    words = "Your input exceeds the context window of this model." if known != code else "No."
    fault = Failure(mid_stream=True, code=known, message=words)
    responses_pair.will(fault)
    with pytest.raises(kind):
        await responses_pair.provider.reply(talk(), model=MODEL)
    assert len(responses_pair.server.requests) == 1


@pytest.mark.parametrize(
    ("base_url", "api", "expected"),
    [
        (None, None, "responses"),
        ("https://eu.api.openai.com/v1", None, "responses"),
        ("http://localhost:8000/v1", None, "chat"),
        ("https://evil-openai.com/v1", None, "chat"),
        ("http://localhost:8000/v1", "responses", "responses"),
        (None, "chat", "chat"),
    ],
)
async def test_which_protocol_is_spoken(
    base_url: str | None, api: str | None, expected: str
) -> None:
    provider = OpenAIProvider(KEY, base_url=base_url, api=api)  # type: ignore[arg-type]
    assert provider.api == expected
    await provider.close()


async def test_a_server_that_does_not_know_the_models_own_tools(responses_pair: Pair) -> None:
    refused = Failure(status=400, message="Unsupported tool type: 'apply_patch'")
    responses_pair.will(refused, Words(text="Hi."), Words(text="Hi."))
    for _ in range(2):
        await responses_pair.provider.reply(talk(), model=MODEL)
    kinds = [{t["type"] for t in sent["tools"]} for sent in responses_pair.server.requests]
    assert kinds == [{"shell", "apply_patch", "function"}, {"function"}, {"function"}]
