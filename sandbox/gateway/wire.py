"""From the wire's JSON to types: what a container sends is read here, and nowhere else.

Texts for people are cut to their limit; what has the wrong shape is refused. Secrets end here:
nothing behind it sees them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

from sandbox.gateway.fields import (
    Json,
    array,
    integer,
    integer_of,
    object_of,
    only,
    parse_object,
    shown,
    text_of,
    word,
)
from sandbox.gateway.hiding import Counting
from sandbox.gateway.images import parse_image
from sandbox.gateway.journal import Entry
from sandbox.gateway.protocol import (
    CHECK_CHARACTERS,
    EVENT_KINDS,
    MAX_CHECKS,
    MAX_TURN_IMAGES,
    PLAN_STATUSES,
    PROTOCOL_VERSION,
)
from sandbox.gateway.refusals import BadRequest
from sandbox.llm.blocks import block_to_json
from sandbox.llm.provider import Block, Image, Message, Opaque, Reply, Text, Tool, ToolResult
from sandbox.redaction import NO_SECRETS, Redactor, map_texts
from sandbox.spec import Phase, RunSpec

TITLE_CHARACTERS: Final = 300
TEXT_CHARACTERS: Final = 4096
OUTPUT_CHARACTERS: Final = 8192
ANSWER_CHARACTERS: Final = 100_000
SYSTEM_CHARACTERS: Final = 200_000
MAX_BLOCKS: Final = 1000
MAX_TOOLS: Final = 64
MAX_PLAN_ITEMS: Final = 100
MAX_FINDINGS: Final = 100
MAX_OPTIONS: Final = 5
OPTION_CHARACTERS: Final = 200
MAX_INBOX_IDS: Final = 1000

_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEVERITIES: Final = frozenset({"high", "medium", "low"})
_STEP_STATUSES: Final = frozenset({"complete", "error"})
_CLAIM_KINDS: Final[dict[Phase, frozenset[str]]] = {
    "agent": frozenset({"finished", "gave_up", "stopped", "failed"}),
    "setup": frozenset({"finished", "failed"}),
    "verify": frozenset({"finished", "failed"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """What is new in one turn."""

    sha256: str
    hidden: int = 0
    """Places that were hidden in it."""
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
    checks: tuple[str, ...] = ()
    """Commands that are to show that it is so."""
    brief: str = ""
    details: str = ""
    exit_code: int = 0
    hidden: int = 0
    """Places that were hidden in it."""


class Event(NamedTuple):
    """One event of a container."""

    id: int
    kind: str
    payload: Json
    hidden: int
    """Places that were hidden in it; of a script's output they are found later, in the whole."""


def parse_turn(body: bytes, redactor: Redactor = NO_SECRETS) -> TurnRequest:
    hide = Counting(redactor)
    data = parse_object(body)
    only(data, {"system", "tools", "messages", "inbox"}, "the turn")
    messages = tuple(_message(item, hide) for item in array(data, "messages", MAX_BLOCKS))
    if sum(len(message.content) for message in messages) > MAX_BLOCKS:
        raise BadRequest("A turn has too many blocks.")
    images = sum(isinstance(b, Image) for message in messages for b in message.content)
    if images > MAX_TURN_IMAGES:
        raise BadRequest(f"A turn has more than {MAX_TURN_IMAGES} images.")
    if not any(message.content for message in messages):
        raise BadRequest("A turn must hold something new.")
    inbox = tuple(integer_of(item, "inbox") for item in array(data, "inbox", MAX_INBOX_IDS, []))
    request = TurnRequest(sha256="", messages=messages, inbox=inbox)
    if "system" in data or "tools" in data:
        system = text_of(data, "system")
        if len(system) > SYSTEM_CHARACTERS:
            raise BadRequest("`system` is too long.")
        tools = tuple(_tool(item, hide) for item in array(data, "tools", MAX_TOOLS))
        request = replace(request, system=hide(system), tools=tools)
    # The same content has the same hash, and no hash is made of a secret.
    shown = redactor.value(data) if hide.count else data
    canonical = json.dumps(shown, sort_keys=True, separators=(",", ":"))
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    return replace(request, sha256=sha256, hidden=hide.count)


def reply_to_wire(number: int, reply: Reply, *, turns_left: int) -> Json:
    content = [block_to_json(b) for b in reply.content if not isinstance(b, Opaque)]
    return {"turn": number, "content": content, "stop": reply.stop, "turns_left": turns_left}


