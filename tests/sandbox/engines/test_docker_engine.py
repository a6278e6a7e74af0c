"""Docker Engine: the contract, and what is its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import docker
import pytest

from sandbox.engines.docker import DockerEngine
from sandbox.engines.engine import Handle, State
from sandbox.errors import EngineUnavailable, ImageUnfit
from sandbox.spec import ContainerSpec, Limits
from tests.sandbox.engines.engine_contract import (
    LOOK_AROUND,
    SLEEP,
    EngineContract,
    MakeSpec,
    ended,
)

BARE_BASE = "threadsmith-base:bookworm"


@pytest.mark.docker
class TestDockerEngine(EngineContract):
    @pytest.fixture
    async def engine(self, docker_client: docker.DockerClient) -> AsyncIterator[DockerEngine]:
        self.client = docker_client
        engine = DockerEngine()
        yield engine
        await engine.close()

    @pytest.fixture
    def image(self, agent_image: str) -> str:
        return agent_image

    def kill_outside(self, handle: Handle) -> None:
        self.client.containers.get(handle["id"]).kill()

    def remove_outside(self, handle: Handle) -> None:
        self.client.containers.get(handle["id"]).remove(force=True)

    async def test_any_image_gets_the_agents_directories(
        self, engine: DockerEngine, make_spec: MakeSpec, agent_image: str
    ) -> None:
        """An image of somebody else: entry point, volume, other user and no directories."""
        tag = f"threadsmith-test:{uuid4().hex[:12]}"
        container = self.client.containers.create(
            agent_image,
            ["rm", "-rf", "/workspace", "/home/agent"],
            user="0:0",
            working_dir="/",
            network_mode="none",
        )
        container.start()
        container.wait()
        labels = {"dev.threadsmith.recipe": "", "dev.threadsmith.base": ""}
        self.client.api.commit(
            container.id,
            *tag.split(":"),
            conf={
                "Entrypoint": ["false"],
                "User": "nobody",
                "Volumes": {"/data": {}},
                "Labels": labels,
            },
        )
        container.remove()
        try:
            handle = await engine.start(make_spec("python3", "-c", LOOK_AROUND, image=tag))
            await ended(engine, handle)
            assert '"owners": [1000, 1000]' in await engine.logs(handle)
            mounts = self.client.api.inspect_container(handle["id"])["Mounts"]
            (volume,) = [mount["Name"] for mount in mounts if mount["Destination"] == "/data"]
            await engine.remove(handle)
            with pytest.raises(docker.errors.NotFound):
                self.client.volumes.get(volume)
        finally:
            self.client.images.remove(tag, force=True)

    async def test_image_without_python_is_unfit(self, engine: DockerEngine) -> None:
        if not self.client.images.list(BARE_BASE):
            pytest.skip("the base came from a registry and is no bare Debian of our own")
        with pytest.raises(ImageUnfit, match="lacks python3 and git"):
            await engine.check_image(BARE_BASE)
        checks = [each for each in await engine.list() if each["phase"] == "check"]
        assert checks == []

    async def test_foreign_container_of_an_environment_image_is_not_ours(
        self, engine: DockerEngine, make_spec: MakeSpec
    ) -> None:
        handle = await engine.start(make_spec("true"))
        await ended(engine, handle)
        tag = await engine.snapshot(
            handle, tag=f"threadsmith-env:test-{uuid4().hex[:12]}", labels={}
        )
        container = self.client.containers.create(tag, ["true"])
        try:
            assert container.id not in [each["id"] for each in await engine.list()]
        finally:
            container.remove()
            await engine.remove_image(tag)

    async def test_a_runtime_that_is_not_there(self) -> None:
        engine = DockerEngine(runtime="no-such-runtime")
        try:
            with pytest.raises(EngineUnavailable, match="no runtime `no-such-runtime`"):
                await engine.check()
        finally:
            await engine.close()


@pytest.mark.docker
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestEngineThatDoesNotAnswer:
    """The SDK itself leaves sockets open when a connection fails, hence the filters."""

    @pytest.fixture(autouse=True)
    def leftovers_are_collected_here(self) -> Iterator[None]:
        yield
        gc.collect()

    async def test_unknown_is_not_gone(
        self, docker_client: docker.DockerClient, agent_image: str, tmp_path: Path
    ) -> None:
        relay = Relay(tmp_path / "docker.sock")
        engine = DockerEngine(base_url=f"unix://{relay.path}")
        await relay.open()
        spec = ContainerSpec(
            run_id=f"r_test{uuid4().hex[:12]}",
            phase="agent",
            image=agent_image,
            command=SLEEP,
            environment={},
            mounts=(),
            limits=Limits(memory_bytes=256 * 1024**2),
        )
        handle = await engine.start(spec)
        try:
            await relay.close()
            assert (await engine.poll(handle)).name == "unknown"
            with pytest.raises(EngineUnavailable):
                await engine.remove(handle)
            await relay.open()
            assert await engine.poll(handle) == State("running")
            await engine.remove(handle)
            assert await engine.poll(handle) == State("gone")
        finally:
            await engine.close()
            await relay.close()
            with contextlib.suppress(docker.errors.NotFound):
                docker_client.containers.get(handle["id"]).remove(force=True)

    async def test_silent_engine_is_unknown(self, tmp_path: Path) -> None:
        path = tmp_path / "docker.sock"
        server = await asyncio.start_unix_server(lambda _reader, writer: None, path)
        engine = DockerEngine(base_url=f"unix://{path}", answer_seconds=1)
        async with server:
            assert (await engine.poll({"id": "0" * 64})).name == "unknown"
            with pytest.raises(EngineUnavailable):
                await engine.check()
            await engine.close()

    async def test_dead_socket_is_unavailable(self, tmp_path: Path) -> None:
        engine = DockerEngine(base_url=f"unix://{tmp_path}/nothing.sock")
        with pytest.raises(EngineUnavailable):
            await engine.check()
        assert (await engine.poll({"id": "0" * 64})).name == "unknown"
        await engine.close()


class Relay:
    """A socket in front of the real engine's, that can be cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")[7:]
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self.path.unlink(missing_ok=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        up, back = await asyncio.open_unix_connection(self._target)
        try:
            await asyncio.gather(_copy(reader, back), _copy(up, writer))
        except asyncio.CancelledError:
            pass
        finally:
            back.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
