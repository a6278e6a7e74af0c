"""What people say while the run goes on; a stop is passed on at once."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, Dict, List, NamedTuple

from agent_image.agent.gateway import Gateway, Lost, Refused
from agent_image.agent.stop import Stop

WAIT_SECONDS = 25
CLOSED_SECONDS = 5.0


class Message(NamedTuple):
    id: int
    author: str
    text: str
    given: List[Dict[str, Any]]
    """What came with it."""


class Inbox:
    """A thread that polls long, and what it heard."""

    def __init__(self, gateway: Gateway, stop: Stop) -> None:
        self._gateway = gateway
        self._stop = stop
        self._lock = threading.Lock()
        self._waiting: List[Message] = []
        self._last = 0

    def start(self) -> None:
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def take(self) -> List[Message]:
        """The messages that nobody took yet, in order."""
        with self._lock:
            taken, self._waiting = self._waiting, []
            return taken

    def holds(self) -> bool:
        """Whether something was heard that nobody took yet."""
        with self._lock:
            return bool(self._waiting)

    def has_news(self) -> bool:
        """Ask right now whether somebody has said something; raises Stopped for a stop."""
        try:
            self._hear(wait=0, stop=self._stop)
        except Refused as refusal:
            print("the inbox is closed:", refusal, file=sys.stderr)
        self._stop.check()
        with self._lock:
            return bool(self._waiting)

    def _listen(self) -> None:
        while not self._stop.is_set:
            try:
                self._hear(wait=WAIT_SECONDS, stop=None)
            except Refused as refusal:
                # A stop must still be heard once the host has mended.
                print("the inbox is closed:", refusal, file=sys.stderr)
                time.sleep(CLOSED_SECONDS)
            except Lost:
                return

    def _hear(self, *, wait: int, stop: Stop | None) -> None:
        path = "/inbox?after={}&wait={}".format(self._last, wait)
        items = self._gateway.ask("GET", path, stop=stop).json()["items"]
        with self._lock:
            for item in items:
                # Two requests may hear the same one.
                if item["id"] <= self._last:
                    continue
                self._last = item["id"]
                if item["kind"] == "stop":
                    self._stop.set()
                else:
                    self._waiting.append(
                        Message(item["id"], item["author"], item["text"], item["enclosed"])
                    )
