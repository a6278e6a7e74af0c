"""Slack's rate limits: a tier for each method, and a second between posts in one channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chatbot.demo.workspace.errors import RateLimited

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute that Slack promises."""
METHOD_TIERS = {
    "chat.update": 3,
    "chat.delete": 3,
    "conversations.replies": 3,
    "conversations.history": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "conversations.info": 3,
    "conversations.open": 3,
    "bots.info": 3,
    "team.info": 3,
    "reactions.add": 3,
    "reactions.get": 3,
    "reactions.remove": 2,
    "users.list": 2,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "agents.sessions.setStatus": 3,
    "agents.sessions.rename": 3,
}
POSTS_BURST = 10
"""Posts in one channel that go through at once; then one a second."""


@dataclass(slots=True)
class _Bucket:
    size: float
    per_second: float
    left: float
    at: float

    def take(self, now: float) -> float:
        """0, or the seconds until there is room."""
        self.left = min(self.size, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.per_second


@dataclass(slots=True)
class Rates:
    clock: Callable[[], float]
    is_on: bool = True
    buckets: dict[str, _Bucket] = field(default_factory=dict)

    def check(self, method: str, channel: str) -> None:
        """Raise RateLimited where the call comes too soon."""
        if not self.is_on or method == "apps.connections.open":
            return
        if method == "chat.postMessage":
            name, size, per_second = f"{method} {channel}", float(POSTS_BURST), 1.0
        else:
            a_minute = TIERS[METHOD_TIERS.get(method, 4)]
            name, size, per_second = method, float(a_minute), a_minute / 60
        now = self.clock()
        bucket = self.buckets.setdefault(name, _Bucket(size, per_second, size, now))
        if wait := bucket.take(now):
            raise RateLimited(max(1, round(wait + 0.5)))
