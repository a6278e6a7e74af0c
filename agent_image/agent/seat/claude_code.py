"""Claude Code, headless: `claude --print --output-format stream-json`."""

from __future__ import annotations

import json
import os
from typing import Set

from agent_image.agent.seat.adapter import (
    SEAT,
    Adapter,
    Ending,
    Json,
    Launch,
    Place,
    Telling,
    object_of,
    objects,
    text_of,
)

_READING = "Bash,Read,Glob,Grep,Task,TodoWrite"
_CHANGING = _READING + ",Edit,Write,NotebookEdit"
_TITLES = {
    "Bash": ("Running", "command"),
    "Read": ("Reading", "file_path"),
    "Edit": ("Editing", "file_path"),
    "Write": ("Writing", "file_path"),
    "NotebookEdit": ("Editing", "notebook_path"),
    "Glob": ("Looking for", "pattern"),
    "Grep": ("Searching for", "pattern"),
    "Task": ("Asking a helper:", "description"),
}
_STATUSES = {"pending": "pending", "in_progress": "in_progress", "completed": "complete"}


class ClaudeCode(Adapter):
    """Speaks Anthropic's protocol."""

    takes_words = True

    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._quiet: Set[str] = set()
        """Calls that are no steps: the plan."""

    def launch(self, words: str, place: Place) -> Launch:
        command = [
            os.path.join(SEAT, "bin", "claude"),
            *("--print", "--output-format", "stream-json", "--verbose"),
            *("--input-format", "stream-json"),
            *("--permission-mode", "bypassPermissions", "--strict-mcp-config"),
            *("--tools", _READING if place.is_reading else _CHANGING),
            *("--model", place.model),
        ]
        variables = {
            "ANTHROPIC_BASE_URL": place.url + "/anthropic",
            "ANTHROPIC_API_KEY": place.key,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": place.model,
            "CLAUDE_CONFIG_DIR": os.path.join(place.scratch, "claude"),
            "CLAUDE_CODE_ENABLE_TASKS": "false",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "IS_SANDBOX": "1",
        }
        return Launch(command, variables, self.phrase(words))

    def phrase(self, words: str) -> bytes:
        content = [{"type": "text", "text": words}]
        event = {"type": "user", "message": {"role": "user", "content": content}}
        return json.dumps(event).encode() + b"\n"

    def hear(self, event: Json, tell: Telling) -> None:
        kind = event.get("type")
        content = objects(object_of(event.get("message")).get("content"))
        if kind == "assistant":
            for block in content:
                if block.get("type") == "text":
                    self._say(text_of(block.get("text")), tell)
                elif block.get("type") == "tool_use":
                    self._call(block, tell)
        elif kind == "user":
            for block in content:
                if block.get("type") == "tool_result":
                    self._result(block, tell)
        elif kind == "result":
            self._end(event)

    def _say(self, text: str, tell: Telling) -> None:
        """The last words are the result, and no note: what came before them is told now."""
        tell.note(self._said)
        self._said = text

    def _call(self, block: Json, tell: Telling) -> None:
        tell.note(self._said)
        self._said = ""
        step, name = str(block.get("id")), str(block.get("name"))
        given = object_of(block.get("input"))
        if name == "TodoWrite":
            self._quiet.add(step)
            items = [(str(i.get("content")), i.get("status")) for i in objects(given.get("todos"))]
            tell.plan([(title, _STATUSES.get(str(status), "pending")) for title, status in items])
            return
        verb, key = _TITLES.get(name, (name, "description"))
        subject = str(given.get(key) or "")
        tell.begin(step, name, "{} {}".format(verb, subject), text_of(given.get("command")))

    def _result(self, block: Json, tell: Telling) -> None:
        step = str(block.get("tool_use_id"))
        if step in self._quiet:
            self._quiet.remove(step)
            return
        output = text_of(block.get("content"))
        tell.end(step, output, failed=block.get("is_error") is True)

    def _end(self, event: Json) -> None:
        words = text_of(event.get("result"))
        if event.get("is_error") is True or event.get("subtype") != "success":
            errors = event.get("errors")
            said = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
            problem = words or said or str(event.get("subtype"))
            self.ending = Ending(self._said if self._said != problem else "", problem)
        else:
            self.ending = Ending(words or self._said)
