"""What a run came to: the change with its diff, or how it failed, or that it was stopped."""

from __future__ import annotations

from chatbot.models import Task
from chatbot.slack.blocks.diff import (
    find_snippets,
    make_file_list,
    make_file_table,
    totals,
)
from chatbot.slack.blocks.elements import (
    MESSAGE_LIMIT,
    Content,
    actions,
    button,
    context,
    fallback,
    footer,
    line,
    literal,
    preformatted,
    quotation,
    rich,
    section,
    words,
)
from chatbot.slack.blocks.splitting import shorten_markdown
from chatbot.slack.blocks.text import Block, code, cut, escaped, is_blank, size, tame, visible
from chatbot.slack.patch_view import PatchView
from chatbot.slack.view import Result, RunView

SUMMARY_LIMIT = 2500
CLAIM_LIMIT = 1000
FAILED_CHARACTERS = 700


def make_change(task: Task, run: RunView, result: Result, diff: str) -> Content:
    """Title, summary, the agent's claim as its own word, the files, the most telling pieces."""
    patch = run.patch or PatchView()
    head = (*_head(result, "Changes are ready"), *_verified(result), *_claim(result))
    tail: tuple[Block, ...] = ()
    if not task.source.forge:
        tail = (section("This source takes no pull requests: the whole patch is attached below."),)
    if result.patch_sha256:
        tail = (*tail, actions(button("Review", "review", run.id)))
    table, listed = make_file_table(patch), make_file_list(patch)
    snippets = find_snippets(diff, patch, MESSAGE_LIMIT - size((*head, table, listed, *tail)))
    boxes = [snippet.box(is_open=index == 0) for index, snippet in enumerate(snippets)]
    plain = [block for snippet in snippets for block in snippet.plain()]
    title = result.title or "Changes are ready"
    return Content(
        text=fallback(f"{title}: {totals(patch)}"),
        blocks=(*head, table, *boxes, *tail),
        simple=literal((*head, listed, *plain, *tail)),
    )


def make_nothing(result: Result) -> Content:
    """The agent finished and changed no file."""
    head = (*_head(result, "Nothing was changed"), *_claim(result))
    text = "No file was changed."
    return Content(text=text, blocks=(*head, section(text)), simple=(section(text),))


def make_failed(task: Task, run: RunView, result: Result, page_url: str) -> Content:
    brief = escaped(result.brief, 1200) or "The run ended without a result."
    if result.stage == "request":
        # Nothing was begun: only other words help.
        asked = section("\n".join(filter(None, (brief, escaped(result.resolution, 1200)))))
        return Content(text=fallback(result.brief), blocks=(asked,), simple=(asked,))
    lines = [f":x: *Failed{_where(result.stage)}*: {brief}"]
    if not is_blank(result.resolution):
        lines.append(f"*Next:* {escaped(result.resolution, 1200)}")
    if kept := _kept(run):
        lines.append(kept)
    said = section("\n".join(lines))
    buttons = [button("Try again", "try_again", f"{task.id}:{run.id}")]
    if result.stage == "source":
        # A source that cannot be had is put right by another choice.
        buttons.append(button("Change", "change_task", task.id))
    return Content(
        text=fallback(f"Failed: {result.brief}"),
        blocks=(said, *footer(page_url, *buttons)),
        simple=(said, *footer(page_url, *buttons)),
    )


_STAGES = {
    "source": "fetching the source",
    "image": "pulling the image",
    "setup": "setting up",
    "container": "starting the container",
    "model": "asking the model",
    "agent": "working",
}


def _where(stage: str) -> str:
    """What was being done, in words where there are any."""
    if not stage:
        return ""
    return f" while {_STAGES[stage]}" if stage in _STAGES else f" ({escaped(stage, 60)})"


def make_replaced(run: RunView, result: Result) -> Content:
    """In the place of a failure, or of a stop, once the work was begun anew otherwise."""
    how = f"failed: {escaped(result.brief, 600)}" if result.outcome == "failed" else "was stopped."
    who = f" by {run.changed_by}" if run.changed_by else ""
    said = f"{code(run.was_in, 150)} {how} Changed{who}, and begun anew below."
    blocks = (context(said),)
    return Content(text=fallback(f"{run.was_in}: changed."), blocks=blocks, simple=blocks)


_STOPPED = {
    "deleted": "The request was deleted, so I stopped.",
    "channel": "The channel was deleted, so I stopped.",
    "edited": "The request was edited, so I begin anew.",
}


def make_stopped(run: RunView) -> Content:
    text = _STOPPED.get(run.stopped_for, "Okay, I stopped.")
    said = section("\n".join(part for part in (text, _kept(run)) if part))
    return Content(text=text, blocks=(said,), simple=(said,))


def _kept(run: RunView) -> str:
    if run.patch is None or not run.patch.count:
        return "" if run.started_at is None else "No file had been changed yet. Reply to go on."
    return f"Kept: the work so far, {totals(run.patch)}. Reply to go on with it."


def _head(result: Result, otherwise: str) -> tuple[Block, ...]:
    """Title and summary, both the model's words."""
    title = result.title if not is_blank(result.title) else otherwise
    head = rich(line(words(cut(" ".join(title.split()), 200), bold=True)))
    if is_blank(result.summary):
        return (head,)
    return (
        head,
        {"type": "markdown", "text": shorten_markdown(tame(result.summary), SUMMARY_LIMIT)},
    )


MARKS = {"verified": ":white_check_mark:", "failed": ":x:", "unverified": ":grey_question:"}


def _verified(result: Result) -> tuple[Block, ...]:
    """What the host itself saw; the end of the output where a command failed."""
    verified = result.verified
    if not verified.state:
        return ()
    lines = [f"{MARKS[verified.state]} *{escaped(verified.headline, 400)}*"]
    lines += [
        f"{'' if check.is_fine else ':x: '}{code(check.command, 300)} {escaped(check.said, 200)}"
        for check in verified.checks
    ]
    blocks: list[Block] = [section("\n".join(lines))]
    failed = next((check for check in verified.checks if not check.is_fine), None)
    if failed is not None and not is_blank(failed.output):
        blocks.append(rich(preformatted(visible(failed.output.strip()[-FAILED_CHARACTERS:]))))
    return tuple(blocks)


def _claim(result: Result) -> tuple[Block, ...]:
    """What the agent says it checked. Nobody else did, so it never stands as a fact."""
    if is_blank(result.claimed):
        return ()
    return (
        rich(
            line(words("The agent says:", italic=True)),
            quotation(result.claimed, CLAIM_LIMIT),
        ),
    )
