"""Brings the patch to the host: while the model thinks, and once more at the end."""

from __future__ import annotations

import hashlib
import threading
from typing import Callable, Optional, Set

from agent_image.agent.events import Events
from agent_image.agent.gateway import Answer, Gateway, Refused
from agent_image.agent.patch import PatchProblem, make_patch
from agent_image.agent.places import Places
from agent_image.agent.stop import Stop

REFUSED = frozenset({413, 422})


class PatchKeeper:
    """One run's patches; only those that differ from the last one are sent."""

    def __init__(
        self,
        gateway: Gateway,
        events: Events,
        stop: Stop,
        places: Places,
        *,
        base: str,
        limit: int,
        end_commands: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._events = events
        self._stop = stop
        self._places = places
        self._base = base
        self._limit = limit
        self._end_commands = end_commands
        """For when they have left no room for a process or thread of ours."""
        self.kept: Optional[bytes] = None
        """The last patch, where the host took it as it is."""
        self._sent: Optional[bytes] = None
        self._noted: Set[str] = set()
        self._thread: Optional[threading.Thread] = None
        self._failure: Optional[BaseException] = None
        self._problem: Optional[PatchProblem] = None

    def begin(self) -> None:
        """Send what has changed, in the background; nothing may change until ``join``."""
        try:
            self._thread = self._start_aside()
        except RuntimeError:
            self._end_commands()
            self._thread = self._start_aside()

    def join(self) -> Optional[PatchProblem]:
        """Wait for it; answers what stands against the newest patch."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            failure, self._failure = self._failure, None
            if failure is not None and not isinstance(failure, PatchProblem):
                raise failure
            self._problem = failure
        return self._problem

    def end(self, *, seconds: Optional[float]) -> None:
        """Send the last one, whatever happened to those before it; raises PatchProblem."""
        if self._thread is not None:
            self._thread.join()
        data = self._make()
        answer = self._put("/patch?final=1", data, stop=None, seconds=seconds)
        if answer.json()["sha256"] == hashlib.sha256(data).hexdigest():
            self.kept = data

    def _start_aside(self) -> threading.Thread:
        thread = threading.Thread(target=self._send_aside, name="patch", daemon=True)
        thread.start()
        return thread

    def _send_aside(self) -> None:
        try:
            data = self._make()
            if data != self._sent:
                self._put("/patch", data, stop=self._stop, seconds=None)
                self._sent = data
        except BaseException as failure:  # noqa: BLE001 - raised again in `join`
            self._failure = failure

    def _make(self) -> bytes:
        try:
            patch = make_patch(self._places, self._base, limit_bytes=self._limit)
        except PatchProblem as problem:
            if not problem.is_fatal:
                raise
            self._end_commands()
            patch = make_patch(self._places, self._base, limit_bytes=self._limit)
        for note in patch.notes:
            if note not in self._noted:
                self._noted.add(note)
                self._events.add("note", text=note)
        return patch.data

    def _put(
        self, path: str, data: bytes, *, stop: Optional[Stop], seconds: Optional[float]
    ) -> Answer:
        try:
            return self._gateway.ask("PUT", path, data, stop=stop, seconds=seconds)
        except Refused as refusal:
            if refusal.status not in REFUSED:
                raise
            raise PatchProblem(refusal.brief, is_fatal=False) from refusal
