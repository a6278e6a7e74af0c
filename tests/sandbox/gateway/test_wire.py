"""Whatever a container sends is read, or refused in the protocol's words; nothing else happens."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.gateway.protocol import EVENT_KINDS
from sandbox.gateway.refusals import BadRequest
from sandbox.gateway.wire import parse_claim, parse_events, parse_turn
from sandbox.llm.provider import Text, ToolResult

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(
    [
        *("system", "tools", "messages", "inbox", "role", "content", "type", "text", "call_id"),
        *("events", "id", "kind", "items", "status", "title", "findings", "severity", "line"),
        *("name", "description", "parameters", "exit_code", "seconds", "step", "is_error"),
    ]
)
WORDS = st.sampled_from(
    ["user", "text", "image", "tool_result", "finished", "plan", "note", "low", "opaque"]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(VALUES)
def test_any_json_is_read_or_refused(value: Any) -> None:
    body = json.dumps(value).encode()
    for parse in (
        parse_turn,
        parse_events,
        lambda data: parse_claim(data, "agent"),
        lambda data: parse_claim(data, "setup"),
    ):
        with contextlib.suppress(BadRequest):
            parse(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for parse in (parse_turn, parse_events):
        with contextlib.suppress(BadRequest):
            parse(body)


BLOCKS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}),
    st.fixed_dictionaries(
        {"type": st.just("tool_result"), "call_id": st.text(), "text": st.text()},
        optional={"is_error": st.booleans()},
    ),
)


@given(st.lists(BLOCKS, min_size=1, max_size=5))
def test_user_blocks_arrive_as_they_were_sent(blocks: list[dict[str, Any]]) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": blocks}]}).encode()
    [message] = parse_turn(body).messages
    for sent, got in zip(blocks, message.content, strict=True):
        if sent["type"] == "text":
            assert got == Text(sent["text"])
        else:
            is_error = sent.get("is_error", False)
            assert got == ToolResult(sent["call_id"], sent["text"], is_error)


@given(st.sampled_from(sorted(EVENT_KINDS)), st.text(min_size=0, max_size=20_000))
def test_no_text_of_an_event_grows_past_its_limit(kind: str, text: str) -> None:
    names = ("text", "title", "details", "output", "step", "tool")
    event = {"id": 1, "kind": kind, "items": [], "status": "complete", "check": 0} | dict.fromkeys(
        names, text
    )
    [(_, _, payload, _)] = parse_events(json.dumps({"events": [event]}).encode())
    assert len(json.dumps(payload, ensure_ascii=False)) < 40_000
