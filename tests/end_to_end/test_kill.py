"""The process is killed at every stage of a task, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import docker
import pytest

from chatbot.demo.sample import replies_path, sample_files
from tests.end_to_end.serving import Serving, containers, serving

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300), pytest.mark.slack_modes]

SECONDS = 90.0
REQUEST = "@Threadsmith fix the failing test in demo/shop"


async def run_with_kills(
    found: Serving, kills: list[float], *, publishing: tuple[float, ...] = ()
) -> None:
    """Ask; kill and start again after each of these seconds; then approve and count.

    ``publishing``: kill and start again so long after the press, too.
    """
    workspace = found.workspace
    thread = await workspace.post("ada", "shop", REQUEST)
    for seconds in kills:
        await asyncio.sleep(seconds)
        await found.kill()
        await found.start()
    await workspace.wait_for(lambda: found.gates(thread), seconds=SECONDS)
    (gate,) = found.gates(thread)
    await found.press(gate, "open_pr")
    for seconds in publishing:
        await asyncio.sleep(seconds)
        await found.kill()
        await found.start()
    await workspace.wait_for(
        lambda: any(
            message["text"].startswith("Opened ") for message in workspace.messages("shop", thread)
        ),
        seconds=SECONDS,
    )
    assert len(found.forge.pulls("demo/shop")) == 1
    texts = [message["text"] for message in workspace.messages("shop", thread)]
    files = [
        file for message in workspace.messages("shop", thread) for file in message.get("files", [])
    ]
    assert sum(text.startswith("Opened ") for text in texts) == 1, texts
    assert sum(text.startswith("Approved ") for text in texts) == 1, texts
    assert len(files) == 1, files
    # Request, answer, living message, result, patch, gate, link.
    assert len(texts) == 7, texts


def nothing_left(client: docker.DockerClient, data: Path, *, staying: int = 0) -> None:
    """Until the program has stopped, so many containers may stay for follow-ups."""
    namespace = hashlib.sha256(str(data.absolute()).encode()).hexdigest()[:16]
    assert len(containers(client, namespace)) <= staying
    assert list((data / "runs").glob("r_*")) == []


@pytest.mark.parametrize("kills", [[0.05], [0.9, 1.2], [2.5]])
async def test_kill_and_start_again(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, kills: list[float]
) -> None:
    async with serving(
        tmp_path, repositories={"demo/shop": sample_files()}, model=f"replay:{replies_path()}"
    ) as found:
        await run_with_kills(found, [kills[0] + 1.5, *kills[1:]])
        await found.end()
        nothing_left(docker_client, found.data)


@pytest.mark.parametrize("seconds", [0.02, 0.2, 0.5])
async def test_killed_while_it_publishes(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, seconds: float
) -> None:
    async with serving(
        tmp_path, repositories={"demo/shop": sample_files()}, model=f"replay:{replies_path()}"
    ) as found:
        await run_with_kills(found, [], publishing=(seconds,))
        await found.end()
        nothing_left(docker_client, found.data)


@pytest.mark.slack_modes(both=True)
async def test_a_request_made_while_the_program_is_down_is_answered(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    async with serving(
        tmp_path, repositories={"demo/shop": sample_files()}, model=f"replay:{replies_path()}"
    ) as found:
        await found.kill()
        thread = await found.workspace.post("ada", "shop", REQUEST)
        await found.start()
        await found.workspace.wait_for(lambda: found.gates(thread), seconds=SECONDS)
        assert await found.stop() == 0
        nothing_left(docker_client, found.data)
