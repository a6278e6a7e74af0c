"""A text as sentences, and these as clauses: what a reader takes for one thing that is said."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STOP = re.compile(r"([.!?]+(?=[\s)\"'”,]|$)|[。！？；;]+)")
_PART = re.compile(
    r"(,\s|[，：、]|:\s|\s[—–-]+\s|[()（）]|(?<![\w-])(?:and\s+then|and|then|but|(?<!be )so"
    r"|or)(?![\w-])"
    r"|并且|并|然后|再(?=把|将|给|请|帮)|顺便|同时|以及)",
    re.IGNORECASE | re.ASCII,
)
_LISTED = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)、])\s+")
_STEPS = re.compile(r"\brepro\w*|\bsteps\b|复现|步骤", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    said: str
    joiner: str
    """What stands between it and the clause before, lower case; empty where it opens a sentence."""
    asked: bool
    """Whether its sentence ends in a question mark."""


def sentences_of(seen: str) -> list[list[Clause]]:
    """Without the steps of a report, which tell what somebody did."""
    found: list[list[Clause]] = []
    steps = False
    for line in seen.split("\n"):
        said = _LISTED.sub("", line, count=1)
        if said == line and line.strip():
            steps = _STEPS.search(line) is not None and line.rstrip().endswith((":", "："))
        elif steps:
            continue
        parts = [*_STOP.split(said), ""]
        for sentence, stop in zip(parts[::2], parts[1::2], strict=True):
            if sentence.strip():
                found.append(_clauses(sentence, asked="?" in stop or "？" in stop))
    return found


def _clauses(sentence: str, *, asked: bool) -> list[Clause]:
    parts = ["", *_PART.split(sentence)]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    clauses: list[Clause] = []
    joiner = ""
    for between, said in pairs:
        joiner = f"{joiner} {between.strip().lower()}".strip()
        if said.strip():
            clauses.append(Clause(said.strip(), joiner if clauses else "", asked))
            joiner = ""
    return clauses
