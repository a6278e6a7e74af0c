"""A Docker Engine of the test's own, in a network namespace of its own, to be restarted at will."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

SECONDS = 60.0


class SecondEngine:
    """Started beside the host's; nothing of the host's engine or network is touched."""

    def __init__(self, directory: Path) -> None:
        self.url = f"unix://{directory}/docker.sock"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_possible() -> bool:
        return os.geteuid() == 0 and all(shutil.which(name) for name in ("dockerd", "unshare"))

    def start(self) -> None:
        place = self._directory
        log = (place / "dockerd.log").open("ab")
        self._process = subprocess.Popen(
            [
                *("unshare", "--net", "dockerd", f"--host={self.url}"),
                *(f"--data-root={place}/data", f"--exec-root={place}/exec"),
                *(f"--pidfile={place}/pid", "--bridge=none", "--iptables=false"),
                *("--ip-forward=false", "--ip-masq=false"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                client = docker.DockerClient(base_url=self.url)
                client.ping()
                client.close()
            except DockerException:
                time.sleep(0.2)
            else:
                return
        raise TimeoutError((place / "dockerd.log").read_text()[-2000:])

    def stop(self) -> None:
        """As a service manager would; its containers end with it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(SECONDS)
            self._process = None
            (self._directory / "docker.sock").unlink(missing_ok=True)

    def load(self, image: str) -> None:
        """The host's image, for this engine as well."""
        saved = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
        loaded = ["docker", "-H", self.url, "load", "--quiet"]
        subprocess.run(loaded, stdin=saved.stdout, check=True, stdout=subprocess.DEVNULL)
        assert saved.stdout is not None
        saved.stdout.close()
        assert saved.wait() == 0
