"""The tools as the model is shown them, and the check of the arguments it sends."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from agent_image.agent.protocol import PLAN_STATUSES, SEVERITIES

Json = Dict[str, Any]

_TEXT: Json = {"type": "string"}
_TYPES: Dict[str, Tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}


# Limits that a model seldom meets are told when it does: every word of a schema is sent each turn.
_LEAST = {"timeout_seconds": 1, "start": 1, "end": 1, "line": 0}
_MOST = {"items": 50, "options": 5, "checks": 5, "findings": 100}


class ArgumentProblem(Exception):
    """The arguments of a call do not fit its tool."""


def make_tools(mode: str, *, command_seconds: int, can_ask: bool = True) -> List[Json]:
    """The tools of a run; one that changes nothing has none that edit."""
    tools = [_bash(command_seconds), _READ]
    if mode == "change":
        tools += [_EDIT, _WRITE, _PATCH]
    return [*tools, _PLAN, *([_ASK] if can_ask else []), _finish(mode)]


def check_arguments(schema: Json, arguments: Json, where: str = "") -> None:
    """Raise ArgumentProblem for the first thing that does not fit the schema."""
    properties = schema["properties"]
    for name in schema.get("required", []):
        if name not in arguments:
            raise ArgumentProblem("`{}{}` is missing.".format(where, name))
    for name, value in arguments.items():
        if name not in properties:
            raise ArgumentProblem(
                "`{}{}` is unknown; known are {}.".format(where, name, ", ".join(properties))
            )
        _check_value(properties[name], value, where + name)


def _check_value(schema: Json, value: Any, name: str) -> None:
    type_, called = _TYPES[schema["type"]]
    if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
        raise ArgumentProblem("`{}` must be {}.".format(name, called))
    if "enum" in schema and value not in schema["enum"]:
        raise ArgumentProblem(
            "`{}` must be one of {}, not {!r}.".format(name, ", ".join(schema["enum"]), value)
        )
    last = name.rpartition(".")[2]
    if isinstance(value, int) and value < _LEAST.get(last, value):
        raise ArgumentProblem("`{}` must be at least {}.".format(name, _LEAST[last]))
    if isinstance(value, list):
        if len(value) > _MOST.get(last, len(value)):
            raise ArgumentProblem("`{}` has too many items.".format(name))
        for index, item in enumerate(value):
            _check_value(schema["items"], item, "{}[{}]".format(name, index))
    if isinstance(value, dict):
        check_arguments(schema, value, name + ".")


def _object(required: List[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required}


def _tool(name: str, description: str, parameters: Json) -> Json:
    return {"name": name, "description": description, "parameters": parameters}


def _described(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


_FLAG: Json = {"type": "boolean"}
_NUMBER: Json = {"type": "integer"}


def _bash(command_seconds: int) -> Json:
    return _tool(
        "bash",
        "Run a command in one lasting bash, {} s at most.".format(command_seconds),
        _object(["command"], command=_TEXT, timeout_seconds=_NUMBER, background=_FLAG),
    )


_READ = _tool(
    "read",
    "Show a file with line numbers, or a folder.",
    _object(["path"], path=_TEXT, start=_NUMBER, end=_NUMBER),
)
_EDIT = _tool(
    "edit",
    "Replace `old`, exact and found once, by `new`; or insert `new` after `line`; or undo.",
    _object(
        ["path"],
        path=_TEXT,
        old=_TEXT,
        new=_TEXT,
        replace_all=_FLAG,
        line=_NUMBER,
        undo=_FLAG,
    ),
)
_WRITE = _tool(
    "write",
    "Make or overwrite a file.",
    _object(["path", "content"], path=_TEXT, content=_TEXT),
)
# Of models that were trained on it, and no others, see the gateway.
_PATCH = _tool(
    "apply_patch",
    "Make, change or delete a file by a V4A diff.",
    _object(
        ["type", "path"],
        type={"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
        path=_TEXT,
        diff=_TEXT,
    ),
)
_ASK = _tool(
    "ask",
    "Ask people, and wait; options become buttons.",
    _object(["question"], question=_TEXT, options={"type": "array", "items": _TEXT}),
)
_PLAN = _tool(
    "plan",
    "Show people the whole plan.",
    _object(
        ["items"],
        items={
            "type": "array",
            "items": _object(
                ["title", "status"],
                title=_TEXT,
                status={"type": "string", "enum": sorted(PLAN_STATUSES)},
            ),
        },
    ),
)


def _finish(mode: str) -> Json:
    properties: Json = {"title": _TEXT, "summary": _described("What and why; brief Markdown.")}
    properties["claimed"] = _described("What was verified, how; what was not.")
    required = ["title", "summary", "claimed"]
    if mode == "change":
        properties["checks"] = {"type": "array", "items": _TEXT}
    if mode == "explain":
        properties["answer"] = _described("Markdown, with places as path:line.")
        required = ["title", "answer"]
    if mode == "review":
        properties["findings"] = {"type": "array", "items": _FINDING}
        required = ["title", "summary", "findings"]
    return _tool("finish", "End the run.", _object(required, **properties))


_FINDING = _object(
    ["severity", "file", "title", "detail"],
    severity={"type": "string", "enum": ["high", "medium", "low"]},
    file=_TEXT,
    line=_NUMBER,
    title=_TEXT,
    detail=_TEXT,
    suggestion=_TEXT,
)
assert set(_FINDING["properties"]["severity"]["enum"]) == SEVERITIES
