"""Which repositories the forge shows us, page by page; what is unchanged is not sent again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatbot.forge.errors import ForgeForbidden, ForgeNotFound
from chatbot.forge.identity import Identity, Place
from chatbot.forge.transport import Answer
from chatbot.history.known import Known

PER_PAGE = 100
MAX_PAGES = 100
"""Of one place: more than ten thousand repositories nobody chooses among."""
DESCRIPTION_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class _Page:
    etag: str
    next_url: str
    known: tuple[Known, ...]


class Listing:
    """``read`` asks for everything; it remembers the pages for the next time."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._pages: dict[tuple[str, str], _Page] = {}

    async def read(self) -> tuple[Known, ...]:
        """All of them; raises ForgeError and its kin where that cannot be said."""
        login = await self._identity.login()
        found: dict[str, Known] = {}
        pages: dict[tuple[str, str], _Page] = {}
        for place in await self._identity.places():
            try:
                pages |= await self._read(place, login)
            except (ForgeForbidden, ForgeNotFound):
                # Taken back since it was told of: nothing of it can be reached.
                continue
        for page in pages.values():
            found |= {one.name.lower(): one for one in page.known}
        self._pages = pages
        return tuple(found.values())

    async def count(self) -> str:
        """How many there are, in words, by a look at each place's first page alone."""
        seen, is_more = 0, False
        for place in await self._identity.places():
            query = {"per_page": PER_PAGE, **place.query}
            answer = await place.client.ask("GET", place.path, query=query)
            total = answer.data.get("total_count") if place.inside else None
            seen += total if isinstance(total, int) else len(_items(place, answer))
            is_more = is_more or (total is None and bool(answer.next_url))
        noun = "repository" if seen == 1 else "repositories"
        return f"sees {'more than ' if is_more else ''}{seen} {noun}"

    async def _read(self, place: Place, login: str) -> dict[tuple[str, str], _Page]:
        pages: dict[tuple[str, str], _Page] = {}
        url, query = place.path, {"per_page": PER_PAGE, **place.query}
        for _ in range(MAX_PAGES):
            key = (place.title, url)
            before = self._pages.get(key)
            answer = await place.client.ask(
                *("GET", url), query=query, etag=before.etag if before else ""
            )
            if before is not None and answer.is_unchanged:
                page = before
            else:
                listed = _items(place, answer)
                known = tuple(_known(one) for one in listed if _is_usable(one, login))
                page = _Page(answer.etag, answer.next_url, known)
            pages[key] = page
            if not page.next_url:
                break
            url, query = page.next_url, {}
        return pages


def _items(place: Place, answer: Answer) -> list[dict[str, Any]]:
    return (answer.data.get(place.inside) if place.inside else answer.data) or []


def _is_usable(shown: dict[str, Any], login: str) -> bool:
    """Neither put away, nor our own copy of somebody's."""
    is_away = bool(shown.get("archived") or shown.get("disabled"))
    is_closed = (shown.get("permissions") or {}).get("pull") is False
    is_copy = bool(shown.get("fork")) and shown["owner"]["login"] == login
    return not (is_away or is_closed or is_copy)


def _known(shown: dict[str, Any]) -> Known:
    pushed = shown.get("pushed_at")
    return Known(
        name=str(shown["full_name"]),
        description=" ".join(str(shown.get("description") or "").split())[:DESCRIPTION_CHARACTERS],
        is_private=bool(shown.get("private", True)),
        pushed_at=datetime.fromisoformat(pushed).timestamp() if pushed else 0.0,
    )
