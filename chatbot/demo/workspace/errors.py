"""How a call of the Web API is refused."""

from __future__ import annotations


class ApiError(Exception):
    """Slack's own word for it; ``messages`` explain, as Slack's response_metadata does."""

    def __init__(
        self,
        error: str,
        *,
        messages: list[str] | None = None,
        more: dict[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages or []
        self.more = more or {}
        """Further fields of the answer."""


class RateLimited(Exception):
    """HTTP 429: come back after that many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after}")
        self.retry_after = retry_after
