"""A container that stays: what the next run finds in it, against what it finds in a new one."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox.engines.docker import DockerEngine
from sandbox.llm.replay import ReplayProvider
from sandbox.recorder import Outcome
from sandbox.runner import Runner
from sandbox.spec import Limits, RunSpec, Setup, Tree
from sandbox.warm import Warm
from tests.end_to_end.stage import call, finish, write_replies
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.trees import make_spec, make_tree

pytestmark = pytest.mark.docker

FILES = {
    "a.txt": "one\n",
    "b.txt": "keep\n",
    "docs/c.txt": "c\n",
    ".gitignore": "*.log\nkept/\n",
    "setup.sh": "echo prepared > made.txt; echo more >> docs/c.txt; echo s > ~/.profile\n",
}
LEAVE = """\
export LEFT=here; cd docs
echo two > ../a.txt; rm ../b.txt; mkdir ../new; echo n > ../new/n.txt; printf '\\0bin' > ../x.bin
echo '*.tmp' >> ../.gitignore; echo t > ../a.tmp; echo l > ../run.log; mkdir ../kept
echo k > ../kept/k
git config user.name Mallory; git config alias.st status; git tag mine; git stash list
git update-index --assume-unchanged c.txt
git -c user.email=m@example.invalid commit -qam mine; git branch other
printf '#!/bin/sh\\necho hooked\\n' > ../.git/hooks/pre-commit; chmod +x ../.git/hooks/pre-commit
echo '[user]' > ~/.gitconfig; mkdir -p ~/.cache/x; echo s > /tmp/left; echo s > /dev/shm/left
setsid nohup sh -c 'while :; do sleep 0.05; done' >/dev/null 2>&1 &
(trap '' TERM HUP; setsid python3 -c '
import glob, os, socket, time
while True:
    for path in glob.glob("/run/threadsmith/rest.sock"):
        try:
            s = socket.socket(socket.AF_UNIX); s.connect(path); s.sendall(b"ready\\n")
        except OSError: pass
    if os.fork() == 0: os.setsid()
    time.sleep(0.02)
' >/dev/null 2>&1 &)
"""
LOOK = """\
pwd; echo "left=$LEFT"; jobs; git status; git log --oneline --all; git tag; git stash list
git config --list | sort; ls .git/hooks | grep -v sample; git ls-files -v; git diff HEAD
find . -path ./.git -prune -o -type f ! -name '*.log' ! -name '*.tmp' ! -path './kept/*' -print |
  sort | xargs md5sum
ls -A ~ /tmp /dev/shm | grep -v threadsmith-
p=$(ps -e -o comm=); sort <<<"$p"; ls -A /run/threadsmith
"""
CONVERSATIONS = {
    "leave much": [[call("bash", command=LEAVE)], [finish("Left")]],
    "look around": [
        [call("bash", command=LOOK)],
        [call("bash", command="echo three >> a.txt; git diff")],
        [finish("Looked")],
    ],
}
LIMITS = Limits(memory_bytes=256 * 1024**2, cpus=1.0, processes=256, wall_seconds=60)


@dataclass
class House:
    engine: DockerEngine
    directory: Path
    tree: Tree
    image: str
    model: str
    runner: Runner
    warm: Warm
    setup: Setup | None = None

    def spec(self, request: str, **changes: Any) -> RunSpec:
        spec = make_spec(self.tree, run_id=f"r_{uuid.uuid4().hex[:12]}", request=request)
        given = {"image": self.image, "model": self.model, "limits": LIMITS, "setup": self.setup}
        return replace(spec, **{**given, "verify": False, **changes})

    async def task(self, runner: Runner) -> tuple[MemoryRecorder, list[Outcome]]:
        """A first run that leaves much behind, and a follow-up that looks around."""
        recorder, outcomes = MemoryRecorder(), []
        patch = b""
        for request in ("leave much", "look around"):
            turns = len(recorder.stored_turns)
            spec = self.spec(request, patch=patch, resume_turn=turns)
            outcomes.append(await runner.run(spec, recorder))
            patch = recorder.patches[-1][0]
            for guest in list(self.warm._guests.values()):
                async with asyncio.timeout(60):
                    await guest.ready.wait()
        return recorder, outcomes


@pytest.fixture
async def house(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> AsyncIterator[House]:
    tree = make_tree(tmp_path / "source", FILES)
    engine = DockerEngine(namespace=str(tmp_path))
    model = write_replies(tmp_path / "replies.json", CONVERSATIONS)
    warm = Warm(engine, tmp_path / "runs", seconds=600, count=2)
    runner = make_runner(engine, ReplayProvider(), tmp_path / "runs", warm=warm)
    house = House(engine, tmp_path / "runs", tree, agent_image, model, runner, warm)
    yield house
    await warm.close()
    for handle in await engine.list():
        await engine.remove(handle)
    for image in await engine.images():
        await engine.remove_image(image.id)
    await engine.close()


@pytest.mark.parametrize("setup", [None, Setup()], ids=["plain", "prepared"])
async def test_the_next_run_cannot_tell(house: House, setup: Setup | None) -> None:
    house.setup = setup
    cold_runner = make_runner(house.engine, ReplayProvider(), house.directory.with_name("cold"))
    cold, _ = await house.task(cold_runner)
    warm, outcomes = await house.task(house.runner)
    started = warm.payloads("container_started")
    assert ["warm" in payload for payload in started] == [False, True], started
    assert [outcome.kind for outcome in outcomes] == ["patch", "patch"]
    assert warm.patches[-1][0] == cold.patches[-1][0]
    for one, other in zip(warm.stored_turns, cold.stored_turns, strict=True):
        assert _texts(one) == _texts(other)


def _texts(turn: str) -> list[str]:
    """Line by line, so that a difference is seen."""
    blocks = [block for m in json.loads(turn)["messages"] for block in m["content"]]
    return [line for block in blocks for line in block["text"].splitlines()]
