"""Every route through a real socket: what it answers, what it keeps, what it refuses."""

from __future__ import annotations

import asyncio
import io
import json
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.enclosed import Enclosed
from sandbox.gateway.protocol import MAX_EVENTS_BYTES
from sandbox.gateway.wire import Claim
from sandbox.recorder import InboxItem
from sandbox.spec import Limits, Setup, Tree
from tests.sandbox.gateway.conftest import Open, first
from tests.sandbox.trees import make_patch, make_tree, run_git


async def test_get_run(open_house: Open, tree: Tree) -> None:
    house = await open_house(patch=b"work", setup=Setup(path="tools/setup.sh"))
    assert await house.call("GET", "/run") == (
        200,
        {
            "protocol": 1,
            "run_id": "r_1",
            "task_id": "t_1",
            "phase": "agent",
            "mode": "change",
            "repository": "acme/api",
            "branch": "main",
            "base_commit": tree.commit,
            "request": "Mend it.",
            "author": "Ada",
            "turn": 0,
            "prepared_commit": None,
            "has_patch": True,
            "egress": False,
            "stays": False,
            "notes": [],
            "agent": "threadsmith",
            "model": "scripted:m",
            "earlier": [],
            "script": None,
            "variables": {},
            "given": [],
            "can_ask": True,
            "checks": [],
            "limits": {
                "turns": 100,
                "command_seconds": 300,
                "output_bytes": 30_000,
                "patch_bytes": 10 * 1024**2,
                "wall_seconds": 3600,
            },
        },
    )
    assert await house.call("GET", "/patch") == (200, b"work")


async def test_no_work_so_far(open_house: Open) -> None:
    house = await open_house()
    assert await house.call("GET", "/patch") == (204, b"")


async def test_source_is_a_bundle_that_git_takes(
    open_house: Open, tree: Tree, tmp_path: Path
) -> None:
    house = await open_house()
    status, data = await house.call("GET", "/source")
    assert status == 200
    (tmp_path / "base.bundle").write_bytes(data)
    subprocess.run(
        ["git", "clone", "-q", "-b", "base", tmp_path / "base.bundle", tmp_path / "clone"],
        check=True,
    )
    assert run_git(tmp_path / "clone", "rev-parse", "HEAD") == tree.commit
    assert (tmp_path / "clone" / "src" / "app.py").read_text() == "print('one')\n"


async def test_source_that_cannot_be_read_is_a_proper_error(open_house: Open, tree: Tree) -> None:
    gone = Tree(mirror="/nonexistent", commit=tree.commit, branch=None, repository="acme/api")

    async def broken(_: Tree, __: str | None) -> Any:
        raise RuntimeError("the mirror is gone")
        yield b""

    house = await open_house(tree=gone, bundle=broken)
    status, body = await house.call("GET", "/source")
    assert (status, body["error"]["code"]) == (500, "internal")
    assert "mirror is gone" not in json.dumps(body)


async def test_source_that_breaks_off_is_not_taken_for_whole(open_house: Open) -> None:
    async def breaking(_: Tree, __: str | None) -> Any:
        yield b"# v2 git bundle"
        await asyncio.sleep(0.01)
        raise RuntimeError("git died")

    house = await open_house(bundle=breaking)
    with pytest.raises(aiohttp.ClientPayloadError):
        await house.call("GET", "/source")
    assert (await house.call("GET", "/run"))[0] == 200


async def test_events_are_kept_once_and_in_order(open_house: Open) -> None:
    house = await open_house()
    plan = {"items": [{"id": "1", "title": "Look", "status": "in_progress"}]}
    started = {"step": "s1", "tool": "shell", "title": "ls", "details": "ls -l"}
    finished = {"step": "s1", "status": "complete", "title": "ls", "output": "x", "seconds": 0.5}
    events = [
        {"id": 2, "kind": "step_started", **started},
        {"id": 1, "kind": "plan", **plan},
    ]
    assert await house.call("POST", "/events", json={"events": events}) == (200, {"last": 2})
    events.append({"id": 3, "kind": "step_finished", **finished})
    assert await house.call("POST", "/events", json={"events": events}) == (200, {"last": 3})
    assert house.recorder.events == [
        ("plan", plan),
        ("step_started", started),
        ("step_finished", finished),
    ]


async def test_texts_are_cut_and_cleaned_of_secrets(open_house: Open) -> None:
    house = await open_house()
    note = {"id": 1, "kind": "note", "text": "ghp_" + "a" * 36 + "b" * 5000, "odd": 1}
    await house.call("POST", "/events", json={"events": [note]})
    note = {"id": 2, "kind": "note", "text": "AKIAIOSFODNN7EXAMPLE and \ud800"}
    await house.call("POST", "/events", data=json.dumps({"events": [note]}))
    first_text, second_text = (p["text"] for p in house.recorder.payloads("note"))
    assert (len(first_text), "ghp_" in first_text) == (10, False)
    assert second_text == "[redacted] and ?"


