"""A recorder that keeps what a set-up prints; the run's own, where there is one, hears it too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from sandbox.enclosed import Enclosed
from sandbox.engines.engine import Handle
from sandbox.patch import PatchSummary
from sandbox.recorder import Allowance, InboxItem, Recorder, Summary, Turn

MAX_LOG_BYTES: Final = 32 * 1024**2


class Unheard:
    """Fulfils `Recorder` for a set-up that nobody follows: it has no turns, patch or inbox."""

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        pass

    async def handle(self, handle: Handle | None) -> None:
        pass

    async def turns(self) -> list[Turn]:
        return []

    async def turn(self, turn: Turn) -> None:
        raise NotImplementedError("A set-up has no turns.")

    async def summaries(self) -> list[Summary]:
        return []

    async def summary(self, summary: Summary, *, told: dict[str, Any]) -> None:
        raise NotImplementedError("A set-up has no turns.")

    async def patch(self, data: bytes, summary: PatchSummary, *, final: bool) -> None:
        raise NotImplementedError("A set-up has no patch.")

    async def inbox(self, after: int, *, wait_seconds: float) -> list[InboxItem]:  # noqa: ARG002
        await asyncio.sleep(wait_seconds)
        return []

    async def delivered(self, item_ids: list[int], *, turn: int) -> None:
        raise NotImplementedError("A set-up hears no messages.")

    async def enclosed(self) -> list[Enclosed]:
        return []

    async def enclosed_data(self, enclosed_id: int) -> bytes | None:
        raise NotImplementedError("A set-up is given nothing.")

    async def allowance(self) -> Allowance:
        raise NotImplementedError("A set-up spends nothing.")


class BuildLog(Unheard):
    """Fulfils `Recorder` for one set-up: what it prints goes into a file, and to ``recorder``."""

    def __init__(self, path: Path, recorder: Recorder) -> None:
        self._path = path
        self._recorder = recorder
        self._left = MAX_LOG_BYTES

    async def begin(self) -> None:
        def make() -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.write_text("")

        await asyncio.to_thread(make)

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "setup_output":
            await asyncio.to_thread(self._append, str(payload["text"]))
        elif kind == "egress" and payload["verdict"] != "allowed":
            line = f"[network] {payload['host']}:{payload['port']} {payload['verdict']}"
            await asyncio.to_thread(self._append, f"{line}: {payload['reason']}\n")
        await self._recorder.event(kind, payload)

    async def handle(self, handle: Handle | None) -> None:
        await self._recorder.handle(handle)

    async def inbox(self, after: int, *, wait_seconds: float) -> list[InboxItem]:
        return await self._recorder.inbox(after, wait_seconds=wait_seconds)

    def _append(self, text: str) -> None:
        data = text.encode(errors="replace")[: max(0, self._left)]
        self._left -= len(data)
        with self._path.open("ab") as file:
            file.write(data)
