"""*Change* with real containers: the old run and its container go, the new one works elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from chatbot.config import SandboxSettings
from chatbot.demo.stage import Stage
from chatbot.history import conversation, queries
from chatbot.models import Status, Task, TransitionRefused
from chatbot.slack.blocks.picker import repository_option
from tests.end_to_end.serving import containers
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    call,
    find_button,
    finish,
    press,
    product,
    said,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("agent_image")]

CONVERSATIONS = {
    # Where there is a file `slow` it would take for ever.
    "mend it": [
        [call("bash", command="[ ! -f slow ] || sleep 600; cat a.txt")],
        [call("edit", path="a.txt", old="one", new="two"), finish("Mended")],
    ],
}
REPOSITORIES = {
    "acme/api": {"a.txt": b"one\n", "slow": b""},
    "acme/web": {"a.txt": b"one\n", "b.txt": b"web\n"},
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories=REPOSITORIES,
        sandbox=SandboxSettings(warm_containers=2),
    ) as stage:
        yield stage


async def change(stage: Stage, thread: str, repository: str, *, user: str = "ada") -> Any:
    """Press Change and send the form, with this repository chosen in its menu."""
    workspace = stage.workspace
    await press(stage, thread, "change_task", user=user)
    (view,) = await workspace.wait_for(lambda: workspace.views(user), seconds=SECONDS)
    found = await workspace.suggest(user, "repository", repository, view=view["id"])
    assert repository_option(repository)["value"] in [option["value"] for option in found]
    values = {
        "repository": {"repository": {"selected_option": found[0]}},
        "mode": {"value": {"selected_option": {"value": "change"}}},
    }
    return await workspace.submit_view(user, view["id"], values)


async def task_of(stage: Stage, task_id: str) -> Task:
    return await stage.app.history.read(partial(queries.get_task, task_id=task_id))


def parts(stage: Stage, thread: str, kind: str) -> list[str]:
    """The messages of one kind, each with the words that people see."""
    found = [
        message
        for message in stage.workspace.messages("shop", thread)
        if str((message.get("metadata") or {}).get("event_payload", {}).get("kind")).startswith(
            kind
        )
    ]
    return [f"{message['text']}\n{message.get('blocks')}" for message in found]


async def test_in_mid_run_the_old_container_goes_and_the_new_run_is_told_apart(
    stage: Stage, docker_client: docker.DockerClient
) -> None:
    data = stage.app.settings.data.directory
    namespace = hashlib.sha256(str(data.absolute()).encode()).hexdigest()[:16]
    thread = await ask(stage, "mend it in acme/api")
    task = await wait_task(stage, thread)
    await wait_event(stage, task.id, "step_started")
    before = containers(docker_client, namespace)
    assert len(before) == 1
    assert not (await change(stage, thread, "acme/web")).get("errors")
    await wait_event(stage, task.id, "approval_requested")
    after = containers(docker_client, namespace)
    assert not set(before) & set(after)
    await wait_said(stage, thread, "Open a pull request in acme/web")
    task = await task_of(stage, task.id)
    assert task.source.repository == "acme/web"
    patch = await stage.app.history.read(partial(queries.get_patch, sha256=str(task.patch_sha256)))
    assert b"+two" in patch
    turns = await stage.app.history.read(lambda db: conversation.turns(db, task.id))
    assert "one" in str(turns[1]["messages"])
    # One first answer and one living message for each, and nothing that speaks of a stop alone.
    await stage.workspace.wait_for(
        lambda: "begun anew below" in "".join(parts(stage, thread, "accepted")[:1]),
        seconds=SECONDS,
    )
    old, new = parts(stage, thread, "accepted")
    assert "acme/api" in old
    assert "change_task" not in old
    assert "acme/web" in new

    def is_told() -> bool:
        first, second = parts(stage, thread, "progress")
        return (
            first.startswith("Stopped after")
            and "acme/api" in first
            and "Worked for" in second
            and "acme/web" in second
        )

    await stage.workspace.wait_for(is_told, seconds=SECONDS)
    assert len(parts(stage, thread, "result")) == 1
    assert "Okay, I stopped" not in said(stage, thread)


async def test_a_failures_words_go_once_the_work_begins_elsewhere(stage: Stage) -> None:
    thread = await ask(stage, "mend it in acme/none")
    task = await wait_task(stage, thread)
    await wait_said(stage, thread, "Failed")
    assert not (await change(stage, thread, "acme/web")).get("errors")
    await wait_said(stage, thread, "Open a pull request in acme/web")
    await wait_said(stage, thread, "begun anew below")
    old, _ = parts(stage, thread, "result")
    assert "acme/none" in old
    assert "Failed*" not in old
    assert "change_task" not in old
    assert (await task_of(stage, task.id)).status == Status.READY
    message = stage.workspace.messages("shop", thread)[0]["ts"]
    done = {"white_check_mark"}
    await stage.workspace.wait_for(
        lambda: stage.workspace.reactions("shop", message) == done, seconds=SECONDS
    )


async def test_what_is_ready_is_done_again_elsewhere_until_a_pull_request_stands(
    stage: Stage,
) -> None:
    thread = await ask(stage, "mend it in acme/web")
    task = await wait_task(stage, thread)
    await wait_said(stage, thread, "Open a pull request in acme/web")
    # The container that stayed for a reply holds the other repository.
    await stage.forge.add_repository("acme/docs", {"a.txt": b"one\n", "docs": b""})
    assert not (await change(stage, thread, "acme/docs")).get("errors")
    await wait_said(stage, thread, "Open a pull request in acme/docs")
    assert "A newer request took this patch's place." in said(stage, thread)
    await press(stage, thread, "open_pr")
    await wait_event(stage, task.id, "published")
    assert [pull.title for pull in stage.forge.pulls("acme/docs")]
    await stage.workspace.wait_for(
        lambda: find_button(stage, thread, "change_task") is None, seconds=SECONDS
    )
    # It is others' now.
    task = await task_of(stage, task.id)
    with pytest.raises(TransitionRefused, match="has a pull request already"):
        await stage.app.intake.check_change(task, task.author)
