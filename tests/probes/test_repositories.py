"""A repository attacks whoever reads it: the host fetches, packs and compares, and runs nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.config import Settings
from chatbot.repository_rules import rules_of
from chatbot.scripts import read_scripts
from sandbox.environments import recipe
from sandbox.environments.recipe import find_locks, read_script
from sandbox.errors import RefNotFound, SourceError
from sandbox.sources.bundle import bundle
from sandbox.sources.files import count_files
from sandbox.sources.mirror import Mirrors
from sandbox.sources.notes import tree_notes
from sandbox.spec import Tree
from tests.probes.ground import ground
from tests.sandbox.git_repository import Repository, run_git
from tests.sandbox.git_server import GitServer, serve_git

MARK = "/tmp/threadsmith-probe-{}"


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """What must not appear: every attack would make it."""
    path = Path(MARK.format(tmp_path.name))
    yield path
    existed = path.exists()
    path.unlink(missing_ok=True)
    assert not existed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serve_git(tmp_path / "served") as server:
        yield server


async def fetch(tmp_path: Path, server: GitServer, name: str = "acme/api") -> Tree:
    return await Mirrors(tmp_path / "mirrors").fetch(server.url(name), None, repository=name)


async def read_all(tree: Tree) -> None:
    """Everything that the host itself does with a tree."""
    settings = Settings()
    rules = await rules_of(settings, tree.repository, tree)
    await read_scripts(tree, rules)
    await tree_notes(tree)
    await find_locks(tree)
    await count_files(tree)
    async for _ in bundle(tree):
        pass


async def test_drivers_and_settings_in_the_tree_run_nothing(
    tmp_path: Path, server: GitServer, marker: Path
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit(
        {
            ".gitattributes": "* filter=evil diff=evil merge=evil export-subst\n",
            ".gitconfig": f'[filter "evil"]\n\tclean = touch {marker}\n\tsmudge = touch {marker}\n',
            ".git-config": f"[core]\n\tfsmonitor = touch {marker}\n",
            "a.txt": "$Format:%H$\n",
        }
    )
    await read_all(await fetch(tmp_path, server))


async def test_hooks_and_settings_of_the_served_repository_run_nothing(
    tmp_path: Path, server: GitServer, marker: Path
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit({"a.txt": "1\n"})
    hooks = repository.path / ".git" / "hooks"
    hooks = hooks if hooks.parent.exists() else repository.path / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-merge", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    tree = await fetch(tmp_path, server)
    await read_all(tree)
    config = (Path(tree.mirror) / "config").read_text()
    assert "url" not in config
    assert not (Path(tree.mirror) / "hooks").exists()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {marker}",
        "-u./payload",
        "--upload-pack=touch {marker}",
        "file:///etc",
        "ssh://-oProxyCommand=touch%20{marker}/x",
    ],
)
async def test_submodules_are_told_and_never_followed(
    tmp_path: Path, server: GitServer, marker: Path, url: str
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    text = f'[submodule "x"]\n\tpath = x\n\turl = {url.format(marker=marker)}\n\tupdate = !touch\n'
    commit = repository.commit({".gitmodules": text, "payload": f"#!/bin/sh\ntouch {marker}\n"})
    entry = f"160000,{commit},x"
    repository.git("update-index", "--add", "--cacheinfo", entry)
    repository.git("commit", "-q", "-m", "A submodule")
    tree = await fetch(tmp_path, server)
    await read_all(tree)
    assert any("Submodules are not fetched" in note for note in await tree_notes(tree))


@pytest.mark.parametrize("target", ["/etc/shadow", "../../../../etc/passwd", "a.txt"])
async def test_links_are_read_by_nobody_on_the_host(
    tmp_path: Path, server: GitServer, target: str
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit({"a.txt": "1\n"})
    blob = run_git(repository.path, "hash-object", "-w", "--stdin", stdin=target.encode())
    for name in ("setup.sh", ".threadsmith.toml", "AGENTS.md"):
        entry = f"120000,{blob.decode().strip()},{name}"
        repository.git("update-index", "--add", "--cacheinfo", entry)
    repository.git("commit", "-q", "-m", "Links")
    tree = await fetch(tmp_path, server)
    assert await read_script(tree, "setup.sh") is None
    rules = await rules_of(Settings(), tree.repository, tree)
    assert rules.notes == ()


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "/etc/passwd", "-x", ":(glob)**", "a\nb", "*.sh", ".git/config", ""],
)
async def test_a_script_is_named_by_its_path_and_nothing_else(
    tmp_path: Path, server: GitServer, path: str
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit({"setup.sh": "true\n"})
    tree = await fetch(tmp_path, server)
    try:
        assert await read_script(tree, path) is None
    except SourceError:
        pass


async def test_a_repository_does_not_weaken_the_host_s_rules(
    tmp_path: Path, server: GitServer
) -> None:
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit(
        {
            ".threadsmith.toml": 'trust_setup = true\nsetup_network = ["all"]\nsecrets = ["X"]\n'
            'agent_network = ["all"]\nmemory_mib = 99999\nimage = "--privileged"\n'
            'setup = ["a"]\n[sandbox]\nruntime = "evil"\n'
        }
    )
    tree = await fetch(tmp_path, server)
    rules = await rules_of(Settings(), tree.repository, tree)
    assert not rules.is_trusted
    assert (rules.setup_network, rules.agent_network) == (("packages",), ())
    assert rules.secrets == ()
    assert rules.image == "threadsmith-agent:latest"
    assert len(rules.notes) == 8


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {marker}",
        "--upload-pack=touch {marker}",
        "-c",
        "file:///etc",
        "/etc",
        "ssh://-oProxyCommand=touch {marker}/x",
        "git://127.0.0.1/x",
        "fd::17/x",
        "https://user:token@127.0.0.1/x",
        "http://127.0.0.1/x\n-u",
        "https://",
    ],
)
async def test_addresses_that_are_commands_are_refused(
    tmp_path: Path, marker: Path, url: str
) -> None:
    with pytest.raises(SourceError):
        await Mirrors(tmp_path / "mirrors").fetch(
            url.format(marker=marker), None, repository="acme/api"
        )


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=touch {marker}", "-x", "a..b", "@{{-1}}", "HEAD~1", "a b", "a\x00b", "^x"],
)
async def test_refs_that_are_options_are_refused(
    tmp_path: Path, server: GitServer, marker: Path, ref: str
) -> None:
    Repository(tmp_path / "served" / "acme" / "api").commit({"a": "1\n"})
    with pytest.raises(RefNotFound):
        await Mirrors(tmp_path / "mirrors").fetch(
            server.url("acme/api"), ref.format(marker=marker), repository="acme/api"
        )


async def test_a_bomb_of_trees_is_not_counted_to_its_end(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten folders in ten folders, nine deep: a billion files in a few hundred bytes."""
    monkeypatch.setattr(recipe, "LISTING_BYTES", 4 * 1024**2)
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit({"a": "1\n"})
    git = repository.path
    entry = f"100644 blob {repository.git('rev-parse', 'HEAD:a')}"
    for _ in range(9):
        lines = "".join(f"{entry}\td{n}\n" for n in range(10))
        tree = run_git(git, "mktree", stdin=lines.encode()).decode().strip()
        entry = f"040000 tree {tree}"
    commit = run_git(git, "commit-tree", "-m", "Bomb", tree).decode().strip()
    repository.git("update-ref", "refs/heads/main", commit)
    found = await fetch(tmp_path, server)
    with pytest.raises(SourceError, match="too many files"):
        await find_locks(found)


