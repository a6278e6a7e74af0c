"""A GitHub-compatible forge on loopback: REST, git over HTTP, and pages to look at."""

from chatbot.demo.forge.server import Forge

__all__ = ["Forge"]
