"""The agent phase with another agent in the seat: its tree is our patch, its words our outcome."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any, Callable, Dict, List

from agent_image.agent.egress import Forwarder
from agent_image.agent.events import Events
from agent_image.agent.gateway import Gateway
from agent_image.agent.given import GivenThings
from agent_image.agent.inbox import Inbox
from agent_image.agent.keeper import PatchKeeper
from agent_image.agent.outside import open_egress
from agent_image.agent.places import Places
from agent_image.agent.seat.adapter import Adapter, Ending, Place, Telling
from agent_image.agent.seat.claude_code import ClaudeCode
from agent_image.agent.seat.closing import make_words, read_ending
from agent_image.agent.seat.codex import Codex
from agent_image.agent.seat.follower import Around, Follower
from agent_image.agent.seat.mini_swe_agent import MiniSweAgent
from agent_image.agent.seat.program import Program
from agent_image.agent.shield import command_environment
from agent_image.agent.stop import Stop, Stopped
from agent_image.agent.work import end_with_patch
from agent_image.agent.workspace import WorkspaceProblem, lay_out

Json = Dict[str, Any]

ADAPTERS: Dict[str, Callable[[], Adapter]] = {
    "claude-code": ClaudeCode,
    "codex": Codex,
    "mini-swe-agent": MiniSweAgent,
}
_HOST_SECONDS = 120.0
"""For a host that is restarted to lay its socket again."""


def derive_key(token: str) -> str:
    """The key of the run's native routes, as the gateway derives it."""
    digest = hmac.new(token.encode(), b"pass-through", hashlib.sha256).hexdigest()
    return "threadsmith-" + digest


def work(run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places) -> Json:
    """Do the run; answers its outcome, once its last patch was sent."""
    inbox = Inbox(gateway, stop)
    inbox.start()
    given = GivenThings(gateway, places, stop, shows_images=False)
    try:
        lay_out(gateway, run, places, stop=stop)
        along = _lay_given(run, given)
    except Stopped:
        return {"kind": "stopped"}
    except WorkspaceProblem as problem:
        return {"kind": "failed", "brief": problem.brief, "details": problem.details}
    variables = command_environment(places.home)
    if run["egress"]:
        variables.update(open_egress(gateway))
    port = Forwarder(gateway.path, patience=_HOST_SECONDS).start()
    provider, _, model = str(run["model"]).partition(":")
    place = Place(
        url="http://127.0.0.1:{}".format(port),
        key=derive_key(gateway.token),
        model=model,
        provider=provider,
        is_reading=run["mode"] != "change",
        scratch=places.scratch,
    )
    adapter = ADAPTERS[str(run["agent"])]()
    launch = adapter.launch(make_words(run, places.workspace, along), place)
    try:
        program = Program(
            launch,
            variables,
            workspace=places.workspace,
            scratch=places.scratch,
            hears=adapter.takes_words,
        )
    except OSError as error:
        brief = "The agent {} cannot be started.".format(run["agent"])
        return {"kind": "failed", "brief": brief, "details": str(error)}
    patches = PatchKeeper(
        *(gateway, events, stop, places),
        base=run["base_commit"],
        limit=int(run["limits"]["patch_bytes"]),
        end_commands=lambda: None,
    )
    around = Around(gateway, inbox, stop, given, patches, Telling(events))
    complaint = Follower(program, adapter, around, changes=not place.is_reading).follow()
    outcome: Json = {"kind": "stopped"}
    if not stop.is_set:
        is_late = time.monotonic() >= gateway.deadline
        outcome = _conclude(run, adapter, complaint, is_late=is_late)
    return end_with_patch(run, patches, outcome, events, stop)


def _lay_given(run: Json, given: GivenThings) -> List[str]:
    """What people gave along: all of it as files, and what the program is told of the new ones."""
    given.lay([item for item in run["given"] if not item["is_new"]])
    new = [item for item in run["given"] if item["is_new"]]
    return [str(block["text"]) for block in given.blocks(new)]


def _conclude(run: Json, adapter: Adapter, complaint: str, *, is_late: bool) -> Json:
    if adapter.ending is not None:
        return read_ending(adapter.ending, str(run["mode"]))
    if is_late:
        return read_ending(Ending("", "its time was up"), str(run["mode"]))
    brief = "The agent {} ended without a result.".format(run["agent"])
    return {"kind": "gave_up", "brief": brief, "details": complaint}
