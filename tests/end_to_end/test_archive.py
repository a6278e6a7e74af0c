"""An archive in the thread: the work comes back as a patch and as the whole tree."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from chatbot.demo.stage import Stage
from tests.end_to_end.stage import call, finish, product, wait_event, wait_task

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes(both=True),
    pytest.mark.usefixtures("agent_image"),
]

CONVERSATIONS = {
    "works": [[call("write", path="src/a.txt", content="two\n")], [finish("Counted on")]]
}
API = {"Authorization": "Bearer demo-api-token"}


def as_zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def read_zip(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {n: archive.read(n).decode() for n in archive.namelist() if not n.endswith("/")}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with product(tmp_path, conversations=CONVERSATIONS, repositories={}) as stage:
        yield stage


async def test_the_thread_gets_the_patch_and_the_tree(stage: Stage) -> None:
    data = as_zip({"src/a.txt": "one\n", "b.txt": "b\n"})
    thread = await stage.workspace.post(
        "ada", "shop", "@Threadsmith this works", files={"project.zip": data}
    )
    task = await wait_task(stage, thread)

    def look() -> dict[str, bytes] | None:
        found = {
            file["name"]: stage.workspace.state.files[file["id"]].data
            for message in stage.workspace.messages("shop", thread)
            for file in message.get("files") or []
        }
        return found if f"{task.id}.zip" in found else None

    found = await stage.workspace.wait_for(look, seconds=60)
    assert read_zip(found[f"{task.id}.zip"]) == {"src/a.txt": "two\n", "b.txt": "b\n"}
    assert b"+two" in found[f"{task.id}.diff"]


async def test_the_api_gives_both_and_settles_set_up(stage: Stage) -> None:
    data = as_zip({"src/a.txt": "one\n", "setup.sh": "touch /opt/made\n"})
    async with aiohttp.ClientSession(stage.app.web_url, headers=API) as client:
        form = aiohttp.FormData()
        form.add_field("task", "works")
        form.add_field("archive", data, filename="x.zip", content_type="application/zip")
        async with client.post("/tasks", data=form) as response:
            task_id = (await response.json())["id"]
        await wait_event(stage, task_id, "setup_approval_requested")
        async with client.get(f"/tasks/{task_id}/setup") as response:
            asked = await response.json()
        assert asked["scripts"] == [{"path": "setup.sh", "content": "touch /opt/made\n"}]
        for sha256, status in (("0" * 64, 409), (asked["sha256"], 202), (asked["sha256"], 409)):
            body = {"decision": "approve", "sha256": sha256}
            async with client.post(f"/tasks/{task_id}/setup", json=body) as response:
                assert response.status == status
        await wait_event(stage, task_id, "run_finished")
        async with client.get(f"/tasks/{task_id}") as response:
            links = (await response.json())["links"]
        async with client.get(links["tree"]) as response:
            assert read_zip(await response.read())["src/a.txt"] == "two\n"
        async with client.get(f"/tasks/{task_id}/setup") as response:
            assert response.status == 409
        async with client.get(f"/tasks/{task_id}/setup", headers={"Authorization": ""}) as response:
            assert response.status == 401
