"""The Web API's wire: GET or POST; arguments in query, form or JSON; one token for each kind."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from chatbot.demo.workspace.api import Api
from chatbot.demo.workspace.errors import ApiError, RateLimited
from chatbot.demo.workspace.installed import Installed
from chatbot.demo.workspace.rates import Rates

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was made, and its answer."""

    method: str
    arguments: Json
    at: float
    answer: Json


@dataclass(slots=True, kw_only=True)
class Fault:
    method: str
    error: str
    status: int
    retry_after: int | None
    left: int
    after: bool


@dataclass(slots=True, kw_only=True)
class WebApi:
    """Reads a call, refuses it or has it answered."""

    api: Api
    rates: Rates
    installed: Installed
    bot_token: str
    app_token: str
    clock: Callable[[], float]
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            sent = await read_arguments(request)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        status, headers, answer = await self._answer(request, method, sent)
        self.calls.append(Call(method=method, arguments=sent, at=self.clock(), answer=answer))
        headers["X-OAuth-Scopes"] = ",".join(self.installed.scopes)
        return web.json_response(answer, status=status, headers=headers)

    async def _answer(
        self, request: web.Request, method: str, sent: Json
    ) -> tuple[int, dict[str, str], Json]:
        fault = self._fault(method)
        try:
            if fault is not None and not fault.after:
                return _fail(fault)
            self._check_token(request, method, sent)
            self.installed.check_scope(method, sent)
            self.rates.check(method, str(sent.get("channel", "")))
            answer = await self.api.call(method, sent)
        except RateLimited as limited:
            headers = {"Retry-After": str(limited.retry_after)}
            return 429, headers, {"ok": False, "error": "ratelimited"}
        except ApiError as error:
            refused: Json = {"ok": False, "error": error.error, **error.more}
            if error.messages:
                messages = [f"[ERROR] {message}" for message in error.messages]
                refused["response_metadata"] = {"messages": messages}
                refused["errors"] = error.messages
            return 200, {}, refused
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return 200, {}, {"ok": False, "error": "invalid_arguments", "detail": repr(error)}
        return (200, {}, {"ok": True, **answer}) if fault is None else _fail(fault)

    def _check_token(self, request: web.Request, method: str, sent: Json) -> None:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        in_body = str(sent.pop("token", ""))
        offered = offered or in_body
        if not offered:
            raise ApiError("not_authed")
        wanted = self.app_token if method.startswith("apps.") else self.bot_token
        if not hmac.compare_digest(offered.encode(), wanted.encode()):
            known = {self.app_token, self.bot_token}
            raise ApiError("not_allowed_token_type" if offered in known else "invalid_auth")

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method:
                fault.left -= 1
                if fault.left <= 0:
                    self.faults.remove(fault)
                return fault
        return None


async def read_arguments(request: web.Request) -> Json:
    sent: Json = dict(request.query)
    if request.content_type == "application/json" and request.can_read_body:
        given = await request.json()
        sent |= given if isinstance(given, dict) else {}
    elif request.method == "POST":
        sent |= dict((await request.post()).items())
    return sent


def _fail(fault: Fault) -> tuple[int, dict[str, str], Json]:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return fault.status, headers, {"ok": False, "error": fault.error}
