"""What was understood, for the command line."""

from __future__ import annotations

from typing import Any

from chatbot.request.model import Request
from chatbot.request.resolving import Resolution

_BECAUSE = {
    "named": "the words name it",
    "thread": "it is the thread's",
    "channel": "it is the channel's default",
    "keyword": "a word of the request belongs to it",
    "person": "it is the person's own default",
    "model": "a model suggested it",
    "picked": "a person picked it",
}


def as_json(request: Request, resolution: Resolution) -> dict[str, Any]:
    return {
        "repository": resolution.repository,
        "ref": request.ref,
        "mode": request.mode,
        "task": request.task,
        "model": request.model,
        "image": request.image,
        "draft": bool(request.draft),
        "count": request.count,
        "from": resolution.rule,
        "ask": resolution.question,
        "agent": request.agent,
        "unsure": list(request.unsure),
        "likely": list(resolution.likely),
    }


def as_text(request: Request, resolution: Resolution) -> str:
    why = f"  ({_BECAUSE[resolution.rule]})" if resolution.rule else ""
    lines = [
        ("repository", f"{resolution.repository or '-'}{why}"),
        ("ref", request.ref or "- (the default branch)"),
        ("mode", request.mode),
        ("model", request.model or "- (the default)"),
        ("image", request.image or "- (the default)"),
        ("agent", request.agent or "- (the default)"),
        ("draft", "yes" if request.draft else "no"),
        ("count", str(request.count)),
        ("unsure", ", ".join(request.unsure) or "-"),
        ("ask", resolution.question or "-"),
        ("task", request.task or "-"),
    ]
    return "\n".join(f"{name:<11} {value}" for name, value in lines)
