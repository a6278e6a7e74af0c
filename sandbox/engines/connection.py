"""One way to reach Docker Engine: by DOCKER_HOST, else as the `docker` program would."""

from __future__ import annotations

import os
import socket
from contextlib import closing

import docker
from docker.errors import DockerException

from sandbox.errors import EngineUnavailable


def connect(
    base_url: str | None = None, *, timeout_seconds: int = 60, connections: int = 10
) -> docker.DockerClient:
    """A client of an engine that has just answered; raises EngineUnavailable. It blocks."""
    address = base_url or os.environ.get("DOCKER_HOST", "")
    try:
        # The SDK leaves a socket open for each connection that fails, so it is tried here first.
        if address.startswith("unix://"):
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
                probe.settimeout(timeout_seconds)
                probe.connect(address.removeprefix("unix://"))
        if base_url is None:
            return docker.DockerClient.from_env(timeout=timeout_seconds, max_pool_size=connections)
        return docker.DockerClient(
            base_url=base_url, timeout=timeout_seconds, max_pool_size=connections
        )
    except (DockerException, OSError) as error:
        raise EngineUnavailable(details=str(error)) from error
