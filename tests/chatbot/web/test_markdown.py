"""What a model writes can be read, and do nothing."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chatbot.web import markdown
from chatbot.web.markdown import make_markdown, render_markdown

PARSER = make_markdown()


def render(text: str) -> str:
    return str(render_markdown(PARSER, text))


def test_ordinary_markdown_is_formed() -> None:
    html = render("# Why\n\nIt **sums** `items`:\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |")
    for piece in ("<h1>Why</h1>", "<strong>sums</strong>", "<code>items</code>", "<li>a</li>"):
        assert piece in html
    assert "<table>" in html


def test_links_are_kept_and_give_nothing_away() -> None:
    assert render("[docs](https://e.example/a)") == (
        '<p><a href="https://e.example/a" rel="noopener noreferrer nofollow">docs</a></p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,hi)",
        "[x](vbscript:x)",
        "![x](https://e.example/pixel.png)",
        "<https://e.example/\"onmouseover='x'>",
        "[x](https://e.example 'title\" onload=\"x')",
        '```"><script>x</script>\ncode\n```',
    ],
)
def test_nothing_acts(text: str) -> None:
    check_harmless(render(text))


def check_harmless(html: str) -> None:
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(
            r"</?(?:p|h[1-6]|ul|ol|li|pre|code|em|strong|blockquote|hr|br|a|table|thead|tbody|tr"
            r"|th|td)(?: (?:href|rel|title|class|start|style)=\"[^\"]*\")*(?: /)?>",
            tag,
        ), tag
    for href in re.findall(r'href="([^"]*)"', html):
        assert not re.match(r"\s*(?:javascript|vbscript|data|file):", href, re.IGNORECASE)


nasty = st.lists(
    st.one_of(
        st.text(max_size=10),
        st.sampled_from(
            ["<script>", "<img src=x>", "](javascript:x)", "[a", "![", "`", "```", "\n\n", "> ",
             "- ", "|", "<!--", "&lt;", "&#x6a;avascript:", '"', "'", "<a href=", "(data:x)"]
        ),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(nasty)
def test_no_words_act(text: str) -> None:
    check_harmless(render(text))


def test_long_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MAX_CHARACTERS", 10)
    assert render("word " * 50).count("word") == 2
    assert "The rest is in llm_response.txt" in render("word " * 50)


def test_reading_direction_cannot_be_turned() -> None:
    assert "\u202e" not in render("safe \u202etxt.exe")
