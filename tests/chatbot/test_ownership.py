"""A process's mark lives exactly as long as the process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from chatbot.ownership import Ownership

HOLD = """
import sys, time
from pathlib import Path
from chatbot.ownership import Ownership
with Ownership(Path(sys.argv[1])) as own:
    print(own.owner, flush=True)
    time.sleep(60)
"""


def test_another_process_is_alive_until_it_is_killed(tmp_path: Path) -> None:
    with (
        Ownership(tmp_path) as mine,
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        assert mine.is_alive(other)
        assert mine.is_alive(mine.owner)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not mine.is_alive(other)
        assert not mine.is_alive(other)


def test_nobody_and_the_unknown_are_dead(tmp_path: Path) -> None:
    with Ownership(tmp_path) as mine:
        assert not mine.is_alive(None)
        assert not mine.is_alive("o_unknown")
    assert list(tmp_path.iterdir()) == []
