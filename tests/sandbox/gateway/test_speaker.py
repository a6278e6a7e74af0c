"""Who answers a run: another model where the first is away, and patience where there is a queue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.errors import ProviderError, ProviderKeyMissing, ProviderUnavailable
from sandbox.gateway import speaker as module
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.speaker import Speaker
from sandbox.llm.pace import Pace
from sandbox.llm.prices import Price, Prices
from sandbox.llm.provider import Conversation, Message, Text, Usage
from sandbox.llm.providers import Model
from sandbox.watch import Watch
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.scripted_provider import ScriptedProvider, said

TALK = Conversation(system="", tools=(), messages=(Message("user", (Text("# Task\nHi."),)),))
AWAY = ProviderUnavailable("Anthropic is overloaded.")


def first(*replies: ProviderError) -> Model:
    return Model(ScriptedProvider([*replies], name="anthropic"), "claude")


def second(*replies: ProviderError) -> Model:
    return Model(ScriptedProvider([*replies], name="openai"), "gpt")


async def test_another_model_takes_over_and_stays(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    journal = await Journal.begin(tmp_path, Entry(phase="agent", started_at=0))
    spare = second()

    async def get() -> Model:
        return spare

    speaker = Speaker(first(AWAY), run_id="r", recorder=recorder, journal=journal, spare=get)
    assert (await speaker.reply(TALK)).model == "gpt"
    assert (await speaker.reply(TALK)).model == "gpt"
    assert recorder.payloads("model_fallback") == [
        {"from": "anthropic:claude", "to": "openai:gpt", "brief": "Anthropic is overloaded."}
    ]
    # So it is when the host's process was killed and came back.
    found = await Journal.find(tmp_path)
    again = Speaker(first(), run_id="r", recorder=recorder, journal=found, spare=get)
    await again.load()
    assert (await again.reply(TALK)).model == "gpt"


async def test_what_is_set_wrongly_is_told_and_nobody_takes_over() -> None:
    recorder = MemoryRecorder()

    async def get() -> Model:
        return second()

    refused = ProviderError("Anthropic refused the key.")
    speaker = Speaker(first(refused), run_id="r", recorder=recorder, spare=get)
    with pytest.raises(ProviderError, match="refused the key"):
        await speaker.reply(TALK)
    assert recorder.payloads("model_fallback") == []


async def test_where_nobody_can_take_over_the_first_failure_is_told() -> None:
    async def get() -> Model:
        raise ProviderKeyMissing("No key for OpenAI is configured.")

    for spare in (None, get):
        speaker = Speaker(first(AWAY), run_id="r", recorder=MemoryRecorder(), spare=spare)
        with pytest.raises(ProviderUnavailable, match="is overloaded"):
            await speaker.reply(TALK)


async def test_both_away() -> None:
    async def get() -> Model:
        return second(ProviderUnavailable("OpenAI cannot be reached."))

    speaker = Speaker(first(AWAY), run_id="r", recorder=MemoryRecorder(), spare=get)
    with pytest.raises(ProviderUnavailable, match="OpenAI cannot be reached"):
        await speaker.reply(TALK)


async def test_waiting_for_a_turn_is_told_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.0)
    recorder, pace = MemoryRecorder(), Pace(tokens=2000)
    held = await pace.enter("another", 1500)
    speaker = Speaker(
        Model(ScriptedProvider(name="openai"), "gpt", pace), run_id="r", recorder=recorder
    )
    asking = asyncio.create_task(speaker.reply(TALK))
    while not recorder.payloads("model_waiting"):
        await asyncio.sleep(0.01)
    assert recorder.payloads("model_waiting") == [{"model": "openai:gpt", "waiting": 1}]
    pace.settle(held, 10)
    assert (await asyncio.wait_for(asking, 30)).model == "gpt"
    assert sum(entry.tokens for entry in pace._recent) == 10 + 12  # as the reply says it was


async def test_the_configuration_prices_what_the_table_does_not_know() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cache_read_tokens=500_000)
    prices = Prices({("openai", "gpt"): Price(input=1, output=2, cache_read=0.5)})
    speaker = Speaker(second(), run_id="r", recorder=MemoryRecorder(), prices=prices)
    reply = said("", model="a name of the server's own")
    assert speaker.cost_usd(reply) is not None
    assert prices.cost_usd("openai", "gpt", usage) == pytest.approx(0.5 + 0.25 + 2)
    assert prices.cost_usd("openai", "other", usage) is None


async def test_what_was_waited_is_none_of_the_runs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NOTABLE_SECONDS", 0.0)
    journal = await Journal.begin(tmp_path, Entry(phase="agent", started_at=100.0))
    watch, pace = Watch(), Pace(tokens=2000)
    held = await pace.enter("another", 1500)
    speaker = Speaker(
        Model(ScriptedProvider(name="openai"), "gpt", pace),
        run_id="r",
        recorder=MemoryRecorder(),
        journal=journal,
        patience=watch.patience,
    )
    asking = asyncio.create_task(speaker.reply(TALK))
    while not watch.waited:
        await asyncio.sleep(0.01)
    pace.settle(held, 10)
    await asyncio.wait_for(asking, 30)
    assert speaker.take_waited() == pytest.approx(journal.entry.started_at - 100.0)
    assert speaker.take_waited() == 0.0
    assert watch.waited > 0
