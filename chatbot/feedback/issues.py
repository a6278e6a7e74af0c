"""Issues that become tasks: by a label, by being assigned to us, or by a comment that names us.

Only where the configuration names a channel for the repository, and only on the word of somebody
with write access there. What was there before the first look starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.forge.github import GitHubForge
from chatbot.history import pulls, queries
from chatbot.intake import Intake
from chatbot.models import ALIVE, Issue, Person, Task, Thread
from chatbot.publish_rules import publish_rules

log = structlog.get_logger(__name__)

WRITERS = frozenset({"admin", "write", "maintain"})
BODY_CHARACTERS = 8000

OpenThread = Callable[[str, str, str], Awaitable[Thread | None]]
"""Channel, words and key -> a new thread with these words; the same key opens it once."""


async def no_thread(_channel: str, _words: str, _key: str) -> Thread | None:
    """Where there is no Slack."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody's wish that an issue is worked on."""

    id: int
    number: int
    by: str
    words: str = ""
    """Of a comment; empty: the issue itself says what to do."""

    def key(self, repository: str) -> str:
        return f"issue:{repository}#{self.number}:{self.id}"


class IssueReader:
    """Reads the issues of repositories that may ask, and starts what they ask for."""

    def __init__(
        self, settings: Settings, actions: Actions, intake: Intake, forge: GitHubForge
    ) -> None:
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._intake = intake
        self._forge = forge
        self.open_thread: OpenThread = no_thread
        """Set by the front that has threads."""

    async def look(self, repository: str) -> None:
        cursor = await self._history.read(partial(pulls.cursor, name=f"issues:{repository}"))
        seen: dict[str, Any] = dict(cursor or {})
        own = await self._forge.identity.login()
        names = {own, own.removesuffix("[bot]")}
        label = publish_rules(self._settings, repository).issues_label
        asks: list[Ask] = []
        events = await self._new(repository, "/issues/events", "event", seen)
        asks += [ask for event in events if (ask := _event_ask(event, names, label))]
        comments = await self._new(repository, "/issues/comments", "comment", seen)
        asks += [ask for comment in comments if (ask := _comment_ask(comment, names))]
        if cursor is not None:
            for ask in sorted(asks, key=lambda each: each.id):
                await self._start(repository, ask)
        if seen != cursor:
            # Last: what fails before this is read again, and each ask starts once by its key.
            await self._history.write(lambda db: pulls.put_cursor(db, f"issues:{repository}", seen))

    async def _new(
        self, repository: str, path: str, name: str, seen: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Entries since the last look, the newest first; at most a hundred."""
        client = await self._forge.identity.client(repository)
        answer = await client.ask(
            "GET",
            f"/repos/{repository}{path}",
            name=repository,
            query={"per_page": 100, "sort": "created", "direction": "desc"},
            etag=str(seen.get(f"{name}_etag") or ""),
        )
        if answer.is_unchanged:
            return []
        last = int(seen.get(name) or 0)
        entries: list[dict[str, Any]] = answer.data
        seen[f"{name}_etag"] = answer.etag
        seen[name] = max([last, *(int(entry["id"]) for entry in entries)])
        return [entry for entry in entries if int(entry["id"]) > last]

    async def _start(self, repository: str, ask: Ask) -> None:
        key = ask.key(repository)
        if await self._history.read(partial(queries.find_task_by_key, key=key)):
            return
        if await self._forge.permission(repository, ask.by) not in WRITERS:
            log.info("issue_ignored", repository=repository, number=ask.number, by=ask.by)
            return
        author = Person(f"github:{ask.by}", ask.by)
        known = await self._history.read(
            lambda db: pulls.find_task_of_issue(db, repository, ask.number)
        )
        if known is not None and _goes_on(known):
            if ask.words:
                await self._actions.add_message(known.id, author, ask.words, key=key)
            return
        issue = await self._issue(repository, ask.number)
        if issue is None:
            return
        rules = publish_rules(self._settings, repository)
        words = f"Issue #{ask.number} of {repository}: {issue['title']}\n{issue['html_url']}"
        thread = await self.open_thread(rules.issues_channel, words, key)
        if thread is None:
            return
        await self._intake.ask(
            _request(repository, issue, ask),
            author=author,
            origin="issue",
            thread=thread,
            key=key,
            repository=repository,
            mode="change",
            issue=Issue(repository=repository, number=ask.number, url=str(issue["html_url"])),
        )

    async def _issue(self, repository: str, number: int) -> dict[str, Any] | None:
        """None for a pull request, and for what was closed meanwhile."""
        client = await self._forge.identity.client(repository)
        path = f"/repos/{repository}/issues/{number}"
        found: dict[str, Any] = (await client.ask("GET", path, name=repository)).data
        return None if found.get("pull_request") or found["state"] != "open" else found


def _goes_on(task: Task) -> bool:
    """Whether there is somebody to listen: a run, a question, an open pull request."""
    is_open = task.pull_request is not None and task.pull_request.state == "open"
    return task.status in ALIVE or task.status in {"ready", "publishing"} or is_open


def _event_ask(event: dict[str, Any], names: set[str], label: str) -> Ask | None:
    is_label = event["event"] == "labeled" and (event.get("label") or {}).get("name") == label
    assignee = (event.get("assignee") or {}).get("login")
    if not is_label and not (event["event"] == "assigned" and assignee in names):
        return None
    actor = event.get("assigner") or event.get("actor") or {}
    issue = event.get("issue") or {}
    if issue.get("pull_request") or not actor.get("login") or not issue.get("number"):
        return None
    return Ask(id=int(event["id"]), number=int(issue["number"]), by=str(actor["login"]))


def _comment_ask(comment: dict[str, Any], names: set[str]) -> Ask | None:
    author = str((comment.get("user") or {}).get("login") or "")
    text = str(comment.get("body") or "")
    called = re.compile(
        rf"(?<![\w@/`])@(?:{'|'.join(re.escape(name) for name in sorted(names))})(?![\w-])",
        re.IGNORECASE,
    )
    # Quoted lines are somebody else's words.
    own = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(">"))
    if author in names or not called.search(own):
        return None
    number = int(str(comment["issue_url"]).rpartition("/")[2])
    words = called.sub("", own).strip()
    return Ask(id=int(comment["id"]), number=number, by=author, words=words[:BODY_CHARACTERS])


def _request(repository: str, issue: dict[str, Any], ask: Ask) -> str:
    """The words of whoever may ask, and the issue as a quotation of whoever wrote it."""
    body = str(issue.get("body") or "").strip()[:BODY_CHARACTERS]
    asked = ask.words or f"Resolve issue #{issue['number']} of {repository}."
    quoted = "\n".join(f"> {line}" for line in (str(issue["title"]), "", *body.splitlines()))
    return f"{asked}\n\nThe issue, as {issue['user']['login']} wrote it:\n{quoted}"
