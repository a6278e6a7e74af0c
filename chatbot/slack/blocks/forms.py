"""Forms behind the gate's buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.models import AS_PROPOSED, PullEdits
from chatbot.slack.blocks.elements import plain_text
from chatbot.slack.blocks.text import Block, cut, visible

CHANGES_VIEW = "changes"
CHANGES_BLOCK = "changes"
CHANGES_INPUT = "words"
EDIT_VIEW = "edit_pr"
FIELD_LIMIT = 3000
"""Slack takes no more in one field."""
TITLE_LIMIT = 200
BRANCH_LIMIT = 100
_INPUT = "value"
_DRAFT = {"text": {"type": "plain_text", "text": "Open as a draft"}, "value": "draft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What is opened where nobody edits it; title and body are the model's words."""

    title: str
    body: str
    draft: bool
    branch_only: bool
    is_new: bool
    """False: a pull request stands already."""


def make_changes_modal(approval_id: str) -> Block:
    """Where a person says what to do differently."""
    field = words_field(CHANGES_BLOCK, "What should be different?", action=CHANGES_INPUT)
    return modal(CHANGES_VIEW, "Request changes", approval_id, [field], submit="Send")


def make_edit_modal(metadata: str, proposed: Proposed, edits: PullEdits) -> Block:
    """A pull request that stands keeps its branch and its kind."""
    is_new = proposed.is_new
    fields = [
        words_field(
            *("title", "Title"),
            initial=shown_title(edits, proposed),
            hint="" if is_new else "Empty: it stays as it is.",
            limit=TITLE_LIMIT,
            lines=False,
            optional=not is_new,
        ),
        words_field(
            *("body", "Description"),
            initial=shown_body(edits, proposed),
            hint="What was verified, and who asked, is added below it.",
            optional=True,
        ),
    ]
    if is_new:
        fields.append(
            words_field(
                *("branch", "Branch"),
                initial=(edits.branch or "")[:BRANCH_LIMIT],
                hint="A new one; empty: it is named after the title.",
                limit=BRANCH_LIMIT,
                lines=False,
                optional=True,
            )
        )
    if is_new and not proposed.branch_only:
        fields.append(_draft_field(proposed.draft if edits.draft is None else edits.draft))
    return modal(EDIT_VIEW, "Edit before it opens", metadata, fields, submit="Save")


def read_edits(view: dict[str, Any], proposed: Proposed) -> PullEdits:
    """What the form says otherwise than was proposed."""
    title = " ".join(read_field(view, "title").split())
    body, draft = read_field(view, "body"), read_draft(view)
    return PullEdits(
        title=None if title in {"", shown_title(AS_PROPOSED, proposed)} else title,
        body=None if body == shown_body(AS_PROPOSED, proposed) else body,
        branch=read_field(view, "branch").strip() or None,
        draft=None if draft == proposed.draft else draft,
    )


def shown_body(edits: PullEdits, proposed: Proposed) -> str:
    """The description as the form shows it."""
    return cut(visible(proposed.body if edits.body is None else edits.body), FIELD_LIMIT)


def shown_title(edits: PullEdits, proposed: Proposed) -> str:
    """The title as the form shows it."""
    title = edits.title or (proposed.title if proposed.is_new else "")
    return cut(visible(" ".join(title.split())), TITLE_LIMIT)


def read_field(view: dict[str, Any], block: str, action: str = _INPUT) -> str:
    """What was written there; empty where there is no such field."""
    field = view["state"]["values"].get(block, {}).get(action, {})
    return str(field.get("value") or "")


def read_draft(view: dict[str, Any]) -> bool | None:
    """None: it was not asked for."""
    field = view["state"]["values"].get("draft")
    return None if field is None else bool(field.get(_INPUT, {}).get("selected_options"))


def modal(
    callback_id: str, title: str, metadata: str, blocks: list[Block], *, submit: str | None
) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": metadata,
        "title": plain_text(title, 24),
        "close": plain_text("Cancel" if submit else "Close", 24),
        "blocks": blocks,
    }
    return view | ({"submit": plain_text(submit, 24)} if submit else {})


def words_field(
    block_id: str,
    label: str,
    *,
    action: str = _INPUT,
    initial: str = "",
    hint: str = "",
    limit: int = FIELD_LIMIT,
    lines: bool = True,
    optional: bool = False,
) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": action,
        "multiline": lines,
        "max_length": limit,
    }
    if initial:
        # Slack refuses the whole view for one that is too long.
        element["initial_value"] = initial[:limit]
    field: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": element,
        "optional": optional,
    }
    return field | ({"hint": plain_text(hint, 2000)} if hint else {})


def _draft_field(is_draft: bool) -> Block:
    element: Block = {"type": "checkboxes", "action_id": _INPUT, "options": [_DRAFT]}
    if is_draft:
        element["initial_options"] = [_DRAFT]
    return {
        "type": "input",
        "block_id": "draft",
        "label": plain_text("Kind", 2000),
        "element": element,
        "optional": True,
    }
