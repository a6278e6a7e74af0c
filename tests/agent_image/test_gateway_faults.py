"""A host that restarts, is busy, breaks off or says no."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.agent_image.conftest import MakeStage
from tests.agent_image.fake_gateway import (
    TOKEN,
    PatchNo,
    ProviderGone,
    bash,
    call,
    finish,
)
from tests.agent_image.test_inbox import until


async def test_a_restarted_gateway_loses_nothing(make_stage: MakeStage) -> None:
    stage = await make_stage()
    gateway = stage.gateway
    gate = stage.directory / "gate"
    gateway.replies = [
        [bash(f"echo before; until test -e '{gate}'; do sleep 0.02; done; echo after > after.txt")],
        [call("plan", items=[{"title": "Go on", "status": "complete"}])],
        [finish()],
    ]
    await stage.start()
    await until(lambda: gateway.payloads("step_started"))
    await gateway.close()
    gateway.socket.unlink(missing_ok=True)
    gate.touch()
    await until((stage.workspace / "after.txt").exists)
    await asyncio.sleep(0.2)
    await gateway.open()
    outcome = await stage.end()
    assert outcome["kind"] == "finished"
    assert [kind for kind, _ in gateway.events] == ["step_started", "step_finished", "plan"]
    assert (stage.result() / "after.txt").read_text() == "after\n"


async def test_a_turn_that_is_cut_off_by_a_restart_is_asked_again(make_stage: MakeStage) -> None:
    stage = await make_stage()
    asked = asyncio.Event()

    async def never() -> Any:
        asked.set()
        await asyncio.Event().wait()

    stage.gateway.replies = [never, [finish()]]
    await stage.start()
    await asked.wait()
    await stage.gateway.close()
    stage.gateway.turns.clear()
    await stage.gateway.open()
    assert (await stage.end())["kind"] == "finished"
    assert len(stage.gateway.turns) == 1


async def test_a_socket_that_comes_late_is_waited_for(make_stage: MakeStage) -> None:
    stage = await make_stage()
    await stage.gateway.close()
    stage.gateway.socket.unlink(missing_ok=True)
    stage.gateway.replies = [[finish()]]
    await stage.start()
    await asyncio.sleep(0.3)
    await stage.gateway.open()
    assert (await stage.end())["kind"] == "finished"


@pytest.mark.parametrize("fault", ["busy", "broken"])
async def test_answers_that_fail_for_a_while_are_asked_for_again(
    make_stage: MakeStage, fault: str
) -> None:
    stage = await make_stage()
    setattr(stage.gateway, fault, 4)
    outcome = await stage.play([bash("echo 1 > one")], [finish()])
    assert outcome["kind"] == "finished"
    assert len(stage.gateway.turns) == 2
    assert (stage.result() / "one").read_text() == "1\n"


async def test_used_up_turns_end_the_run_with_what_there_is(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"turns": 4})
    outcome = await stage.play(*[[bash(f"echo {n} >> n.txt")] for n in range(9)])
    assert outcome == {
        "kind": "gave_up",
        "brief": "The run's turns, or a budget that it stands under, are used up.",
    }
    assert (stage.result() / "n.txt").read_text() == "0\n1\n2\n3\n"
    assert "Turns left: 3" in stage.gateway.texts(1)[-1]
    assert "Turns left: 1" in stage.gateway.texts(3)[-1]


async def test_a_model_that_is_gone_ends_the_run_with_what_there_is(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play([bash("echo 1 > one")], ProviderGone("The model is overloaded."))
    assert outcome == {"kind": "failed", "brief": "The model is overloaded."}
    assert (stage.result() / "one").read_text() == "1\n"


async def test_a_refused_patch_is_told_to_the_model(make_stage: MakeStage) -> None:
    stage = await make_stage()
    stage.gateway.patch_refusals = [PatchNo("The link `a` points out of the tree.")]
    outcome = await stage.play([bash("ln -s /etc a")], [bash("rm a")], [finish()])
    # The patch is on its way while the model thinks: it hears of the refusal one turn later.
    assert "points out of the tree" in stage.gateway.texts(2)[-1]
    assert outcome["kind"] == "finished"
    assert "details" not in outcome


async def test_a_patch_refused_at_the_finish_gives_the_model_one_more_chance(
    make_stage: MakeStage,
) -> None:
    stage = await make_stage()
    stage.gateway.patch_refusals = [
        PatchNo("No links."),
        PatchNo("No links."),
        PatchNo("No links."),
    ]
    outcome = await stage.play(
        [bash("ln -s /etc a"), finish()], [bash("ln -s /etc b"), finish(title="As it is")]
    )
    assert stage.gateway.results(1)[1]["is_error"]
    assert "No links." in stage.gateway.texts(1)[-1]
    assert (outcome["kind"], outcome["title"]) == ("finished", "As it is")
    assert outcome["details"] == "No links."


async def test_a_patch_refused_while_the_model_says_finish_is_told_before_the_end(
    make_stage: MakeStage,
) -> None:
    stage = await make_stage()
    stage.gateway.patch_refusals = [PatchNo("No links.")]
    outcome = await stage.play(
        [bash("ln -s /etc a")], [finish(title="Too early")], [bash("rm a"), finish(title="Mended")]
    )
    assert stage.gateway.results(2)[0]["is_error"]
    assert "No links." in stage.gateway.texts(2)[-1]
    assert outcome["title"] == "Mended"
    assert "details" not in outcome


async def test_a_wrong_token_ends_the_program(make_stage: MakeStage) -> None:
    stage = await make_stage()
    stage.environment["THREADSMITH_TOKEN"] = TOKEN[::-1]
    process = await stage.start()
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert b"401" in stderr
    assert TOKEN[::-1].encode() not in stderr


async def test_another_version_of_the_protocol_is_told(make_stage: MakeStage) -> None:
    stage = await make_stage(protocol=2)
    outcome = await stage.play()
    assert outcome["brief"] == "The agent program and the host are of different versions."


async def test_what_nobody_foresaw_is_told_with_its_traceback(make_stage: MakeStage) -> None:
    stage = await make_stage()
    stage.gateway.run["limits"].pop("command_seconds")
    outcome = await stage.play(code=1)
    assert outcome["kind"] == "failed"
    assert outcome["brief"] == "The agent program failed."
    assert "KeyError: 'command_seconds'" in outcome["details"]
