"""From the model's call to its result."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from agent_image.agent import edits, files
from agent_image.agent.events import Events
from agent_image.agent.files import FileProblem
from agent_image.agent.output import Capture, escape_unsafe
from agent_image.agent.places import Places
from agent_image.agent.rules import NestedRules
from agent_image.agent.schemas import ArgumentProblem, Json, check_arguments, make_tools
from agent_image.agent.shell import Shell
from agent_image.agent.steps import find_summary, step_details, step_titles
from agent_image.agent.stop import Stop
from agent_image.agent.undo import Undo

MAX_OUTPUT_BYTES = 100_000
"""Of one result, whatever the run's limit says: a turn must fit the gateway's."""
MAX_CALLS = 32
"""Of one reply, for the same reason."""


class Result(NamedTuple):
    """What a tool answers the model, and in one line the thread."""

    text: str
    is_error: bool = False
    line: str = ""
    is_fine: bool = True
    """For the thread: whether the step is shown as done or as failed."""
    image: Optional[Json] = None


class Tools:
    """The tools of one run."""

    def __init__(
        self, run: Json, places: Places, *, events: Events, shell: Shell, stop: Stop
    ) -> None:
        limits = run["limits"]
        self._limit_seconds = int(limits["command_seconds"])
        self._limit_bytes = min(int(limits["output_bytes"]), MAX_OUTPUT_BYTES)
        self._places = places
        self._events = events
        self._shell = shell
        self._stop = stop
        self._count = 0
        self._undo = Undo(places.workspace)
        self._rules = NestedRules(places.workspace)
        self.may_have_changed = False
        """Whether the tree may differ from what it was when this was last set to False."""
        self.schemas = make_tools(
            str(run["mode"]),
            command_seconds=self._limit_seconds,
            can_ask=bool(run["can_ask"]),
        )
        self._parameters = {tool["name"]: tool["parameters"] for tool in self.schemas}
        self._steps: Dict[str, Callable[..., Result]] = {
            "bash": self._bash,
            "read": self._read,
            "edit": self._edit,
            "write": self._write,
            "apply_patch": self._apply_patch,
        }

    def check(self, call: Json) -> Optional[str]:
        """Why the call cannot be carried out; None where it can."""
        name, arguments = call["name"], call["arguments"]
        if name not in self._parameters:
            known = ", ".join(self._parameters)
            return "There is no tool `{}`. The tools are: {}.".format(escape_unsafe(name), known)
        if arguments is None:
            return "The arguments are not valid JSON. Send the call again with a JSON object."
        try:
            check_arguments(self._parameters[name], arguments)
        except ArgumentProblem as problem:
            return "Invalid arguments for `{}`: {}".format(name, problem)
        return None

    def run(self, call: Json, step: str) -> Result:
        """Carry out a call that was checked and is no finish; raises Stopped."""
        name, arguments = call["name"], _clean(call["arguments"])
        if name == "plan":
            return self._plan(**arguments)
        before, after = step_titles(name, arguments)
        details = step_details(name, arguments)
        self._events.add("step_started", step=step, tool=name, title=before, details=details)
        self.may_have_changed |= name != "read"
        began = time.monotonic()
        result = Result("", line="stopped", is_fine=False)
        try:
            result = self._steps[name](**arguments)
            if name != "bash":
                beside = self._rules.beside(arguments["path"])
                result = result._replace(text=result.text + beside)
        except FileProblem as problem:
            text = escape_unsafe(str(problem))
            result = Result(text, is_error=True, line=text.split("\n")[0], is_fine=False)
        finally:
            self._events.add(
                "step_finished",
                step=step,
                status="complete" if result.is_fine else "error",
                title=after,
                output=result.line[:500],
                seconds=round(time.monotonic() - began, 3),
            )
        return result

    def _plan(self, items: List[Json]) -> Result:
        numbered = [dict(item, id=str(number)) for number, item in enumerate(items, 1)]
        self._events.add("plan", items=numbered)
        return Result("The plan is shown.")

    def _bash(
        self, command: str, timeout_seconds: Optional[int] = None, background: bool = False
    ) -> Result:
        if "\0" in command:
            raise FileProblem("A command cannot hold a NUL character.")
        self._count += 1
        log = os.path.join(self._places.scratch, "output-{}.txt".format(self._count))
        if background:
            pid = self._shell.begin(command, log, stop=self._stop)
            if not pid:
                return Result("It could not be started.", is_error=True, is_fine=False)
            text = "Started in the background as process {0} (kill -- -{0}); output: {1}"
            return Result(text.format(pid, log), line="started")
        seconds = min(timeout_seconds or self._limit_seconds, self._limit_seconds)
        capture = Capture(self._limit_bytes, log)
        try:
            ended = self._shell.run(command, capture, seconds=seconds, stop=self._stop)
        finally:
            capture.close()
        output = capture.text()
        if ended.code is None:
            line = "killed after {} seconds".format(seconds)
        else:
            line = "exit {}".format(ended.code)
        notes = [line]
        if ended.was_crowded:
            notes.append("it left too many processes: all were ended")
        if not ended.has_shell:
            notes.append(
                "the shell ended with it: a new one starts in {}, its variables are gone".format(
                    self._shell.directory
                )
            )
        text = output + "\n" * (bool(output) and not output.endswith("\n"))
        return Result(
            "{}[{}]".format(text, "; ".join(notes)),
            is_error=ended.code is None,
            line=find_summary(output) or line,
            is_fine=ended.code == 0,
        )

    def _read(self, path: str, start: int = 1, end: Optional[int] = None) -> Result:
        image = files.find_image(self._places.workspace, path)
        if image is not None:
            return Result("[a picture: see below]", line=image["media_type"], image=image)
        text = files.read(self._places.workspace, path, start, end, self._limit_bytes)
        count = text.count("\n") + 1
        return Result(text, line="1 line" if count == 1 else "{} lines".format(count))

    def _edit(
        self,
        path: str,
        old: Optional[str] = None,
        new: Optional[str] = None,
        replace_all: bool = False,
        line: Optional[int] = None,
        undo: bool = False,
    ) -> Result:
        workspace = self._places.workspace
        if undo:
            text = self._undo.undo(path)
            return Result(text, line=text)
        if new is None or (old is None) == (line is None):
            raise FileProblem("Give `new` with either `old` or `line`, or `undo`.")
        with self._undo.kept(path):
            if old is not None:
                text = edits.edit(workspace, path, old, new, replace_all)
            else:
                text = edits.insert(workspace, path, line or 0, new)
        return Result(text, line=text)

    def _write(self, path: str, content: str) -> Result:
        with self._undo.kept(path):
            text = edits.write(self._places.workspace, path, content)
        return Result(text, line=text)

    def _apply_patch(self, path: str, diff: str = "", **type_: str) -> Result:
        workspace, what = self._places.workspace, type_["type"]
        if what == "delete_file":
            said = edits.apply_patch(workspace, what, path, diff)
        else:
            with self._undo.kept(path):
                said = edits.apply_patch(workspace, what, path, diff)
        return Result(said, line=said)


def _clean(value: Any) -> Any:
    """JSON can hold half a surrogate pair, which no file takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
