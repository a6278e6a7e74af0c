"""A request that is tried several times: each in its own container; then one is chosen."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import docker
import pytest

from chatbot.attempts import newest_attempts
from chatbot.demo.stage import Stage
from chatbot.history import conversation, queries
from chatbot.models import Run, Task
from chatbot.report import task_report
from tests.end_to_end.serving import serving
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    bash_says,
    call,
    find_button,
    finish,
    messages_with,
    press,
    product,
    wait_event,
    wait_said,
    wait_task,
    write_replies,
)
from tests.end_to_end.test_environments import threadsmith
from tests.end_to_end.test_kill import nothing_left
from tests.sandbox.git_repository import Repository

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes,
    pytest.mark.usefixtures("agent_image"),
]

NAME = "acme/api"
FILES = {"a.txt": b"one\n", "b.txt": b"b\n"}


def way(number: int, *commands: str, **more: Any) -> list[Any]:
    """What the agent does in that attempt."""
    written = call("write", path="a.txt", content=f"way {number}\n")
    steps = [[call("bash", command=command)] for command in commands]
    return [*steps, [written], [finish(f"Way {number}", summary=f"In way {number}.", **more)]]


CONVERSATIONS: dict[str, list[Any]] = {
    "attempt 1 of": way(1, "touch /tmp/was-here; echo left > left.txt; rm left.txt"),
    "attempt 2 of": way(
        # Nothing of the first one is here, in the tree or beside it.
        *(2, "ls /tmp/was-here; cat a.txt; git status --short"),
        claimed="grep: ok",
        checks=["grep -x 'way 2' a.txt"],
    ),
    "attempt 3 of": [[finish("Nothing to do")]],
    "also mention b": [[call("write", path="b.txt", content="c\n")], [finish("Mentioned b")]],
}


async def attempts_of(stage: Stage, task: Task) -> list[Run]:
    runs = await stage.app.history.read(partial(queries.task_runs, task_id=task.id))
    return newest_attempts(runs)


async def patch_of(stage: Stage, run: Run) -> str:
    assert run.patch_sha256 is not None
    sha256 = run.patch_sha256
    return (await stage.app.history.read(partial(queries.get_patch, sha256=sha256))).decode()


async def test_the_chosen_attempt_becomes_the_pull_request(tmp_path: Path) -> None:
    async with product(tmp_path, conversations=CONVERSATIONS, repositories={NAME: FILES}) as stage:
        thread = await ask(stage, "fix the flaky test in acme/api, three attempts")
        await wait_said(stage, thread, "3 attempts, one after another")
        text = await wait_said(stage, thread, "which one shall it be?")
        assert "Way 1" in text
        assert "Way 2" in text
        assert "Verified in a clean container" in text
        task = await wait_task(stage, thread)
        first, second, third = await attempts_of(stage, task)
        assert first.base_commit == second.base_commit == third.base_commit
        specs = [run.spec or {} for run in (first, second, third)]
        assert all(spec["resume_turn"] == 0 and spec["patch"] == "" for spec in specs)
        every = await stage.app.history.read(partial(conversation.every, task_id=task.id))
        heard = bash_says([turn for turn in every if turn["attempt"] == 2][1])
        assert "No such file" in heard
        assert "one" in heard.splitlines()
        # One living message for all of them; nothing is asked about a pull request yet.
        assert len(messages_with(stage.workspace, thread, "log")) == 1
        assert find_button(stage, thread, "open_pr") is None
        assert find_button(stage, thread, "choose_3") is None

        await stage.workspace.post("ada", "shop", "the first one", thread_ts=thread)
        await wait_said(stage, thread, "Attempt 1 was chosen by")
        await press(stage, thread, "choose_2", user="grace")
        await wait_said(stage, thread, "Another attempt was chosen")
        await wait_said(stage, thread, "Attempt 2 was chosen by")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened")
        (pull,) = stage.forge.pulls(NAME)
        assert pull.title == "Way 2"
        assert await stage.forge.read_file(NAME, pull.head, "a.txt") == b"way 2\n"
        assert await stage.forge.read_file(NAME, pull.head, "b.txt") == b"b\n"
        log = stage.app.settings.logs_directory / task.id

        def exported() -> bool:
            return (log / "diff.patch").exists() and b"way 2" in (log / "diff.patch").read_bytes()

        await stage.workspace.wait_for(exported, seconds=SECONDS)
        assert (log / "attempt-1.patch").read_text() == await patch_of(stage, first)
        assert "attempt 2, turn 0: user" in (log / "prompt.txt").read_text()

        await stage.workspace.post("ada", "shop", "also mention b", thread_ts=thread)
        await wait_said(stage, thread, "Mentioned b")
        newest = await stage.app.history.read(partial(queries.newest_run, task_id=task.id))
        turns = await stage.app.history.read(partial(conversation.turns, task_id=task.id))
        assert newest.attempt is None
        assert "attempt 2 of 3" in str(turns[0])
        assert "attempt 1 of 3" not in str(turns)


async def test_stop_ends_them_all_and_the_first_is_kept(tmp_path: Path) -> None:
    slow = {**CONVERSATIONS, "attempt 2 of": way(2, "sleep 600")}
    async with product(tmp_path, conversations=slow, repositories={NAME: FILES}) as stage:
        thread = await ask(stage, "fix the flaky test in acme/api, three attempts")
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "container_started", count=2)
        await wait_said(stage, thread, "Attempt 1:")
        await press(stage, thread, "stop")
        text = await wait_said(stage, thread, "is the only one that came to a change")
        assert "2 attempts ended" in text
        assert len(await attempts_of(stage, task)) == 2
        look = partial(find_button, stage, thread, "open_pr")
        await stage.workspace.wait_for(look, seconds=SECONDS)
        assert (await wait_task(stage, thread)).title == "Way 1"


async def test_the_api_asks_for_attempts_lists_them_and_chooses(tmp_path: Path) -> None:
    async with product(tmp_path, conversations=CONVERSATIONS, repositories={NAME: FILES}) as stage:
        headers = {"Authorization": "Bearer demo-api-token"}
        async with aiohttp.ClientSession(stage.app.web_url, headers=headers) as client:
            body = {"task": "fix the flaky test", "repository": NAME, "attempts": 2}
            async with client.post("/tasks", json=body) as answer:
                assert answer.status == 201
                task_id = (await answer.json())["id"]
            await wait_event(stage, task_id, "attempts_ended")
            async with client.get(f"/tasks/{task_id}") as answer:
                told = await answer.json()
            assert (told["status"], told["outcome"], told["patch"]) == ("ready", "attempts", None)
            assert [(a["title"], a["files"], a["added"]) for a in told["attempts"]] == [
                ("Way 1", 1, 1),
                ("Way 2", 1, 1),
            ]
            async with client.get(f"/tasks/{task_id}/attempt-1.patch") as answer:
                assert "+way 1" in await answer.text()
            async with client.get(f"/tasks/{task_id}/diff.patch") as answer:
                assert answer.status == 404
            async with client.post(f"/tasks/{task_id}/choice", json={"attempt": 1}) as answer:
                assert answer.status == 200
            async with client.post(f"/tasks/{task_id}/choice", json={"attempt": 1}) as answer:
                assert answer.status == 409
            async with client.post(f"/tasks/{task_id}/choice", json={"attempt": 99}) as answer:
                assert answer.status == 400
            async with client.get(f"/tasks/{task_id}/diff.patch") as answer:
                assert "+way 1" in await answer.text()
            report = await task_report(stage.app.history, task_id)
            assert [attempt["is_chosen"] for attempt in report["attempts"]] == [True, False]


async def test_the_command_line_makes_attempts_and_keeps_each_patch(tmp_path: Path) -> None:
    write_replies(tmp_path / "replies.json", CONVERSATIONS)
    Repository(tmp_path / "repository").commit({"a.txt": "one\n", "b.txt": "b\n"})
    run = ("run", "--repo", "repository", "--attempts", "5", "fix the flaky test")
    code, out, err = await threadsmith(tmp_path, *run, "--json")
    assert code == 0, err
    assert "3 attempts instead of 5" in err
    told = json.loads(out)
    assert (told["status"], told["outcome"], told["patch_path"]) == ("ready", "attempts", None)
    assert [attempt["title"] for attempt in told["attempts"]] == ["Way 1", "Way 2", "Nothing to do"]
    first, second, third = (attempt["patch_path"] for attempt in told["attempts"])
    assert "+way 1" in Path(first).read_text()
    assert "+way 2" in Path(second).read_text()
    assert third is None
    code, _, err = await threadsmith(tmp_path, *run)
    assert "Attempt 2: 1 file, +1 −1; Way 2; Verified in a clean container; " in err


@pytest.mark.timeout(300)
async def test_killed_in_the_middle_of_the_second_nothing_is_lost_or_doubled(
    tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    slow = {**CONVERSATIONS, "attempt 2 of": way(2, "sleep 4", "sleep 4")}
    model = write_replies(tmp_path / "replies.json", slow)
    async with serving(tmp_path, repositories={NAME: FILES}, model=model) as found:
        workspace = found.workspace
        words = "@Threadsmith fix the flaky test in acme/api, two attempts"
        thread = await workspace.post("ada", "shop", words)

        def says(words: str) -> bool:
            texts = [str(message) for message in workspace.messages("shop", thread)]
            return any(words in text for text in texts)

        await workspace.wait_for(lambda: says("Attempt 2 of 2: Working"), seconds=SECONDS)
        for _ in range(2):
            await found.kill()
            await found.start()
            await asyncio.sleep(1)
        await workspace.wait_for(lambda: says("which one shall it be?"), seconds=SECONDS)
        (chooser,) = messages_with(workspace, thread, "choose_2")
        await found.press(chooser, "choose_2")
        await workspace.wait_for(lambda: found.gates(thread), seconds=SECONDS)
        (gate,) = found.gates(thread)
        await found.press(gate, "open_pr")
        await workspace.wait_for(lambda: says("Opened "), seconds=SECONDS)
        (pull,) = found.forge.pulls(NAME)
        assert pull.title == "Way 2"
        texts = [message["text"] for message in workspace.messages("shop", thread)]
        # Request, answer, living message, attempts, result, patch, gate, link.
        assert len(texts) == 8, texts
        await found.end()
        nothing_left(docker_client, found.data)
