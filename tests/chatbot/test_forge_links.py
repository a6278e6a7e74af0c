"""Links to the forge: which are followed, and what is read there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatbot.demo.forge import Forge
from chatbot.forge.errors import ForgeError
from chatbot.forge.identity import PersonalToken
from chatbot.forge_links import MAX_CHARACTERS, ForgePages, find_links
from chatbot.history.given import Given

NAME = "acme/api"
URL = "https://forge.example"


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        (f"fix {URL}/acme/api/issues/12.", {"kind": "issues", "number": "12"}),
        (f"see ({URL}/acme/api/pull/3)", {"kind": "pull", "number": "3"}),
        (f"{URL}/acme/api/commit/abcdef1 broke it", {"sha": "abcdef1"}),
        (
            f"look: {URL}/acme/api/blob/main/src/a.py#L3-L9",
            {"ref": "main", "path": "src/a.py", "line": "3", "end": "9"},
        ),
    ],
)
def test_pages_of_the_forge_are_found(words: str, origin: dict[str, str]) -> None:
    (found,) = find_links(words, f"{URL}/")
    assert found.kind == "text"
    assert found.origin == {"from": "forge", "name": NAME, **origin}


@pytest.mark.parametrize(
    "words",
    [
        "https://elsewhere.example/acme/api/issues/1",
        f"{URL}.evil.example/acme/api/issues/1",
        f"https://evil.example/?{URL}/acme/api/issues/1",
        f"{URL}/acme/api",
        f"{URL}/acme/api/settings",
        f"{URL}/../../etc/issues/1",
    ],
)
def test_other_places_are_left_alone(words: str) -> None:
    assert find_links(words, URL) == []


def test_links_are_taken_once_and_not_without_end() -> None:
    one = f"{URL}/acme/api/issues/"
    assert len(find_links(f"{one}1 {one}1", URL)) == 1
    assert len(find_links(" ".join(f"{one}{n}" for n in range(20)), URL)) == 5


@dataclass
class Desk:
    forge: Forge
    pages: ForgePages

    async def read(self, **origin: Any) -> str:
        item = Given(
            id=1,
            task_id="t",
            message_id=None,
            kind="text",
            name="x",
            origin={"from": "forge", "name": NAME, **origin},
            state="wanted",
            author="Ada",
        )
        return (await self.pages.fetch(item)).decode()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    forge = Forge(directory=tmp_path / "forge")
    await forge.start()
    text = "".join(f"line {n}\n" for n in range(1, 101)).encode()
    await forge.add_repository(NAME, {"src/a b.txt": text, "bin": b"\0\1"})
    identity = PersonalToken(forge.api_url, forge.token)
    yield Desk(forge, ForgePages(identity))
    await identity.close()
    await forge.stop()


async def test_an_issue_comes_with_what_was_said_under_it(desk: Desk) -> None:
    number = await desk.forge.open_issue(NAME, "It breaks", "x" * 30_000, by="ada")
    await desk.forge.comment_on(NAME, number, "Only on Mondays.", by="bob")
    text = await desk.read(kind="issues", number=str(number))
    assert text.startswith(f"Issue {NAME}#{number}, open: It breaks\n\nada wrote:\nxxx")
    assert text.endswith("bob commented:\nOnly on Mondays.")
    assert len(text) < MAX_CHARACTERS


async def test_a_pull_request_and_a_commit_come_with_what_they_change(desk: Desk) -> None:
    repository = desk.forge.repositories[NAME]
    head = await desk.forge.commit(NAME, {"new.txt": b"fresh\n"})
    commit = await desk.read(sha=head)
    assert f"Commit {head} of {NAME} by" in commit
    assert "added: new.txt\n@@ -0,0 +1 @@\n+fresh" in commit
    await repository.move_branch("ours", head)
    await desk.forge.commit(NAME, {"new.txt": b"newer\n"}, branch="ours")
    client = await desk.pages._identity.client(NAME)
    body = {"title": "Newer", "body": "So.", "head": "ours", "base": "main"}
    made = (await client.ask("POST", f"/repos/{NAME}/pulls", name=NAME, body=body)).data
    text = await desk.read(kind="pull", number=str(made["number"]))
    assert f"Pull request {NAME}#{made['number']}, open: Newer\nFrom branch ours into main" in text
    assert "modified: new.txt\n@@ -1 +1 @@\n-fresh\n+newer" in text


async def test_a_file_comes_with_the_lines_around(desk: Desk) -> None:
    text = await desk.read(ref="main", path="src/a%20b.txt", line="50", end="51")
    head, first, *rest = text.split("\n")
    assert head == f"src/a b.txt at main of {NAME}, lines 30 to 71 of 100:"
    assert (first, rest[-1]) == ("    30\tline 30", "    71\tline 71")
    assert "line 100" in await desk.read(ref="main", path="src/a%20b.txt")
    assert "lines 80 to 100" in await desk.read(ref="main", path="src/a%20b.txt", line="800000")


@pytest.mark.parametrize(
    "origin",
    [{"ref": "main", "path": "bin"}, {"ref": "main", "path": "gone"}, {"sha": "abcdef1"}],
)
async def test_what_cannot_be_read_says_so(desk: Desk, origin: dict[str, str]) -> None:
    with pytest.raises(ForgeError):
        await desk.read(**origin)
