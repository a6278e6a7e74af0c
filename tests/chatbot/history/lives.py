"""Lives of tasks for tests, told through the real actions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.models import Approval, Event, NewTask, Person, PullRequest, Run, Source, Task
from sandbox.patch import FileChange, PatchSummary
from sandbox.recorder import Outcome

ADA = Person("U1", "Ada")
BOB = Person("U2", "Bob")
BASE = "0123456789abcdef0123456789abcdef01234567"
PULL = PullRequest(number=7, url="https://forge.example/pull/7", branch="b", head_commit=BASE)

PATCH = b"""diff --git a/shop/basket.py b/shop/basket.py
index 1111111..2222222 100644
--- a/shop/basket.py
+++ b/shop/basket.py
@@ -1,3 +1,4 @@
 def total(items):
-    return sum(items)
+    prices = [item.price for item in items]
+    return sum(prices)
 # end
"""


@dataclass(slots=True)
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def make_new(**changes: Any) -> NewTask:
    values: dict[str, Any] = {
        "origin": "slack",
        "mode": "change",
        "model": "replay:demo",
        "request": "fix the failing test",
        "author": ADA,
        "source": Source(
            kind="git", repository="demo/shop", url="https://forge/demo/shop.git", forge=True
        ),
    }
    return NewTask(**(values | changes))


def make_summary(data: bytes, *files: FileChange) -> dict[str, Any]:
    changed = files or (FileChange(path="shop/basket.py", change="modified", added=2, removed=1),)
    summary = PatchSummary(
        sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), tree="0" * 40, files=changed
    )
    return summary.to_json()


EMPTY_SUMMARY = PatchSummary(
    sha256=hashlib.sha256(b"").hexdigest(), bytes=0, tree="0" * 40, files=()
).to_json()


def make_turn(number: int, **changes: Any) -> dict[str, Any]:
    """A stored turn; the first one of a run has system and tools."""
    first = number == 0
    turn: dict[str, Any] = {
        "number": number,
        "request_sha256": f"{number:064}",
        "system": "You are a careful engineer." if first else None,
        "tools": [{"name": "run", "description": "Run a command.", "parameters": {}}]
        if first
        else None,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "# Task\nfix it"}]}
            if first
            else {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "call_id": f"c{number - 1}",
                        "text": f"result {number}",
                        "is_error": False,
                    }
                ],
            }
        ],
        "reply": {
            "content": [
                {"type": "text", "text": f"reply {number}"},
                {
                    "type": "tool_call",
                    "id": f"c{number}",
                    "name": "run",
                    "arguments": {"command": "pytest"},
                    "raw": "",
                },
            ],
            "stop": "tool_calls",
            "model": "demo",
            "usage": {
                "input_tokens": 100,
                "output_tokens": 10,
                "cache_read_tokens": 5,
                "cache_write_tokens": 1,
            },
        },
    }
    return turn | changes


def turn_event(turn: dict[str, Any], *, cost_usd: float | None = 0.01) -> dict[str, Any]:
    """What the gateway tells of a turn."""
    reply = turn["reply"]
    return {
        "n": turn["number"],
        "model": reply["model"],
        "usage": reply["usage"],
        "cost_usd": cost_usd,
        "tools": ["run"],
        "text": f"reply {turn['number']}",
    }


@dataclass(frozen=True, slots=True)
class Life:
    """Takes one task through its life; every step is an action of the product."""

    actions: Actions
    task_id: str

    @classmethod
    async def begin(cls, actions: Actions, **changes: Any) -> Life:
        task, _ = await actions.create_task(make_new(**changes))
        return cls(actions, task.id)

    async def task(self) -> Task:
        return await self.actions.history.read(partial(queries.get_task, task_id=self.task_id))

    async def run(self) -> Run:
        return await self.actions.history.read(partial(queries.newest_run, task_id=self.task_id))

    async def events(self) -> list[Event]:
        return await self.actions.history.read(partial(queries.task_events, task_id=self.task_id))

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.events()]

    async def approval(self) -> Approval | None:
        return await self.actions.history.read(
            partial(queries.pending_approval, task_id=self.task_id)
        )

    async def prepare(self, branch: str = "main") -> Run:
        run = await self.run()
        await self.actions.resolve_run(run.id, branch=branch, base_commit=BASE, detail={})
        claimed = await self.actions.claim_run(run.id, "o_test")
        assert claimed is not None
        return claimed

    async def work(self, branch: str = "main") -> Run:
        """Up to a running agent."""
        run = await self.prepare(branch)
        await self.tell("container_started", phase="agent", image="agent:latest")
        return run

    async def tell(self, event: str, **payload: Any) -> None:
        await self.actions.record_event((await self.run()).id, event, payload)

    async def turn(self, number: int, *, cost_usd: float | None = 0.01) -> None:
        turn = make_turn(number)
        run = await self.run()
        await self.actions.record_turn(run.id, turn)
        await self.actions.record_event(run.id, "turn", turn_event(turn, cost_usd=cost_usd))

    async def patch(self, data: bytes = PATCH, *files: FileChange) -> str:
        summary = make_summary(data, *files)
        run = await self.run()
        await self.actions.record_patch(run.id, data, summary, final=True)
        return str(summary["sha256"])

    async def finish(self, kind: str = "patch", **outcome: Any) -> None:
        run = await self.run()
        await self.actions.finish_run(run.id, Outcome(kind=kind, **outcome))  # type: ignore[arg-type]

    async def to_ready(self, data: bytes = PATCH, *, branch: str = "main") -> Approval:
        """Through a whole run to a patch that waits for approval."""
        await self.work(branch)
        await self.patch(data)
        await self.finish(title="Sum the prices", summary="The total **counts** prices now.")
        approval = await self.approval()
        assert approval is not None
        return approval

    async def to_publishing(self) -> Approval:
        approval = await self.to_ready()
        await self.actions.approve(approval.id, ADA)
        return approval
