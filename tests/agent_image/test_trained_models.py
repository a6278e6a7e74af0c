"""The real agent and its gateway before servers of the true wire formats: models work with the
tools that they were trained on, and one takes over from the other in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sandbox.gateway.door import Door
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.routes import Routes
from sandbox.gateway.speaker import Speaker
from sandbox.gateway.turns import Turns
from sandbox.gateway.wire import Claim
from sandbox.llm import retries
from sandbox.llm.anthropic import AnthropicProvider
from sandbox.llm.openai import OpenAIProvider
from sandbox.llm.providers import Model
from sandbox.redaction import Redactor
from tests.agent_image.conftest import FILES, PROGRAM
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.responses_server import ResponsesServer
from tests.sandbox.llm.script import Failure, Script, Words
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.trees import bundle, make_spec, make_tree

SECONDS = 120
EDITOR = "str_replace_based_edit_tool"


def editor(id_: str, **arguments: Any) -> tuple[str, str, str]:
    return id_, EDITOR, json.dumps(arguments)


FIRST = [
    Words(
        thinking="I look.",
        calls=(
            editor("a", command="view", path="sums.py"),
            editor("b", command="insert", path="sums.py", insert_line=0, insert_text="# sums"),
            ("c", "bash", '{"command": "X=41"}'),
        ),
        stop="tool_calls",
    ),
    Words(
        calls=(
            editor("d", command="str_replace", path="sums.py", old_str="a - b", new_str="a + b"),
            editor("e", command="undo_edit", path="README.md"),
            ("f", "bash", '{"command": "echo $((X + 1))"}'),
        ),
        stop="tool_calls",
    ),
    Failure(status=529, type="overloaded_error", message="Overloaded"),
]
SHELL = {
    "type": "shell_call",
    "id": "sh",
    "call_id": "g",
    "action": {"commands": ["echo $X", "cat sums.py; exit 3"]},
    "status": "completed",
}
PATCHES = tuple(
    {
        "type": "apply_patch_call",
        "id": f"ap{number}",
        "call_id": f"p{number}",
        "operation": operation,
        "status": "completed",
    }
    for number, operation in enumerate(
        [
            {"type": "create_file", "path": "new.py", "diff": "+X = 1\n"},
            {"type": "update_file", "path": "sums.py", "diff": "@@\n-# sums\n+# Sums.\n"},
            {"type": "update_file", "path": "sums.py", "diff": "@@\n-nowhere\n"},
            {"type": "delete_file", "path": "README.md"},
        ]
    )
)
FINISH = {"title": "Done", "summary": "Did it.", "claimed": "Ran it."}
SECOND = [
    Words(items=(SHELL, *PATCHES), thinking="I go on."),
    Words(calls=(("z", "finish", json.dumps(FINISH)),)),
]


async def listen(stack: AsyncExitStack, application: web.Application) -> str:
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def work(
    directory: Path, claude: AnthropicServer, gpt: ResponsesServer, *, max_retries: int = 0
) -> tuple[Claim, MemoryRecorder]:
    """A whole run, with a model of Anthropic's and one of OpenAI's that may take over."""
    spec = make_spec(make_tree(directory / "tree", dict(FILES)))
    recorder = MemoryRecorder()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ts-")))
        journal = await Journal.begin(folder, Entry(phase="agent", started_at=time.time()))
        url = await listen(stack, claude.application())
        anthropic = AnthropicProvider("key", base_url=url, max_retries=max_retries)
        stack.push_async_callback(anthropic.close)
        url = await listen(stack, gpt.application())
        openai = OpenAIProvider("key", base_url=f"{url}/v1", api="responses", max_retries=0)
        stack.push_async_callback(openai.close)

        async def spare() -> Model:
            return Model(openai, "gpt-5.2")

        model = Model(anthropic, "claude-sonnet-5-5")
        known = {"run_id": spec.run_id, "recorder": recorder, "journal": journal}
        hiding = Hiding(Redactor(()), journal, recorder)
        turns = Turns(
            *(spec, recorder, anthropic),
            model=model.name,
            hiding=hiding,
            speaker=Speaker(model, spare=spare, **known),  # type: ignore[arg-type]
        )
        routes = Routes(
            *(spec, journal, recorder),
            turns=turns,
            bundle=bundle,
            patch=b"",
            variables={},
            hiding=hiding,
        )
        door = Door(spec.run_id, journal, routes)
        stack.push_async_callback(door.close)
        await door.open()
        await run_agent(directory, door)
        assert routes.claim is not None
        return routes.claim, recorder


async def test_one_model_begins_and_another_ends(tmp_path: Path) -> None:
    claude, gpt = AnthropicServer(Script([*FIRST])), ResponsesServer(Script([*SECOND]))
    claim, recorder = await work(tmp_path, claude, gpt)
    assert (claim.kind, claim.title) == ("finished", "Done")
    first, second, third = (request["messages"] for request in claude.requests)
    assert seen(second[-1])["a"].startswith("     1\tdef add")
    results = seen(third[-1])
    assert results["f"] == "42\n[exit 0]"
    assert "can be undone" in results["e"]
    assert first[0]["content"][0]["text"].startswith("# Task")
    [shell, *patches] = [i for i in gpt.requests[1]["input"] if i["type"].endswith("_call_output")][
        -5:
    ]
    assert [part["stdout"].split("\n")[0] for part in shell["output"]] == ["41", "# sums"]
    assert [part["outcome"].get("exit_code") for part in shell["output"]] == [0, 3]
    assert [patch["status"] for patch in patches] == [
        *("completed", "completed", "failed", "completed")
    ]
    told = recorder.payloads("model_fallback")
    assert [(event["from"], event["to"]) for event in told] == [
        ("anthropic:claude-sonnet-5-5", "openai:gpt-5.2")
    ]
    patch = recorder.patches[-1][0].decode()
    assert "+# Sums.\n def add(a, b):\n-    return a - b\n+    return a + b\n" in patch
    assert "+X = 1\n" in patch
    assert "deleted file" in patch


async def test_slips_of_every_kind_are_told_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSE_SECONDS", 0.0)
    slips = [
        Words(),
        Words(calls=(("a", "browse", "{}"), ("b", "bash", '{"command": ')), stop="tool_calls"),
        Failure(type="overloaded_error", mid_stream=True, message="Overloaded"),
        Words(calls=(editor("c", command="rename", path="a"),), stop="tool_calls"),
        Failure(type="hang_up", mid_stream=True),
        Words(
            calls=(("d", "bash", '{"command": "touch kept"}'), ("e", EDITOR, '{"command": "cr')),
            stop="length",
        ),
        Words(calls=(("f", "bash", '{"command": "ls"}'),), stop="tool_calls"),
        Words(text="I would rather not go on.", stop="refusal"),
    ]
    claude = AnthropicServer(Script([*slips]))
    claim, recorder = await work(tmp_path, claude, ResponsesServer(Script([])), max_retries=1)
    assert (claim.kind, claim.summary) == ("gave_up", "I would rather not go on.")
    said = [request["messages"][-1]["content"] for request in claude.requests]
    assert "called no tool" in said[1][-1]["text"]
    told = {id_: text for content in said for id_, text in seen({"content": content}).items()}
    assert "There is no tool `browse`" in told["a"]
    assert "not valid JSON" in told["b"]
    assert "`command` is unknown" in told["c"]
    assert told["d"] == "[exit 0]"
    assert "cut off at its length limit" in told["e"]
    assert "kept" in told["f"].split()
    assert said[2] == said[3]  # asked again, as it was
    assert "new file" in recorder.patches[-1][0].decode()
    assert len(recorder.stored_turns) == 6


def seen(message: dict[str, Any]) -> dict[str, str]:
    return {
        block["tool_use_id"]: block["content"][0]["text"]
        for block in message["content"]
        if block["type"] == "tool_result"
    }


async def run_agent(directory: Path, door: Door) -> None:
    for name in ("home", "tmp"):
        (directory / name).mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(PROGRAM)),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "tmp"),
            "THREADSMITH_TOKEN": door.journal.entry.token,
            "THREADSMITH_SOCKET": str(door.directory / "gateway.sock"),
            "THREADSMITH_WORKSPACE": str(directory / "workspace"),
            "THREADSMITH_HOME": str(directory / "home"),
        },
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    await asyncio.wait_for(process.communicate(), SECONDS)