async def test_a_flood_of_events_ends_in_the_story_and_nowhere_else(open_house: Open) -> None:
    house = await open_house()
    text = "x" * 4096
    last = 0
    while last < 4800:
        batch = [{"id": last + n, "kind": "note", "text": text} for n in range(1, 201)]
        status, body = await house.call("POST", "/events", json={"events": batch})
        assert status == 200
        last = body["last"]
    kept = house.recorder.payloads("note")
    assert len(kept) < 4200
    assert kept[-1]["text"].startswith("The run reports more than is kept")


async def test_what_was_given_along_is_handed_out(open_house: Open) -> None:
    house = await open_house()
    item = Enclosed(id=3, kind="file", name="a.log", author="Ada", bytes=2)
    house.recorder.given = {3: (item, b"ok")}
    _, run = await house.call("GET", "/run")
    assert run["given"] == [item.to_json()]
    assert await house.call("GET", "/given/3") == (200, b"ok")
    for path in ("/given/4", "/given/x", "/given/-1", "/given"):
        status, body = await house.call("GET", path)
        assert (status, body["error"]["code"]) == (404, "not_found")
    house.recorder.say(InboxItem(id=4, kind="message", text="See.", enclosed=(item,)))
    _, body = await house.call("GET", "/inbox")
    assert body["items"][0]["enclosed"] == [item.to_json()]
    set_up = await open_house(phase="setup", recorder=house.recorder, name="r_2")
    assert (await set_up.call("GET", "/given/3"))[0] == 404
    assert (await set_up.call("GET", "/run"))[1]["given"] == []


async def test_inbox(open_house: Open) -> None:
    house = await open_house()
    assert await house.call("GET", "/inbox") == (200, {"items": []})
    waiting = asyncio.create_task(house.call("GET", "/inbox?after=0&wait=20"))
    await asyncio.sleep(0.05)
    house.recorder.say(InboxItem(id=4, kind="message", text="Also X.", author="Bea"))
    assert await waiting == (
        200,
        {
            "items": [
                {"id": 4, "kind": "message", "text": "Also X.", "author": "Bea", "enclosed": []}
            ]
        },
    )
    house.recorder.say(InboxItem(id=9, kind="stop"))
    _, body = await house.call("GET", "/inbox?after=4&wait=0")
    assert [item["id"] for item in body["items"]] == [9]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=nan", "wait=-1", "after=1e99"])
async def test_inbox_refuses_numbers_that_are_none(open_house: Open, query: str) -> None:
    house = await open_house()
    status, body = await house.call("GET", f"/inbox?{query}")
    assert (status, body["error"]["code"]) == (400, "bad_request")


async def test_a_long_poll_does_not_hold_up_the_closing(open_house: Open) -> None:
    house = await open_house()
    waiting = asyncio.create_task(house.call("GET", "/inbox?wait=30"))
    await asyncio.sleep(0.05)
    before = time.monotonic()
    await house.door.close()
    assert time.monotonic() - before < 20
    status, body = await waiting
    assert (status, body["error"]["code"]) == (503, "closing")


async def test_patch_is_checked_and_kept(open_house: Open, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "t", {"a.txt": "one\n"})
    data = make_patch(tmp_path / "t", {"a.txt": "two\n", "b.txt": "new\n"})
    house = await open_house(tree=tree)
    status, body = await house.call("PUT", "/patch?final=1", data=data)
    assert status == 200
    assert (body["files"], body["added"], body["removed"]) == (2, 2, 1)
    [(kept, summary, is_final)] = house.recorder.patches
    assert (kept, summary.sha256, is_final) == (data, body["sha256"], True)
    assert house.door.journal.entry.patch == {"sha256": body["sha256"], "files": 2}
    status, body = await house.call("PUT", "/patch", data=b"")
    assert (status, body["files"]) == (200, 0)
    assert house.recorder.patches[1][2] is False


async def test_patch_that_does_not_apply_is_refused(open_house: Open) -> None:
    house = await open_house()
    data = b"--- a/nope\n+++ b/nope\n@@ -1 +1 @@\n-x\n+y\n"
    status, body = await house.call("PUT", "/patch", data=data)
    assert (status, body["error"]["code"]) == (422, "patch_refused")
    assert house.recorder.patches == []


@pytest.mark.parametrize("mode", ["explain", "review"])
async def test_a_reading_run_changes_nothing(open_house: Open, tmp_path: Path, mode: str) -> None:
    tree = make_tree(tmp_path / "t", {"a.txt": "one\n"})
    data = make_patch(tmp_path / "t", {"a.txt": "two\n"})
    house = await open_house(tree=tree, mode=mode)
    status, body = await house.call("PUT", "/patch", data=data)
    assert (status, body["error"]["code"]) == (422, "read_only")
    assert body["error"]["brief"] == (
        f"This run is to {mode} and changes no files, but these differ: a.txt"
    )
    assert house.recorder.patches == []
    assert (await house.call("PUT", "/patch?final=1", data=b""))[0] == 200


async def test_patch_over_the_limit(open_house: Open) -> None:
    house = await open_house(limits=Limits(patch_bytes=100))
    status, body = await house.call("PUT", "/patch", data=b"x" * 101)
    assert (status, body["error"]["code"]) == (413, "too_large")


async def test_outcome(open_house: Open) -> None:
    house = await open_house()
    finding = {
        "severity": "high",
        "file": "a.py",
        "line": 3,
        "title": "Off by one",
        "detail": "d",
        "suggestion": "s",
    }
    sent = {"kind": "finished", "title": "T", "summary": "S", "findings": [finding]}
    assert not house.door.routes.ended.is_set()
    assert await house.call("PUT", "/outcome", json=sent) == (200, {})
    assert await house.call("PUT", "/outcome", json=sent) == (200, {})
    assert house.door.routes.ended.is_set()
    assert house.door.routes.claim == Claim(
        kind="finished", title="T", summary="S", findings=(finding,)
    )
    status, body = await house.call("PUT", "/outcome", json={"kind": "failed"})
    assert (status, body["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "won"},
        {"kind": "finished", "title": 3},
        {"kind": "finished", "findings": [{"severity": "huge"}]},
        {"kind": "finished", "findings": [{"severity": "low", "line": "3"}]},
        {"kind": "finished", "findings": {}},
    ],
)
async def test_outcome_that_is_none(open_house: Open, body: Any) -> None:
    house = await open_house()
    status, answer = await house.call("PUT", "/outcome", json=body)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert not house.door.routes.ended.is_set()


async def test_set_up_never_speaks_to_the_model(open_house: Open) -> None:
    house = await open_house(phase="setup")
    output = {"id": 1, "kind": "setup_output", "text": "one\ntwo\nthree\n"}
    assert await house.call("POST", "/events", json={"events": [output]}) == (200, {"last": 1})
    assert house.door.routes.events.setup_tail(2) == "two\nthree"
    for method, path in (("PUT", "/turns/0"), ("PUT", "/patch"), ("GET", "/patch")):
        status, body = await house.call(method, path, json=first() if method == "PUT" else None)
        assert (status, body["error"]["code"]) in {(404, "not_found"), (405, "not_found")}
    assert house.provider.asked == []
    done = {"kind": "failed", "exit_code": 3}
    assert await house.call("PUT", "/outcome", json=done) == (200, {})
    assert house.door.routes.claim == Claim(kind="failed", exit_code=3)


async def test_checks_belong_to_the_verification(open_house: Open) -> None:
    told = {"id": 1, "kind": "check_finished", "check": 0, "exit_code": 0, "seconds": 1}
    for phase in ("agent", "setup"):
        house = await open_house(phase=phase)
        status, _ = await house.call("POST", "/events", json={"events": [told]})
        assert (status, house.recorder.events) == (400, [])


async def test_set_up_output_belongs_to_set_up(open_house: Open) -> None:
    house = await open_house()
    output = {"id": 1, "kind": "setup_output", "text": "x"}
    status, _ = await house.call("POST", "/events", json={"events": [output]})
    assert status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"events": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"events": {}}',
        b'{"events": [1]}',
        b'{"events": [{"id": 1}]}',
        b'{"events": [{"id": 1, "kind": "turn"}]}',
        b'{"events": [{"id": 1, "kind": "container_started", "phase": "agent"}]}',
        b'{"events": [{"id": true, "kind": "note"}]}',
        b'{"events": [{"id": "1", "kind": "note"}]}',
        b'{"events": [{"id": 1, "kind": "note", "text": {}}]}',
        b'{"events": [{"id": 1, "kind": "plan", "items": [{"status": "won"}]}]}',
        b'{"events": [{"id": 1, "kind": "step_finished", "status": "complete", "seconds": NaN}]}',
    ],
)
async def test_malformed_events_change_nothing(open_house: Open, body: bytes) -> None:
    house = await open_house()
    status, answer = await house.call("POST", "/events", data=body)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert house.recorder.events == []


async def test_unknown_paths_and_methods(open_house: Open) -> None:
    house = await open_house()
    for method, path in (("GET", "/"), ("GET", "/turns/0"), ("PUT", "/turns/x"), ("PUT", "/run")):
        status, body = await house.call(method, path)
        assert (status, body["error"]["code"]) in {(404, "not_found"), (405, "not_found")}


async def test_too_large_events(open_house: Open) -> None:
    house = await open_house()
    status, body = await house.call(
        "POST", "/events", data=io.BytesIO(b" " * (MAX_EVENTS_BYTES + 1))
    )
    assert (status, body["error"]["code"]) == (413, "too_large")


async def test_the_socket_is_open_to_the_container_and_to_nobody_else(open_house: Open) -> None:
    house = await open_house()
    socket = house.door.directory / "gateway.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o666
    assert stat.S_IMODE(house.door.directory.stat().st_mode) == 0o755
    assert stat.S_IMODE(house.door.directory.parent.stat().st_mode) == 0o700
    journal = house.door.directory.parent / "journal.json"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert [path.name for path in house.door.directory.iterdir()] == ["gateway.sock"]
