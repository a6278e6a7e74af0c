"""Answers and findings: Markdown of the model, in as many messages as Slack's limits ask for."""

from __future__ import annotations

import re
from typing import Any

from chatbot.cited import Places
from chatbot.slack.blocks.elements import (
    MARKDOWN_LIMIT,
    Content,
    fallback,
    line,
    literal,
    preformatted,
    quotation,
    rich,
    section,
    words,
)
from chatbot.slack.blocks.splitting import FENCE, shorten_markdown, split_lines, split_markdown
from chatbot.slack.blocks.tables import find_tables, without_tables
from chatbot.slack.blocks.text import Block, count, cut, is_blank, one_line, size, tame
from chatbot.slack.view import Result
from chatbot.story_fields import integer, string

MAX_MESSAGES = 5
"""More is cut; the task page has all of it."""
MAX_BLOCKS = 45
_PIECE = 3000
LINKS_LIMIT = 5000
"""What the links may add to a piece."""
_FENCE = re.compile(
    rf"^({FENCE})[^\n]*\n(.*?)(?:^ {{0,3}}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_SEVERITIES = ("high", "medium", "low")


def make_answer(result: Result) -> list[Content]:
    """The answer in order, split between messages; code stands as it is written."""
    text = result.answer or result.summary or result.title
    pieces = _pieces(text, result.places) or [section("The answer is empty.")]
    return _messages(pieces, fallback(cut(text, 300)) or "The answer is empty.")


def make_findings(result: Result) -> list[Content]:
    """A review: each finding with its weight and place, the heaviest first."""
    told = count(len(result.findings), "finding")
    blocks = [section(f"*{told}*" if result.findings else "*No findings*")]
    summary = shorten_markdown(tame(result.summary or result.answer), _PIECE)
    if not is_blank(summary):
        blocks.append({"type": "markdown", "text": summary})
    blocks += [_finding(item, result.places) for item in sorted(result.findings, key=_weight)]
    return _messages(blocks, f"Review: {told}")


def _messages(blocks: list[Block], text: str) -> list[Content]:
    pages = _pages(blocks)
    if len(pages) > MAX_MESSAGES:
        pages = pages[:MAX_MESSAGES]
        pages[-1].append(section("There is more: the task page has all of it."))
    return [
        Content(text=text, blocks=tuple(page), simple=literal(without_tables(page, MARKDOWN_LIMIT)))
        for page in pages
    ]


def _pages(blocks: list[Block]) -> list[list[Block]]:
    pages: list[list[Block]] = [[]]
    room = MARKDOWN_LIMIT
    for block in blocks:
        length = size((block,))
        # Slack takes one table in a message.
        is_second = block["type"] == "table" and any(b["type"] == "table" for b in pages[-1])
        if pages[-1] and (length > room or len(pages[-1]) >= MAX_BLOCKS or is_second):
            pages.append([])
            room = MARKDOWN_LIMIT
        pages[-1].append(block)
        room -= length
    return pages


def _pieces(text: str, places: Places) -> list[Block]:
    """Prose as markdown blocks, fenced code as literal text."""
    blocks: list[Block] = []
    at = 0
    for match in _FENCE.finditer(text):
        blocks += _prose(text[at : match.start()], places)
        blocks += [rich(preformatted(part)) for part in split_lines(match[2].rstrip("\n"), _PIECE)]
        at = match.end()
    return blocks + _prose(text[at:], places)


def _prose(text: str, places: Places) -> list[Block]:
    """Tables as tables, the rest as it is written."""
    blocks: list[Block] = []
    at = 0
    for found in find_tables(text):
        blocks += _markdown(text[at : found.start], places)
        blocks += found.blocks()
        at = found.end
    return blocks + _markdown(text[at:], places)


def _markdown(text: str, places: Places) -> list[Block]:
    parts = split_markdown(tame(text.strip("\n")), _PIECE)
    return [{"type": "markdown", "text": places.link(part, LINKS_LIMIT)} for part in parts]


def _weight(item: dict[str, Any]) -> int:
    severity = string(item, "severity")
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _finding(item: dict[str, Any], places: Places) -> Block:
    path, number = string(item, "file", 300), integer(item, "line")
    place = f"{path}:{number}" if path and number else path
    severity = string(item, "severity", 20) or "note"
    title = one_line(string(item, "title", 300), 200) or "Finding"
    if url := places.url(path, number):
        leads = {"type": "link", "url": url, "text": one_line(place, 220)}
        parts = [line(words(f"{one_line(severity, 20)} · "), leads, words(f"\n{title}", bold=True))]
    else:
        head = " · ".join(part for part in (severity, place) if part)
        parts = [line(words(f"{one_line(head, 250)}\n"), words(title, bold=True))]
    for name, label in (("detail", ""), ("suggestion", "Suggestion: ")):
        text = string(item, name, 2000)
        if not is_blank(text):
            parts.append(quotation(f"{label}{text}", 900))
    return rich(*parts)
