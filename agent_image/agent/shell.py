"""One bash for the whole run: directory and variables stay from command to command.

Bash reads our lines from its standard input and reports each end on its standard output; commands
get neither of the two, so what they print cannot be taken for a report.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import Dict, List, NamedTuple, Optional

from agent_image.agent.output import Capture
from agent_image.agent.processes import MARK, find_shell, is_crowded, kill_group, kill_rest
from agent_image.agent.stop import Stop, Stopped, wait_readable

# A command may have made functions and aliases of any name, or set -x: what is ours is found all
# the same, and leaves no trace. The mark is an assignment, which nothing can stand in for.
_BEFORE = "{{ {mark}={tag}; \\unset -f command set; }} 2>/dev/null; "
_AFTER = (
    "{{ threadsmith=$?; \\unset -f command set; \\set +eu; "
    '\\command printf "%s\\0%s\\0" "{value}" "$PWD"; }} 2>/dev/null\n'
)
_RUN = (
    _BEFORE
    + "{{ . '{script}'; }} </dev/null >&2 2>&1; "
    + _AFTER.replace("{value}", "$threadsmith")
)
_BEGIN = (
    _BEFORE
    + "\\set -m; ( \\set +m; . '{script}'; \\command echo \"[exit $?]\" ) "
    + "</dev/null >'{log}' 2>&1 & \\set +m; "
    + _AFTER.replace("{value}", "$!")
)
_POLL_SECONDS = 0.05
_DRAIN_BYTES = 1024**2


class Ended(NamedTuple):
    """How a command ended; a code of None: its time was up."""

    code: Optional[int]
    has_shell: bool
    """False: the shell ended with it and will be started anew."""
    was_crowded: bool = False
    """It left so many processes that all were ended."""


class Shell:
    """Starts bash when it is first needed, and again after it has ended."""

    def __init__(self, directory: str, scratch: str, environment: Dict[str, str]) -> None:
        self.directory = directory
        """Where the next command starts."""
        self._home = directory
        self._scratch = scratch
        self._environment = environment
        self._bash: Optional[subprocess.Popen[bytes]] = None
        self._sessions: List[int] = []
        self._count = 0

    def run(self, command: str, capture: Capture, *, seconds: float, stop: Stop) -> Ended:
        """Run it to its end, its time limit or the stop, with its output in ``capture``."""
        bash, tag = self._send(_RUN, command)
        deadline = time.monotonic() + seconds
        try:
            report = self._follow(bash, capture, deadline, stop)
        except Stopped:
            self._kill(tag)
            raise
        if report is None:
            self._kill(tag)
            self._drain(bash, capture)
            return self._forget(Ended(None, has_shell=False))
        self._drain(bash, capture)
        if not report:
            return self._forget(Ended(_exit_code(bash.wait()), has_shell=False))
        if is_crowded():
            self._kill(self._tag(""), *self._sessions)
            return self._forget(Ended(int(report[0]), has_shell=False, was_crowded=True))
        return Ended(int(report[0]), has_shell=True)

    def begin(self, command: str, log: str, *, stop: Stop) -> str:
        """Start it in the background with its output in a file; answers its process id."""
        bash, tag = self._send(_BEGIN, command, log=log)
        capture = Capture(0, os.devnull)
        report = self._follow(bash, capture, time.monotonic() + 10.0, stop)
        if not report:
            self._kill(tag)
            self._forget(Ended(None, has_shell=False))
            return ""
        return report[0]

    def close(self) -> None:
        """End the shell and everything that any command left running."""
        if self._sessions:
            self._kill(self._tag(""), *self._sessions)
            self._forget(Ended(None, has_shell=False))

    def _send(self, line: str, command: str, **names: str) -> tuple[subprocess.Popen[bytes], str]:
        self._count += 1
        tag = self._tag(self._count) + "-"
        script = os.path.join(self._scratch, "command-{}".format(self._count))
        with open(script, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(command + "\n")
        bash = self._bash or self._start()
        assert bash.stdin is not None
        try:
            bash.stdin.write(line.format(mark=MARK, tag=tag, script=script, **names).encode())
            bash.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended since: there will be no report
        return bash, tag

    def _start(self) -> subprocess.Popen[bytes]:
        if not os.path.isdir(self.directory):
            self.directory = self._home
        shell = find_shell()
        is_bash = shell.endswith("bash")
        options = ["--noprofile", "--norc", "-O", "expand_aliases"] if is_bash else []
        self._bash = subprocess.Popen(
            [shell, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env={**self._environment, MARK: ""},
            start_new_session=True,
        )
        for pipe in (self._bash.stdout, self._bash.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._sessions.append(self._bash.pid)
        return self._bash

    def _follow(
        self, bash: subprocess.Popen[bytes], capture: Capture, deadline: float, stop: Stop
    ) -> list[str] | None:
        """Exit code and directory as the shell reports them; empty: it ended; None: time is up."""
        assert bash.stdout is not None
        assert bash.stderr is not None
        reports, output = bash.stdout.fileno(), bash.stderr.fileno()
        open_files = {reports, output}
        held = b""
        while time.monotonic() < deadline:
            until = deadline
            if reports not in open_files:  # it ended, or a program has taken its place
                if bash.poll() is not None:
                    return []
                until = min(deadline, time.monotonic() + _POLL_SECONDS)
            ready = wait_readable(*open_files, stop=stop, deadline=until)
            for file in ready & open_files:
                data = _read(file)
                if not data:
                    open_files.discard(file)
                elif file == output:
                    capture.add(data)
                else:
                    held += data
            if held.count(b"\0") == 2:
                code, self.directory = held.decode(errors="surrogateescape").split("\0")[:2]
                return [code, self.directory]
        return None

    def _drain(self, bash: subprocess.Popen[bytes], capture: Capture) -> None:
        """Take what is in the pipe already; a process left behind may go on printing."""
        assert bash.stderr is not None
        for _ in range(_DRAIN_BYTES // 65_536):
            data = _read(bash.stderr.fileno())
            if not data:
                return
            capture.add(data)

    def _kill(self, tag: str, *sessions: int) -> None:
        if self._bash is not None:
            kill_group(self._bash.pid)
            self._bash.wait()
        kill_rest(tag, sessions)

    def _forget(self, ended: Ended) -> Ended:
        bash, self._bash = self._bash, None
        if bash is not None:
            for pipe in (bash.stdin, bash.stdout, bash.stderr):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        pass
        return ended

    def _tag(self, number: int | str) -> str:
        return "{}-{}".format(os.getpid(), number)


def _read(file: int) -> bytes:
    try:
        return os.read(file, 65_536)
    except BlockingIOError:
        return b""


def _exit_code(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned
