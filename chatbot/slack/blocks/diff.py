"""A patch as people read it: a list of files, and the most telling pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.slack.blocks.elements import context, preformatted, rich, section
from chatbot.slack.blocks.text import MINUS, Block, code, count, cut, size, visible
from chatbot.slack.patch_view import FileView, PatchView

MAX_LISTED = 20
MAX_SNIPPETS = 5
SNIPPET_LIMIT = 2500
LINE_LIMIT = 200

_GENERATED = re.compile(r"(?:^|/)(?:[^/]*\.lock|package-lock\.json|go\.sum|[^/]*\.min\.\w+)$")
_CHANGES = {"added": "new", "deleted": "deleted", "renamed": "renamed", "mode": "mode changed"}


def totals(patch: PatchView) -> str:
    """Such as `2 files, +12 -3`, with a true minus."""
    return f"{count(patch.count, 'file')}, +{patch.added} {MINUS}{patch.removed}"


def make_file_list(patch: PatchView) -> Block:
    lines = [f"*{totals(patch)}*", *(_file_line(file) for file in patch.files[:MAX_LISTED])]
    if patch.count > MAX_LISTED:
        lines.append(f"… and {count(patch.count - MAX_LISTED, 'more file')}")
    return section("\n".join(lines))


def _file_line(file: FileView) -> str:
    # Whole paths cannot always stand: the end of one says most.
    path = file.path if len(file.path) <= 100 else f"…{file.path[-99:]}"
    marks = [f"+{file.added} {MINUS}{file.removed}" if not file.binary else "binary"]
    if file.change in _CHANGES:
        marks.append(_CHANGES[file.change])
    if file.sensitive:
        marks.append(":warning: sensitive")
    return f"{code(path, 110)}  {' · '.join(marks)}"


def make_snippets(diff: str, patch: PatchView, budget: int) -> list[Block]:
    """Pieces of the most telling files within ``budget`` characters; sensitive ones first."""
    pieces = dict(split_files(diff))
    chosen = sorted(
        (file for file in patch.files if file.path in pieces and not file.binary),
        key=lambda file: (not file.sensitive, bool(_GENERATED.search(file.path)), -_weight(file)),
    )
    blocks: list[Block] = []
    for file in chosen[:MAX_SNIPPETS]:
        limit = min(SNIPPET_LIMIT, budget - 300)
        if limit < 200:
            break
        pair = [
            context(code(file.path, 150)),
            rich(preformatted(_shorten(pieces[file.path], limit))),
        ]
        budget -= size(tuple(pair))
        blocks += pair
    return blocks


def _weight(file: FileView) -> int:
    return file.added + file.removed


def _shorten(hunks: str, limit: int) -> str:
    """Whole lines up to the limit, and how many were left out."""
    lines = [cut(line, LINE_LIMIT) for line in visible(hunks).split("\n")]
    kept: list[str] = []
    left = limit - 30
    for line in lines:
        if len(line) + 1 > left:
            break
        kept.append(line)
        left -= len(line) + 1
    rest = len(lines) - len(kept)
    if rest:
        kept.append(f"… {count(rest, 'more line')}")
    return "\n".join(kept)


def split_files(diff: str) -> Iterator[tuple[str, str]]:
    """Each file of git's output with its hunks; names that git quotes are told as they stand."""
    for part in re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE):
        start = re.search(r"^@@ ", part, flags=re.MULTILINE)
        if not part.startswith("diff --git ") or start is None:
            continue
        if name := _name(part[: start.start()]):
            yield name, part[start.start() :].rstrip("\n")


def _name(header: str) -> str:
    found = re.search(r"^\+\+\+ (?:b/)?(.+?)\t?$", header, flags=re.MULTILINE)
    if found is None or found[1] == "/dev/null":
        found = re.search(r"^--- (?:a/)?(.+?)\t?$", header, flags=re.MULTILINE)
    return "" if found is None else found[1]
