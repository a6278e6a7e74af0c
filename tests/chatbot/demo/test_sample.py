"""The sample has one fault and one test that shows it; the recorded replies mend it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent_image.agent.schemas import check_arguments, make_tools
from chatbot.demo.sample import replies_path, sample_files, suggestions
from chatbot.request import understand

REPLIES: list[dict[str, Any]] = json.loads(replies_path().read_text())["replies_for"]


def _lay(directory: Path) -> Path:
    for name, content in sample_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def _test(directory: Path) -> str:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-p", "no:randomly"], cwd=directory, capture_output=True, text=True, check=False
    )
    return done.stdout.strip().splitlines()[-1]


def _replay(directory: Path, when: str) -> None:
    entry = next(entry for entry in REPLIES if entry["when"] == when)
    for call in (block for reply in entry["replies"] for block in reply["content"]):
        if call.get("name") == "edit":
            path = directory / call["arguments"]["path"]
            text = path.read_text()
            assert text.count(call["arguments"]["old"]) == 1
            path.write_text(text.replace(call["arguments"]["old"], call["arguments"]["new"]))


def test_one_test_fails_and_the_recording_mends_it(tmp_path: Path) -> None:
    shop = _lay(tmp_path)
    assert _test(shop).startswith("1 failed, 35 passed")
    _replay(shop, "failing test")
    assert _test(shop).startswith("37 passed")
    _replay(shop, "empty basket")
    assert _test(shop).startswith("38 passed")


@pytest.mark.parametrize("attempt", [2, 3])
def test_further_attempts_mend_it_in_other_ways(tmp_path: Path, attempt: int) -> None:
    shop = _lay(tmp_path)
    _replay(shop, f"failing test(.|\\n)*attempt {attempt} of")
    assert _test(shop).startswith("36 passed")


def test_every_recorded_call_fits_its_tool() -> None:
    for entry in REPLIES:
        tools = {tool["name"]: tool for tool in make_tools(entry["mode"], command_seconds=60)}
        for reply in entry["replies"]:
            for block in reply["content"]:
                if block["type"] == "tool_call":
                    check_arguments(tools[block["name"]]["parameters"], block["arguments"])


def test_findings_name_real_lines() -> None:
    entry = next(entry for entry in REPLIES if entry["when"] == "pricing")
    findings = entry["replies"][-1]["content"][0]["arguments"]["findings"]
    files = sample_files()
    lines = [files[one["file"]].decode().splitlines()[one["line"] - 1].strip() for one in findings]
    assert lines == [
        "if quantity > pieces:",
        '"""Orders over this amount are delivered for nothing."""',
        "BULK_STEPS = ((50, 15), (10, 10))",
    ]


def test_the_suggestions_are_requests_that_are_understood() -> None:
    understood = [understand(words.removeprefix("@Threadsmith ")) for words in suggestions()]
    assert [(r.repository, r.mode, r.count) for r in understood] == [
        ("demo/shop", "change", 1),
        ("demo/shop", "explain", 1),
        ("demo/shop", "review", 1),
        ("demo/shop", "change", 3),
    ]
