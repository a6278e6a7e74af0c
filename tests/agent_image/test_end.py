"""Ends that do not go smoothly: patches that are too large, trees that are broken."""

from __future__ import annotations

from tests.agent_image.conftest import MakeStage
from tests.agent_image.fake_gateway import bash, finish
from tests.sandbox.git_repository import Repository


async def test_a_change_over_the_limit_is_told_and_fails_the_run(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(
        [bash("head -c 300000 /dev/urandom > big.bin")], [bash("true")], [finish(title="All")]
    )
    told = stage.gateway.texts(2)[-1]
    assert "the limit is 200,000" in told
    assert "big.bin" in told
    assert (outcome["kind"], outcome["title"]) == ("failed", "All")
    assert "the limit is 200,000" in outcome["brief"]
    assert "big.bin" in outcome["details"]
    assert stage.gateway.final_patches == []


async def test_a_change_over_the_limit_can_be_mended(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(
        [bash("head -c 300000 /dev/urandom > big.bin"), finish()],
        [bash("rm big.bin; echo 1 > small"), finish()],
    )
    assert outcome["kind"] == "finished"
    assert "details" not in outcome
    assert (stage.result() / "small").exists()


async def test_a_removed_git_folder_fails_the_run_clearly(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(
        [bash("echo 1 > one")], [bash("rm -rf .git")], [bash("ls")], [finish()]
    )
    assert "removed or damaged" in stage.gateway.texts(3)[-1]
    assert outcome["kind"] == "failed"
    assert outcome["brief"].startswith("The workspace's .git folder was removed or damaged")
    # What was made before is with the host already.
    assert (stage.apply_to_clone(stage.gateway.patches[0]) / "one").exists()


async def test_a_repository_inside_is_noted_once(make_stage: MakeStage) -> None:
    stage = await make_stage()
    inner = Repository(stage.directory / "inner")
    inner.commit({"x": "1\n"})
    await stage.play([bash(f"cp -r '{inner.path}' inner")], [bash("echo 1 > one")], [finish()])
    (note,) = stage.gateway.payloads("note")
    assert note["text"].startswith("`inner` is a git repository of its own")
    assert (stage.result() / "one").exists()


async def test_commits_of_the_model_are_part_of_the_change(make_stage: MakeStage) -> None:
    stage = await make_stage()
    await stage.play(
        [bash("echo 1 > one; git add one; git commit -qm One; echo 2 > two")], [finish()]
    )
    assert stage.git("log", "-1", "--format=%an %ae") == "Threadsmith threadsmith@localhost"
    assert {"one", "two"} <= {path.name for path in stage.result().iterdir()}


async def test_only_patches_that_differ_are_sent(make_stage: MakeStage) -> None:
    stage = await make_stage()
    await stage.play([bash("echo 1 > one")], [bash("true")], [bash("ls")], [finish()])
    assert len(stage.gateway.patches) == 2
    assert len(stage.gateway.final_patches) == 1
