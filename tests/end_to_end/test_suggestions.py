"""No rule says which repository is meant: the question gains the model's idea, a press begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.history import queries
from chatbot.history.known import all_known
from tests.end_to_end.stage import (
    ask,
    call,
    finish,
    press,
    product,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("agent_image")]

CONVERSATIONS = {
    # First: the question holds the words of the request as well.
    "Which repository is this request about": [[call("choose", name="acme/shop", sure=True)]],
    "till": [
        [call("write", path="a.txt", content="two\n"), finish("Mended the till")],
    ],
}


async def test_the_question_gains_a_suggestion_and_a_press_begins_there(tmp_path: Path) -> None:
    files = {"a.txt": b"one\n"}
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={"acme/api": files, "acme/shop": files},
    ) as stage:
        history = stage.app.history
        while len(await history.read(all_known)) < 2:
            await history.changed(history.version)
        thread = await ask(stage, "the till counts wrong")
        await wait_said(stage, thread, "No repository is named. Which one is it?")
        task = await wait_task(stage, thread)
        told = await wait_event(stage, task.id, "repository_suggested")
        assert told.payload["repository"] == "acme/shop"
        await wait_said(stage, thread, "The model suggests `acme/shop`.")
        task = await history.read(lambda db: queries.get_task(db, task.id))
        assert task.source.repository == ""
        await press(stage, thread, "pick_0", user="grace")
        await wait_said(stage, thread, "Working in `acme/shop`, named by <@U0GRACE>.")
        await wait_said(stage, thread, "Mended the till")
        task = await history.read(lambda db: queries.get_task(db, task.id))
        assert task.source.repository == "acme/shop"
