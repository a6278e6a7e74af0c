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

    @app.event("channel_archive")
    @app.event("group_archive")
    async def archived(event: dict[str, Any]) -> None:
        changed.closed(str(event.get("channel")), "is_archived")

    @app.event("channel_left")
    @app.event("group_left")
    async def removed(event: dict[str, Any]) -> None:
        changed.closed(str(event.get("channel")), "not_in_channel")

    @app.event("channel_deleted")
    @app.event("group_deleted")
    async def gone(event: dict[str, Any]) -> None:
        await changed.gone(event)

    @app.event("member_left_channel")
    async def left(event: dict[str, Any]) -> None:
        changed.left(event)

    @app.event("app_uninstalled")
    async def uninstalled() -> None:
        changed.uninstalled()

    @app.event("tokens_revoked")
    async def revoked(event: dict[str, Any]) -> None:
        if (event.get("tokens") or {}).get("bot"):
            changed.uninstalled()

    @app.event("channel_unarchive")
    @app.event("group_unarchive")
    async def unarchived(event: dict[str, Any]) -> None:
        await changed.opened(str(event.get("channel")))

    @app.event("member_joined_channel")
    async def joined(event: dict[str, Any]) -> None:
        await changed.joined(event)
