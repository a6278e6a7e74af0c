"""A repository's scripts that run as root: what a person is shown, and approves word for word."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from chatbot.models import Task
from chatbot.repository_rules import Rules
from sandbox.environments.recipe import read_script
from sandbox.errors import ThreadsmithError
from sandbox.spec import Tree


class ScriptUnreadable(ThreadsmithError):
    """The set-up script is not text."""

    code = "script_unreadable"
    stage = "setup"
    resolution = "A set-up script must be UTF-8 text: a person has to read it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """The set-up script, and the maintenance script where there is one."""

    files: tuple[tuple[str, str], ...]
    """Path and content."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def path(self) -> str:
        return self.files[0][0]

    @property
    def maintenance(self) -> str | None:
        return self.files[1][0] if len(self.files) > 1 else None

    @property
    def lines(self) -> int:
        return sum(len(content.splitlines()) for _, content in self.files)

    def text(self) -> str:
        """For reading: one script as it is, several each under its path."""
        if len(self.files) == 1:
            return self.files[0][1]
        return "\n".join(f"##### {path}\n{content}" for path, content in self.files)

    def to_json(self) -> str:
        return json.dumps(self.files)

    @classmethod
    def from_json(cls, text: str) -> Scripts:
        return cls(files=tuple((path, content) for path, content in json.loads(text)))


def trust_domain(task: Task) -> str:
    """Whose approvals count: a repository's address; an archive is trusted by nobody but its task.

    Anybody may give an archive the name of another one.
    """
    source = task.source
    return source.url if source.kind == "git" else f"task {task.id}"


async def read_scripts(tree: Tree, rules: Rules) -> Scripts | None:
    """What the commit has of the scripts that the rules name; None without a set-up script."""
    files = []
    for path in rules.scripts:
        data = await read_script(tree, path)
        if data is not None:
            files.append((path, _decode(path, data)))
        elif not files:
            return None
    return Scripts(files=tuple(files))


def _decode(path: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ScriptUnreadable(f"`{path}` is not UTF-8 text.", details=str(error)) from error
    if "\0" in text:
        raise ScriptUnreadable(f"`{path}` is not text.")
    return text
