"""Which line of a set-up script failed: bash itself tells, in a file of ours."""

from __future__ import annotations

import os
from typing import Dict

from agent_image.agent.output import make_safe

# Read by the script's own bash before its first line; programs that it starts never see it.
_TRAP = """\
unset BASH_ENV
set -o errtrace
__threadsmith_failed() {{ printf '%s\\n' "$1" > {path}; }}
trap '__threadsmith_failed "$LINENO"' ERR
"""
_SHOWN = 200


class FailureTrace:
    """The newest line of the script that ended with an error."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, "failed")
        self._rules = os.path.join(directory, "rules.sh")
        with open(self._rules, "w", encoding="utf-8") as file:
            file.write(_TRAP.format(path=self._path))

    def environment(self) -> Dict[str, str]:
        return {"BASH_ENV": self._rules}

    def describe(self, path: str, content: str, code: int) -> str:
        """One sentence; without a line where the shell did not tell one."""
        try:
            with open(self._path, "rb") as file:
                number = int(file.read(20))
            line = content.splitlines()[number - 1].strip()
        except (OSError, ValueError, IndexError):
            return "The set-up script `{}` failed (exit code {}).".format(path, code)
        shown = make_safe(line[:_SHOWN].encode(errors="replace")).replace("`", "'")
        return "The set-up script `{}` failed at line {}: `{}` (exit code {}).".format(
            path, number, shown, code
        )
