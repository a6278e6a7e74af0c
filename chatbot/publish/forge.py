"""GitHub's REST API; the only importer of PyGithub, which blocks and so runs in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests
from github import Auth, Github, GithubException, GithubRetry
from github.PullRequest import PullRequest as GithubPull

from sandbox.errors import RepositoryNotFound, ThreadsmithError

T = TypeVar("T")

ANSWER_SECONDS = 20
MAX_WAIT_SECONDS = 60.0
"""The longest a rate limit is waited out in place; beyond it the person is told."""


class ForgeError(ThreadsmithError):
    """The forge refused the request."""

    code = "forge_error"


class ForgeTokenRefused(ForgeError):
    """The forge refuses the configured token."""

    code = "forge_token_refused"
    resolution = "Set a valid THREADSMITH_FORGE_TOKEN that may push and open pull requests."


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryInfo:
    """What publishing needs to know of a repository."""

    default_branch: str
    html_url: str
    can_push: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPull:
    """A pull request as the forge has it."""

    number: int
    url: str
    branch: str
    is_open: bool


class GitHubForge:
    """One forge with one token."""

    def __init__(self, *, base_url: str, token: str) -> None:
        self._github = Github(
            base_url=base_url,
            auth=Auth.Token(token),
            timeout=ANSWER_SECONDS,
            retry=GithubRetry(total=4, max_rate_limit_wait=MAX_WAIT_SECONDS),
            user_agent="threadsmith",
            # A repository is not read before each thing that is done in it.
            lazy=True,
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._github.close)

    async def check(self) -> str:
        """Who the token belongs to, in words; raises ForgeTokenRefused."""
        login = await self._call("", lambda: self._github.get_user().login)
        return f"answers as {login}"

    async def repository(self, name: str) -> RepositoryInfo:
        """Raises RepositoryNotFound for what does not exist or may not be seen."""

        def read() -> RepositoryInfo:
            found = self._github.get_repo(name)
            found.complete()
            return RepositoryInfo(
                default_branch=found.default_branch,
                html_url=found.html_url,
                can_push=bool(found.permissions and found.permissions.push),
            )

        return await self._call(name, read)

    async def find_pull(self, name: str, branch: str) -> OpenPull | None:
        """The open pull request of that branch."""
        owner = name.partition("/")[0]

        def read() -> OpenPull | None:
            repository = self._github.get_repo(name)
            pulls = repository.get_pulls(state="open", head=f"{owner}:{branch}")
            return next((_pull(pull) for pull in pulls), None)

        return await self._call(name, read)

    async def create_pull(
        self, name: str, *, branch: str, base: str, title: str, body: str, draft: bool
    ) -> OpenPull:
        def create() -> OpenPull:
            repository = self._github.get_repo(name)
            return _pull(repository.create_pull(base, branch, title=title, body=body, draft=draft))

        return await self._call(name, create)

    async def edit_pull(self, name: str, number: int, *, title: str, body: str) -> OpenPull:
        def edit() -> OpenPull:
            pull = self._github.get_repo(name).get_pull(number)
            pull.edit(title=title, body=body)
            return _pull(pull)

        return await self._call(name, edit)

    async def _call(self, name: str, ask: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(ask)
        except GithubException as error:
            raise _explain(name, error) from error
        except requests.RequestException as error:
            raise ForgeError(
                "The forge cannot be reached.",
                details=str(error),
                resolution="Check forge.api_url and the host's network, then try again.",
            ) from error


def _pull(pull: GithubPull) -> OpenPull:
    return OpenPull(
        number=pull.number,
        url=pull.html_url,
        branch=pull.head.ref,
        is_open=pull.state == "open",
    )


def _explain(name: str, error: GithubException) -> ThreadsmithError:
    data = error.data if isinstance(error.data, dict) else {}
    details = f"{error.status}: {error.data}"
    reasons = [
        fault.get("message") or f"{fault.get('field')} is {fault.get('code')}"
        for fault in data.get("errors") or ()
        if isinstance(fault, dict)
    ]
    match error.status:
        case 401:
            return ForgeTokenRefused(details=details)
        case 404:
            return RepositoryNotFound(
                f"The forge knows no repository `{name}`, or its token may not see it.",
                details=details,
            )
        case 403:
            return ForgeError(
                f"The forge's token may not do this in `{name}`.",
                details=details,
                resolution="Give the token the right to push and to open pull requests there.",
            )
        case _:
            said = "; ".join(reasons) or str(data.get("message") or "no reason given")
            return ForgeError(
                f"The forge refused: {said[:300]}", details=details, resolution="Try again later."
            )
