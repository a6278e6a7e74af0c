"""What commands print, made safe and cut; how steps read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_image.agent.output import Capture, make_safe
from agent_image.agent.steps import find_summary, step_titles


@given(pieces=st.lists(st.binary(max_size=40), max_size=20), limit=st.integers(0, 100))
def test_a_capture_keeps_head_and_tail_and_the_whole_in_its_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "capture"
    path.unlink(missing_ok=True)
    whole = b"".join(pieces)
    capture = Capture(limit, str(path))
    for piece in pieces:
        capture.add(piece)
    capture.close()
    half = max(1, limit // 2)
    assert capture.total == len(whole)
    if len(whole) <= 2 * half:
        assert not path.exists()
    else:
        assert path.read_bytes() == whole
    if not capture.is_binary and len(whole) <= 2 * half:
        assert capture.text() == make_safe(whole)


@given(st.binary(max_size=300))
def test_safe_text_holds_no_control_character(data: bytes) -> None:
    text = make_safe(data)
    text.encode()
    assert not {c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160}


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        ("..F\n==== 2 failed, 214 passed in 3.14s ====\n", "2 failed, 214 passed"),
        ("214 passed, 1 warning in 61.02s (0:01:01)\n", "214 passed, 1 warning"),
        ("no tests ran in 0.01s\n", "no tests ran"),
        ("Ran 3 tests in 0.001s\n\nFAILED (failures=1)\n", "FAILED (failures=1)"),
        ("Tests:       1 failed, 5 passed, 6 total\n", "1 failed, 5 passed, 6 total"),
        ("test result: ok. 5 passed; 0 failed; 0 ignored\n", "ok. 5 passed; 0 failed"),
        ("I passed in 3 tests\n", ""),
    ],
)
def test_what_a_test_runner_sums_up_is_recognised(output: str, summary: str) -> None:
    assert find_summary(output) == summary


def test_titles_are_one_line() -> None:
    command = "cat <<'E'\n" + "x" * 500
    before, after = step_titles("bash", {"command": command})
    assert before.startswith("Running cat <<'E' xxx")
    assert after.startswith("Ran cat <<'E' xxx")
    assert len(after) < 130


def test_a_capture_stops_filling_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_image.agent.output.MAX_KEPT_BYTES", 1000)
    capture = Capture(100, str(tmp_path / "kept"))
    for _ in range(100):
        capture.add(b"x" * 90)
    capture.close()
    assert (tmp_path / "kept").stat().st_size <= 1100
    assert "its beginning is in" in capture.text()
