"""Whole runs of the real program: each mode, from the first request to the outcome."""

from __future__ import annotations

from tests.agent_image.conftest import MakeStage
from tests.agent_image.fake_gateway import bash, call, finish


async def test_a_bug_is_mended_from_request_to_patch(make_stage: MakeStage) -> None:
    stage = await make_stage()
    plan = [{"title": "Mend add", "status": "in_progress"}, {"title": "Test", "status": "pending"}]
    outcome = await stage.play(
        [call("plan", items=plan), bash("python3 -m pytest -q test_sums.py; cd /tmp")],
        [call("read", path="sums.py"), bash("pwd")],
        [
            call("edit", path="sums.py", old="a - b", new="a + b"),
            bash("cd - && python3 -m pytest -q"),
        ],
        [finish(title="Add instead of subtract")],
    )
    gateway = stage.gateway
    for turn in gateway.turns:
        print(turn["messages"])
    print(gateway.events)
    assert outcome == {
        "kind": "finished",
        "title": "Add instead of subtract",
        "summary": "Did it.",
        "claimed": "Ran it.",
    }
