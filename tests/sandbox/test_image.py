"""The default agent image, built by the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import docker
import pytest

from sandbox.errors import EngineUnavailable
from sandbox.image import BASE_LABEL, ensure_agent_image
from tests.sandbox.test_host import Lines

pytestmark = pytest.mark.docker


@pytest.fixture
def tag(docker_client: docker.DockerClient, agent_image: str) -> Iterator[str]:
    """A name of our own; the layers come from the engine's cache."""
    tag = f"threadsmith-test:{uuid4().hex[:12]}"
    yield tag
    if docker_client.images.list(tag):
        docker_client.images.remove(tag, force=True)


async def test_second_build_is_none(docker_client: docker.DockerClient, tag: str) -> None:
    lines = Lines()
    assert await ensure_agent_image(lines, tag=tag) == tag
    assert any("Building" in line for line in lines)
    built = docker_client.images.get(tag)
    again = Lines()
    assert await ensure_agent_image(again, tag=tag) == tag
    assert again == []
    assert docker_client.images.get(tag).id == built.id


async def test_recipe_that_changed_is_built_anew(
    docker_client: docker.DockerClient, tag: str
) -> None:
    await ensure_agent_image(Lines(), tag=tag)
    base = docker_client.images.get(tag).labels[BASE_LABEL]
    lines = Lines()
    await ensure_agent_image(lines, tag=tag, base=base)
    assert any("Building" in line for line in lines)
    assert docker_client.images.get(tag).labels[BASE_LABEL] == base


async def test_what_every_run_finds_in_it(
    docker_client: docker.DockerClient, agent_image: str
) -> None:
    script = (
        "set -e; for p in python3 pip3 pytest git rg make patch ps less; do command -v $p; done"
        " >/dev/null; python3 -m venv --help >/dev/null;"
        " test -f /etc/ssl/certs/ca-certificates.crt;"
        " stat -c '%n %U %a' /workspace /home/agent /run/threadsmith; ls /var/lib/apt/lists"
    )
    output = docker_client.containers.run(
        agent_image, ["sh", "-c", script], user="1000:1000", network_mode="none", remove=True
    )
    assert output.decode().splitlines() == [
        "/workspace agent 755",
        "/home/agent agent 755",
        "/run/threadsmith agent 755",
    ]


async def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(EngineUnavailable):
        await ensure_agent_image(Lines())
