"""Long Markdown in parts: each is Markdown by itself, and together they are the whole."""

from __future__ import annotations

import re

import hypothesis.strategies as st
from hypothesis import given, settings

from chatbot.slack.blocks.splitting import fences, shorten_markdown, split_lines, split_markdown
from chatbot.slack.blocks.tables import find_tables

FENCE = re.compile(r"[ \t]*(?:[-*] )*(?:`{3,}|~{3,})\w*")
CODE = st.lists(st.sampled_from(["x = 1", "", "    y(x)", "| a | b |", "- no item"]), min_size=1)


@st.composite
def fenced(draw: st.DrawFn, indent: str = "") -> list[str]:
    marks = draw(st.sampled_from(["```", "~~~", "````"]))
    language = draw(st.sampled_from(["", "python"]))
    body = [f"{indent}{line}" for line in draw(CODE)]
    return [f"{indent}{marks}{language}", *body, f"{indent}{marks}"]


@st.composite
def items(draw: st.DrawFn) -> list[str]:
    lines = []
    for number in range(draw(st.integers(1, 6))):
        lines.append(f"{number + 1}. " + "word " * draw(st.integers(1, 30)))
        if draw(st.booleans()):
            lines += draw(fenced("   "))
        lines += ["   - below"] * draw(st.integers(0, 3))
    return lines


PARAGRAPH = st.integers(1, 80).map(lambda count: ["word " * count])
MARKDOWN = st.lists(PARAGRAPH | fenced() | items(), min_size=1, max_size=12).map(
    lambda blocks: "\n\n".join("\n".join(block) for block in blocks)
)


def bare(text: str) -> str:
    """Its words, without the lines that open and close code."""
    kept = (line for line in text.split("\n") if not FENCE.fullmatch(line))
    return "".join("".join(kept).split())


@settings(max_examples=300)
@given(MARKDOWN, st.integers(120, 600))
def test_each_part_stands_by_itself_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split_markdown(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert "".join(map(bare, parts)) == bare(text)
    for part in parts:
        lines = part.split("\n")
        inside = list(fences(lines))
        # Code that a part opens it closes.
        assert inside[-1] is None or inside[-1].is_closed_by(lines[-1]), part
        words = {"word", "-", "below", "1.", "2.", "3.", "4.", "5.", "6."}
        told = (line for line, code in zip(lines, inside, strict=True) if code is None)
        assert {word for line in told for word in line.split()} <= words, part


@given(MARKDOWN, st.integers(60, 600))
def test_what_is_shortened_closes_its_code(text: str, limit: int) -> None:
    short = shorten_markdown(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("\n…") and list(fences(short.split("\n")))[-1] is None)


def test_a_list_is_cut_between_its_items() -> None:
    text = "\n".join(f"{n}. item\n   - first\n   - second" for n in range(1, 20))
    parts = split_markdown(text, 200)
    assert len(parts) > 2
    assert all(re.match(r"\d+\. ", part) for part in parts)


def test_code_in_a_list_is_closed_and_opened_again() -> None:
    text = "1. Run\n   ```sh\n" + "   make one\n" * 30 + "   ```\n2. Done"
    first, *more = split_markdown(text, 200)
    assert first.endswith("\n   ```")
    assert all(part.startswith("   ```sh\n   make one") for part in more)
    assert more[-1].endswith("   make one\n   ```\n2. Done")


def test_a_table_in_code_is_code() -> None:
    text = "- so:\n  ```\n  a | b\n  --|--\n  1 | 2\n  ```\n\na | b\n--|--\n3 | 4\n"
    (found,) = find_tables(text)
    assert found.rows == (("a", "b"), ("3", "4"))


def test_lines_of_code_stay_whole() -> None:
    assert split_lines("a = 1\nb = 22\n\nc = 3", 8) == ["a = 1", "b = 22", "c = 3"]
    assert split_lines("x" * 10, 4) == ["xxxx", "xxxx", "xx"]
