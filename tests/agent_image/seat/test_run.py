"""A whole run with another program in the seat: a stand-in for it, everything else is real."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from agent_image.agent.seat.work import derive_key
from tests.agent_image.conftest import MakeStage, Stage
from tests.agent_image.fake_gateway import TOKEN
from tests.agent_image.test_bash import is_running

SAID = {"type": "item.completed", "item": {"id": "i", "type": "agent_message"}}
LOOK = {"id": "s", "type": "command_execution", "command": "ls", "aggregated_output": "x"}


def sit(stage: Stage, name: str, script: str) -> None:
    """Lay a stand-in for that program: what it prints is the program's own form."""
    seat = stage.directory / "seat" / "bin"
    seat.mkdir(parents=True)
    (seat / name).write_text(script)
    (seat / name).chmod(0o755)
    stage.environment["THREADSMITH_SEAT"] = str(seat.parent)


def says(words: str) -> str:
    """A line of shell that ends the work with these words."""
    message = {**SAID, "item": {**SAID["item"], "text": words}}  # type: ignore[dict-item]
    return "\n".join(_print(event) for event in (message, {"type": "turn.completed"}))


def _print(event: dict[str, Any]) -> str:
    quoted = json.dumps(event).replace("'", "'\\''")
    return f"printf '%s\\n' '{quoted}'"


async def seated(make_stage: MakeStage, script: str, **changes: Any) -> Stage:
    stage = await make_stage(**{"agent": "codex", "model": "openai:gpt-5.2", **changes})
    sit(stage, "codex", f"#!/bin/sh\n{script}\n")
    return stage


async def test_its_tree_is_the_patch_and_its_words_the_outcome(make_stage: MakeStage) -> None:
    script = "\n".join(
        [
            "cat > words.txt; pwd > place.txt",
            _print({"type": "item.started", "item": LOOK}),
            _print({"type": "item.completed", "item": LOOK}),
            "printf 'def add(a, b):\\n    return a + b\\n' > sums.py",
            says("Add right\n\nMended.\n\nCheck: python3 -m pytest -q"),
        ]
    )
    shot = {"id": 1, "kind": "image", "name": "a.png", "media_type": "image/png", "bytes": 3}
    quote = {"id": 2, "kind": "text", "name": "above", "text": "Bob: hm"}
    given = [{"missing": "", "text": "", "is_new": True, **item} for item in (shot, quote)]
    stage = await seated(make_stage, script, given=given)
    stage.gateway.given = {1: b"PNG"}
    outcome = await stage.play()
    assert outcome["kind"] == "finished"
    assert (outcome["title"], outcome["summary"]) == ("Add right", "Mended.")
    assert outcome["checks"] == ["python3 -m pytest -q"]
    assert "a + b" in (stage.result() / "sums.py").read_text()
    words = (stage.workspace / "words.txt").read_text()
    assert words.startswith("# Task")
    assert "Mend the sum." in words
    assert f"- file {stage.directory}/tmp/given/a.png (3 bytes)" in words
    assert '<quotation of="above">\nBob: hm\n</quotation>' in words
    assert Path((stage.workspace / "place.txt").read_text().strip()) == stage.workspace
    (step,) = stage.gateway.payloads("step_started")
    assert step["title"] == "Running ls"


async def test_it_reaches_the_gateway_with_a_key_of_its_own(make_stage: MakeStage) -> None:
    script = """\
url=$(sed -n 's/^base_url = "\\(.*\\)"/\\1/p' "$CODEX_HOME/config.toml")
env > seen.txt
python3 - "$url/models" > asked.txt 2>&1 <<'END'
import sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(sys.argv[1])
except urllib.error.HTTPError as error:
    print(error.code)
END
""" + says("Asked")
    stage = await seated(make_stage, script)
    await (await stage.start()).communicate()
    # The gateway of this test knows no native routes, and says so: it was reached.
    assert (stage.workspace / "asked.txt").read_text().strip() == "401"
    assert "GET /openai/v1/models" in stage.gateway.requests
    seen = (stage.workspace / "seen.txt").read_text()
    assert derive_key(TOKEN) in seen
    assert TOKEN not in seen


