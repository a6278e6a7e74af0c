"""Whether Slack takes the configured tokens, for `threadsmith doctor`."""

from __future__ import annotations

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.config import Settings
from sandbox.errors import ThreadsmithError


async def check_slack(settings: Settings) -> str:
    """Who the bot is, in words; raises a ThreadsmithError that says what is wrong."""
    bot, app = settings.slack.bot_token, settings.slack.app_token
    if bot is None or app is None:
        raise ThreadsmithError(
            "not configured",
            resolution="Set THREADSMITH_SLACK_BOT_TOKEN and THREADSMITH_SLACK_APP_TOKEN.",
        )
    client = AsyncWebClient(token=bot.get_secret_value(), base_url=settings.slack.api_url)
    try:
        who = await client.auth_test()
        await client.apps_connections_open(app_token=app.get_secret_value())
    except SlackApiError as error:
        raise ThreadsmithError(
            f"Slack answers {error.response['error']}",
            resolution="Check both tokens, and that the app is installed in the workspace.",
        ) from error
    except aiohttp.ClientError as error:
        raise ThreadsmithError(
            "Slack cannot be reached",
            details=str(error),
            resolution="Check the network and slack.api_url.",
        ) from error
    return f"{who['user']} in {who['team']}; Socket Mode opens"
