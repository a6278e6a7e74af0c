"""Which repository a request works in, by the first rule that says so; none: a person is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chatbot.request.model import Request

Rule = Literal["named", "thread", "channel", "keyword", "person", "model", "picked"]
"""``model`` is a suggestion and only ever a button; ``picked``: a person answered."""
MAX_LIKELY = 4
MAX_NAMED = 5
"""In a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """``repository`` and the rule that chose it; or the question to put, with the likely ones."""

    repository: str | None = None
    rule: Rule | None = None
    question: str | None = None
    likely: tuple[str, ...] = ()
    is_open: bool = False
    """The words lead to none that is known: a model may have an idea."""


def resolve(
    request: Request,
    *,
    thread: str | None = None,
    channel: str | None = None,
    person: str | None = None,
    keywords: Mapping[str, tuple[str, ...]] | None = None,
    known: tuple[str, ...] = (),
) -> Resolution:
    """Named · the thread's · the channel's · a keyword's · the person's own · else ask.

    ``keywords`` go by repository.
    """
    if request.repository is not None:
        if not request.task:
            shown = short(request.repository)
            return Resolution(
                repository=request.repository,
                rule="named",
                question=f"What is to be done in `{shown}`?",
            )
        return Resolution(repository=request.repository, rule="named")
    default = thread or channel or person
    likely = tuple(dict.fromkeys([*request.candidates, *([default] if default else [])]))
    if request.unknown is not None and not request.candidates:
        return _ask(f"Which repository is `{request.unknown}`?", likely, known, is_open=True)
    if request.unknown is not None:
        return _ask(f"Several repositories are called `{request.unknown}`. Which one?", likely, ())
    if len(request.candidates) > 1:
        names = _listed(request.candidates)
        return _ask(f"Several repositories are named: {names}. Which one?", likely, ())
    if request.candidates:
        named = f"`{short(request.candidates[0])}`"
        if default is not None and default.lower() != request.candidates[0].lower():
            return _ask(f"Is it {named}, or `{short(default)}` as usual here?", likely, ())
        if default is None:
            return _ask(f"Is {named} the repository to work in?", likely, known)
    if not request.task:
        return Resolution(repository=default, question="What is to be done?")
    if thread is not None:
        return Resolution(repository=thread, rule="thread")
    if channel is not None:
        return Resolution(repository=channel, rule="channel")
    matched = tuple(name for name, words in (keywords or {}).items() if _says(request.task, words))
    if len(matched) == 1:
        return Resolution(repository=matched[0], rule="keyword")
    if matched:
        return _ask(f"The words fit {_listed(matched)}. Which one?", matched, ())
    if person is not None:
        return Resolution(repository=person, rule="person")
    return _ask("No repository is named. Which one is it?", (), known, is_open=True)


def short(repository: str) -> str:
    """Fit for a line of a question."""
    return repository if len(repository) <= 80 else repository[:79] + "…"


def _ask(
    question: str, likely: tuple[str, ...], known: tuple[str, ...], *, is_open: bool = False
) -> Resolution:
    more = tuple(dict.fromkeys([*likely, *known]))
    return Resolution(question=question, likely=more[:MAX_LIKELY], is_open=is_open)


def _listed(names: tuple[str, ...]) -> str:
    """As many as a line holds."""
    shown = ", ".join(f"`{short(name)}`" for name in names[:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


def _says(task: str, keywords: tuple[str, ...]) -> bool:
    """Whole words; what is written without blanks between words counts anywhere."""
    text = task.lower()
    for keyword in keywords:
        word = re.escape(keyword.strip().lower())
        if word and re.search(rf"(?<![a-z0-9_]){word}(?![a-z0-9_])", text):
            return True
    return False
