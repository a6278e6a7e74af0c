"""The story folded: what the thread knows of a task after its events."""

from __future__ import annotations

from functools import reduce

from chatbot.slack.blocks.picker import make_pick
from chatbot.slack.blocks.progress import make_title
from chatbot.slack.fold import fold, slack_ts
from chatbot.slack.slots import make_slots
from chatbot.slack.view import PlanItem, ReplyView, Step, TaskView
from tests.chatbot.slack.stories import (
    finished,
    make_events,
    preparing,
    queued,
    resolved,
    started,
)


def told(*events: tuple[str, dict[str, object]]) -> TaskView:
    return reduce(fold, make_events(*events), TaskView())


def keys(view: TaskView) -> list[str]:
    return [slot.key for slot in make_slots(view)]


def test_the_first_answer_waits_for_the_source_unless_the_task_waits_too() -> None:
    assert keys(told(queued())) == []
    assert keys(told(queued(position=2))) == ["accepted:r_1"]
    assert keys(told(queued(), resolved())) == ["accepted:r_1"]
    assert keys(told(queued(), finished(outcome="failed"))) == ["result:r_1"]


def test_a_source_that_is_named_later_is_answered_then() -> None:
    view = told(queued(), finished(outcome="failed"), queued("r_2", 2), resolved("r_2"))
    assert keys(view) == ["result:r_1", "accepted:r_2"]


def test_messages_stand_in_the_order_of_the_story() -> None:
    view = told(
        queued(),
        resolved(),
        preparing(),
        started(),
        finished(patch_sha256="aa"),
        ("approval_requested", {"approval_id": "a_1", "run_id": "r_1"}),
        ("approval_settled", {"approval_id": "a_1", "state": "void", "by": {}}),
        queued("r_2", 2),
        resolved("r_2"),
        preparing("r_2"),
        finished("r_2", "nothing"),
    )
    assert keys(view) == [
        *("accepted:r_1", "progress:r_1", "result:r_1", "file:r_1", "gate:a_1"),
        *("progress:r_2", "result:r_2"),
    ]


def test_steps_belong_to_the_item_in_progress() -> None:
    items = [{"id": "1", "title": "Fix it", "status": "in_progress"}]
    view = told(
        queued(),
        ("step_started", {"run_id": "r_1", "step": "1", "tool": "shell"}),
        ("plan", {"run_id": "r_1", "items": items}),
        ("step_started", {"run_id": "r_1", "step": "2", "title": "Run the tests"}),
        (
            "step_finished",
            {"run_id": "r_1", "step": "2", "status": "error", "output": "a\n1 failed\n\n"},
        ),
    )
    assert view.runs[0].plan == (PlanItem(id="1", title="Fix it", status="in_progress"),)
    assert view.runs[0].steps == (
        Step(id="1", title="shell"),
        Step(id="2", title="Run the tests", status="error", output="1 failed", item="1"),
    )


def test_a_reply_is_marked_when_the_run_that_heard_it_ends() -> None:
    heard = {"message_id": 1, "text": "also this", "key": "slack:T1:C1:101.5"}
    late = {"message_id": 2, "text": "and that", "key": "slack:T1:C1:102.5"}
    view = told(
        queued(),
        ("message_received", heard),
        ("message_delivered", {"run_id": "r_1", "message_ids": [1]}),
        ("message_received", late),
        finished(outcome="nothing"),
        queued("r_2", 2),
    )
    assert view.replies == (
        ReplyView(ts="101.5", message_id=1, run_id="r_1", reaction="white_check_mark"),
        ReplyView(ts="102.5", message_id=2, run_id="r_2", reaction="eyes"),
    )
    assert view.reaction == "white_check_mark"


def test_what_a_turn_used_is_added_up() -> None:
    turn = {"run_id": "r_1", "usage": {"input_tokens": 10, "output_tokens": 5}, "cost_usd": 0.25}
    run = told(queued(), ("turn", turn), ("turn", turn | {"cost_usd": None})).runs[0]
    assert (run.tokens, run.cost_usd) == (30, 0.25)


def test_a_wait_for_the_model_is_shown_and_ends_with_its_turn() -> None:
    waiting = {"run_id": "r_1", "model": "openai:gpt-6.2-sol", "waiting": 3}
    turn = {"run_id": "r_1", "usage": {"input_tokens": 10, "output_tokens": 5}, "cost_usd": None}
    run = told(queued(), ("model_waiting", waiting)).runs[0]
    assert make_title(run, 0.0) == "Waiting for a turn at the model…"
    assert not told(queued(), ("model_waiting", waiting), ("turn", turn)).runs[0].is_queued


