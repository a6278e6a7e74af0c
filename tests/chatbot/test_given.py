"""What people give along, from their words to the run: fetched once, kept, told where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent_image.agent import files
from chatbot.actions import Actions
from chatbot.config import BudgetSettings
from chatbot.given import MAX_TASK_BYTES, Gathering, find_image_type
from chatbot.history import given
from chatbot.history.given import Given, NewGiven
from chatbot.models import Message
from chatbot.recorder import StoryRecorder
from sandbox.enclosed import Enclosed
from sandbox.errors import ThreadsmithError
from tests.chatbot.history.lives import ADA, BOB, Life, make_new
from tests.pictures import PNG


def file(name: str, **more: str) -> NewGiven:
    return NewGiven(kind="file", name=name, origin={"from": "shelf", "name": name}, **more)


class Shelf:
    """Where things are fetched from."""

    def __init__(self, **held: bytes) -> None:
        self.held = held
        self.asked: list[str] = []

    async def fetch(self, item: Given) -> bytes:
        self.asked.append(item.name)
        if item.name not in self.held:
            raise ThreadsmithError("it is gone")
        return self.held[item.name]


def gathering(actions: Actions, shelf: Shelf) -> Gathering:
    made = Gathering(actions)
    made.open({"shelf": shelf.fetch})
    return made


async def begin(actions: Actions, *along: NewGiven) -> tuple[Life, StoryRecorder]:
    task, _ = await actions.create_task(make_new(), along=along)
    life = Life(actions, task.id)
    run = await life.run()
    return life, StoryRecorder(actions, task.id, run.id, BudgetSettings())


def shown(items: list[Enclosed]) -> list[tuple[str, str, str, bool]]:
    return [(item.kind, item.name, item.text or item.missing, item.is_new) for item in items]


async def test_what_is_wanted_is_fetched_once_and_kept(actions: Actions) -> None:
    quote = NewGiven(kind="text", name="above", origin={"from": "shelf"})
    life, recorder = await begin(
        actions, quote, file("log"), file("shot"), file("gone"), file("film", note="too large")
    )
    shelf = Shelf(above=b"Bob: hm", log=b"x\n", shot=PNG)
    for _ in range(2):  # as after a restart
        await gathering(actions, shelf).gather(life.task_id)
    assert shelf.asked == ["above", "log", "shot", "gone"]
    found = await recorder.enclosed()
    assert shown(found) == [
        ("text", "above", "Bob: hm", True),
        ("file", "log", "", True),
        ("image", "shot", "", True),
        ("file", "gone", "it is gone", True),
        ("file", "film", "too large", True),
    ]
    assert [item.author for item in found] == ["Ada"] * 5
    assert (found[2].media_type, found[2].bytes) == ("image/png", len(PNG))
    assert await recorder.enclosed_data(found[1].id) == b"x\n"
    assert await recorder.enclosed_data(found[3].id) is None
    other, stranger = await begin(actions)
    assert await stranger.enclosed_data(found[1].id) is None
    assert "given" not in [event.kind for event in await other.events()]
    (told,) = [event.payload for event in await life.events() if event.kind == "given"]
    assert told["items"][1] == {"name": "log", "kind": "file", "bytes": 2, "note": ""}


async def test_a_message_waits_for_what_it_brings_and_a_stop_does_not(actions: Actions) -> None:
    life, recorder = await begin(actions)
    await life.work()
    await life.turn(0)
    first = await actions.add_message(life.task_id, BOB, "see", along=[file("log")])
    await actions.add_message(life.task_id, ADA, "and go on")
    assert await recorder.inbox(0, wait_seconds=0) == []
    waiting = asyncio.create_task(recorder.inbox(0, wait_seconds=30))
    await gathering(actions, Shelf(log=b"x")).gather(life.task_id)
    items = await waiting
    assert [(item.text, [e.name for e in item.enclosed]) for item in items] == [
        ("see", ["log"]),
        ("and go on", []),
    ]
    await actions.add_message(life.task_id, BOB, "more", along=[file("late")])
    await actions.stop_task(life.task_id, BOB)
    assert isinstance(first, Message)
    assert [item.kind for item in await recorder.inbox(items[-1].id, wait_seconds=0)] == ["stop"]
    # What waits in the inbox is not told of in another way.
    assert await recorder.enclosed() == []


async def test_a_follow_up_has_the_earlier_things_too_and_hears_of_the_new_ones(
    actions: Actions,
) -> None:
    life, _ = await begin(actions, file("log"))
    await life.work()
    await life.turn(0)
    await life.finish("nothing")
    await actions.add_message(life.task_id, BOB, "again", along=[file("shot")])
    await gathering(actions, Shelf(log=b"x", shot=PNG)).gather(life.task_id)
    run = await life.run()
    recorder = StoryRecorder(actions, life.task_id, run.id, BudgetSettings())
    assert [(item.name, item.is_new) for item in await recorder.enclosed()] == [
        ("log", False),
        ("shot", True),
    ]


async def test_a_task_holds_no_more_than_its_share(actions: Actions) -> None:
    life, recorder = await begin(actions, file("a"), file("b"), file("c"))
    await gathering(actions, Shelf(a=b"1", b=bytes(MAX_TASK_BYTES), c=b"2")).gather(life.task_id)
    assert ["over" in item.missing for item in await recorder.enclosed()] == [False, True, False]


async def test_what_breaks_leaves_nobody_waiting(actions: Actions) -> None:
    life, recorder = await begin(actions, file("a"))
    made = gathering(actions, Shelf())
    await made.give_up(life.task_id)
    assert shown(await recorder.enclosed()) == [("file", "a", "it could not be fetched", True)]
    await made.gather(life.task_id)
    assert await actions.history.read(lambda db: given.wanted(db, life.task_id)) == []


@pytest.mark.parametrize("find", [find_image_type, files.find_image_type])
def test_pictures_are_known_by_their_bytes(find: Callable[[bytes], str]) -> None:
    webp = b"RIFF\x08\0\0\0WEBPVP8 "
    assert find(PNG) == "image/png"
    assert find(b"\xff\xd8\xff\xe0..\xff\xd9") == "image/jpeg"
    assert find(b"GIF89a..;") == "image/gif"
    assert find(webp) == "image/webp"
    wide = PNG[:16] + (9000).to_bytes(4) + PNG[20:]
    broken = (PNG[:40], wide, b"\xff\xd8\xff\xe0", b"GIF89a..", webp[:-1])
    for data in (b"", b"RIFF\0\0\0\0WAVE", b"<svg>", b"BM", *broken):
        assert find(data) == ""
