"""What the agent program promises: the host's words, old Python, nothing but the library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from agent_image.agent import protocol as own
from agent_image.agent.prompt import first_message, system_prompt
from agent_image.agent.schemas import make_tools
from sandbox.gateway import protocol
from sandbox.gateway.wire import parse_turn
from sandbox.llm.replay import REQUEST_HEADINGS

FOLDER = Path(__file__).parent.parent.parent / "agent_image" / "agent"
FILES = sorted(FOLDER.rglob("*.py"))
MODES = ("change", "explain", "review")


def test_host_and_agent_use_the_same_words() -> None:
    names = [name for name in vars(own) if name.isupper() and name != "SEVERITIES"]
    assert len(names) >= 6
    assert {name: getattr(own, name) for name in names} == {
        name: getattr(protocol, name) for name in names
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
    for name in names:
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or name.startswith("agent_image.agent"), name
    if any(isinstance(node, ast.AnnAssign | ast.FunctionDef) for node in ast.walk(tree)):
        assert "annotations" in path.read_text().split("from __future__ import ")[1].split("\n")[0]


# What later versions added and the syntax does not show.
TOO_NEW = {
    "removeprefix": "3.9",
    "removesuffix": "3.9",
    "pidfd_open": "3.9",
    "to_thread": "3.9",
    "readlink_to": "3.9",
    "is_relative_to": "3.9",
    "file_digest": "3.11",
    "process_group": "3.11",
    "batched": "3.12",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_uses_what_3_8_lacks(path: Path) -> None:
    tree = ast.parse(path.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    assert used & TOO_NEW.keys() == set()
    runtime = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
    ]
    aliases = {value.value.id for value in runtime if isinstance(value.value, ast.Name)}
    assert aliases & {"dict", "list", "set", "tuple", "frozenset", "type"} == set()


def test_the_loop_fits_on_a_few_screens() -> None:
    assert len((FOLDER / "loop.py").read_text().splitlines()) <= 220


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("turn", [0, 5])
def test_the_first_turn_is_what_gateway_and_recordings_read(
    tmp_path: Path, mode: str, turn: int
) -> None:
    run = {
        "mode": mode,
        "repository": "acme/api",
        "branch": None,
        "base_commit": "1" * 40,
        "author": "",
        "request": " Mend it. ",
        "turn": turn,
        "has_patch": False,
        "notes": [],
    }
    blocks = first_message(run, str(tmp_path))
    assert blocks[0].startswith(REQUEST_HEADINGS[turn > 0])
    assert f"\nMode: {mode}\n" in blocks[0]
    assert blocks[0].endswith("\n\nMend it.")
    assert not any(block.startswith(REQUEST_HEADINGS) for block in blocks[1:])
    system = system_prompt(mode)
    assert "{" not in system
    assert len(system) < 3500


@pytest.mark.parametrize("mode", MODES)
def test_tools_are_small_and_fit_the_wire(mode: str) -> None:
    import json

    tools = make_tools(mode, command_seconds=300)
    turn = {
        "system": "s",
        "tools": tools,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    }
    parsed = parse_turn(json.dumps(turn).encode())
    assert parsed.tools is not None
    names = {tool.name for tool in parsed.tools}
    assert ({"edit", "write"} <= names) == (mode == "change")
    assert {"bash", "read", "plan", "finish"} <= names
    assert len(json.dumps(tools)) < 3900  # two of them are for models trained on their own


def test_where_nobody_listens_nobody_is_asked() -> None:
    names = [tool["name"] for tool in make_tools("change", command_seconds=300, can_ask=False)]
    assert "ask" not in names
    assert "ask" in [tool["name"] for tool in make_tools("change", command_seconds=300)]
    assert "`ask`" not in system_prompt("change", can_ask=False)
    assert "`ask`" in system_prompt("change")
