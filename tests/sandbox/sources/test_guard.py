"""Hosts that strangers name: public ones only, and git stays where the name led at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.egress.addresses import AddressRefused
from sandbox.errors import SourceError
from sandbox.git import git
from sandbox.sources.addresses import check_address
from sandbox.sources.guard import guard
from sandbox.sources.mirror import Mirrors
from tests.sandbox.git_repository import Repository
from tests.sandbox.git_server import serve_git


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/a/b", "http://localhost:8080/a/b", "https://[::1]/a/b"),
        *("http://169.254.169.254/a/b", "git@127.0.0.1:a/b", "ssh://git@[::1]:22/a/b"),
        *("http://0/a/b", "http://2130706433/a/b", "http://0x7f.1/a/b", "http://127.1/a/b"),
    ],
)
async def test_private_hosts_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises((AddressRefused, SourceError)):
        await Mirrors(tmp_path).resolve(url, None, guarded=True)
    with pytest.raises((AddressRefused, SourceError)):
        await Mirrors(tmp_path).fetch(url, "1" * 40, repository="a/b", guarded=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example/a/b", "git.example:443:203.0.113.7,[2606:4700::1]"),
        ("http://git.example:8080/a/b", "git.example:8080:203.0.113.7,[2606:4700::1]"),
    ],
)
async def test_git_is_told_where_the_name_led(url: str, expected: str) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["203.0.113.7", "2606:4700::1"]

    env = await guard(check_address(url), resolver=resolver)
    assert env["GIT_CONFIG_VALUE_0"] == expected
    assert env["GIT_CONFIG_VALUE_1"] == "false"


async def test_git_does_as_it_is_told(tmp_path: Path) -> None:
    """The name leads nowhere any more, and git reaches the address all the same."""
    Repository(tmp_path / "served" / "acme" / "api").commit({"a": "1\n"})
    with serve_git(tmp_path / "served") as server:
        env = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.curloptResolve",
            "GIT_CONFIG_VALUE_0": f"pinned.example:{server.port}:127.0.0.1",
        }
        url = f"http://pinned.example:{server.port}/acme/api"
        assert b"refs/heads/main" in await git("ls-remote", url, env=env)


async def test_a_host_of_ones_own(tmp_path: Path) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["10.1.2.3"]

    address = check_address("https://git.corp/a/b")
    with pytest.raises(AddressRefused, match="a private address"):
        await guard(address, resolver=resolver)
    assert await guard(address, private_hosts=["git.corp"], resolver=resolver)
