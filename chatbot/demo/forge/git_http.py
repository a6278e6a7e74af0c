"""Git's smart HTTP, through git's own server program."""

from __future__ import annotations

import asyncio

from aiohttp import web

from chatbot.demo.forge.repositories import Repository
from sandbox.git import git_env

MAX_PUSH_BYTES = 512 * 1024**2
_SERVICES = ("git-upload-pack", "git-receive-pack")


async def serve_git(
    request: web.Request, repository: Repository, *, is_known: bool, may_read: bool, may_write: bool
) -> web.Response:
    """Answer one request of a git client."""
    tail = request.match_info["tail"]
    service = request.query.get("service", tail)
    if service not in _SERVICES:
        return web.Response(status=403, text="Please use the smart protocol.\n")
    writes = service == "git-receive-pack"
    if not may_read or (writes and not may_write):
        if is_known and may_read:
            return web.Response(status=403, text="Write access to repository not granted.\n")
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'}
        return web.Response(status=401, headers=headers, text="Authentication required.\n")
    body = await request.read()
    status, headers, output = await _run_backend(request, repository, tail, body, writes=writes)
    return web.Response(status=status, headers=headers, body=output)


async def _run_backend(
    request: web.Request, repository: Repository, tail: str, body: bytes, *, writes: bool
) -> tuple[int, dict[str, str], bytes]:
    settings = [("safe.directory", "*"), ("receive.denyNonFastForwards", "false")]
    environment = {
        "GIT_PROJECT_ROOT": str(repository.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "FORGE_PROTECTED": " ".join(repository.protected),
        "GIT_CONFIG_COUNT": str(len(settings)),
        "PATH_INFO": f"/{tail}",
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        # aiohttp has taken any compression off the body.
        "HTTP_CONTENT_ENCODING": "",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": "token" if writes else "",
    }
    for number, (name, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    process = await asyncio.create_subprocess_exec(
        *("git", "http-backend"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=git_env(environment),
    )
    output, _ = await process.communicate(body)
    head, _, content = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if line)
    status = int(headers.pop("Status", "200").split()[0])
    return status, headers, content