def test_another_model_that_takes_over_is_told() -> None:
    took = {"run_id": "r_1", "brief": "Anthropic is overloaded.", "to": "openai:gpt-6.2-sol"}
    run = told(queued(), ("model_fallback", took)).runs[0]
    assert run.took_over == "Anthropic is overloaded. openai:gpt-6.2-sol takes over."


def test_only_message_keys_name_a_message() -> None:
    assert slack_ts("slack:T1:C1:1700000000.000100") == "1700000000.000100"
    assert slack_ts("slack:view:T1:V1") is None
    assert slack_ts("api:1:2:3.4") is None
    assert slack_ts("") is None


def an_attempt(number: int, outcome: str = "patch") -> list[tuple[str, dict[str, object]]]:
    run = f"r_{number}"
    queueing = {"run_id": run, "number": number, "attempt": number, "attempts": 2}
    return [
        ("run_queued", queueing),
        resolved(run),
        preparing(run),
        ("patch", {"run_id": run, "sha256": run, "files": [{"path": "a"}] * number}),
        finished(run, outcome, patch_sha256=run),
    ]


def test_attempts_share_a_living_message_and_end_in_one_that_asks() -> None:
    first = told(*an_attempt(1))
    assert keys(first) == ["accepted:r_1", "progress:r_1"]
    assert first.reaction == "eyes"
    ended = ("attempts_ended", {"run_id": "r_2", "state": "choose"})
    both = told(*an_attempt(1), *an_attempt(2), ended)
    assert keys(both) == ["accepted:r_1", "progress:r_1", "attempts:11"]
    (living,) = [slot.run for slot in make_slots(both) if slot.kind == "progress"]
    assert living is not None
    assert make_title(living, 0.0).startswith("Attempt 2 of 2: Worked for")
    assert [run.id for run in living.earlier] == ["r_1"]
    assert both.reaction == "white_check_mark"
    chosen = ("attempt_chosen", {"run_id": "r_1", "attempt": 1, "by": {"id": "U1"}})
    said = ("attempt_chosen", {**chosen[1], "key": "slack:T1:C1:5.0"})
    assert told(*an_attempt(1), *an_attempt(2), ended, said).replies == (
        ReplyView(ts="5.0", message_id=0, run_id="", reaction="white_check_mark"),
    )
    view = told(*an_attempt(1), *an_attempt(2), ended, chosen)
    assert keys(view)[3:] == ["result:r_1", "file:r_1"]
    assert view.patch.count == 1
    assert view.choices[-1].is_open
    assert (
        not told(*an_attempt(1), *an_attempt(2), ended, chosen, queued("r_3", 3))
        .choices[-1]
        .is_open
    )


def test_where_no_attempt_came_to_a_change_the_last_ones_end_is_told() -> None:
    ended = ("attempts_ended", {"run_id": "r_2", "state": "none"})
    view = told(*an_attempt(1, "failed"), *an_attempt(2, "failed"), ended)
    assert keys(view) == ["accepted:r_1", "progress:r_1", "result:r_2"]
    assert view.reaction == "x"


def test_a_suggestion_stands_while_the_question_does() -> None:
    asked = ("repository_asked", {"question": "Which one?", "likely": ["a/b", "c/d"]})
    idea = ("repository_suggested", {"repository": "c/d", "model": "m"})
    view = told(queued(), asked, finished(outcome="failed"), idea)
    assert view.pick is not None
    shown = next(block for block in make_pick(view.pick).blocks if block["type"] == "actions")
    buttons = [each for each in shown["elements"] if each["type"] == "button"]
    assert [(each["value"], each.get("style")) for each in buttons] == [
        *(("c/d", "primary"), ("a/b", None))
    ]
    again = told(queued(), asked, idea, ("repository_unanswered", {}), asked)
    assert again.pick is not None
    assert (again.pick.suggested, again.pick.is_expired) == ("c/d", False)
    # Where somebody was quicker it changes nothing that is shown.
    named = ("source_named", {"repository": "a/b", "by": {"id": "U1", "name": "Ann"}})
    assert told(queued(), asked, named).pick is not None
    late, early = told(queued(), asked, named, idea).pick, told(queued(), asked, named).pick
    assert late is not None
    assert early is not None
    assert make_pick(late) == make_pick(early)
