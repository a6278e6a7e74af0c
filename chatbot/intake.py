"""From a person's words to a stored task or follow-up, the same for Slack, web and command line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history.store import History
from chatbot.models import Origin, Person, Task, Thread
from sandbox.spec import Mode

Reply = Literal["stored", "duplicate", "stopping", "nothing_to_stop"]


class Intake:
    """Understands requests, and stores them: also those that cannot be done, as failed tasks."""

    def __init__(self, settings: Settings, history: History, actions: Actions) -> None: ...

    async def ask(
        self,
        words: str,
        *,
        author: Person,
        origin: Origin,
        thread: Thread | None = None,
        key: str | None = None,
        repository: str | None = None,
        ref: str | None = None,
        mode: Mode | None = None,
        model: str | None = None,
        archive: Path | None = None,
    ) -> Task:
        """A new task; what is given by name wins over what the words say."""
        raise NotImplementedError

    async def reply(self, task: Task, words: str, *, author: Person, key: str | None) -> Reply:
        """A follow-up, a stop, or the repository that was asked for."""
        raise NotImplementedError
