"""The bash and the text editor that Anthropic's models were trained on, in the agent's own words.

    bash        {"command"}, {"restart": true}
    text editor {"command": "view", "path", "view_range"?}              read
                {"command": "create", "path", "file_text"}              write
                {"command": "str_replace", "path", "old_str", "new_str"?}   edit
                {"command": "insert", "path", "insert_line", "insert_text"}   edit
    {"command": "undo_edit", "path"}    of older editors, and a habit   edit

Each way back leads to the call as the model wrote it; what fits nowhere is passed on as it is, for
the agent to refuse.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.llm.tools import BASH, EDITING

EDITOR: Final = "str_replace_based_edit_tool"
RESTART: Final = "exit 0  # restart"
"""The agent's shell starts anew when it has ended."""

_WORDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "view": ("read", {}),
    "create": ("write", {"file_text": "content"}),
    "str_replace": ("edit", {"old_str": "old", "new_str": "new"}),
    "insert": ("edit", {"insert_line": "line", "insert_text": "new"}),
    "undo_edit": ("edit", {}),
}

Arguments = dict[str, Any]


def from_native(name: str, given: Arguments | None) -> tuple[str, Arguments | None]:
    """The agent's tool and arguments for a call of the model; None: they are broken."""
    if name == BASH and given is not None and given.get("restart") is True:
        return BASH, {"command": RESTART}
    if name != EDITOR:
        return name, given
    command = (given or {}).get("command")
    if given is None or not isinstance(command, str) or command not in _WORDS:
        return "edit", given
    ours, words = _WORDS[command]
    arguments = {words.get(word, word): given[word] for word in given if word != "command"}
    if command == "str_replace":
        arguments.setdefault("new", "")
    if command == "undo_edit":
        arguments["undo"] = True
    lines = arguments.get("view_range")
    if ours == "read" and isinstance(lines, list) and len(lines) == 2:
        del arguments["view_range"]
        arguments["start"] = lines[0]
        if lines[1] != -1:
            arguments["end"] = lines[1]
    return ours, arguments


def to_native(name: str, arguments: Arguments) -> tuple[str, Arguments]:
    """The model's own form of a call of the agent's tools, for its next prompt."""
    if name == BASH and arguments == {"command": RESTART}:
        return BASH, {"restart": True}
    if name not in EDITING:
        return name, arguments
    if "command" in arguments or not arguments:
        return EDITOR, arguments
    command = _command_of(name, arguments)
    words = {ours: theirs for theirs, ours in _WORDS[command][1].items()}
    given = {words.get(word, word): value for word, value in arguments.items()}
    if command == "undo_edit":
        del given["undo"]
    if name == "read" and ("start" in given or "end" in given):
        given["view_range"] = [given.pop("start", 1), given.pop("end", -1)]
    return EDITOR, {"command": command, **given}


def _command_of(name: str, arguments: Arguments) -> str:
    if name != "edit":
        return "view" if name == "read" else "create"
    if arguments.get("undo") is True:
        return "undo_edit"
    return "insert" if "line" in arguments else "str_replace"
