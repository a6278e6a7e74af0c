"""A run from its source to its outcome, on an engine whose containers are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import runner, watch
from sandbox.errors import ProviderError, ProviderUnavailable
from sandbox.recorder import InboxItem, Outcome
from sandbox.runner import Runner
from sandbox.spec import AGENT_PROGRAM, GATEWAY_DIRECTORY, Limits, Mount, RunSpec, Setup
from tests.sandbox.fake_engine import FakeEngine, Program, Visit
from tests.sandbox.gateway.conftest import first
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import SECRETS, make_runner
from tests.sandbox.scripted_provider import ScriptedProvider, said
from tests.sandbox.trees import make_patch, make_spec, make_tree

SCRIPT = "tools/setup.sh"


@dataclass
class Stage:
    """A runner with everything around it."""

    runner: Runner
    engine: FakeEngine
    recorder: MemoryRecorder
    provider: ScriptedProvider
    spec: RunSpec
    directory: Path
    patch: bytes

    async def run(self, **changes: Any) -> Outcome:
        return await self.runner.run(replace(self.spec, **changes), self.recorder)

    def again(self) -> Runner:
        """As after a restart of the host's process."""
        return make_runner(self.engine, self.provider, self.directory)

    def is_clean(self) -> bool:
        return (
            self.engine.containers == {}
            and set(self.engine.known) == {"threadsmith-agent:latest"} | self.kept()
            and list(self.directory.glob("*")) == []
            and (not self.recorder.handles or self.recorder.handles[-1] is None)
        )

    def kept(self) -> set[str]:
        """The environments that a record names."""
        records = self.runner.environments.records.directory.glob("*.json")
        return {f"threadsmith-env:{path.stem}" for path in records}


Make = Callable[..., Stage]


@pytest.fixture
def make_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(runner, "STOP_GRACE_SECONDS", 0.1)
    source = tmp_path / "source"
    tree = make_tree(source, {"a.txt": "one\n", SCRIPT: "true\n"})
    patch = make_patch(source, {"a.txt": "two\n"})

    def make(
        agent: Program,
        *,
        setup: Program | None = None,
        others: Mapping[str, ScriptedProvider] | None = None,
        **changes: Any,
    ) -> Stage:
        programs = {"agent": agent} | ({"setup": setup} if setup else {})
        engine, provider = FakeEngine(programs), ScriptedProvider()
        directory = tmp_path / "runs"
        made = make_runner(engine, provider, directory, others=others)
        spec = make_spec(tree, model="replay:m", **changes)
        return Stage(made, engine, MemoryRecorder(), provider, spec, directory, patch)

    return make


async def finish(visit: Visit, **claim: Any) -> int:
    await visit.call("PUT", "/outcome", json={"kind": "finished", **claim})
    return 0


