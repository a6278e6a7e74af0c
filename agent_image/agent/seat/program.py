"""The program itself: started, heard line by line, and ended with everything it started."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from typing import Any, Dict, Iterator, Optional

from agent_image.agent.processes import MARK, kill_group, kill_rest
from agent_image.agent.seat.adapter import Launch
from agent_image.agent.stop import Stop, wait_readable

Json = Dict[str, Any]

_CHUNK = 262_144
_MAX_LINE = 16 * 1024**2
"""A longer one is no event."""
_LOOK_SECONDS = 0.5
_LINGER_SECONDS = 2.0
_GRACE_SECONDS = 1.0
_TAIL_BYTES = 4000


class Program:
    """One process with its descendants."""

    def __init__(
        self,
        launch: Launch,
        variables: Dict[str, str],
        *,
        workspace: str,
        scratch: str,
        hears: bool = False,
    ) -> None:
        """``hears``: its input stays open for what is said later."""
        self._mark = "seat-{}-".format(os.getpid())
        self._errors = os.path.join(scratch, "seat.err")
        self._words: queue.Queue[Optional[bytes]] = queue.Queue()
        self.is_hushed = False
        environment = dict(variables, **launch.variables)
        environment[MARK] = self._mark
        with open(self._errors, "wb") as stderr:
            self._process = subprocess.Popen(
                launch.command,
                cwd=workspace,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        # Aside: a program that does not read must not hold us up.
        threading.Thread(target=self._feed, name="words", daemon=True).start()
        self.say(launch.stdin)
        if not hears:
            self.hush()

    def say(self, words: bytes) -> None:
        self._words.put(words)

    def hush(self) -> None:
        """Nothing more is said."""
        self.is_hushed = True
        self._words.put(None)

    def events(self, stop: Stop, deadline: float) -> Iterator[Optional[Json]]:
        """The JSON objects that it prints, until its end or the deadline; raises Stopped.

        None where it prints nothing for a while.
        """
        assert self._process.stdout is not None
        pipe, held = self._process.stdout.fileno(), b""
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                # What it left running may hold the pipe open for ever.
                deadline = min(deadline, time.monotonic() + _LINGER_SECONDS)
            soon = min(deadline, time.monotonic() + _LOOK_SECONDS)
            if not wait_readable(pipe, stop=stop, deadline=soon):
                yield None
                continue
            data = os.read(pipe, _CHUNK)
            if not data:
                return
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                event = _parse(line)
                if event is not None:
                    yield event
            held = held if len(held) <= _MAX_LINE else b""

    def wait(self, stop: Stop, deadline: float) -> None:
        """Until it has ended; raises Stopped."""
        while self._process.poll() is None and time.monotonic() < deadline:
            stop.wait(0.02)

    def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as pipe:
                for words in iter(self._words.get, None):
                    pipe.write(words)
                    pipe.flush()
        except OSError:
            pass  # it has ended, or closed its ears

    def close(self) -> str:
        """End all of it; answers the end of what it complained of."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        kill_group(self._process.pid)
        self._process.wait()
        kill_rest(self._mark, [self._process.pid])
        try:
            with open(self._errors, "rb") as file:
                file.seek(max(0, os.path.getsize(self._errors) - _TAIL_BYTES))
                return file.read().decode(errors="replace")
        except OSError:
            return ""


def _parse(line: bytes) -> Any:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
