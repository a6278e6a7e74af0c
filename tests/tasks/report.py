"""What a round of working tasks came to, for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.tasks.rounds import Result

_HEAD = (
    f"{'task':<18}{'kind':<9}{'':<6}{'turns':>6}{'tokens in':>11}{'out':>8}{'cost':>10}{'time':>9}"
)


def totals(results: Sequence[Result]) -> dict[str, Any]:
    costs = [result.cost_usd for result in results]
    known = [cost for cost in costs if cost is not None]
    return {
        "tasks": len(results),
        "passed": sum(result.passed for result in results),
        "turns": sum(result.turns for result in results),
        "input_tokens": sum(result.input_tokens for result in results),
        "output_tokens": sum(result.output_tokens for result in results),
        "cost_usd": round(sum(known), 6) if known and len(known) == len(costs) else None,
        "seconds": round(sum(result.seconds for result in results), 3),
    }


def as_json(results: Sequence[Result], *, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "tasks": [result.to_json() for result in results],
        "totals": totals(results),
    }


def head() -> str:
    return _HEAD


def line(result: Result) -> str:
    said = result.said.strip().splitlines()
    why = f"  {result.status}: {said[-1][:100]}" if said else ""
    return _row(result.name, result.kind, "pass" if result.passed else "FAIL", result) + why


def summary(results: Sequence[Result]) -> str:
    whole = totals(results)
    row = Result(
        **{name: whole[name] for name in ("turns", "input_tokens", "output_tokens")},
        **{name: whole[name] for name in ("cost_usd", "seconds")},
        name="",
        kind="",
        passed=True,
        status="",
        verified="",
        said="",
    )
    return _row("all", "", f"{whole['passed']}/{whole['tasks']}", row)


def _row(name: str, kind: str, verdict: str, result: Result) -> str:
    cost = "?" if result.cost_usd is None else f"${result.cost_usd:.4f}"
    return (
        f"{name:<18}{kind:<9}{verdict:<6}{result.turns:>6}{result.input_tokens:>11,}"
        f"{result.output_tokens:>8,}{cost:>10}{result.seconds:>8.1f}s"
    )
