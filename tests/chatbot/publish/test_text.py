"""What a pull request says is harmless, whatever the model wrote."""

from __future__ import annotations

import re
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from chatbot.publish import text


def test_branch_names_say_what_they_are_for() -> None:
    assert text.branch_name("Fix the bulk discount!", "t_0123456789") == (
        "threadsmith/fix-the-bulk-discount-456789"
    )
    assert text.branch_name("修复测试", "t_0123456789") == "threadsmith/task-456789"


@given(st.text(max_size=80))
def test_every_title_makes_a_branch_git_takes(title: str) -> None:
    name = text.branch_name(title, "t_0000abcdef")
    assert re.fullmatch(r"threadsmith/[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) < 80


def test_git_takes_a_branch_name() -> None:
    name = text.branch_name("..//@{x}~^: [lock].lock", "t_0000abcdef")
    subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=True)


def test_the_body_says_who_checked_what() -> None:
    body = text.pull_body(
        summaries=["Counted from one.", "Added a test."],
        claimed="pytest: 3 passed",
        asked_by="Ada Young",
    )
    assert body == (
        "Counted from one.\n\n**Follow-up:** Added a test.\n\n"
        "**The agent says** (not checked by anybody else):\n\n> pytest: 3 passed\n\n"
        "---\nAsked for by Ada Young. Written by Threadsmith."
    )


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