async def test_a_run_that_changes_something(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/turns/0", json=first())
        await visit.call("PUT", "/patch?final=1", data=stage.patch)
        return await finish(visit, title="T", summary="S", claimed="Ran it.")

    stage = make_stage(agent)
    outcome = await stage.run()
    assert outcome.seconds > 0
    assert replace(outcome, seconds=0) == Outcome(
        kind="patch",
        title="T",
        summary="S",
        claimed="Ran it.",
        verification={
            "state": "unverified",
            "reason": "No test command is known.",
            "checks": [],
        },
        patch_sha256=stage.recorder.patches[0][1].sha256,
    )
    assert stage.recorder.kinds() == ["environment", "container_started", "turn"]
    assert stage.recorder.payloads("container_started") == [
        {"image": "threadsmith-agent:latest", "phase": "agent"}
    ]
    assert stage.recorder.handles == [
        {"id": "r_1-agent", "run_id": "r_1", "phase": "agent"},
        None,
    ]
    assert stage.is_clean()


async def test_another_model_takes_over_where_one_is_named(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        _, answer = await visit.call("PUT", "/turns/0", json=first())
        return await finish(visit, title="T", summary=answer["content"][0]["text"])

    spare = ScriptedProvider([said("From the other.")], name="openai")
    stage = make_stage(agent, others={"openai": spare}, fallback="openai:gpt-6.2-sol")
    stage.provider.replies = [ProviderUnavailable("The model is overloaded.")]
    assert (await stage.run()).summary == "From the other."
    assert stage.recorder.payloads("model_fallback") == [
        {"from": "scripted:m", "to": "openai:gpt-6.2-sol", "brief": "The model is overloaded."}
    ]


async def test_the_container_gets_its_token_and_no_secret(make_stage: Make) -> None:
    stage = make_stage(finish)
    await stage.run()
    [spec] = stage.engine.started
    assert set(spec.environment) == {"THREADSMITH_TOKEN"}
    assert not spec.privileged_user
    program, gateway = spec.mounts
    assert program.target == AGENT_PROGRAM
    assert (Path(program.source) / "agent").is_dir()
    assert gateway == Mount(
        source=str(stage.directory / "r_1" / "gateway"), target=GATEWAY_DIRECTORY
    )
    assert program.read_only
    assert gateway.read_only


async def claim_of(make_stage: Make, mode: str, **claim: Any) -> Outcome:
    async def agent(visit: Visit) -> int:
        if claim.pop("patched", False):
            await visit.call("PUT", "/patch", data=stage.patch)
        await visit.call("PUT", "/outcome", json=claim)
        return 0

    stage = make_stage(agent, mode=mode)
    outcome = await stage.run()
    assert stage.is_clean()
    return replace(outcome, seconds=0, patch_sha256=outcome.patch_sha256 and "sha")


FINDING = {
    "severity": "low",
    "file": "a",
    "line": None,
    "title": "t",
    "detail": "",
    "suggestion": "",
}


@pytest.mark.parametrize(
    ("mode", "claim", "kind"),
    [
        ("change", {"kind": "finished"}, "nothing"),
        ("change", {"kind": "finished", "answer": "It is fine."}, "answer"),
        ("change", {"kind": "finished", "patched": True}, "patch"),
        ("change", {"kind": "stopped", "patched": True}, "stopped"),
        ("change", {"kind": "failed", "patched": True}, "failed"),
        ("change", {"kind": "gave_up", "patched": True}, "patch"),
        ("change", {"kind": "gave_up"}, "failed"),
        ("explain", {"kind": "finished", "answer": "So."}, "answer"),
        ("explain", {"kind": "finished", "summary": "So."}, "answer"),
        ("explain", {"kind": "finished"}, "failed"),
        ("review", {"kind": "finished", "findings": [FINDING]}, "findings"),
        ("review", {"kind": "finished"}, "findings"),
    ],
)
async def test_kinds_of_outcomes(
    make_stage: Make, mode: str, claim: dict[str, Any], kind: str
) -> None:
    is_patched = "patched" in claim
    outcome = await claim_of(make_stage, mode, **claim)
    assert outcome.kind == kind
    assert outcome.patch_sha256 == ("sha" if is_patched else None)
    assert outcome.findings == tuple(claim.get("findings", ()))
    if kind == "failed":
        assert outcome.stage == "agent"
        assert outcome.brief
        assert outcome.resolution


async def test_giving_up_says_so_beside_the_patch(make_stage: Make) -> None:
    outcome = await claim_of(make_stage, "change", kind="gave_up", patched=True, brief="No more.")
    assert (outcome.kind, outcome.brief, outcome.summary) == ("patch", "No more.", "No more.")


async def test_a_model_that_fails_is_named_by_us_not_by_the_container(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/turns/0", json=first())
        await visit.call("PUT", "/outcome", json={"kind": "failed", "brief": "its word"})
        return 1

    stage = make_stage(agent)
    stage.provider.replies = [ProviderError("The model is away.", resolution="Wait.")]
    outcome = await stage.run()
    assert (outcome.kind, outcome.stage) == ("failed", "model")
    assert (outcome.brief, outcome.resolution) == ("The model is away.", "Wait.")


async def test_an_agent_that_exits_at_once(make_stage: Make) -> None:
    async def agent(_: Visit) -> int:
        return 3

    stage = make_stage(agent)
    outcome = await stage.run()
    assert (outcome.kind, outcome.stage) == ("failed", "agent")
    assert outcome.brief == "The agent ended without a result (exit code 3)."
    assert outcome.details == "first line\nlast line with [redacted]"
    assert stage.is_clean()


async def test_out_of_memory_is_named(make_stage: Make) -> None:
    async def agent(_: Visit) -> int:
        return 137

    stage = make_stage(agent)
    stage.engine.reason = "out of memory"
    outcome = await stage.run()
    assert "out of memory" in outcome.brief
    assert "memory_mib" in outcome.resolution


async def test_a_container_that_somebody_removed(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        del stage.engine.containers["r_1-agent"]
        await asyncio.sleep(60)
        return 0

    stage = make_stage(agent)
    outcome = await stage.run()
    assert (outcome.stage, outcome.brief) == ("container", "The container vanished.")


async def test_the_time_limit_keeps_what_was_made(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        await visit.stopping.wait()
        await visit.call("PUT", "/patch?final=1", data=stage.patch)
        await visit.call("PUT", "/outcome", json={"kind": "stopped", "summary": "Half."})
        return 0

    stage = make_stage(agent, limits=Limits(wall_seconds=0))
    outcome = await stage.run()
    assert (outcome.kind, outcome.stage) == ("failed", "agent")
    assert outcome.brief == "The run reached its limit of 0 seconds."
    assert (outcome.summary, outcome.patch_sha256) == (
        "Half.",
        stage.recorder.patches[0][1].sha256,
    )
    assert stage.is_clean()


async def test_stop_lets_the_agent_end_by_itself(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        _, body = await visit.call("GET", "/inbox?wait=20")
        assert body["items"][0]["kind"] == "stop"
        await visit.call("PUT", "/patch?final=1", data=stage.patch)
        await visit.call("PUT", "/outcome", json={"kind": "stopped", "summary": "Half."})
        return 0

    stage = make_stage(agent)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: "container_started" in stage.recorder.kinds())
    stage.recorder.say(InboxItem(id=1, kind="stop"))
    await stage.runner.stop("r_1")
    outcome = await running
    assert (outcome.kind, outcome.summary) == ("stopped", "Half.")
    assert outcome.patch_sha256


async def test_stop_ends_an_agent_that_is_stuck(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/patch", data=stage.patch)
        await asyncio.sleep(60)
        return 0

    stage = make_stage(agent)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: bool(stage.recorder.patches))
    await stage.runner.stop("r_1")
    outcome = await running
    assert (outcome.kind, bool(outcome.patch_sha256)) == ("stopped", True)
    assert stage.is_clean()
    await stage.runner.stop("r_1")  # late, and of no effect


async def test_an_engine_that_does_not_answer_is_no_end(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        stage.engine.is_away = True
        await asyncio.sleep(0.2)
        stage.engine.is_away = False
        return await finish(visit, answer="Still here.")

    stage = make_stage(agent)
    assert (await stage.run()).answer == "Still here."


@pytest.mark.parametrize(
    ("changes", "stage_name", "brief"),
    [
        ({"image": "nope:1"}, "image", "The container image does not exist on this host."),
        ({"model": "nope:m"}, "model", "There is no model `nope:m`."),
        ({"model": "anthropic:m"}, "model", "No key for Anthropic is configured."),
    ],
)
async def test_what_is_missing_is_said_before_a_container_starts(
    make_stage: Make, changes: dict[str, str], stage_name: str, brief: str
) -> None:
    stage = make_stage(finish)
    outcome = await stage.run(**changes)
    assert (outcome.kind, outcome.stage, outcome.brief) == ("failed", stage_name, brief)
    assert outcome.resolution
    assert stage.engine.started == []


async def test_docker_that_does_not_answer(make_stage: Make) -> None:
    stage = make_stage(finish)
    stage.engine.is_away = True
    outcome = await stage.run()
    assert (outcome.stage, outcome.brief) == ("image", "Docker does not answer.")


async def test_a_fault_of_ours_leaves_nothing_behind(make_stage: Make) -> None:
    class Broken(MemoryRecorder):
        async def event(self, kind: str, payload: dict[str, Any]) -> None:
            raise RuntimeError("disk full")

    stage = make_stage(finish)
    stage.recorder = Broken()
    with pytest.raises(RuntimeError):
        await stage.run()
    assert stage.is_clean()


# Set-up


async def set_up_well(visit: Visit) -> int:
    output = {"id": 1, "kind": "setup_output", "text": "installing\nready\n"}
    await visit.call("POST", "/events", json={"events": [output]})
    await visit.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 0})
    return 0


async def test_set_up_makes_the_environment_of_the_agent(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        seen.append((await visit.call("GET", "/run"))[1])
        return await finish(visit)

    async def set_up(visit: Visit) -> int:
        seen.append((await visit.call("GET", "/run"))[1])
        return await set_up_well(visit)

    seen: list[dict[str, Any]] = []
    stage = make_stage(agent, setup=set_up)
    outcome = await stage.run(setup=Setup(path=SCRIPT, secrets=("NPM_TOKEN",)))
    assert outcome.kind == "nothing"
    first_spec, second_spec = stage.engine.started
    assert (first_spec.phase, first_spec.privileged_user) == ("setup", True)
    assert (second_spec.phase, second_spec.privileged_user) == ("agent", False)
    assert {second_spec.image} == stage.kept()
    assert first_spec.environment != second_spec.environment
    told, worked = seen
    assert told["script"] == {"path": SCRIPT, "content": "true\n", "is_own": False}
    assert told["variables"] == {"NPM_TOKEN": SECRETS["NPM_TOKEN"]}
    assert (told["prepared_commit"], worked["prepared_commit"]) == (None, stage.spec.tree.commit)
    assert (worked["script"], worked["variables"]) == (None, {})
    assert stage.recorder.kinds() == [
        "environment",
        "setup_started",
        "setup_output",
        "setup_finished",
        "container_started",
    ]
    assert stage.recorder.payloads("setup_started") == [{"path": SCRIPT, "network": []}]
    [done] = stage.recorder.payloads("setup_finished")
    assert (done["exit_code"], done["tail"]) == (0, "installing\nready")
    assert stage.is_clean()


async def test_a_set_up_that_fails_ends_the_run(make_stage: Make) -> None:
    async def fail(visit: Visit) -> int:
        output = {"id": 1, "kind": "setup_output", "text": "no such package\n"}
        await visit.call("POST", "/events", json={"events": [output]})
        await visit.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 2})
        return 0

    stage = make_stage(finish, setup=fail)
    outcome = await stage.run(setup=Setup(path=SCRIPT))
    assert (outcome.kind, outcome.stage) == ("failed", "setup")
    assert outcome.brief == "The set-up script failed (exit code 2)."
    assert outcome.details == "no such package"
    assert len(stage.engine.started) == 1
    assert stage.is_clean()


async def test_a_set_up_that_dies(make_stage: Make) -> None:
    async def die(_: Visit) -> int:
        return 9

    stage = make_stage(finish, setup=die)
    outcome = await stage.run(setup=Setup(path=SCRIPT))
    assert outcome.brief == "The set-up container ended without a result."
    assert stage.recorder.payloads("setup_finished")[0]["exit_code"] == 9


async def test_a_set_up_that_never_ends(make_stage: Make) -> None:
    async def hang(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(finish, setup=hang, limits=Limits(setup_seconds=0))
    outcome = await stage.run(setup=Setup(path=SCRIPT))
    assert outcome.brief == "The set-up script reached its limit of 0 seconds."
    assert stage.is_clean()


async def test_stop_ends_the_set_up_at_once(make_stage: Make) -> None:
    async def hang(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(finish, setup=hang)
    running = asyncio.create_task(stage.run(setup=Setup(path=SCRIPT)))
    await wait_until(lambda: bool(stage.recorder.handles))
    await stage.runner.stop("r_1")
    outcome = await running
    assert (outcome.kind, outcome.summary) == (
        "stopped",
        "The run was stopped before the agent had started.",
    )
    assert stage.is_clean()


@pytest.mark.parametrize("path", ["nope.sh", "tools"])
async def test_without_a_script_there_is_no_set_up(make_stage: Make, path: str) -> None:
    stage = make_stage(finish)
    assert (await stage.run(setup=Setup(path=path))).kind == "nothing"
    assert [spec.phase for spec in stage.engine.started] == ["agent"]


# Going on after a restart


async def cut_off(stage: Stage, running: asyncio.Task[Outcome]) -> Any:
    """The host's process ends; what the recorder kept of the container."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    return stage.recorder.handles[-1]


async def test_a_restarted_host_goes_on_with_the_agent(make_stage: Make) -> None:
    back = asyncio.Event()

    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/patch", data=stage.patch)
        patched.set()
        await back.wait()
        status, _ = await visit.call("GET", "/patch")
        assert status == 200  # the earlier work is still to be had
        return await finish(visit, title="T")

    patched = asyncio.Event()
    stage = make_stage(agent, patch=b"earlier work")
    running = asyncio.create_task(stage.run())
    await patched.wait()
    handle = await cut_off(stage, running)
    assert handle is not None
    assert "r_1-agent" in stage.engine.containers
    going_on = asyncio.create_task(
        stage.again().attach(replace(stage.spec, patch=b""), handle, stage.recorder)
    )
    await asyncio.sleep(0.05)
    back.set()
    outcome = await going_on
    assert (outcome.kind, outcome.title) == ("patch", "T")
    assert stage.recorder.kinds() == ["environment", "container_started"]
    assert stage.is_clean()


async def test_a_stop_from_before_the_restart_holds(make_stage: Make) -> None:
    async def agent(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(agent)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: "container_started" in stage.recorder.kinds())
    stage.recorder.say(InboxItem(id=1, kind="stop"))
    handle = await cut_off(stage, running)
    outcome = await stage.again().attach(stage.spec, handle, stage.recorder)
    assert outcome.kind == "stopped"
    assert stage.is_clean()


@pytest.mark.parametrize("loss", ["handle", "container", "folder"])
async def test_a_container_that_vanished_meanwhile(make_stage: Make, loss: str) -> None:
    async def agent(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(agent)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: "container_started" in stage.recorder.kinds())
    handle = await cut_off(stage, running)
    if loss == "handle":
        handle = None
    elif loss == "container":
        await stage.engine.remove(handle)
    else:
        (stage.directory / "r_1" / "journal.json").unlink()
    outcome = await stage.again().attach(stage.spec, handle, stage.recorder)
    assert (outcome.kind, outcome.stage) == ("failed", "container")
    assert outcome.brief == "The container vanished while the program was down."
    assert stage.is_clean()


async def test_an_agent_that_ended_while_the_host_was_down(make_stage: Make) -> None:
    async def agent(_: Visit) -> int:
        await asyncio.sleep(0.1)
        return 4

    stage = make_stage(agent)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: "container_started" in stage.recorder.kinds())
    handle = await cut_off(stage, running)
    await stage.engine.containers["r_1-agent"].task
    outcome = await stage.again().attach(stage.spec, handle, stage.recorder)
    assert outcome.brief == "The agent ended without a result (exit code 4)."


async def test_cancelling_before_the_agent_starts_leaves_nothing(make_stage: Make) -> None:
    async def hang(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(finish, setup=hang)
    running = asyncio.create_task(stage.run(setup=Setup(path=SCRIPT)))
    await wait_until(lambda: bool(stage.recorder.handles))
    await cut_off(stage, running)
    assert stage.is_clean()


async def test_cancelling_while_a_container_starts_leaves_nothing(make_stage: Make) -> None:
    class Slow(FakeEngine):
        async def start(self, spec: Any) -> Any:
            starting.set()
            await asyncio.sleep(0.1)
            return await super().start(spec)

    starting = asyncio.Event()
    stage = make_stage(finish)
    stage.engine.__class__ = Slow
    running = asyncio.create_task(stage.run())
    await starting.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.is_clean()


async def test_beginning_again_clears_what_a_killed_process_left(make_stage: Make) -> None:
    async def stuck(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(stuck)
    running = asyncio.create_task(stage.run())
    await wait_until(lambda: "container_started" in stage.recorder.kinds())
    await cut_off(stage, running)
    stage.engine.programs["agent"] = finish
    assert (await stage.run()).kind == "nothing"
    assert len(stage.engine.started) == 2
    assert stage.is_clean()


async def test_sweep(make_stage: Make) -> None:
    async def stuck(_: Visit) -> int:
        await asyncio.sleep(60)
        return 0

    stage = make_stage(stuck)
    for run_id in ("r_1", "r_2"):
        running = asyncio.create_task(stage.run(run_id=run_id))
        await wait_until(lambda run_id=run_id: f"{run_id}-agent" in stage.engine.containers)
        await wait_until(lambda: (stage.recorder.handles or [None])[-1] is not None)
        await asyncio.sleep(0.05)
        await cut_off(stage, running)
    (stage.directory / "r_3").mkdir()
    stage.engine.known["threadsmith-env:half-made"] = "sha256:9"
    stage.engine.labels["threadsmith-env:half-made"] = {}
    again = stage.again()
    assert await again.sweep(keep={"r_1"}) == 3
    assert list(stage.engine.containers) == ["r_1-agent"]
    assert [path.name for path in stage.directory.iterdir()] == ["r_1"]
    (stage.directory / "r_1").rename(stage.directory.parent / "lost")
    stage.engine.is_away = True
    assert await again.sweep(keep=set()) == 0
    stage.engine.is_away = False
    assert await again.sweep(keep=set()) == 1
    stage.recorder.handles.clear()
    assert stage.is_clean()


async def test_many_runs_at_a_time(make_stage: Make) -> None:
    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/turns/0", json=first())
        _, body = await visit.call("GET", "/run")
        return await finish(visit, answer=body["run_id"])

    stage = make_stage(agent)
    recorders = {f"r_{n}": MemoryRecorder() for n in range(20)}
    outcomes = await asyncio.gather(
        *(
            stage.runner.run(replace(stage.spec, run_id=run_id), recorder)
            for run_id, recorder in recorders.items()
        )
    )
    assert [outcome.answer for outcome in outcomes] == list(recorders)
    assert stage.is_clean()


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.01)
