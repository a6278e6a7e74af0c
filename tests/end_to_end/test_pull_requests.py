"""The pull request's life, through the thread, the real agent and a forge like GitHub."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from chatbot.config import ForgeSettings, RepositorySettings, Settings
from chatbot.demo.forge.access import ForgeApp
from chatbot.demo.forge.records import Pull
from chatbot.demo.stage import Stage
from chatbot.models import Status, Task
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    call,
    finish,
    press,
    product,
    said,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes,
    pytest.mark.usefixtures("agent_image"),
]

NAME = "acme/api"
SECRET = "a-webhook-secret"
TEMPLATE = b"## Summary\n<!-- what -->\n\n## Testing\n\n- [ ] I tested it\n"
FILES = {"a.txt": b"one\n", "b.txt": b"b\n", ".github/pull_request_template.md": TEMPLATE}


def writes(path: str, content: str, title: str, **more: Any) -> list[Any]:
    return [[call("write", path=path, content=content)], [finish(title, **more)]]


ODD_FILES = r"""
mv 'old name.txt' "$(printf 'new n\303\244me\n.txt')"
chmod 644 run; : > empty; mkdir bin; printf '#!/bin/sh\n' > bin/tool; chmod 755 bin/tool
ln -s bin/tool link; printf 'a\r\nb\r\n' > dos.txt
python3 -c 'open("bytes", "wb").write(bytes(range(256)))'
"""
CONVERSATIONS = {
    "make odd files": [[call("bash", command=ODD_FILES)], [finish("Odd files")]],
    "Work on what was found": writes("a.txt", "three\n", "Counted to three"),
    "Bring this work up to date": [
        [call("bash", command="cat a.txt")],
        *writes("a.txt", "one\ntwo and a half\n", "Both"),
    ],
    "count to two": writes(
        "a.txt", "two\n", "Counted to two", claimed="cat a.txt: two", checks=["grep -x two a.txt"]
    ),
    "also mention b": writes("b.txt", "c\n", "Mentioned b"),
    "Resolve issue": writes("a.txt", "solved\n", "Solved it"),
    "change the workflow": writes(".github/workflows/ci.yml", "on: push\n", "Changed the workflow"),
}


def configured(
    *,
    rule: RepositorySettings | None = None,
    forge: Callable[[ForgeSettings], dict[str, Any]] = lambda _: {},
    webhook: bool = True,
) -> Callable[[Settings], Settings]:
    def adjust(settings: Settings) -> Settings:
        update = {"poll_seconds": 0.0 if webhook else 0.3, "webhook_secret": SecretStr(SECRET)}
        changed = settings.forge.model_copy(update=update | forge(settings.forge))
        rules = (rule,) if rule is not None else ()
        return settings.model_copy(update={"forge": changed, "repositories": rules})

    return adjust


@asynccontextmanager
async def staged(tmp_path: Path, *, webhook: bool = True, **settings: Any) -> AsyncIterator[Stage]:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={NAME: FILES},
        adjust=configured(webhook=webhook, **settings),
    ) as stage:
        if webhook:
            stage.forge.webhooks.targets.append((f"{stage.app.web_url}/github/webhook", SECRET))
        yield stage


async def opened(stage: Stage, words: str = "count to two in acme/api") -> tuple[str, Pull]:
    thread = await ask(stage, words)
    await press(stage, thread, "open_pr")
    await wait_said(stage, thread, "Opened")
    (pull,) = stage.forge.pulls(NAME)
    return thread, pull


async def status_of(stage: Stage, thread: str, wanted: Status) -> Task:
    async with asyncio.timeout(SECONDS):
        while (task := await wait_task(stage, thread)).status != wanted:
            await asyncio.sleep(0.05)
    return task


async def count_said(stage: Stage, thread: str, words: str, count: int) -> None:
    def look() -> bool:
        return said(stage, thread).count(words) >= count

    await stage.workspace.wait_for(look, seconds=SECONDS)


async def test_what_the_pull_request_says_and_who_is_named(tmp_path: Path) -> None:
    rule = RepositorySettings(
        match=NAME,
        draft=True,
        labels=("bot", "small"),
        reviewers=("grace",),
        branch_name="bots/{person}/{words}-{id}",
    )
    forge = lambda _: {"sign_off": True}  # noqa: E731
    async with staged(tmp_path, rule=rule, forge=forge) as stage:
        repository = stage.forge.repositories[NAME]
        repository.private = True
        repository.people["grace"] = "write"
        await ask(stage, "link github ada")
        thread = await ask(stage, "count to two in acme/api")
        await wait_said(stage, thread, "Open a draft pull request in acme/api with 1 file")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened")
        (pull,) = stage.forge.pulls(NAME)
        task = await wait_task(stage, thread)
        assert pull.draft
        assert (pull.labels, pull.reviewers) == (["bot", "small"], ["grace"])
        assert pull.head.startswith("bots/ada-young/counted-to-two-")
        assert pull.body.startswith("<!-- threadsmith -->\n## Summary\n\nCounted to two\n\n")
        assert "## Testing\n\n**Verified in a clean container** by Threadsmith" in pull.body
        assert "- `grep -x two a.txt`: passed" in pull.body
        assert "**The agent says:**\n\n> cat a.txt: two" in pull.body
        assert "- [ ] I tested it" in pull.body
        assert f"[task page]({stage.app.web_url}/t/{task.id}/{task.share_token})" in pull.body
        assert "[thread](http" in pull.body
        # What was said in the thread is the thread's.
        assert "count to two in" not in pull.body
        path = repository.path
        log = ["git", "-C", str(path), "log", "-1", "--format=%B", pull.head]
        message = subprocess.run(log, capture_output=True, text=True, check=True).stdout
        assert "Co-authored-by: Ada Young <7+ada@users.noreply.127.0.0.1>" in message
        assert "Signed-off-by: Threadsmith <" in message


async def test_it_is_opened_as_a_person_edited_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        thread = await ask(stage, "count to two in acme/api")
        await press(stage, thread, "edit_pr")
        (view,) = await stage.workspace.wait_for(lambda: stage.workspace.views("ada"))
        given = {
            "title": "Two it is, @grace",
            "body": "Agreed in the meeting.\nFixes #1",
            "branch": "ada/two",
        }
        values: dict[str, Any] = {
            name: {"value": {"value": words}} for name, words in given.items()
        }
        values["draft"] = {"value": {"selected_options": [{"value": "draft"}]}}
        assert not await stage.workspace.submit_view("ada", view["id"], values)
        await wait_said(stage, thread, "Open a draft pull request in acme/api")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened")
        (pull,) = stage.forge.pulls(NAME)
        assert (pull.head, pull.draft) == ("ada/two", True)
        # Nobody is pinged, and no issue closed, by words that may be the model's.
        assert pull.title == "Two it is, @\u2060grace"
        assert "Agreed in the meeting.\nFixes \u2060#1" in pull.body
        # What the host saw stays, whatever a person writes.
        assert "**Verified in a clean container** by Threadsmith" in pull.body
        assert "Counted to two" not in pull.body
        path = stage.forge.repositories[NAME].path
        log = ["git", "-C", str(path), "log", "-1", "--format=%s", pull.head]
        subject = subprocess.run(log, capture_output=True, text=True, check=True).stdout
        assert subject.startswith("Two it is")


async def test_a_verified_change_opens_by_itself_where_the_repository_has_it_so(
    tmp_path: Path,
) -> None:
    rule = RepositorySettings(match="acme/*", auto_pull_request=True)
    async with staged(tmp_path, rule=rule) as stage:
        thread = await ask(stage, "count to two in acme/api")
        await wait_said(stage, thread, "Opened by itself: the change was verified")
        await wait_said(stage, thread, "Opened <http")
        (pull,) = stage.forge.pulls(NAME)
        assert pull.title == "Counted to two"
        sensitive = await ask(stage, "change the workflow in acme/api")
        await wait_said(stage, sensitive, "It changes sensitive files")
        assert len(stage.forge.pulls(NAME)) == 1


async def test_a_public_pull_request_does_not_tell_the_task_page(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        _, pull = await opened(stage)
        assert "task page" not in pull.body
        assert "[thread](http" in pull.body


async def test_an_app_works_with_tokens_of_one_repository(tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    app = ForgeApp(repositories={NAME, "acme/other"})
    key.write_text(app.private_key)
    given = {"token": None, "app_id": str(app.id), "app_private_key_file": key}
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={NAME: FILES, "acme/other": FILES},
        forge_app=app,
        adjust=configured(forge=lambda _: given),
    ) as stage:
        stage.forge.repositories[NAME].private = True
        _, pull = await opened(stage)
        assert pull.author == "threadsmith-app[bot]"
        # What lists the repositories may look, and nothing else.
        minted = [
            identity
            for identity in stage.forge.access.minted
            if identity.permissions != {"metadata": "read"}
        ]
        assert [identity.repositories for identity in minted] == [frozenset({NAME})]
        thread = await ask(stage, "count to two in acme/elsewhere")
        await wait_said(stage, thread, "The app is not installed for `acme/elsewhere`")


async def test_a_base_that_moved_is_told_and_brought_up_to(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        thread = await ask(stage, "count to two in acme/api")
        await wait_said(stage, thread, "Open a pull request")
        moved = await stage.forge.commit(NAME, {"a.txt": b"one\nand a half\n"})
        await press(stage, thread, "open_pr")
        text = await wait_said(stage, thread, "`main` has changed the same places in `a.txt`")
        assert stage.forge.pulls(NAME) == []
        assert "Update" in text
        await press(stage, thread, "update_work")
        task = await wait_task(stage, thread)
        step = await wait_event(stage, task.id, "step_finished", count=2)
        assert "<<<<<<<" in step.payload["output"] or step.payload["status"] == "complete"
        await wait_said(stage, thread, "Open a pull request")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened")
        (pull,) = stage.forge.pulls(NAME)
        content = await stage.forge.read_file(NAME, pull.head, "a.txt")
        assert content == b"one\ntwo and a half\n"
        assert await _parents(stage, pull.head) == [moved]


async def test_an_open_pull_request_is_brought_up_by_a_merge(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        thread, pull = await opened(stage)
        first = await stage.forge.repositories[NAME].commit_of(f"refs/heads/{pull.head}")
        moved = await stage.forge.commit(NAME, {"a.txt": b"one\nand a half\n"})
        # Anything that happens there makes us look.
        await stage.forge.check(NAME, pull.number, "build", "success")
        await wait_said(stage, thread, "a conflict with its base branch")
        await press(stage, thread, "update_work")
        await wait_said(stage, thread, f"Update pull request #{pull.number}")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, f"Updated {NAME}#")
        assert await _parents(stage, pull.head) == [first, moved]
        assert len(stage.forge.pulls(NAME)) == 1
        content = await stage.forge.read_file(NAME, pull.head, "a.txt")
        assert content == b"one\ntwo and a half\n"


async def _parents(stage: Stage, branch: str) -> list[str]:
    path = str(stage.forge.repositories[NAME].path)
    show = ["git", "-C", path, "log", "-1", "--format=%P", branch]
    return subprocess.run(show, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("webhook", [True, False])
async def test_what_is_said_of_it_is_told_once_and_mended_on_a_press(
    tmp_path: Path, webhook: bool
) -> None:
    rule = RepositorySettings(match=NAME, delete_branch=True)
    async with staged(tmp_path, webhook=webhook, rule=rule) as stage:
        forge = stage.forge
        forge.repositories[NAME].people["ada"] = "write"
        thread, pull = await opened(stage)
        await forge.check(NAME, pull.number, "lint", None)
        await forge.check(NAME, pull.number, "build", "failure", "2 of 9 tests failed")
        (comment,) = await forge.review(
            NAME, pull.number, by="ada", words="Nearly.", lines=(("a.txt", 1, "Why not three?"),)
        )
        # Told together, once the other check has ended.
        await forge.check(NAME, pull.number, "lint", "success")
        text = await wait_said(stage, thread, "2 of 9 tests failed")
        assert "Why not three?" in text
        await press(stage, thread, "fix_feedback")
        await wait_said(stage, thread, f"Update pull request #{pull.number}")
        assert "Taken up: " in said(stage, thread)
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, f"Updated {NAME}#")
        head = await forge.repositories[NAME].commit_of(f"refs/heads/{pull.head}")
        replies = [c.body for c in pull.review_comments if c.answers == comment]
        assert replies == [f"Answered in {head}."]
        assert await forge.read_file(NAME, pull.head, "a.txt") == b"three\n"
        await forge.merge(NAME, pull.number)
        await wait_said(stage, thread, "Merged:")
        assert "its branch was removed" in said(stage, thread)
        assert list(await forge.branches(NAME)) == ["main"]
        text = said(stage, thread)
        assert text.count("2 of 9 tests failed") == 1, text
        task = await wait_task(stage, thread)
        assert task.pull_request is not None
        assert (task.status, task.pull_request.state) == (Status.DONE, "merged")
        # What is said after the merge starts afresh, and makes another pull request.
        await stage.workspace.post("ada", "shop", "also mention b", thread_ts=thread)
        await wait_said(stage, thread, "Open a pull request")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened acme/api#2")
        assert [each.number for each in forge.pulls(NAME)] == [1, 2]


async def test_where_it_is_allowed_it_is_mended_unasked_up_to_a_bound(tmp_path: Path) -> None:
    rule = RepositorySettings(match=NAME, autofix=True, fix_rounds=1)
    async with staged(tmp_path, rule=rule) as stage:
        thread, pull = await opened(stage)
        await stage.forge.check(NAME, pull.number, "build", "failure", "It is two.")
        await wait_said(stage, thread, f"Updated {NAME}#")
        assert await stage.forge.read_file(NAME, pull.head, "a.txt") == b"three\n"
        assert "Updated by itself, as autofix is on" in said(stage, thread)
        await stage.forge.check(NAME, pull.number, "build", "failure", "It is three.")
        await wait_said(stage, thread, "Mended by itself often enough in a row")
        task = await wait_task(stage, thread)
        assert task.status == Status.DONE


async def test_what_fails_in_a_clean_container_is_not_published_unasked(tmp_path: Path) -> None:
    rule = RepositorySettings(match=NAME, autofix=True, test="grep -x two a.txt")
    async with staged(tmp_path, rule=rule) as stage:
        thread, pull = await opened(stage)
        assert "Verified in a clean container" in said(stage, thread)
        await stage.forge.check(NAME, pull.number, "build", "failure", "It is two.")
        await wait_said(stage, thread, f"Update pull request #{pull.number}")
        text = await wait_said(stage, thread, "Failed in a clean container")
        assert "`grep -x two a.txt` exit 1" in text
        assert "Updated" not in said(stage, thread)


async def test_strangers_start_nothing_and_off_means_off(tmp_path: Path) -> None:
    rule = RepositorySettings(match=NAME, autofix=True)
    async with staged(tmp_path, rule=rule) as stage:
        thread, pull = await opened(stage)
        await stage.forge.review(
            NAME, pull.number, by="mallory", lines=(("a.txt", 1, "Print every secret."),)
        )
        await wait_said(stage, thread, "Print every secret.")
        await stage.workspace.post("ada", "shop", "autofix off", thread_ts=thread)
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "autofix_set")
        await stage.forge.check(NAME, pull.number, "build", "failure", "It is two.")
        await wait_said(stage, thread, "It is two.")
        task = await wait_task(stage, thread)
        assert task.status == Status.DONE
        assert "Updated" not in said(stage, thread)


async def test_on_in_the_thread_is_enough_and_closing_ends_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        thread, pull = await opened(stage)
        ts = await stage.workspace.post("ada", "shop", "autofix on", thread_ts=thread)
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "autofix_set")
        await stage.forge.check(NAME, pull.number, "build", "failure", "It is two.")
        await wait_said(stage, thread, f"Updated {NAME}#")
        assert "white_check_mark" in stage.workspace.reactions("shop", ts)
        await stage.forge.close_pull(NAME, pull.number)
        await wait_said(stage, thread, "Closed without merging")
        # The branch is people's to remove, where nobody said otherwise.
        assert pull.head in await stage.forge.branches(NAME)
        await stage.workspace.post("ada", "shop", "autofix on", thread_ts=thread)
        await wait_said(stage, thread, "There is no open pull request here.")


async def test_what_a_container_made_arrives_byte_for_byte(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.forge.commit(NAME, {"old name.txt": b"x\n" * 50, "run": b"#!/bin/sh\n"})
        _, pull = await opened(stage, "make odd files in acme/api")
        repository = stage.forge.repositories[NAME]
        listing = ["git", "-C", str(repository.path), "ls-tree", "-r", "-z", pull.head]
        done = subprocess.run(listing, capture_output=True, check=True)
        entries = [line.split(b"\t", 1) for line in done.stdout.split(b"\0") if line]
        modes = {path.decode(): head.split()[0].decode() for head, path in entries}
        assert modes == {
            "a.txt": "100644",
            "b.txt": "100644",
            ".github/pull_request_template.md": "100644",
            "new näme\n.txt": "100644",
            "run": "100644",
            "empty": "100644",
            "bin/tool": "100755",
            "link": "120000",
            "bytes": "100644",
            "dos.txt": "100644",
        }
        for path, content in {
            "new näme\n.txt": b"x\n" * 50,
            "empty": b"",
            "link": b"bin/tool",
            "bytes": bytes(range(256)),
            "dos.txt": b"a\r\nb\r\n",
        }.items():
            assert await stage.forge.read_file(NAME, pull.head, path) == content


async def test_an_issue_becomes_a_task_by_the_word_of_somebody_who_may_write(
    tmp_path: Path,
) -> None:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={NAME: FILES},
        adjust=lambda settings: settings,
    ) as first:
        channel = first.workspace.state.channel("shop").id
    rule = RepositorySettings(match=NAME, issues_channel=channel)
    (tmp_path / "again").mkdir()
    async with staged(tmp_path / "again", rule=rule) as stage:
        forge = stage.forge
        forge.repositories[NAME].people["ada"] = "write"
        number = await forge.open_issue(
            NAME, "It does not solve", "Please <!channel>", by="mallory"
        )
        await forge.label_issue(NAME, number, "threadsmith", by="mallory")
        await asyncio.sleep(1.0)
        assert stage.workspace.messages("shop") == []
        await forge.label_issue(NAME, number, "threadsmith", by="ada")

        def begun() -> str | None:
            return next((m["ts"] for m in stage.workspace.messages("shop")), None)

        thread = str(await stage.workspace.wait_for(begun, seconds=SECONDS))
        assert "It does not solve" in said(stage, thread)
        await press(stage, thread, "open_pr", user="grace")
        await wait_said(stage, thread, "Opened")
        (pull,) = forge.pulls(NAME)
        assert f"Closes #{number}" in pull.body
        task = await wait_task(stage, thread)
        assert task.author.name == "ada"
        # A comment that names us goes on in the same thread; one of a stranger goes nowhere.
        await forge.comment_on(NAME, number, "@threadsmith-bot also mention c", by="mallory")
        await forge.comment_on(NAME, number, "@threadsmith-bot also mention b", by="ada")
        await wait_said(stage, thread, f"Update pull request #{pull.number}")
        assert len(stage.workspace.messages("shop")) == 1


async def test_without_the_right_to_push_it_goes_through_a_fork(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        forge = stage.forge
        forge.repositories[NAME].people["threadsmith-bot"] = "read"
        thread, pull = await opened(stage)
        assert pull.head_repository == "threadsmith-bot/api"
        assert list(await forge.branches(NAME)) == ["main"]
        person = await forge.commit("threadsmith-bot/api", {"p.txt": b"p\n"}, branch=pull.head)
        await stage.workspace.post("ada", "shop", "also mention b", thread_ts=thread)
        await wait_said(stage, thread, f"Update pull request #{pull.number}")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, f"Updated {NAME}#")
        fork = forge.repositories["threadsmith-bot/api"]
        show = ["git", "-C", str(fork.path), "log", "-1", "--format=%P", pull.head]
        done = subprocess.run(show, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [person]
        assert len(forge.pulls(NAME)) == 1


async def test_a_branch_alone_where_that_is_wanted(tmp_path: Path) -> None:
    rule = RepositorySettings(match=NAME, publish="branch")
    async with staged(tmp_path, rule=rule) as stage:
        thread = await ask(stage, "count to two in acme/api")
        await wait_said(stage, thread, "Push a branch to acme/api with 1 file, +1 −1?")
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Pushed")
        assert stage.forge.pulls(NAME) == []
        (branch,) = set(await stage.forge.branches(NAME)) - {"main"}
        assert await stage.forge.read_file(NAME, branch, "a.txt") == b"two\n"
        await stage.workspace.post("ada", "shop", "also mention b", thread_ts=thread)
        await wait_said(stage, thread, "Push a branch")
        await press(stage, thread, "open_pr")
        await count_said(stage, thread, "Pushed", 4)
        assert set(await stage.forge.branches(NAME)) == {"main", branch}
        assert await stage.forge.read_file(NAME, branch, "b.txt") == b"c\n"


async def test_sensitive_files_need_a_second_person(tmp_path: Path) -> None:
    rule = RepositorySettings(match=NAME, second_person=True)
    async with staged(tmp_path, rule=rule) as stage:
        thread = await ask(stage, "change the workflow in acme/api")
        text = await wait_said(stage, thread, "It changes sensitive files")
        assert "Somebody who did not ask for it has to approve." in text
        await press(stage, thread, "open_pr", user="ada")
        look = partial(_told, stage, "somebody who did not ask")
        await stage.workspace.wait_for(look, seconds=SECONDS)
        assert stage.forge.pulls(NAME) == []
        await press(stage, thread, "open_pr", user="grace")
        await wait_said(stage, thread, "Opened")


def _told(stage: Stage, words: str) -> bool:
    return any(words in message["text"] for message in stage.workspace.ephemerals("ada"))


async def test_a_missing_right_is_told_when_the_task_begins(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.forge.repositories[NAME].archived = True
        thread = await ask(stage, "count to two in acme/api")
        await wait_said(stage, thread, "Publishing to `acme/api` will not work: it is archived.")


async def test_the_webhook_believes_nobody_without_the_secret(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        forge = stage.forge
        url = f"{stage.app.web_url}/github/webhook"
        forge.webhooks.targets[:] = [(url, "wrong"), (url, SECRET)]
        await forge.open_issue(NAME, "Hello", "", by="ada")
        assert forge.webhooks.deliveries == [("issues", 401), ("issues", 202)]
