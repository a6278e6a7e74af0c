"""A repository's set-up script, from the question in the thread to the environment it leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from chatbot.config import RepositorySettings, Settings
from chatbot.demo.stage import Stage
from chatbot.models import Status
from tests.end_to_end.stage import (
    ask,
    call,
    finish,
    press,
    product,
    said,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes(both=True),
    pytest.mark.usefixtures("agent_image"),
]

TOKEN = "s3cret-npm-token-value"
SCRIPT = b"""set -eu
echo "as $(id -un), token ${NPM_TOKEN:-none}"
printf '%s' "${NPM_TOKEN:-none}" > /home/agent/.npmrc
python3 - <<'END' || true
import urllib.request
urllib.request.urlopen("http://elsewhere.example/x", timeout=10)
END
mkdir -p /opt/tool && echo installed > /opt/tool/marker
"""
FILES = {"a.txt": b"one\n", "setup.sh": SCRIPT}
CONVERSATIONS = {
    "works": [
        [
            call(
                "bash",
                command="cat /opt/tool/marker /home/agent/.npmrc a.txt; env | grep -c NPM || true",
            )
        ],
        [call("write", path="a.txt", content="two\n")],
        [finish("Counted on")],
    ],
}


def adjust(settings: Settings) -> Settings:
    rule = RepositorySettings(
        match="acme/*", secrets=("NPM_TOKEN",), setup_network=("GET allowed.example",)
    )
    return settings.model_copy(
        update={"repositories": (rule,), "secrets": {"NPM_TOKEN": SecretStr(TOKEN)}}
    )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={"acme/api": FILES},
        adjust=adjust,
    ) as stage:
        yield stage


GATE = "Open a pull request in acme/api with 1 file, +1 −1?"


async def test_a_script_runs_when_a_person_has_approved_it_and_is_kept(stage: Stage) -> None:
    thread = await ask(stage, "this works in acme/api")
    text = await wait_said(stage, thread, "May `setup.sh` of `acme/api` run?")
    assert "mkdir -p /opt/tool" in text
    assert "It may reach `GET allowed.example`, and is given `NPM_TOKEN`" in text
    task = await wait_task(stage, thread)
    assert task.status == Status.WAITING
    await wait_said(stage, thread, "Waiting for a decision about setup.sh")
    await press(stage, thread, "approve_setup")
    text = await wait_said(stage, thread, GATE)
    assert "`setup.sh` may run: approved by" in text
    text = await wait_said(stage, thread, "`setup.sh` was refused `elsewhere.example:80`")
    assert '`setup_network = ["GET allowed.example", "elsewhere.example"]`' in text
    assert TOKEN not in text
    step = await wait_event(stage, task.id, "step_finished")
    # The environment has what the script made, and nothing of what it was given.
    assert step.payload["status"] == "complete", step.payload
    story = await stage.app.history.read(lambda db: _story(db, task.id))
    assert TOKEN not in story
    assert "installed" in story

    again = await ask(stage, "this works in acme/api")
    await wait_said(stage, again, GATE)
    assert "May `setup.sh`" not in said(stage, again)
    second = await wait_task(stage, again)
    found = await wait_event(stage, second.id, "environment")
    assert found.payload["state"] == "hit"


async def test_a_changed_script_is_shown_as_a_diff_and_may_be_skipped(stage: Stage) -> None:
    thread = await ask(stage, "this works in acme/api")
    await press(stage, thread, "approve_setup")
    await wait_said(stage, thread, GATE)
    changed = SCRIPT.replace(b"echo installed", b"echo changed")
    await stage.forge.commit("acme/api", {"setup.sh": changed})
    thread = await ask(stage, "this works in acme/api")
    text = await wait_said(stage, thread, "It has changed since it was approved")
    assert "-mkdir -p /opt/tool && echo installed > /opt/tool/marker" in text
    assert "+mkdir -p /opt/tool && echo changed > /opt/tool/marker" in text
    assert "as $(id -un)" not in text
    await press(stage, thread, "skip_setup")
    text = await wait_said(stage, thread, GATE)
    assert "Going on without `setup.sh`" in text
    task = await wait_task(stage, thread)
    story = await stage.app.history.read(lambda db: _story(db, task.id))
    assert "No such file" in story


async def test_stop_ends_the_waiting(stage: Stage) -> None:
    thread = await ask(stage, "this works in acme/api")
    await wait_said(stage, thread, "May `setup.sh` of `acme/api` run?")
    await press(stage, thread, "stop")
    text = await wait_said(stage, thread, "Okay, I stopped.")
    assert "Nobody decided about `setup.sh` before the run ended." in text


def _story(db: object, task_id: str) -> str:
    rows = db.execute("SELECT payload FROM events WHERE task_id = ?", (task_id,)).fetchall()  # type: ignore[attr-defined]
    turns = db.execute("SELECT turn FROM turns WHERE task_id = ?", (task_id,)).fetchall()  # type: ignore[attr-defined]
    return "\n".join(row[0] for row in [*rows, *turns])
