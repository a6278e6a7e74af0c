"""The process is killed while a script waits for a person, while it runs, and while it is kept."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import docker
import pytest

from chatbot.demo.sample import replies_path, sample_files
from sandbox.engines.docker_options import ENVIRONMENT_LABEL, NAMESPACE_LABEL
from tests.end_to_end.serving import Serving, serving
from tests.end_to_end.stage import messages_with
from tests.end_to_end.test_kill import REQUEST, SECONDS, nothing_left

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300), pytest.mark.slack_modes]

SCRIPT = b"sleep 3; head -c 20M /dev/urandom > /opt/blob; echo ready\n"


def environments(client: docker.DockerClient, found: Serving) -> list[str]:
    namespace = hashlib.sha256(str(found.data).encode()).hexdigest()[:16]
    labels = [f"{ENVIRONMENT_LABEL}=1", f"{NAMESPACE_LABEL}={namespace}"]
    return [str(image.id) for image in client.images.list(filters={"label": labels})]


async def press(found: Serving, thread: str, action: str) -> None:
    def look() -> str | None:
        held = messages_with(found.workspace, thread, action)
        return held[-1] if held else None

    gate = await found.workspace.wait_for(look, seconds=SECONDS)
    await found.press(gate, action)


@pytest.mark.parametrize("seconds", [1.5, 3.4, 4.2], ids=["running", "ending", "kept"])
async def test_kills_around_a_set_up(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, seconds: float
) -> None:
    files = {**sample_files(), "setup.sh": SCRIPT}
    async with serving(
        tmp_path, repositories={"demo/shop": files}, model=f"replay:{replies_path()}"
    ) as found:
        thread = await found.workspace.post("ada", "shop", REQUEST)
        await found.workspace.wait_for(
            lambda: messages_with(found.workspace, thread, "approve_setup"), seconds=SECONDS
        )
        await found.kill()
        await found.start()
        await asyncio.sleep(2.0)
        assert len(messages_with(found.workspace, thread, "approve_setup")) == 1
        await press(found, thread, "approve_setup")
        await asyncio.sleep(seconds)
        await found.kill()
        await found.start()
        await found.workspace.wait_for(lambda: found.gates(thread), seconds=SECONDS)
        texts = [message["text"] for message in found.workspace.messages("shop", thread)]
        assert sum("may run: approved by" in text for text in texts) == 1, texts
        assert len(found.gates(thread)) == 1
        await found.end()
        nothing_left(docker_client, found.data)
        kept = environments(docker_client, found)
        try:
            assert len(kept) == 1
            assert len(list((found.data / "environments").glob("*.json"))) == 1
        finally:
            await found.stop()
            for image in kept:
                docker_client.images.remove(image, force=True)
