"""A patch as people read it: a list of files, and the most telling pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.git_names import unquoted
from chatbot.slack.blocks.elements import (
    container,
    context,
    line,
    preformatted,
    raw,
    rich,
    section,
    table,
    words,
)
from chatbot.slack.blocks.text import MINUS, Block, code, count, cut, is_blank, size, visible
from chatbot.slack.patch_view import FileView, PatchView

MAX_LISTED = 20
MAX_ROWS = 30
PATH_LIMIT = 100
MAX_SNIPPETS = 5
SNIPPET_LIMIT = 2500
LINE_LIMIT = 200

_GENERATED = re.compile(r"(?:^|/)(?:[^/]*\.lock|package-lock\.json|go\.sum|[^/]*\.min\.\w+)$")
_CHANGES = {"added": "new", "deleted": "deleted", "renamed": "renamed", "mode": "mode changed"}


def totals(patch: PatchView) -> str:
    """Such as `2 files, +12 -3`, with a true minus."""
    return f"{count(patch.count, 'file')}, {plus_minus(patch.added, patch.removed)}"


def plus_minus(added: int, removed: int) -> str:
    """Such as `+12 -3`."""
    return f"+{added:,} {MINUS}{removed:,}"


def make_file_list(patch: PatchView) -> Block:
    """For a Slack without tables."""
    lines = [f"*{totals(patch)}*", *(_file_line(file) for file in patch.files[:MAX_LISTED])]
    if patch.count > MAX_LISTED:
        lines.append(f"… and {count(patch.count - MAX_LISTED, 'more file')}")
    return section("\n".join(lines))


def make_file_table(patch: PatchView) -> Block:
    """Each file with what came and what went; sensitive ones first."""
    rows = [[_cell(totals(patch), bold=True), raw("+"), raw(MINUS)]]
    for file in patch.files[:MAX_ROWS]:
        marks = "".join(f" · {mark}" for mark in _marks(file))
        name = rich(line(words(_short(file.path), code=True), *([words(marks)] if marks else [])))
        numbers = ("", "") if file.binary else (f"{file.added:,}", f"{file.removed:,}")
        rows.append([name, *(raw(number or "–") for number in numbers)])
    if patch.count > MAX_ROWS:
        rest = f"… and {count(patch.count - MAX_ROWS, 'more file')}"
        rows.append([_cell(rest), raw("–"), raw("–")])
    return table(rows, right=(1, 2))


def _cell(text: str, *, bold: bool = False) -> Block:
    return rich(line(words(text, bold=bold)))


def _short(path: str) -> str:
    # Whole paths cannot always stand: the end of one says most.
    return path if len(path) <= PATH_LIMIT else f"…{path[-(PATH_LIMIT - 1) :]}"


def _marks(file: FileView) -> list[str]:
    marks = ["binary"] if file.binary else []
    marks += [_CHANGES[file.change]] if file.change in _CHANGES else []
    return [*marks, "⚠️ sensitive"] if file.sensitive else marks


def _file_line(file: FileView) -> str:
    marks = [] if file.binary else [plus_minus(file.added, file.removed)]
    return f"{code(_short(file.path), 110)}  {' · '.join([*marks, *_marks(file)])}"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of one file's change."""

    file: FileView
    text: str

    def box(self, *, is_open: bool) -> Block:
        file = self.file
        subtitle = " · ".join([plus_minus(file.added, file.removed), *_marks(file)])
        title = visible(_short(file.path)) if not is_blank(file.path) else "?"
        inside = rich(preformatted(self.text, "diff"))
        return container(title, subtitle, inside, is_open=is_open)

    def plain(self) -> list[Block]:
        return [context(code(self.file.path, 150)), rich(preformatted(self.text))]


def find_snippets(diff: str, patch: PatchView, budget: int) -> list[Snippet]:
    """Pieces of the most telling files within ``budget`` characters; sensitive ones first."""
    pieces = dict(split_files(diff))
    chosen = sorted(
        (file for file in patch.files if file.path in pieces and not file.binary),
        key=lambda file: (not file.sensitive, bool(_GENERATED.search(file.path)), -_weight(file)),
    )
    found: list[Snippet] = []
    for file in chosen[:MAX_SNIPPETS]:
        limit = min(SNIPPET_LIMIT, budget - 500)
        if limit < 200:
            break
        snippet = Snippet(file, _shorten(pieces[file.path], limit))
        budget -= size((snippet.box(is_open=False),))
        found.append(snippet)
    return found


def _weight(file: FileView) -> int:
    return file.added + file.removed


def _shorten(hunks: str, limit: int) -> str:
    """Whole lines up to the limit, and how many were left out."""
    lines = [cut(line, LINE_LIMIT) for line in visible(hunks).split("\n")]
    kept: list[str] = []
    left = limit - 30
    for each in lines:
        if len(each) + 1 > left:
            break
        kept.append(each)
        left -= len(each) + 1
    rest = len(lines) - len(kept)
    if rest:
        kept.append(f"… {count(rest, 'more line')}")
    return "\n".join(kept)


def split_files(diff: str) -> Iterator[tuple[str, str]]:
    """Each file of git's output with its hunks; those without lines are left out."""
    for part in re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE):
        start = re.search(r"^@@ ", part, flags=re.MULTILINE)
        if not part.startswith("diff --git ") or start is None:
            continue
        if name := _name(part[: start.start()]):
            yield name, part[start.start() :].rstrip("\n")


def _name(header: str) -> str:
    """The new one; of a deleted file the old one."""
    for mark, prefix in (("+++", "b/"), ("---", "a/")):
        found = re.search(rf"^{re.escape(mark)} (.+?)\t?$", header, flags=re.MULTILINE)
        if found is not None and found[1] != "/dev/null":
            return unquoted(found[1]).removeprefix(prefix)
    return ""
