"""What a container has written: its writable layer, walked where this process can read it."""

from __future__ import annotations

import errno
import os
from typing import Final

import docker

from sandbox.engines.engine import DiskUsage

_BLOCK: Final = 512
_UNCOUNTABLE: Final = 2**62


def measure(client: docker.DockerClient, container_id: str) -> DiskUsage:
    """By the layer's own files, else as the engine counts it, which leaves out empty files."""
    attributes = client.api.inspect_container(container_id)
    layer = (attributes.get("GraphDriver") or {}).get("Data") or {}
    upper = layer.get("UpperDir")
    if upper and os.access(upper, os.R_OK | os.X_OK):
        return walk(upper)
    # The SDK's own inspection does not ask for sizes.
    url = f"{client.api.base_url}/v{client.api.api_version}/containers/{container_id}/json"
    answer = client.api.get(url, params={"size": "1"}, timeout=client.api.timeout).json()
    return DiskUsage(size_bytes=int(answer.get("SizeRw") or 0))


def walk(root: str) -> DiskUsage:
    """Bytes on disk and entries under a folder; no link is followed, holes count nothing."""
    size, files, pending = 0, 0, [root]
    while pending:
        try:
            entries = os.scandir(pending.pop())
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                # Deeper than can be looked at: nobody needs that but to hide in it.
                return DiskUsage(size_bytes=size, files=_UNCOUNTABLE)
            continue  # it went meanwhile
        with entries:
            for entry in entries:
                files += 1
                try:
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                except OSError as error:
                    if error.errno == errno.ENAMETOOLONG:
                        return DiskUsage(size_bytes=size, files=_UNCOUNTABLE)
    return DiskUsage(size_bytes=size, files=files)
