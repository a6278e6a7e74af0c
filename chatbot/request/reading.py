"""The whole of a request, read in one order: options, ref, repository; the rest is the task."""

from __future__ import annotations

import re

from chatbot.request.mode import mode_of, read_named_mode
from chatbot.request.model import Request, Vocabulary
from chatbot.request.options import read_options
from chatbot.request.ref import read_ref
from chatbot.request.repository import read_repository
from chatbot.request.slack_text import plain
from chatbot.request.words import Words

MAX_CHARACTERS = 5_000
"""What is read: nobody names a repository behind that much, and reading takes its time."""
_NOTHING = Vocabulary()
_BOLD_LABEL = re.compile(
    r"^([ \t]*)[*_](repo|repository|branch|ref|tag|base|base branch|model|image|draft|attempts"
    r"|agent|mode|task"
    r"|仓库|分支|模型|镜像|草稿|模式|任务)(?:[*_]\s*([:：])|\s*([:：])[*_])",
    re.IGNORECASE | re.MULTILINE,
)
_BOXED_LABEL = re.compile(r"【\s*(仓库|分支|模型|镜像|草稿|模式|任务)\s*】[ \t]*[:：]?")


def understand(words: str, vocabulary: Vocabulary = _NOTHING) -> Request:
    """Read a request. What names repository, ref or an option is taken out of the task's text."""
    text = _BOLD_LABEL.sub(r"\1\2\3\4", _BOXED_LABEL.sub(r"\1：", plain(words)))
    end = len(text)
    if end > MAX_CHARACTERS:
        # At a line's end, or between words, where there is one.
        breaks = (text.rfind(mark, 0, MAX_CHARACTERS) for mark in "\n ")
        end = next((at for at in breaks if at > 0), MAX_CHARACTERS)
    head, tail = text[:end], text[end:]
    read = Words(head)
    unsure: list[str] = []
    options = read_options(read, vocabulary, unsure)
    named_mode = read_named_mode(read)
    ref = read_ref(read, unsure)
    named = read_repository(read, vocabulary)
    if named.ref is not None:
        ref = named.ref
    task = read.rest() + tail
    return Request(
        task=task,
        repository=named.repository,
        ref=ref,
        mode=named_mode or mode_of(task),
        model=options.model,
        image=options.image,
        count=options.count,
        draft=options.draft,
        agent=options.agent,
        candidates=named.candidates,
        unknown=named.unknown,
        unsure=tuple(dict.fromkeys(re.sub(r"\s+", " ", one).strip() for one in unsure)),
    )
