"""What the messages say, in plain cases."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from chatbot.models import Source, Task
from chatbot.slack.blocks.elements import Content
from chatbot.slack.blocks.progress import Moment
from chatbot.slack.fold import fold
from chatbot.slack.slots import make_contents, make_slots
from chatbot.slack.view import TaskView
from tests.chatbot.slack.stories import (
    finished,
    make_events,
    make_task,
    preparing,
    queued,
    resolved,
    started,
)

MOMENT = Moment(now=1100.0, page_url="http://127.0.0.1:8080/t/t_1/share")
FILES = [
    {"path": "src/shop/cart.py", "change": "modified", "added": 10, "removed": 3},
    {"path": ".github/workflows/ci.yml", "change": "added", "added": 2, "sensitive": True},
]
PATCH: tuple[str, dict[str, Any]] = (
    "patch",
    {"run_id": "r_1", "files": FILES, "added": 12, "removed": 3, "final": True},
)
DIFF = """diff --git a/src/shop/cart.py b/src/shop/cart.py
index 1..2 100644
--- a/src/shop/cart.py
+++ b/src/shop/cart.py
@@ -1,2 +1,2 @@
-total = 0
+total = 1
diff --git a/.github/workflows/ci.yml b/.github/workflows/ci.yml
new file mode 100644
--- /dev/null
+++ b/.github/workflows/ci.yml
@@ -0,0 +1,2 @@
+on: push
+jobs: {}
"""
GATE = ("approval_requested", {"approval_id": "a_1", "run_id": "r_1", "pull_number": None})


def show(
    prefix: str, *told: tuple[str, dict[str, Any]], task: Task | None = None, diff: str = ""
) -> list[Content]:
    view = reduce(fold, make_events(*told), TaskView())
    (slot,) = (slot for slot in make_slots(view) if slot.key.startswith(prefix))
    return make_contents(slot, task or make_task(), MOMENT, diff)


def texts(value: object) -> str:
    """Every word of a message, in order."""
    match value:
        case {"text": str(text)}:
            return text
        case dict():
            return "\n".join(filter(None, (texts(item) for item in value.values())))
        case list() | tuple():
            return "\n".join(filter(None, (texts(item) for item in value)))
        case _:
            return ""


def test_accepted_names_everything_that_was_understood() -> None:
    (content,) = show("accepted", queued(position=1), resolved())
    assert texts(content.blocks) == (
        "Working on `demo/shop`\n"
        "branch `main` · at `0123456` · mode `change` · model `replay:demo`\n"
        "Waiting: 1 task before this one.\nChange"
    )


def test_the_queue_is_no_longer_told_once_the_run_began() -> None:
    (content,) = show("accepted", queued(position=1), resolved(), preparing())
    assert "Waiting" not in texts(content.blocks)


def cards(content: Content) -> list[tuple[str, str]]:
    return [(card["title"], card["status"]) for card in content.blocks[0]["tasks"]]


def plan(*statuses: str) -> tuple[str, dict[str, Any]]:
    items = [
        {"id": str(n), "title": f"Item {n}", "status": status} for n, status in enumerate(statuses)
    ]
    return "plan", {"run_id": "r_1", "items": items}


def step(n: int, status: str = "") -> list[tuple[str, dict[str, Any]]]:
    begun = ("step_started", {"run_id": "r_1", "step": str(n), "title": f"Step {n}"})
    if not status:
        return [begun]
    return [begun, ("step_finished", {"run_id": "r_1", "step": str(n), "status": status})]


def test_steps_stand_under_the_item_in_progress() -> None:
    (content,) = show(
        "progress",
        *(queued(), resolved(), preparing(), started(), *step(1, "complete")),
        *(plan("in_progress", "pending"), *step(2, "complete")),
        *(plan("complete", "in_progress", "pending"), *step(3, "error"), *step(4)),
    )
    assert content.blocks[0]["title"] == "Working…"
    assert cards(content) == [
        ("1 earlier step", "complete"),
        ("Item 0", "complete"),
        ("Item 1", "in_progress"),
        ("Step 3", "error"),
        ("Step 4", "in_progress"),
        ("Item 2", "pending"),
    ]
    assert "1 step" in texts(content.blocks[0]["tasks"][1])


def test_many_steps_become_a_number() -> None:
    many = [event for n in range(60) for event in step(n, "complete")]
    (content,) = show("progress", queued(), preparing(), started(), *many)
    shown = cards(content)
    assert len(shown) <= 50
    hidden = 61 - len(shown)
    assert shown[0] == (f"{hidden} earlier steps", "complete")
    assert shown[-1] == ("Step 59", "complete")


@pytest.mark.parametrize(
    ("outcome", "title", "status"),
    [
        ("patch", "Worked for 4s", "complete"),
        ("stopped", "Stopped after 4s", "error"),
        ("failed", "Failed after 4s", "error"),
    ],
)
def test_nothing_is_under_way_after_the_end(outcome: str, title: str, status: str) -> None:
    (content,) = show(
        "progress",
        *(queued(), preparing(), started(), plan("complete", "in_progress"), *step(1)),
        finished(outcome=outcome),
    )
    assert content.blocks[0]["title"] == title
    assert cards(content)[1] == ("Item 1", status)
    actions = content.blocks[-1]["elements"]
    assert [element["action_id"] for element in actions] == ["log"]


def test_a_live_run_can_be_stopped_and_its_log_opened() -> None:
    (content,) = show("progress", queued(), resolved(), preparing())
    stop, _, log = content.blocks[-1]["elements"]
    assert (stop["action_id"], stop["value"]) == ("stop", make_task().id)
    assert log["url"] == MOMENT.page_url
    assert content.blocks[0]["text"]["text"] == "*Preparing…*"


def test_without_a_task_page_there_is_no_button_for_it() -> None:
    view = reduce(fold, make_events(queued(), preparing(), finished(outcome="stopped")), TaskView())
    nowhere = Moment(now=1100.0, page_url="")
    for slot in make_slots(view):
        (content,) = make_contents(slot, make_task(), nowhere, "")
        assert "actions" not in [block["type"] for block in content.blocks]


def test_the_facts_of_a_run() -> None:
    turn = {"run_id": "r_1", "usage": {"input_tokens": 12_000, "output_tokens": 345}}
    (content,) = show(
        "progress", queued(), resolved(), preparing(), started(), ("turn", turn | {"cost_usd": 0.5})
    )
    assert "`demo/shop` · `main` · `replay:demo` · 1m 37s · 12k tokens · $0.50" in texts(
        content.blocks
    )


def test_the_result_shows_the_files_the_claim_and_the_most_telling_pieces() -> None:
    (content,) = show(
        "result",
        *(queued(), PATCH),
        finished(
            title="Fix rounding",
            summary="It **rounds**.",
            claimed="I ran 3 tests.",
            patch_sha256="0" * 64,
        ),
        diff=DIFF,
    )
    said = texts(content.blocks)
    assert said.index("Fix rounding") < said.index("It **rounds**.") < said.index("The agent says:")
    assert "I ran 3 tests." in said
    assert (
        "2 files, +12 \u22123\n+\n\u2212\n.github/workflows/ci.yml\n · new · ⚠️ sensitive\n2" in said
    )
    kinds = [block["type"] for block in content.blocks]
    assert kinds == [
        *("rich_text", "markdown", "rich_text", "table", "container", "container", "actions"),
    ]
    # The most telling one stands open.
    assert [block["default_collapsed"] for block in content.blocks[4:6]] == [False, True]
    plain = texts(content.simple)
    assert "*2 files, +12 \u22123*\n`.github/workflows/ci.yml`  +2 \u22120 · new" in plain
    assert "container" not in str(content.simple)
    assert "`.github/workflows/ci.yml`  +2 \u22120 · new · ⚠️ sensitive" in plain
    assert "@@ -1,2 +1,2 @@\n-total = 0\n+total = 1" in said
    # A sensitive file is shown before a larger one.
    assert said.index("+jobs: {}") < said.index("+total = 1")


def test_hidden_direction_marks_in_a_diff_are_written_out() -> None:
    (content,) = show("result", queued(), PATCH, finished(), diff=DIFF.replace("= 1", "= \u202e1"))
    assert "+total = ⟨U+202E⟩1" in texts(content.blocks)


def test_the_gate_asks_and_names_sensitive_files() -> None:
    (content,) = show("gate", queued(), PATCH, finished(), GATE)
    question, buttons = content.blocks
    lines = question["text"]["text"].splitlines()
    assert lines[0] == "*Open a pull request in demo/shop with 2 files, +12 \u22123?*"
    assert "`.github/workflows/ci.yml`" in lines[1]
    assert [(b["text"]["text"], b.get("style"), b["value"]) for b in buttons["elements"]] == [
        ("Open PR", "primary", "a_1:0"),
        ("Edit", None, "a_1:0"),
        ("Request changes", None, "a_1:0"),
        ("Discard", None, "a_1:0"),
    ]
    assert "confirm" in buttons["elements"][3]


def test_the_gate_tells_what_was_edited_and_how_long_it_stands() -> None:
    asked = (GATE[0], {**GATE[1], "expires_at": 90_000.0})
    by = {"id": "U7777", "name": "Ada"}
    edits = {"title": "Round <b>", "branch": "fix/rounding", "body": "x", "draft": True}
    edited = {"approval_id": "a_1", "edits": edits, "revision": 1, "by": by}
    (content,) = show("gate", queued(), PATCH, finished(), asked, ("approval_edited", edited))
    question, notes, buttons = content.blocks
    assert question["text"]["text"].startswith("*Open a draft pull request in demo/shop with")
    assert [note["text"] for note in notes["elements"]] == [
        "Edited by <@U7777>: title “Round &lt;b&gt;”, branch `fix/rounding`, another description,"
        " as a draft",
        "Expires <!date^90000^{date_short_pretty} at {time}|2 Jan, 01:00 UTC>",
    ]
    open_pr = buttons["elements"][0]
    assert (open_pr["text"]["text"], open_pr["value"]) == ("Open PR as draft", "a_1:1")


def test_a_gate_that_was_opened_by_itself_says_why() -> None:
    by = {"id": "threadsmith", "name": "Threadsmith"}
    settled = {"approval_id": "a_1", "state": "approved", "by": by, "why": "verified"}
    (content,) = show("gate", queued(), PATCH, finished(), GATE, ("approval_settled", settled))
    assert texts(content.blocks).startswith("Opened by itself: the change was verified")


def test_what_expired_can_be_asked_again_until_something_newer_begins() -> None:
    by = {"id": "threadsmith", "name": "Threadsmith"}
    expired = ("approval_settled", {"approval_id": "a_1", "state": "expired", "by": by})
    told = (queued(), PATCH, finished(), GATE, expired)
    (content,) = show("gate", *told)
    assert content.blocks[1]["elements"][0]["action_id"] == "ask_again"
    for newer in (queued("r_2", number=2), (GATE[0], {**GATE[1], "approval_id": "a_2"})):
        record = show("gate:a_1", *told, newer)[0]
        assert [block["type"] for block in record.blocks] == ["context"]


def test_the_gate_of_an_update_names_the_pull_request() -> None:
    gate = ("approval_requested", {"approval_id": "a_1", "run_id": "r_1", "pull_number": 7})
    (content,) = show("gate", queued(), PATCH, finished(), gate)
    assert "Update pull request #7 in demo/shop" in texts(content.blocks[0])
    assert content.blocks[1]["elements"][0]["text"]["text"] == "Update PR"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("approved", "Approved by <@U7777>"),
        ("discarded", "Discarded by <@U7777>"),
        ("changes", "Changes requested by <@U7777>"),
        ("void", "A newer request took this patch's place."),
        ("expired", "Nobody decided in time"),
    ],
)
def test_a_settled_gate_is_a_record_without_buttons(state: str, said: str) -> None:
    by = {"id": "U7777", "name": "Ada"}
    settled = ("approval_settled", {"approval_id": "a_1", "state": state, "by": by})
    (content,) = show("gate", queued(), PATCH, finished(), GATE, settled)
    rows = ["context", "actions"] if state == "expired" else ["context"]
    assert [block["type"] for block in content.blocks] == rows
    assert texts(content.blocks).startswith(said)


def test_somebody_outside_slack_is_named_in_words() -> None:
    by = {"id": "api", "name": "CI <bot>"}
    settled = ("approval_settled", {"approval_id": "a_1", "state": "approved", "by": by})
    (content,) = show("gate", queued(), PATCH, finished(), GATE, settled)
    assert texts(content.blocks).startswith("Approved by CI &lt;bot&gt; · ")


def test_the_pull_request_is_linked() -> None:
    published = {"number": 1, "url": "http://forge.example/demo/shop/pull/1", "created": True}
    (content,) = show("publish", queued(), ("published", published))
    assert texts(content.blocks) == "Opened <http://forge.example/demo/shop/pull/1|demo/shop#1>"


def test_what_went_otherwise_stands_below_the_link_once() -> None:
    note = ("publish_step", {"step": "note", "result": "No <drafts> here."})
    step = ("publish_step", {"step": "push", "result": "branch"})
    published = {"number": 1, "url": "http://forge.example/demo/shop/pull/1", "created": True}
    (content,) = show("publish", queued(), step, note, note, ("published", published))
    said = [element["text"] for element in content.blocks[1]["elements"]]
    assert said == ["No &lt;drafts&gt; here."]
    (content,) = show("publish", queued(), step, ("published", published))
    assert len(content.blocks) == 1


def test_a_failed_publishing_says_what_to_do() -> None:
    failed = {"stage": "push", "brief": "The branch moved.", "resolution": "Try again."}
    (content,) = show("publish", queued(), ("publish_failed", failed))
    assert texts(content.blocks) == (
        ":x: *No pull request was opened* at `push`: The branch moved.\n*Next:* Try again."
    )


def test_a_failure_names_stage_cause_next_step_and_what_was_kept() -> None:
    (content,) = show(
        "result",
        *(queued(), preparing(), started(), PATCH),
        finished(
            outcome="failed",
            stage="model",
            brief="The model <gave up>.",
            resolution="Set a key.",
            details="sk-secret",
        ),
    )
    assert texts(content.blocks[0]) == (
        ":x: *Failed while asking the model*: The model &lt;gave up&gt;.\n*Next:* Set a key.\n"
        "Kept: the work so far, 2 files, +12 \u22123. Reply to go on with it."
    )
    assert "sk-secret" not in str(content)


def test_stopped_is_one_line_and_what_was_kept() -> None:
    (content,) = show("result", queued(), preparing(), started(), finished(outcome="stopped"))
    assert (
        texts(content.blocks[0])
        == "Okay, I stopped.\nNo file had been changed yet. Reply to go on."
    )


def test_an_answer_keeps_code_as_it_is_and_takes_links_apart() -> None:
    answer = (
        "See [docs](https://evil.example) <!channel>.\n\n```python\nx[0](1) # <!here>\n```\nEnd."
    )
    (content,) = show("result", queued(), finished(outcome="answer", answer=answer))
    prose, code, end = content.blocks
    assert prose == {
        "type": "markdown",
        "text": "See [docs]\u200b(https://evil.example) <\u200b!channel>.",
    }
    assert code["elements"][0]["elements"][0]["text"] == "x[0](1) # <!here>"
    assert end["text"] == "End."


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ("```x``` is code.\n\nAnd this is not.", ["markdown"]),
        ("```sh\nmake\n   ```\nDone.", ["rich_text", "markdown"]),
    ],
)
def test_what_only_looks_like_fenced_code_swallows_no_words(answer: str, kinds: list[str]) -> None:
    (content,) = show("result", queued(), finished(outcome="answer", answer=answer))
    assert [block["type"] for block in content.blocks] == kinds


def test_a_long_answer_is_split_between_messages_and_loses_nothing() -> None:
    answer = "\n\n".join(f"Paragraph {n}. " + "word " * 100 for n in range(60))
    contents = show("result", queued(), finished(outcome="answer", answer=answer))
    assert len(contents) == 3
    said = "".join(block["text"] for content in contents for block in content.blocks)
    assert "".join(said.split()) == "".join(answer.split())


def test_a_review_lists_findings_by_weight_with_their_place() -> None:
    findings = [
        {"severity": "low", "file": "a.py", "line": 3, "title": "Typo", "detail": "teh"},
        {
            "severity": "high",
            "file": "b.py",
            "line": 9,
            "title": "Overflow",
            "suggestion": "Cap it",
        },
    ]
    (content,) = show("result", queued(), finished(outcome="findings", findings=findings))
    said = texts(content.blocks)
    assert said.startswith("*2 findings*")
    assert said.index("high · b.py:9") < said.index("Overflow") < said.index("Suggestion: Cap it")
    assert said.index("Overflow") < said.index("low · a.py:3") < said.index("teh")


def test_places_lead_to_the_forge_at_the_commit() -> None:
    places = {"base": "https://forge/acme/api/blob/c0ffee", "paths": ["a.py"]}
    told = finished(outcome="answer", answer="In `a.py:3` <!here> `b.py:4`.", places=places)
    (content,) = show("result", queued(), told)
    said = content.blocks[0]["text"]
    assert said.startswith("In [`a.py:3`](https://forge/acme/api/blob/c0ffee/a.py#L3) ")
    assert said.endswith("`b.py:4`.")
    findings = [{"severity": "low", "file": "a.py", "line": 3, "title": "Typo"}]
    told = finished(outcome="findings", findings=findings, places=places)
    (content,) = show("result", queued(), told)
    head = content.blocks[1]["elements"][0]["elements"]
    assert {"type": "link", "url": f"{places['base']}/a.py#L3", "text": "a.py:3"} in head


TABLE = """Where it is:

