"""Docker Engine, through its SDK. Every call runs in a thread of this engine's own small pool."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import docker
import structlog
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from requests.exceptions import RequestException

from sandbox.engines.connection import connect
from sandbox.engines.disk import measure
from sandbox.engines.docker_images import commit, list_images, remove_image
from sandbox.engines.docker_options import (
    ENVIRONMENT_LABEL,
    NAMESPACE_LABEL,
    PHASE_LABEL,
    RECIPE_LABEL,
    container_name,
    container_options,
    home_archive,
)
from sandbox.engines.engine import LABEL, DiskUsage, EngineImage, Handle, State
from sandbox.engines.fitness import check_fitness
from sandbox.engines.pulling import SILENCE_SECONDS, may_pull, pull
from sandbox.errors import EngineError, EngineUnavailable, ImageMissing, ImageUnfit
from sandbox.spec import ContainerSpec

_THREADS = 16
"""A pool of its own: an engine that hangs must not take the threads of everybody else."""
_ANSWER_SECONDS = 60
_SNAPSHOT_SECONDS = 1800
"""A commit answers only when every changed file is copied."""
_ATTEMPTS = 25
_PAUSE_SECONDS = 0.2

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class DockerEngine:
    """Implements sandbox.engines.engine.Engine."""

    name = "docker"

    def __init__(
        self,
        *,
        namespace: str = "",
        base_url: str | None = None,
        answer_seconds: int = _ANSWER_SECONDS,
        runtime: str = "",
        pull: Sequence[str] = (),
    ) -> None:
        """``base_url`` names an engine; without one the host's usual one is taken.

        ``namespace`` keeps installations on one engine apart: ``list`` answers with its own only.
        ``runtime`` is the OCI runtime, ``pull`` are patterns of images that may be pulled.
        """
        self._runtime = runtime
        self._pull = tuple(pull)
        self._pulls: dict[str, asyncio.Task[None]] = {}
        self._namespace = hashlib.sha256(namespace.encode()).hexdigest()[:16]
        self._base_url = base_url
        self._answer_seconds = answer_seconds
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._client: docker.DockerClient | None = None
        self._connecting = asyncio.Lock()
        self._fit_images: set[str] = set()

    async def check(self) -> None:
        info = await self._call(lambda client: client.info())
        if self._runtime and self._runtime not in info["Runtimes"]:
            known = ", ".join(sorted(info["Runtimes"]))
            raise EngineUnavailable(
                f"Docker has no runtime `{self._runtime}`; it has {known}.",
                resolution="Register it in Docker's daemon.json, or change `sandbox.runtime`.",
            )

    async def check_image(self, image: str) -> None:
        try:
            found = await self._call(lambda client: _get_image(client, image))
        except ImageMissing:
            if not may_pull(image, self._pull):
                raise
            await self._pull_once(image)
            found = await self._call(lambda client: _get_image(client, image))
        if found.labels.get(ENVIRONMENT_LABEL):
            raise ImageUnfit(
                f"The image {image} is an environment, and holds somebody's tree.",
                resolution="Name the image that environments are to be built from.",
            )
        if _is_ours(found) or found.id in self._fit_images:
            return
        await self._call(lambda client: check_fitness(client, image))
        self._fit_images.add(str(found.id))

    async def image_id(self, image: str) -> str:
        return str((await self._call(lambda client: _get_image(client, image))).id)

    async def start(self, spec: ContainerSpec) -> Handle:
        labels = {**spec.labels, NAMESPACE_LABEL: self._namespace}
        spec = replace(spec, labels=labels)
        return await self._call(lambda client: _start(client, spec, self._runtime))

    async def poll(self, handle: Handle) -> State:
        try:
            attributes = await self._call(lambda client: _inspect(client, handle))
        except (EngineUnavailable, EngineError) as error:
            return State("unknown", reason=error.details or error.brief)
        return State("gone") if attributes is None else _state(attributes["State"])

    async def logs(self, handle: Handle, *, limit_bytes: int = 65_536) -> str:
        def read(client: docker.DockerClient) -> bytes:
            end = b""
            for chunk in client.api.logs(handle["id"], stream=True, tail=10_000):
                end = (end + chunk)[-limit_bytes:]
            return end

        try:
            return (await self._call(read)).decode(errors="replace")
        except _Gone:
            return ""

    async def stop(self, handle: Handle, *, grace_seconds: float = 2.0) -> None:
        await self._unless_gone(
            lambda client: client.api.stop(handle["id"], timeout=math.ceil(grace_seconds))
        )

    async def remove(self, handle: Handle) -> None:
        await self._unless_gone(lambda client: _remove(client, handle["id"]))

    async def list(self) -> list[Handle]:
        return await self._call(lambda client: _list(client, self._namespace))

    async def processes(self, handle: Handle) -> int | None:
        try:
            return len((await self._call(lambda client: client.api.top(handle["id"])))["Processes"])
        except (EngineUnavailable, EngineError):
            return None

    async def halt(self, handle: Handle) -> None:
        await self._call(lambda client: client.api.pause(handle["id"]))

    async def resume(self, handle: Handle) -> None:
        await self._call(lambda client: client.api.unpause(handle["id"]))

    async def disk_usage(self, handle: Handle) -> DiskUsage | None:
        try:
            return await self._call(lambda client: measure(client, handle["id"]))
        except (EngineUnavailable, EngineError):
            return None

    async def snapshot(self, handle: Handle, *, tag: str, labels: Mapping[str, str]) -> str:
        kept = {**labels, NAMESPACE_LABEL: self._namespace}

        def keep(_: docker.DockerClient) -> str:
            client = connect(self._base_url, timeout_seconds=_SNAPSHOT_SECONDS)
            try:
                return commit(client, handle, tag, kept)
            finally:
                client.close()

        return await self._call(keep)

    async def images(self) -> tuple[EngineImage, ...]:
        return await self._call(lambda client: list_images(client, self._namespace))

    async def remove_image(self, image: str) -> None:
        await self._unless_gone(lambda client: remove_image(client, image))

    async def close(self) -> None:
        if self._client is not None:
            await self._in_pool(self._client.close)
            self._client = None
        self._pool.shutdown(wait=False)

    async def _pull_once(self, image: str) -> None:
        """Whoever needs the same image meanwhile waits for the one pull."""
        if image not in self._pulls:
            self._pulls[image] = asyncio.create_task(self._do_pull(image))
            self._pulls[image].add_done_callback(lambda _: self._pulls.pop(image, None))
        await asyncio.shield(self._pulls[image])

    async def _do_pull(self, image: str) -> None:
        log.info("image_pulling", image=image)

        def do(_: docker.DockerClient) -> None:
            client = connect(self._base_url, timeout_seconds=SILENCE_SECONDS)
            try:
                pull(client, image)
            finally:
                client.close()

        await self._call(do)

    async def _call(self, function: Callable[[docker.DockerClient], _T]) -> _T:
        async with self._connecting:
            if self._client is None:
                self._client = await self._in_pool(self._connect)
        client = self._client

        def call() -> _T:
            with _errors():
                return function(client)

        return await self._in_pool(call)

    def _connect(self) -> docker.DockerClient:
        return connect(self._base_url, timeout_seconds=self._answer_seconds, connections=_THREADS)

    async def _in_pool(self, function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    async def _unless_gone(self, function: Callable[[docker.DockerClient], object]) -> None:
        try:
            await self._call(function)
        except _Gone:
            return


class _Gone(EngineError):
    """The container does not exist any more."""


@contextmanager
def _errors() -> Iterator[None]:
    """The SDK's errors in our own words."""
    try:
        yield
    except NotFound as error:
        raise _Gone(details=str(error)) from error
    except APIError as error:
        raise EngineError(details=str(error)) from error
    except (DockerException, RequestException) as error:
        raise EngineUnavailable(details=str(error)) from error


