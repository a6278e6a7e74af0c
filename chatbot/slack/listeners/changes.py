"""What happens to messages and channels after they were there."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from chatbot.slack.changed import Changed


def register(app: AsyncApp, changed: Changed) -> None:
    @app.event({"type": "message", "subtype": "message_changed"})
    async def edited(event: dict[str, Any]) -> None:
        await changed.edited(event)

    @app.event({"type": "message", "subtype": "message_deleted"})
    async def deleted(event: dict[str, Any]) -> None:
        await changed.deleted(event)

    @app.event("channel_unarchive")
    @app.event("group_unarchive")
    async def unarchived(event: dict[str, Any]) -> None:
        await changed.opened(str(event.get("channel")))

    @app.event("member_joined_channel")
    async def joined(event: dict[str, Any]) -> None:
        await changed.joined(event)
