"""Pages as HTML: templates that escape everything, and Markdown that is made harmless."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chatbot.models import Event, Run, Task
from chatbot.web.diff import parse_diff
from chatbot.web.markdown import make_markdown, render_markdown
from chatbot.web.page_view import make_page
from sandbox.errors import ThreadsmithError

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """Renders; holds no state but the parsed templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._markdown = make_markdown()

    def error(self, status: int, error: ThreadsmithError) -> web.Response:
        template = self._environment.get_template("error.html")
        html = template.render(status=status, brief=error.brief, resolution=error.resolution)
        return web.Response(text=html, status=status, content_type="text/html")

    def task(
        self,
        task: Task,
        *,
        runs: Sequence[Run],
        events: Sequence[Event],
        patch: bytes | None,
        known_diff: str,
    ) -> str:
        """The page; without the diff where the reader has that one already."""
        page = make_page(task, runs, events, self._render_markdown)
        leave_out = bool(known_diff) and known_diff == page.patch_sha256
        diff = None if patch is None or leave_out else parse_diff(patch)
        return self._environment.get_template("task.html").render(
            page=page,
            diff=diff,
            leave_out_diff=leave_out,
            base=f"/t/{task.id}/{task.share_token}",
        )

    def _render_markdown(self, text: str) -> Markup:
        return render_markdown(self._markdown, text) if text.strip() else Markup("")
