"""What was said of the pull request, with its Fix button; how it ended; what was agreed on it."""

from __future__ import annotations

from typing import Any

from chatbot.models import Task
from chatbot.slack.blocks.elements import Content, actions, button, context, fallback, section
from chatbot.slack.blocks.text import clock, code, count, escaped, is_blank, link, person
from chatbot.slack.view import EndedView, FeedbackView

MAX_SHOWN = 8
QUOTE_CHARACTERS = 300


def make_feedback(task: Task, told: FeedbackView) -> Content:
    """One message for everything that was found at one look."""
    name = f"{task.source.repository}#{told.number}"
    shown = escaped(name, 200)
    if task.source.forge:
        shown = link(f"{_page(task)}/pull/{told.number}", name)
    lines = [f"*{shown}: {_headline(told)}*"]
    lines += [_check(check) for check in told.checks[:MAX_SHOWN]]
    lines += [_remark(remark) for remark in told.remarks[:MAX_SHOWN]]
    hidden = sum(max(0, len(each) - MAX_SHOWN) for each in (told.checks, told.remarks))
    if hidden:
        lines.append(f"… and {count(hidden, 'more remark')}: see the pull request")
    blocks = [section("\n".join(lines))]
    if told.fixed_by_name:
        who = person(told.fixed_by_id, told.fixed_by_name)
        blocks.append(context(f"Taken up: {who} · {clock(told.fixed_at)}"))
    else:
        if told.is_capped:
            blocks.append(context("Mended by itself often enough in a row: a person decides now."))
        buttons = []
        if told.can_fix:
            buttons.append(button("Fix", "fix_feedback", f"{task.id}:{told.seq}", style="primary"))
        if told.conflict:
            buttons.append(button("Update", "update_work", task.id))
        if buttons:
            blocks.append(actions(*buttons))
    text = fallback(f"{name}: {_headline(told)}")
    return Content(text=text, blocks=tuple(blocks), simple=tuple(blocks))


def make_ended(task: Task, ended: EndedView) -> Content:
    """Merged or closed: the end of the story."""
    name = f"{task.source.repository}#{ended.number}"
    mark = ":tada: Merged" if ended.state == "merged" else "Closed without merging"
    by = f" by {escaped(ended.by, 80)}" if ended.by else ""
    removed = " · its branch was removed" if ended.branch_removed else ""
    blocks = (section(f"{mark}: {link(ended.url, name)}{by}{removed}"),)
    word = "Merged" if ended.state == "merged" else "Closed"
    return Content(text=fallback(f"{word}: {name}"), blocks=blocks, simple=blocks)


def _headline(told: FeedbackView) -> str:
    parts = []
    if told.checks:
        parts.append(f"{count(len(told.checks), 'check')} failed")
    approvals = sum(remark.get("kind") == "approval" for remark in told.remarks)
    if others := len(told.remarks) - approvals:
        parts.append(count(others, "remark"))
    if approvals:
        parts.append("approved")
    if told.conflict:
        parts.append("a conflict with its base branch")
    return ", ".join(parts) or "something new"


def _check(check: dict[str, Any]) -> str:
    summary = str(check.get("summary") or "").strip()
    first = "" if is_blank(summary) else f": {escaped(summary.splitlines()[0], 200)}"
    return f":x: {link(str(check.get('url') or ''), str(check.get('name') or 'check'))}{first}"


def _remark(remark: dict[str, Any]) -> str:
    author = escaped(str(remark.get("author") or "somebody"), 80)
    url = str(remark.get("url") or "")
    if remark.get("kind") == "approval":
        return f":white_check_mark: approved by {link(url, author)}"
    path, line = str(remark.get("path") or ""), remark.get("line")
    place = f" on {code(f'{path}:{line}')}" if path else ""
    text = str(remark.get("text") or "")
    quote = escaped(" ".join(text.split()), QUOTE_CHARACTERS)
    said = f"\n&gt; {quote}" if quote else ""
    return f":speech_balloon: {link(url, author)}{place}{said}"


def _page(task: Task) -> str:
    return task.source.url.removesuffix(".git")
