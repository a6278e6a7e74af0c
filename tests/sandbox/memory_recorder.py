"""A recorder that keeps everything in memory; what it is given goes through JSON, as in a store."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.enclosed import Enclosed
from sandbox.engines.engine import Handle
from sandbox.patch import PatchSummary
from sandbox.recorder import Allowance, InboxItem, Summary, Turn


@dataclass
class MemoryRecorder:
    """Fulfils `sandbox.recorder.Recorder`."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    handles: list[Handle | None] = field(default_factory=list)
    stored_turns: list[str] = field(default_factory=list)
    kept_summaries: list[Summary] = field(default_factory=list)
    patches: list[tuple[bytes, PatchSummary, bool]] = field(default_factory=list)
    items: list[InboxItem] = field(default_factory=list)
    delivered_ids: list[tuple[int, int]] = field(default_factory=list)
    given: dict[int, tuple[Enclosed, bytes]] = field(default_factory=dict)
    spent: Allowance = field(default_factory=Allowance)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        self.events.append((kind, json.loads(json.dumps(payload))))

    async def handle(self, handle: Handle | None) -> None:
        self.handles.append(handle)

    async def turns(self) -> list[Turn]:
        return [Turn.from_json(json.loads(turn)) for turn in self.stored_turns]

    async def turn(self, turn: Turn) -> None:
        await asyncio.sleep(0)
        assert turn.number == len(self.stored_turns)
        self.stored_turns.append(json.dumps(turn.to_json()))

    async def summaries(self) -> list[Summary]:
        return list(self.kept_summaries)

    async def summary(self, summary: Summary, *, told: dict[str, Any]) -> None:
        self.kept_summaries.append(summary)
        await self.event("context_summed", told)

    async def patch(self, data: bytes, summary: PatchSummary, *, final: bool) -> None:
        self.patches.append((data, summary, final))

    async def inbox(self, after: int, *, wait_seconds: float) -> list[InboxItem]:
        try:
            async with asyncio.timeout(wait_seconds):
                while not (found := self._waiting(after)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return []
        return found

    async def delivered(self, item_ids: list[int], *, turn: int) -> None:
        self.delivered_ids += [(id_, turn) for id_ in item_ids]

    async def enclosed(self) -> list[Enclosed]:
        return [item for item, _ in self.given.values()]

    async def enclosed_data(self, enclosed_id: int) -> bytes | None:
        return self.given[enclosed_id][1] if enclosed_id in self.given else None

    async def allowance(self) -> Allowance:
        return self.spent

    def say(self, item: InboxItem) -> None:
        """A person says something, or asks to stop."""
        self.items.append(item)
        self._news.set()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        return [payload for found, payload in self.events if found == kind]

    def _waiting(self, after: int) -> list[InboxItem]:
        heard = {id_ for id_, _ in self.delivered_ids}
        return [
            item
            for item in self.items
            if item.id > after and (item.kind == "stop" or item.id not in heard)
        ]
