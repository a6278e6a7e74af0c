"""Which agents there are, whom they speak to, and how they are installed."""

from __future__ import annotations

import pytest

from sandbox.egress.rules import EgressRules
from sandbox.seats import SEATS, AgentRefused, check_agent
from sandbox.spec import AGENTS, OWN_AGENT


def test_every_agent_has_its_seat() -> None:
    assert set(AGENTS) == {OWN_AGENT, *SEATS}


@pytest.mark.parametrize(
    ("agent", "model"),
    [
        ("threadsmith", "replay:x"),
        ("claude-code", "anthropic:claude-sonnet-5-5"),
        ("codex", "openai:gpt-5.2"),
        ("mini-swe-agent", "anthropic:x"),
        ("mini-swe-agent", "openai:x"),
    ],
)
def test_who_speaks_to_whom(agent: str, model: str) -> None:
    check_agent(agent, model)


@pytest.mark.parametrize(
    ("agent", "model", "words"),
    [
        ("claude-code", "openai:gpt-5.2", "`anthropic:…`"),
        ("codex", "anthropic:x", "`openai:…`"),
        ("mini-swe-agent", "replay:x", "`anthropic:…` or `openai:…`"),
        ("aider", "openai:x", "threadsmith, claude-code, codex, mini-swe-agent"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(agent: str, model: str, words: str) -> None:
    with pytest.raises(AgentRefused) as caught:
        check_agent(agent, model)
    assert words in caught.value.resolution


@pytest.mark.parametrize("seat", SEATS.values(), ids=lambda seat: seat.name)
def test_an_installation_reaches_its_registry_and_nothing_else(seat) -> None:  # type: ignore[no-untyped-def]
    install = seat.install
    rules = EgressRules.parse(install.network)
    assert not rules.allows("example.com", 443, "CONNECT")
    host = "registry.npmjs.org" if seat.is_npm else "pypi.org"
    assert rules.allows(host, 443, "CONNECT")
    assert seat.version in install.script
    assert seat.version in install.name
