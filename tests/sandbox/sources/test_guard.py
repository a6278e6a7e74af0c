"""Hosts that strangers name: public ones only, and git stays where the name led at first."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path

import pytest

from sandbox.egress import addresses as egress
from sandbox.egress.addresses import AddressRefused, NameUnknown
from sandbox.errors import SourceError
from sandbox.git import GitCredentials, config_env, git
from sandbox.sources import guard as guard_module
from sandbox.sources.addresses import check_address
from sandbox.sources.guard import guard
from sandbox.sources.mirror import Mirrors
from tests.sandbox.git_repository import Repository
from tests.sandbox.git_server import GitServer, serve_git


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
        ("http://GIT.example:8080/a/b", "git.example:8080:203.0.113.7,[2606:4700::1]"),
        ("https://8.8.8.8/a/b", None),
        ("https://[2606:4700::1]/a/b", None),
    ],
)
async def test_git_is_told_where_the_name_led(url: str, expected: str | None) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["203.0.113.7", "2606:4700::1"]

    settings = await guard(check_address(url), resolver=resolver)
    assert settings.get("http.curloptResolve") == expected
    assert settings["http.followRedirects"] == "false"


@pytest.mark.parametrize(
    "url",
    [
        # Two standards turn it into two names: the one that is looked up and the one git dials.
        "https://stra\u00dfe.example/a/b",
        "https://git%2eexample/a/b",
        "ssh://git@git%2eexample/a/b",
        "https://git.example./a/b",
        "https://git..example/a/b",
        "https://[2606:4700::1%25eth0]/a/b",
        "git@git.example.:a/b",
    ],
)
async def test_names_that_two_readers_read_differently(url: str) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["203.0.113.7"]

    with pytest.raises(SourceError) as caught:
        await guard(check_address(url), resolver=resolver)
    assert caught.value.code == "address_refused"


async def test_ssh_is_checked_and_left_to_the_hosts_key() -> None:
    asked = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["203.0.113.7"]

    for url in ("git@Git.example:a/b", "ssh://git@git.example:2222/a/b"):
        assert await guard(check_address(url), resolver=resolver) == {}
    assert asked == [("git.example", 22), ("git.example", 2222)]


async def test_git_does_as_it_is_told(tmp_path: Path) -> None:
    """The name leads nowhere any more, and git reaches the address all the same."""
    Repository(tmp_path / "served" / "acme" / "api").commit({"a": "1\n"})
    with serve_git(tmp_path / "served") as server:
        env = config_env({"http.curloptResolve": f"pinned.example:{server.port}:127.0.0.1"})
        url = f"http://pinned.example:{server.port}/acme/api"
        assert b"refs/heads/main" in await git("ls-remote", url, env=env)


async def test_a_host_of_ones_own(tmp_path: Path) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["10.1.2.3"]

    address = check_address("https://git.corp/a/b")
    with pytest.raises(AddressRefused, match="a private address"):
        await guard(address, resolver=resolver)
    assert await guard(address, private_hosts=["git.corp"], resolver=resolver)


async def test_a_name_that_only_the_hosts_proxy_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        raise OSError

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    address = check_address("https://git.example/a/b")
    with pytest.raises(NameUnknown):
        await guard(address, resolver=resolver)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    assert await guard(address, resolver=resolver) == {"http.followRedirects": "false"}
    with pytest.raises(NameUnknown):
        await guard(check_address("git@git.example:a/b"), resolver=resolver)
    monkeypatch.setenv("no_proxy", ".example")
    with pytest.raises(NameUnknown):
        await guard(address, resolver=resolver)


async def test_a_name_service_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(guard_module, "_RESOLVE_SECONDS", 0.01)
    with pytest.raises(SourceError, match="not found in time"):
        await guard(check_address("https://git.example/a/b"), resolver=resolver)


class TestWithMirrors:
    """A real server on an address that counts as private, under a name of its own."""

    @pytest.fixture
    def host(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Loopback is never let through, so this test calls it an ordinary private network."""
        networks = tuple(net for net in egress._NEVER if str(net) != "127.0.0.0/8")
        monkeypatch.setattr(egress, "_NEVER", networks)
        private = (*egress._PRIVATE, ip_network("127.0.0.0/8"))
        monkeypatch.setattr(egress, "_PRIVATE", private)
        return "localhost"

    async def test_guarded_and_named_as_ones_own(
        self, repository: Repository, server: GitServer, tmp_path: Path, host: str
    ) -> None:
        url = f"http://{host}:{server.port}/acme/api"
        with pytest.raises(AddressRefused):
            await Mirrors(tmp_path / "m").fetch(url, None, repository="a/b", guarded=True)
        assert server.requests == []
        # The token's settings and the guard's stand side by side.
        server.token = "t0p"
        token = GitCredentials(username="x", token="t0p")
        tree = await Mirrors(tmp_path / "m", private_hosts=[host]).fetch(
            url, None, repository="a/b", credentials=token, guarded=True
        )
        assert tree.commit == repository.git("rev-parse", "HEAD")

    async def test_no_redirect_is_followed(
        self, repository: Repository, server: GitServer, tmp_path: Path, host: str
    ) -> None:
        with serve_git(tmp_path / "served") as elsewhere:
            server.redirect = elsewhere.url("").rstrip("/")
            with pytest.raises(SourceError, match="has moved"):
                await Mirrors(tmp_path / "m", private_hosts=[host]).resolve(
                    f"http://{host}:{server.port}/acme/api", None, guarded=True
                )
            assert elsewhere.requests == []

    async def test_a_stranger_names_no_folder_of_this_machine(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        mirrors = Mirrors(tmp_path / "m", allow_local=True)
        for url in (str(repository.path), f"file://{repository.path}"):
            with pytest.raises(SourceError, match="is refused"):
                await mirrors.resolve(url, None, guarded=True)
            with pytest.raises(SourceError, match="is refused"):
                await mirrors.fetch(url, "1" * 40, repository="x", guarded=True)
            assert (await mirrors.resolve(url, None)).branch == "main"
