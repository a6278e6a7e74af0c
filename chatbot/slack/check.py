"""Whether Slack takes the configured tokens, for `threadsmith doctor`."""

from __future__ import annotations

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.config import Settings
from chatbot.slack.http_door import INSTALL_PATH, PATH
from sandbox.errors import ThreadsmithError


async def check_slack(settings: Settings) -> str:
    """Who the bot is, in words; raises a ThreadsmithError that says what is wrong."""
    if settings.slack.client_id:
        return f"workspaces install the app at {settings.web.public_url}{INSTALL_PATH}"
    bot, app = settings.slack.bot_token, settings.slack.app_token
    is_http = settings.slack.mode == "http"
    if bot is None or (settings.slack.signing_secret if is_http else app) is None:
        name = "SIGNING_SECRET" if is_http else "APP_TOKEN"
        raise ThreadsmithError(
            "not configured",
            resolution=f"Set THREADSMITH_SLACK_BOT_TOKEN and THREADSMITH_SLACK_{name}.",
        )
    client = AsyncWebClient(token=bot.get_secret_value(), base_url=settings.slack.api_url)
    try:
        who = await client.auth_test()
        if not is_http and app is not None:
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
    way = f"requests come to {PATH}" if is_http else "Socket Mode opens"
    return f"{who['user']} in {who['team']}; {way}"
