"""The native routes of one run: other agent programs speak to the model as they always do.

The key that they hold is good for these routes alone, and for this run; the model is the run's.
What is sent is kept within the run's walls, its answer passed on as it comes, and both are counted
and kept like any turn. Trying again is up to the program.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp import web

from sandbox.errors import ProviderError
from sandbox.gateway.bodies import read_body
from sandbox.gateway.budget import BudgetWatch, used_up
from sandbox.gateway.fields import parse_object
from sandbox.gateway.hiding import Counting, Hiding
from sandbox.gateway.refusals import BadRequest, BudgetExceeded, Closing
from sandbox.gateway.speaker import enter
from sandbox.gateway.wall import BEGUN
from sandbox.llm.pace import weight
from sandbox.llm.provider import Text, ToolCall, Usage
from sandbox.passing.chat import ChatCompletions
from sandbox.passing.dialect import Answer, Dialect, Json, NotPassed
from sandbox.passing.events import EventReader
from sandbox.passing.hidden import hide
from sandbox.passing.messages import Messages
from sandbox.passing.novelty import Novelty
from sandbox.passing.replies import message_of, passed_headers, read_limited
from sandbox.passing.responses import Responses
from sandbox.passing.upstream import Upstream
from sandbox.recorder import Recorder, Turn
from sandbox.redaction import Redactor
from sandbox.spec import RunSpec

MAX_BYTES: Final = 16 * 1024**2
"""Of one request, which holds the whole conversation, or of an answer in one piece."""
MAX_AT_ONCE: Final = 4
"""Programs ask several things at a time; what they overdraw a budget by stays bounded."""
REPLY_SECONDS: Final = 900.0
SILENT_SECONDS: Final = 600.0
SHOWN_CHARACTERS: Final = 500
BYTES_PER_TOKEN: Final = 4
"""Where the provider did not come to say what a reply took."""
WRAP_UP: Final = (
    "[From the system you run in: this is the last reply you can give. Call no more tools; say"
    " what you have done, and what is still to do.]"
)


@dataclass(slots=True)
class _Exchange:
    """One request on its way, and what came of it until now."""

    dialect: Dialect
    body: Json
    """As it goes on."""
    hidden: int
    answer: Answer
    size: int = 0
    received: int = 0
    is_taken: bool = False
    """The provider accepted it: it costs, whatever becomes of the answer."""
    turn: Turn | None = None


class Passing:
    """The pass-through of one run, over all its connections."""

    def __init__(
        self,
        spec: RunSpec,
        recorder: Recorder,
        upstream: Upstream,
        *,
        model: str,
        hiding: Hiding,
    ) -> None:
        self.fault: ProviderError | None = None
        """Why the model could not be asked, where that was the last that happened."""
        self.refused = ""
        """Why the program was refused a reply: it may say so in words of its own."""
        self._spec = spec
        self._recorder = recorder
        self._upstream = upstream
        self._model = model
        self._hiding = hiding
        self._peer = upstream.peer
        self._budgets = BudgetWatch(recorder)
        self._novelty = Novelty()
        self._count = spec.resume_turn
        self._asking = 0
        self._had_last = False
        """A budget is used up, and the reply to wrap up with was asked for."""
        self._left_out: set[str] = set()
        """Tools of which people were told that."""
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._entering = asyncio.Lock()
        self._recording = asyncio.Lock()
        self._tasks: set[asyncio.Task[web.StreamResponse]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def load(self) -> None:
        self._count = len(await self._recorder.turns())

    @property
    def next_number(self) -> int:
        return self._count

    def add_to(self, application: web.Application) -> None:
        route = application.router.add_route
        if self._upstream.provider == "anthropic":
            messages = Messages()
            route("POST", "/anthropic/v1/messages", partial(self._post, messages))
            route("POST", "/anthropic/v1/messages/count_tokens", self._count_tokens)
            route("GET", "/anthropic/v1/models", self._get_models)
        else:
            route("POST", "/openai/v1/responses", partial(self._post, Responses()))
            route("POST", "/openai/v1/chat/completions", partial(self._post, ChatCompletions()))
            route("GET", "/openai/v1/models", self._get_models)

    async def close(self) -> None:
        """Give up the answers that are on their way; what they took until now is counted."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session is not None:
            await self._session.close()

    async def _get_models(self, _: web.Request) -> web.Response:
        """There is but one."""
        model = {"id": self._model, "object": "model", "type": "model", "created": 0}
        model |= {"display_name": self._model, "owned_by": self._upstream.provider}
        return web.json_response({"object": "list", "data": [model], "has_more": False})

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        """Asked of the provider, which does not count it as a turn."""
        async with self._places:
            exchange = await self._read(Messages(), request)
            if self._closed:
                raise Closing
            return await self._tracked(self._pass_on(exchange, request, "/count_tokens"))

    async def _post(self, dialect: Dialect, request: web.Request) -> web.StreamResponse:
        # So that no more is held at a time, either.
        async with self._places:
            exchange = await self._read(dialect, request)
            try:
                is_last = await self._enter()
            except BudgetExceeded as refusal:
                self.refused = refusal.brief
                raise
            self.refused = ""
            try:
                if is_last:
                    exchange.body = dialect.add_words(exchange.body, WRAP_UP)
                return await self._tracked(self._paced(exchange, request))
            finally:
                self._asking -= 1
                if is_last and not exchange.is_taken:
                    self._had_last = False

    async def _read(self, dialect: Dialect, request: web.Request) -> _Exchange:
        body = await read_body(request, limit_bytes=MAX_BYTES)
        counting = Counting(self._hiding.redactor)
        shown = await asyncio.to_thread(_read_hidden, body, counting)
        try:
            admitted = dialect.admit(shown, model=self._model)
        except NotPassed as refusal:
            raise BadRequest(str(refusal)) from refusal
        await self._tell_left_out(admitted.left_out)
        answer = dialect.answer(self._model)
        return _Exchange(dialect, admitted.body, counting.count, answer, size=len(body))

    async def _tell_left_out(self, names: tuple[str, ...]) -> None:
        new = [name for name in dict.fromkeys(names) if name not in self._left_out]
        if new:
            self._left_out.update(new)
            shown = self._hiding.redactor.text(", ".join(new))[:SHOWN_CHARACTERS]
            text = f"Tools that would reach out of the sandbox were left out: {shown}."
            await self._recorder.event("note", {"text": text})

    async def _enter(self) -> bool:
        """Whether this is the last reply to be had; raises BudgetExceeded where there is none.

        A run that begins with nothing left has not even that.
        """
        async with self._entering:
            if self._closed:
                raise Closing
            turns = self._spec.limits.turns
            left = self._spec.resume_turn + turns - self._count - self._asking
            if left <= 0:
                raise BudgetExceeded(f"The run's {turns} turns are used up.")
            allowance = await self._budgets.look()
            is_spent = allowance.used >= 1
            if is_spent and (self._had_last or self._count == self._spec.resume_turn):
                raise BudgetExceeded(used_up(allowance.name))
            self._had_last = is_spent
            self._asking += 1
            return is_spent or left == 1

    async def _tracked(
        self, exchange: Coroutine[Any, Any, web.StreamResponse]
    ) -> web.StreamResponse:
        """Whoever asked may hang up: what was asked is heard to its end, and counted."""
        task = asyncio.create_task(exchange)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Closing from None
            raise

    async def _paced(self, exchange: _Exchange, request: web.Request) -> web.StreamResponse:
        """At the rates that the provider allows all runs together."""
        upstream, taken = self._upstream, 0
        tokens = exchange.size // BYTES_PER_TOKEN
        entry = await enter(upstream.pace, self._spec.run_id, tokens, self._tell_waiting)
        try:
            return await self._exchange(exchange, request)
        finally:
            if exchange.turn is not None:
                taken = weight(upstream.provider, exchange.turn.reply.usage)
            upstream.pace.settle(entry, taken)

    async def _tell_waiting(self, waiting: int) -> None:
        title = f"{self._upstream.provider}:{self._model}"
        await self._recorder.event("model_waiting", {"model": title, "waiting": waiting})

    async def _exchange(self, exchange: _Exchange, request: web.Request) -> web.StreamResponse:
        try:
            return await self._pass_on(exchange, request, "")
        except BaseException:
            fault = self.fault
            if exchange.is_taken:
                await self._record(exchange)
            self.fault = fault
            raise

    async def _pass_on(
        self, exchange: _Exchange, request: web.Request, more: str
    ) -> web.StreamResponse:
        if self._session is None:
            wait = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=SILENT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=wait, trust_env=True)
        url = self._upstream.url(exchange.dialect.path + more)
        headers = self._upstream.headers(request.headers)
        data = json.dumps(exchange.body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            async with (
                asyncio.timeout(REPLY_SECONDS),
                self._session.post(url, data=data, headers=headers, allow_redirects=False) as reply,
            ):
                if reply.status != 200:
                    return await self._refuse(reply)
                exchange.is_taken = not more
                if reply.content_type == "text/event-stream":
                    return await self._stream(exchange, request, reply)
                return await self._give(exchange, reply)
        except TimeoutError as error:
            raise self._failed(self._peer.silent(REPLY_SECONDS), request) from error
        except aiohttp.ClientError as error:
            fault = self._peer.unreachable(repr(error))
            if exchange.is_taken:
                fault = self._peer.broke_off(repr(error))
            raise self._failed(fault, request) from error

    def _failed(self, fault: ProviderError, request: web.Request) -> Exception:
        """Where part of an answer is out, only hanging up tells that it is not whole."""
        self.fault = fault
        return ConnectionResetError() if BEGUN in request else fault

    async def _stream(
        self, exchange: _Exchange, request: web.Request, reply: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=passed_headers(reply))
        await response.prepare(request)
        request[BEGUN] = True
        reader, is_heard = EventReader(), True
        async for chunk in reply.content.iter_any():
            exchange.received += len(chunk)
            events = list(reader.feed(chunk))
            for event in events:
                if event is not None:
                    exchange.answer.take(event)
            if exchange.answer.is_whole or None in events:
                # Before the client can ask for more.
                await self._record(exchange)
            if is_heard:
                try:
                    await response.write(chunk)
                except ConnectionError:
                    is_heard = False
        await self._record(exchange)
        if is_heard:
            await response.write_eof()
        return response

    async def _give(self, exchange: _Exchange, reply: aiohttp.ClientResponse) -> web.Response:
        data = await read_limited(reply, limit_bytes=MAX_BYTES)
        exchange.received = len(data)
        if exchange.is_taken:
            try:
                exchange.answer.take_whole(parse_object(data))
            except BadRequest as error:
                raise self._peer.broke_off("The answer is no JSON object.") from error
            await self._record(exchange)
        return web.Response(body=data, headers=passed_headers(reply))

    async def _refuse(self, reply: aiohttp.ClientResponse) -> web.Response:
        """The provider's refusal, in its own words; of the key nothing is told."""
        data = await read_limited(reply, limit_bytes=MAX_BYTES)
        text = data.decode(errors="replace")
        self.fault = self._peer.failure(reply.status, message_of(text), model=self._model)
        if reply.status < 400 or reply.status in (401, 403):
            raise self.fault
        shown = Redactor([self._upstream.key]).text(text)
        return web.Response(status=reply.status, text=shown, headers=passed_headers(reply))

    async def _record(self, exchange: _Exchange) -> None:
        """Keep the turn, once, with what is known of it by now."""
        async with self._recording:
            if exchange.turn is not None:
                return
            asked = exchange.dialect.read(exchange.body)
            news = await asyncio.to_thread(self._novelty.find, asked)
            answer = exchange.answer
            reply = answer.reply()
            if answer.usage is None:
                reply = replace(reply, usage=_estimate(exchange))
            sha256 = hashlib.sha256(json.dumps(exchange.body, sort_keys=True).encode()).hexdigest()
            turn = Turn(
                number=self._count,
                request_sha256=sha256,
                messages=news.messages,
                reply=reply,
                system=news.system,
                tools=news.tools,
            )
            await self._recorder.turn(turn)
            exchange.turn = turn
            self._count += 1
            self._novelty.heard(reply)
            self.fault = self._peer.broke_off(answer.problem) if answer.problem else None
            await self._recorder.event("turn", self._describe(turn))
            await self._hiding.add("turn", exchange.hidden)
            await self._budgets.look()

    def _describe(self, turn: Turn) -> dict[str, object]:
        reply = turn.reply
        text = "\n".join(block.text for block in reply.content if isinstance(block, Text))
        return {
            "n": turn.number,
            "model": reply.model,
            "usage": asdict(reply.usage),
            "cost_usd": self._upstream.prices.cost_usd(
                self._upstream.provider, reply.model, reply.usage
            ),
            "tools": [block.name for block in reply.content if isinstance(block, ToolCall)],
            "text": self._hiding.redactor.text(text)[:SHOWN_CHARACTERS],
        }


def _read_hidden(body: bytes, counting: Counting) -> Json:
    shown: Json = hide(parse_object(body), counting)
    return shown


def _estimate(exchange: _Exchange) -> Usage:
    """More rather than less: a program could hang up to spend without being counted."""
    return Usage(
        input_tokens=exchange.size // BYTES_PER_TOKEN + 1,
        output_tokens=exchange.received // BYTES_PER_TOKEN + 1,
    )
