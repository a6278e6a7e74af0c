"""A person's words -> what they ask for. Pure: no network, no clock, no settings."""

from chatbot.request.commands import find_autofix, find_choice, find_default, find_link, is_stop
from chatbot.request.model import AGENTS, MODEL_ALIASES, Request, Vocabulary
from chatbot.request.reading import understand
from chatbot.request.slack_text import plain

__all__ = [
    "AGENTS",
    "MODEL_ALIASES",
    "Request",
    "Vocabulary",
    "find_autofix",
    "find_choice",
    "find_default",
    "find_link",
    "is_stop",
    "plain",
    "understand",
]
