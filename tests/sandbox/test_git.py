"""The git subprocess: what it sees of this machine, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from pathlib import Path

import pytest

from sandbox.git import (
    GitCredentials,
    GitFailed,
    GitOutputTooLong,
    GitTimeout,
    config_env,
    credential_config,
    credential_env,
    git,
    git_env,
    git_stream,
)
from tests.sandbox.git_repository import Repository

SECRET = GitCredentials(username="x-access-token", token="t0p-secret")


def program(directory: Path, name: str, script: str) -> Path:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "r")
    repository.commit({"a": "a"})
    return repository


def test_token_is_in_the_environment_for_one_host_only() -> None:
    assert credential_env("https://forge.example:8443/acme/api.git", SECRET) == {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "http.https://forge.example:8443/.extraHeader",
        "GIT_CONFIG_VALUE_0": "Authorization: Basic eC1hY2Nlc3MtdG9rZW46dDBwLXNlY3JldA==",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }
    assert credential_env("https://forge.example/x", None) == {}
    assert credential_env("ssh://git@forge.example/x", SECRET) == {}
    assert credential_env("/srv/x", SECRET) == {}
    assert repr(SECRET) == "GitCredentials(username='x-access-token')"


def test_several_settings_stand_side_by_side() -> None:
    given = {"a.b": "1", **credential_config("https://forge.example/x", SECRET)}
    env = config_env(given)
    assert env["GIT_CONFIG_COUNT"] == "3"
    found = {env[f"GIT_CONFIG_KEY_{n}"]: env[f"GIT_CONFIG_VALUE_{n}"] for n in range(3)}
    assert found == given


def test_environment_of_git_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_SSL_CAINFO", "/etc/company.pem")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    env = git_env({"GIT_INDEX_FILE": "/tmp/index"})
    assert {name for name in env if name.startswith("GIT_")} >= {
        *("GIT_SSL_CAINFO", "GIT_INDEX_FILE", "GIT_TERMINAL_PROMPT", "GIT_CONFIG_GLOBAL"),
    }
    assert not {"GIT_DIR", "GIT_TRACE_CURL", "GIT_CONFIG_COUNT"} & env.keys()
    assert (env["SSH_AUTH_SOCK"], env["LC_ALL"], env["GIT_ASKPASS"]) == ("/run/agent", "C", "")


async def test_settings_and_hooks_of_this_machine_have_no_say(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    mark = tmp_path / "mark"
    program(home, "touch-mark", f"touch {mark}")
    (home / ".gitconfig").write_text(
        f"[core]\n\tfsmonitor = {home}/touch-mark\n[user]\n\tname = X\n"
    )
    monkeypatch.setenv("HOME", str(home))
    hooks = repository.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    program(hooks, "reference-transaction", f"touch {mark}")
    git_dir = repository.path / ".git"
    await git("update-ref", "refs/heads/other", "HEAD", git_dir=git_dir)
    await git("status", cwd=repository.path)
    assert not mark.exists()
    with pytest.raises(GitFailed):
        await git("config", "user.name", cwd=repository.path)


async def test_output_and_errors(repository: Repository) -> None:
    assert await git("show", "HEAD:a", cwd=repository.path) == b"a"
    with pytest.raises(GitFailed) as caught:
        await git("show", "HEAD:nothing", cwd=repository.path)
    assert (caught.value.arguments, caught.value.exit_code) == (("show", "HEAD:nothing"), 128)
    assert "nothing" in caught.value.stderr


async def test_stdin_as_bytes_and_as_file(repository: Repository, tmp_path: Path) -> None:
    content = b"x" * 3_000_000
    (tmp_path / "content").write_bytes(content)
    hashes = [
        await git("hash-object", "--stdin", stdin=stdin)
        for stdin in (content, tmp_path / "content")
    ]
    assert hashes[0] == hashes[1]
    with pytest.raises(GitFailed, match="unknown option"):
        await git("hash-object", "--no-such-option", stdin=content)


async def test_too_much_output_ends_it(repository: Repository) -> None:
    blob = await git("hash-object", "-w", "--stdin", cwd=repository.path, stdin=b"x" * 5_000_000)
    show = ("cat-file", "blob", blob.decode().strip())
    with pytest.raises(GitOutputTooLong):
        await git(*show, cwd=repository.path, limit=1000)
    assert len(await git(*show, cwd=repository.path)) == 5_000_000
    chunks = [chunk async for chunk in git_stream(*show, git_dir=repository.path / ".git")]
    assert sum(map(len, chunks)) == 5_000_000


async def test_failing_stream_raises_at_its_end(repository: Repository) -> None:
    with pytest.raises(GitFailed):
        [chunk async for chunk in git_stream("show", "nothing", git_dir=repository.path / ".git")]


async def test_time_limit_ends_git_and_its_children(repository: Repository, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    slow = program(tmp_path, "slow", f"echo $$ > {pid_file}; exec sleep 300")
    with pytest.raises(GitTimeout):
        await git("-c", f"alias.slow=!{slow}", "slow", cwd=repository.path, timeout=0.5)
    assert is_gone(int(pid_file.read_text()))


async def test_cancelling_ends_git_and_its_children(repository: Repository, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    slow = program(tmp_path, "slow", f"echo $$ > {pid_file}; exec sleep 300")
    task = asyncio.create_task(
        git("-c", f"alias.slow=!{slow}", "slow", cwd=repository.path, stdin=b"x" * 10_000_000)
    )
    while not (pid_file.exists() and pid_file.read_text().strip()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_gone(int(pid_file.read_text()))


async def test_cancelling_while_git_is_being_started(
    repository: Repository, tmp_path: Path
) -> None:
    """Not in the middle of it: children would live on, and their pipes keep us waiting."""
    seconds = f"300.{time.time_ns()}"
    slow = program(tmp_path, "slow", f"sleep {seconds}")
    for ticks in range(40):
        task = asyncio.create_task(
            git("-c", f"alias.slow=!{slow}", "slow", cwd=repository.path, stdin=b"x")
        )
        for _ in range(ticks):
            await asyncio.sleep(0)
        if ticks % 3 == 0:
            await asyncio.sleep(0.001 * ticks)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await task
    assert not any(seconds in line for line in command_lines())


def command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace"))
    return found


async def test_memory_limit_is_gits_own(repository: Repository) -> None:
    with pytest.raises(GitFailed, match=r"(?i)out of memory|unable to"):
        await git("hash-object", "--stdin", stdin=b"x" * 200_000_000, memory=100 * 1024**2)


def is_gone(pid: int) -> bool:
    """Gone, or dead and waiting for whoever started it; a kill takes a moment."""
    status = Path(f"/proc/{pid}/stat")
    for _ in range(100):
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False
