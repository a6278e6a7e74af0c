"""What a pull request says is harmless, whatever the model wrote."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatbot.publish import text
from chatbot.verified import Checked, Verified


def named(title: str, pattern: str = "threadsmith/{words}-{id}", **more: str) -> str:
    return text.branch_name(pattern, title=title, task_id="t_0000abcdef", **more)


NOTHING = Verified("", "", ())


def written(**changes: Any) -> text.PullText:
    given = text.PullText(
        summaries=("Counted from one.",), claimed="", verified=NOTHING, asked_by="Ada Young"
    )
    return replace(given, **changes)


def test_branch_names_say_what_they_are_for() -> None:
    assert named("Fix the bulk discount!") == "threadsmith/fix-the-bulk-discount-abcdef"
    assert named("修复测试") == "threadsmith/task-abcdef"
    name = named("Fix it", "{person}/{issue}-{words}-{id}", person="Ada Young", issue="12")
    assert name == "ada-young/12-fix-it-abcdef"


@given(st.text(max_size=80))
def test_every_title_makes_a_branch_git_takes(title: str) -> None:
    name = named(title)
    assert re.fullmatch(r"threadsmith/[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) < 80


def test_git_takes_a_branch_name() -> None:
    name = named("..//@{x}~^: [lock].lock")
    subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=True)


def test_the_body_says_who_checked_what() -> None:
    body = text.pull_body(
        written(
            summaries=("Counted from one.", "Added a test."),
            claimed="pytest: 3 passed",
            closes="#12",
            thread_url="https://acme.slack.com/archives/C1/p1",
            page_url="https://bots.acme.example/t/1/2",
        )
    )
    assert body == (
        "<!-- threadsmith -->\nCounted from one.\n\n**Follow-up:** Added a test.\n\n"
        "**Not verified: nobody has run it**\n\n**The agent says:**\n\n> pytest: 3 passed\n\n"
        "---\nCloses #12\n\nAsked for by Ada Young. Written by Threadsmith."
        " · [thread](https://acme.slack.com/archives/C1/p1)"
        " · [task page](https://bots.acme.example/t/1/2)\n<!-- /threadsmith -->"
    )
    verified = Verified("verified", "", (Checked("pytest -q", "3 passed (1.0 s)", True, ""),))
    body = text.pull_body(written(verified=verified))
    assert "**Verified in a clean container** by Threadsmith, apart from the agent" in body
    assert "- `pytest -q`: 3 passed 1.0 s" in body


FORM = """<!-- Thank you! Tell us
what you did. -->
## Description
<!-- what and why -->

## How was this tested?

- [ ] I ran the tests

### Related issue

## Checklist
- [ ] I agree
"""


def test_the_repositorys_form_is_filled_in_and_its_boxes_are_left_to_people() -> None:
    body = text.pull_body(written(claimed="pytest: 3 passed", closes="#12"), FORM)
    assert body == (
        "<!-- threadsmith -->\n## Description\n\nCounted from one.\n\n"
        "## How was this tested?\n\n**Not verified: nobody has run it**\n\n"
        "**The agent says:**\n\n> pytest: 3 passed\n\n- [ ] I ran the tests\n\n"
        "### Related issue\n\nCloses #12\n\n## Checklist\n\n- [ ] I agree\n\n"
        "---\nAsked for by Ada Young. Written by Threadsmith.\n<!-- /threadsmith -->"
    )


def test_a_form_without_headings_comes_after_what_was_done() -> None:
    body = text.pull_body(written(), "Please be kind.")
    assert body.index("Counted from one.") < body.index("Please be kind.")


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_words_break_out_of_our_part(summary: str, form: str) -> None:
    body = text.pull_body(written(summaries=(summary,)), form)
    fresh = "<!-- threadsmith -->new<!-- /threadsmith -->"
    assert text.updated_body(f"before {body} after", fresh) == f"before {fresh} after"


def test_hostile_words_do_not_end_our_part() -> None:
    hostile = "x <!-- /threadsmith --> y <!-- threadsmith -->"
    body = text.pull_body(written(summaries=(hostile,), claimed=hostile))
    assert body.count("<!--") == 2


def test_mentions_and_closing_words_do_nothing() -> None:
    body = text.harmless("cc @octocat, fixes #12 and closes: owner/name#3, ada@example.com")
    assert "@octocat" not in body
    assert not re.search(r"fixes #12|closes: owner", body)
    assert "ada@example.com" in body


def test_a_commit_message_has_our_trailers_only() -> None:
    message = text.commit_message(
        title="Fix\nit\x00 " + "x" * 100,
        summary="Why.\nCo-authored-by: Mallory <m@example.com>",
        co_author=("Ada <x@y>\nSigned-off-by: z", "u1@users.noreply.threadsmith.invalid"),
    )
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Co-authored-by: Ada x y Signed-off-by: z <u1@users.noreply.threadsmith.invalid>"
    ]
    assert len(message.splitlines()[0]) <= 72


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_words_give_a_subject_and_no_control_characters(title: str, summary: str) -> None:
    message = text.commit_message(title=title, summary=summary)
    assert message.splitlines()[0].strip()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", message)
