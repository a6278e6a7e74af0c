"""Images that are named and missing: pulled from a registry, or refused in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import docker
import pytest
from docker.errors import ImageNotFound

from sandbox.engines.docker import DockerEngine
from sandbox.engines.pulling import may_pull
from sandbox.errors import ImageMissing, ImageUnfit
from tests.sandbox.engines.registry import Registry, serve_registry


@pytest.fixture
def registry(docker_client: docker.DockerClient) -> Iterator[Registry]:
    with serve_registry() as registry:
        yield registry
        try:
            docker_client.images.remove(registry.image(), force=True)
        except ImageNotFound:
            pass


@pytest.fixture
async def engine() -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(pull=["127.0.0.1:*/tools/*", "127.0.0.1:*/missing*"])
    yield engine
    await engine.close()


@pytest.mark.docker
async def test_a_missing_image_is_pulled_once_and_judged(
    engine: DockerEngine, registry: Registry
) -> None:
    checks = (engine.check_image(registry.image()) for _ in range(4))
    found = await asyncio.gather(*checks, return_exceptions=True)
    # It is here now, and has neither a shell nor Python.
    assert {type(error) for error in found} == {ImageUnfit}
    assert registry.pulls <= 2
    assert (await engine.image_id(registry.image())).startswith("sha256:")
    pulls = registry.pulls
    with pytest.raises(ImageUnfit, match="has no /bin/sh"):
        await engine.check_image(registry.image())
    assert registry.pulls == pulls


@pytest.mark.docker
@pytest.mark.parametrize("fault", ["missing", "closed"])
async def test_what_cannot_be_pulled_is_named(
    engine: DockerEngine, registry: Registry, fault: str
) -> None:
    registry.is_closed = fault == "closed"
    image = registry.image("missing" if fault == "missing" else "tools/hello")
    with pytest.raises(ImageMissing, match="could not be pulled") as caught:
        await engine.check_image(image)
    assert caught.value.details


@pytest.mark.docker
async def test_only_what_the_configuration_names_is_pulled(registry: Registry) -> None:
    engine = DockerEngine(pull=["node:*"])
    try:
        with pytest.raises(ImageMissing, match="does not exist on this host"):
            await engine.check_image(registry.image())
    finally:
        await engine.close()
    assert registry.pulls == 0


@pytest.mark.parametrize(
    ("image", "patterns", "allowed"),
    [
        ("node:22", ["*"], True),
        ("node:22", ["node:*"], True),
        ("node:22", ["python:*"], False),
        ("node:22", [], False),
        ("threadsmith-agent:latest", ["*"], False),
        ("threadsmith-env:0123", ["*"], False),
    ],
)
def test_who_may_be_pulled(image: str, patterns: list[str], allowed: bool) -> None:
    assert may_pull(image, patterns) is allowed
