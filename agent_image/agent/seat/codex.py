"""Codex, headless: `codex exec --json`."""

from __future__ import annotations

import json
import os

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

_KEY = "THREADSMITH_SEAT_KEY"
_CONFIG = """\
model = {model}
model_provider = "threadsmith"
web_search = "disabled"
check_for_update_on_startup = false

[model_providers.threadsmith]
name = "threadsmith"
base_url = {url}
env_key = "{key}"
wire_api = "responses"
stream_idle_timeout_ms = 600000

[analytics]
enabled = false

[otel]
exporter = "none"
"""


class Codex(Adapter):
    """Speaks OpenAI's Responses."""

    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._problem = ""

    def launch(self, words: str, place: Place) -> Launch:
        home = os.path.join(place.scratch, "codex")
        os.mkdir(home, 0o700)
        config = _CONFIG.format(
            model=json.dumps(place.model), url=json.dumps(place.url + "/openai/v1"), key=_KEY
        )
        with open(os.path.join(home, "config.toml"), "w", encoding="utf-8") as file:
            file.write(config)
        command = [
            os.path.join(SEAT, "bin", "codex"),
            *("exec", "--json", "--skip-git-repo-check", "--ephemeral"),
            # The container is the sandbox.
            *("--dangerously-bypass-approvals-and-sandbox", "-"),
        ]
        variables = {"CODEX_HOME": home, _KEY: place.key}
        return Launch(command, variables, words.encode("utf-8", "replace"))

    def hear(self, event: Json, tell: Telling) -> None:
        kind = event.get("type")
        item = object_of(event.get("item"))
        if kind == "item.started":
            self._begin(item, tell)
        elif kind == "item.updated" and item.get("type") == "todo_list":
            _plan(item, tell)
        elif kind == "item.completed":
            self._complete(item, tell)
        elif kind == "turn.completed":
            self.ending = Ending(self._said)
        elif kind == "turn.failed":
            problem = text_of(object_of(event.get("error")).get("message"))
            self.ending = Ending(self._said, problem or self._problem or "It failed.")
        elif kind == "error":
            # It may try again by itself.
            self._problem = text_of(event.get("message"))

    def _begin(self, item: Json, tell: Telling) -> None:
        step, kind = str(item.get("id")), item.get("type")
        if kind == "command_execution":
            command = text_of(item.get("command"))
            tell.begin(step, "shell", "Running {}".format(_plain(command)), command)
        elif kind == "file_change":
            tell.begin(step, "apply_patch", "Editing {}".format(_paths(item)))
        elif kind == "todo_list":
            _plan(item, tell)

    def _complete(self, item: Json, tell: Telling) -> None:
        step, kind = str(item.get("id")), item.get("type")
        failed = item.get("status") in ("failed", "declined")
        if kind == "agent_message":
            tell.note(self._said)
            self._said = text_of(item.get("text"))
        elif kind == "command_execution":
            tell.end(step, text_of(item.get("aggregated_output")), failed=failed)
        elif kind == "file_change":
            if not tell.is_open(step):
                self._begin(item, tell)
            tell.end(step, "", failed=failed)
        elif kind == "todo_list":
            _plan(item, tell)


def _plan(item: Json, tell: Telling) -> None:
    items = [
        (text_of(i.get("text")), i.get("completed") is True) for i in objects(item.get("items"))
    ]
    tell.plan([(title, "complete" if is_done else "pending") for title, is_done in items])


def _paths(item: Json) -> str:
    return ", ".join(text_of(change.get("path")) for change in objects(item.get("changes")))


def _plain(command: str) -> str:
    """Without the shell that it is wrapped in."""
    for shell in ("/bin/bash -lc ", "bash -lc ", "/bin/sh -c "):
        if command.startswith(shell):
            return command[len(shell) :].strip("'\"")
    return command
