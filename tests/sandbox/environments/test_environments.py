"""Environments: built once, found again, renewed and bounded, on an engine without containers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.environments import environments as module
from sandbox.environments.bounds import Bounds
from sandbox.recorder import Outcome
from sandbox.runner import Runner
from sandbox.seats import SEATS, Seat
from sandbox.spec import RunSpec, Setup, Tree
from tests.sandbox.fake_engine import FakeEngine, Visit
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_spec, make_tree, run_git

FILES = {"a.txt": "one\n", "setup.sh": "true\n", "upkeep.sh": "true\n", "web/yarn.lock": "1\n"}
SETUP = Setup()


@dataclass
class House:
    """A runner over one repository that grows."""

    engine: FakeEngine
    runner: Runner
    work: Path
    spec: RunSpec
    told: list[dict[str, Any]] = field(default_factory=list)
    """What each set-up was told, in order."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Set-ups wait for it."""
    count: int = 0

    async def run(self, tree: Tree | None = None, **changes: Any) -> MemoryRecorder:
        self.count += 1
        recorder = MemoryRecorder()
        spec = replace(self.spec, run_id=f"r_{self.count}", tree=tree or self.spec.tree, **changes)
        outcome = await self.runner.run(spec, recorder)
        assert outcome.kind in ("nothing", "failed"), outcome
        self.outcome: Outcome = outcome
        return recorder

    def commit(self, files: dict[str, str], *, branch: str = "main") -> Tree:
        """A further commit on a branch, in the mirror as well."""
        run_git(self.work, "checkout", "-q", "-B", branch)
        for name, text in files.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_text(text)
        run_git(self.work, "add", "--all")
        run_git(self.work, "commit", "-q", "-m", "Go on")
        run_git(self.work, "push", "-q", "-f", self.spec.tree.mirror, f"{branch}:{branch}")
        commit = run_git(self.work, "rev-parse", "HEAD")
        return replace(self.spec.tree, commit=commit, branch=branch)

    def states(self, recorder: MemoryRecorder) -> list[str]:
        return [payload["state"] for payload in recorder.payloads("environment")]

    def images(self) -> set[str]:
        """The environments that agents started from."""
        return {spec.image for spec in self.engine.started if spec.phase == "agent"}


MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
def make_house(tmp_path: Path) -> MakeHouse:
    async def make(*, setup: Setup | None = SETUP, bounds: Bounds | None = None) -> House:
        async def set_up(visit: Visit) -> int:
            _, run = await visit.call("GET", "/run")
            house.told.append(run)
            await house.gate.wait()
            code = 3 if "fail" in run["script"]["content"] else 0
            text = {"id": 1, "kind": "setup_output", "text": f"said by {run['run_id']}\n"}
            await visit.call("POST", "/events", json={"events": [text]})
            claim = {"kind": "finished" if code == 0 else "failed", "exit_code": code}
            await visit.call("PUT", "/outcome", json=claim)
            return 0

        async def agent(visit: Visit) -> int:
            await visit.call("PUT", "/outcome", json={"kind": "finished"})
            return 0

        engine = FakeEngine({"setup": set_up, "agent": agent})
        names = ("replay", "anthropic")
        runner = make_runner(
            engine, ScriptedProvider(), tmp_path / "runs", bounds=bounds, names=names
        )
        tree = replace(make_tree(tmp_path / "source", FILES), default_branch="main")
        spec = make_spec(tree, model="replay:m", setup=setup)
        house = House(engine, runner, tmp_path / "source" / "work", spec)
        house.gate.set()
        return house

    return make


async def test_an_environment_is_built_once(make_house: MakeHouse) -> None:
    house = await make_house()
    first, second = await house.run(), await house.run()
    assert (house.states(first), house.states(second)) == (["miss"], ["hit"])
    assert len(house.told) == 1
    assert len(house.images()) == 1
    [record] = await house.runner.environments.records.all()
    assert (record.scope, record.commit) == ("default", house.spec.tree.commit)
    assert house.runner.environments.records.log_path(record.key).read_text() == "said by r_1\n"


async def test_two_tasks_that_need_the_same_build_it_once(make_house: MakeHouse) -> None:
    house = await make_house()
    house.gate.clear()
    running = [asyncio.create_task(house.run()) for _ in range(4)]
    await until(lambda: len(house.told) == 1)
    await asyncio.sleep(0.2)
    house.gate.set()
    states = sorted(house.states(recorder) for recorder in await asyncio.gather(*running))
    assert states == [["building", "hit"]] * 3 + [["miss"]]
    assert len(house.told) == 1


