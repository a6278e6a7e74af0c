"""A real project mended, explained and sent as a zip, through the real agent and container."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from chatbot.demo.stage import Stage
from chatbot.history import queries
from chatbot.models import Status
from tests.end_to_end.real_project import MODULE, RIGHT, WRONG, as_zip, download
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    call,
    finish,
    press,
    product,
    say,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [pytest.mark.docker, pytest.mark.slack_modes, pytest.mark.xdist_group("real_project")]

NAME = "acme/more-itertools"
TESTS = "python3 -m pytest -q -p no:cacheprovider tests/test_more.py -k split_before"
MEND = [
    [say("I run the tests of the function."), call("bash", command=TESTS)],
    [call("bash", command="grep -n 'def split_before' -A 34 more_itertools/more.py | tail -18")],
    [
        call(
            "edit",
            path=MODULE,
            old=WRONG.decode(),
            new=RIGHT.decode(),
        )
    ],
    [call("bash", command=TESTS)],
    [finish("Let split_before yield no empty list at the start", claimed=f"`{TESTS}`: passed")],
]
EXPLAIN = [
    [call("bash", command="grep -n 'def split_before' -A 34 more_itertools/more.py")],
    [
        call(
            "finish",
            title="How split_before splits",
            answer="It collects items in `buf` and **yields the list** before an item that fits.",
        )
    ],
]


@pytest.fixture(scope="module")
def project() -> dict[str, bytes]:
    return download()


@pytest.fixture
async def stage(
    tmp_path: Path, agent_image: str, project: dict[str, bytes]
) -> AsyncIterator[Stage]:
    conversations = {"explain": EXPLAIN, "empty list": MEND}
    async with product(
        tmp_path, conversations=conversations, repositories={NAME: project}
    ) as stage:
        yield stage


async def test_a_fault_is_mended_up_to_a_pull_request_that_passes(
    stage: Stage, tmp_path: Path, agent_image: str
) -> None:
    thread = await ask(stage, f"split_before yields an empty list first, fix it in {NAME}")
    await wait_said(stage, thread, f"Open a pull request in {NAME} with 1 file, +1 −1?")
    await press(stage, thread, "open_pr")
    task = await wait_task(stage, thread)
    published = await wait_event(stage, task.id, "published")
    branch = published.payload["branch"]
    assert await stage.forge.read_file(NAME, branch, MODULE) == (
        await stage.forge.read_file(NAME, "main", MODULE)
    ).replace(WRONG, RIGHT)
    passed = await asyncio.to_thread(
        _run_tests, stage.forge.repositories[NAME].path, branch, tmp_path / "out", agent_image
    )
    assert "663 passed, 1 skipped" in passed
    before = await asyncio.to_thread(
        _run_tests, stage.forge.repositories[NAME].path, "main", tmp_path / "main", agent_image
    )
    assert "failed" in before


async def test_explaining_leaves_an_answer_and_no_patch(stage: Stage) -> None:
    thread = await ask(stage, f"explain split_before in {NAME}")
    text = await wait_said(stage, thread, "before an item that fits")
    task = await wait_task(stage, thread)
    assert (task.mode, task.status, task.patch_sha256) == ("explain", Status.READY, None)
    assert "pull request" not in text


async def test_a_zip_through_the_api(
    stage: Stage, project: dict[str, bytes], tmp_path: Path
) -> None:
    token = stage.app.settings.web.api_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    form = aiohttp.FormData()
    form.add_field("task", "split_before yields an empty list first: fix it")
    form.add_field("archive", as_zip(project), filename="more.zip", content_type="application/zip")
    async with aiohttp.ClientSession(stage.app.web_url, headers=headers) as session:
        async with session.post("/tasks", data=form) as answer:
            assert answer.status == 201, await answer.text()
            task_id = (await answer.json())["id"]
        async with asyncio.timeout(SECONDS):
            while (report := await _report(session, task_id))["status"] not in {"ready", "failed"}:
                await asyncio.sleep(0.1)
        assert (report["status"], report["outcome"]) == ("ready", "patch"), report
        assert [file["path"] for file in report["patch"]["files"]] == [MODULE]
        async with session.get(f"/tasks/{task_id}/diff.patch") as answer:
            patch = await answer.read()
    assert b"+        if pred(item) and buf:" in patch
    for name, content in project.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    subprocess.run(["git", "apply"], cwd=tmp_path / "tree", input=patch, check=True)
    assert RIGHT in (tmp_path / "tree" / MODULE).read_bytes()
    assert await stage.app.history.read(lambda db: queries.pending_approval(db, task_id)) is None


async def _report(session: aiohttp.ClientSession, task_id: str) -> dict[str, object]:
    async with session.get(f"/tasks/{task_id}") as answer:
        report: dict[str, object] = await answer.json()
        return report


def _run_tests(repository: Path, branch: str, directory: Path, image: str) -> str:
    """The project's own tests, in a container of their own."""
    directory.mkdir()
    archive = directory / "tree.tar"
    with archive.open("wb") as file:
        subprocess.run(
            ["git", f"--git-dir={repository}", "archive", branch], stdout=file, check=True
        )
    (directory / "tree").mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", directory / "tree"], check=True)
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none"),
            *("-v", f"{directory}/tree:/x:ro", "-w", "/x", image),
            *("python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
