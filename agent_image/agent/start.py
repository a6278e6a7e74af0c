"""From the process's start to its exit: which phase this is, and how it ends in any case."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, Dict

from agent_image.agent.events import Events
from agent_image.agent.gateway import LAST_SECONDS, Gateway, Lost, Refused
from agent_image.agent.places import make_places
from agent_image.agent.protocol import PROTOCOL_VERSION
from agent_image.agent.shield import take_token
from agent_image.agent.stop import Stop, Stopped

Json = Dict[str, Any]

_OWN = "threadsmith"
FIRST_SECONDS = 3600.0
"""To be told what to do; the answer says how long the whole may take."""


def main() -> int:
    """The process's exit code: 0 whatever the outcome, as long as it was delivered."""
    token = take_token()
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    path = os.environ.get("THREADSMITH_SOCKET", "/run/threadsmith/gateway.sock")
    gateway = Gateway(path, token, seconds=FIRST_SECONDS)
    events = Events(gateway)
    try:
        outcome = _run(gateway, events, stop)
        seconds = LAST_SECONDS if stop.is_set else None
        events.flush(seconds or gateway.seconds_left)
        gateway.ask("PUT", "/outcome", outcome, seconds=seconds)
    except Exception:  # noqa: BLE001 - the outer wall: whatever it is, the host hears of it
        import traceback  # takes a while to load, and is seldom needed

        traceback.print_exc()
        _tell_failure(gateway, traceback.format_exc())
        return 1
    return 0


def _run(gateway: Gateway, events: Events, stop: Stop) -> Json:
    try:
        run = gateway.ask("GET", "/run", stop=stop).json()
    except Stopped:
        return {"kind": "stopped"}
    gateway.deadline = time.monotonic() + float(run["limits"]["wall_seconds"])
    if run["protocol"] != PROTOCOL_VERSION:
        brief = "The agent program and the host are of different versions."
        return {"kind": "failed", "exit_code": 1, "brief": brief}
    # Each phase loads only what it needs: the time until the first request counts.
    if run["phase"] == "setup":
        from agent_image.agent.setup import set_up

        return set_up(run, gateway, events, stop, make_places())
    if run["phase"] == "verify":
        from agent_image.agent.verify import verify

        return verify(run, gateway, events, stop, make_places())
    if run["agent"] != _OWN:
        from agent_image.agent.seat.work import work as work_in_seat

        return work_in_seat(run, gateway, events, stop, make_places())
    from agent_image.agent.work import work

    return work(run, gateway, events, stop, make_places())


def _tell_failure(gateway: Gateway, details: str) -> None:
    outcome = {
        "kind": "failed",
        "exit_code": 1,
        "brief": "The agent program failed.",
        "details": details[-8000:],
    }
    try:
        gateway.ask("PUT", "/outcome", outcome, seconds=LAST_SECONDS)
    except (Refused, Lost) as refusal:
        print("the outcome was not taken:", refusal, file=sys.stderr)
