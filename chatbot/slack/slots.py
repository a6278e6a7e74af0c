"""Which messages a thread has to show, in order: each a slot that the story fills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chatbot.models import Task
from chatbot.slack.blocks.accepted import make_accepted
from chatbot.slack.blocks.answer import make_answer, make_findings
from chatbot.slack.blocks.attempts import make_attempts
from chatbot.slack.blocks.elements import Content
from chatbot.slack.blocks.feedback import make_ended, make_feedback
from chatbot.slack.blocks.gate import make_gate, make_publish_failed, make_published
from chatbot.slack.blocks.picker import make_pick
from chatbot.slack.blocks.progress import Moment, make_progress
from chatbot.slack.blocks.question import make_question
from chatbot.slack.blocks.result import (
    make_change,
    make_failed,
    make_nothing,
    make_replaced,
    make_stopped,
)
from chatbot.slack.blocks.setup_gate import make_setup_gate
from chatbot.slack.view import (
    AttemptsView,
    EndedView,
    FeedbackView,
    GateView,
    PickView,
    PublishView,
    QuestionView,
    Result,
    RunView,
    SetupGateView,
    TaskView,
)

Kind = Literal[
    "accepted",
    "progress",
    "setup",
    "result",
    "file",
    "tree",
    "gate",
    "publish",
    "feedback",
    "ended",
    "question",
    "pick",
    "attempts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One message of ours. ``key`` names it for good, also in the message's metadata."""

    key: str
    kind: Kind
    seq: int
    """The event that made it."""
    run: RunView | None = None
    gate: GateView | None = None
    setup: SetupGateView | None = None
    publish: PublishView | None = None
    feedback: FeedbackView | None = None
    ended: EndedView | None = None
    question: QuestionView | None = None
    pick: PickView | None = None
    attempts: AttemptsView | None = None

    @property
    def is_edited(self) -> bool:
        """Whether it follows the story after it was posted."""
        if self.kind == "result":
            # What was to be done next about it has been done.
            return self.run is not None and self.run.is_replaced
        return self.kind in {
            *("accepted", "progress", "setup", "gate", "feedback", "question", "pick"),
            "attempts",
        }

    @property
    def is_needed(self) -> bool:
        """A person has to answer it."""
        is_asked = self.question is not None and not self.question.is_closed
        is_asked = is_asked or (self.pick is not None and not self.pick.repository)
        is_asked = is_asked or (self.attempts is not None and self.attempts.is_waiting)
        waiting = [gate for gate in (self.gate, self.setup) if gate is not None]
        return is_asked or any(gate.state == "pending" for gate in waiting)

    @property
    def is_final(self) -> bool:
        """Whether the run it tells of has ended."""
        return self.run is not None and self.run.result is not None

    @property
    def is_paced(self) -> bool:
        """Edits may come together; what people wait for is shown at once."""
        return self.kind == "progress" or (self.kind == "accepted" and self.is_waiting)

    @property
    def is_waiting(self) -> bool:
        """The run it tells of waits for a place."""
        return self.run is not None and self.run.is_waiting


def make_slots(view: TaskView, *, is_archive: bool = False) -> list[Slot]:
    """In the order in which the story made them; an archive's task gives its tree back as well."""
    begun = view.begun
    followed = {each.id for run in begun for each in run.earlier}
    slots = [
        slot
        for run in begun
        for slot in _run_slots(run, is_archive=is_archive, is_followed=run.id in followed)
    ]
    told = {slot.run.id for slot in _accepted_slots(view) if slot.run}
    # What waits and is told of by nothing else is told of by the message it will live in.
    slots += [_progress(run) for run in begun if _waits_alone(run) and run.id not in told]
    slots += [
        Slot(key=f"attempts:{tried.seq}", kind="attempts", seq=tried.seq, attempts=tried)
        for tried in view.choices
    ]
    if view.pick is not None:
        slots.append(
            Slot(key=f"pick:{view.pick.seq}", kind="pick", seq=view.pick.seq, pick=view.pick)
        )
    slots += _accepted_slots(view)
    slots += [
        Slot(key=f"setup:{gate.approval_id}", kind="setup", seq=gate.seq, setup=gate)
        for gate in view.setup_gates
    ]
    slots += [
        Slot(key=f"gate:{gate.approval_id}", kind="gate", seq=gate.seq, gate=gate)
        for gate in view.gates
    ]
    slots += [
        Slot(key=f"publish:{ended.seq}", kind="publish", seq=ended.seq, publish=ended)
        for ended in view.publishings
    ]
    slots += [
        Slot(key=f"feedback:{told.seq}", kind="feedback", seq=told.seq, feedback=told)
        for told in view.feedback
    ]
    slots += [
        Slot(key=f"ended:{ended.seq}", kind="ended", seq=ended.seq, ended=ended)
        for ended in view.ended
    ]
    slots += [
        Slot(key=f"question:{asked.seq}", kind="question", seq=asked.seq, question=asked)
        for asked in view.questions
    ]
    return sorted(slots, key=lambda slot: (slot.seq, slot.kind != "accepted"))


