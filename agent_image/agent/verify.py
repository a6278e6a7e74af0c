"""The verification: the patch over the base commit, and the commands that are to show it."""

from __future__ import annotations

import os
import time
from typing import Any, Dict

from agent_image.agent.events import Events
from agent_image.agent.gateway import Gateway
from agent_image.agent.inbox import Inbox
from agent_image.agent.output import Capture
from agent_image.agent.outside import open_egress
from agent_image.agent.places import Places
from agent_image.agent.shell import Shell
from agent_image.agent.shield import command_environment
from agent_image.agent.steps import find_summary
from agent_image.agent.stop import Stop, Stopped
from agent_image.agent.workspace import WorkspaceProblem, lay, lay_work, renew

Json = Dict[str, Any]

OUTPUT_BYTES = 4000


def verify(run: Json, gateway: Gateway, events: Events, stop: Stop, places: Places) -> Json:
    """Run each command in a shell of its own; answers the phase's outcome."""
    Inbox(gateway, stop).start()
    try:
        if run["prepared_commit"] is None:
            lay(gateway, run, places, stop=stop)
        else:
            renew(gateway, run, places, stop=stop)
        if run["has_patch"]:
            lay_work(gateway, places, stop=stop)
        variables = command_environment(places.home)
        if run["egress"]:
            variables.update(open_egress(gateway))
        for number, command in enumerate(run["checks"]):
            _check(number, command, run, events, stop, places, variables)
    except Stopped:
        return {"kind": "failed", "exit_code": 1, "brief": "The run was stopped."}
    except WorkspaceProblem as problem:
        return {"kind": "failed", "exit_code": 1, "brief": problem.brief}
    return {"kind": "finished", "exit_code": 0}


def _check(
    number: int,
    command: str,
    run: Json,
    events: Events,
    stop: Stop,
    places: Places,
    variables: Dict[str, str],
) -> None:
    events.add("check_started", check=number)
    log = os.path.join(places.scratch, "check-{}.txt".format(number))
    capture = Capture(OUTPUT_BYTES, log)
    shell = Shell(places.workspace, places.scratch, variables)
    began = time.monotonic()
    try:
        seconds = float(run["limits"]["command_seconds"])
        ended = shell.run(command, capture, seconds=seconds, stop=stop)
    finally:
        shell.close()
        capture.close()
    output = capture.text()
    events.add(
        "check_finished",
        check=number,
        exit_code=ended.code,
        summary=find_summary(output),
        output=output,
        seconds=round(time.monotonic() - began, 3),
    )
