"""`make bench`: one script of tool calls, through our agent and through mini-swe-agent."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.bench.harnesses import (
    MINI,
    Measured,
    agent_alone,
    agent_with_gateway,
    commands_alone,
    install_mini,
    mini_swe_agent,
    without,
)

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROUNDS = 3
FILES = {
    "README.md": "# Sums\n\nA few sums.\n",
    "sums.py": "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return add(a, a)\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}
COMMANDS = (
    "ls -la",
    "cat sums.py test_sums.py",
    "grep -rn 'add' --include='*.py' .",
    "python3 -c 'import sums; print(sums.add(1, 2))'",
    "sed -i 's/a - b/a + b/' sums.py",
    "python3 -c 'import sums; print(sums.add(1, 2))'",
    "git diff",
)

Harness = Callable[[Path, dict[str, str], Sequence[str]], Awaitable[Measured]]
HARNESSES: dict[str, Harness] = {
    "agent alone": agent_alone,
    "agent and gateway": agent_with_gateway,
    MINI: mini_swe_agent,
}


async def test_one_script_side_by_side(tmp_path: Path) -> None:
    await asyncio.to_thread(install_mini)
    found: dict[str, list[Measured]] = {name: [] for name in HARNESSES}
    for number in range(ROUNDS):
        command = commands_alone(tmp_path / f"commands-{number}", FILES, COMMANDS)
        for name, harness in HARNESSES.items():
            directory = tmp_path / f"{name.replace(' ', '-')}-{number}"
            directory.mkdir()
            found[name].append(without(await harness(directory, FILES, COMMANDS), command))
    _print(found)
    ours, peer = found["agent and gateway"][-1], found[MINI][-1]
    assert ours.request_bytes > 0
    assert peer.request_bytes > 0
    assert found["agent alone"][-1].request_bytes < ours.request_bytes


def _print(found: dict[str, list[Measured]]) -> None:
    print(f"\n\n{len(COMMANDS)} commands and the end, median of {ROUNDS}; ratio: {MINI} / ours")
    names = list(found)
    print(f"  {'':<44}" + "".join(f"{name:>26}" for name in names) + f"{'ratio':>9}")
    rows: list[tuple[str, Callable[[Measured], float], str]] = [
        ("bytes of all requests", lambda m: m.request_bytes, ",.0f"),
        ("prompt tokens, all turns (characters / 4)", lambda m: m.prompt_tokens, ",.0f"),
        ("a turn without its command, ms", lambda m: m.turn * 1000, ",.1f"),
        ("processor time of the agent in a turn, ms", lambda m: m.processor * 1000, ",.1f"),
        ("start to first request, ms", lambda m: m.start * 1000, ",.0f"),
        ("resident memory of the agent, MiB", lambda m: m.resident_bytes / 1024**2, ",.1f"),
    ]
    for title, pick, form in rows:
        values = [statistics.median(pick(m) for m in found[name]) for name in names]
        shown = "".join(f"{format(value, form) if value else '-':>26}" for value in values)
        ratio = f"{values[2] / values[1]:8.1f}x" if values[1] else ""
        print(f"  {title:<44}{shown}{ratio}")
