"""Whole runs of the real program: each mode, from the first request to the outcome."""

from __future__ import annotations

import subprocess
import sys

from tests.agent_image.conftest import MakeStage, Stage
from tests.agent_image.fake_gateway import bash, call, finish, words
from tests.sandbox.git_repository import run_git

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"


async def test_a_bug_is_mended_from_request_to_patch(make_stage: MakeStage) -> None:
    stage = await make_stage()
    plan = [{"title": "Mend add", "status": "in_progress"}, {"title": "Test", "status": "pending"}]
    outcome = await stage.play(
        [call("plan", items=plan), bash(PYTEST)],
        [call("read", path="sums.py")],
        [call("edit", path="sums.py", old="a - b", new="a + b"), bash(PYTEST)],
        [finish(title="Add instead of subtract")],
    )
    assert outcome == {
        "kind": "finished",
        "title": "Add instead of subtract",
        "summary": "Did it.",
        "claimed": "Ran it.",
    }
    gateway = stage.gateway
    assert gateway.payloads("plan") == [
        {"items": [{"id": "1", **plan[0]}, {"id": "2", **plan[1]}]},
    ]
    assert [
        (step["title"], step["status"], step["output"])
        for step in gateway.payloads("step_finished")
    ] == [
        (f"Ran {PYTEST}", "error", "1 failed"),
        ("Read sums.py", "complete", "2 lines"),
        ("Edited sums.py", "complete", "Replaced 1 place in sums.py (line 2)."),
        (f"Ran {PYTEST}", "complete", "1 passed"),
    ]
    started = gateway.payloads("step_started")
    assert [step["step"] for step in started] == ["0.2", "1.1", "2.1", "2.2"]
    assert started[0]["details"] == PYTEST
    assert gateway.results(2)[0]["text"] == "     1\tdef add(a, b):\n     2\t    return a - b"
    assert gateway.patches[-1] == gateway.final_patches[0]
    result = stage.result()
    assert run_git(result, "diff", "--cached", "--numstat") == b"1\t1\tsums.py\n"
    subprocess.run([*PYTEST.split()], cwd=result, check=True, capture_output=True)


async def test_the_first_message_shows_task_tree_rules_and_tests(make_stage: MakeStage) -> None:
    stage = await make_stage(
        {"AGENTS.md": "Use tabs.\n", "web/AGENTS.md": "No jQuery.\n", "test_a.py": "", "a.py": ""}
    )
    await stage.play([finish()])
    task, survey = stage.gateway.texts(0)
    assert task == (
        f"# Task\nMode: change\nRepository: acme/sums, branch main at {stage.base[:12]}\n"
        "From: Ada\n\nMend the sum."
    )
    for part in ("\nAGENTS.md\na.py\ntest_a.py\nweb/AGENTS.md", "Use tabs.", "python3 -m pytest"):
        assert part in survey
    assert "No jQuery" not in survey
    first = stage.gateway.turns[0]
    assert [tool["name"] for tool in first["tools"]] == [
        "bash",
        "read",
        "edit",
        "write",
        "apply_patch",
        "plan",
        "ask",
        "finish",
    ]


async def test_inner_rules_are_shown_with_the_first_file_there(make_stage: MakeStage) -> None:
    stage = await make_stage({"web/AGENTS.md": "No jQuery.\n", "web/a.js": "1\n", "b.js": "2\n"})
    await stage.play(
        [call("read", path="b.js"), call("edit", path="web/a.js", old="1", new="3")],
        [call("read", path="web/a.js")],
        [finish()],
    )
    assert (
        "shown with the first file you read or edit there: web/AGENTS.md"
        in (stage.gateway.texts(0)[1])
    )
    plain, edited = stage.gateway.results(1)
    assert "AGENTS" not in plain["text"]
    assert edited["text"].endswith("<web/AGENTS.md>\nNo jQuery.\n</web/AGENTS.md>")
    assert "AGENTS" not in stage.gateway.results(2)[0]["text"]


