"""A Slack-compatible workspace on loopback, with a chat page and Slack's documented limits."""

from chatbot.demo.workspace.server import Workspace

__all__ = ["Workspace"]
