"""Mirrors, against git's own server over HTTP and directories of this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import RefNotFound, RepositoryNotFound, SourceError
from sandbox.git import GitCredentials
from sandbox.sources import mirror as mirror_module
from sandbox.sources import remote as remote_module
from sandbox.sources.mirror import Mirrors
from sandbox.sources.remote import Resolved
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository, run_git
from tests.sandbox.git_server import GitServer, serve_git

TOKEN = GitCredentials(username="x-access-token", token="t0p-secret")

FETCH_IN_ANOTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from sandbox.sources.mirror import Mirrors
tree = asyncio.run(Mirrors(Path(sys.argv[1])).fetch(sys.argv[2], None, repository="acme/api"))
print(tree.commit)
"""


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors")


def other_process(tmp_path: Path, url: str) -> tuple[str, ...]:
    return (sys.executable, "-c", FETCH_IN_ANOTHER_PROCESS, str(tmp_path / "mirrors"), url)


def size_of(mirror: Path) -> int:
    return sum(path.stat().st_size for path in (mirror / "objects").rglob("*") if path.is_file())


class TestResolve:
    async def test_every_kind_of_ref(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        first = repository.git("rev-parse", "HEAD")
        repository.git("tag", "light")
        repository.git("tag", "-a", "v1.0", "-m", "One")
        second = repository.commit({"a.py": "a = 1\n"})
        repository.git("branch", "feature/x")
        repository.git("tag", "feature/x", first)
        third = repository.commit({"a.py": "a = 2\n"})
        expected = {
            None: (third, "main"),
            "HEAD": (third, "main"),
            "main": (third, "main"),
            "refs/heads/main": (third, "main"),
            "feature/x": (second, "feature/x"),
            "refs/tags/feature/x": (first, None),
            "light": (first, None),
            "v1.0": (first, None),
            second: (second, None),
            first[:8]: (first, None),
            first[:12].upper(): (first, None),
        }
        url = server.url("acme/api")
        found = {ref: await mirrors.resolve(url, ref) for ref in expected}
        assert found == {
            # A commit is asked of the mirror, and the remote says nothing of its branches.
            ref: Resolved(
                commit=commit,
                branch=branch,
                default_branch=None if str(ref).lower()[:8] in (first[:8], second[:8]) else "main",
            )
            for ref, (commit, branch) in expected.items()
        }

    async def test_names_are_resolved_without_a_mirror(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        await mirrors.resolve(server.url("acme/api"), "main")
        assert not mirrors.path(server.url("acme/api")).exists()

    async def test_default_branch_of_another_name_and_detached_head(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        repository.git("branch", "-m", "trunk")
        commit = repository.git("rev-parse", "HEAD")
        url = server.url("acme/api")
        assert await mirrors.resolve(url, None) == Resolved(
            commit=commit, branch="trunk", default_branch="trunk"
        )
        repository.git("checkout", "--quiet", "--detach")
        repository.git("branch", "-D", "trunk")
        assert await mirrors.resolve(url, None) == Resolved(commit=commit, branch=None)

    @pytest.mark.parametrize("ref", ["nope", "mai", "*", "1234567", "0" * 40, "-x", "refs/heads/*"])
    async def test_unknown_ref_is_named(
        self, repository: Repository, server: GitServer, mirrors: Mirrors, ref: str
    ) -> None:
        with pytest.raises(RefNotFound) as caught:
            await mirrors.resolve(server.url("acme/api"), ref)
        assert f"`{ref}`" in caught.value.brief

    async def test_empty_repository(
        self, tmp_path: Path, server: GitServer, mirrors: Mirrors
    ) -> None:
        Repository(tmp_path / "served" / "acme" / "new")
        with pytest.raises(SourceError, match="no commit yet"):
            await mirrors.resolve(server.url("acme/new"), None)


class TestFailures:
    async def test_missing_repository(self, server: GitServer, mirrors: Mirrors) -> None:
        with pytest.raises(RepositoryNotFound) as caught:
            await mirrors.resolve(server.url("acme/nope"), None)
        assert "acme/nope" in caught.value.brief

    async def test_token_is_asked_for_refused_and_taken(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        server.token = TOKEN.token
        url = server.url("acme/api")
        with pytest.raises(RepositoryNotFound, match="asks for a token"):
            await mirrors.resolve(url, None)
        wrong = replace(TOKEN, token="wr0ng")
        for server.refusal in (401, 403):
            with pytest.raises(RepositoryNotFound, match="refused the configured token") as caught:
                await mirrors.resolve(url, None, wrong)
            assert "wr0ng" not in repr((wrong, str(caught.value), caught.value.__cause__))
        tree = await mirrors.fetch(url, None, repository="acme/api", credentials=TOKEN)
        assert tree.commit == repository.git("rev-parse", "HEAD")

    async def test_token_never_follows_a_redirect(
        self, tmp_path: Path, server: GitServer, mirrors: Mirrors
    ) -> None:
        with serve_git(tmp_path / "served") as elsewhere:
            server.redirect = elsewhere.url("").rstrip("/")
            with pytest.raises(SourceError, match="has moved"):
                await mirrors.resolve(server.url("acme/api"), None, TOKEN)
            assert elsewhere.requests == []
            assert (await mirrors.resolve(server.url("acme/api"), None)).branch == "main"

    async def test_token_goes_to_its_own_host_only(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        await mirrors.resolve(server.url("acme/api"), None, TOKEN)
        assert all(header is not None for _, header in server.requests)
        server.requests.clear()
        await mirrors.resolve(server.url("acme/api"), None)
        assert all(header is None for _, header in server.requests)

    async def test_host_that_cannot_be_reached(self, mirrors: Mirrors) -> None:
        for url in ("http://127.0.0.1:1/acme/api", "https://nowhere.invalid/acme/api"):
            with pytest.raises(SourceError, match="cannot be reached") as caught:
                await mirrors.resolve(url, None)
            assert caught.value.code == "source_unreachable"

    async def test_silent_host(
        self, server: GitServer, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(remote_module, "_ASK_SECONDS", 0.5)
        server.silent.set()
        with pytest.raises(SourceError, match="did not answer in time"):
            await mirrors.resolve(server.url("acme/api"), None)

    async def test_address_is_checked_first(self, mirrors: Mirrors, tmp_path: Path) -> None:
        for url in (f"ext::touch {tmp_path}/x", str(tmp_path), f"file://{tmp_path}"):
            with pytest.raises(SourceError):
                await mirrors.fetch(url, None, repository="x")
        assert list(tmp_path.iterdir()) == []


class TestFetch:
    async def test_tree_and_its_mirror(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        server.token = TOKEN.token
        commit = repository.commit({"a.py": "a = 1\n"})
        url = server.url("acme/api.git").removesuffix(".git")
        tree = await mirrors.fetch(url, None, repository="acme/api", credentials=TOKEN)
        path = mirrors.path(url)
        assert tree == Tree(
            mirror=str(path),
            commit=commit,
            branch="main",
            repository="acme/api",
            default_branch="main",
        )
        assert run_git(path, "show", f"{commit}:a.py") == b"a = 1\n"
        kept = "".join(file.read_text() for file in path.glob("*") if file.is_file())
        assert TOKEN.token not in kept
        assert url not in kept
        assert not list((path / "hooks").glob("*"))
        assert sorted(each.name for each in path.parent.iterdir()) == sorted(
            [path.name, path.with_suffix(".lock").name]
        )

    async def test_fetches_only_what_is_missing(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        url = server.url("acme/api")
        first = await mirrors.fetch(url, None, repository="acme/api")
        server.requests.clear()
        assert await mirrors.fetch(url, None, repository="acme/api") == first
        assert not any(path.endswith("/git-upload-pack") for path, _ in server.requests[2:])
        server.requests.clear()
        again = await mirrors.fetch(url, first.commit, repository="acme/api")
        assert again == replace(first, branch=None, default_branch=None)
        assert server.requests == []
        commit = repository.commit({"new.py": ""})
        assert (await mirrors.fetch(url, None, repository="acme/api")).commit == commit

    async def test_branches_that_take_each_others_place(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        url = server.url("acme/api")
        repository.git("branch", "topic")
        await mirrors.fetch(url, "topic", repository="acme/api")
        repository.git("branch", "-D", "topic")
        repository.commit({"new.py": ""})
        repository.git("branch", "topic/one")
        tree = await mirrors.fetch(url, "topic/one", repository="acme/api")
        assert tree.branch == "topic/one"

    async def test_commit_that_every_branch_has_left(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        url = server.url("acme/api")
        lost = repository.commit({"lost.py": "x = 1\n"})
        await mirrors.fetch(url, None, repository="acme/api")
        repository.git("reset", "--quiet", "--hard", "HEAD~1")
        repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
        assert (await mirrors.fetch(url, lost, repository="acme/api")).commit == lost
        other = Mirrors(mirrors.path(url).parent.with_name("others"))
        assert (await other.fetch(url, lost, repository="acme/api")).commit == lost

    async def test_pull_requests_head(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        commit = repository.commit({"pr.py": ""})
        repository.git("update-ref", "refs/pull/7/head", commit)
        repository.git("reset", "--quiet", "--hard", "HEAD~1")
        repository.git("config", "uploadpack.allowTipSHA1InWant", "true")
        tree = await mirrors.fetch(
            server.url("acme/api"), "refs/pull/7/head", repository="acme/api"
        )
        assert (tree.commit, tree.branch) == (commit, None)

    async def test_a_moved_branch_brings_only_what_is_new(
        self, repository: Repository, server: GitServer, mirrors: Mirrors
    ) -> None:
        url = server.url("acme/api")
        repository.commit({f"{n}.bin": os.urandom(50_000) for n in range(40)})
        await mirrors.fetch(url, None, repository="acme/api")
        before = size_of(mirrors.path(url))
        commit = repository.commit({"new.py": "n = 1\n"})
        assert (await mirrors.fetch(url, None, repository="acme/api")).commit == commit
        assert before > 2_000_000
        assert size_of(mirrors.path(url)) - before < 10_000

    async def test_many_fetches_do_not_make_many_packs(
        self,
        repository: Repository,
        server: GitServer,
        mirrors: Mirrors,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(mirror_module, "_MANY_PACKS", 4)
        url = server.url("acme/api")
        commits = []
        for number in range(9):
            commits.append(repository.commit({f"{number}.py": f"{number}\n"}))
            await mirrors.fetch(url, None, repository="acme/api")
            assert len(list(mirrors.path(url).glob("objects/pack/*.pack"))) <= 4
        # One that no branch has any more is kept as well: tasks may start from it.
        repository.git("reset", "--quiet", "--hard", "HEAD~3")
        for number in range(9):
            repository.commit({f"x{number}.py": f"{number}\n"})
            await mirrors.fetch(url, None, repository="acme/api")
        for commit in commits:
            run_git(mirrors.path(url), "rev-list", "--objects", commit)
        run_git(mirrors.path(url), "fsck", "--full", "--strict")

    async def test_many_at_once_build_one_mirror(
        self, repository: Repository, server: GitServer, mirrors: Mirrors, tmp_path: Path
    ) -> None:
        url = server.url("acme/api")
        others = [
            await asyncio.create_subprocess_exec(
                *other_process(tmp_path, url), stdout=asyncio.subprocess.PIPE
            )
            for _ in range(2)
        ]
        trees = await asyncio.gather(
            *(mirrors.fetch(url, None, repository="acme/api") for _ in range(4))
        )
        printed = {(await other.communicate())[0].decode().strip() for other in others}
        assert printed == {trees[0].commit}
        assert trees == [trees[0]] * 4
        assert len(list((tmp_path / "mirrors").glob("*.git"))) == 1
        assert list((tmp_path / "mirrors").glob("*.new")) == []

    async def test_cancelling_ends_git_and_frees_the_lock(
        self, repository: Repository, server: GitServer, mirrors: Mirrors, tmp_path: Path
    ) -> None:
        url = server.url("acme/api")
        commit = (await mirrors.resolve(url, None)).commit
        server.silent.set()
        fetching = asyncio.create_task(mirrors.fetch(url, commit, repository="acme/api"))
        async with asyncio.timeout(60):
            while not list((tmp_path / "mirrors").glob("*.new")):
                await asyncio.sleep(0.01)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        server.silent.clear()
        assert list((tmp_path / "mirrors").glob("*.new")) == []
        assert (await mirrors.fetch(url, None, repository="acme/api")).commit == commit


class TestLocal:
    async def test_a_directory_of_this_machine(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        mirrors = Mirrors(tmp_path / "mirrors", allow_local=True)
        for url in (str(repository.path), f"file://{repository.path}"):
            tree = await mirrors.fetch(url, None, repository="api")
            assert (tree.commit, tree.branch) == (repository.git("rev-parse", "HEAD"), "main")
        with pytest.raises(RepositoryNotFound):
            await mirrors.resolve(str(tmp_path / "nothing"), None)

    async def test_head_that_is_no_branch(self, repository: Repository, tmp_path: Path) -> None:
        commit = repository.git("rev-parse", "HEAD")
        repository.git("update-ref", "refs/odd/head", commit)
        (repository.path / ".git" / "HEAD").write_text("ref: refs/odd/head\n")
        found = await Mirrors(tmp_path / "m", allow_local=True).resolve(str(repository.path), None)
        assert found == Resolved(commit=commit, branch=None)

    async def test_a_shallow_clone_says_so(self, repository: Repository, tmp_path: Path) -> None:
        repository.commit({"a.py": ""})
        run_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository.path}", "shallow")
        mirrors = Mirrors(tmp_path / "mirrors", allow_local=True)
        with pytest.raises(SourceError, match="shallow"):
            await mirrors.fetch(str(tmp_path / "shallow"), None, repository="api")
