"""Models that talk nonsense: told what was wrong, and given up on in the end."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.gateway.refusals import BudgetExceeded, Refusal, TooLarge
from tests.agent_image.conftest import MakeStage
from tests.agent_image.fake_gateway import ProviderGone, bash, call, finish, words


class Closed(Refusal):
    """The turn is not to be had."""

    status = 403
    code = "closed"


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (call("shell", command="ls"), "no tool `shell`. The tools are: bash, read, edit, write"),
        ({**call("bash"), "arguments": None, "raw": '{"command": '}, "not valid JSON"),
        (call("bash"), "`command` is missing"),
        (call("bash", command=7), "`command` must be text"),
        (call("bash", command="ls", cwd="/"), "`cwd` is unknown"),
        (call("bash", command="ls", timeout_seconds=0), "must be at least 1"),
        (call("bash", command="ls", timeout_seconds=True), "must be a whole number"),
        (
            call("plan", items=[{"title": "A", "status": "done"}]),
            "`items[0].status` must be one of",
        ),
        (call("plan", items="A"), "must be a list"),
        (call("read", path="a\0b"), "must name a file"),
        (call("read", path="missing.py"), "No such file"),
        (call("bash", command="echo \0"), "NUL"),
        (call("edit", path="sums.py", old="\ud800", new="x"), "was not found"),
        (call("edit", path="sums.py", old="a"), "Give `new` with either"),
        (call("edit", path="sums.py", old="a", line=1, new="x"), "Give `new` with either"),
        (call("edit", path="sums.py", undo=True), "can be undone"),
        (call("finish", title="Only"), "`summary` is missing"),
    ],
)
async def test_a_call_that_makes_no_sense_is_told_what_was_wrong(
    make_stage: MakeStage, slip: dict[str, Any], said: str
) -> None:
    stage = await make_stage()
    outcome = await stage.play([slip, bash("echo on")], [finish()])
    wrong, fine = stage.gateway.results(1)
    assert wrong["is_error"]
    assert said in wrong["text"]
    assert fine["text"] == "on\n[exit 0]"
    assert outcome["kind"] == "finished"


async def test_replies_without_a_call_are_nudged_and_given_up_on(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(
        words("Hello."), [bash("true")], words("I am done."), {"content": []}, words("Really.")
    )
    assert "called no tool" in stage.gateway.texts(1)[0]
    assert outcome["kind"] == "gave_up"
    assert outcome["brief"] == "The model stopped calling tools without finishing."


async def test_a_reply_that_was_cut_off_goes_on(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(words("Well, ", stop="length"), [finish()])
    assert "cut off" in stage.gateway.texts(1)[0]
    assert outcome["kind"] == "finished"


async def test_a_call_that_was_cut_off_is_told_and_the_whole_ones_are_done(
    make_stage: MakeStage,
) -> None:
    stage = await make_stage()
    cut = {**call("write"), "arguments": None, "raw": '{"path": "a", "content": "x'}
    outcome = await stage.play({"content": [bash("echo on"), cut], "stop": "length"}, [finish()])
    done, lost = stage.gateway.results(1)
    assert done["text"] == "on\n[exit 0]"
    assert (lost["is_error"], lost["text"][:36]) == (True, "Not done: your reply was cut off at ")
    assert outcome["kind"] == "finished"


async def test_calls_beside_a_refusal_are_not_carried_out(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play({"content": [bash("touch made")], "stop": "refusal"})
    assert outcome["brief"] == "The model refused the task."
    assert not (stage.workspace / "made").exists()


async def test_a_patch(make_stage: MakeStage) -> None:
    """The tool of models that were trained on it."""
    stage = await make_stage()
    diff = "@@\n-    return sum(values) - 1\n+    return sum(values)\n"
    new = call("apply_patch", type="create_file", path="new.py", diff="+x = 1")
    wrong = call("apply_patch", type="update_file", path="sums.py", diff=diff + " nowhere\n")
    more = call("edit", path="new.py", undo=True)
    gone = call("apply_patch", type="delete_file", path="new.py")
    await stage.play([new, wrong, more], [new, bash("cat new.py"), gone], [finish()])
    made, missed, undone = stage.gateway.results(1)
    assert made["text"].startswith("Made new.py")
    assert missed["is_error"]
    assert undone["text"].startswith("Undid the last edit of new.py: removed it")
    assert stage.gateway.results(2)[1]["text"] == "x = 1\n[exit 0]"
    assert not (stage.workspace / "new.py").exists()


async def test_a_refusal_ends_the_run_with_its_words(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(words("I would rather not.", stop="refusal"))
    assert (outcome["kind"], outcome["summary"]) == ("gave_up", "I would rather not.")


async def test_a_loop_is_named_and_then_ended(make_stage: MakeStage) -> None:
    stage = await make_stage()
    # Times differ from run to run without meaning anything.
    outcome = await stage.play(*[[bash("echo took $RANDOM.$RANDOM s")] for _ in range(20)])
    assert len(stage.gateway.turns) == 8
    assert ["5 times in a row" in text for text in stage.gateway.texts(5)] == [False, True]
    assert len(stage.gateway.texts(4)) == 1
    assert outcome["kind"] == "gave_up"


async def test_a_loop_of_several_steps_is_one_too(make_stage: MakeStage) -> None:
    stage = await make_stage()
    steps = [[bash("echo a")], [bash("echo b"), bash("echo c")]]
    outcome = await stage.play(*(steps * 10))
    assert len(stage.gateway.turns) == 16
    assert "same results 5 times" in stage.gateway.texts(10)[-1]
    assert outcome["kind"] == "gave_up"


HALF = bash("echo half > half.txt")


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ([[HALF]] + [[bash("ls")]] * 10, "gave_up"),
        ([[HALF], words("Hm."), {"content": []}, words("")], "gave_up"),
        ([[HALF], words("I would rather not.", stop="refusal")], "gave_up"),
        ([[HALF, call("shell")], BudgetExceeded("All is spent.")], "gave_up"),
        ([[HALF], ProviderGone("It is away.")], "failed"),
        ([[HALF], TooLarge("It is too large.")], "failed"),
        ([[HALF], Closed("Nobody knows this turn.")], "failed"),
    ],
)
async def test_whatever_a_model_does_the_work_is_kept(
    make_stage: MakeStage, replies: list[Any], kind: str
) -> None:
    stage = await make_stage()
    outcome = await stage.play(*replies)
    assert outcome["kind"] == kind
    assert (stage.result() / "half.txt").read_text() == "half\n"


async def test_results_that_are_too_long_together_are_cut(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"output_bytes": 100_000})
    flood = bash("head -c 99000 /dev/zero | tr '\\0' x")
    outcome = await stage.play([flood] * 32, [finish()])
    texts = [result["text"] for result in stage.gateway.results(1)]
    assert "cut: the results" not in texts[0]
    assert texts[-1].endswith("look again for the rest]")
    assert sum(len(text.encode()) for text in texts) < 700_000
    assert outcome["kind"] == "finished"


async def test_calls_that_get_on_are_no_loop(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(*[[bash("echo x >> n; wc -l n")] for _ in range(10)], [finish()])
    assert outcome["kind"] == "finished"


async def test_too_many_calls_are_not_all_done(make_stage: MakeStage) -> None:
    stage = await make_stage()
    await stage.play([call("plan", items=[]) for _ in range(40)], [finish()])
    assert [result["is_error"] for result in stage.gateway.results(1)] == [False] * 32 + [True] * 8


async def test_two_finishes_in_one_reply_end_the_run_once(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play([finish(title="One"), finish(title="Two")])
    assert outcome["title"] == "Two"