def _is_ours(image: Image) -> bool:
    """Images that this product made: fit, and with the agent's directories in them."""
    return bool(image.labels.get(RECIPE_LABEL) or image.labels.get(ENVIRONMENT_LABEL))


def _get_image(client: docker.DockerClient, image: str) -> Image:
    try:
        return client.images.get(image)
    except APIError as error:
        if not error.is_client_error():
            raise
        raise ImageMissing(
            f"The image {image} does not exist on this host.", details=str(error)
        ) from error


def _start(client: docker.DockerClient, spec: ContainerSpec, runtime: str) -> Handle:
    image = _get_image(client, spec.image)
    for _ in range(_ATTEMPTS):
        container = _create_or_find(client, spec, runtime)
        if container is None:
            time.sleep(_PAUSE_SECONDS)
            continue
        if container.status in ("created", "configured"):
            _begin(container, with_home=not _is_ours(image))
        return _handle(str(container.id), spec.run_id, spec.phase)
    raise EngineError(f"The container {container_name(spec)} is in the way and does not go.")


def _create_or_find(
    client: docker.DockerClient, spec: ContainerSpec, runtime: str
) -> Container | None:
    """None: what bore the name has ended and is being removed; try again."""
    try:
        return client.containers.create(**container_options(spec, runtime=runtime))
    except APIError as error:
        if error.status_code != 409:
            raise
    try:
        found = client.containers.get(container_name(spec))
        if found.labels.get(LABEL) != spec.run_id:
            raise EngineError(f"A container named {container_name(spec)} exists and is not ours.")
        if found.status in ("exited", "dead", "removing"):
            found.remove(v=True, force=True)
            return None
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
        return None
    return found


