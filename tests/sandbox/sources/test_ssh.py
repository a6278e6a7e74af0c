"""Git over SSH with a key that stays on the host, against a real server on loopback."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.config import DataSettings, ForgeSettings, Settings
from chatbot.sources import ssh_command
from sandbox.errors import SourceError
from sandbox.sources.mirror import Mirrors
from tests.sandbox.git_repository import Repository

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh-keygen") is None, reason="there is no sshd on this machine"
)


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    for name in ("host", "key", "other"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(make, check=True)
    shutil.copy(tmp_path / "key.pub", tmp_path / "authorized")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "authorized",
        "PasswordAuthentication": "no",
        "StrictModes": "no",
        "PermitRootLogin": "yes",
        "PidFile": "none",
        "UsePAM": "no",
    }
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    server = await asyncio.create_subprocess_exec(str(SSHD), "-D", "-e", "-f", "/dev/null", *given)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
        yield port
    finally:
        server.terminate()
        await server.wait()


def mirrors(tmp_path: Path, key: str, known: Path | None = None) -> Mirrors:
    settings = Settings(
        data=DataSettings(directory=tmp_path),
        forge=ForgeSettings(ssh_key_file=tmp_path / key, ssh_known_hosts_file=known),
    )
    return Mirrors(tmp_path / "mirrors", ssh_command=ssh_command(settings))


async def test_the_key_opens_what_it_may(tmp_path: Path, port: int) -> None:
    commit = Repository(tmp_path / "acme").commit({"a": "1\n"})
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/acme"
    tree = await mirrors(tmp_path, "key").fetch(url, None, repository="acme/api")
    assert (tree.commit, tree.branch) == (commit, "main")
    # Nothing of the key is in what containers are given.
    config = (Path(tree.mirror) / "config").read_text()
    assert str(tmp_path / "key") not in config
    with pytest.raises(SourceError, match="may not be read"):
        await mirrors(tmp_path, "other").fetch(url + "/", None, repository="acme/api")


async def test_a_host_that_is_another_one_is_refused(tmp_path: Path, port: int) -> None:
    Repository(tmp_path / "acme").commit({"a": "1\n"})
    known = tmp_path / "known"
    wrong = (tmp_path / "other.pub").read_text().split()[:2]
    known.write_text(f"[127.0.0.1]:{port} {' '.join(wrong)}\n")
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/acme"
    with pytest.raises(SourceError):
        await mirrors(tmp_path, "key", known).resolve(url, None)
