"""Whatever was said in a task, by whatever model: every provider gets a request of its own form."""

from __future__ import annotations

from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsStreaming
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from sandbox.llm import anthropic_form
from sandbox.llm.openai import chat, responses
from sandbox.llm.provider import (
    Block,
    Conversation,
    Image,
    Message,
    Opaque,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.sandbox.llm import anthropic_server, openai_server, responses_server

NAMES = ("bash", "read", "edit", "write", "apply_patch", "plan", "finish")
FIELDS = (
    *("command", "path", "start", "end", "old", "new", "line", "undo", "content", "type", "diff"),
    *("timeout_seconds", "restart", "view_range"),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**9),
    st.sampled_from(["", "a.py", "update_file", "delete_file", "rm -rf /"]),
    st.lists(st.integers(0, 9), max_size=3),
)
ARGUMENTS = st.none() | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4)
TOOLS = tuple(Tool(name, "Do.", {"type": "object", "properties": {}}) for name in NAMES)
_ANTHROPIC = TypeAdapter(MessageCreateParamsStreaming)
_CHAT = TypeAdapter(CompletionCreateParamsStreaming)
_RESPONSES = TypeAdapter(ResponseCreateParamsStreaming)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    messages = [Message("user", (Text("# Task\nFix it."),))]
    texts = st.sampled_from(["", " ", "So.", "Well,\n"])
    results = st.sampled_from(["", "ok", "x\n[exit 0]", "[exit 3; the shell ended with it]"])
    count = 0
    for turn in range(draw(st.integers(0, 4))):
        said: list[Block] = []
        if draw(st.booleans()):
            said.append(Opaque("anthropic", {"type": "thinking", "thinking": "", "signature": "s"}))
        if draw(st.booleans()):
            item = {"type": "reasoning", "id": f"rs{turn}", "summary": [], "encrypted_content": "x"}
            said.append(Opaque("openai.responses", item))
        said.append(Text(draw(texts)))
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            count += 1
            id_ = draw(st.sampled_from(["c{}", "toolu:{}", "s__{}", "f.n {}"])).format(count)
            name = draw(st.sampled_from([*NAMES, "no such tool", ""]))
            calls.append(ToolCall(id_, name, draw(ARGUMENTS), "{broken"))
        said += calls
        answers: list[Block] = [
            ToolResult(call.id, draw(results), is_error=draw(st.booleans())) for call in calls
        ]
        if draw(st.booleans()):
            answers.append(Image("image/png", "iVBORw0KGgo="))
        messages += [Message("assistant", tuple(said)), Message("user", (*answers, Text("Go on.")))]
    tools = TOOLS if draw(st.booleans()) else tuple(t for t in TOOLS if t.name in ("bash", "read"))
    return Conversation(system=draw(texts), tools=tools, messages=tuple(messages))


@given(conversations(), st.sampled_from(["claude-sonnet-5-5", "an-open-model"]))
def test_anthropic(conversation: Conversation, model: str) -> None:
    body: dict[str, Any] = anthropic_form.make_request(conversation, model)
    body |= {"model": model, "max_tokens": 1000, "stream": True}
    _ANTHROPIC.validate_python(body)
    anthropic_server.check_conversation(body)


@given(conversations(), st.booleans())
def test_chat(conversation: Conversation, mended: bool) -> None:
    body: dict[str, Any] = chat.make_request(conversation, "m", mended=mended)
    _CHAT.validate_python(body | {"model": "m", "stream": True})
    openai_server.check_conversation(body)


@given(conversations(), st.sampled_from(["gpt-5.2", "gpt-4.1"]), st.booleans())
def test_responses(conversation: Conversation, model: str, mended: bool) -> None:
    body: dict[str, Any] = responses.make_request(conversation, model, mended=mended)
    _RESPONSES.validate_python(body | {"model": model, "stream": True})
    responses_server.check_conversation(body)
