"""Events on their way to the host: in order, in the background, never in the loop's way."""

from __future__ import annotations

import collections
import sys
import threading
import time
from typing import Any, Deque, Dict

from agent_image.agent.gateway import Gateway, Lost, Refused

BATCH = 25
"""Events in one request: even 25 of the longest stay below the gateway's limit of a megabyte."""
MAX_WAITING = 1000


class Events:
    """A queue and the thread that empties it; a busy gateway makes the batches larger."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._waiting: Deque[Dict[str, Any]] = collections.deque()
        self._changed = threading.Condition()
        self._last = 0
        self._is_idle = True
        threading.Thread(target=self._send, name="events", daemon=True).start()

    def add(self, kind: str, *, patient: bool = False, **payload: Any) -> None:
        """Queue one; ``patient`` waits while far too many are queued (a flood of output)."""
        with self._changed:
            while patient and len(self._waiting) >= MAX_WAITING:
                self._changed.wait()
            self._last += 1
            self._waiting.append(dict(payload, id=self._last, kind=kind))
            self._is_idle = False
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until everything has been sent, that long at the most."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._is_idle and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())

    def _send(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._is_idle = True
                    self._changed.notify_all()
                    self._changed.wait()
                count = min(BATCH, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(count)]
                self._changed.notify_all()
            try:
                self._gateway.ask("POST", "/events", {"events": batch})
            except (Refused, Lost) as error:
                print("events were not taken:", error, file=sys.stderr)
