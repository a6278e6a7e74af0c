"""What stands against publishing a task, found out when it begins and not when somebody presses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from chatbot.config import Settings
from chatbot.forge.github import GitHubForge
from chatbot.models import Task
from chatbot.publish_rules import publish_rules
from sandbox.errors import RepositoryNotFound, ThreadsmithError

log = structlog.get_logger(__name__)

Missing = Callable[[Task], Coroutine[Any, Any, tuple[str, ...]]]
ANSWER_SECONDS = 10.0


def missing_rights(settings: Settings, forge: GitHubForge | None) -> Missing:
    """A function that answers in words; nothing where all is well, or nobody can tell now."""

    async def look(task: Task) -> tuple[str, ...]:
        if not task.source.forge or task.mode != "change":
            return ()
        if forge is None:
            return ("No forge is configured: the patch can be downloaded, not published.",)
        name = task.source.repository
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                info = await forge.repository(name)
        except RepositoryNotFound as error:
            return (error.brief,)
        except (ThreadsmithError, TimeoutError) as error:
            log.warning("preflight_failed", repository=name, error=str(error))
            return ()
        missing = info.missing
        if publish_rules(settings, name).publish == "branch":
            missing = tuple(each for each in missing if "pull requests" not in each)
        return tuple(f"Publishing to `{name}` will not work: {each}." for each in missing)

    return look
