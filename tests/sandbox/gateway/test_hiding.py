"""What a container sends loses its secrets at the door: nothing behind it ever sees them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.gateway.journal import Journal
from sandbox.llm.provider import Message, Text, Tool, ToolResult
from sandbox.recorder import InboxItem
from tests.sandbox.gateway.conftest import House, Open, first, says
from tests.sandbox.gateway.test_turns import CALLS
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.scripted_provider import ScriptedProvider, said
from tests.sandbox.trees import make_patch, make_tree

SECRET = "s3cret/valu3+of='ours'"
SECRETS = (SECRET,)
FORMS = [
    SECRET,
    base64.b64encode(b"user:" + SECRET.encode()).decode(),
    json.dumps(SECRET)[1:-1],
    "s3cret%2Fvalu3%2Bof%3D%27ours%27",
]
TOKEN = "gh" + "p_" + "aB3" * 12
ALL = " ".join([*FORMS, TOKEN])


def holds_none(house: House) -> None:
    """Neither the story, nor the store, nor the model, nor the journal saw any of it."""
    recorder, provider = house.recorder, house.provider
    seen = [
        json.dumps([recorder.events, recorder.stored_turns]),
        str([(data, summary) for data, summary, _ in recorder.patches]),
        str(provider.asked),
        (house.door.directory.parent / "journal.json").read_text(),
        str(house.door.routes.claim),
    ]
    for text in seen:
        # What can be told of the value in any of its forms, or escaped once more.
        for part in ("s3cret", "valu3", "ours'", "czNjcmV0", "M2NyZXQv", "ZhbHUz", TOKEN[:20]):
            assert part not in text


def told(house: House) -> list[tuple[str, int]]:
    return [(p["where"], p["count"]) for p in house.recorder.payloads("redacted")]


async def send(house: House, *events: dict[str, Any]) -> None:
    body = {"events": [{"id": n, **event} for n, event in enumerate(events, start=1)]}
    status, _ = await house.call("POST", "/events", json=body)
    assert status == 200


async def test_events(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS)
    texts = dict.fromkeys(("title", "details", "output", "step", "tool", "text"), ALL)
    await send(
        house,
        {"kind": "step_started", **texts},
        {"kind": "step_finished", **texts, "status": "complete"},
        {"kind": "note", **texts},
        {"kind": "plan", "items": [{"id": SECRET, "title": TOKEN, "status": "pending"}]},
    )
    holds_none(house)
    assert house.recorder.payloads("note")[0]["text"].count("[redacted]") == 5
    assert told(house) == [("events", (4 + 3 + 1) * 5 + 2)]


async def test_what_was_hidden_is_told_once_and_again_at_ten_times_as_much(
    open_house: Open,
) -> None:
    house = await open_house(secrets=SECRETS)
    for number, count in enumerate((0, 1, 3, 5, 1, 40, 49, 1, 0), start=1):
        note = {"id": number, "kind": "note", "text": " ".join([SECRET] * count)}
        await house.call("POST", "/events", json={"events": [note]})
    assert told(house) == [("events", 1), ("events", 10), ("events", 100)]


async def test_a_host_that_is_restarted_does_not_tell_it_again(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS)
    await send(house, {"kind": "note", "text": SECRET})
    await house.door.close()
    journal = await Journal.find(house.door.directory.parent)
    again = await open_house(secrets=SECRETS, journal=journal)
    notes = [{"id": n, "kind": "note", "text": SECRET} for n in (1, 2)]
    await again.call("POST", "/events", json={"events": notes})
    assert again.recorder.kinds() == ["note"]
    assert told(again) == []


async def test_repeated_events_are_not_counted_again(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS)
    for _ in range(20):
        await send(house, {"kind": "note", "text": SECRET})
    assert told(house) == [("events", 1)]


async def test_set_up_output_that_splits_a_secret(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, phase="setup")
    output = f"Installing\ntoken {SECRET}\nand {TOKEN}\nthen {FORMS[1]} of it\nDone.\n"
    pieces = [output[at : at + 7] for at in range(0, len(output), 7)]
    for number, piece in enumerate(pieces, start=1):
        event = {"id": number, "kind": "setup_output", "text": piece}
        await house.call("POST", "/events", json={"events": [event]})
    holds_none(house)
    shown = "".join(p["text"] for p in house.recorder.payloads("setup_output"))
    assert shown.startswith("Installing\ntoken [redacted]\nand [redacted]\nthen ")
    assert house.door.routes.events.setup_tail(1) == "Done."
    assert told(house)[0] == ("events", 1)


async def test_set_up_output_ends_with_its_rest(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, phase="setup")
    await send(house, {"kind": "setup_output", "text": f"see {SECRET[:6]}"})
    assert house.recorder.payloads("setup_output") == [{"text": "see "}]
    await house.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 0})
    assert house.recorder.payloads("setup_output")[1:] == [{"text": SECRET[:6]}]
    assert told(house) == []


async def test_set_up_output_that_ends_with_the_container(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, phase="setup")
    await send(house, {"kind": "setup_output", "text": f"see {SECRET[:-1]}"})
    await house.door.close()
    assert [p["text"] for p in house.recorder.payloads("setup_output")] == ["see ", "[redacted]"]
    holds_none(house)


async def test_too_long_output_does_not_lose_a_secret_at_its_cut(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, phase="setup")
    await send(house, {"kind": "setup_output", "text": "x" * 4080 + " " + SECRET})
    holds_none(house)
    note = {"kind": "note", "text": "x" * 4080 + " " + SECRET}
    agent = await open_house(secrets=SECRETS, name="r_2")
    await send(agent, note)
    holds_none(agent)


async def test_turns(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, provider=ScriptedProvider([CALLS]))
    parameters = {"type": "object", "properties": {SECRET: {"description": ALL, "enum": [TOKEN]}}}
    tools = [{"name": "shell", "description": ALL, "parameters": parameters}]
    status, _ = await house.turn(0, first(f"# Task\n{ALL}", system=ALL, tools=tools))
    assert status == 200
    results = [
        {"type": "tool_result", "call_id": id_, "text": f"{id_}: {ALL}", "is_error": False}
        for id_ in ("a", "b")
    ]
    body = {"messages": [{"role": "user", "content": results}]}
    assert (await house.turn(1, body))[0] == 200
    holds_none(house)
    hidden = " ".join(["[redacted]"] * 2)
    asked = house.provider.asked[1]
    assert asked.system.startswith("[redacted] ")
    assert isinstance(asked.tools[0], Tool)
    assert list(asked.tools[0].parameters["properties"]) == ["[redacted]"]
    [result, other] = [b for b in asked.messages[-1].content if isinstance(b, ToolResult)]
    assert result.text.endswith(hidden)
    assert other.call_id == "b"
    assert told(house) == [("turn", 22)]


async def test_a_retry_gets_the_stored_reply(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, provider=ScriptedProvider([said("One.")]))
    once = await house.turn(0, first(ALL))
    assert await house.turn(0, dict(reversed(first(ALL).items()))) == once
    assert len(house.provider.asked) == 1
    assert told(house) == [("turn", 5)]
    status, _ = await house.turn(0, first(f"{ALL} and more"))
    assert status == 409
    await house.door.close()
    later = MemoryRecorder(stored_turns=house.recorder.stored_turns)
    again = await open_house(secrets=SECRETS, recorder=later, journal=house.door.journal)
    assert await again.turn(0, first(ALL)) == once
    assert again.provider.asked == []


async def test_what_holds_nothing_is_hashed_and_sent_as_it_was(open_house: Open) -> None:
    plain, guarded = await open_house(), await open_house(secrets=SECRETS, name="r_2")
    for house in (plain, guarded):
        house.recorder.say(InboxItem(id=1, kind="message", text="Hi"))
        assert (await house.turn(0, first(inbox=[1])))[0] == 200
        assert (await house.turn(1, says("more")))[0] == 200
    assert plain.recorder.stored_turns == guarded.recorder.stored_turns
    assert plain.provider.asked == guarded.provider.asked
    assert plain.provider.asked[0].messages == (Message("user", (Text("# Task\nMend it."),)),)
    assert told(guarded) == []


async def test_words_of_the_protocol_are_not_texts(open_house: Open) -> None:
    """A value that is a common word breaks nothing."""
    words = ("messages", "content", "finished", "complete", "tool_result", "step_finished")
    house = await open_house(secrets=words)
    assert (await house.turn(0, first("my messages")))[0] == 200
    await send(house, {"kind": "step_finished", "status": "complete", "title": "finished"})
    assert house.recorder.payloads("step_finished")[0]["title"] == "[redacted]"
    assert (await house.call("PUT", "/outcome", json={"kind": "finished"}))[0] == 200


async def test_words_of_the_model_in_the_story(open_house: Open) -> None:
    """It cannot know a value, but it may guess one, or make a token up."""
    reply = replace(said(f"It is {SECRET}."), stop="end")
    house = await open_house(secrets=SECRETS, provider=ScriptedProvider([reply]))
    await house.turn(0, first())
    assert house.recorder.payloads("turn")[0]["text"] == "It is [redacted]."


async def test_outcome(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS)
    names = ("title", "summary", "claimed", "answer", "brief", "details")
    finding = dict.fromkeys(("file", "title", "detail", "suggestion"), ALL)
    sent = {
        "kind": "finished",
        **dict.fromkeys(names, ALL),
        "findings": [{**finding, "severity": "low", "line": 1}],
    }
    for _ in range(2):
        assert await house.call("PUT", "/outcome", json=sent) == (200, {})
    holds_none(house)
    assert told(house) == [("outcome", 50)]
    status, _ = await house.call("PUT", "/outcome", json={**sent, "title": "other"})
    assert status == 409


async def test_outcome_of_a_set_up(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS, phase="setup")
    sent = {"kind": "failed", "exit_code": 3, "brief": SECRET, "details": ALL}
    assert await house.call("PUT", "/outcome", json=sent) == (200, {})
    holds_none(house)
    assert house.door.routes.claim is not None
    assert house.door.routes.claim.brief == "[redacted]"


async def test_patch(open_house: Open, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "t", {"a.txt": "one\ntwo\n"})
    changes: dict[str, str | None] = {
        "a.txt": f"one\n{SECRET}\ntwo\n",
        "b.txt": f"{TOKEN}\n{FORMS[1]}\n",
    }
    data = make_patch(tmp_path / "t", changes)
    house = await open_house(secrets=SECRETS, tree=tree)
    for _ in range(12):
        status, body = await house.call("PUT", "/patch", data=data)
        assert (status, body["files"], body["added"], body["removed"]) == (200, 2, 3, 0)
    holds_none(house)
    kept, summary, _ = house.recorder.patches[-1]
    assert b"\n+[redacted]\n" in kept
    assert summary.sha256 == body["sha256"] == house.door.journal.entry.patch["sha256"]
    assert told(house) == [("patch", 3)]


async def test_patch_without_secrets_is_kept_as_it_came(open_house: Open, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "t", {"a.txt": "one\n"})
    data = make_patch(tmp_path / "t", {"a.txt": "two\r\n", "b.bin": "\0\1binary"})
    house = await open_house(secrets=SECRETS, tree=tree)
    assert (await house.call("PUT", "/patch", data=data))[0] == 200
    assert house.recorder.patches[0][0] == data
    assert told(house) == []


async def test_patch_that_cannot_be_redacted_is_refused(open_house: Open, tmp_path: Path) -> None:
    secret = "hunter22-and-more"
    tree = make_tree(tmp_path / "t", {"a.txt": "one\n"})
    house = await open_house(secrets=(secret,), tree=tree)
    for changes, word in (({f"{secret}.txt": "x"}, "name"), ({"x": f"\0{secret}"}, "binary")):
        data = make_patch(tmp_path / "t", dict(changes))
        status, body = await house.call("PUT", "/patch", data=data)
        assert (status, body["error"]["code"]) == (422, "patch_refused")
        assert word in body["error"]["brief"]
        assert secret not in body["error"]["brief"]
    assert house.recorder.patches == []


async def test_a_large_turn_is_read_beside_the_loop(open_house: Open) -> None:
    house = await open_house(secrets=SECRETS)
    text = "# Task\n" + "word " * 180_000 + SECRET
    assert (await house.turn(0, first(text)))[0] == 200
    holds_none(house)
    assert told(house) == [("turn", 1)]
