"""Whatever a story holds, its messages keep Slack's limits and our promises."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.demo.workspace.limits import check_view
from chatbot.models import Event, PullEdits, Source
from chatbot.slack.blocks.diff import split_files
from chatbot.slack.blocks.elements import Content, stamp
from chatbot.slack.blocks.forms import Proposed, make_changes_modal, make_edit_modal, read_edits
from chatbot.slack.blocks.progress import Moment
from chatbot.slack.blocks.text import cut, escape, escaped, one_line, tame
from chatbot.slack.fold import fold
from chatbot.slack.slots import make_contents, make_slots
from chatbot.slack.view import TaskView
from tests.chatbot.slack.limits import assert_no_control, check_message
from tests.chatbot.slack.stories import files, long_words, make_task, story, words

MOMENT = Moment(now=5000.0, page_url="http://127.0.0.1:8080/t/t_1/share")
slow = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def check(content: Content) -> None:
    for level in (content.blocks, content.simple):
        check_message(content.text, stamp(level, "progress:r_1", 7))


@slow
@given(told=story(), repository=words, forge=st.booleans(), diff=long_words)
def test_every_message_of_any_story_keeps_the_limits(
    told: list[Event], repository: str, forge: bool, diff: str
) -> None:
    view = reduce(fold, told, TaskView())
    task = make_task(source=Source(kind="git", repository=repository, forge=forge))
    slots = make_slots(view)
    assert slots
    for slot in slots:
        if slot.kind != "file":
            contents = make_contents(slot, task, MOMENT, diff)
            assert 1 <= len(contents) <= 5
            for content in contents:
                check(content)


@slow
@given(found=files, text=long_words)
def test_the_diff_of_any_patch_keeps_the_limits(found: list[object], text: str) -> None:
    paths = [file.get("path") for file in found if isinstance(file, dict)]
    names = [str(path).replace("\n", " ") for path in paths if isinstance(path, str)]
    diff = "".join(
        f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-x\n+{text}\n"
        for name in names
    )
    told: list[tuple[str, dict[str, Any]]] = [
        ("run_queued", {"number": 1}),
        ("patch", {"files": found}),
    ]
    told.append(("run_finished", {"outcome": "patch", "title": text, "summary": text * 3}))
    events = [
        Event(id=n, task_id="t", seq=n, at=1.0, kind=kind, payload={**payload, "run_id": "r_1"})
        for n, (kind, payload) in enumerate(told, start=1)
    ]
    view = reduce(fold, events, TaskView())
    (slot,) = (slot for slot in make_slots(view) if slot.kind == "result")
    for content in make_contents(slot, make_task(), MOMENT, diff):
        check(content)


@given(st.text(), st.integers(1, 200))
def test_cutting_keeps_the_limit(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
    assert len(one_line(text, limit)) <= limit
    assert len(escaped(text, max(limit, 6))) <= max(limit, 6)


@given(words)
def test_escaped_words_hold_no_control_sequence(text: str) -> None:
    assert_no_control(escape(text))


@given(words)
def test_tame_markdown_reads_the_same_but_for_what_cannot_be_seen(text: str) -> None:
    seen = tame(text).replace("\u200b", "")
    assert seen == tame(seen).replace("\u200b", "")


@given(st.text())
def test_any_text_can_be_taken_for_a_diff(text: str) -> None:
    for name, hunks in split_files(text):
        assert name
        assert hunks.startswith("@@ ")


def test_the_form_for_changes_keeps_the_limits() -> None:
    check_view(make_changes_modal("a_1"))


edits = st.builds(
    PullEdits,
    title=st.none() | words.filter(str.strip),
    body=st.none() | long_words,
    branch=st.none() | words,
    draft=st.none() | st.booleans(),
)
proposals = st.builds(
    Proposed,
    title=long_words,
    body=long_words,
    draft=st.booleans(),
    branch_only=st.booleans(),
    is_new=st.booleans(),
)


@slow
@given(proposed=proposals, edits=edits)
def test_the_form_for_edits_keeps_the_limits_of_views(proposed: Proposed, edits: PullEdits) -> None:
    check_view(make_edit_modal("a_1:0", proposed, edits))


@slow
@given(proposed=proposals)
def test_what_nobody_edited_stays_as_it_was_proposed(proposed: Proposed) -> None:
    view = make_edit_modal("a_1:0", proposed, PullEdits())
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        element = block["element"]
        given_back = (
            {"selected_options": element.get("initial_options", [])}
            if element["type"] == "checkboxes"
            else {"value": element.get("initial_value")}
        )
        values[block["block_id"]] = {element["action_id"]: given_back}
    assert read_edits(view | {"state": {"values": values}}, proposed) == PullEdits()
