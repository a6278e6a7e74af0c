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
from chatbot.slack.blocks.review import Draft, Remark, Reviewed, make_review, remark_fault, step
from chatbot.slack.blocks.review import add as add_remark
from chatbot.slack.blocks.text import cut, escape, escaped, one_line, tame
from chatbot.slack.fold import fold
from chatbot.slack.patch_view import PatchView
from chatbot.slack.slots import make_contents, make_slots
from chatbot.slack.view import TaskView
from tests.chatbot.slack.limits import assert_no_control, check_message
from tests.chatbot.slack.stories import (
    attempts_story,
    files,
    finished,
    long_words,
    make_events,
    make_task,
    queued,
    story,
    words,
)

MOMENT = Moment(now=5000.0, page_url="http://127.0.0.1:8080/t/t_1/share")
slow = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def check(content: Content) -> None:
    for level in (content.blocks, content.simple):
        check_message(content.text, stamp(level, "progress:r_1", 7))


pages = st.sampled_from([MOMENT.page_url, "asked-for:t_000000001abcdef", ""])


@slow
@given(told=story(), repository=words, forge=st.booleans(), diff=long_words, page=pages)
def test_every_message_of_any_story_keeps_the_limits(
    told: list[Event], repository: str, forge: bool, diff: str, page: str
) -> None:
    moment = Moment(now=5000.0, page_url=page)
    view = reduce(fold, told, TaskView())
    task = make_task(source=Source(kind="git", repository=repository, forge=forge))
    slots = make_slots(view)
    assert slots
    for slot in slots:
        if slot.kind != "file":
            contents = make_contents(slot, task, moment, diff)
            assert 1 <= len(contents) <= 5
            for content in contents:
                check(content)


@slow
@given(told=attempts_story(), diff=long_words)
def test_every_message_of_any_attempts_keeps_the_limits(told: list[Event], diff: str) -> None:
    view = reduce(fold, told, TaskView())
    slots = make_slots(view)
    # One living message for all of them.
    assert [slot.key for slot in slots if slot.kind == "progress"] == ["progress:r_1"]
    for slot in slots:
        if slot.kind != "file":
            for content in make_contents(slot, make_task(), MOMENT, diff):
                check(content)


def test_a_huge_change_keeps_the_limits() -> None:
    """Thousands of files with long odd names, megabytes of lines, and a line of a megabyte."""
    names = [f"{'深い/' * 60}\u202e`<!here>`{n}.py" for n in range(3000)]
    found = [
        {
            "path": name,
            "change": "renamed",
            "added": 10**6,
            "removed": 10**6,
            "sensitive": n % 2 == 0,
        }
        for n, name in enumerate(names)
    ]
    diff = "".join(
        f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,2 +1,30 @@\n"
        + "-old 🙂\n"
        + "+new `<!channel>` line\n" * 30
        for name in names
    )
    diff = diff.replace("+new", "+" + "x" * 2**20, 1)
    end = finished(title="t" * 5000, summary="s " * 5000, patch_sha256="0" * 64)
    totals = {"run_id": "r_1", "files": found, "added": 3 * 10**9, "removed": 10**9}
    gate = {"approval_id": "a_1", "run_id": "r_1", "pull_number": None}
    told = (queued(), ("patch", totals), end, ("approval_requested", gate))
    view = reduce(fold, make_events(*told), TaskView())
    for slot in make_slots(view):
        if slot.kind != "file":
            for content in make_contents(slot, make_task(), MOMENT, diff):
                check(content)
    reviewed = Reviewed.make(PatchView.from_payload(totals), diff)
    draft = Draft(run_id="r_000000001abcdef")
    for action in ("review_next", "review_next", "review_file", "review_previous"):
        check_view(make_review(reviewed, draft))
        draft = step(reviewed, draft, action, "400")


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


@slow
@given(found=files, diff=long_words, remarks=st.lists(long_words, max_size=5), steps=st.data())
def test_every_page_of_a_review_keeps_the_limits(
    found: list[Any], diff: str, remarks: list[str], steps: st.DataObject
) -> None:
    patch = PatchView.from_payload({"files": found})
    if not patch.files:
        return
    head = "".join(
        f"diff --git a/x b/x\n--- a/x\n+++ b/{file.path}\n@@ -1 +1,9 @@ x\n-a\n+{diff}\n"
        for file in patch.files
    )
    reviewed = Reviewed.make(patch, head)
    draft = Draft(run_id="r_000000001abcdef")
    for remark in remarks:
        fault = remark_fault(Remark(draft.file, "1-2", remark), draft)
        if fault is None:
            draft = add_remark(draft, Remark(draft.file, "1-2", remark))
        names = ["review_next", "review_previous", "review_add", "review_file"]
        action = steps.draw(st.sampled_from(names))
        draft = step(reviewed, draft, action, str(steps.draw(st.integers(0, 99))))
        view = make_review(reviewed, draft, fault[1] if fault else "")
        check_view(view)
        assert Draft.from_metadata(view["private_metadata"]) == draft
        for block in view["blocks"]:
            for text in [block.get("text"), *(block.get("elements") or [])]:
                if isinstance(text, dict) and text["type"] == "mrkdwn":
                    assert_no_control(text["text"])


rows = st.lists(st.lists(st.one_of(words, long_words), max_size=6).map("|".join), max_size=30)


@slow
@given(head=st.integers(1, 6), body=rows, before=words, after=long_words)
def test_an_answer_with_any_table_keeps_the_limits(
    head: int, body: list[str], before: str, after: str
) -> None:
    table = "\n".join(["|".join(["h"] * head) + "|", "|".join(["-"] * head) + "|", *body])
    told = finished(outcome="answer", answer=f"{before}\n\n{table}\n\n{after}\n{table}")
    view = reduce(fold, make_events(queued(), told), TaskView())
    (slot,) = (slot for slot in make_slots(view) if slot.kind == "result")
    for content in make_contents(slot, make_task(), MOMENT, ""):
        check(content)


def test_a_table_as_text_leaves_room_for_what_stands_beside_it() -> None:
    """Aligned it is wider than it was."""
    long = "x" * 3000 + "|" + "|".join(["<!channel>" * 266] * 2)
    words = "<!channel><!channel>|][a][b]\n[b]: https://evil.example" * 154
    table = f"h|h|h|h|\n-|-|-|-|\n{words}|\n{long}\n~~~\n"
    told = finished(outcome="answer", answer=f"{table}\n\n\n{table}")
    view = reduce(fold, make_events(queued(), told), TaskView())
    (slot,) = (slot for slot in make_slots(view) if slot.kind == "result")
    for content in make_contents(slot, make_task(), MOMENT, ""):
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