async def test_a_stop_ends_it_with_all_it_started_and_keeps_its_work(
    make_stage: MakeStage,
) -> None:
    script = """\
trap '' TERM
echo kept > kept.txt
sleep 600 &
echo $! > child.txt
wait
"""
    stage = await seated(make_stage, script)
    await stage.start()
    child = stage.workspace / "child.txt"
    async with asyncio.timeout(60):
        while not child.exists() or not child.read_text():
            await asyncio.sleep(0.02)
    stage.gateway.stop()
    outcome = await stage.end()
    assert outcome["kind"] == "stopped"
    assert (stage.result() / "kept.txt").read_text() == "kept\n"
    assert not is_running(int(child.read_text()))


async def test_one_that_ends_without_a_word(make_stage: MakeStage) -> None:
    stage = await seated(make_stage, "echo made > made.txt; echo 'No such luck.' >&2; exit 3")
    outcome = await stage.play()
    assert outcome["kind"] == "gave_up"
    assert outcome["brief"] == "The agent codex ended without a result."
    assert outcome["details"].strip() == "No such luck."
    assert (stage.result() / "made.txt").exists()


async def test_one_that_is_not_there(make_stage: MakeStage) -> None:
    stage = await seated(make_stage, "true")
    stage.environment["THREADSMITH_SEAT"] = "/nowhere"
    outcome = await stage.play()
    assert outcome["kind"] == "failed"
    assert outcome["brief"] == "The agent codex cannot be started."


async def test_an_answer_changes_nothing(make_stage: MakeStage) -> None:
    stage = await seated(make_stage, says("In `sums.py:2`."), mode="explain")
    outcome = await stage.play()
    assert (outcome["kind"], outcome["answer"]) == ("finished", "In `sums.py:2`.")


async def test_the_hosts_own_script_needs_no_workspace(make_stage: MakeStage) -> None:
    content = 'set -e\npwd; echo installed > "$HOME/seat.txt"\n'
    script = {"path": "", "content": content, "is_own": True}
    stage = await make_stage(phase="setup", script=script)
    outcome = await stage.play()
    assert outcome == {"kind": "finished", "exit_code": 0}
    assert (stage.directory / "home" / "seat.txt").exists()
    assert not stage.workspace.exists()
    assert "GET /source" not in stage.gateway.requests


LISTENING = """\
#!/usr/bin/env python3
import json, sys
def said():
    line = sys.stdin.readline()
    return json.loads(line)["message"]["content"][0]["text"] if line else ""
def tell(**event):
    print(json.dumps(event), flush=True)
first = said()
call = {"type": "tool_use", "id": "a", "name": "Bash", "input": {"command": "ls"}}
tell(type="assistant", message={"content": [call]})
heard = [said()]
result = {"type": "tool_result", "tool_use_id": "a", "content": "x"}
tell(type="user", message={"content": [result]})
tell(type="result", subtype="success", result="Done\\n\\n" + heard[0])
while True:
    more = said()
    if not more:
        break
    heard.append(more)
    tell(type="result", subtype="success", result="Done\\n\\n" + "; ".join(heard))
"""


async def test_people_are_heard_while_it_works(make_stage: MakeStage) -> None:
    stage = await make_stage(agent="claude-code", model="anthropic:claude-sonnet-5-5")
    sit(stage, "claude", LISTENING)
    await stage.start()
    async with asyncio.timeout(60):
        while not stage.gateway.payloads("step_started"):
            await asyncio.sleep(0.02)
    stage.gateway.say("Also the other one.", author="Bob")
    outcome = await stage.end()
    assert outcome["kind"] == "finished"
    assert outcome["summary"] == "Message from Bob in the thread: Also the other one."
    assert stage.gateway.taken == [1]


async def test_who_speaks_at_the_end_is_heard_before_it(make_stage: MakeStage) -> None:
    stage = await make_stage(agent="claude-code", model="anthropic:claude-sonnet-5-5")
    sit(stage, "claude", LISTENING)
    stage.gateway.say("One.", author="Bob")
    stage.gateway.say("Two.", author="Ada")
    outcome = await stage.play()
    assert "One." in outcome["summary"]
    assert "Two." in outcome["summary"]
    assert stage.gateway.taken == [1, 2]
