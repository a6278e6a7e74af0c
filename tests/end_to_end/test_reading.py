"""A question that changes nothing: a changed tree is refused, and the answer leads to the forge."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.history import conversation
from tests.end_to_end.stage import ask, call, product, wait_said, wait_task

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes(both=True),
    pytest.mark.usefixtures("agent_image"),
]

ANSWER = call("finish", title="One", answer="It is one: `src/a.txt:1`, not `src/b.txt:1`.")
CONVERSATIONS = {
    "what is in": [[call("bash", command="echo two >> src/a.txt"), ANSWER], [ANSWER]],
}


async def test_an_answer_leads_to_the_lines_and_leaves_the_tree_as_it_is(tmp_path: Path) -> None:
    files = {"src/a.txt": b"one\n"}
    async with product(
        tmp_path, conversations=CONVERSATIONS, repositories={"acme/api": files}
    ) as stage:
        thread = await ask(stage, "what is in src/a.txt in acme/api?")
        text = await wait_said(stage, thread, "It is one")
        task = await wait_task(stage, thread)
        page = f"{stage.forge.url}/acme/api/blob/{task.base_commit}/src/a.txt#L1"
        assert f"It is one: [`src/a.txt:1`]({page}), not `src/b.txt:1`." in text
        assert task.patch_sha256 is None
        turns = await stage.app.history.read(lambda db: conversation.turns(db, task.id))
        told = [block.get("text", "") for block in turns[1]["messages"][0]["content"]]
        assert told[1] == "Not finished: see below."
        assert "changes no files, but these differ: src/a.txt" in told[2]
