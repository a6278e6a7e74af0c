"""The set-up phase: run the repository's script, tell what it prints, leave a clean environment."""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
import time
from typing import Any, Dict, Optional

from agent_image.agent.blot import blot_out
from agent_image.agent.events import Events
from agent_image.agent.failure_trace import FailureTrace
from agent_image.agent.gateway import Gateway
from agent_image.agent.git import GitFailed
from agent_image.agent.output import make_safe
from agent_image.agent.outside import open_egress
from agent_image.agent.patch import keep_prepared
from agent_image.agent.places import Places
from agent_image.agent.processes import MARK, find_shell, kill_group, kill_rest
from agent_image.agent.shield import command_environment
from agent_image.agent.stop import Stop, Stopped, wait_readable
from agent_image.agent.workspace import WorkspaceProblem, lay, renew

Json = Dict[str, Any]

AGENT_UID = 1000
TIMEOUT_CODE = 124
STOPPED_CODE = 143
PIECE_BYTES = 4096
_DONE: Json = {"kind": "finished", "exit_code": 0}
_PIECE_SECONDS = 0.2
_LINGER_SECONDS = 0.5


def set_up(run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places) -> Json:
    """Lay the workspace and run the script, if there is one; answers the phase's outcome."""
    workspace = places.workspace
    try:
        if run["script"] is not None and run["script"].get("is_own"):
            return _install(run, gateway, events, stop, places) or _DONE
        os.makedirs(workspace, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(workspace, 0, 0)  # git refuses to work in another user's folder
        if run["prepared_commit"] is None:
            lay(gateway, run, places, stop=stop)
        else:
            renew(gateway, run, places, stop=stop)
        if run["script"] is not None:
            failure = _run_script(run, gateway, events, stop, places)
            if failure is not None:
                return failure
        keep_prepared(places, run["base_commit"])
    except Stopped:
        return _failed(STOPPED_CODE, "The set-up was stopped.")
    except WorkspaceProblem as problem:
        return _failed(1, problem.brief, problem.details)
    except GitFailed as failed:
        brief = "The set-up script damaged the workspace's .git folder."
        return _failed(1, brief, str(failed))
    except OSError as error:
        return _failed(1, "The set-up could not be made.", str(error))
    finally:
        shutil.rmtree(places.scratch, ignore_errors=True)
        _hand_over(workspace, places.home)
    return _DONE


def _failed(code: int, brief: str, details: str = "") -> Json:
    return {"kind": "failed", "exit_code": code, "brief": brief, "details": details}


def _run_script(
    run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places
) -> Optional[Json]:
    """The failed outcome, or None. Nothing that it started is left running."""
    path = run["script"]["path"]
    _lay_script(places.workspace, path, run["script"]["content"])
    return _run_file(run, path, places.workspace, gateway, events, stop, places)


def _install(
    run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places
) -> Optional[Json]:
    """The host's own script, without the repository: in a folder that goes when it is done."""
    path = "install.sh"
    with open(os.path.join(places.scratch, path), "w", encoding="utf-8") as file:
        file.write(run["script"]["content"])
    return _run_file(run, path, places.scratch, gateway, events, stop, places)


def _run_file(
    run: Json,
    path: str,
    folder: str,
    gateway: Gateway,
    events: Events,
    stop: Stop,
    places: Places,
) -> Optional[Json]:
    trace = FailureTrace(places.scratch)
    variables = command_environment(places.home)
    if run["egress"]:
        variables.update(open_egress(gateway))
    variables.update(run["variables"], PIP_NO_CACHE_DIR="1")
    variables.update(trace.environment())
    began = time.time()
    mark = "setup-{}-".format(os.getpid())
    script = subprocess.Popen(
        [find_shell(), "--", path],
        cwd=folder,
        env=dict(variables, **{MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        code = _follow(script, events, deadline=gateway.deadline, stop=stop)
    finally:
        kill_group(script.pid)
        script.wait()
        kill_rest(mark, [script.pid])
        blot_out(run["variables"].values(), since=began)
    if code is None:
        return _failed(TIMEOUT_CODE, "The set-up script `{}` reached its time limit.".format(path))
    if code == 0:
        return None
    return _failed(code, trace.describe(path, run["script"]["content"], code))


def _lay_script(workspace: str, path: str, content: str) -> None:
    """The very bytes that were approved, whatever the repository made of them on checkout."""
    data = content.encode(errors="surrogateescape")
    place = os.path.join(workspace, path)
    if not os.path.realpath(place).startswith(os.path.realpath(workspace) + os.sep):
        raise OSError("{} leads out of the workspace".format(path))
    with open(place, "rb") as file:
        if file.read() == data:
            return
    with open(place, "wb") as file:
        file.write(data)


def _hand_over(*places: str) -> None:
    """Give everything to the user that the agent runs as."""
    if os.geteuid() == 0:
        owner = "{0}:{0}".format(AGENT_UID)
        there = [place for place in places if os.path.isdir(place)]
        subprocess.run(["chown", "-hR", owner, "--", *there], check=False)


def _follow(
    script: subprocess.Popen[bytes], events: Events, *, deadline: float, stop: Stop
) -> Optional[int]:
    """Tell the output as it comes; the exit code, or None when the time is up."""
    assert script.stdout is not None
    pipe = script.stdout.fileno()
    pieces = _Pieces(events)
    while time.monotonic() < deadline:
        code = script.poll()
        if code is not None:
            # What it left running may hold the pipe open for ever.
            deadline = min(deadline, time.monotonic() + _LINGER_SECONDS)
        soon = min(deadline, time.monotonic() + _PIECE_SECONDS)
        if wait_readable(pipe, stop=stop, deadline=soon):
            data = os.read(pipe, PIECE_BYTES)
            pieces.add(data)
            if not data:
                return _wait(script, deadline, stop)
        else:
            pieces.send()
            if code is not None:
                break
    pieces.send()
    code = script.poll()
    return None if code is None else _exit_code(code)


def _wait(script: subprocess.Popen[bytes], deadline: float, stop: Stop) -> Optional[int]:
    """It closed its output, and may go on silently."""
    while script.poll() is None:
        if time.monotonic() >= deadline:
            return None
        stop.wait(0.01)
    return _exit_code(script.returncode)


def _exit_code(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned


class _Pieces:
    """Output on its way into events, cut at line ends where there are any."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._told_at = time.monotonic()

    def add(self, data: bytes) -> None:
        self._held += self._decode.decode(data, final=not data)
        is_due = time.monotonic() - self._told_at > _PIECE_SECONDS
        if is_due or len(self._held) >= PIECE_BYTES // 2:
            lines, end, rest = self._held.rpartition("\n")
            self._held = rest if end else ""
            self._tell(lines + end if end else rest)
        if not data:
            self.send()

    def send(self) -> None:
        text, self._held = self._held, ""
        self._tell(text)

    def _tell(self, text: str) -> None:
        self._told_at = time.monotonic()
        safe = make_safe(text.encode())
        while safe:
            piece = safe.encode()[:PIECE_BYTES].decode(errors="ignore")
            self._events.add("setup_output", patient=True, text=piece)
            safe = safe[len(piece) :]
