"""The budgets that a run stands under, looked at after each turn."""

from __future__ import annotations

from typing import Final

from sandbox.recorder import Allowance, Recorder

WARN_SHARE: Final = 0.8


class BudgetWatch:
    """Warns in time, and once for each budget."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._warned: set[str] = set()

    async def look(self) -> Allowance:
        """How far the tightest one is used by now."""
        allowance = await self._recorder.allowance()
        if allowance.used >= WARN_SHARE and allowance.name not in self._warned:
            self._warned.add(allowance.name)
            payload = {"name": allowance.name, "used": round(allowance.used, 3)}
            await self._recorder.event("budget_warning", payload)
        return allowance


def used_up(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]} is used up."
