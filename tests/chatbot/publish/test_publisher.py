"""Patch to pull request, against real git and the forge; each step repeated, each refusal named."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from chatbot.publish.forge import ForgeError, ForgeTokenRefused, GitHubForge
from chatbot.publish.publisher import Published, PublishFailed, make_commit, publish, push_branch
from sandbox.errors import PatchRefused, RepositoryNotFound
from tests.chatbot.publish.conftest import NAME, Scene, with_token

CHANGE = {"a.txt": b"two\n", "b é.bin": b"\x00\xff"}


async def _nothing(step: str, result: str) -> None:
    pass


async def test_a_patch_becomes_a_branch_and_a_pull_request(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    steps = []

    async def note(step: str, result: str) -> None:
        steps.append(step)

    published = await publish(request, scene.github, on_step=note)
    head = (await scene.forge.branches(NAME))["threadsmith/x"]
    assert published == Published(
        number=1,
        url=f"{scene.forge.url}/{NAME}/pull/1",
        branch="threadsmith/x",
        head_commit=head,
        created=True,
    )
    assert steps == ["commit", "push", "pull_request"]
    for path, content in {**CHANGE, "run.sh": b"#!/bin/sh\n"}.items():
        assert await scene.forge.read_file(NAME, head, path) == content
    (pull,) = scene.forge.pulls(NAME)
    assert (pull.title, pull.body, pull.base) == ("Count to two", "Because.", "main")


async def test_doing_it_all_again_changes_nothing(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    first = await publish(request, scene.github, on_step=_nothing)
    second = await publish(request, scene.github, on_step=_nothing)
    assert second == replace(first, created=False)
    assert len(scene.forge.pulls(NAME)) == 1


@pytest.mark.parametrize("after", ["commit", "push", "pull_request"])
async def test_a_kill_after_any_step_is_made_good_by_repeating(scene: Scene, after: str) -> None:
    class Killed(Exception):
        pass

    async def die(step: str, result: str) -> None:
        if step == after:
            raise Killed

    request = await scene.request(CHANGE)
    with pytest.raises(Killed):
        await publish(request, scene.github, on_step=die)
    published = await publish(request, scene.github, on_step=_nothing)
    assert published.number == 1
    assert len(scene.forge.pulls(NAME)) == 1


async def test_a_lost_answer_makes_no_second_pull_request(scene: Scene) -> None:
    scene.forge.fail_next("POST", "*/pulls", 422, after=True)
    request = await scene.request(CHANGE)
    with pytest.raises(ForgeError):
        await publish(request, scene.github, on_step=_nothing)
    published = await publish(request, scene.github, on_step=_nothing)
    assert (published.number, published.created) == (1, False)


async def test_a_follow_up_adds_a_commit_to_the_same_pull_request(scene: Scene) -> None:
    first = await publish(await scene.request(CHANGE), scene.github, on_step=_nothing)
    person = await scene.forge.commit(NAME, {"p.txt": b"p\n"}, branch="threadsmith/x")
    request = await scene.request({"a.txt": b"three\n"}, ref="threadsmith/x")
    assert request.base_commit == person
    second = await publish(request, scene.github, on_step=_nothing)
    assert (second.number, second.created) == (first.number, False)
    assert await scene.forge.read_file(NAME, second.head_commit, "p.txt") == b"p\n"
    assert await scene.forge.read_file(NAME, second.head_commit, "a.txt") == b"three\n"


async def test_a_branch_that_people_moved_is_not_forced(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    await scene.forge.commit(NAME, {"p.txt": b"p\n"}, branch="threadsmith/x")
    before = await scene.forge.branches(NAME)
    with pytest.raises(PublishFailed, match="has moved"):
        await publish(request, scene.github, on_step=_nothing)
    assert await scene.forge.branches(NAME) == before


async def test_only_the_approved_patch_is_published(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    with pytest.raises(PublishFailed, match="not the one that was approved"):
        await make_commit(replace(request, patch=request.patch + b"\n"))


async def test_a_hostile_patch_arrives_nowhere(scene: Scene) -> None:
    request = await scene.request(CHANGE)
    patch = request.patch.replace(b"a.txt", b".git/hooks/post-checkout")
    hostile = replace(request, patch=patch, patch_sha256=hashlib.sha256(patch).hexdigest())
    with pytest.raises(PatchRefused):
        await publish(hostile, scene.github, on_step=_nothing)
    assert list(await scene.forge.branches(NAME)) == ["main"]


async def test_a_token_that_may_not_push_is_named(scene: Scene) -> None:
    request = with_token(await scene.request(CHANGE), "wrong")
    with pytest.raises(PublishFailed, match="may not push"):
        await push_branch(request, await make_commit(request))


async def test_refusals_of_the_rest_api_are_named(scene: Scene) -> None:
    with pytest.raises(RepositoryNotFound, match="acme/none"):
        await scene.github.repository("acme/none")
    other = GitHubForge(base_url=scene.forge.api_url, token="wrong")
    with pytest.raises(ForgeTokenRefused):
        await other.repository(NAME)
    await other.close()
    with pytest.raises(ForgeError, match="No commits between"):
        await scene.github.create_pull(
            NAME, branch="main", base="main", title="x", body="", draft=False
        )
    info = await scene.github.repository(NAME)
    assert (info.default_branch, info.can_push) == ("main", True)
