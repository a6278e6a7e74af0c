"""The review: a modal that pages through the files of a patch and gathers remarks on them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from chatbot.slack.blocks.diff import plus_minus, split_files
from chatbot.slack.blocks.elements import (
    actions,
    button,
    context,
    plain_text,
    preformatted,
    rich,
    section,
)
from chatbot.slack.blocks.forms import modal, read_field, words_field
from chatbot.slack.blocks.text import Block, code, count, cut, escaped, visible
from chatbot.slack.patch_view import FileView, PatchView

REVIEW_VIEW = "review"
PART_CHARACTERS = 8000
"""Of a file's change that one page shows."""
PIECE_CHARACTERS = 2800
REMARK_CHARACTERS = 800
ROOM_CHARACTERS = 2600
"""Slack keeps 3,000 of our characters with a view: the remarks live there until they are sent."""
MAX_OPTIONS = 100
MAX_SHOWN = 8
LINE_CHARACTERS = 400
MAX_QUOTED = 5
QUOTED_CHARACTERS = 200
LINES = re.compile(r"[1-9]\d{0,6}(?:\s*[-–]\s*[1-9]\d{0,6})?")
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Remark:
    file: int
    """Its place among the patch's files."""
    lines: str
    """`12` or `12-14`; empty: the whole file."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Where somebody is in a review, and what they have said so far."""

    run_id: str
    file: int = 0
    part: int = 0
    revision: int = 0
    """Fields are emptied where it moves."""
    remarks: tuple[Remark, ...] = ()

    def to_metadata(self) -> str:
        told = [[remark.file, remark.lines, remark.text] for remark in self.remarks]
        values = [self.run_id, self.file, self.part, self.revision, told]
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_metadata(cls, text: str) -> Draft:
        run_id, file, part, revision, told = json.loads(text)
        return cls(
            run_id=run_id,
            file=file,
            part=part,
            revision=revision,
            remarks=tuple(Remark(*each) for each in told),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A patch, file by file."""

    files: tuple[FileView, ...]
    hunks: dict[str, str]

    @classmethod
    def make(cls, patch: PatchView, diff: str) -> Reviewed:
        return cls(files=patch.files, hunks=dict(split_files(diff)))

    def parts(self, index: int) -> list[str]:
        """The pages of one file; at least one."""
        return _parts([each.shown for each in self._lines(index)]) or [
            "No lines of it can be shown."
        ]

    def quoted(self, remark: Remark) -> list[str]:
        """The lines that the remark is about, as the patch has them."""
        first, _, last = remark.lines.partition("-")
        wanted = range(int(first or 0), int(last or first or 0) + 1)
        found = [each.text for each in self._lines(remark.file) if each.number in wanted]
        return found if remark.lines else []

    def _lines(self, index: int) -> list[_Line]:
        file = self.files[index]
        return _numbered(self.hunks.get(file.path, ""), is_old=file.change == "deleted")


def make_review(reviewed: Reviewed, draft: Draft, note: str = "") -> Block:
    """``note``: why the last step was not taken."""
    file = reviewed.files[draft.file]
    parts = reviewed.parts(draft.file)
    part = min(draft.part, len(parts) - 1)
    place = f"File {draft.file + 1} of {len(reviewed.files)}"
    if len(parts) > 1:
        place += f", page {part + 1} of {len(parts)}"
    numbers = "binary" if file.binary else plus_minus(file.added, file.removed)
    heavy = ":warning: sensitive" if file.sensitive else ""
    blocks = [
        context(" · ".join(filter(None, (place, code(file.path, 300), numbers, heavy)))),
        *(rich(preformatted(piece, "diff")) for piece in _pieces(parts[part])),
        actions(*_steps(reviewed, draft, part, len(parts))),
        words_field(
            f"lines.{draft.revision}",
            "Line",
            hint="Such as 12 or 12-14; empty: the whole file.",
            limit=20,
            lines=False,
            optional=True,
        ),
        words_field(
            f"remark.{draft.revision}",
            "Remark on this file",
            limit=REMARK_CHARACTERS,
            optional=True,
        ),
    ]
    if note:
        blocks.append(section(f":warning: {escaped(note, 300)}"))
    if draft.remarks:
        blocks.append(_so_far(reviewed, draft))
    return modal(REVIEW_VIEW, "Review", draft.to_metadata(), blocks, submit="Send remarks")


def read_remark(view: dict[str, Any], draft: Draft) -> Remark | None:
    """What stands in the fields now; None: nothing."""
    text = read_field(view, f"remark.{draft.revision}").strip()
    lines = read_field(view, f"lines.{draft.revision}").strip()
    return Remark(draft.file, lines, text) if text or lines else None


def remark_fault(remark: Remark, draft: Draft) -> tuple[str, str] | None:
    """The field that is wrong, and why."""
    if not remark.text:
        return f"remark.{draft.revision}", "Say what about this line."
    if remark.lines and not LINES.fullmatch(remark.lines):
        return f"lines.{draft.revision}", "A line, such as 12, or two, such as 12-14."
    if not has_room(add(draft, remark)):
        return f"remark.{draft.revision}", "That is as much as fits: send what there is first."
    return None


def add(draft: Draft, remark: Remark) -> Draft:
    ends = sorted(int(each) for each in re.findall(r"\d+", remark.lines))
    lines = "-".join(map(str, ends))
    return replace(draft, remarks=(*draft.remarks, replace(remark, lines=lines)))


def has_room(draft: Draft) -> bool:
    # As Slack counts: an emoji is two.
    return len(draft.to_metadata().encode("utf-16-le")) // 2 <= ROOM_CHARACTERS


def step(reviewed: Reviewed, draft: Draft, action: str, chosen: str = "") -> Draft:
    """The page that a press leads to, with empty fields."""
    draft = replace(draft, revision=draft.revision + 1)
    last_file = len(reviewed.files) - 1
    match action:
        case "review_next" if draft.part < len(reviewed.parts(draft.file)) - 1:
            return replace(draft, part=draft.part + 1)
        case "review_next":
            return replace(draft, file=min(draft.file + 1, last_file), part=0)
        case "review_previous" if draft.part > 0:
            return replace(draft, part=draft.part - 1)
        case "review_previous" if draft.file > 0:
            return replace(draft, file=draft.file - 1, part=len(reviewed.parts(draft.file - 1)) - 1)
        case "review_file" if chosen.isdigit():
            return replace(draft, file=min(int(chosen), last_file), part=0)
        case _:
            return draft


def follow_up(reviewed: Reviewed, draft: Draft) -> str:
    """All remarks as one message to the agent, each with the lines that it is about."""
    told = []
    for remark in draft.remarks:
        file = reviewed.files[remark.file]
        place = visible(file.path) + (f":{remark.lines}" if remark.lines else "")
        if file.change == "deleted":
            place += " (deleted)"
        elif file.old_path and file.change == "renamed":
            place += f" (renamed from {visible(file.old_path)})"
        lines = reviewed.quoted(remark)
        quoted = [f"> {cut(each, QUOTED_CHARACTERS)}" for each in lines[:MAX_QUOTED]]
        if len(lines) > MAX_QUOTED:
            quoted.append(f"> … {count(len(lines) - MAX_QUOTED, 'more line')}")
        told.append("\n".join([f"Remark on {place}: {remark.text}", *quoted]))
    return "\n\n".join(told)


def _steps(reviewed: Reviewed, draft: Draft, part: int, parts: int) -> list[Block]:
    is_first = draft.file == 0 and part == 0
    is_last = draft.file == len(reviewed.files) - 1 and part == parts - 1
    steps = [] if is_first else [button("Previous", "review_previous", "previous")]
    steps += [] if is_last else [button("Next", "review_next", "next")]
    steps.append(button("Add remark", "review_add", "add"))
    if len(reviewed.files) > 1:
        steps.append(_files(reviewed, draft.file))
    return steps


def _files(reviewed: Reviewed, chosen: int) -> Block:
    """Leads to any of the files nearby."""
    start = max(0, min(chosen - MAX_OPTIONS // 2, len(reviewed.files) - MAX_OPTIONS))
    options = []
    for index in range(start, min(start + MAX_OPTIONS, len(reviewed.files))):
        path = visible(reviewed.files[index].path).strip() or "?"
        shown = path if len(path) <= 75 else f"…{path[-74:]}"
        text = {**plain_text(shown, 75), "emoji": False}
        options.append({"text": text, "value": str(index)})
    return {
        "type": "static_select",
        "action_id": "review_file",
        "placeholder": plain_text("Go to a file", 150),
        "options": options,
        "initial_option": options[chosen - start],
    }


def _so_far(reviewed: Reviewed, draft: Draft) -> Block:
    lines = [f"*{count(len(draft.remarks), 'remark')} so far*"]
    for remark in draft.remarks[-MAX_SHOWN:]:
        place = reviewed.files[remark.file].path + (f":{remark.lines}" if remark.lines else "")
        lines.append(f"{code(place, 120)} {escaped(remark.text, 150)}")
    return section("\n".join(lines))


@dataclass(frozen=True, slots=True)
class _Line:
    shown: str
    number: int = 0
    """In the file as it is now, of a deleted one as it was; 0: it has none."""
    text: str = ""


def _numbered(hunks: str, *, is_old: bool) -> list[_Line]:
    """Each line with its number after its sign; ``is_old``: of the file as it was."""
    lines, number = [], 0
    counted = " -" if is_old else " +"
    for each in visible(hunks).split("\n") if hunks else ():
        if match := _HUNK.match(each):
            number = int(match[1 if is_old else 2])
            lines.append(_Line(cut(each, LINE_CHARACTERS)))
        elif each.startswith("\\"):
            lines.append(_Line(cut(each, LINE_CHARACTERS)))
        else:
            # Some tools leave out the sign of an empty line.
            sign, text = each[:1] or " ", each[1:]
            has_number = sign in counted
            shown = f"{sign}{number if has_number else '':>5}  {text}"
            lines.append(_Line(cut(shown, LINE_CHARACTERS), number if has_number else 0, text))
            number += has_number
    return lines


def _parts(lines: list[str]) -> list[str]:
    return _packed(lines, PART_CHARACTERS)


def _pieces(text: str) -> list[str]:
    return _packed(text.split("\n"), PIECE_CHARACTERS)


def _packed(lines: list[str], limit: int) -> list[str]:
    """Whole lines, in as few texts as the limit allows."""
    parts: list[str] = []
    for each in lines:
        if parts and len(parts[-1]) + len(each) + 1 <= limit:
            parts[-1] += f"\n{each}"
        else:
            parts.append(each)
    return parts
