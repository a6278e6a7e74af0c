"""Git as a subprocess: nothing of the host's or a repository's settings, no prompt, no hook."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import resource
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

MAX_OUTPUT_BYTES = 64 * 1024**2
DEFAULT_SECONDS = 120.0

_STDERR_BYTES = 16_384
_CHUNK_BYTES = 256 * 1024
_END_SECONDS = 2.0
# What a company needs to reach its own forge; every other GIT_ variable is dropped.
_KEPT = frozenset(
    {"GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
)
_OPTIONS = tuple(
    part
    for setting in (
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.askPass=",
        "credential.helper=",
        "gc.auto=0",
        # Packs are kept as they come, and large files go through as they are: taking a gigabyte
        # apart and together again would cost minutes.
        "transfer.unpackLimit=1",
        "core.bigFileThreshold=16m",
        "maintenance.auto=false",
        "protocol.ext.allow=never",
        "submodule.recurse=false",
        # A remote that has fallen silent; git has no limit of its own.
        "http.lowSpeedLimit=1",
        "http.lowSpeedTime=300",
    )
    for part in ("-c", setting)
)


class GitFailed(Exception):
    """A git command ended with an error."""

    def __init__(self, args: tuple[str, ...], exit_code: int | None, stderr: str) -> None:
        self.arguments = args
        self.exit_code = exit_code
        self.stderr = stderr
        super().__init__(f"git {' '.join(args)} ended with {exit_code}: {stderr.strip()}")


class GitTimeout(GitFailed):
    """A git command took longer than it was given, and was ended."""


class GitOutputTooLong(GitFailed):
    """A git command printed more than it was allowed to, and was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCredentials:
    """What a forge asks for over HTTP; give it only with addresses of the forge it belongs to."""

    username: str
    token: str = field(repr=False)


def config_env(settings: Mapping[str, str]) -> dict[str, str]:
    """Variables that give git these settings; the only way that shows them to nobody."""
    env = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def credential_config(url: str, credentials: GitCredentials | None) -> dict[str, str]:
    """Settings that let git use the token for the URL's own host, and for no other.

    Redirects are off then: git would carry the header along to wherever the host points.
    """
    parts = urlsplit(url)
    if credentials is None or parts.scheme not in ("http", "https"):
        return {}
    pair = f"{credentials.username}:{credentials.token}".encode()
    header = f"Authorization: Basic {base64.b64encode(pair).decode()}"
    return {
        f"http.{parts.scheme}://{parts.netloc}/.extraHeader": header,
        "http.followRedirects": "false",
    }


def credential_env(url: str, credentials: GitCredentials | None) -> dict[str, str]:
    """Those settings as variables."""
    settings = credential_config(url, credentials)
    return config_env(settings) if settings else {}


def git_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every git process; what ``extra`` names is added last."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT
    }
    return {
        # A connection that is kept for the next one would hold git's pipes open.
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oControlPath=none",
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # Empty, not unset: SSH_ASKPASS would take its place.
        "GIT_ASKPASS": "",
        # curl reads ~/.netrc; ssh finds the home directory by itself.
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        **(extra or {}),
    }


async def git(
    *args: str,
    git_dir: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | Path | None = None,
    limit: int = MAX_OUTPUT_BYTES,
    timeout: float = DEFAULT_SECONDS,  # noqa: ASYNC109 - the deadline also ends the process
    memory: int | None = None,
    fine: int = 0,
) -> bytes:
    """Run git and answer what it printed; raises GitFailed.

    ``stdin`` is what git reads, or a file with it; ``memory`` bounds git's address space;
    ``fine`` is an exit code that is an answer too.
    """
    process = await _start(args, git_dir, cwd, env, stdin=stdin)
    _limit_memory(process, memory)
    feeding = asyncio.create_task(_feed(process, stdin))
    errors = asyncio.create_task(_tail(process))
    output = bytearray()
    try:
        async with asyncio.timeout(timeout):
            while chunk := await _stdout(process).read(_CHUNK_BYTES):
                output += chunk
                if len(output) > limit:
                    raise GitOutputTooLong(args, None, f"more than {limit} bytes of output")
            await feeding
            exit_code = await process.wait()
            _check(args, 0 if exit_code == fine else exit_code, await errors)
    except TimeoutError:
        raise GitTimeout(args, None, f"no end after {timeout:g} seconds") from None
    finally:
        await _end(process, feeding, errors)
    return bytes(output)


async def git_stream(
    *args: str, git_dir: Path | None = None, env: Mapping[str, str] | None = None
) -> AsyncGenerator[bytes, None]:
    """Run git and hand on what it prints as it comes; raises GitFailed at the end."""
    process = await _start(args, git_dir, None, env, stdin=None)
    errors = asyncio.create_task(_tail(process))
    try:
        while chunk := await _stdout(process).read(_CHUNK_BYTES):
            yield chunk
        _check(args, await process.wait(), await errors)
    finally:
        await _end(process, errors)


async def _start(
    args: tuple[str, ...],
    git_dir: Path | None,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    stdin: bytes | Path | None,
) -> asyncio.subprocess.Process:
    place = () if git_dir is None else (f"--git-dir={git_dir}",)
    argv = ("git", *_OPTIONS, *place, *args)
    if isinstance(stdin, Path):
        with await asyncio.to_thread(stdin.open, "rb") as file:
            return await _spawn(argv, cwd, env, stdin=file)
    return await _spawn(argv, cwd, env, stdin=stdin)


async def _spawn(
    argv: tuple[str, ...],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    stdin: bytes | BinaryIO | None,
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE if isinstance(stdin, bytes) else asyncio.subprocess.DEVNULL
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe if stdin is None or isinstance(stdin, bytes) else stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
            env=git_env(env),
            # A group of its own: git's transport programs end with it.
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Half-way asyncio would kill git alone, and wait for pipes that its children hold.
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            process = starting.result()
            await _end(process, asyncio.create_task(_tail(process)))
        raise


def _stdout(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    return cast("asyncio.StreamReader", process.stdout)


def _check(args: tuple[str, ...], exit_code: int, stderr: str) -> None:
    if exit_code:
        raise GitFailed(args, exit_code, stderr)


def _limit_memory(process: asyncio.subprocess.Process, limit: int | None) -> None:
    """Set from outside, before git has read a byte of its input; Linux only."""
    if limit is not None and sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))


async def _feed(process: asyncio.subprocess.Process, data: bytes | Path | None) -> None:
    """A git that ends before it has read everything says why by its exit code."""
    if not isinstance(data, bytes) or process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _tail(process: asyncio.subprocess.Process) -> str:
    stream = cast("asyncio.StreamReader", process.stderr)
    tail = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        tail = (tail + chunk)[-_STDERR_BYTES:]
    return tail.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process, *tasks: asyncio.Task[object]) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # asyncio counts a process as ended only when its pipes are: a full one is never closed.
        while await _stdout(process).read(_CHUNK_BYTES):
            pass
        await process.wait()
        # The other pipes end with git too; a child that has left the group may hold them open.
        await asyncio.wait(tasks, timeout=_END_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
