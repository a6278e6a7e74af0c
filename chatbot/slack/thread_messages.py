"""The messages of one thread: posted once, edited with their slots, found again after a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from chatbot.changed_tree import read_changed_tree
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Task, Thread
from chatbot.script_diff import describe_scripts
from chatbot.slack.blocks.elements import Content, stamp
from chatbot.slack.blocks.progress import Moment
from chatbot.slack.blocks.text import Block
from chatbot.slack.delivered import Delivered, Sent
from chatbot.slack.outbound import BlocksRefused, CallRefused, Outbound
from chatbot.slack.slots import Slot, file_name, make_contents
from chatbot.slack.view import TaskView
from sandbox.errors import SourceError

log = structlog.get_logger(__name__)

METADATA = "threadsmith"
_FILES = {"file": "diff", "tree": "zip"}
"""Slots that are files, and how their names end."""
TICK_SECONDS = 15.0
"""A quiet run's elapsed time moves this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMessages:
    """Brings slots to one thread and notes down what stands there."""

    task: Task
    thread: Thread
    history: History
    outbound: Outbound
    delivered: Delivered
    save: Callable[[], Awaitable[None]]
    page_url: str
    pace: Callable[[Slot], float]
    """Seconds between two edits of the slot's message."""
    clock: Callable[[], float]

    async def bring(self, slot: Slot) -> float | None:
        """Post or edit; seconds to wait where an edit is not due yet."""
        sent = self.delivered.messages.get(slot.key)
        if sent is None:
            await (self._upload(slot) if slot.kind in _FILES else self._post(slot))
            return None
        if not slot.is_edited or not sent.ts:
            return None
        # What people wait for is shown at once; but Slack takes no two edits right after another.
        is_quiet = slot.is_paced and not slot.is_final
        before = sent.sent_at if is_quiet else sent.edited_at
        due = before + self.pace(slot) - self.clock()
        if due > 0:
            return due
        digest = self._digest(slot)
        if digest == sent.digest:
            return None
        await self._edit(slot, sent, make_contents(slot, self.task, self._moment(), "")[0])
        sent.digest = digest
        return None

    async def adopt(self, view: TaskView, bot_id: str) -> None:
        """Find our own messages in the thread that are not noted down."""
        messages = await self.outbound.replies(self.thread)
        ours = [message for message in messages if message.get("bot_id") == bot_id]
        for message in ours:
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == METADATA and payload.get("task_id") == self.task.id:
                key = str(payload.get("kind"))
                self.delivered.messages.setdefault(key, Sent(ts=str(message["ts"])))
        names = {file.get("name") for message in ours for file in message.get("files") or []}
        for run in view.runs:
            for kind, ending in _FILES.items():
                if file_name(self.task, run, ending) in names:
                    self.delivered.messages.setdefault(f"{kind}:{run.id}", Sent(ts=""))

    def _moment(self, grain_seconds: float = 0.0) -> Moment:
        """``grain_seconds``: time alone changes a message no more often than that."""
        now = self.clock()
        if grain_seconds:
            now -= now % grain_seconds
        return Moment(now=now, page_url=self.page_url)

    def _digest(self, slot: Slot) -> str:
        """Of what an edited slot shows."""
        content = make_contents(slot, self.task, self._moment(TICK_SECONDS), "")[0]
        whole = json.dumps([content.text, content.blocks], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    async def _post(self, slot: Slot) -> None:
        diff = await self._quoted(slot)
        contents = make_contents(slot, self.task, self._moment(), diff)
        digest = self._digest(slot) if slot.is_edited else ""
        for index, content in enumerate(contents, start=1):
            # The slot is there when its last message is.
            key = slot.key if index == len(contents) else f"{slot.key}.{index}"
            if key not in self.delivered.messages:
                sent = await self._post_one(key, slot, content)
                sent.digest = digest
                self.delivered.messages[key] = sent
                await self.save()

    async def _post_one(self, key: str, slot: Slot, content: Content) -> Sent:
        refused = self.outbound.refused
        for level in range(refused.level(content), 3):
            blocks = self._blocks(key, content, level)
            metadata = self._metadata(key, slot)
            try:
                ts = await self.outbound.post(self.thread, content.text, blocks, metadata)
            except BlocksRefused as error:
                self._note_refusal(key, error)
                if level == 0:
                    refused.note(content, error.kinds)
            except CallRefused as error:
                self._note_refusal(key, error)
                break
            else:
                return Sent(ts=ts, level=level, sent_at=self.clock())
        return Sent(ts="")

    async def _edit(self, slot: Slot, sent: Sent, content: Content) -> None:
        refused = self.outbound.refused
        for level in range(max(sent.level, refused.level(content)), 3):
            blocks = self._blocks(slot.key, content, level)
            metadata = self._metadata(slot.key, slot)
            try:
                await self.outbound.update(self.thread, sent.ts, content.text, blocks, metadata)
            except BlocksRefused as error:
                self._note_refusal(slot.key, error)
                if level == 0:
                    refused.note(content, error.kinds)
            except CallRefused as error:
                self._note_refusal(slot.key, error)
                sent.ts = ""
                return
            else:
                sent.level, sent.sent_at = level, self.clock()
                sent.edited_at = sent.sent_at
                return

    async def _upload(self, slot: Slot) -> None:
        if slot.run is None:
            return
        name = file_name(self.task, slot.run, _FILES[slot.kind])
        try:
            if slot.kind == "file":
                data: bytes | None = await self._patch(slot)
                title = "The whole patch"
            else:
                data = await read_changed_tree(self.history, self.task.id)
                title = "The changed tree"
            if data is not None:
                await self.outbound.upload(self.thread, name, title, data)
        except (CallRefused, SourceError) as error:
            self._note_refusal(slot.key, error)
        self.delivered.messages[slot.key] = Sent(ts="")
        await self.save()

    async def _quoted(self, slot: Slot) -> str:
        if slot.kind == "result":
            return (await self._patch(slot)).decode(errors="replace")
        if slot.setup is not None and slot.setup.state == "pending":
            gate = slot.setup
            return await self.history.read(
                lambda db: describe_scripts(db, gate.sha256, gate.previous_sha256)
            )
        return ""

    async def _patch(self, slot: Slot) -> bytes:
        result = slot.run.result if slot.run else None
        if result is None or result.patch_sha256 is None:
            return b""
        sha256 = result.patch_sha256
        return await self.history.read(lambda db: queries.get_patch(db, sha256))

    def _blocks(self, key: str, content: Content, level: int) -> list[Block]:
        chosen = (content.blocks, content.simple, ())[level]
        return stamp(chosen, key, int(self.clock() * 1000))

    def _metadata(self, key: str, slot: Slot) -> dict[str, Any]:
        """Everybody in the workspace can read it: ids and numbers only."""
        payload = {"task_id": self.task.id, "kind": key, "seq": slot.seq}
        return {"event_type": METADATA, "event_payload": payload}

    def _note_refusal(self, key: str, error: Exception) -> None:
        log.warning("slack_refused", task_id=self.task.id, message=key, reason=str(error))
