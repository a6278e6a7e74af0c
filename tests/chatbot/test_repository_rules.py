"""What holds for a repository: the configuration's word, then the person's, then its own wish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from chatbot.config import RepositorySettings, SandboxSettings, Settings
from chatbot.repository_rules import rules_for, rules_of
from chatbot.scripts import ScriptUnreadable, read_scripts
from sandbox.errors import SourceError
from sandbox.spec import Tree
from tests.sandbox.trees import make_tree, run_git

SECRETS = {"NPM_TOKEN": SecretStr("long-enough")}


def make_settings(*rules: dict[str, Any], **sandbox: Any) -> Settings:
    return Settings(
        sandbox=SandboxSettings(**sandbox),
        repositories=tuple(RepositorySettings(**rule) for rule in rules),
        secrets=SECRETS,
    )


def make(tmp_path: Path, files: dict[str, str]) -> Tree:
    return make_tree(tmp_path / "source", {"a.txt": "1\n", **files})


def test_later_rules_win_field_by_field() -> None:
    settings = make_settings(
        {"match": "acme/*", "image": "one", "setup_network": ("all",)},
        {"match": "acme/web", "image": "two"},
        {"match": "other/*", "image": "three"},
    )
    rules = rules_for(settings, "acme/web")
    assert (rules.image, rules.setup_network) == ("two", ("all",))
    assert rules_for(settings, "acme/api").image == "one"
    assert rules_for(settings, "else/where").setup_network == ("packages",)


def test_trust_may_be_given_and_taken() -> None:
    settings = make_settings({"match": "acme/web", "trust_setup": False}, trust_setup=("acme/*",))
    assert rules_for(settings, "acme/api").is_trusted
    assert not rules_for(settings, "acme/web").is_trusted
    # The forge takes the name in any letters: what is taken from it is taken from it.
    settings = make_settings({"match": "Acme/web", "trust_setup": False}, trust_setup=("*",))
    assert not rules_for(settings, "acme/WEB").is_trusted
    settings = make_settings({"match": "acme/web", "trust_setup": False}, trust_setup=("acme/*",))
    assert not rules_for(settings, "other/api").is_trusted


@pytest.mark.parametrize(
    ("configured", "own", "person", "image"),
    [
        (None, None, None, "threadsmith-agent:latest"),
        (None, "node:22", None, "node:22"),
        ("python:3", "node:22", None, "python:3"),
        ("python:3", "node:22", "go:1", "go:1"),
    ],
)
async def test_which_image(
    tmp_path: Path, configured: str | None, own: str | None, person: str | None, image: str
) -> None:
    rules = [{"match": "acme/*", "image": configured}]
    tree = make(tmp_path, {".threadsmith.toml": f'image = "{own}"\n'} if own else {})
    found = await rules_of(make_settings(*rules), "acme/api", tree, image=person)
    assert found.image == image


@pytest.mark.parametrize(
    ("own", "person", "secrets"),
    [("", None, ("NPM_TOKEN",)), ("", "evil:1", ()), ('image = "evil:1"', None, ())],
)
async def test_secrets_meet_no_image_but_the_configuration_s(
    tmp_path: Path, own: str, person: str | None, secrets: tuple[str, ...]
) -> None:
    settings = make_settings({"match": "acme/*", "secrets": ("NPM_TOKEN",)})
    tree = make(tmp_path, {".threadsmith.toml": own})
    rules = await rules_of(settings, "acme/api", tree, image=person)
    assert rules.secrets == secrets
    assert any("gets no secrets" in note for note in rules.notes) is (not secrets)


async def test_scripts_are_named_by_the_configuration_first(tmp_path: Path) -> None:
    files = {
        ".threadsmith.toml": 'setup = "own.sh"\nmaintenance = "again.sh"\ntest = "make check"\n',
        "own.sh": "own\n",
        "again.sh": "again\n",
        "theirs.sh": "theirs\n",
        "setup.sh": "default\n",
    }
    tree = make(tmp_path, files)
    rules = await rules_of(make_settings(), "acme/api", tree)
    scripts = await read_scripts(tree, rules)
    assert scripts is not None
    assert scripts.files == (("own.sh", "own\n"), ("again.sh", "again\n"))
    assert rules.test == "make check"
    settings = make_settings({"match": "*", "setup": "theirs.sh"})
    scripts = await read_scripts(tree, await rules_of(settings, "acme/api", tree))
    assert scripts is not None
    assert scripts.path == "theirs.sh"


async def test_without_a_set_up_script_there_is_no_maintenance(tmp_path: Path) -> None:
    tree = make(tmp_path, {".threadsmith.toml": 'maintenance = "a.txt"\n'})
    assert await read_scripts(tree, await rules_of(make_settings(), "acme/api", tree)) is None


@pytest.mark.parametrize("text", ["[[", "\udcff", 'image = ""', "setup = 3", "unknown = 1"])
async def test_wrong_wishes_are_told_and_left_out(tmp_path: Path, text: str) -> None:
    tree = make(tmp_path, {})
    (tmp_path / "source" / "work" / ".threadsmith.toml").write_bytes(
        text.encode(errors="surrogateescape")
    )
    work = tmp_path / "source" / "work"
    run_git(work, "add", "--all")
    run_git(work, "commit", "-q", "-m", "Wishes")
    commit = run_git(work, "rev-parse", "HEAD")
    tree = Tree(mirror=str(work / ".git"), commit=commit, branch="main", repository="acme/api")
    rules = await rules_of(make_settings(), "acme/api", tree)
    assert len(rules.notes) == 1
    assert (rules.image, rules.setup) == ("threadsmith-agent:latest", None)


async def test_a_script_must_be_readable_by_a_person(tmp_path: Path) -> None:
    tree = make(tmp_path, {"setup.sh": "true\0\n"})
    rules = await rules_of(make_settings(), "acme/api", tree)
    with pytest.raises(ScriptUnreadable):
        await read_scripts(tree, rules)
    long = make(tmp_path / "long", {"setup.sh": "# \n" * 200_000})
    with pytest.raises(SourceError, match="longer than"):
        await read_scripts(long, rules)
