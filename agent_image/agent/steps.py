"""How a tool call reads in the thread: a phrase before it, one after it, and one line of result."""

from __future__ import annotations

import re
from typing import Any, Dict, Tuple

_VERBS = {
    "bash": ("Running", "Ran"),
    "read": ("Reading", "Read"),
    "edit": ("Editing", "Edited"),
    "write": ("Writing", "Wrote"),
    "create_file": ("Writing", "Wrote"),
    "update_file": ("Editing", "Edited"),
    "delete_file": ("Deleting", "Deleted"),
}
_SUMMARIES = (
    # pytest: "== 2 failed, 214 passed in 3.1s ==", the frame only without -q
    re.compile(
        r"^=*\s*((?:\d+ (?:passed|failed|errors?|skipped|x?failed|xpassed|deselected|warnings?)"
        r"(?:, )?)+) in [\d.:]+ ?s",
        re.M,
    ),
    re.compile(r"^=*\s*(no tests ran) in ", re.M),
    re.compile(r"^Ran \d+ tests? in [^\n]*\n+((?:OK|FAILED)[^\n]*)", re.M),  # unittest
    re.compile(r"^\s*Tests:?\s+(\d+ (?:passed|failed)[^\n]*)", re.M),  # jest, vitest
    re.compile(r"^test result: ([^;\n]*; \d+ failed)", re.M),  # cargo
)
_TITLE_CHARACTERS = 120


def step_titles(tool: str, arguments: Dict[str, Any]) -> Tuple[str, str]:
    """What is being done, and what was done."""
    object_ = str(arguments.get("command", arguments.get("path", "")))
    line = " ".join(object_.split())
    if len(line) > _TITLE_CHARACTERS:
        line = line[: _TITLE_CHARACTERS - 1] + "…"
    before, after = _VERBS[str(arguments["type"]) if tool == "apply_patch" else tool]
    return "{} {}".format(before, line), "{} {}".format(after, line)


def step_details(tool: str, arguments: Dict[str, Any]) -> str:
    return str(arguments["command"])[:4000] if tool == "bash" else ""


def find_summary(output: str) -> str:
    """The last line in which a test runner sums up; empty where there is none."""
    for pattern in _SUMMARIES:
        found = pattern.findall(output)
        if found:
            return str(found[-1]).strip()[:200]
    return ""