def parse_taken(body: bytes) -> list[int]:
    """Ids of messages that the program in the container was given."""
    data = parse_object(body)
    only(data, {"taken"}, "the message")
    return [integer_of(item, "taken") for item in array(data, "taken", MAX_INBOX_IDS)]


def parse_events(body: bytes, redactor: Redactor = NO_SECRETS) -> list[Event]:
    """In order of their ids."""
    data = parse_object(body)
    items = array(data, "events", 10_000)
    return sorted((_event(item, Counting(redactor)) for item in items), key=lambda e: e.id)


def parse_claim(body: bytes, phase: Phase, redactor: Redactor = NO_SECRETS) -> Claim:
    hide = Counting(redactor)
    data = parse_object(body)
    claim = Claim(
        kind=word(data, "kind", _CLAIM_KINDS[phase]),
        brief=shown(data, "brief", TITLE_CHARACTERS, hide),
        details=shown(data, "details", OUTPUT_CHARACTERS, hide),
    )
    if phase != "agent":
        return replace(claim, exit_code=integer(data, "exit_code"), hidden=hide.count)
    findings = array(data, "findings", MAX_FINDINGS, [])
    claim = replace(
        claim,
        title=shown(data, "title", TITLE_CHARACTERS, hide),
        summary=shown(data, "summary", OUTPUT_CHARACTERS, hide),
        claimed=shown(data, "claimed", TEXT_CHARACTERS, hide),
        answer=shown(data, "answer", ANSWER_CHARACTERS, hide),
        findings=tuple(_finding(item, hide) for item in findings),
        checks=tuple(_check_commands(data, hide)),
    )
    return replace(claim, hidden=hide.count)


def describe_run(spec: RunSpec, entry: Entry, *, turn: int, patch: bytes) -> Json:
    """The answer to `GET /run`; the set-up phase is told more, see `Routes`."""
    limits = spec.limits
    return {
        "protocol": PROTOCOL_VERSION,
        "run_id": spec.run_id,
        "task_id": spec.task_id,
        "phase": entry.phase,
        "mode": spec.mode,
        "agent": spec.agent,
        "model": spec.model,
        "earlier": [asdict(each) for each in spec.earlier],
        "repository": spec.tree.repository,
        "branch": spec.tree.branch,
        "base_commit": spec.tree.commit,
        "request": spec.request,
        "author": spec.author,
        "turn": turn,
        "prepared_commit": entry.prepared_commit,
        "has_patch": bool(patch),
        "egress": bool(entry.egress),
        "stays": entry.stays,
        "notes": list(spec.notes),
        "script": None,
        "variables": {},
        "can_ask": spec.can_ask,
        "checks": list(entry.checks),
        "limits": {
            "turns": limits.turns,
            "command_seconds": limits.command_seconds,
            "output_bytes": limits.output_bytes,
            "patch_bytes": limits.patch_bytes,
            "wall_seconds": (
                limits.verify_seconds if entry.phase == "verify" else limits.wall_seconds
            ),
        },
    }


def _message(data: Any, hide: Counting) -> Message:
    data = object_of(data, "a message")
    if data.get("role") != "user":
        raise BadRequest("A container sends user messages only.")
    return Message("user", tuple(_block(item, hide) for item in array(data, "content", MAX_BLOCKS)))


def _block(data: Any, hide: Counting) -> Block:
    data = object_of(data, "a block")
    match data.get("type"):
        case "text":
            return Text(hide(text_of(data, "text")))
        case "image":
            return parse_image(data)
        case "tool_result":
            is_error = data.get("is_error", False)
            if not isinstance(is_error, bool):
                raise BadRequest("`is_error` must be true or false.")
            # The id is one of the model's own, or it is refused.
            return ToolResult(text_of(data, "call_id"), hide(text_of(data, "text")), is_error)
        case other:
            raise BadRequest(f"A container may not send blocks of type {str(other)[:50]!r}.")


def _tool(data: Any, hide: Counting) -> Tool:
    data = object_of(data, "a tool")
    name = hide(text_of(data, "name"))
    if not _TOOL_NAME.fullmatch(name):
        raise BadRequest("A tool's name has letters, digits, - and _ only.")
    parameters = object_of(data.get("parameters"), "`parameters`")
    description = hide(text_of(data, "description"))
    return Tool(name, description, map_texts(parameters, hide))


