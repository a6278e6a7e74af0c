"""Tables that a model wrote in Markdown, as Slack's own; for an older Slack as aligned text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from chatbot.slack.blocks.elements import preformatted, raw, rich, table
from chatbot.slack.blocks.splitting import fences
from chatbot.slack.blocks.text import Block, cut, size, visible

MAX_ROWS = 100
MAX_COLUMNS = 20
MAX_TABLE_CHARACTERS = 9000
"""Larger ones are cut between two rows, each part with its head."""
MAX_ROW_CHARACTERS = 4000
CELL_CHARACTERS = 1900
ALIGNED_CHARACTERS = 10_000
COLUMN_CHARACTERS = 60
_MARK = re.compile(r"[ \t]*:?-+:?[ \t]*")
_MARKS = re.compile(r"(\*\*|__|`+)(?=\S)(.+?)(?<=\S)\1")
_LINK = re.compile(r"\[([^\]\n]*)\]\(([^)\s]*)\)")
_BREAK = re.compile(r"<br */?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundTable:
    start: int
    end: int
    rows: tuple[tuple[str, ...], ...]
    """The head first; all as long as it is."""
    right: tuple[int, ...]

    def blocks(self) -> list[Block]:
        head, *body = self.rows
        parts: list[list[tuple[str, ...]]] = [[head]]
        room = MAX_TABLE_CHARACTERS - _length(head)
        for row in body:
            if len(parts[-1]) >= MAX_ROWS or (_length(row) > room and len(parts[-1]) > 1):
                parts.append([head])
                room = MAX_TABLE_CHARACTERS - _length(head)
            parts[-1].append(row)
            room -= _length(row)
        return [
            table([[raw(cell) for cell in row] for row in part], right=self.right) for part in parts
        ]


def find_tables(text: str) -> Iterator[FoundTable]:
    """Those with a head, a rule below it, and the same number of columns in both; not in code."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    code = list(fences(lines))
    at = 0
    while at + 1 < len(lines):
        right = None if code[at] else _columns(lines[at], lines[at + 1])
        if right is None:
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        width = len(_split(lines[at]))
        told = [lines[at], *lines[at + 2 : end]]
        rows = tuple(_row(line, width) for line in told)
        yield FoundTable(starts[at], starts[end] - 1, rows, right)
        at = end


def _columns(head: str, rule: str) -> tuple[int, ...] | None:
    """Columns of numbers, where the two lines begin a table."""
    if "|" not in head or "-" not in rule or len(rule) > 1000:
        return None
    marks = _split(rule)
    if len(marks) > MAX_COLUMNS or not all(map(_MARK.fullmatch, marks)):
        return None
    if len(marks) != len(_split(head)):
        return None
    return tuple(index for index, mark in enumerate(marks) if mark.strip().endswith(":"))


def without_tables(blocks: Sequence[Block], most: int) -> list[Block]:
    """The same with the table as aligned text, as far as ``most`` characters in all allow."""
    beside = size(tuple(block for block in blocks if block["type"] != "table"))
    room = min(ALIGNED_CHARACTERS, max(most - beside, CELL_CHARACTERS))
    return [_aligned(block, room) if block["type"] == "table" else block for block in blocks]


def _aligned(block: Block, room: int) -> Block:
    rows = [[str(cell["text"]).strip() for cell in row] for row in block["rows"]]
    columns = zip(*rows, strict=True)
    widths = [min(COLUMN_CHARACTERS, max(map(_width, column))) for column in columns]
    if (sum(widths) + 3 * len(widths)) * len(rows) > room:
        widths = [1] * len(widths)
    lines = [" | ".join(map(_padded, row, widths)) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return rich(preformatted(cut("\n".join(line.rstrip() for line in lines), room)))


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _split(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner.removesuffix("|") if not inner.endswith("\\|") else inner
    return re.split(r"(?<!\\)\|", inner)


def _row(line: str, width: int) -> tuple[str, ...]:
    """What is missing is empty, what is too much is left out."""
    limit = min(CELL_CHARACTERS, MAX_ROW_CHARACTERS // width)
    cells = [_plain(cell, limit) for cell in _split(line)[:width]]
    return (*cells, *[""] * (width - len(cells)))


def _plain(cell: str, limit: int) -> str:
    """Words without Markdown's marks: a cell is literal text; links show where they lead."""
    text = _BREAK.sub(" ", cut(cell.strip(), 2 * limit).replace("\\|", "|"))
    text = _LINK.sub(lambda m: m[1] if m[1] == m[2] else f"{m[1]} ({m[2]})", text)
    return cut(visible(_MARKS.sub(lambda m: m[2], text)), limit)


def _length(row: tuple[str, ...]) -> int:
    """With what the blocks themselves take, as `size` counts it."""
    return sum(len(cell) + 20 for cell in row)


def _width(text: str) -> int:
    """In a fixed font."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
