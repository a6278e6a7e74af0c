"""A question to the people in the thread: the run waits for whatever somebody says next."""

from __future__ import annotations

import time
from typing import Any, Dict

from agent_image.agent import prompt
from agent_image.agent.events import Events
from agent_image.agent.inbox import Inbox
from agent_image.agent.stop import Stop
from agent_image.agent.tools import Result

MAX_SECONDS = 1800.0
KEPT_SECONDS = 120.0
"""What an unanswered question must leave of the run's time."""
_PAUSE_SECONDS = 0.1


def ask_people(
    arguments: Dict[str, Any], events: Events, inbox: Inbox, stop: Stop, *, seconds_left: float
) -> Result:
    """The answer itself reaches the model as a message, with the next turn; raises Stopped."""
    left = min(MAX_SECONDS, seconds_left - KEPT_SECONDS)
    if left < 1:
        return Result(prompt.NO_TIME, is_error=True)
    deadline = time.monotonic() + left
    options = [str(option) for option in arguments.get("options", [])]
    events.add("question", question=str(arguments["question"]), options=options)
    is_answered = False
    try:
        while time.monotonic() < deadline and not is_answered:
            stop.wait(_PAUSE_SECONDS)
            is_answered = inbox.holds()
    finally:
        events.add("question_closed", answered=is_answered)
    return Result(prompt.ANSWERED if is_answered else prompt.UNANSWERED.format(left / 60))
