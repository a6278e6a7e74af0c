"""What publishing does on GitHub: repositories looked at, pull requests opened and kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from chatbot.forge.errors import ForgeConflict, ForgeError, ForgeNotFound
from chatbot.forge.identity import Identity, Rights

FORK_TRIES = 20
FORK_SECONDS = 1.5
"""Between looks at a fork that is being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryInfo:
    """What publishing needs to know of a repository."""

    default_branch: str
    html_url: str
    is_private: bool
    is_archived: bool
    rights: Rights

    @property
    def missing(self) -> tuple[str, ...]:
        """What stands against a pull request, in words."""
        if self.is_archived:
            return ("it is archived",)
        push = self.rights.push or self.rights.can_fork
        return (
            *(() if push else ("the right to push (contents: write) is missing",)),
            *(() if self.rights.pulls else ("the right to open pull requests is missing",)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPull:
    """A pull request as the forge has it."""

    number: int
    url: str
    branch: str
    is_open: bool
    body: str
    head_commit: str


class GitHubForge:
    """One forge, with one identity there."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def close(self) -> None:
        await self.identity.close()

    async def check(self) -> str:
        """Who we are there, in words; raises ForgeTokenRefused."""
        return f"answers as {await self.identity.login()}"

    async def repository(self, name: str) -> RepositoryInfo:
        """Raises ForgeNotFound for what does not exist or may not be seen."""
        data = await self._ask("GET", name, "")
        rights = await self.identity.rights(name, data)
        return RepositoryInfo(
            default_branch=data["default_branch"],
            html_url=data["html_url"],
            is_private=bool(data.get("private")),
            is_archived=bool(data.get("archived")),
            rights=rights,
        )

    async def find_pull(self, name: str, branch: str, *, owner: str = "") -> OpenPull | None:
        """The open pull request of that branch; ``owner`` of the fork it is in."""
        head = f"{owner or name.partition('/')[0]}:{branch}"
        found = await self._ask("GET", name, "/pulls", query={"state": "open", "head": head})
        return next((_pull(data) for data in found), None)

    async def create_pull(
        self,
        name: str,
        *,
        branch: str,
        base: str,
        title: str,
        body: str,
        draft: bool,
        owner: str = "",
    ) -> OpenPull:
        """Raises ForgeConflict where it exists, or a branch is missing."""
        given = {
            "title": title,
            "body": body,
            "head": f"{owner}:{branch}" if owner else branch,
            "base": base,
            "draft": draft,
        }
        return _pull(await self._ask("POST", name, "/pulls", body=given))

    async def edit_pull(self, name: str, number: int, *, body: str, title: str = "") -> OpenPull:
        """An empty title leaves it as it is."""
        given = {"body": body} | ({"title": title} if title else {})
        return _pull(await self._ask("PATCH", name, f"/pulls/{number}", body=given))

    async def add_labels(self, name: str, number: int, labels: tuple[str, ...]) -> None:
        await self._ask("POST", name, f"/issues/{number}/labels", body={"labels": list(labels)})

    async def request_reviewers(self, name: str, number: int, reviewers: tuple[str, ...]) -> None:
        """People by login, teams as `organisation/team`."""
        given = {
            "reviewers": [each for each in reviewers if "/" not in each],
            "team_reviewers": [each.partition("/")[2] for each in reviewers if "/" in each],
        }
        await self._ask("POST", name, f"/pulls/{number}/requested_reviewers", body=given)

    async def reply(self, name: str, number: int, comment: int, words: str) -> None:
        """Under a comment on a line."""
        path = f"/pulls/{number}/comments/{comment}/replies"
        await self._ask("POST", name, path, body={"body": words})

    async def has_reply(self, name: str, number: int, comment: int, words: str) -> bool:
        """Whether just that was said under the comment before."""
        client = await self.identity.client(name)
        path = f"/repos/{name}/pulls/{number}/comments"
        comments = await client.pages(path, name=name)
        return any(c.get("in_reply_to_id") == comment and c["body"] == words for c in comments)

    async def delete_branch(self, name: str, branch: str) -> None:
        """Gone is fine."""
        try:
            await self._ask("DELETE", name, f"/git/refs/heads/{branch}")
        except (ForgeConflict, ForgeNotFound):
            pass

    async def fork(self, name: str) -> str:
        """Our own copy of the repository, made where there is none; answers its name."""
        made = await self._ask("POST", name, "/forks", body={"default_branch_only": True})
        fork = str(made["full_name"])
        for _ in range(FORK_TRIES):
            # GitHub makes it in the background.
            try:
                await self._ask("GET", fork, "/git/ref/heads/" + str(made["default_branch"]))
            except ForgeNotFound:
                await asyncio.sleep(FORK_SECONDS)
            else:
                return fork
        raise ForgeError(f"The fork `{fork}` is not ready yet.", resolution="Try again later.")

    async def person(self, login: str) -> tuple[str, int]:
        """Somebody's login as they write it, and their number; raises ForgeNotFound."""
        client = await self.identity.open_client()
        answer = await client.ask("GET", f"/users/{login}", name=login)
        return str(answer.data["login"]), int(answer.data["id"])

    async def permission(self, name: str, login: str) -> str:
        """`admin`, `write`, `read` or `none`."""
        try:
            found = await self._ask("GET", name, f"/collaborators/{login}/permission")
        except ForgeNotFound:
            return "none"
        return str(found.get("permission") or "none")

    async def _ask(self, verb: str, name: str, path: str, **given: Any) -> Any:
        client = await self.identity.client(name)
        return (await client.ask(verb, f"/repos/{name}{path}", name=name, **given)).data


def _pull(data: dict[str, Any]) -> OpenPull:
    return OpenPull(
        number=int(data["number"]),
        url=str(data["html_url"]),
        branch=str(data["head"]["ref"]),
        is_open=data["state"] == "open",
        body=str(data.get("body") or ""),
        head_commit=str(data["head"]["sha"] or ""),
    )
