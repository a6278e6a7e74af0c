"""Git over SSH with a key that stays on the host, against a real server on loopback."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.config import DataSettings, ForgeSettings, Settings
from chatbot.sources import ssh_command
from sandbox.errors import RepositoryNotFound, SourceError
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
    if os.geteuid() == 0:
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
        # A folder whose name ssh would read as two, and as a mark of its own.
        data=DataSettings(directory=tmp_path / "our %h data"),
        forge=ForgeSettings(ssh_key_file=tmp_path / key, ssh_known_hosts_file=known),
    )
    settings.data.directory.mkdir(exist_ok=True)
    return Mirrors(settings.data.directory / "mirrors", ssh_command=ssh_command(settings))


def url_of(tmp_path: Path, port: int) -> str:
    return f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/acme"


async def test_the_key_opens_what_it_may(tmp_path: Path, port: int) -> None:
    repository = Repository(tmp_path / "acme")
    commit = repository.commit({"a": "1\n"})
    url = url_of(tmp_path, port)
    tree = await mirrors(tmp_path, "key").fetch(url, None, repository="acme/api")
    assert (tree.commit, tree.branch) == (commit, "main")
    # Nothing of the key is in what containers are given; the host's own is kept from now on.
    config = (Path(tree.mirror) / "config").read_text()
    assert str(tmp_path / "key") not in config
    known = tmp_path / "our %h data" / "known_hosts"
    assert known.read_text().startswith(f"[127.0.0.1]:{port} ")
    moved = repository.commit({"a": "2\n"})
    tree = await mirrors(tmp_path, "key", known).fetch(url, None, repository="acme/api")
    assert tree.commit == moved


async def test_a_key_that_may_not(tmp_path: Path, port: int) -> None:
    Repository(tmp_path / "acme").commit({"a": "1\n"})
    for key in ("other", "none"):
        with pytest.raises(RepositoryNotFound) as caught:
            await mirrors(tmp_path, key).resolve(url_of(tmp_path, port), None)
        assert "the host refused this program's SSH key" in caught.value.brief
        assert "forge.ssh_key_file" in caught.value.resolution


async def test_a_host_that_is_another_one_is_refused(tmp_path: Path, port: int) -> None:
    Repository(tmp_path / "acme").commit({"a": "1\n"})
    wrong = (tmp_path / "other.pub").read_text().split()[:2]
    known = tmp_path / "known"
    # Another key than the one that is known, and none at all.
    for line in (f"[127.0.0.1]:{port} {' '.join(wrong)}\n", ""):
        known.write_text(line)
        with pytest.raises(SourceError) as caught:
            await mirrors(tmp_path, "key", known).resolve(url_of(tmp_path, port), None)
        assert caught.value.code == "host_key_refused"
        assert known.read_text() == line


async def test_a_repository_that_is_not_there(tmp_path: Path, port: int) -> None:
    with pytest.raises(RepositoryNotFound, match="does not exist"):
        await mirrors(tmp_path, "key").resolve(url_of(tmp_path, port), None)


async def test_nothing_of_the_hosts_own_user_is_used(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an agent that holds a key that would open, nor one that asks."""
    Repository(tmp_path / "acme").commit({"a": "1\n"})
    agent = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")], check=True, capture_output=True
    )
    pid = int(agent.stdout.decode().split("SSH_AGENT_PID=")[1].split(";")[0])
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(tmp_path / "key")], check=True, capture_output=True)
        with pytest.raises(RepositoryNotFound, match="refused this program's SSH key"):
            await mirrors(tmp_path, "other").resolve(url_of(tmp_path, port), None)
    finally:
        os.kill(pid, signal.SIGTERM)
