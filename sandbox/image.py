"""The default agent image: built once on this host, rebuilt when its recipe changes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

import agent_image
from sandbox.base_image import ensure_base, items
from sandbox.commands import Progress
from sandbox.engines.connection import connect
from sandbox.engines.docker_options import RECIPE_LABEL
from sandbox.engines.fitness import check_fitness
from sandbox.errors import EngineUnavailable, ImageMissing

AGENT_IMAGE = "threadsmith-agent:latest"
BASE = "debian:bookworm-slim"
BASE_LABEL = "dev.threadsmith.base"

_BUILD_SECONDS = 900
"""The longest silence of a build; a package download may take its time."""


async def ensure_agent_image(
    progress: Progress, *, tag: str = AGENT_IMAGE, base: str = BASE
) -> str:
    """Build the agent image unless an up-to-date one is here; answer its name."""
    dockerfile = await asyncio.to_thread(Path(agent_image.__path__[0], "Dockerfile").read_bytes)
    recipe = hashlib.sha256(dockerfile + b"\0" + base.encode()).hexdigest()
    client = await asyncio.to_thread(connect, timeout_seconds=_BUILD_SECONDS)
    try:
        old = await asyncio.to_thread(_labels, client, tag)
        if old.get(RECIPE_LABEL) == recipe:
            return tag
        progress(f"Building the agent image {tag}")
        await _build(client, dockerfile, recipe, tag, base, progress)
        await asyncio.to_thread(check_fitness, client, tag)
        progress(f"The agent image {tag} is ready")
    except APIError as error:
        raise ImageMissing("The agent image could not be built.", details=str(error)) from error
    except (RequestException, DockerException) as error:
        raise EngineUnavailable(details=str(error)) from error
    finally:
        await asyncio.to_thread(client.close)
    return tag


def _labels(client: docker.DockerClient, tag: str) -> dict[str, str]:
    try:
        return dict(client.images.get(tag).labels)
    except ImageNotFound:
        return {}


async def _build(
    client: docker.DockerClient,
    dockerfile: bytes,
    recipe: str,
    tag: str,
    base: str,
    progress: Progress,
) -> None:
    actual = await ensure_base(client, base, progress)
    stream = await asyncio.to_thread(
        client.api.build,
        fileobj=io.BytesIO(dockerfile),
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
        use_config_proxy=True,
        buildargs={"BASE": actual, **_proxies()},
        labels={RECIPE_LABEL: recipe, BASE_LABEL: actual},
    )
    tail = ""
    async for item in items(iter(stream)):
        for line in str(item.get("stream", "")).splitlines():
            if line.strip():
                progress("    " + line)
                tail = (tail + line + "\n")[-4000:]
        if "error" in item:
            raise ImageMissing(
                "The agent image could not be built.", details=f"{tail}{item['error']}"
            )


def _proxies() -> dict[str, str]:
    """The host's proxy, where a container can reach it: arguments that every builder knows."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    values = {name: os.environ.get(name, "") for name in names}
    reachable = not any(host in values["http_proxy"] for host in ("127.0.0.1", "localhost"))
    return {name: value for name, value in values.items() if value and reachable}