@pytest.mark.docker
async def test_a_bomb_of_trees_ends_in_its_container(tmp_path: Path, agent_image: str) -> None:
    from tests.probes.ground import LIMITS
    from tests.sandbox.trees import run_git as run

    limits = replace(LIMITS, wall_seconds=8)
    async with ground(tmp_path, agent_image, {"a": "1\n"}, limits=limits) as here:
        mirror = Path(here.spec.tree.mirror)
        entry = f"100644 blob {run(mirror, 'rev-parse', 'main:a')}"
        for _ in range(8):
            lines = "".join(f"{entry}\td{n}\n" for n in range(10))
            made = subprocess.run(
                ["git", "-C", mirror, "mktree"], input=lines, capture_output=True, text=True
            )
            entry = f"040000 tree {made.stdout.strip()}"
        commit = run(mirror, "commit-tree", "-m", "Bomb", made.stdout.strip())
        outcome = await here.run(tree=replace(here.spec.tree, commit=commit))
        assert outcome.kind == "failed"
        assert await here.engine.list() == []


@pytest.mark.docker
async def test_a_tree_with_git_in_disguise_is_told_in_words(
    tmp_path: Path, agent_image: str, marker: Path
) -> None:
    from tests.sandbox.trees import run_git as run

    async with ground(tmp_path, agent_image, {"a": "1\n"}) as here:
        mirror = Path(here.spec.tree.mirror)
        blob = run(mirror, "rev-parse", "main:a")
        made = subprocess.run(
            ["git", "-C", mirror, "mktree"],
            input=f"100644 blob {blob}\tpost-checkout\n",
            capture_output=True,
            text=True,
        )
        hooks = made.stdout.strip()
        for name in (".git", ".GIT", "git~1"):
            made = subprocess.run(
                ["git", "-C", mirror, "mktree"],
                input=f"100644 blob {blob}\ta\n040000 tree {hooks}\t{name}\n",
                capture_output=True,
                text=True,
            )
            commit = run(mirror, "commit-tree", "-m", "Disguise", made.stdout.strip())
            run_id = f"{here.spec.run_id}{len(name)}{name.isupper():d}"
            outcome = await here.run(
                ["ls -a"], tree=replace(here.spec.tree, commit=commit), run_id=run_id
            )
            assert outcome.kind in ("nothing", "failed")
            if outcome.kind == "failed":
                assert outcome.brief == "The source could not be laid out."
