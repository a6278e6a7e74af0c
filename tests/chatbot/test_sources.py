"""Whose word an address is: the forge's, the operator's, or a stranger's."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.actions import Actions
from chatbot.config import DataSettings, ForgeSettings, SandboxSettings, Settings
from chatbot.models import Origin, Source, Task
from chatbot.sources import TaskSources, ssh_command
from sandbox.egress import addresses
from sandbox.egress.addresses import AddressRefused
from sandbox.errors import SourceError
from tests.chatbot.history.lives import Life
from tests.sandbox.git_repository import Repository
from tests.sandbox.git_server import serve_git


async def task_at(actions: Actions, url: str, origin: Origin = "slack") -> Task:
    source = Source(kind="git", repository="acme/api", url=url)
    life = await Life.begin(actions, origin=origin, source=source)
    return await life.task()


def sources(actions: Actions, tmp_path: Path, forge: str, *private: str) -> TaskSources:
    settings = Settings(
        data=DataSettings(directory=tmp_path / "data"),
        forge=ForgeSettings(url=forge),
        sandbox=SandboxSettings(private_hosts=private),
    )
    return TaskSources(settings, actions.history)


async def test_only_the_forge_may_stand_on_this_machine(actions: Actions, tmp_path: Path) -> None:
    commit = Repository(tmp_path / "served" / "acme" / "api").commit({"a": "1\n"})
    with serve_git(tmp_path / "served") as forge, serve_git(tmp_path / "served") as other:
        here = sources(actions, tmp_path, forge.url("").rstrip("/"))
        task = await task_at(actions, forge.url("acme/api"))
        tree = await here.look_up(task, None)
        assert (tree.commit, tree.branch, tree.default_branch) == (commit, "main", "main")
        assert (await here.fetch(task, tree)) == tree
        for origin in ("slack", "api"):
            stranger = await task_at(actions, other.url("acme/api"), origin)
            with pytest.raises(AddressRefused):
                await here.look_up(stranger, None)
            with pytest.raises(AddressRefused):
                await here.fetch(stranger, tree)
        assert other.requests == []
        # The operator's own words.
        operator = await task_at(actions, other.url("acme/api"), "cli")
        assert (await here.look_up(operator, None)).commit == commit


@pytest.mark.parametrize("origin", ["slack", "api"])
async def test_a_folder_of_this_machine_is_the_operators_to_name(
    actions: Actions, tmp_path: Path, origin: Origin
) -> None:
    repository = Repository(tmp_path / "r")
    commit = repository.commit({"a": "1\n"})
    here = sources(actions, tmp_path, "https://forge.example")
    for url in (str(repository.path), f"file://{repository.path}"):
        with pytest.raises(SourceError, match="is refused"):
            await here.look_up(await task_at(actions, url, origin), None)
        operator = await task_at(actions, url, "cli")
        assert (await here.look_up(operator, None)).commit == commit


async def test_the_forges_host_may_be_private_by_ssh_too(
    actions: Actions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["10.1.2.3"]

    asked: list[tuple[str, tuple[str, ...]]] = []

    async def ask(host: str, port: int, *, private_hosts: tuple[str, ...], resolver: object) -> str:
        asked.append(
            (
                host,
                await addresses.check_public(
                    host, port, private_hosts=private_hosts, resolver=resolve
                ),
            )
        )
        raise SourceError

    monkeypatch.setattr("sandbox.sources.guard.check_public", ask)
    here = sources(actions, tmp_path, "https://git.corp/", "mirror.corp")
    for url in ("git@git.corp:acme/api", "https://mirror.corp/acme/api"):
        with pytest.raises(SourceError):
            await here.look_up(await task_at(actions, url), None)
    with pytest.raises(AddressRefused):
        await here.look_up(await task_at(actions, "git@wiki.corp:acme/api"), None)
    assert asked == [("git.corp", ("10.1.2.3",)), ("mirror.corp", ("10.1.2.3",))]


def test_without_a_key_ssh_is_the_hosts_own() -> None:
    assert ssh_command(Settings()) is None
