"""From a program's start to its end: what it tells and makes, and what people say meanwhile."""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple

from agent_image.agent.gateway import Gateway
from agent_image.agent.given import GivenThings
from agent_image.agent.inbox import Inbox
from agent_image.agent.keeper import PatchKeeper
from agent_image.agent.prompt import message_text
from agent_image.agent.seat.adapter import Adapter, Telling
from agent_image.agent.seat.program import Program
from agent_image.agent.stop import Stop, Stopped

Json = Dict[str, Any]

_PATCH_SECONDS = 5.0
"""Between two patches on the way: the last one counts."""


class Around(NamedTuple):
    """What is spoken to meanwhile."""

    gateway: Gateway
    inbox: Inbox
    stop: Stop
    given: GivenThings
    patches: PatchKeeper
    tell: Telling


class Follower:
    """One program at work."""

    def __init__(
        self, program: Program, adapter: Adapter, around: Around, *, changes: bool
    ) -> None:
        self._program = program
        self._adapter = adapter
        self._around = around
        self._changes = changes
        self._sent_at = time.monotonic()
        self._sent_steps = 0
        self._said: List[int] = []
        """Messages that the program was given, and has not gone on after."""

    def follow(self) -> str:
        """To the program's end or the run's; answers what it complained of."""
        stop, deadline = self._around.stop, self._around.gateway.deadline
        try:
            for event in self._program.events(stop, deadline):
                if event is not None:
                    self._adapter.hear(event, self._around.tell)
                    self._mark_taken()
                    self._send_patch()
                if self._adapter.takes_words:
                    self._pass_words()
            self._program.wait(stop, deadline)
        except Stopped:
            pass
        finally:
            complaint = self._program.close()
            self._around.tell.end_all()
        return complaint

    def _send_patch(self) -> None:
        """What it has made on its way, now and then."""
        steps = self._around.tell.ended_steps
        is_due = time.monotonic() - self._sent_at >= _PATCH_SECONDS
        if self._changes and is_due and steps > self._sent_steps:
            self._around.patches.join()
            self._around.patches.begin()
            self._sent_at, self._sent_steps = time.monotonic(), steps

    def _pass_words(self) -> None:
        """People's messages, as they come; without any more the end is the end."""
        inbox = self._around.inbox
        is_ending = self._adapter.ending is not None
        if is_ending and not self._program.is_hushed and not inbox.has_news():
            self._program.hush()
        if self._program.is_hushed:
            return
        for message in inbox.take():
            blocks = self._around.given.blocks(message.given)
            texts = [message_text(message), *(str(block["text"]) for block in blocks)]
            self._adapter.ending = None
            self._program.say(self._adapter.phrase("\n\n".join(texts)))
            self._said.append(message.id)

    def _mark_taken(self) -> None:
        if self._said:
            self._around.gateway.ask(
                "POST", "/inbox", {"taken": self._said}, stop=self._around.stop
            )
            self._said = []
