"""Between two runs of one task: everything but this program has ended, and it waits for the next.

It begins anew by `exec`, so that nothing of the run before is in its memory, tells the host that it
is alone, and is given the next run's token over that same connection. Nothing else is asked or
answered there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from typing import Any, Dict, NoReturn, Optional

from agent_image.agent.places import Places, make_places
from agent_image.agent.pristine import Pristine
from agent_image.agent.shield import hide_memory

Json = Dict[str, Any]

ARGUMENT = "stay"
READY = b"ready\n"
ENDINGS = frozenset({"finished", "gave_up", "stopped"})
WAIT_SECONDS = 60.0
"""For the host to take this program on; it may have changed its mind."""
_KILL_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


class Stay:
    """What one run must remember to be able to stay; without `remember` it never does."""

    def __init__(self) -> None:
        self._pristine: Optional[Pristine] = None
        self._places: Optional[Places] = None
        self._run: Json = {}
        self._patch: Optional[bytes] = None

    def remember(self, run: Json, places: Places) -> None:
        """Before the model's first command."""
        if run.get("stays") and _owns_container():
            self._run, self._places = run, places
            self._pristine = Pristine(places)

    def keep(self, patch: Optional[bytes]) -> None:
        """The last patch, where the host keeps it as it is."""
        self._patch = patch

    def begin(self, outcome: Json) -> None:
        """Once the outcome was delivered. Returns where the container is not fit to stay."""
        if self._pristine is None or self._patch is None or self._places is None:
            return
        if outcome["kind"] not in ENDINGS or not end_others():
            return
        limit = int(self._run["limits"]["patch_bytes"])
        base = self._run["base_commit"]
        fresh = make_places()
        os.rmdir(fresh.scratch)
        shutil.rmtree(self._places.scratch, ignore_errors=True)
        is_fit = self._pristine.restore(fresh, base, self._patch, limit_bytes=limit)
        # Again: what git may have started must not be there while the memory is open to it.
        if is_fit and end_others():
            _begin_anew()


def wait_for_token() -> str:
    """Tell the host that this program is alone, and wait; ends the program where it is let go."""
    # Loaded now, it is there when somebody waits for it.
    import agent_image.agent.work  # noqa: F401

    hide_memory()
    if not end_others():
        sys.exit(1)
    path = os.environ.get("THREADSMITH_SOCKET", "/run/threadsmith/gateway.sock")
    connection = _connect(os.path.join(os.path.dirname(path), "rest.sock"))
    with connection:
        connection.sendall(READY)
        held = b""
        while not held.endswith(b"\n"):
            data = connection.recv(4096)
            if not data:
                sys.exit(0)
            held += data
    return held.decode().strip()


def end_others() -> bool:
    """Kill every other process of the container but its first; whether none is left."""
    if not _owns_container():
        return False
    deadline = time.monotonic() + _KILL_SECONDS
    while True:
        try:
            # All at once: not even a fork bomb gets away.
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        _reap()
        ours = {1, os.getpid()}
        if {int(name) for name in os.listdir("/proc") if name.isdigit()} <= ours:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)


def _owns_container() -> bool:
    """Whether the first process here started this very program, and so all others may be killed."""
    if os.getppid() != 1:
        return False
    try:
        with open("/proc/1/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    return os.fsencode(_program()) in words


def _program() -> str:
    return os.path.dirname(os.path.abspath(__file__))


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _begin_anew() -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-I", "-S", _program(), ARGUMENT])


def _connect(path: str) -> socket.socket:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                sys.exit(0)
            time.sleep(_PAUSE_SECONDS)
        else:
            return connection
