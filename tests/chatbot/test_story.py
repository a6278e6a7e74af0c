"""One line for each event, harmless whatever stands in it."""

from __future__ import annotations

import unicodedata
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from chatbot.actions import Actions
from chatbot.harmless import one_line, seconds_text, visible
from chatbot.models import Event
from chatbot.story import describe
from tests.chatbot.history.lives import ADA, BOB, PULL, Life

WHO = {"id": "U1", "name": "Ada"}


def tell(kind: str, **payload: Any) -> str | None:
    return describe(Event(id=1, task_id="t_1", seq=1, at=0.0, kind=kind, payload=payload))


@pytest.mark.parametrize(
    ("kind", "payload", "line"),
    [
        ("task_created", {"author": WHO, "request": "fix\nit"}, "Ada asked: fix it"),
        ("run_queued", {"number": 1, "position": 0}, "Queued"),
        ("run_queued", {"number": 1, "position": 1}, "Queued, behind 1 other"),
        ("run_queued", {"number": 3, "position": 2}, "Run 3 queued, behind 2 others"),
        (
            "run_resolved",
            {"repository": "a/b", "branch": "main", "base_commit": "0123456789abcdef"},
            "Working on a/b, branch main, at 0123456789",
        ),
        (
            "run_resolved",
            {"repository": "x.zip", "branch": None, "base_commit": "0123456789abcdef"},
            "Working on x.zip at 0123456789",
        ),
        ("source_named", {"repository": "a/b"}, "Repository named: a/b"),
        ("repository_unanswered", {}, "Nobody said in time which repository it is"),
        ("run_preparing", {}, "Preparing the workspace"),
        ("run_adopted", {}, "Went on after a restart of Threadsmith"),
        ("run_requeued", {}, "Begun again after a restart of Threadsmith"),
        (
            "setup_started",
            {"path": "setup.sh", "network": ["packages"]},
            "Set-up started: setup.sh; it may reach packages",
        ),
        ("setup_started", {"path": None, "network": []}, "Preparing an environment"),
        (
            "setup_approval_requested",
            {"path": "setup.sh", "previous_sha256": None},
            "setup.sh is new: may it run?",
        ),
        (
            "setup_approval_requested",
            {"path": "setup.sh", "previous_sha256": "0"},
            "setup.sh has changed: may it run?",
        ),
        (
            "setup_approval_settled",
            {"state": "approved", "by": {"name": "Ada"}},
            "Ada approved the set-up script",
        ),
        (
            "setup_allowed",
            {"path": "setup.sh", "by": {"name": "Ada"}},
            "setup.sh may run: Ada approved it before",
        ),
        ("environment", {"state": "hit", "age_seconds": 90}, "The environment is 1 min 30 s old"),
        ("environment", {"state": "none"}, None),
        (
            "egress",
            {"verdict": "refused", "host": "x.example", "port": 443, "reason": "no rule allows it"},
            "Refused to reach x.example:443: no rule allows it",
        ),
        (
            "egress",
            {"verdict": "allowed", "host": "pypi.org", "port": 443, "sent": 10, "received": 20},
            "Reached pypi.org:443, 10 out, 20 bytes in",
        ),
        ("source_notes", {"notes": ["One.", "Two."]}, "One. Two."),
        ("redacted", {"where": "patch"}, "Something that looked like a secret was hidden"),
        ("setup_output", {"text": "noise"}, None),
        ("setup_finished", {"exit_code": 0, "seconds": 61.2}, "Set-up finished in 1 min 1 s"),
        ("setup_finished", {"exit_code": 2}, "Set-up failed with exit code 2"),
        ("container_started", {"phase": "agent"}, "Container started; the agent is at work"),
        (
            "container_started",
            {"phase": "agent", "agent": "codex"},
            "Container started; codex is at work",
        ),
        (
            "container_started",
            {"phase": "agent", "warm": True},
            "The container had stayed; the agent is at work",
        ),
        ("container_started", {"phase": "setup"}, None),
        ("turn", {"text": ""}, None),
        ("turn", {"text": "I will look."}, "The model: I will look."),
        (
            "plan",
            {
                "items": [
                    {"title": "Look", "status": "complete"},
                    {"title": "Mend", "status": "in_progress"},
                ]
            },
            "Plan: 1 of 2 done; now: Mend",
        ),
        ("plan", {"items": []}, "Plan: 0 of 0 done"),
        ("step_started", {"tool": "run", "title": "", "details": ""}, "run"),
        (
            "step_started",
            {"tool": "run", "title": "Run", "details": "pytest -q"},
            "Run: pytest -q",
        ),
        ("step_finished", {"title": "Read", "status": "complete", "seconds": 0.2}, None),
        (
            "step_finished",
            {"title": "Run", "status": "complete", "seconds": 3.21},
            "✓ Run (3.2 s)",
        ),
        ("step_finished", {"title": "Run", "status": "error", "seconds": 0.1}, "✗ Run (0.1 s)"),
        ("note", {"text": "hello"}, "hello"),
        (
            "patch",
            {"files": [{}, {}], "added": 3, "removed": 1},
            "Patch: 2 files, +3 −1",
        ),
        ("patch", {"files": []}, "Patch: no change"),
        ("message_received", {"author": WHO, "text": "and docs"}, "Ada: and docs"),
        ("message_delivered", {"message_ids": [1]}, "The agent has heard 1 message"),
        ("stop_requested", {"by": WHO}, "Ada asked to stop"),
        (
            "run_finished",
            {"outcome": "failed", "stage": "source", "brief": "No.", "resolution": "Do."},
            "Failed at source: No. Do.",
        ),
        ("run_finished", {"outcome": "patch", "title": "Mend it"}, "Finished: Mend it"),
        ("run_finished", {"outcome": "findings", "findings": [1]}, "Finished with 1 finding"),
        ("run_finished", {"outcome": "answer"}, "Finished with an answer"),
        ("run_finished", {"outcome": "nothing"}, "Finished; nothing was changed"),
        ("run_finished", {"outcome": "stopped"}, "Stopped"),
        ("approval_requested", {}, "The patch waits for approval"),
        ("approval_settled", {"state": "approved", "by": WHO}, "Approved by Ada"),
        ("approval_settled", {"state": "changes", "by": WHO}, "Ada asked for changes"),
        ("approval_settled", {"state": "odd", "by": WHO}, None),
        ("publish_step", {"step": "push", "result": "done"}, "Publishing, push: done"),
        (
            "published",
            {"number": 7, "url": "https://f/7", "created": True},
            "Pull request #7 opened: https://f/7",
        ),
        (
            "published",
            {"number": 7, "url": "https://f/7", "created": False},
            "Pull request #7 updated: https://f/7",
        ),
        ("publish_failed", {"stage": "push", "brief": "No."}, "Publishing failed at push: No."),
        ("task_expired", {}, "Closed, as nobody decided in time; the patch is kept"),
        ("something_new", {"text": "x"}, None),
    ],
)
def test_line(kind: str, payload: dict[str, Any], line: str | None) -> None:
    assert tell(kind, **payload) == line


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("approval_edited", {"edits": {"title": "x"}}),
        ("approval_requested", {}),
        ("approval_settled", {"state": "approved"}),
        ("approval_settled", {"state": "changes"}),
        ("approval_settled", {"state": "discarded"}),
        ("autofix_set", {"on": True}),
        ("change_asked", {"repository": "a/b"}),
        ("fix_asked", {}),
        ("message_edited", {"text": "x"}),
        ("message_received", {"text": "x", "author": WHO}),
        ("muted", {}),
        ("repository_asked", {"question": "Which?"}),
        ("request_edited", {}),
        ("setup_allowed", {"path": "setup.sh"}),
        ("setup_approval_revoked", {}),
        ("setup_approval_settled", {"state": "approved"}),
        ("setup_approval_settled", {"state": "skipped"}),
        ("source_named", {"repository": "a/b"}),
        ("stop_requested", {}),
        ("stop_requested", {"why": "deleted"}),
        ("stop_requested", {"why": "edited"}),
        ("task_changed", {"repository": "a/b", "mode": "change", "model": "m"}),
        ("unmuted", {}),
        ("update_asked", {"onto": "main"}),
    ],
)
def test_every_act_of_a_person_names_them(kind: str, more: dict[str, Any]) -> None:
    assert "Ada" in (tell(kind, by=WHO, **more) or "")


