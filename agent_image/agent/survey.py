"""What a newcomer to the repository looks at first: its tree, its rules, how it is tested."""

from __future__ import annotations

import collections
import json
import os
import re
from typing import Any, Dict, List, Set, Tuple

from agent_image.agent.git import GitFailed, git
from agent_image.agent.output import escape_unsafe, make_safe

MAX_TREE_LINES = 200
MAX_RULES_BYTES = 32 * 1024
RULES = "AGENTS.md"
_ENOUGH_TO_READ = 256 * 1024

_LANGUAGES = {
    ending: name
    for name, endings in (
        *(("Python", "py pyi"), ("JavaScript", "js jsx mjs cjs"), ("TypeScript", "ts tsx")),
        *(("C", "c h"), ("C++", "cc cpp cxx hh hpp"), ("C#", "cs"), ("Go", "go"), ("Rust", "rs")),
        *(("Java", "java"), ("Kotlin", "kt kts"), ("Scala", "scala"), ("Swift", "swift")),
        *(("Ruby", "rb"), ("PHP", "php"), ("Perl", "pl"), ("Elixir", "ex exs"), ("Lua", "lua")),
        *(("Haskell", "hs"), ("Dart", "dart"), ("Vue", "vue"), ("R", "r R"), ("SQL", "sql")),
        ("Shell", "sh bash"),
    )
    for ending in endings.split()
}

Folder = Dict[str, Any]
"""Names to folders, or to None for a file."""


def list_files(workspace: str) -> List[str]:
    """The tracked files; empty where git has none to tell."""
    try:
        listed = git(workspace, "ls-files", "-z")
    except GitFailed:
        return []
    return [os.fsdecode(path) for path in listed.split(b"\0")[:-1]]


def draw_tree(paths: List[str]) -> str:
    """All paths while there is room; else the upper folders, the others with their counts."""
    if len(paths) <= MAX_TREE_LINES:
        return "\n".join(_shown(path) for path in paths)
    root = _nest(paths)
    return "\n".join(_rows(root, "", _open_folders(root)))


def name_languages(paths: List[str]) -> str:
    """Those of most files, at most three; empty where none is known."""
    endings = collections.Counter(path.rpartition(".")[2] for path in paths)
    counts: Dict[str, int] = {}
    for ending, count in endings.items():
        name = _LANGUAGES.get(ending)
        if name is not None:
            counts[name] = counts.get(name, 0) + count
    most = sorted(counts, key=lambda name: (-counts[name], name))[:3]
    return ", ".join(most)


def find_rules(workspace: str, paths: List[str]) -> Tuple[str, List[str]]:
    """The root's AGENTS.md, cut to its limit, and where the nested ones are."""
    nested = [path for path in paths if path.endswith("/" + RULES)][:50]
    data = read_beginning(workspace, RULES, MAX_RULES_BYTES + 1)
    text = make_safe(data[:MAX_RULES_BYTES])
    if len(data) > MAX_RULES_BYTES:
        text += "\n[… cut; read the rest of AGENTS.md if you need it]"
    return text, nested


def guess_tests(workspace: str, paths: List[str]) -> List[str]:
    """Commands that probably run the tests, the likeliest first."""
    names = set(paths)
    found = []
    if _has_python_tests(workspace, paths, names):
        found.append("python3 -m pytest -q")
    if "package.json" in names and _has_npm_test(workspace):
        found.append("npm test")
    for name, command in (("Cargo.toml", "cargo test"), ("go.mod", "go test ./...")):
        if name in names:
            found.append(command)
    if "Makefile" in names and re.search(rb"^(?:test|check):", _text(workspace, "Makefile"), re.M):
        found.append(
            "make " + ("test" if b"\ntest:" in b"\n" + _text(workspace, "Makefile") else "check")
        )
    for name, command in (
        ("tox.ini", "tox"),
        ("pom.xml", "mvn -o test"),
        ("build.gradle", "gradle --offline test"),
        ("Rakefile", "bundle exec rake test"),
    ):
        if name in names:
            found.append(command)
    return found[:3]


# Of all paths at once: a hundred thousand searches would take their time.
_PYTHON_TEST = re.compile(r"(?:^|/)(?:test_[^/\n]*|[^/\n]*_test|conftest)\.py$", re.M)


def _has_python_tests(workspace: str, paths: List[str], names: Set[str]) -> bool:
    settings = _text(workspace, "pyproject.toml") + _text(workspace, "setup.cfg")
    return "pytest.ini" in names or b"pytest" in settings or _has_test_files("\n".join(paths))


def _has_test_files(listing: str) -> bool:
    looks_so = any(part in listing for part in ("test_", "_test.py", "conftest.py"))
    return looks_so and _PYTHON_TEST.search(listing) is not None


def _has_npm_test(workspace: str) -> bool:
    try:
        return "test" in json.loads(_text(workspace, "package.json"))["scripts"]
    except (ValueError, LookupError, TypeError):
        return False


def _text(workspace: str, name: str) -> bytes:
    return read_beginning(workspace, name, _ENOUGH_TO_READ)


def read_beginning(workspace: str, name: str, limit: int) -> bytes:
    """The beginning of a regular file in the workspace; empty where there is none."""
    path = os.path.realpath(os.path.join(workspace, name))
    try:
        if not path.startswith(os.path.realpath(workspace) + os.sep) or not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def _nest(paths: List[str]) -> Folder:
    root: Folder = {}
    place, prefix = root, ""
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder != prefix:
            # Sorted paths stay in a folder for a while: it need not be found for each of them.
            place, prefix = root, folder
            for part in folder.split("/") if folder else ():
                place = place.setdefault(part, {})
        place[name] = None
    return root


def _open_folders(root: Folder) -> set[str]:
    """Folders to show with what is in them: level by level, while it all fits."""
    opened = {""}
    lines = len(root)
    level = [("", root)]
    while level:
        below = []
        for prefix, folder in level:
            for name, inner in folder.items():
                if inner is not None and (prefix == "" or prefix in opened):
                    below.append((prefix + name + "/", inner))
        # Small folders first: more of the tree's shape for the same lines.
        for prefix, folder in sorted(below, key=lambda item: len(item[1])):
            if lines + len(folder) <= MAX_TREE_LINES:
                opened.add(prefix)
                lines += len(folder)
        level = [item for item in below if item[0] in opened]
    return opened


def _rows(folder: Folder, prefix: str, opened: set[str]) -> List[str]:
    rows = []
    for name, inner in folder.items():
        path = prefix + name
        if inner is None:
            rows.append(_shown(path))
        elif path + "/" in opened:
            rows += _rows(inner, path + "/", opened)
        else:
            rows.append("{}/  ({:,} files)".format(_shown(path), _count(inner)))
    if len(rows) > MAX_TREE_LINES:
        rows[MAX_TREE_LINES:] = ["[… {:,} more]".format(len(rows) - MAX_TREE_LINES)]
    return rows


def _count(folder: Folder) -> int:
    return sum(1 if inner is None else _count(inner) for inner in folder.values())


def _shown(path: str) -> str:
    return escape_unsafe(os.fsencode(path).decode(errors="replace")).replace("\n", "\\n")
