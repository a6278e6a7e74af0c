"""Paths, links and sensitive files: tables of what the rules say."""

from __future__ import annotations

import pytest

from sandbox.patch_rules import is_sensitive
from sandbox.paths import link_problem, path_problem


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".GitHub/Workflows/ci.yml",
        ".github/actions/build/action.yml",
        ".gitlab-ci.yml",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".github/codeowners",
        ".threadsmith.toml",
        "setup.sh",
        "AGENTS.md",
        "packages/web/AGENTS.md",
        "art/.gitattributes",
        ".gitmodules",
        "Jenkinsfile",
    ],
)
def test_files_that_deserve_a_second_look(path: str) -> None:
    assert is_sensitive(path)


@pytest.mark.parametrize(
    "path", ["a.py", "src/setup.sh", ".github/ISSUE_TEMPLATE.md", "src/CODEOWNERS", "agents.mdx"]
)
def test_ordinary_files(path: str) -> None:
    assert not is_sensitive(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b.c", ".gitignore", ".github/x", "a..b", "...", "git", "a:b", "x\\y", " "]
)
def test_paths_that_may_stand(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    [
        *("", "/a", "..", "a/..", "a//b", "a/", "./a", ".git", "a/.Git/b", ".git ", ".git..."),
        *("git~1", "GIT~1/x", ".git:x", "a\\.git\\b", "a\\..\\b", "\u200d.git", ".g\ufeffit"),
        "a/" * 70 + "a",
    ],
)
def test_paths_that_may_not_stand(path: str) -> None:
    assert path_problem(path) is not None


@pytest.mark.parametrize(
    ("path", "target"),
    [("a", "b"), ("a", "./b/c"), ("d/a", "../b"), ("d/e/a", "../../b"), ("a", "b\n"), ("a", "d/")],
)
def test_links_that_may_stand(path: str, target: str) -> None:
    assert link_problem(path, target) is None


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", ""),
        ("a", "/etc"),
        ("a", "C:/x"),
        ("a", "C:x"),
        ("a", "\\\\host\\x"),
        ("a", ".."),
        ("d/a", "../.."),
        ("a", "b/../../c"),
        ("a", "b/../c"),
        ("a", "x\0y"),
        ("a", ".git"),
        ("d/a", "../.GIT/config"),
        ("a", "x" * 4097),
    ],
)
def test_links_that_may_not_stand(path: str, target: str) -> None:
    assert link_problem(path, target) is not None
