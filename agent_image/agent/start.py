"""From the process's start to its exit: which phase this is, and how it ends in any case."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from agent_image.agent.events import Events
from agent_image.agent.gateway import LAST_SECONDS, Gateway, Lost, Refused
from agent_image.agent.places import make_places
from agent_image.agent.protocol import PROTOCOL_VERSION
from agent_image.agent.shield import take_token
from agent_image.agent.stop import Stop, Stopped

if TYPE_CHECKING:
    from agent_image.agent.stay import Stay

Json = Dict[str, Any]

_OWN = "threadsmith"
FIRST_SECONDS = 3600.0
"""To be told what to do; the answer says how long the whole may take."""


def main() -> int:
    """The process's exit code: 0 whatever the outcome, as long as it was delivered."""
    # Said by this program itself, when it stayed after a run.
    is_laid = sys.argv[1:] == ["stay"]
    token = _wait_for_token() if is_laid else take_token()
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    path = os.environ.get("THREADSMITH_SOCKET", "/run/threadsmith/gateway.sock")
    gateway = Gateway(path, token, seconds=FIRST_SECONDS)
    events = Events(gateway)
    try:
        outcome, stay = _run(gateway, events, stop, is_laid=is_laid)
        seconds = LAST_SECONDS if stop.is_set else None
        events.flush(seconds or gateway.seconds_left)
        gateway.ask("PUT", "/outcome", outcome, seconds=seconds)
        if stay is not None:
            stay.begin(outcome)
    except Exception:  # noqa: BLE001 - the outer wall: whatever it is, the host hears of it
        import traceback  # takes a while to load, and is seldom needed

        traceback.print_exc()
        _tell_failure(gateway, traceback.format_exc())
        return 1
    return 0


def _wait_for_token() -> str:
    from agent_image.agent.stay import wait_for_token

    return wait_for_token()


def _run(
    gateway: Gateway, events: Events, stop: Stop, *, is_laid: bool
) -> Tuple[Json, Optional[Stay]]:
    try:
        run = gateway.ask("GET", "/run", stop=stop).json()
    except Stopped:
        return {"kind": "stopped"}, None
    gateway.deadline = time.monotonic() + float(run["limits"]["wall_seconds"])
    if run["protocol"] != PROTOCOL_VERSION:
        brief = "The agent program and the host are of different versions."
        return {"kind": "failed", "exit_code": 1, "brief": brief}, None
    # Each phase loads only what it needs: the time until the first request counts.
    if run["phase"] == "setup":
        from agent_image.agent.setup import set_up

        return set_up(run, gateway, events, stop, make_places()), None
    if run["phase"] == "verify":
        from agent_image.agent.verify import verify

        return verify(run, gateway, events, stop, make_places()), None
    if run["agent"] != _OWN:
        from agent_image.agent.seat.work import work as work_in_seat

        return work_in_seat(run, gateway, events, stop, make_places()), None
    from agent_image.agent.stay import Stay
    from agent_image.agent.work import work

    stay, places = Stay(), make_places()
    return work(run, gateway, events, stop, places, stay=stay, is_laid=is_laid), stay


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