@pytest.mark.parametrize(
    ("files", "setup"),
    [
        ({"setup.sh": "echo other\n"}, Setup()),
        ({"web/yarn.lock": "2\n"}, Setup()),
        ({"requirements-dev.txt": "pytest\n"}, Setup()),
        ({}, Setup(secrets=("NPM_TOKEN",))),
        ({}, Setup(maintenance="upkeep.sh")),
    ],
)
async def test_what_an_environment_is_made_from_makes_another(
    make_house: MakeHouse, files: dict[str, str], setup: Setup
) -> None:
    house = await make_house()
    await house.run()
    tree = house.commit(files) if files else house.spec.tree
    again = await house.run(tree=tree, setup=setup)
    assert house.states(again) == ["miss"]


async def test_another_image_makes_another_environment(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.run()
    house.engine.known["node:22"] = "sha256:node"
    assert house.states(await house.run(image="node:22")) == ["miss"]
    house.engine.known["node:22"] = "sha256:newer"
    assert house.states(await house.run(image="node:22")) == ["miss"]


async def test_another_commit_uses_it_and_is_told_where_it_stands(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.run()
    tree = house.commit({"a.txt": "two\n"})
    again = await house.run(tree=tree)
    assert house.states(again) == ["hit"]
    assert len(house.told) == 1


async def test_unmerged_work_reaches_nobody_else(make_house: MakeHouse) -> None:
    """A branch may use what the default branch built, and never the other way round."""
    house = await make_house()
    branch = house.commit({"setup.sh": "echo mine\n"}, branch="topic")
    assert house.states(await house.run(tree=branch)) == ["miss"]
    merged = house.commit({"a.txt": "merged\n"}, branch="main")
    assert merged.scope == "default"
    assert house.states(await house.run(tree=merged)) == ["miss"]
    other = house.commit({"a.txt": "other\n"}, branch="other")
    assert house.states(await house.run(tree=other)) == ["hit"]
    assert len(await house.runner.environments.records.all()) == 2


async def test_repositories_share_nothing(make_house: MakeHouse, tmp_path: Path) -> None:
    house = await make_house()
    await house.run()
    twin = replace(make_tree(tmp_path / "twin", FILES), default_branch="main")
    Path(twin.mirror).rename(tmp_path / "twin" / "twin.git")
    twin = replace(twin, mirror=str(tmp_path / "twin" / "twin.git"))
    assert house.states(await house.run(tree=twin)) == ["miss"]


async def test_maintenance_runs_where_the_commit_is_another(make_house: MakeHouse) -> None:
    house = await make_house(setup=Setup(maintenance="upkeep.sh"))
    await house.run()
    await house.run()
    assert [run["script"]["path"] for run in house.told] == ["setup.sh"]
    tree = house.commit({"a.txt": "two\n"})
    await house.run(tree=tree)
    assert house.told[-1]["script"]["path"] == "upkeep.sh"
    assert house.told[-1]["prepared_commit"] == house.spec.tree.commit
    [record] = await house.runner.environments.records.all()
    assert (record.commit, record.generation) == (tree.commit, 1)
    # The image it was before is gone: nobody uses it any more.
    assert len(await house.engine.images()) == 1


async def test_maintenance_does_not_pile_up_for_ever(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_GENERATIONS", 2)
    house = await make_house(setup=Setup(maintenance="upkeep.sh"))
    for number in range(4):
        await house.run(tree=house.commit({"a.txt": f"{number}\n"}))
    paths = [run["script"]["path"] for run in house.told]
    assert paths == ["setup.sh", "upkeep.sh", "upkeep.sh", "setup.sh"]


async def test_it_is_renewed_in_the_background(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWAL_SECONDS", 0.0)
    house = await make_house()
    await house.run()
    tree = house.commit({"a.txt": "two\n"})
    await house.run(tree=tree)
    await house.runner.environments.idle()
    [record] = await house.runner.environments.records.all()
    assert record.commit == tree.commit
    assert house.told[-1]["prepared_commit"] is None
    assert len(await house.engine.images()) == 1
    assert list(house.engine.containers) == []


async def test_a_large_tree_is_kept_though_it_has_no_script(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGE_FILES", 3)
    house = await make_house(setup=None)

    async def lay(visit: Visit) -> int:
        await visit.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 0})
        return 0

    house.engine.programs["setup"] = lay
    assert house.states(await house.run()) == ["none"]
    await house.runner.environments.idle()
    assert house.states(await house.run()) == ["hit"]


async def test_a_build_that_fails_keeps_its_log_and_nothing_else(make_house: MakeHouse) -> None:
    house = await make_house()
    tree = house.commit({"setup.sh": "fail\n"})
    await house.run(tree=tree)
    assert (house.outcome.kind, house.outcome.stage) == ("failed", "setup")
    records = house.runner.environments.records
    assert await records.all() == []
    [log] = records.directory.glob("*.log")
    assert log.read_text() == "said by r_1\n"
    assert await house.engine.images() == []


async def test_bounds_hold_and_the_least_used_goes_first(make_house: MakeHouse) -> None:
    house = await make_house(bounds=Bounds(count=2))
    for name in ("NPM_TOKEN", "OTHER"):
        await house.run(setup=Setup(secrets=(name,)))
    await house.run(setup=Setup(secrets=("NPM_TOKEN",)))
    await house.run()
    kept = {
        tuple(r.spec["setup"]["secrets"]) for r in await house.runner.environments.records.all()
    }
    assert kept == {("NPM_TOKEN",), ()}
    assert len(await house.engine.images()) == 2


async def test_what_is_in_use_stays(make_house: MakeHouse) -> None:
    house = await make_house(bounds=Bounds(count=0))
    started = asyncio.Event()

    async def linger(visit: Visit) -> int:
        started.set()
        await house.gate.wait()
        await visit.call("PUT", "/outcome", json={"kind": "finished"})
        return 0

    house.engine.programs["agent"] = linger
    running = asyncio.create_task(house.run())
    await started.wait()
    await house.runner.environments.prune()
    assert len(await house.engine.images()) == 1
    await running
    await house.runner.environments.prune()
    assert await house.engine.images() == []


async def test_an_image_that_somebody_removed_is_built_again(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.run()
    [image] = await house.engine.images()
    house.engine.containers.clear()
    await house.engine.remove_image(image.id)
    assert house.states(await house.run()) == ["miss"]


async def test_a_stop_ends_the_waiting_for_somebody_elses_build(make_house: MakeHouse) -> None:
    house = await make_house()
    house.gate.clear()
    building = asyncio.create_task(house.run())
    await until(lambda: len(house.told) == 1)
    recorder = MemoryRecorder()
    spec = replace(house.spec, run_id="r_waits")
    waiting = asyncio.create_task(house.runner.run(spec, recorder))
    await until(lambda: house.states(recorder) == ["building"])
    await house.runner.stop("r_waits")
    assert (await waiting).kind == "stopped"
    house.gate.set()
    await building


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_another_agent_is_installed_once_below_every_environment(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    other = {"agent": "claude-code", "model": "anthropic:m"}
    first = await house.run(**other)
    assert [run["script"]["is_own"] for run in house.told] == [True, False]
    assert first.payloads("setup_started")[0]["network"] == ["registry.npmjs.org"]
    installed, worked = house.engine.started[0], house.engine.started[1]
    assert (installed.phase, installed.image) == ("setup", house.spec.image)
    # The repository's script runs over it, as ever, and so does a tree without one.
    assert worked.image not in (house.spec.image, "")
    await house.run(**other, setup=None)
    await house.run(house.commit({"a.txt": "two\n"}, branch="side"), **other, setup=None)
    assert len(house.told) == 2
    assert house.engine.started[-1].image == worked.image
    # Our own agent never starts from it.
    await house.run(setup=None)
    assert house.engine.started[-1].image == house.spec.image
    records = await house.runner.environments.records.all()
    assert sorted(record.scope for record in records) == ["agent", "default"]


async def test_an_agent_that_cannot_be_installed(make_house: MakeHouse) -> None:
    house = await make_house()
    fail = Seat(
        name="claude-code",
        package="fail",
        version="1",
        command="fail",
        is_npm=True,
        providers=("anthropic",),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SEATS, "claude-code", fail)
        await house.run(agent="claude-code", model="anthropic:m")
    assert house.outcome.stage == "setup"
    assert house.outcome.brief == "The agent claude-code 1 could not be installed."
