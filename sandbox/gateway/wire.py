"""From the wire's JSON to types: what a container sends is read here, and nowhere else.

Texts for people are cut to their limit; what has the wrong shape is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sandbox.gateway.journal import Entry
from sandbox.gateway.protocol import EVENT_KINDS, PLAN_STATUSES, PROTOCOL_VERSION
from sandbox.gateway.refusals import BadRequest
from sandbox.llm.blocks import block_to_json
from sandbox.llm.provider import Block, Message, Opaque, Reply, Text, Tool, ToolResult
from sandbox.policy import redact
from sandbox.spec import Phase, RunSpec

Json = dict[str, Any]

TITLE_CHARACTERS: Final = 300
TEXT_CHARACTERS: Final = 4096
OUTPUT_CHARACTERS: Final = 8192
ANSWER_CHARACTERS: Final = 100_000
SYSTEM_CHARACTERS: Final = 200_000
MAX_BLOCKS: Final = 1000
MAX_TOOLS: Final = 64
MAX_PLAN_ITEMS: Final = 100
MAX_FINDINGS: Final = 100
MAX_INBOX_IDS: Final = 1000
MAX_DEPTH: Final = 100

_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEVERITIES: Final = frozenset({"high", "medium", "low"})
_STEP_STATUSES: Final = frozenset({"complete", "error"})
_CLAIM_KINDS: Final[dict[Phase, frozenset[str]]] = {
    "agent": frozenset({"finished", "gave_up", "stopped", "failed"}),
    "setup": frozenset({"finished", "failed"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """What is new in one turn."""

    sha256: str
    messages: tuple[Message, ...]
    inbox: tuple[int, ...] = ()
    system: str | None = None
    tools: tuple[Tool, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The agent's own account of how its phase ended."""

    kind: str
    title: str = ""
    summary: str = ""
    claimed: str = ""
    answer: str = ""
    findings: tuple[Json, ...] = ()
    brief: str = ""
    details: str = ""
    exit_code: int = 0


def parse_object(body: bytes) -> Json:
    """A JSON object, or BadRequest."""
    try:
        data = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    _check_depth(data)
    return _object(data, "the body")


def parse_turn(body: bytes) -> TurnRequest:
    data = parse_object(body)
    _only(data, {"system", "tools", "messages", "inbox"}, "the turn")
    messages = tuple(_message(item) for item in _array(data, "messages", MAX_BLOCKS))
    if sum(len(message.content) for message in messages) > MAX_BLOCKS:
        raise BadRequest("A turn has too many blocks.")
    if not any(message.content for message in messages):
        raise BadRequest("A turn must hold something new.")
    inbox = tuple(_integer_of(item, "inbox") for item in _array(data, "inbox", MAX_INBOX_IDS, []))
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    request = TurnRequest(
        sha256=hashlib.sha256(canonical.encode()).hexdigest(), messages=messages, inbox=inbox
    )
    if "system" not in data and "tools" not in data:
        return request
    system = _text(data, "system")
    if len(system) > SYSTEM_CHARACTERS:
        raise BadRequest("`system` is too long.")
    tools = tuple(_tool(item) for item in _array(data, "tools", MAX_TOOLS))
    return TurnRequest(
        sha256=request.sha256, messages=messages, inbox=inbox, system=system, tools=tools
    )


def reply_to_wire(number: int, reply: Reply, *, turns_left: int) -> Json:
    content = [block_to_json(b) for b in reply.content if not isinstance(b, Opaque)]
    return {"turn": number, "content": content, "stop": reply.stop, "turns_left": turns_left}


def parse_events(body: bytes) -> list[tuple[int, str, Json]]:
    """Events as (id, kind, payload), in order of their ids."""
    data = parse_object(body)
    return sorted((_event(item) for item in _array(data, "events", 10_000)), key=lambda e: e[0])


def parse_claim(body: bytes, phase: Phase) -> Claim:
    data = parse_object(body)
    kind = _word(data, "kind", _CLAIM_KINDS[phase])
    brief = _shown(data, "brief", TITLE_CHARACTERS)
    details = _shown(data, "details", OUTPUT_CHARACTERS)
    if phase == "setup":
        code = _integer(data, "exit_code")
        return Claim(kind=kind, exit_code=code, brief=brief, details=details)
    return Claim(
        kind=kind,
        title=_shown(data, "title", TITLE_CHARACTERS),
        summary=_shown(data, "summary", OUTPUT_CHARACTERS),
        claimed=_shown(data, "claimed", TEXT_CHARACTERS),
        answer=_shown(data, "answer", ANSWER_CHARACTERS),
        findings=tuple(_finding(item) for item in _array(data, "findings", MAX_FINDINGS, [])),
        brief=brief,
        details=details,
    )


def describe_run(spec: RunSpec, entry: Entry, *, turn: int, patch: bytes) -> Json:
    """The answer to `GET /run`; the set-up phase is told more, see `Routes`."""
    limits = spec.limits
    return {
        "protocol": PROTOCOL_VERSION,
        "run_id": spec.run_id,
        "task_id": spec.task_id,
        "phase": entry.phase,
        "mode": spec.mode,
        "repository": spec.tree.repository,
        "branch": spec.tree.branch,
        "base_commit": spec.tree.commit,
        "request": spec.request,
        "author": spec.author,
        "turn": turn,
        "prepared_commit": entry.prepared_commit,
        "has_patch": bool(patch),
        "egress": bool(entry.egress),
        "notes": list(spec.notes),
        "script": None,
        "variables": {},
        "limits": {
            "turns": limits.turns,
            "command_seconds": limits.command_seconds,
            "output_bytes": limits.output_bytes,
            "patch_bytes": limits.patch_bytes,
            "wall_seconds": limits.wall_seconds,
        },
    }


