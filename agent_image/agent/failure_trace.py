"""Which line of a set-up script failed: bash itself tells, in a file of ours."""

from __future__ import annotations

import os
from typing import Dict

from agent_image.agent.output import make_safe

# Read by the script's own bash before its first line; programs that it starts never see it.
_TRAP = """\
unset BASH_ENV
__threadsmith_failed() {{ printf '%s %s\\n' "$1" "$2" > {path}; }}
trap '__threadsmith_failed "$LINENO" "$BASH_COMMAND"' ERR
"""
_SHOWN = 200


class FailureTrace:
    """The newest command of the script's top level that ended with an error."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, "failed")
        self._rules = os.path.join(directory, "rules.sh")
        with open(self._rules, "w", encoding="utf-8") as file:
            file.write(_TRAP.format(path=self._path))

    def environment(self) -> Dict[str, str]:
        return {"BASH_ENV": self._rules}

    def describe(self, script: str, code: int) -> str:
        """One sentence; without a line where the shell did not tell one."""
        try:
            with open(self._path, "rb") as file:
                line, _, command = make_safe(file.read(4096)).strip().partition(" ")
        except OSError:
            line = ""
        if not line.isdigit():
            return "The set-up script `{}` failed (exit code {}).".format(script, code)
        first = command.strip().splitlines()[0] if command.strip() else ""
        shown = first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…"
        return "The set-up script `{}` failed at line {}: `{}` (exit code {}).".format(
            script, line, shown, code
        )
