"""Links to the forge in people's words: an issue, a pull request, a file, a commit, as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from chatbot.forge.errors import ForgeError, ForgeNotFound
from chatbot.forge.identity import Identity
from chatbot.history.given import Given, NewGiven

MAX_LINKS: Final = 5
"""Of one message."""
MAX_CHARACTERS: Final = 20_000
"""Of one page; the agent has the repository itself to look further."""
MAX_COMMENTS: Final = 30
COMMENT_CHARACTERS: Final = 3000
AROUND_LINES: Final = 20
_NAME = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+"
_PAGE = re.compile(
    rf"/(?P<name>{_NAME})/(?:"
    r"(?P<kind>issues|pull)/(?P<number>\d{1,9})"
    r"|commit/(?P<sha>[0-9a-f]{7,40})"
    r"|blob/(?P<ref>[^/\s?#]+)/(?P<path>[^\s?#]+)(?:#L(?P<line>\d{1,6})(?:-L(?P<end>\d{1,6}))?)?"
    r")"
)
_ADDRESS = re.compile(r"https?://[^\s<>|\"'`)\]]+")


def find_links(words: str, forge_url: str) -> list[NewGiven]:
    """The pages of the configured forge that the words name; of no other host."""
    found: dict[str, NewGiven] = {}
    for match in _ADDRESS.finditer(words):
        url = match[0].rstrip(".,:;!?*_")
        base = forge_url.rstrip("/")
        page = _PAGE.match(url[len(base) :]) if url.startswith(f"{base}/") else None
        if page is not None:
            held = {name: value for name, value in page.groupdict().items() if value}
            origin = {"from": "forge", **held}
            found.setdefault(url, NewGiven(kind="text", name=url[:300], origin=origin))
    return list(found.values())[:MAX_LINKS]


class ForgePages:
    """Reads the pages with the identity that the program has there."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def fetch(self, item: Given) -> bytes:
        """The page as text; raises ForgeError."""
        origin = {name: str(value) for name, value in item.origin.items()}
        try:
            return (await self._read(origin)).encode()
        except ForgeNotFound as error:
            raise ForgeError(
                "the forge has no such page, or its token may not see it", details=error.details
            ) from error

    async def _read(self, origin: dict[str, str]) -> str:
        if "number" in origin:
            text = await self._issue(origin["name"], origin["number"], origin["kind"] == "pull")
        elif "sha" in origin:
            text = await self._commit(origin["name"], origin["sha"])
        else:
            text = await self._file(origin)
        return _cut(text, MAX_CHARACTERS)

    async def _ask(self, name: str, path: str, query: dict[str, Any] | None = None) -> Any:
        client = await self._identity.client(name)
        answer = await client.ask("GET", f"/repos/{name}{path}", name=name, query=query)
        return answer.data

    async def _issue(self, name: str, number: str, is_pull: bool) -> str:
        what = "Pull request" if is_pull else "Issue"
        page = await self._ask(name, f"/{'pulls' if is_pull else 'issues'}/{number}")
        parts = [f"{what} {name}#{number}, {page.get('state')}: {page.get('title')}"]
        if is_pull:
            base, head = page.get("base") or {}, page.get("head") or {}
            parts[0] += f"\nFrom branch {head.get('ref')} into {base.get('ref')}"
        parts.append(f"{_login(page)} wrote:\n{_cut(str(page.get('body') or ''), 8000)}")
        comments = await self._ask(name, f"/issues/{number}/comments", {"per_page": MAX_COMMENTS})
        for comment in _items(comments)[:MAX_COMMENTS]:
            said = _cut(str(comment.get("body") or ""), COMMENT_CHARACTERS)
            parts.append(f"{_login(comment)} commented:\n{said}")
        if is_pull:
            files = await self._ask(name, f"/pulls/{number}/files", {"per_page": 100})
            parts += _patches(_items(files))
        return "\n\n".join(parts)

    async def _commit(self, name: str, sha: str) -> str:
        page = await self._ask(name, f"/commits/{sha}")
        commit = page.get("commit") or {}
        author = (commit.get("author") or {}).get("name") or "somebody"
        head = f"Commit {page.get('sha')} of {name} by {author}:\n{commit.get('message') or ''}"
        return "\n\n".join([head, *_patches(_items(page.get("files")))])

    async def _file(self, origin: dict[str, str]) -> str:
        name, path = origin["name"], unquote(origin["path"])
        page = await self._ask(name, f"/contents/{quote(path)}", {"ref": unquote(origin["ref"])})
        if not isinstance(page, dict) or page.get("encoding") != "base64":
            raise ForgeError(f"`{path[:200]}` is no file that can be shown.")
        try:
            data = base64.b64decode(str(page.get("content")))
        except (binascii.Error, ValueError) as error:
            raise ForgeError(f"`{path[:200]}` came in an unknown form.") from error
        if b"\0" in data[:8192]:
            raise ForgeError(f"`{path[:200]}` is binary.")
        lines = data.decode(errors="replace").splitlines()
        first, last = 1, len(lines)
        if "line" in origin:
            line, end = int(origin["line"]), int(origin.get("end", origin["line"]))
            first = max(1, min(line, last) - AROUND_LINES)
            last = min(last, max(line, end) + AROUND_LINES)
        shown = (f"{number:>6}\t{lines[number - 1]}" for number in range(first, last + 1))
        where = f"lines {first} to {last} of {len(lines)}"
        return f"{path} at {origin['ref']} of {name}, {where}:\n" + "\n".join(shown)


def _items(data: Any) -> list[dict[str, Any]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _patches(files: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{file.get('status')}: {file.get('filename')}\n{file.get('patch') or ''}".rstrip()
        for file in files
    ]


def _login(page: dict[str, Any]) -> str:
    return str((page.get("user") or {}).get("login") or "somebody")[:100]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n[… {len(text) - limit:,} more]"
