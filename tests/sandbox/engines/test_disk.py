"""What a layer holds, whatever was put into it."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.engines.disk import walk


def test_bytes_and_files_are_counted_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "blob").write_bytes(os.urandom(100_000))
    (tmp_path / "door").symlink_to("/usr")
    used = walk(str(tmp_path))
    assert used.files == 4
    assert 100_000 <= used.size_bytes < 400_000


def test_holes_count_nothing(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(10**12)
    assert walk(str(tmp_path)).size_bytes < 10**6


def test_what_is_too_deep_to_be_looked_at_counts_as_too_much(tmp_path: Path) -> None:
    home = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(60):
            Path("d" * 100).mkdir()
            os.chdir("d" * 100)
        Path("hidden").write_bytes(bytes(10))
    finally:
        os.chdir(home)
    assert (walk(str(tmp_path)).files or 0) > 10**9


def test_what_is_gone_is_nothing(tmp_path: Path) -> None:
    assert walk(str(tmp_path / "gone")).files == 0