| File | Lines |
|:-----|------:|
| `a.py` | **3** |
| b \\| c | 14 |

And then.
"""


def test_a_table_of_an_answer_is_a_table() -> None:
    (content,) = show("result", queued(), finished(outcome="answer", answer=TABLE))
    before, table, after = content.blocks
    assert (before["text"], after["text"]) == ("Where it is:", "And then.")
    cells = [[cell["text"] for cell in row] for row in table["rows"]]
    assert cells == [["File", "Lines"], ["a.py", "3"], ["b | c", "14"]]
    assert [column["align"] for column in table["column_settings"]] == ["left", "right"]
    assert "File  | Lines\n------+------\na.py  | 3\nb | c | 14" in texts(content.simple[1])


def test_each_message_has_one_table_and_a_long_one_is_cut_between_rows() -> None:
    long = "| n |\n|---|\n" + "\n".join(f"| row {n} |" for n in range(150))
    contents = show("result", queued(), finished(outcome="answer", answer=f"{TABLE}\n\n{long}"))
    tables = [[b for b in content.blocks if b["type"] == "table"] for content in contents]
    assert [len(found) for found in tables] == [1, 1, 1]
    # Each part has the head.
    assert [found[0]["rows"][0][0]["text"] for found in tables] == ["File", "n", "n"]
    assert [len(found[0]["rows"]) for found in tables] == [3, 100, 52]


def test_a_source_without_a_forge_says_that_no_pull_request_can_come() -> None:
    task = make_task(source=Source(kind="zip", repository="x.zip"))
    (content,) = show("result", queued(), PATCH, finished(), task=task)
    assert "takes no pull requests" in texts(content.blocks)
