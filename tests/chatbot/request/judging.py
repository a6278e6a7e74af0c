"""Reads requests of a corpus and judges the reading: right, asked, or wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chatbot.request import Request, Vocabulary, understand
from chatbot.request.resolving import Resolution, resolve

CORPUS = Path(__file__).parent / "corpus"
Verdict = Literal["right", "asked", "wrong"]
_DEFAULTS: dict[str, Any] = {
    "ref": None,
    "mode": "change",
    "model": None,
    "image": None,
    "agent": None,
    "count": 1,
    "draft": None,
    "from": "named",
}


@dataclass(frozen=True, slots=True)
class Reading:
    request: Request
    resolution: Resolution


def load(name: str) -> list[dict[str, Any]]:
    text = (CORPUS / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def read(entry: dict[str, Any]) -> Reading:
    default = entry.get("default")
    known = tuple(entry.get("known", "").split(",")) if entry.get("known") else ()
    keywords = {name: tuple(words) for name, words in entry.get("keywords", {}).items()}
    names = tuple(dict.fromkeys([*known, *([default] if default else []), *keywords]))
    vocabulary = Vocabulary(repositories=names, default=default)
    request = understand(entry["say"], vocabulary)
    resolution = resolve(request, channel=default, keywords=keywords, known=names)
    return Reading(request, resolution)


def differences(entry: dict[str, Any], reading: Reading) -> list[str]:
    """Where the reading is not what the person meant; each with what was read."""
    request, resolution = reading.request, reading.resolution
    read: dict[str, Any] = {
        "repository": resolution.repository,
        "from": resolution.rule,
        "task": request.task,
        "ref": request.ref,
        "mode": request.mode,
        "model": request.model,
        "image": request.image,
        "agent": request.agent,
        "count": request.count,
        "draft": request.draft,
    }
    wanted = {**_DEFAULTS, **entry}
    if wanted.get("ask"):
        return []
    differs = [name for name, value in read.items() if name in wanted and wanted[name] != value]
    if entry.get("or_task") and request.task:
        # Several remainders are as good.
        differs = [name for name in differs if name != "task"]
    return differs


def judge(entry: dict[str, Any], reading: Reading) -> Verdict:
    """Asked: a person is asked, or told which words were left; wrong: neither, and not meant so."""
    if entry.get("ask"):
        return "right" if reading.resolution.question else "wrong"
    differs = differences(entry, reading)
    told = all(
        any(wanted in said for said in reading.request.unsure) for wanted in entry.get("unsure", ())
    )
    if not differs and told and (reading.resolution.question is None):
        return "right"
    if reading.resolution.question:
        return "asked"
    # What is left in the task and told of is no guess.
    left = set(differs) <= {"ref", "model", "count", "draft", "agent", "task"}
    return "asked" if left and reading.request.unsure and told else "wrong"
