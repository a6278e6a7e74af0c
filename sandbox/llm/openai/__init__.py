"""OpenAI's two protocols, and everything that speaks one of them."""

from sandbox.llm.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
