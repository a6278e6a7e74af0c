"""The image that the agent image starts from: the public one, or one made here with debootstrap."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from sandbox.commands import CommandFailed, Progress, apt_install, has_apt, run_visibly
from sandbox.errors import ImageMissing

LOCAL_BASE = "threadsmith-base:bookworm"
DEBIAN_MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITE = "bookworm"

_REGISTRY_SECONDS = 10
"""A registry that says nothing for so long does not answer."""


async def ensure_base(client: docker.DockerClient, base: str, progress: Progress) -> str:
    """Name an image to build on: ``base`` where it is here or can be pulled, else our own."""
    for name in (base, LOCAL_BASE):
        if await asyncio.to_thread(has_image, client, name):
            return name
    progress(f"Pulling {base}")
    try:
        await _pull(client, base, progress)
    except (DockerException, RequestException) as error:
        progress(f"No registry answers ({_reason(error)}); making a base with debootstrap")
        return await _bootstrap(client, progress)
    return base


def has_image(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


async def items(stream: Iterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """A blocking stream of the SDK, read in a thread one item at a time."""
    while (item := await asyncio.to_thread(next, stream, None)) is not None:
        yield item


async def _pull(client: docker.DockerClient, base: str, progress: Progress) -> None:
    repository, _, tag = base.partition(":")
    # A client of its own: its time limit is what makes a silent registry fail quickly.
    puller = await asyncio.to_thread(docker.DockerClient.from_env, timeout=_REGISTRY_SECONDS)
    try:
        stream = await asyncio.to_thread(
            puller.api.pull, repository, tag=tag or "latest", stream=True, decode=True
        )
        async for item in items(iter(stream)):
            if "error" in item:
                raise DockerException(item["error"])
            if "progressDetail" not in item or item.get("status") == "Pull complete":
                progress("    " + " ".join(filter(None, (item.get("id"), item.get("status")))))
    finally:
        await asyncio.to_thread(puller.close)
    await asyncio.to_thread(client.images.get, base)


def _reason(error: Exception) -> str:
    text = error.explanation if isinstance(error, APIError) else str(error)
    return str(text).strip().splitlines()[-1][-160:] if text else type(error).__name__


async def _bootstrap(client: docker.DockerClient, progress: Progress) -> str:
    if not has_apt():
        raise ImageMissing(
            "The base image can neither be pulled nor made here.",
            details="No registry answers, and debootstrap needs Debian or Ubuntu and root.",
            resolution="Give Docker a registry that answers, or run the set-up once as root.",
        )
    # Where /tmp is mounted nodev, debootstrap refuses to work.
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, "", "threadsmith-", "/var/tmp"))  # noqa: S108
    try:
        await _make_base(client, directory, progress)
    except CommandFailed as error:
        raise ImageMissing("The base image could not be made.", details=str(error)) from error
    finally:
        # One file system: a mount that debootstrap left behind must not be emptied.
        await run_visibly(progress, "rm", "-rf", "--one-file-system", "--", str(directory))
    return LOCAL_BASE


async def _make_base(client: docker.DockerClient, directory: Path, progress: Progress) -> None:
    await apt_install(progress, "debootstrap", "debian-archive-keyring")
    root, archive = directory / "root", directory / "base.tar"
    sources = await asyncio.to_thread(host_sources)
    progress(f"Making a Debian {SUITE} base from {sources[SUITE]} (about half a minute)")
    await run_visibly(
        progress,
        "debootstrap",
        "--variant=minbase",
        "--force-check-gpg",
        f"--keyring={KEYRING}",
        SUITE,
        str(root),
        sources[SUITE],
    )
    lines = [f"deb {uri} {suite} main\n" for suite, uri in sources.items()]
    (root / "etc/apt/sources.list").write_text("".join(lines))
    await run_visibly(
        progress,
        *("tar", "--create", f"--file={archive}", f"--directory={root}", "--numeric-owner"),
        *("--exclude=./dev/*", "--exclude=./var/cache/apt/archives/*.deb"),
        *("--exclude=./var/lib/apt/lists/*", "."),
    )
    progress(f"Importing {LOCAL_BASE}")
    repository, _, tag = LOCAL_BASE.partition(":")
    answer = await asyncio.to_thread(
        client.api.import_image_from_file, str(archive), repository=repository, tag=tag
    )
    if not await asyncio.to_thread(has_image, client, LOCAL_BASE):
        raise ImageMissing("The base image could not be imported.", details=str(answer))


def host_sources(directory: Path = Path("/etc/apt")) -> dict[str, str]:
    """Suite -> archive, from the host's own apt sources where they name plain-http archives.

    Only http: a container has no certificate authorities until its first package is installed.
    """
    found: dict[str, str] = {SUITE: DEBIAN_MIRROR}
    wanted = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
    for path in (directory / "sources.list", *sorted((directory / "sources.list.d").glob("*"))):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        for uri, suites in (*_one_line(text), *_deb822(text)):
            found |= {suite: uri for suite in suites.split() if suite in wanted}
    return found


def _one_line(text: str) -> list[tuple[str, str]]:
    pattern = r"(?m)^deb\s+(?:\[[^\]]*\]\s+)?(http://\S+)\s+(\S+)\s+main\b"
    return re.findall(pattern, text)


def _deb822(text: str) -> list[tuple[str, str]]:
    """The archive and the suites of each paragraph of a `.sources` file."""
    pairs = []
    for paragraph in re.split(r"\n\s*\n", text):
        uri = re.search(r"(?m)^URIs:\s*(http://\S+)", paragraph)
        suites = re.search(r"(?m)^Suites:\s*(.+)$", paragraph)
        if uri and suites and re.search(r"(?m)^Components:.*\bmain\b", paragraph):
            pairs.append((uri.group(1), suites.group(1)))
    return pairs
