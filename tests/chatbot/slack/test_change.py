"""*Change* in the thread: a form, then the work anew with what was chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.history import queries
from chatbot.models import Status
from chatbot.slack.blocks.picker import repository_option
from tests.chatbot.slack.stage import Stage, staged, texts, until

pytestmark = pytest.mark.slack_modes(both=True)


def filled(repository: str, *, mode: str = "explain", model: str = "opus") -> dict[str, Any]:
    return {
        "repository": {"repository": {"selected_option": repository_option(repository)}},
        "ref": {"value": {"value": "dev"}},
        "mode": {"value": {"selected_option": {"value": mode}}},
        "model": {"value": {"value": model}},
    }


async def test_another_repository(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "accepted" in stage.shown())
    await stage.press("accepted", "change_task")
    (view,) = await until(stage.views)
    assert "Begin anew" in texts(view)
    refused = await stage.slack.submit(view, filled("acme/web", model="none"), "UADA")
    assert list(refused["errors"]) == ["model"]
    assert "none cannot be named here" in refused["errors"]["model"]
    assert await stage.slack.submit(view, filled("acme/web"), "UADA") in (None, {})
    await stage.finish(run, kind="stopped")
    task = await stage.task()
    assert (task.status, task.source.repository, task.source.ref, task.mode, task.model) == (
        *(Status.QUEUED, "acme/web"),
        "dev",
        "explain",
        "anthropic:claude-opus-5-5",
    )
    await stage.begin_run(task)
    await until(lambda: stage.shown().count("accepted") == 2)
    before, after = (m for m in stage.messages() if m["text"].startswith(("demo/shop", "Expl")))
    await until(lambda: "begun anew below" in texts(stage.slack.messages[before["ts"]]["blocks"]))
    assert "acme/web" in texts(after["blocks"])
    await until(lambda: stage.reactions(ts) == ["eyes"])


async def test_a_source_that_cannot_be_had_is_put_right(stage: Stage) -> None:
    ts = await stage.ask("fix it in demo/none")
    run = await stage.begin_run(await stage.task())
    await stage.finish(run, kind="failed", stage="source", brief="It does not exist.")
    await until(lambda: stage.reactions(ts) == ["x"])
    await stage.press("result", "change_task")
    (view,) = await until(stage.views)
    form = filled("demo/shop", mode="change", model="")
    assert await stage.slack.submit(view, form, "UADA") in (None, {})
    await until(lambda: stage.reactions(ts) == ["eyes"])
    assert (await stage.task()).source.repository == "demo/shop"


async def test_the_form_is_not_opened_where_nothing_can_be_changed(tmp_path: Path) -> None:
    rules = (RuleSettings(match="demo/*", steer=("UADA",)),)
    async with staged(tmp_path, rules=rules) as stage:
        await stage.ask()
        task = await stage.task()
        run = await stage.begin_run(task)
        await until(lambda: "accepted" in stage.shown())
        stale = dict(stage.one("accepted"))
        await stage.press_stale(stale, "change_task", "UBOB")
        (told,) = await until(stage.ephemerals)
        assert (told["user"], "Ada" in told["text"]) == ("UBOB", True)
        sha256 = await stage.record_patch(run)
        await stage.finish(run, patch_sha256=sha256)
        approval = await stage.history.read(lambda db: queries.pending_approval(db, task.id))
        assert approval is not None
        await stage.actions.approve(approval.id, task.author)
        await stage.press_stale(stale, "change_task", "UADA")
        await until(lambda: len(stage.ephemerals()) == 2)
        assert "has a pull request already" in stage.ephemerals()[-1]["text"]
        assert stage.views() == []


async def test_after_a_stop_the_words_of_the_stop_go(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.actions.stop_task(task.id, task.author)
    await stage.finish(run, kind="stopped")
    await until(lambda: "result" in stage.shown())
    assert "Okay, I stopped" in stage.words("result")
    await stage.press("accepted", "change_task")
    (view,) = await until(stage.views)
    assert await stage.slack.submit(view, filled("acme/web"), "UADA") in (None, {})
    await until(lambda: "was stopped. Changed by <@UADA>" in stage.words("result"))
    assert "`demo/shop`" in stage.words("result")
