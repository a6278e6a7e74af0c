"""What the first message tells of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_image.agent.rules import NestedRules
from agent_image.agent.survey import (
    MAX_RULES_BYTES,
    draw_tree,
    find_rules,
    guess_tests,
    name_languages,
)
from tests.sandbox.git_repository import Repository


def test_a_small_tree_is_shown_whole() -> None:
    assert draw_tree(["a", "b/c", "b/d\ne"]) == "a\nb/c\nb/d\\ne"


def test_a_large_tree_is_shown_by_its_folders() -> None:
    paths = [f"src/part{n:03}/file{m}.py" for n in range(60) for m in range(50)]
    paths += ["README.md", "docs/a.md", "docs/b.md"]
    rows = draw_tree(sorted(paths)).splitlines()
    assert len(rows) <= 200
    assert {"README.md", "docs/a.md", "docs/b.md"} <= set(rows)
    assert "src/part000/file0.py" in rows
    assert "src/part059/  (50 files)" in rows


def test_a_flat_tree_is_cut() -> None:
    rows = draw_tree([f"file{n}" for n in range(5000)]).splitlines()
    assert rows[-1] == "[… 4,800 more]"
    assert len(rows) == 201


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, ["python3 -m pytest -q"]),
        ({"tests/test_a.py": ""}, ["python3 -m pytest -q"]),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, ["npm test"]),
        ({"package.json": "[]"}, []),
        ({"Makefile": "all:\n\ntest:\n\ttrue\n", "go.mod": ""}, ["go test ./...", "make test"]),
        ({"Makefile": "check:\n\ttrue\n"}, ["make check"]),
        ({"a.txt": ""}, []),
    ],
)
def test_test_commands_are_guessed(
    tmp_path: Path, files: dict[str, str | bytes | None], commands: list[str]
) -> None:
    Repository(tmp_path).commit(files)
    assert guess_tests(str(tmp_path), list(files)) == commands


def test_languages_are_named_by_their_files() -> None:
    paths = ["a.py", "b.pyi", "c/d.ts", "x.tsx", "y.js", "z.go", "README.md", "Makefile", "q.ts"]
    assert name_languages(paths) == "TypeScript, Python, Go"
    assert name_languages(["LICENSE.txt"]) == ""


def test_rules_of_inner_folders_come_once_outer_first_within_the_limit(tmp_path: Path) -> None:
    for folder, text in (("web", "No jQuery."), ("web/app", "x" * 40_000), ("api", "Late.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "AGENTS.md").write_text(text)
    (tmp_path / "AGENTS.md").write_text("Root.")
    rules = NestedRules(str(tmp_path))
    assert rules.beside("README.md") == ""
    assert rules.beside("../else/x") == ""
    shown = rules.beside("web/app/new/file.js")
    assert shown.startswith(
        "\n\n<web/AGENTS.md>\nNo jQuery.\n</web/AGENTS.md>\n\n<web/app/AGENTS.md>\nxxx"
    )
    assert shown.endswith("x\n[… cut]\n</web/app/AGENTS.md>")
    assert len(shown) < MAX_RULES_BYTES + 200
    assert rules.beside("web/app/other.js") == ""
    assert rules.beside("api/a.py") == ""
    fresh = NestedRules(str(tmp_path))
    assert fresh.beside("api/AGENTS.md") == ""
    assert fresh.beside("api/a.py") == ""
    assert "No jQuery" in fresh.beside("web/a.js")


def test_rules_are_cut_and_nested_ones_listed(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("x" * (MAX_RULES_BYTES + 10))
    text, nested = find_rules(str(tmp_path), ["AGENTS.md", "a/AGENTS.md", "b/c/AGENTS.md"])
    assert len(text) < MAX_RULES_BYTES + 100
    assert "cut" in text
    assert nested == ["a/AGENTS.md", "b/c/AGENTS.md"]
    assert find_rules(str(tmp_path / "none"), []) == ("", [])


def test_rules_that_are_a_link_out_of_the_workspace_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "workspace" / "AGENTS.md").symlink_to("../secret")
    assert find_rules(str(tmp_path / "workspace"), ["AGENTS.md"]) == ("", [])
