"""Markdown that a model wrote, as HTML that can do nothing: no raw HTML, no images, no scripts."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from chatbot.harmless import visible

MAX_CHARACTERS = 60_000


def make_markdown() -> MarkdownIt:
    """A parser; its link rule refuses `javascript:` and the like by itself."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.add_render_rule("link_open", _link)
    return parser


def render_markdown(parser: MarkdownIt, text: str) -> Markup:
    shown = visible(text[:MAX_CHARACTERS])
    if len(text) > MAX_CHARACTERS:
        shown += "\n\n*(The rest is in llm_response.txt.)*"
    return Markup(parser.render(shown))  # noqa: S704 - the parser escapes everything


def _link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, index, options, env)