async def test_every_event_of_a_whole_life_has_its_line(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.add_message(life.task_id, BOB, "and more")
    await actions.published(life.task_id, approval, PULL, created=True)
    await actions.stop_task(life.task_id, ADA)
    for event in await life.events():
        assert describe(event), event.kind


KINDS = st.sampled_from(
    ["task_created", "run_queued", "run_resolved", "setup_started", "setup_finished", "turn",
     "container_started", "plan", "step_started", "step_finished", "note", "patch", "published",
     "message_received", "message_delivered", "run_finished", "approval_settled", "publish_step",
     "publish_failed", "stop_requested", "source_named", "feedback", "check_started",
     "check_finished", "pull_ended", "autofix_set", "fix_asked", "update_asked", "repository_asked",
     "repository_suggested"]
)  # fmt: skip
FIELDS = st.sampled_from(
    ["author", "by", "text", "title", "details", "items", "seconds", "files", "added", "number",
     "request", "outcome", "stage", "brief", "state", "phase", "exit_code", "repository", "url"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["\x1b]0;owned\x07", "\u202eevil", "a\nb", "failed", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@example("setup_finished", {"seconds": float("inf")})
@example("step_finished", {"seconds": 10**400})
@example("step_finished", {"seconds": float("nan"), "status": "error"})
@given(KINDS, st.dictionaries(FIELDS, anything, max_size=8))
def test_no_payload_breaks_the_line(kind: str, payload: dict[str, Any]) -> None:
    line = tell(kind, **payload)
    if line is not None:
        assert 0 < len(line) < 1500
        assert not [c for c in line if unicodedata.category(c) in {"Cc", "Zl", "Zp"}]
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b")


def test_text_is_cut_with_a_mark() -> None:
    assert one_line("a  b\tc\n") == "a b c"
    assert one_line("x" * 500, 10) == "xxxxxxxxx…"
    assert visible("if a:\u202e \x1b[2J\n") == "if a:<U+202E> <U+001B>[2J\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 1 s"), (3720, "1 h 2 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
