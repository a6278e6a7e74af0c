"""What comes along with a message in Slack: its files, and what was said above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.given import Fetch
from chatbot.history.given import Given, NewGiven
from chatbot.slack.incoming import Attachment, Incoming, app_name
from chatbot.slack.message_text import words_of
from chatbot.slack.people import People
from chatbot.slack.uploads import GivenRefused, Uploads

MAX_FILES: Final = 10
"""Of one message, pictures among them."""
MAX_FILE_BYTES: Final = 10 * 1024**2
MAX_QUOTED: Final = 30
"""Messages above a mention: the one that began the thread, and the newest."""
MAX_PAGES: Final = 5
QUOTED_CHARACTERS: Final = 16_000
ONE_CHARACTERS: Final = 4000


def given_with(said: Incoming, *, is_first: bool) -> list[NewGiven]:
    """Where it all is; a request brings what was said above it, too."""
    found = given_of(said.attachments, is_first=is_first)
    if is_first and said.thread_ts is not None:
        found.insert(0, said_above(said.channel, said.thread_ts, said.ts))
    return found


def given_of(attachments: Sequence[Attachment], *, is_first: bool) -> list[NewGiven]:
    """The files; a zip that comes with a request is its source."""
    files = [file for file in attachments if not (is_first and file.is_zip)]
    return [_given(file, is_over=index >= MAX_FILES) for index, file in enumerate(files)]


def said_above(channel: str, thread_ts: str, before: str) -> NewGiven:
    """The words of a thread up to a message, or to a time, as Slack writes both."""
    origin = {
        "from": "slack_thread",
        "channel": channel,
        "thread_ts": thread_ts,
        "before": before,
    }
    return NewGiven(kind="text", name="what was said above", origin=origin)


def words_for(attachments: Sequence[Attachment]) -> str:
    """What somebody says who sends files without a word."""
    names = ", ".join(file.name[:100] or "a file" for file in attachments[:MAX_FILES])
    return f"(no words, but files: {names})"


def _given(file: Attachment, *, is_over: bool) -> NewGiven:
    note = ""
    if is_over:
        note = f"only {MAX_FILES} files of a message are taken"
    elif file.size > MAX_FILE_BYTES:
        note = f"it is larger than {MAX_FILE_BYTES // 1024**2} MiB"
    elif not file.url:
        note = "it is not stored in Slack"
    return NewGiven(
        kind="image" if file.media_type.startswith("image/") else "file",
        name=file.name[:200] or "file",
        origin={"from": "slack_file", "url": file.url, "media_type": file.media_type},
        note=note,
    )


class SlackGiven:
    """Fetches them, with the bot's token."""

    def __init__(self, client: AsyncWebClient, people: People, uploads: Uploads, bot: str) -> None:
        self._client = client
        self._people = people
        self._uploads = uploads
        self._bot = bot
        """Our own user id."""

    def fetchers(self) -> Mapping[str, Fetch]:
        return {"slack_file": self._file, "slack_thread": self._thread}

    async def _file(self, item: Given) -> bytes:
        return await self._uploads.read(
            str(item.origin["url"]),
            limit_bytes=MAX_FILE_BYTES,
            is_page=item.origin.get("media_type") == "text/html",
        )

    async def _thread(self, item: Given) -> bytes:
        origin = item.origin
        before = float(origin["before"])
        said = [
            message
            for message in await self._replies(origin)
            if float(message["ts"]) < before and message.get("user") != self._bot
        ]
        if len(said) > MAX_QUOTED:
            said = [said[0], *said[1 - MAX_QUOTED :]]
        lines = [await self._line(message) for message in said]
        while len(lines) > 1 and sum(map(len, lines)) > QUOTED_CHARACTERS:
            del lines[1]
        return "\n".join(lines).encode()

    async def _replies(self, origin: dict[str, Any]) -> list[dict[str, Any]]:
        """From the oldest on, a page at a time, up to a thousand."""
        found: list[dict[str, Any]] = []
        cursor = None
        for _ in range(MAX_PAGES):
            try:
                answer = await self._client.conversations_replies(
                    channel=origin["channel"],
                    ts=origin["thread_ts"],
                    latest=origin["before"],
                    inclusive=False,
                    limit=200,
                    cursor=cursor,
                )
            except SlackApiError as error:
                raise GivenRefused("Slack did not show the thread", details=str(error)) from error
            found += answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return found

    async def _line(self, message: dict[str, Any]) -> str:
        user = message.get("user")
        name = (await self._people.get(str(user))).name if user else app_name(message)
        # Further lines stand in, so that nobody speaks in another's name.
        text = words_of(message)[:ONE_CHARACTERS].replace("\n", "\n    ")
        files = [str(file.get("name") or "file") for file in message.get("files") or []]
        shown = f" [files: {', '.join(files)[:300]}]" if files else ""
        return f"{' '.join(name.split())}: {text}{shown}"