def _begin(container: Container, *, with_home: bool) -> None:
    try:
        if with_home:
            container.put_archive("/", home_archive())
        container.start()
    except APIError as error:
        # Nobody has a handle of it yet, so nobody else would remove it.
        container.remove(v=True, force=True)
        raise EngineError(
            "The container could not be started.", details=error.explanation or str(error)
        ) from error


def _handle(container_id: str, run_id: str, phase: str) -> Handle:
    return {"engine": "docker", "id": container_id, "run_id": run_id, "phase": phase}


def _inspect(client: docker.DockerClient, handle: Handle) -> dict[str, Any] | None:
    try:
        attributes: dict[str, Any] = client.api.inspect_container(handle["id"])
    except NotFound:
        return None
    return attributes


def _state(state: dict[str, Any]) -> State:
    match state["Status"]:
        case "created" | "configured":
            return State("starting")
        case "running" | "paused" | "restarting":
            return State("running")
        case _:
            return State("exited", code=state["ExitCode"], reason=_reason(state))


def _reason(state: dict[str, Any]) -> str:
    if state["OOMKilled"]:
        return "out of memory"
    if state["Error"]:
        return str(state["Error"])
    return "killed" if state["ExitCode"] == 137 else ""


def _remove(client: docker.DockerClient, container_id: str) -> None:
    """Another removal may be under way (409); then this one waits for it."""
    for _ in range(_ATTEMPTS):
        try:
            client.api.remove_container(container_id, v=True, force=True)
        except APIError as error:
            if error.status_code != 409:
                raise
        else:
            return
        time.sleep(_PAUSE_SECONDS)
    raise EngineError("The container is being removed and does not go.", details=container_id)


def _list(client: docker.DockerClient, namespace: str) -> list[Handle]:
    ours = [LABEL, f"{NAMESPACE_LABEL}={namespace}"]
    found = client.api.containers(all=True, filters={"label": ours})
    # A container that a person started from one of our images bears an empty label.
    return [
        _handle(item["Id"], item["Labels"][LABEL], item["Labels"].get(PHASE_LABEL, ""))
        for item in found
        if item["Labels"][LABEL]
    ]