async def test_the_workspace_is_a_repository_on_its_branch_without_remote(
    make_stage: MakeStage,
) -> None:
    stage = await make_stage(branch="release/1")
    await stage.play([finish()])
    assert stage.git("rev-parse", "HEAD") == stage.base
    assert stage.git("branch", "--show-current") == "release/1"
    assert stage.git("remote") == ""
    assert stage.git("status", "--porcelain") == ""
    assert stage.git("config", "core.checkStat") == "minimal"
    assert stage.gateway.final_patches == [b""]
    assert sorted(path.name for path in (stage.directory / "tmp").iterdir())[0].startswith(
        "threadsmith-"
    )


async def test_a_branch_that_cannot_be_made_is_called_work(make_stage: MakeStage) -> None:
    stage = await make_stage(branch="--upload-pack=x")
    await stage.play([finish()])
    assert stage.git("branch", "--show-current") == "work"


async def test_a_follow_up_goes_on_from_the_patch(make_stage: MakeStage) -> None:
    first = await make_stage({".gitignore": "*.log\n", "a.txt": "one\n"})
    await first.play(
        [bash("echo two >> a.txt; echo kept > b.log; git add -f b.log; printf '\\0\\1' > c.bin")],
        [finish()],
    )
    (patch,) = first.gateway.final_patches
    second = await make_stage(
        {".gitignore": "*.log\n", "a.txt": "one\n"}, patch=patch, turn=7, request="And a test."
    )
    await second.play([bash("echo three >> a.txt")], [finish()])
    (text,) = second.gateway.texts(0)
    assert text.startswith("# Follow-up\nMode: change\n")
    assert "as your work so far left them" in text
    assert text.endswith("From: Ada\n" + text.split("From: Ada\n")[1])
    assert text.endswith("\n\nAnd a test.")
    assert "PUT /turns/7" in second.gateway.requests
    result = second.result()
    assert (result / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert (result / "b.log").read_text() == "kept\n"
    assert (result / "c.bin").read_bytes() == b"\0\1"


async def test_a_follow_up_without_a_patch_starts_from_the_commit(make_stage: MakeStage) -> None:
    stage = await make_stage(turn=3)
    await stage.play([finish()])
    assert "the files are those of the commit above" in stage.gateway.texts(0)[0]


async def test_a_patch_that_does_not_fit_ends_the_run(make_stage: MakeStage) -> None:
    patch = b"diff --git a/no b/no\n--- a/no\n+++ b/no\n@@ -1 +1 @@\n-a\n+b\n"
    stage = await make_stage(patch=patch)
    outcome = await stage.play()
    assert outcome["kind"] == "failed"
    assert outcome["brief"] == "The work so far does not fit the base commit."
    assert stage.gateway.turns == []


async def test_a_question_is_answered_by_finish(make_stage: MakeStage) -> None:
    stage = await make_stage(mode="explain")
    outcome = await stage.play([bash("ls")], [call("finish", title="It", answer="**So.**")])
    assert outcome == {"kind": "finished", "title": "It", "answer": "**So.**"}
    assert [tool["name"] for tool in stage.gateway.turns[0]["tools"]] == [
        "bash",
        "read",
        "plan",
        "ask",
        "finish",
    ]
    assert set(stage.gateway.patches) == {b""}


async def test_a_reading_run_that_changed_files_hears_of_it_and_keeps_its_answer(
    make_stage: MakeStage,
) -> None:
    stage = await make_stage(mode="explain")
    answer = call("finish", title="It", answer="**So.**")
    outcome = await stage.play([bash("touch made"), answer], [answer])
    assert stage.gateway.results(1)[1]["is_error"]
    assert "It changes no files." in stage.gateway.texts(1)[-1]
    assert outcome == {"kind": "finished", "title": "It", "answer": "**So.**"}
    assert stage.gateway.patches == []
    assert stage.gateway.payloads("note") == [{"text": "Dropped: It changes no files."}]


async def test_plain_words_are_no_answer_while_files_are_changed(make_stage: MakeStage) -> None:
    stage = await make_stage(mode="explain")
    outcome = await stage.play(
        [bash("echo >> sums.py")], words("It adds."), [bash("git checkout -q .")], words("It adds.")
    )
    assert "It changes no files." in stage.gateway.texts(2)[-1]
    assert outcome == {"kind": "finished", "answer": "It adds."}
    assert stage.gateway.payloads("note") == []


async def test_a_question_is_answered_by_plain_words(make_stage: MakeStage) -> None:
    stage = await make_stage(mode="explain")
    outcome = await stage.play(
        [call("read", path="sums.py")], words("It ", stop="length"), words("subtracts.")
    )
    assert outcome == {"kind": "finished", "answer": "It subtracts."}


async def test_a_review_has_findings(make_stage: MakeStage) -> None:
    stage = await make_stage(mode="review")
    finding = {
        "severity": "high",
        "file": "sums.py",
        "line": 2,
        "title": "Subtracts",
        "detail": "It should add.",
        "suggestion": "return a + b",
    }
    bad = {**finding, "severity": "huge"}
    outcome = await stage.play(
        [call("finish", title="Review", summary="One fault.", findings=[bad])],
        [call("finish", title="Review", summary="One fault.", findings=[finding])],
    )
    assert "must be one of high, medium, low" in stage.gateway.results(1)[0]["text"]
    assert outcome["kind"] == "finished"
    assert outcome["findings"] == [finding]


async def test_a_finish_among_other_calls_comes_last(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play([finish(title="First"), bash("echo made > made.txt")])
    assert outcome["title"] == "First"
    assert (stage.result() / "made.txt").read_text() == "made\n"


async def test_what_tools_leave_behind_is_no_part_of_the_patch(make_stage: MakeStage) -> None:
    stage = await make_stage()
    await stage.play(
        [
            bash(
                "mkdir -p __pycache__ node_modules/x;"
                " echo 1 | tee __pycache__/a.pyc node_modules/x/y"
            )
        ],
        [finish()],
    )
    assert stage.gateway.final_patches == [b""]


async def prepare(stage: Stage, commit: str) -> None:
    """The workspace as an environment's image holds it."""
    run_git(stage.directory, "clone", "--quiet", str(stage.repository.path), "workspace")
    run_git(stage.workspace, "checkout", "--quiet", "-B", "main", commit)


async def test_a_prepared_workspace_is_used_as_it_is(make_stage: MakeStage) -> None:
    stage = await make_stage(branch="topic/1")
    stage.gateway.run["prepared_commit"] = stage.base
    await prepare(stage, stage.base)
    await stage.play([bash("echo 1 > one; git branch --show-current > branch")], [finish()])
    assert "GET /source" not in stage.gateway.requests
    assert (stage.result() / "one").read_text() == "1\n"
    assert (stage.result() / "branch").read_text() == "topic/1\n"


async def test_a_prepared_workspace_is_brought_to_the_commit(make_stage: MakeStage) -> None:
    """Only what came after is fetched; what set-up made stays, and is no part of the patch."""
    stage = await make_stage()
    older = stage.base
    stage.base = stage.repository.commit({"sums.py": "def add(a, b):\n    return b - a\n"})
    stage.repository.git("update-ref", "refs/heads/base", stage.base)
    stage.gateway.bundle = run_git(
        stage.repository.path, "bundle", "create", "-", "refs/heads/base", f"^{older}"
    )
    stage.gateway.run.update(prepared_commit=older, base_commit=stage.base)
    await prepare(stage, older)
    (stage.workspace / "made").mkdir()
    (stage.workspace / "made" / "tool").write_text("by set-up\n")
    (stage.workspace / ".git" / "info" / "exclude").write_text("made/\n")
    await stage.play([bash("cat made/tool sums.py > seen; echo 1 > one")], [finish()])
    seen = (stage.result() / "seen").read_text()
    assert seen == "by set-up\ndef add(a, b):\n    return b - a\n"
    assert not (stage.result() / "made").exists()


async def test_what_set_up_changed_gives_way_to_the_commit(make_stage: MakeStage) -> None:
    stage = await make_stage()
    older = stage.base
    stage.base = stage.repository.commit({"sums.py": "def add(a, b):\n    return a + b\n"})
    stage.repository.git("update-ref", "refs/heads/base", stage.base)
    stage.gateway.bundle = run_git(
        stage.repository.path, "bundle", "create", "-", "refs/heads/base", f"^{older}"
    )
    stage.gateway.run.update(prepared_commit=older, base_commit=stage.base)
    await prepare(stage, older)
    (stage.workspace / "sums.py").write_text("changed by set-up\n")
    await stage.play([finish()])
    assert stage.gateway.final_patches == [b""]
    assert "return a + b" in (stage.workspace / "sums.py").read_text()
