"""`threadsmith serve`: the whole program, until a signal."""

from __future__ import annotations

import asyncio
import signal

import click

from chatbot.app import start_app
from chatbot.config import Settings


async def wait_for_signal() -> None:
    """Return at the first SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def serve_forever(settings: Settings) -> None:
    """Serve until told to stop; containers at work are left for the next start."""
    async with start_app(settings) as app:
        slack = "Slack" if settings.slack.is_configured else "no Slack (slack.bot_token is not set)"
        click.echo(f"Threadsmith serves {slack}; task pages and API at {app.web_url}", err=True)
        await wait_for_signal()