def _accepted_slots(view: TaskView) -> Iterator[Slot]:
    """Up to the first run whose source was found; later ones are follow-ups, told by a reaction."""
    is_told = False
    for run in view.begun:
        is_told = is_told and not run.is_anew
        if not is_told and (run.resolved or run.position or run.has_waited):
            yield Slot(key=f"accepted:{run.id}", kind="accepted", seq=run.seq, run=run)
        is_told = is_told or run.resolved


def _run_slots(run: RunView, *, is_archive: bool, is_followed: bool) -> list[Slot]:
    """``is_followed``: another attempt has begun, and has the living message of them all."""
    slots = []
    if (run.prepared_at is not None or run.earlier) and not is_followed:
        slots.append(_progress(run))
    seq = run.shown_seq if run.attempt else run.finished_seq
    # The first message of a run that ended for a change tells of that.
    is_told = run.is_replaced and run.stopped_for == "changed"
    if run.result is not None and seq and not is_told:
        slots.append(Slot(key=f"result:{run.id}", kind="result", seq=seq, run=run))
        if has_file(run):
            slots.append(Slot(key=f"file:{run.id}", kind="file", seq=seq, run=run))
        if has_file(run) and is_archive:
            slots.append(Slot(key=f"tree:{run.id}", kind="tree", seq=seq, run=run))
    return slots


def _progress(run: RunView) -> Slot:
    """Of several attempts all have the first one's."""
    first = run.earlier[0] if run.earlier else run
    return Slot(key=f"progress:{first.id}", kind="progress", seq=first.seq, run=run)


def _waits_alone(run: RunView) -> bool:
    return run.has_waited and run.prepared_at is None and not run.earlier


def has_file(run: RunView) -> bool:
    return (
        run.result is not None
        and run.result.outcome == "patch"
        and run.result.patch_sha256 is not None
    )


def file_name(task: Task, run: RunView, ending: str = "diff") -> str:
    return f"{task.id}.{ending}" if run.number == 1 else f"{task.id}-{run.number}.{ending}"


def make_contents(slot: Slot, task: Task, moment: Moment, diff: str) -> list[Content]:
    """The slot's messages; only an answer or a review may need more than one.

    ``diff`` is what the message quotes: the patch, or the scripts that a person is asked about.
    """
    if slot.setup is not None:
        return [make_setup_gate(task, slot.setup, diff)]
    if slot.gate is not None:
        return [make_gate(task, slot.gate)]
    if slot.publish is not None:
        failed = slot.publish.is_failure
        make = make_publish_failed if failed else make_published
        return [make(task, slot.publish)]
    if slot.feedback is not None:
        return [make_feedback(task, slot.feedback)]
    if slot.pick is not None:
        return [make_pick(slot.pick)]
    if slot.attempts is not None:
        return [make_attempts(task, slot.attempts)]
    if slot.question is not None:
        return [make_question(task, slot.question)]
    if slot.ended is not None:
        return [make_ended(task, slot.ended)]
    if slot.run is None:
        return []
    if slot.kind == "accepted":
        return [make_accepted(task, slot.run)]
    if slot.kind == "progress" or slot.run.result is None:
        return [make_progress(task, slot.run, moment)]
    return _make_result(task, slot.run, slot.run.result, moment.page_url, diff)


def _make_result(
    task: Task, run: RunView, result: Result, page_url: str, diff: str
) -> list[Content]:
    if run.is_replaced:
        return [make_replaced(run, result)]
    match result.outcome:
        case "patch":
            return [make_change(task, run, result, diff)]
        case "answer":
            return make_answer(result)
        case "findings":
            return make_findings(result)
        case "nothing":
            return [make_nothing(result)]
        case "stopped":
            return [make_stopped(run)]
        case _:
            return [make_failed(task, run, result, page_url)]
