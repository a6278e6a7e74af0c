"""A Unix socket in a directory that a container is shown."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


def bind_unix(directory: Path, name: str) -> socket.socket:
    """Bind it by a short path: the address has room for 107 bytes only."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=descriptor)
        bound.bind(f"/proc/self/fd/{descriptor}/{name}")
        # The container's user is not the host's; who may come this far is up to the directory.
        os.chmod(name, 0o666, dir_fd=descriptor)  # noqa: S103  # noqa: S103
    except OSError:
        bound.close()
        raise
    finally:
        os.close(descriptor)
    return bound
