"""What a look at a pull request finds: each thing once, and nothing that costs where nothing is."""

from __future__ import annotations

import pytest

from chatbot.demo.forge.records import Check
from chatbot.feedback.reader import SETTLE_SECONDS
from tests.chatbot.feedback.conftest import NAME, Desk


async def test_an_unchanged_pull_request_costs_nothing_and_tells_nothing(desk: Desk) -> None:
    await desk.look()
    seen = desk.seen
    look = await desk.look()
    assert (look.is_news, look.state) == (False, "open")
    assert look.seen == seen


async def test_failures_are_told_together_and_once(desk: Desk) -> None:
    forge, number = desk.forge, desk.number
    await forge.check(NAME, number, "lint", None)
    await forge.check(NAME, number, "build", "failure", "2 failed")
    await forge.check(NAME, number, "docs", "timed_out")
    await forge.check(NAME, number, "style", "cancelled")
    assert (await desk.look()).checks == []
    await forge.check(NAME, number, "lint", "success")
    look = await desk.look()
    assert [(check["name"], check["summary"]) for check in look.checks] == [
        ("build", "2 failed"),
        ("docs", ""),
    ]
    assert not (await desk.look()).is_news
    # The same, run again with the same end; then on a newer commit.
    await forge.check(NAME, number, "build", "failure", "2 failed")
    assert not (await desk.look()).is_news
    await forge.commit(NAME, {"a.txt": b"three\n"}, branch="ours")
    await forge.check(NAME, number, "build", "failure", "1 failed")
    assert [check["summary"] for check in (await desk.look()).checks] == ["1 failed"]


async def test_a_check_that_never_ends_holds_nothing_up_for_ever(desk: Desk) -> None:
    await desk.forge.check(NAME, desk.number, "endless", None)
    await desk.forge.check(NAME, desk.number, "build", "failure")
    assert (await desk.look()).checks == []
    desk.now += SETTLE_SECONDS + 1
    assert [check["name"] for check in (await desk.look()).checks] == ["build"]


async def test_remarks_are_told_once_with_their_place_and_weight(desk: Desk) -> None:
    forge, number = desk.forge, desk.number
    await forge.review(NAME, number, by="ada", words="Hm.", lines=(("a.txt", 1, "Why?"),))
    await forge.review(NAME, number, by="mallory", state="CHANGES_REQUESTED", words="Bad.")
    await forge.review(NAME, number, by="grace", state="APPROVED")
    await forge.comment_on(NAME, number, "Thanks", by="ada")
    await forge.comment_on(NAME, number, "Coverage 99 %", by="coverage[bot]")
    await forge.comment_on(NAME, number, "Our own words", by="threadsmith-bot")
    look = await desk.look()
    found = [(r["kind"], r["author"], r["path"], r["text"], r["trusted"]) for r in look.remarks]
    assert found == [
        ("comment", "ada", "a.txt", "Why?", True),
        ("review", "ada", "", "Hm.", True),
        ("review", "mallory", "", "Bad.", False),
        ("approval", "grace", "", "", False),
        ("words", "ada", "", "Thanks", True),
    ]
    assert not (await desk.look()).is_news
    await forge.review(NAME, number, by="ada", lines=(("a.txt", 1, "And this?"),))
    assert [remark["text"] for remark in (await desk.look()).remarks] == ["And this?"]


async def test_more_than_a_page_of_remarks(desk: Desk) -> None:
    for count in range(100):
        await desk.forge.comment_on(NAME, desk.number, f"Number {count}", by="ada")
    await desk.look()
    await desk.forge.comment_on(NAME, desk.number, "The last one", by="ada")
    assert [remark["text"] for remark in (await desk.look()).remarks] == ["The last one"]


@pytest.mark.parametrize("is_merged", [True, False])
async def test_its_end(desk: Desk, is_merged: bool) -> None:
    await desk.look()
    if is_merged:
        await desk.forge.merge(NAME, desk.number, by="grace")
    else:
        await desk.forge.close_pull(NAME, desk.number)
    look = await desk.look()
    expected = ("merged", "grace") if is_merged else ("closed", "")
    assert (look.state, look.ended_by, look.branch) == (*expected, "ours")


async def test_a_conflict_is_told_once_for_each_pair(desk: Desk) -> None:
    await desk.look()
    await desk.forge.commit(NAME, {"a.txt": b"other\n"})
    assert (await desk.look()).conflict
    assert not (await desk.look()).conflict
    await desk.forge.commit(NAME, {"a.txt": b"another\n"})
    assert (await desk.look()).conflict


async def test_checks_that_may_not_be_read_are_left_out(desk: Desk) -> None:
    forge = desk.forge
    forge.fail_next("GET", "*/check-runs", 403, times=9, message="Resource not accessible")
    await forge.check(NAME, desk.number, "build", "failure")
    await forge.comment_on(NAME, desk.number, "Hello", by="ada")
    look = await desk.look()
    assert (look.checks, len(look.remarks)) == ([], 1)


async def test_unchanged_lists_are_asked_for_with_their_etag(desk: Desk) -> None:
    repository = desk.forge.repositories[NAME]
    repository.checks.append(Check(id=1, name="x", commit="0" * 40))
    await desk.look()
    asked = len(desk.forge.requests)
    await desk.look()
    etags = desk.seen["etags"]
    # The pull request, its checks, statuses, two kinds of comments, reviews.
    assert len(desk.forge.requests) - asked == len(etags) == 6
    assert all(value.partition(" ")[2] for value in etags.values())