def _message(data: Any) -> Message:
    data = _object(data, "a message")
    if data.get("role") != "user":
        raise BadRequest("A container sends user messages only.")
    return Message("user", tuple(_block(item) for item in _array(data, "content", MAX_BLOCKS)))


def _block(data: Any) -> Block:
    data = _object(data, "a block")
    match data.get("type"):
        case "text":
            return Text(_text(data, "text"))
        case "tool_result":
            is_error = data.get("is_error", False)
            if not isinstance(is_error, bool):
                raise BadRequest("`is_error` must be true or false.")
            return ToolResult(_text(data, "call_id"), _text(data, "text"), is_error)
        case other:
            raise BadRequest(f"A container may not send blocks of type {str(other)[:50]!r}.")


def _tool(data: Any) -> Tool:
    data = _object(data, "a tool")
    name = _text(data, "name")
    if not _TOOL_NAME.fullmatch(name):
        raise BadRequest("A tool's name has letters, digits, - and _ only.")
    parameters = _object(data.get("parameters"), "`parameters`")
    return Tool(name, _text(data, "description"), parameters)


def _event(data: Any) -> tuple[int, str, Json]:
    data = _object(data, "an event")
    kind = _word(data, "kind", EVENT_KINDS)
    return _integer(data, "id"), kind, _PAYLOADS[kind](data)


def _plan(data: Json) -> Json:
    return {"items": [_plan_item(item) for item in _array(data, "items", MAX_PLAN_ITEMS)]}


def _plan_item(data: Any) -> Json:
    data = _object(data, "an item of a plan")
    return {
        "id": _shown(data, "id", 64),
        "title": _shown(data, "title", TITLE_CHARACTERS),
        "status": _word(data, "status", PLAN_STATUSES),
    }


def _step_started(data: Json) -> Json:
    return {
        "step": _shown(data, "step", 64),
        "tool": _shown(data, "tool", 64),
        "title": _shown(data, "title", TITLE_CHARACTERS),
        "details": _shown(data, "details", TEXT_CHARACTERS),
    }


def _step_finished(data: Json) -> Json:
    seconds = data.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise BadRequest("`seconds` must be a number.")
    return {
        "step": _shown(data, "step", 64),
        "status": _word(data, "status", _STEP_STATUSES),
        "title": _shown(data, "title", TITLE_CHARACTERS),
        "output": _shown(data, "output", OUTPUT_CHARACTERS),
        "seconds": max(0.0, min(float(seconds), 1e9)),
    }


def _note(data: Json) -> Json:
    return {"text": _shown(data, "text", TEXT_CHARACTERS)}


_PAYLOADS: Final[dict[str, Callable[[Json], Json]]] = {
    "plan": _plan,
    "step_started": _step_started,
    "step_finished": _step_finished,
    "note": _note,
    "setup_output": _note,
}


def _finding(data: Any) -> Json:
    data = _object(data, "a finding")
    line = data.get("line")
    return {
        "severity": _word(data, "severity", _SEVERITIES),
        "file": _shown(data, "file", TITLE_CHARACTERS),
        "line": None if line is None else _integer(data, "line"),
        "title": _shown(data, "title", TITLE_CHARACTERS),
        "detail": _shown(data, "detail", TEXT_CHARACTERS),
        "suggestion": _shown(data, "suggestion", TEXT_CHARACTERS),
    }


def _object(data: Any, what: str) -> Json:
    if not isinstance(data, dict):
        raise BadRequest(f"{what.capitalize()} must be an object.")
    return data


def _only(data: Json, names: set[str], what: str) -> None:
    if unknown := sorted(set(data) - names):
        raise BadRequest(f"{what.capitalize()} has unknown fields: {', '.join(unknown)[:200]}.")


def _array(data: Json, name: str, limit: int, default: list[Any] | None = None) -> list[Any]:
    value = data.get(name, default)
    if not isinstance(value, list):
        raise BadRequest(f"`{name}` must be a list.")
    if len(value) > limit:
        raise BadRequest(f"`{name}` has more than {limit} items.")
    return value


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"`{name}` must be text.")
    # JSON can hold half a surrogate pair, which no store or provider takes.
    return value.encode("utf-8", "replace").decode()


def _shown(data: Json, name: str, limit: int) -> str:
    """A text for people: optional, without secrets, cut to its limit."""
    text = redact(_text(data, name)) if name in data else ""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _word(data: Json, name: str, known: frozenset[str]) -> str:
    value = data.get(name)
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"`{name}` must be one of {', '.join(sorted(known))}.")
    return value


def _integer(data: Json, name: str) -> int:
    return _integer_of(data.get(name), name)


def _integer_of(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise BadRequest(f"`{name}` must be a whole number.")
    return value


def _check_depth(data: Any) -> None:
    """What is too deep could be read, and then not be written any more."""
    level = [data]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    raise BadRequest("The body is nested too deeply.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
