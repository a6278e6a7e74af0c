"""A model chooses among what it is offered, through every SDK; whatever else it says is nothing."""

from __future__ import annotations

import json

import pytest

from sandbox.errors import ProviderError
from sandbox.llm.choosing import Choice, Option, choose
from sandbox.llm.prices import PUBLISHED
from sandbox.llm.providers import Model
from tests.sandbox.llm.conftest import Pair
from tests.sandbox.llm.script import Failure, Words

OFFERED = (Option("acme/api", "The shop's interface"), Option("acme/web"))


async def chosen(pair: Pair, answer: Words | Failure) -> Choice:
    pair.will(answer)
    model = Model(pair.provider, "m")
    return await choose(model, "Which?", "fix the page", OFFERED, prices=PUBLISHED, of="t_1")


def call(name: object, sure: object = True, tool: str = "choose") -> Words:
    given = json.dumps({"name": name, "sure": sure})
    return Words(calls=(("x", tool, given),), stop="tool_calls", uncached_tokens=1000)


async def test_one_of_the_names_with_what_it_cost(pair: Pair) -> None:
    choice = await chosen(pair, call("ACME/web"))
    assert choice.name == "acme/web"
    assert (choice.usage.input_tokens, choice.usage.output_tokens) == (1000, 5)
    assert choice.cost_usd == PUBLISHED.cost_usd(pair.provider.name, choice.model, choice.usage)
    assert choice.cost_usd
    (asked,) = pair.server.requests
    said = json.dumps(asked)
    assert "- acme/api: The shop's interface" in said
    assert '["acme/api", "acme/web", "unknown"]' in said


@pytest.mark.parametrize(
    "answer",
    [
        call("unknown"),
        call("acme/web", sure=False),
        call("acme/web", sure="yes"),
        call("evil/other"),
        call("acme"),
        call(["acme/web"]),
        call("acme/web", tool="shell"),
        Words(calls=(("x", "choose", '{"name": "acme/web", '),), stop="tool_calls"),
        Words(
            calls=(
                ("x", "choose", '{"name": "acme/web", "sure": true}'),
                ("y", "choose", '{"name": "acme/api", "sure": true}'),
            ),
            stop="tool_calls",
        ),
        Words(text="acme/web, surely."),
        Words(text='["acme/web"]'),
        Words(text="I will not.", stop="refusal"),
    ],
)
async def test_anything_else_is_not_known(pair: Pair, answer: Words) -> None:
    assert (await chosen(pair, answer)).name is None


async def test_the_call_may_be_written_down(pair: Pair) -> None:
    words = Words(text='```json\n{"name": "acme/api", "sure": true}\n```')
    assert (await chosen(pair, words)).name == "acme/api"


async def test_a_failure_is_the_providers(pair: Pair) -> None:
    with pytest.raises(ProviderError):
        await chosen(pair, Failure(status=401, type="authentication_error"))
