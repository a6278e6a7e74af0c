"""The rules of the house that a machine can hold: who may import whom, sizes, outer walls."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("chatbot", "sandbox", "agent_image")
SDK_FILES = {
    "anthropic": {"sandbox.llm.anthropic"},
    "openai": {"sandbox.llm.openai"},
    "github": {"chatbot.forge.transport"},
    "docker": {"sandbox.engines", "sandbox.image", "sandbox.host", "sandbox.base_image"},
    "slack_bolt": {"chatbot.slack", "chatbot.demo"},
    "slack_sdk": {"chatbot.slack", "chatbot.demo"},
}
"""Where an SDK may be imported: modules, or packages with all that is in them."""
SIZE_LIMIT = 400
OUTER_WALLS = {
    "chatbot.slack",
    "chatbot.web",
    "sandbox.gateway",
    "chatbot.dispatcher",
}


def _modules() -> dict[str, ast.Module]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if "sample.shop" not in name:
                found[name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


MODULES = _modules()


def _imports(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


IMPORTS = {name: _imports(tree) for name, tree in MODULES.items()}


def _reaches(name: str, *prefixes: str) -> set[str]:
    return {
        imported
        for imported in IMPORTS[name]
        if any(imported == prefix or imported.startswith(f"{prefix}.") for prefix in prefixes)
    }


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("sandbox")])
def test_sandbox_imports_nothing_of_chatbot(name: str) -> None:
    assert _reaches(name, "chatbot") == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("agent_image.agent")])
def test_agent_imports_the_standard_library_and_itself(name: str) -> None:
    tops = {imported.split(".")[0] for imported in IMPORTS[name]}
    assert tops <= set(sys.stdlib_module_names) | {"agent_image"}
    assert _reaches(name, "agent_image") == _reaches(name, "agent_image.agent")


@pytest.mark.parametrize(
    "name",
    [name for name in MODULES if name.startswith(("chatbot.slack", "chatbot.web"))],
)
def test_fronts_see_neither_sandbox_engines_nor_publishing(name: str) -> None:
    allowed = {"sandbox.errors", "sandbox.spec", "sandbox.patch"}
    assert _reaches(name, "sandbox") <= allowed
    assert _reaches(name, "chatbot.dispatcher", "chatbot.publish", "chatbot.app") == set()


ACTIONS = (
    "chatbot.actions",
    "chatbot.attempts",
    "chatbot.attempt_changes",
    "chatbot.queue_changes",
    "chatbot.changes",
    "chatbot.edit_changes",
    "chatbot.approval_changes",
    "chatbot.gate_changes",
    "chatbot.run_changes",
    "chatbot.setup_changes",
    "chatbot.publish_changes",
    "chatbot.pull_changes",
    "chatbot.source_changes",
)


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_reach_only_history_and_models(name: str) -> None:
    allowed = {"chatbot.history", "chatbot.history.store", "chatbot.models", *ACTIONS}
    assert _reaches(name, "chatbot") <= allowed
    assert _reaches(name, "sandbox") <= {"sandbox.errors", "sandbox.recorder"}


@pytest.mark.parametrize(("sdk", "allowed"), SDK_FILES.items())
def test_each_sdk_has_its_importing_files(sdk: str, allowed: set[str]) -> None:
    users = {name for name in MODULES if _reaches(name, sdk)}
    strangers = {
        name
        for name in users
        if not any(name == place or name.startswith(f"{place}.") for place in allowed)
    }
    assert users
    assert strangers == set()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_file_grows_too_large(name: str) -> None:
    base = ROOT / Path(*name.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    assert len(path.read_text().splitlines()) <= SIZE_LIMIT


def test_broad_handlers_stand_at_the_outer_walls_only() -> None:
    found = set()
    for name, tree in MODULES.items():
        if name.startswith(("agent_image", "chatbot.demo")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                found.add(name)
    assert all(any(name.startswith(wall) for wall in OUTER_WALLS) for name in found), found
