"""Requests to GitHub's REST API through PyGithub's own client, which signs, paces and retries.

The only importer of PyGithub. It blocks, and so runs in threads.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from github import Auth, Github, GithubException, GithubRetry

from chatbot.forge.errors import ForgeError, explain

ANSWER_SECONDS = 20
MAX_WAIT_SECONDS = 60.0
"""The longest a rate limit is waited out in place; beyond it the person is told."""
MAX_PAGES = 10
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    data: Any
    etag: str = ""
    next_url: str = ""

    @property
    def is_unchanged(self) -> bool:
        """As it was when the ETag was given; ``data`` is empty."""
        return self.status == 304


class Client:
    """Speaks with one token, or as an app."""

    def __init__(self, base_url: str, auth: Auth.Auth | None) -> None:
        self._github = Github(
            base_url=base_url,
            auth=auth,
            timeout=ANSWER_SECONDS,
            retry=GithubRetry(total=4, max_rate_limit_wait=MAX_WAIT_SECONDS),
            user_agent="threadsmith",
            # GitHub asks for pauses between writes only.
            seconds_between_requests=None,
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._github.close)

    async def ask(
        self,
        verb: str,
        path: str,
        *,
        name: str = "",
        query: dict[str, Any] | None = None,
        body: Any = None,
        etag: str = "",
    ) -> Answer:
        """Raises ForgeError and its kin for every refusal; ``name`` is the repository's."""
        headers = {"If-None-Match": etag} if etag else {}
        status, given, text = await asyncio.to_thread(
            self._send, name, verb, path, query, headers, body
        )
        try:
            data = json.loads(text) if text else None
        except ValueError as error:
            raise ForgeError("The forge's answer is not JSON.", details=text[:1000]) from error
        if status >= 400:
            raise explain(name, status, data)
        following = _NEXT.search(given.get("link") or "")
        return Answer(
            status=status,
            data=data,
            etag=given.get("etag") or "",
            next_url=following[1] if following else "",
        )

    async def pages(
        self, path: str, *, name: str, query: dict[str, Any] | None = None, inside: str = ""
    ) -> list[Any]:
        """A whole list, up to a thousand entries; ``inside`` names it in an object."""
        found: list[Any] = []
        answer = await self.ask("GET", path, name=name, query={"per_page": 100, **(query or {})})
        for _ in range(MAX_PAGES):
            found += (answer.data.get(inside) if inside else answer.data) or []
            if not answer.next_url:
                break
            answer = await self.ask("GET", answer.next_url, name=name)
        return found

    def _send(
        self,
        name: str,
        verb: str,
        path: str,
        query: dict[str, Any] | None,
        headers: dict[str, str],
        body: Any,
    ) -> tuple[int, dict[str, Any], str]:
        try:
            return self._github.requester.requestJson(verb, path, query, headers, body)
        except GithubException as error:
            given = error.data if isinstance(error.data, dict) else {"message": str(error.data)}
            raise explain(name, error.status, given) from error
        except requests.RequestException as error:
            raise ForgeError(
                "The forge cannot be reached.",
                details=str(error),
                resolution="Check forge.api_url and the host's network, then try again.",
            ) from error
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            # How an app's key that is none shows itself.
            raise ForgeError(
                "The forge's key cannot be used.",
                details=repr(error),
                resolution="Set forge.app_private_key_file to the app's key as GitHub gave it.",
            ) from error


def token_client(base_url: str, token: str) -> Client:
    return Client(base_url, Auth.Token(token))


def open_client(base_url: str) -> Client:
    """As nobody."""
    return Client(base_url, None)


def app_client(base_url: str, app_id: str, private_key: str) -> Client:
    """As the app itself: a JWT of its key, made anew when it is old."""
    return Client(base_url, Auth.AppAuth(app_id, private_key))
