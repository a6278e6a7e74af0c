"""What to tell the model where the text that it wants to change is not there."""

from __future__ import annotations

from typing import List, Optional, Tuple

from agent_image.agent.output import escape_unsafe

_NEAR_LINES = 12


def explain_miss(what: str, path: str, text: str, wanted_text: str) -> str:
    """That ``what`` was not found, with the lines that are most like it and their numbers."""
    lines = text.split("\n")
    wanted = [line.strip() for line in wanted_text.split("\n")]
    while len(wanted) > 1 and not wanted[0]:
        wanted.pop(0)
    start, is_same = _nearest(lines, wanted)
    if start is None:
        return "{} was not found in {}, nor anything like it; read the file again.".format(
            what, path
        )
    count = min(max(len(wanted), 3), _NEAR_LINES)
    shown = "\n".join(
        "{:>6}\t{}".format(number, escape_unsafe(line.rstrip("\r")))
        for number, line in enumerate(lines[start : start + count], start + 1)
    )
    why = " (only white space differs)" if is_same else ""
    return "{} was not found in {}. The nearest lines{}:\n{}".format(what, path, why, shown)


def _nearest(lines: List[str], wanted: List[str]) -> Tuple[Optional[int], bool]:
    """Where the lines are most like the wanted ones; whether only white space differs."""
    import difflib  # takes a while to load, and is seldom needed

    plain = [line.strip() for line in lines]
    for start in range(len(plain) - len(wanted) + 1):
        if plain[start : start + len(wanted)] == wanted:
            return start, True
    close = difflib.get_close_matches(wanted[0], set(plain[:20_000]) - {""}, n=1, cutoff=0.5)
    return (plain.index(close[0]), False) if close else (None, False)