def _event(data: Any, hide: Counting) -> Event:
    data = object_of(data, "an event")
    kind = word(data, "kind", EVENT_KINDS)
    id_, payload = integer(data, "id"), _PAYLOADS[kind](data, hide)
    return Event(id_, kind, payload, hide.count)


def _plan(data: Json, hide: Counting) -> Json:
    return {"items": [_plan_item(item, hide) for item in array(data, "items", MAX_PLAN_ITEMS)]}


def _plan_item(data: Any, hide: Counting) -> Json:
    data = object_of(data, "an item of a plan")
    return {
        "id": shown(data, "id", 64, hide),
        "title": shown(data, "title", TITLE_CHARACTERS, hide),
        "status": word(data, "status", PLAN_STATUSES),
    }


def _step_started(data: Json, hide: Counting) -> Json:
    return {
        "step": shown(data, "step", 64, hide),
        "tool": shown(data, "tool", 64, hide),
        "title": shown(data, "title", TITLE_CHARACTERS, hide),
        "details": shown(data, "details", TEXT_CHARACTERS, hide),
    }


def _step_finished(data: Json, hide: Counting) -> Json:
    seconds = data.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise BadRequest("`seconds` must be a number.")
    return {
        "step": shown(data, "step", 64, hide),
        "status": word(data, "status", _STEP_STATUSES),
        "title": shown(data, "title", TITLE_CHARACTERS, hide),
        "output": shown(data, "output", OUTPUT_CHARACTERS, hide),
        "seconds": max(0.0, min(float(seconds), 1e9)),
    }


def _note(data: Json, hide: Counting) -> Json:
    return {"text": shown(data, "text", TEXT_CHARACTERS, hide)}


def _setup_output(data: Json, hide: Counting) -> Json:
    """As it is, if it is no longer than it may be: a secret may lie in two pieces of it."""
    text = text_of(data, "text") if "text" in data else ""
    return {"text": text} if len(text) <= TEXT_CHARACTERS else _note(data, hide)


def _question(data: Json, hide: Counting) -> Json:
    options = [
        hide(text_of({"option": option}, "option"))[:OPTION_CHARACTERS]
        for option in array(data, "options", MAX_OPTIONS, [])
    ]
    return {"question": shown(data, "question", TEXT_CHARACTERS, hide), "options": options}


def _question_closed(data: Json, hide: Counting) -> Json:  # noqa: ARG001 - a word hides nothing
    return {"answered": data.get("answered") is True}


def _check_started(data: Json, hide: Counting) -> Json:  # noqa: ARG001 - a number hides nothing
    return {"check": integer(data, "check")}


def _check_finished(data: Json, hide: Counting) -> Json:
    told = _step_finished({**data, "status": "complete"}, hide)
    code = data.get("exit_code")
    return {
        "check": integer(data, "check"),
        "exit_code": None if code is None else integer_of(code, "exit_code"),
        "summary": shown(data, "summary", TITLE_CHARACTERS, hide),
        "output": told["output"],
        "seconds": told["seconds"],
    }


def _check_commands(data: Json, hide: Counting) -> Iterator[str]:
    """Those that can be run; what cannot is no reason to lose the run's outcome."""
    for item in array(data, "checks", MAX_CHECKS, []):
        if isinstance(item, str) and item.strip() and len(item) <= CHECK_CHARACTERS:
            command = hide(text_of({"check": item}, "check"))
            if "\0" not in command:
                yield command


_PAYLOADS: Final[dict[str, Callable[[Json, Counting], Json]]] = {
    "plan": _plan,
    "step_started": _step_started,
    "step_finished": _step_finished,
    "note": _note,
    "setup_output": _setup_output,
    "question": _question,
    "question_closed": _question_closed,
    "check_started": _check_started,
    "check_finished": _check_finished,
}


def _finding(data: Any, hide: Counting) -> Json:
    data = object_of(data, "a finding")
    line = data.get("line")
    return {
        "severity": word(data, "severity", _SEVERITIES),
        "file": shown(data, "file", TITLE_CHARACTERS, hide),
        "line": None if line is None else integer(data, "line"),
        "title": shown(data, "title", TITLE_CHARACTERS, hide),
        "detail": shown(data, "detail", TEXT_CHARACTERS, hide),
        "suggestion": shown(data, "suggestion", TEXT_CHARACTERS, hide),
    }
