"""The run's rules hold for other agents too: the key, the model, budgets, walls, secrets."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import web

from sandbox.recorder import Allowance, InboxItem
from sandbox.spec import Limits
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.openai_server import OpenAIServer
from tests.sandbox.llm.script import Failure, Words
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.passing.conftest import KEY, House, Open
from tests.sandbox.passing.responses_server import ResponsesServer

SECRET = "correct-horse-battery"
HELLO = Words(text="Hello.")


async def _ask(house: House, text: Any = "Hi.", **more: Any) -> Any:
    content = [{"type": "text", "text": text}] if isinstance(text, str) else text
    return await house.anthropic().messages.create(
        model="any",
        max_tokens=10,
        messages=[{"role": "user", "content": content}],
        stream=True,
        **more,
    )


async def _read(stream: Any) -> list[Any]:
    return [event async for event in stream]


async def test_keys_open_their_own_doors_only(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(speak_anthropic)
    token = house.door.journal.entry.token
    for key in (token, "wrong"):
        with pytest.raises(anthropic.AuthenticationError):
            await house.anthropic(key=key).messages.create(
                model="any", max_tokens=1, messages=[{"role": "user", "content": "Hi."}]
            )
    for key, path in ((house.key, "/run"), (house.key, "/inbox"), (token, "/turns/0")):
        headers = {"Authorization": f"Bearer {key}"}
        reply = await house.http.get(f"http://gateway{path}", headers=headers)
        assert reply.status_code == (401 if key == house.key else 404)
    assert house.server.requests == []
    # A model of another provider is not to be had, and is refused in that one's own words.
    with pytest.raises(openai.NotFoundError):
        await house.openai().responses.create(model="gpt-5.2", input="Hi.")


async def test_the_one_model_there_is(open_house: Open, speak_chat: OpenAIServer) -> None:
    house = await open_house(speak_chat)
    models = [model.id async for model in house.openai().models.list()]
    assert models == ["gpt-5.2"]


async def test_turns_and_budgets(open_house: Open, speak_anthropic: AnthropicServer) -> None:
    house = await open_house(speak_anthropic, limits=Limits(turns=5))
    house.will(HELLO, HELLO, HELLO)
    await _read(await _ask(house))
    house.recorder.spent = Allowance(used=0.9, name="today's budget of $5.00")
    await _read(await _ask(house))
    house.recorder.spent = Allowance(used=1.1, name="today's budget of $5.00")
    await _read(await _ask(house))
    last = house.server.requests[-1]["messages"][-1]["content"]
    assert last[0]["text"] == "Hi."
    assert "last reply" in last[1]["text"]
    with pytest.raises(anthropic.APIStatusError) as caught:
        await _ask(house)
    assert (caught.value.status_code, caught.value.type) == (402, "billing_error")
    assert "Today's budget of $5.00 is used up." in str(caught.value)
    assert house.door.routes.passing.refused == "Today's budget of $5.00 is used up."
    assert len(house.recorder.payloads("budget_warning")) == 1
    assert len(house.server.requests) == 3


async def test_used_up_turns_are_not_asked_for_again(
    open_house: Open, speak_responses: ResponsesServer
) -> None:
    house = await open_house(speak_responses, limits=Limits(turns=1))
    house.will(HELLO)
    client = house.openai(max_retries=3)
    await client.responses.create(model="any", input="Hi.")
    assert "last reply" in str(house.server.requests[0]["input"][-1])
    with pytest.raises(openai.RateLimitError) as caught:
        await client.responses.create(model="any", input="Hi.")
    assert caught.value.code == "insufficient_quota"


async def test_a_run_that_begins_with_nothing_left(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    recorder = MemoryRecorder(spent=Allowance(used=1, name="the run's budget of $1.00"))
    house = await open_house(speak_anthropic, recorder=recorder)
    with pytest.raises(anthropic.APIStatusError):
        await _ask(house)
    assert house.server.requests == []


async def test_secrets_go_no_further(open_house: Open, speak_anthropic: AnthropicServer) -> None:
    house = await open_house(speak_anthropic, secrets=(SECRET,))
    house.will(HELLO)
    await _read(await _ask(house, f"It says {SECRET}.", system=f"{SECRET}"))
    assert SECRET not in str(house.server.requests)
    assert SECRET not in str(house.recorder.stored_turns)
    assert house.recorder.payloads("redacted") == [{"where": "turn", "count": 2}]


async def test_what_a_provider_sealed_stays_as_it_is(
    open_house: Open, speak_responses: ResponsesServer
) -> None:
    house = await open_house(speak_responses, secrets=(SECRET,))
    house.will(HELLO)
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SECRET}
    odd = {"type": "message", "role": "user", "content": f"data: {SECRET}", "signature": SECRET}
    given: Any = [odd, sealed, {"type": "message", "role": "user", "content": "Hi."}]
    await house.openai().responses.create(model="any", input=given)
    sent = house.server.requests[0]["input"]
    assert sent[1]["encrypted_content"] == SECRET
    assert SECRET not in str((sent[0], sent[2], house.recorder.payloads("turn")))


async def test_counting_tokens_is_no_turn(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(_Counting(speak_anthropic.script))
    count = await house.anthropic().messages.count_tokens(
        model="any", messages=[{"role": "user", "content": "Hi."}]
    )
    assert count.input_tokens == 2095
    assert house.server.requests[0]["model"] == "claude-sonnet-5-5"
    assert house.recorder.payloads("turn") == []


class _Counting(AnthropicServer):
    """Counts as the provider does."""

    def application(self) -> web.Application:
        application = super().application()
        application.router.add_post("/v1/messages/count_tokens", self._count)
        return application

    async def _count(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        return web.json_response({"input_tokens": 2095})


async def test_what_would_reach_out_is_left_out(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(speak_anthropic)
    house.will(HELLO, HELLO)
    own: Any = {"name": "bash", "input_schema": {"type": "object"}}
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    servers = {"mcp_servers": [{"type": "url", "url": "https://x.example", "name": "x"}]}
    for _ in range(2):
        await _read(await _ask(house, tools=[own, search], extra_body=servers))
    for sent in house.server.requests:
        assert sent["tools"] == [own]
        assert "mcp_servers" not in sent
    assert len(house.recorder.payloads("note")) == 1
    image = {"type": "image", "source": {"type": "url", "url": "https://x.example/?leak"}}
    with pytest.raises(anthropic.BadRequestError):
        await _ask(house, [image])
    assert len(house.server.requests) == 2


async def test_nothing_reaches_out_by_openais_protocols(
    open_house: Open, speak_responses: ResponsesServer
) -> None:
    house = await open_house(speak_responses)
    house.will(HELLO)
    client = house.openai()
    tools: Any = [{"type": "web_search"}, {"type": "mcp", "server_label": "x", "server_url": "u"}]
    inner = {"type": "function", "name": "x", "parameters": {}, "strict": False}
    space = {"type": "namespace", "name": "n", "description": "", "tools": [inner, *tools]}
    more: Any = [
        {"type": "additional_tools", "role": "developer", "tools": [space]},
        {"type": "message", "role": "user", "content": "Hi."},
    ]
    await client.responses.create(model="any", input=more, tools=tools, store=True)
    sent = house.server.requests[0]
    assert (sent["tools"], sent["store"]) == ([], False)
    assert sent["input"][0]["tools"][0]["tools"] == [inner]
    with pytest.raises(openai.BadRequestError):
        await client.responses.create(model="any", input="Hi.", previous_response_id="resp_1")
    part = {"type": "input_image", "image_url": "https://x.example/?leak", "detail": "auto"}
    given: Any = [{"role": "user", "content": [part]}]
    with pytest.raises(openai.BadRequestError):
        await client.responses.create(model="any", input=given)
    shot = {"type": "computer_screenshot", "image_url": "https://x.example/?leak"}
    given = [{"type": "computer_call_output", "call_id": "c", "output": shot}]
    with pytest.raises(openai.BadRequestError):
        await client.responses.create(model="any", input=given)
    part = {"type": "image_url", "image_url": {"url": "https://x.example/?leak"}}  # type: ignore[dict-item]
    given = [{"role": "user", "content": [part]}]
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="any", messages=given)


async def test_refusals_pass_through_without_the_key(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(speak_anthropic)
    house.will(
        Failure(status=429, type="rate_limit_error", headers={"Retry-After": "7"}),
        Failure(status=400, type="invalid_request_error", message=f"no {KEY}"),
        Failure(status=401, type="authentication_error", message=f"bad key {KEY}"),
    )
    with pytest.raises(anthropic.RateLimitError) as limited:
        await _ask(house)
    assert limited.value.response.headers["Retry-After"] == "7"
    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError) as refused:
            await _ask(house)
        assert KEY not in str(refused.value)
    assert house.recorder.payloads("turn") == []
    fault = house.door.routes.fault
    assert fault is not None
    assert fault.brief == "Anthropic refused the key."
    house.will(HELLO)
    await _read(await _ask(house))
    assert house.door.routes.fault is None


async def test_streams_come_unbuffered_and_count_when_nobody_listens(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    gate = asyncio.Event()
    house = await open_house(_Halting(speak_anthropic.script, gate=gate))
    house.will(HELLO, HELLO)
    stream = await _ask(house)
    events = aiter(stream)
    # The server has not ended its answer: what it said until now is here all the same.
    assert (await anext(events)).type == "message_start"
    await stream.close()
    assert house.recorder.payloads("turn") == []
    gate.set()
    async with asyncio.timeout(60):
        while not house.recorder.payloads("turn"):
            await asyncio.sleep(0.01)
    assert house.recorder.payloads("turn")[0]["usage"]["output_tokens"] == 5
    assert len(await _read(await _ask(house))) > 3


class _Halting(AnthropicServer):
    """Waits after the first event of its first answer."""

    def __init__(self, script: Any, *, gate: asyncio.Event) -> None:
        super().__init__(script)
        self._gate = gate

    def application(self) -> web.Application:
        application = super().application()
        application.on_response_prepare.append(self._prepared)
        return application

    async def _prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        write, gate = response.write, self._gate

        async def write_slowly(data: bytes) -> None:
            if b"message_start" not in data:
                await gate.wait()
            await write(data)

        response.write = write_slowly  # type: ignore[assignment, method-assign]


async def test_an_answer_that_breaks_off_is_counted_and_hangs_up(
    open_house: Open, speak_chat: OpenAIServer
) -> None:
    house = await open_house(speak_chat)
    house.will(Failure(type="hang_up", mid_stream=True))
    stream = await house.openai().chat.completions.create(
        model="any", messages=[{"role": "user", "content": "Hi."}], stream=True
    )
    with pytest.raises(openai.APIConnectionError):
        await _read(stream)
    (turn,) = await house.recorder.turns()
    assert turn.reply.stop == "length"
    assert turn.reply.usage.input_tokens > 0
    assert house.door.routes.fault is not None


async def test_closing_counts_what_was_taken_until_then(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(_Halting(speak_anthropic.script, gate=asyncio.Event()))
    house.will(HELLO)
    stream = await _ask(house)
    await anext(aiter(stream))
    await house.door.close()
    (turn,) = await house.recorder.turns()
    assert turn.reply.usage.input_tokens == 7
    await stream.close()


async def test_odd_requests_are_refused_in_the_protocols_words(
    open_house: Open, speak_responses: ResponsesServer
) -> None:
    house = await open_house(speak_responses)
    house.will(HELLO)
    odd = {"type": {"type": ["string"]}, "data": {"type": {}}, "role": []}
    headers = {"Authorization": f"Bearer {house.key}"}
    for body, status in (("[]", 400), ("{", 400), ('"' * 10, 400)):
        url = "http://gateway/openai/v1/responses"
        reply = await house.http.post(url, content=body, headers=headers)
        assert (reply.status_code, set(reply.json()["error"])) == (
            status,
            {"message", "type", "param", "code"},
        )
    given: Any = {"input": "Hi.", "tools": [odd, {"type": "function", "name": "x"}], "text": odd}
    given["tools"][1]["parameters"] = odd
    for path in ("responses", "chat/completions"):
        more = {"messages": [odd, {"role": "user", "content": [odd]}]}
        body = {**given, **(more if path != "responses" else {})}
        reply = await house.http.post(
            f"http://gateway/openai/v1/{path}", json=body, headers=headers
        )
        # The server's own check refuses it, or it is answered: the gateway does not break.
        assert reply.status_code in (200, 404, 500)
        assert "Something broke on the host." not in reply.text


async def test_messages_that_the_program_was_given_are_marked(
    open_house: Open, speak_anthropic: AnthropicServer
) -> None:
    house = await open_house(speak_anthropic)
    house.recorder.say(InboxItem(id=7, kind="message", text="Hi"))
    house.recorder.say(InboxItem(id=8, kind="stop"))
    headers = {"Authorization": f"Bearer {house.door.journal.entry.token}"}
    for body, status in (({"taken": [7, 8, 99, 7]}, 200), ({"taken": ["x"]}, 400), ({}, 400)):
        reply = await house.http.post("http://gateway/inbox", json=body, headers=headers)
        assert reply.status_code == status
    assert house.recorder.delivered_ids == [(7, 0)]
