"""The agent phase: the workspace, the agent in it, and the last patch."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from agent_image.agent.events import Events
from agent_image.agent.gateway import LAST_SECONDS, Gateway, Refused
from agent_image.agent.given import GivenThings
from agent_image.agent.inbox import Inbox
from agent_image.agent.keeper import PatchKeeper
from agent_image.agent.loop import Agent, Surroundings
from agent_image.agent.outside import open_egress
from agent_image.agent.patch import PatchProblem
from agent_image.agent.places import Places
from agent_image.agent.prompt import first_message
from agent_image.agent.shell import Shell
from agent_image.agent.shield import command_environment
from agent_image.agent.stay import Stay
from agent_image.agent.stop import Stop, Stopped
from agent_image.agent.tools import Tools
from agent_image.agent.workspace import WorkspaceProblem, lay_out

Json = Dict[str, Any]


def work(
    run: Json,
    gateway: Gateway,
    events: Events,
    stop: Stop,
    places: Places,
    *,
    stay: Optional[Stay] = None,
    is_laid: bool = False,
) -> Json:
    """Do the run; answers its outcome, once its last patch was sent."""
    inbox = Inbox(gateway, stop)
    inbox.start()
    try:
        if not is_laid:
            lay_out(gateway, run, places, stop=stop)
    except Stopped:
        return {"kind": "stopped"}
    except WorkspaceProblem as problem:
        return {"kind": "failed", "brief": problem.brief, "details": problem.details}
    if stay is not None:
        stay.remember(run, places)
    variables = command_environment(places.home)
    if run["egress"]:
        variables.update(open_egress(gateway))
    shell = Shell(places.workspace, places.scratch, variables)
    patches = _make_keeper(run, gateway, events, stop, places, shell)
    tools = Tools(run, places, events=events, shell=shell, stop=stop)
    given = GivenThings(gateway, places, stop)
    around = Surroundings(gateway, events, inbox, stop, tools, patches, given)
    try:
        outcome = Agent(run, around).work(_first_blocks(run, places, given))
    except Stopped:
        outcome = {"kind": "stopped"}
    except Refused as refusal:
        outcome = {"kind": "failed", "brief": refusal.brief, "details": str(refusal)}
    except BaseException:
        # Whatever broke: what was made is with the host first.
        shell.close()
        patches.end(seconds=LAST_SECONDS)
        raise
    finally:
        shell.close()
    outcome = end_with_patch(run, patches, outcome, events, stop)
    if stay is not None:
        stay.keep(patches.kept)
    return outcome


def end_with_patch(
    run: Json, patches: PatchKeeper, outcome: Json, events: Events, stop: Stop
) -> Json:
    """The outcome with what became of the last patch."""
    if run["mode"] == "change":
        return _send_last(patches, outcome, stop)
    return _check_unchanged(patches, outcome, events, stop)


def _first_blocks(run: Json, places: Places, given: GivenThings) -> List[Json]:
    """The request, what came with it, and what a newcomer looks at; raises Stopped."""
    given.lay([item for item in run["given"] if not item["is_new"]])
    along = given.blocks([item for item in run["given"] if item["is_new"]])
    texts = [{"type": "text", "text": text} for text in first_message(run, places.workspace)]
    return [*texts[:1], *along, *texts[1:]]


def _make_keeper(
    run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places, shell: Shell
) -> PatchKeeper:
    """In a run that only reads, too: it is the gateway that refuses a changed tree."""
    limit = int(run["limits"]["patch_bytes"])
    return PatchKeeper(
        *(gateway, events, stop, places),
        base=run["base_commit"],
        limit=limit,
        end_commands=shell.close,
    )


def _send_last(patches: PatchKeeper, outcome: Json, stop: Stop) -> Json:
    """The tree is still now: what it holds is the result."""
    try:
        patches.end(seconds=LAST_SECONDS if stop.is_set else None)
    except PatchProblem as problem:
        if problem.is_fatal and outcome["kind"] != "stopped":
            outcome = dict(outcome, kind="failed", brief=problem.brief)
        said = [outcome.get("details", ""), problem.brief, problem.details]
        return dict(outcome, details="\n".join(part for part in said if part))
    return outcome


def _check_unchanged(patches: PatchKeeper, outcome: Json, events: Events, stop: Stop) -> Json:
    """What a run that only reads came to stands by itself; what it changed is dropped."""
    try:
        patches.end(seconds=LAST_SECONDS if stop.is_set else None)
    except PatchProblem as problem:
        events.add("note", text="Dropped: {}".format(problem.brief))
    return outcome
