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
_PATCH_SECONDS = 5.0
"""Between two patches on the way: the last one counts."""


def derive_key(token: str) -> str:
    """The key of the run's native routes, as the gateway derives it."""
    digest = hmac.new(token.encode(), b"pass-through", hashlib.sha256).hexdigest()
    return "threadsmith-" + digest


def work(run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places) -> Json:
    """Do the run; answers its outcome, once its last patch was sent."""
    # Messages wait for the next run: the program is told everything at its start.
    Inbox(gateway, stop).start()
    try:
        lay_out(gateway, run, places, stop=stop)
        along = _lay_given(gateway, run, places, stop)
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
        program = Program(launch, variables, workspace=places.workspace, scratch=places.scratch)
    except OSError as error:
        brief = "The agent {} cannot be started.".format(run["agent"])
        return {"kind": "failed", "brief": brief, "details": str(error)}
    patches = PatchKeeper(
        *(gateway, events, stop, places),
        base=run["base_commit"],
        limit=int(run["limits"]["patch_bytes"]),
        end_commands=lambda: None,
    )
    outcome = _follow(run, program, adapter, patches, Telling(events), gateway.deadline, stop)
    return end_with_patch(run, patches, outcome, events, stop)


def _lay_given(gateway: Gateway, run: Json, places: Places, stop: Stop) -> List[str]:
    """What people gave along: all of it as files, and what the program is told of the new ones."""
    given = GivenThings(gateway, places, stop, shows_images=False)
    given.lay([item for item in run["given"] if not item["is_new"]])
    new = [item for item in run["given"] if item["is_new"]]
    return [str(block["text"]) for block in given.blocks(new)]


def _follow(
    run: Json,
    program: Program,
    adapter: Adapter,
    patches: PatchKeeper,
    tell: Telling,
    deadline: float,
    stop: Stop,
) -> Json:
    """Hear the program to its end, and send what it has made on the way."""
    is_changing, sent_at, sent_steps = run["mode"] == "change", time.monotonic(), 0
    outcome: Json = {"kind": "stopped"}
    try:
        for event in program.events(stop, deadline):
            adapter.hear(event, tell)
            is_due = time.monotonic() - sent_at >= _PATCH_SECONDS
            if is_changing and is_due and tell.ended_steps > sent_steps:
                patches.join()
                patches.begin()
                sent_at, sent_steps = time.monotonic(), tell.ended_steps
        program.wait(stop, deadline)
    except Stopped:
        pass
    finally:
        complaint = program.close()
        tell.end_all()
    if not stop.is_set:
        outcome = _conclude(run, adapter, complaint, is_late=time.monotonic() >= deadline)
    return outcome


def _conclude(run: Json, adapter: Adapter, complaint: str, *, is_late: bool) -> Json:
    if adapter.ending is not None:
        return read_ending(adapter.ending, str(run["mode"]))
    if is_late:
        return read_ending(Ending("", "its time was up"), str(run["mode"]))
    brief = "The agent {} ended without a result.".format(run["agent"])
    return {"kind": "gave_up", "brief": brief, "details": complaint}
