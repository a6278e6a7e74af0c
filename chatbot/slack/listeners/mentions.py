"""The bot's name in a channel."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from chatbot.slack.incoming import find_incoming
from chatbot.slack.reception import Reception


def register(
    app: AsyncApp,
    reception: Reception,
    *,
    team: str,
    bot_user_id: str,
    bot_id: str,
    bots: tuple[str, ...] = (),
) -> None:
    @app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        said = find_incoming(event, team=team, bot_user_id=bot_user_id, bot_id=bot_id, bots=bots)
        if said is not None:
            await reception.take(said)
