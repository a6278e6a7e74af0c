"""Patches without secrets, which real git still applies."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import PatchRefused
from sandbox.redaction import NO_SECRETS, Redactor
from tests.sandbox.redaction.test_shapes import KEY, A, split
from tests.sandbox.trees import run_git

SECRET = "hunter22-and-more"
TOKEN = split("gh", "p_", (A * 2)[:36])
OTHER = split("np", "m_", (A * 2)[:36])
REDACTOR = Redactor([SECRET, "two words\nin two lines"])
Files = dict[str, bytes]


@contextmanager
def repository(files: Files) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        run_git(work, "init", "-q")
        run_git(work, "config", "core.autocrlf", "false")
        write(work, files)
        run_git(work, "add", "--all")
        run_git(work, "commit", "-q", "--allow-empty", "-m", "Begin")
        yield work


def write(work: Path, files: Files) -> None:
    for name, data in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def diff(work: Path, files: Files) -> bytes:
    """As the agent makes it; the tree is put back."""
    for name in run_git(work, "ls-files", "-z").split("\0"):
        if name and name not in files:
            (work / name).unlink()
    write(work, files)
    run_git(work, "add", "--all")
    data = subprocess.run(
        ["git", "diff", "--binary", "--full-index", "-M", "--cached"],
        cwd=work,
        check=True,
        capture_output=True,
    ).stdout
    run_git(work, "reset", "-q", "--hard")
    return data


def apply(work: Path, patch: bytes) -> Files:
    """What real git makes of the patch, if it takes it."""
    if patch:
        command = ["git", "apply", "--index", "--binary", "--whitespace=nowarn"]
        subprocess.run(command, cwd=work, input=patch, check=True, capture_output=True)
    names = [name for name in run_git(work, "ls-files", "-z").split("\0") if name]
    return {name: (work / name).read_bytes() for name in names}


def change(before: Files, after: Files, redactor: Redactor = REDACTOR) -> tuple[Files, int]:
    """The tree that the redacted patch leads to."""
    with repository(before) as work:
        patch, count = redactor.patch(diff(work, after))
        return apply(work, patch), count


LINES = st.sampled_from(
    [
        *(
            "one",
            "two",
            "three",
            "",
            " ",
            "@@ -1 +1 @@",
            "diff --git a/x b/x",
            "--- a/x",
            "+++ b/x",
        ),
        *("-", "+", "\\ No newline at end of file", "GIT binary patch", "café", "tab\there", "x\r"),
        *(SECRET, f"key = '{SECRET}'", f"a {TOKEN} b", OTHER, "two words", "in two lines"),
        *KEY.split("\n"),
    ]
)
CONTENT = st.tuples(st.lists(LINES, max_size=12), st.sampled_from(["", "\n"])).map(
    lambda parts: ("\n".join(parts[0]) + parts[1]).encode()
)
TREE = st.dictionaries(st.sampled_from(["a", "b.txt", "dir/c", "d e"]), CONTENT, max_size=3)


@settings(max_examples=60, deadline=None)
@given(TREE, TREE)
def test_redacted_patches_apply_and_hide(before: Files, after: Files) -> None:
    hidden, _ = change(before, after)
    assert {name: data.count(b"\n") for name, data in hidden.items()} == {
        name: data.count(b"\n") for name, data in after.items()
    }
    old = b"\n".join(before.values())
    for name, data in after.items():
        got = hidden[name].split(b"\n")
        for line, shown in zip(data.split(b"\n"), got, strict=True):
            if line in old.split(b"\n"):
                continue  # may stand in a context line
            assert SECRET.encode() not in shown
            if TOKEN.encode() not in old:
                assert TOKEN.encode() not in shown
            if b"[redacted]" not in shown:
                assert shown == line


@settings(max_examples=30, deadline=None)
@given(TREE, TREE)
def test_a_patch_without_secrets_is_not_touched(before: Files, after: Files) -> None:
    with repository(before) as work:
        data = diff(work, after)
        clean = NO_SECRETS.patch(data)
        if clean[1] == 0:
            assert clean == (data, 0)
        assert Redactor(["nowhere-to-be-found"]).patch(data) == clean


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_bytes_are_redacted_or_refused(data: bytes, more: bytes) -> None:
    for head in (b"", b"GIT binary patch\nliteral 5\n", b"@@ -1,3 +1,4 @@\n"):
        try:
            clean, count = REDACTOR.patch(head + data + b"\n+" + more)
        except PatchRefused:
            continue
        assert count or clean == head + data + b"\n+" + more


def test_known_values_go_in_any_writing() -> None:
    encoded = "aHVudGVyMjItYW5kLW1vcmU="
    after = {"a": f"x\n{SECRET}\ny {encoded}\n{SECRET.encode().hex()} {SECRET}\n".encode()}
    hidden, count = change({"a": b"x\n"}, after)
    assert hidden["a"] == b"x\n[redacted]\ny [redacted]U=\n[redacted] [redacted]\n"
    assert count == 4


def test_what_is_in_the_repository_already_is_left() -> None:
    before = {"a": f"def f():\n    token = '{TOKEN}'\n".encode()}
    after = {"a": f"def f():\n        token = '{TOKEN}'\n        other = '{OTHER}'\n".encode()}
    hidden, count = change(before, after)
    assert hidden["a"] == after["a"].replace(OTHER.encode(), b"[redacted]")
    assert count == 1


def test_a_known_value_is_hidden_though_it_was_there() -> None:
    hidden, count = change({"a": f"{SECRET}\n".encode()}, {"a": f"  {SECRET}\n".encode()})
    assert (hidden, count) == ({"a": b"  [redacted]\n"}, 1)


def test_removing_a_known_value_is_no_fault() -> None:
    hidden, count = change({"a": f"{SECRET}\nx\n".encode()}, {"a": b"x\n"})
    assert (hidden, count) == ({"a": b"x\n"}, 0)


def test_a_private_key_goes_line_by_line() -> None:
    hidden, count = change({"a": b"x\n"}, {"a": f"x\n{KEY}\ny\n".replace("\n", "\r\n").encode()})
    lines = hidden["a"].split(b"\r\n")
    assert lines[1:5] == [b"[redacted]"] * 4
    assert (lines[5], count) == (b"y", 1)


def test_a_value_of_several_lines_goes() -> None:
    hidden, count = change({"a": b"x\n"}, {"a": b"x\n<two words\nin two lines>\ny\n"})
    assert (hidden["a"], count) == (b"x\n<[redacted]\n[redacted]>\ny\n", 1)


def test_a_link_to_a_value_goes() -> None:
    with repository({"a": b"x\n"}) as work:
        (work / "link").symlink_to(SECRET)
        run_git(work, "add", "--all")
        data = run_git(work, "diff", "--cached").encode() + b"\n"
        run_git(work, "reset", "-q", "--hard")
        patch, count = REDACTOR.patch(data)
        subprocess.run(["git", "apply", "-"], cwd=work, input=patch, check=True)
        assert (os.readlink(work / "link"), count) == ("[redacted]", 1)  # noqa: PTH115


@pytest.mark.parametrize("name", [f"{SECRET}.txt", f"dir/{SECRET}/x", f"é{SECRET}"])
def test_a_value_in_a_name_is_refused(name: str) -> None:
    with repository({"a": b"x\n" * 20}) as work:
        for after in ({"a": b"x\n" * 20, name: b"y\n"}, {name: b"x\n" * 20}):
            with pytest.raises(PatchRefused, match="name of a file") as caught:
                REDACTOR.patch(diff(work, after))
            assert SECRET not in str(caught.value)


def test_a_value_with_odd_letters_in_a_name_is_refused() -> None:
    with repository({}) as work, pytest.raises(PatchRefused):
        Redactor(["pässwörter"]).patch(diff(work, {"pässwörter": b"x"}))


NOISE = bytes(range(256)) * 40
"""Packs well, and is binary."""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"\0" + SECRET.encode() + NOISE),
        (NOISE, NOISE + SECRET.encode()),
        (b"", b"\0\0" + SECRET.encode("utf-16-le") + b"\0"),
        (b"", b"\0" + SECRET.encode().hex().encode()),
    ],
)
def test_a_value_in_a_binary_file_is_refused(before: bytes, after: bytes) -> None:
    with repository({"x.bin": b"\0" + before}) as work:
        data = diff(work, {"x.bin": b"\0" + after})
        assert b"GIT binary patch" in data
        with pytest.raises(PatchRefused, match="binary file"):
            REDACTOR.patch(data)


def test_binary_files_without_secrets_pass() -> None:
    before = {"x.bin": b"\0" + NOISE, "old.bin": NOISE[::-1], "a": b"x\n"}
    after = {"x.bin": b"\0more" + NOISE, "new.bin": NOISE[::2], "a": f"{TOKEN}\n".encode()}
    with repository(before) as work:
        data = diff(work, after)
        assert b"\ndelta " in data
        assert b"\nliteral " in data
        clean, count = REDACTOR.patch(data)
        assert count == 1
        assert apply(work, clean) == {**after, "a": b"[redacted]\n"}


@pytest.mark.parametrize(
    "hunk",
    [
        "literal 5\nEnot base85 '\"\n",
        "literal 999999999999\nKcmV+b0RI7200IR5\n",
        "literal 4\nLcmYdfU|@Ja00IC2\n",
    ],
)
def test_binary_content_that_cannot_be_read_is_refused(hunk: str) -> None:
    with pytest.raises(PatchRefused):
        REDACTOR.patch(f"diff --git a/x b/x\nGIT binary patch\n{hunk}\n".encode())


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    with repository({}) as work:
        data = diff(work, {"x.bin": b"\0" * 5_000_000})
    with pytest.raises(PatchRefused, match="cannot be read"):
        REDACTOR.patch(data.replace(b"literal 5000000", b"literal 500"))
    with pytest.raises(PatchRefused, match="bytes large"):
        REDACTOR.patch(data.replace(b"literal 5000000", b"literal 5000000000"))


def test_words_that_git_ignores_are_redacted() -> None:
    with repository({"a": b"x\n"}) as work:
        data = diff(work, {"a": b"y\n"})
        patch, count = REDACTOR.patch(f"by {SECRET}, {TOKEN}\n".encode() + data)
        assert patch == b"by [redacted], [redacted]\n" + data
        assert count == 2
        assert apply(work, patch) == {"a": b"y\n"}
    heading = data.replace(b" @@\n", b" @@ def %s\n" % SECRET.encode())
    assert REDACTOR.patch(heading) == (data.replace(b" @@\n", b" @@ def [redacted]\n"), 1)
