"""Patch to pull request, against real git and the forge; each step repeated, each refusal named."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.forge.errors import ForgeConflict, ForgeTokenRefused
from chatbot.forge.github import GitHubForge
from chatbot.forge.identity import PersonalToken
from chatbot.publish.branch import BaseMoved, make_commit
from chatbot.publish.errors import PublishFailed
from chatbot.publish.publisher import Published, PublishRequest, publish
from sandbox.errors import PatchRefused, RepositoryNotFound
from sandbox.redaction import Redactor
from tests.chatbot.publish.conftest import BODY, NAME, Scene, with_token

CHANGE = {"a.txt": b"two\n", "b é.bin": b"\x00\xff"}


async def _nothing(step: str, details: dict[str, Any]) -> None:
    pass


def with_pull(request: PublishRequest, **changes: Any) -> PublishRequest:
    assert request.pull is not None
    return replace(request, pull=replace(request.pull, **changes))


def with_patch(request: PublishRequest, patch: bytes) -> PublishRequest:
    sha256 = hashlib.sha256(patch).hexdigest()
    return replace(request, work=replace(request.work, patch=patch, patch_sha256=sha256))


async def test_a_patch_becomes_a_branch_and_a_pull_request(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    steps = {}

    async def note(step: str, details: dict[str, Any]) -> None:
        steps[step] = details

    published = await publish(request, scene.github, on_step=note)
    head = (await scene.forge.branches(NAME))["threadsmith/x"]
    assert published == Published(
        number=1,
        url=f"{scene.forge.url}/{NAME}/pull/1",
        branch="threadsmith/x",
        head_commit=head,
        created=True,
    )
    assert list(steps) == ["commit", "push", "pull_request"]
    repository = scene.forge.repositories[NAME]
    tree = subprocess.run(
        ["git", "-C", str(repository.path), "rev-parse", f"{head}^{{tree}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    # The exact record of what was pushed.
    assert steps["commit"]["commit"] == steps["push"]["commit"] == head
    assert steps["commit"]["tree"] == tree.stdout.strip()
    assert steps["commit"]["parents"] == [request.work.base_commit]
    assert steps["commit"]["patch_sha256"] == request.work.patch_sha256
    assert steps["push"]["url"] == scene.forge.clone_url(NAME)
    for path, content in {**CHANGE, "run.sh": b"#!/bin/sh\n"}.items():
        assert await scene.forge.read_file(NAME, head, path) == content
    (pull,) = scene.forge.pulls(NAME)
    assert (pull.title, pull.body, pull.base) == ("Count to two", BODY, "main")


async def test_doing_it_all_again_changes_nothing(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    first = await publish(request, scene.github, on_step=_nothing)
    second = await publish(request, scene.github, on_step=_nothing)
    assert second == first
    assert len(scene.forge.pulls(NAME)) == 1


@pytest.mark.parametrize("after", ["commit", "push", "pull_request", "labels", "reviewers"])
async def test_a_kill_after_any_step_is_made_good_by_repeating(scene: Scene, after: str) -> None:
    class Killed(Exception):
        pass

    async def die(step: str, details: dict[str, Any]) -> None:
        if step == after:
            raise Killed

    scene.forge.repositories[NAME].people["grace"] = "write"
    request = with_pull(await scene.request(CHANGE), labels=("bot",), reviewers=("grace",))
    with pytest.raises(Killed):
        await publish(request, scene.github, on_step=die)
    published = await publish(request, scene.github, on_step=_nothing)
    assert published.number == 1
    (pull,) = scene.forge.pulls(NAME)
    assert set(pull.labels) == {"bot"}
    assert set(pull.reviewers) == {"grace"}


@pytest.mark.parametrize("status", [422, 500, 502])
async def test_a_lost_answer_makes_no_second_pull_request(scene: Scene, status: int) -> None:
    scene.forge.fail_next("POST", "*/pulls", status, after=True)
    request = await scene.request(CHANGE)
    published = await publish(request, scene.github, on_step=_nothing)
    assert (published.number, len(scene.forge.pulls(NAME))) == (1, 1)


async def test_a_secondary_rate_limit_is_waited_out(scene: Scene) -> None:
    message = "You have exceeded a secondary rate limit. Please wait a few minutes."
    headers = {"Retry-After": "1"}
    scene.forge.fail_next("POST", "*/pulls", 403, headers=headers, message=message)
    published = await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    assert published.number == 1


async def test_a_follow_up_adds_a_commit_to_the_same_pull_request(scene: Scene) -> None:
    first = await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    person = await scene.forge.commit(NAME, {"p.txt": b"p\n"}, branch="threadsmith/x")
    request = await scene.request({"a.txt": b"three\n"}, ref="threadsmith/x")
    assert request.work.base_commit == person
    second = await publish(request, scene.github, on_step=_nothing)
    assert (second.number, second.created) == (first.number, False)
    assert await scene.forge.read_file(NAME, second.head_commit, "p.txt") == b"p\n"
    assert await scene.forge.read_file(NAME, second.head_commit, "a.txt") == b"three\n"


async def test_what_people_wrote_around_our_words_stays(scene: Scene) -> None:
    await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    (pull,) = scene.forge.pulls(NAME)
    pull.title, pull.body = "A better title", f"Mine.\n\n{pull.body}\n\n- [x] checked"
    request = with_pull(
        await scene.request({"a.txt": b"three\n"}, ref="threadsmith/x"),
        body=BODY.replace("Because", "And then"),
    )
    await publish(request, scene.github, on_step=_nothing)
    assert pull.title == "A better title"
    assert pull.body == f"Mine.\n\n{BODY.replace('Because', 'And then')}\n\n- [x] checked"
    pull.body = "All mine."
    await publish(request, scene.github, on_step=_nothing)
    assert pull.body == "All mine."


async def test_a_branch_that_people_moved_is_not_forced(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    await scene.forge.commit(NAME, {"p.txt": b"p\n"}, branch="threadsmith/x")
    before = await scene.forge.branches(NAME)
    with pytest.raises(PublishFailed, match="has moved"):
        await publish(request, scene.github, on_step=_nothing)
    assert await scene.forge.branches(NAME) == before


async def test_a_branch_that_a_person_named_holds_no_other_work(scene: Scene) -> None:
    """Not even where the commit would follow what is there."""
    request = await scene.request(CHANGE, branch="release")
    request = replace(request, target=replace(request.target, must_be_new=True))
    await scene.forge.commit(NAME, {"a.txt": b"one\n"}, branch="release")
    before = await scene.forge.branches(NAME)
    with pytest.raises(PublishFailed, match="a branch `release` in `acme/api` already"):
        await publish(request, scene.github, on_step=_nothing)
    for _ in range(2):
        # A publishing that is repeated finds its own.
        fresh = replace(request, target=replace(request.target, branch="release-2"))
        published = await publish(fresh, scene.github, on_step=_nothing)
    assert await scene.forge.branches(NAME) == before | {"release-2": published.head_commit}


async def test_a_title_that_a_person_gave_goes_to_the_pull_request_that_stands(
    scene: Scene,
) -> None:
    await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    request = await scene.request({"a.txt": b"three\n"}, ref="threadsmith/x")
    await publish(with_pull(request, new_title="Count"), scene.github, on_step=_nothing)
    (pull,) = scene.forge.pulls(NAME)
    assert pull.title == "Count"


async def test_a_base_that_changed_the_same_lines_is_named_and_nothing_pushed(
    scene: Scene,
) -> None:
    request = await scene.request(CHANGE)
    await scene.forge.commit(NAME, {"a.txt": b"other\n"})
    url = scene.forge.clone_url(NAME)
    head = await scene.mirrors.fetch(url, "main", repository=NAME, credentials=scene.credentials)
    with pytest.raises(BaseMoved, match=r"`main` has changed the same places in `a\.txt`"):
        await publish(with_pull(request, base_head=head.commit), scene.github, on_step=_nothing)
    assert list(await scene.forge.branches(NAME)) == ["main"]


async def test_a_base_that_moved_elsewhere_is_no_hindrance(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    await scene.forge.commit(NAME, {"other.txt": b"other\n"})
    url = scene.forge.clone_url(NAME)
    head = await scene.mirrors.fetch(url, "main", repository=NAME, credentials=scene.credentials)
    request = with_pull(request, base_head=head.commit)
    assert (await publish(request, scene.github, on_step=_nothing)).number == 1


async def test_only_the_approved_patch_is_published(scene: Scene) -> None:
    work = (await scene.request(CHANGE)).work
    with pytest.raises(PublishFailed, match="not the one that was approved"):
        await make_commit(replace(work, patch=work.patch + b"\n"))


async def test_a_hostile_patch_arrives_nowhere(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    hostile = with_patch(request, request.work.patch.replace(b"a.txt", b".git/hooks/post-checkout"))
    with pytest.raises(PatchRefused):
        await publish(hostile, scene.github, on_step=_nothing)
    assert list(await scene.forge.branches(NAME)) == ["main"]


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (b"token = [redacted]\n", ""),
        (b"password is 'hunter2-hunter2'\n", "hunter2-hunter2"),
        (b"t = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'\n", ""),
    ],
)
async def test_a_secret_in_the_patch_stops_it(scene: Scene, line: bytes, known: str) -> None:
    request = replace(await scene.request({"a.txt": line}), was_redacted=True)
    redactor = Redactor([known] if known else [])
    with pytest.raises(PublishFailed, match="secret"):
        await publish(request, scene.github, on_step=_nothing, redactor=redactor)
    assert list(await scene.forge.branches(NAME)) == ["main"]


async def test_a_word_that_only_looks_like_our_mark_is_no_secret(scene: Scene) -> None:
    request = await scene.request({"a.txt": b"log.info('[redacted]')\n"})
    assert (await publish(request, scene.github, on_step=_nothing)).number == 1


async def test_where_there_are_no_drafts_it_is_opened_all_the_same(scene: Scene) -> None:
    message = "Draft pull requests are not supported in this repository."
    scene.forge.fail_next("POST", "*/pulls", 422, message=message)
    request = with_pull(await scene.request(CHANGE), draft=True)
    notes: list[str] = []

    async def keep(step: str, details: dict[str, Any]) -> None:
        if step == "note":
            notes.append(details["result"])

    assert (await publish(request, scene.github, on_step=keep)).number == 1
    (pull,) = scene.forge.pulls(NAME)
    assert not pull.draft
    # Whoever wanted a draft is told.
    assert notes == ["This repository takes no drafts: it was opened for review."]


async def test_a_patch_over_the_ceiling_is_not_published(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    small = replace(request, work=replace(request.work, limit_bytes=50))
    with pytest.raises(PatchRefused, match="the limit is 50"):
        await publish(small, scene.github, on_step=_nothing)


async def test_a_token_that_may_not_push_is_named(scene: Scene) -> None:
    stranger = scene.forge.access.add_person("mallory")
    with pytest.raises(PublishFailed, match="may not push"):
        await publish(
            with_token(await scene.request(CHANGE), stranger), scene.github, on_step=_nothing
        )


async def test_a_protected_branch_is_named(scene: Scene) -> None:
    scene.forge.repositories[NAME].protected = ("threadsmith/*",)
    with pytest.raises(PublishFailed, match="`threadsmith/x` is protected"):
        await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)


async def test_reviewers_that_cannot_be_asked_do_not_undo_the_pull_request(scene: Scene) -> None:
    notes = []

    async def note(step: str, details: dict[str, Any]) -> None:
        notes.append((step, details.get("result")))

    scene.forge.repositories[NAME].people["grace"] = "none"
    request = with_pull(await scene.request(CHANGE), labels=("bot",), reviewers=("grace",))
    assert (await publish(request, scene.github, on_step=note)).number == 1
    assert notes[-1][0] == "note"
    assert "collaborators" in str(notes[-1][1])


async def test_commits_are_signed_with_the_configured_key(scene: Scene, tmp_path: Path) -> None:
    key = tmp_path / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(make, check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"bot@example.com {key.with_suffix('.pub').read_text()}")
    work = replace((await scene.request(CHANGE)).work, signing_key=key)
    commit, _ = await make_commit(work)
    assert (await make_commit(work))[0] == commit
    settings = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}"]
    done = subprocess.run(
        ["git", "-C", str(work.mirror), *settings, "verify-commit", commit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Good" in done.stderr, done.stderr


async def test_review_comments_are_answered_once(scene: Scene) -> None:
    published = await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    (comment,) = await scene.forge.review(
        NAME, published.number, by="ada", lines=(("a.txt", 1, "Why two?"),)
    )
    request = replace(
        await scene.request({"a.txt": b"three\n"}, ref="threadsmith/x"), answers=(comment,)
    )
    second = await publish(request, scene.github, on_step=_nothing)
    await publish(request, scene.github, on_step=_nothing)
    (pull,) = scene.forge.pulls(NAME)
    replies = [c for c in pull.review_comments if c.answers == comment]
    assert [reply.body for reply in replies] == [f"Answered in {second.head_commit}."]


async def test_refusals_of_the_rest_api_are_named(scene: Scene) -> None:
    with pytest.raises(RepositoryNotFound, match="acme/none"):
        await scene.github.repository("acme/none")
    other = GitHubForge(PersonalToken(scene.forge.api_url, "wrong"))
    with pytest.raises(ForgeTokenRefused):
        await other.repository(NAME)
    await other.close()
    with pytest.raises(ForgeConflict, match="No commits between"):
        await scene.github.create_pull(
            NAME, branch="main", base="main", title="x", body="", draft=False
        )
    info = await scene.github.repository(NAME)
    assert (info.default_branch, info.rights.push, info.missing) == ("main", True, ())


@pytest.mark.parametrize("is_pointer", [True, False])
async def test_what_belongs_in_lfs_is_not_committed_as_it_is(
    scene: Scene, is_pointer: bool
) -> None:
    await scene.forge.commit(NAME, {".gitattributes": b"*.bin filter=lfs -text\n"})
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    request = await scene.request({"x.bin": pointer if is_pointer else b"\0\1"})
    if is_pointer:
        assert (await publish(request, scene.github, on_step=_nothing)).number == 1
        return
    with pytest.raises(PublishFailed, match=r"`x\.bin` is kept in Git LFS"):
        await publish(request, scene.github, on_step=_nothing)
    assert list(await scene.forge.branches(NAME)) == ["main"]


async def test_a_plain_remote_gets_a_branch_alone(scene: Scene, tmp_path: Path) -> None:
    """Without a forge: the same commit, pushed where git can reach."""
    plain = tmp_path / "plain.git"
    subprocess.run(["git", "init", "-q", "--bare", str(plain)], check=True)
    request = await scene.request(CHANGE)
    target = replace(request.target, push_url=str(plain), env={})
    request = replace(request, target=target, pull=None)
    published = await publish(request, None, on_step=_nothing)
    assert (published.number, published.url) == (0, "")
    head = subprocess.run(
        ["git", "-C", str(plain), "rev-parse", "refs/heads/threadsmith/x"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert head.stdout.strip() == published.head_commit
    again = await publish(request, None, on_step=_nothing)
    assert again.head_commit == published.head_commit
