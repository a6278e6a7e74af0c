"""Each adapter hears what the real program printed, recorded from it; and how each is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_image.agent.seat.adapter import Adapter, Ending, Place, Telling
from agent_image.agent.seat.closing import make_words, read_ending
from agent_image.agent.seat.work import ADAPTERS, derive_key
from sandbox.gateway.wire import parse_events
from sandbox.passing.door import derive_key as derive_gateway_key
from sandbox.seats import SEAT, SEATS
from tests.agent_image.conftest import describe

RECORDINGS = Path(__file__).parent / "recordings"
CLOSING = "Mend a\n\nI mended `a.txt`.\n\nCheck: true"


class Heard:
    """Stands where the events go out."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def add(self, kind: str, **payload: Any) -> None:
        event = {"id": len(self.events) + 1, "kind": kind, **payload}
        (parsed,) = parse_events(json.dumps({"events": [event]}).encode())
        self.events.append((kind, parsed.payload))

    def titles(self, kind: str) -> list[str]:
        return [payload["title"] for found, payload in self.events if found == kind]


def hear(name: str, agent: str) -> tuple[Adapter, Heard]:
    heard, adapter = Heard(), ADAPTERS[agent]()
    tell = Telling(heard)  # type: ignore[arg-type]
    for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines():
        adapter.hear(json.loads(line), tell)
    return adapter, heard


def test_claude_code() -> None:
    adapter, heard = hear("claude-code", "claude-code")
    assert adapter.ending == Ending(CLOSING)
    plans = [payload["items"] for kind, payload in heard.events if kind == "plan"]
    assert [[item["status"] for item in plan] for plan in plans] == [
        ["complete", "in_progress"],
        ["complete", "complete"],
    ]
    titles = heard.titles("step_started")
    assert titles[0].startswith("Running pytest -q")
    assert titles[1:] == ["Reading a.txt", "Editing a.txt"]
    steps = [payload for kind, payload in heard.events if kind == "step_finished"]
    assert [step["status"] for step in steps] == ["error", "complete", "complete"]
    assert steps[0]["title"].endswith(": 2 passed")


def test_codex() -> None:
    adapter, heard = hear("codex", "codex")
    assert adapter.ending == Ending(CLOSING)
    assert heard.titles("step_started") == ["Running ls; echo hi; false", "Editing a.txt"]
    steps = [payload for kind, payload in heard.events if kind == "step_finished"]
    assert [(step["status"], step["output"]) for step in steps] == [
        ("error", "a.txt\nhi\n"),
        ("complete", ""),
    ]


def test_mini_swe_agent() -> None:
    adapter, heard = hear("mini-swe-agent", "mini-swe-agent")
    assert adapter.ending is not None
    assert read_ending(adapter.ending, "change")["title"] == "Mend a"
    assert len(heard.titles("step_started")) == 2
    assert heard.titles("step_finished")[0].endswith(": 2 passed")


@pytest.mark.parametrize(
    ("agent", "words"),
    [("claude-code", "The run's budget of $1.00 is used up."), ("codex", "Quota exceeded.")],
)
def test_a_refused_request_ends_the_work(agent: str, words: str) -> None:
    adapter, _ = hear(f"{agent}-refused", agent)
    assert adapter.ending is not None
    outcome = read_ending(adapter.ending, "change")
    assert outcome["kind"] == "gave_up"
    assert words in outcome["brief"]


@pytest.mark.parametrize("agent", ADAPTERS)
def test_odd_events_are_heard_without_harm(agent: str) -> None:
    adapter = ADAPTERS[agent]()
    tell = Telling(Heard())  # type: ignore[arg-type]
    kinds = ("assistant", "user", "result", "item.started", "item.completed", "turn.failed")
    for kind in (*kinds, "begin", "end", "said", [], None):
        for inner in (None, [], "x", {"content": [None, {"type": "tool_use", "input": 3}]}):
            adapter.hear({"type": kind, "message": inner, "item": inner, "error": inner}, tell)
    for part in ("todo_list", "file_change", "command_execution", "agent_message"):
        adapter.hear({"type": "item.completed", "item": {"type": part}}, tell)


@pytest.mark.parametrize("agent", ADAPTERS)
def test_how_each_is_started(agent: str, tmp_path: Path) -> None:
    provider = "anthropic" if agent == "claude-code" else "openai"
    place = Place("http://127.0.0.1:9", "key", "model-x", provider, True, str(tmp_path))
    launch = ADAPTERS[agent]().launch("Mend it.", place)
    assert launch.command[0].startswith(f"{SEAT}/bin/")
    shown = [*launch.command, *launch.variables.values(), launch.stdin.decode()]
    shown += [path.read_text() for path in tmp_path.rglob("*.toml")]
    assert any("127.0.0.1:9" in text for text in shown)
    assert any("model-x" in text for text in shown)
    assert any(text == "key" or '"key"' in text for text in shown)
    assert "Mend it." in launch.stdin.decode()
    if agent == "claude-code":
        tools = launch.command[launch.command.index("--tools") + 1].split(",")
        assert "Bash" in tools
        assert not {"Edit", "Write"} & set(tools)


def test_host_and_container_agree() -> None:
    assert set(ADAPTERS) == set(SEATS)
    assert derive_key("token") == derive_gateway_key("token")


def test_the_words_that_another_agent_gets(tmp_path: Path) -> None:
    earlier = [{"request": "Add one.", "summary": "Added."}]
    run = describe("0" * 40, earlier=earlier, turn=3, request="And two.", mode="review")
    words = make_words(run, str(tmp_path), ["Given along: x"])
    assert words.index("Add one.") < words.index("# Follow-up") < words.index("And two.")
    assert "Finding: high|medium|low" in words
    assert "Given along: x" in words
    assert len(make_words(describe("0" * 40, request="x" * 200_000), str(tmp_path))) < 101_000


def test_last_words_become_the_outcome() -> None:
    change = read_ending(
        Ending("**Mend it**\n\nDone.\n- Check: `make test`\nCheck: true"), "change"
    )
    assert change == {
        "kind": "finished",
        "title": "Mend it",
        "summary": "Done.",
        "checks": ["make test", "true"],
    }
    answer = read_ending(Ending("It is `a.py:3`."), "explain")
    assert answer == {"kind": "finished", "answer": "It is `a.py:3`."}
    review = "Finding: high | a.py:3 | Off by one | It is. | Add one.\nFinding: low | b.py\nTwo."
    found = read_ending(Ending(review), "review")
    assert found["summary"] == "Two."
    assert [(f["severity"], f["file"], f["line"]) for f in found["findings"]] == [
        ("high", "a.py", 3),
        ("low", "b.py", None),
    ]
    assert read_ending(Ending("", "boom"), "change")["kind"] == "gave_up"
