"""What holds for one repository: the configuration first, then the repository's own wishes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import Any

from chatbot.config import Settings
from chatbot.permissions import matches
from sandbox.sources.files import read_file
from sandbox.spec import OWN_AGENT, Tree

OWN_SETTINGS = ".threadsmith.toml"
OWN_BYTES = 64 * 1024
DEFAULT_SETUP = "setup.sh"
_TEXTS = ("image", "setup", "maintenance", "test")
IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]{0,254}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How runs on a repository are made."""

    image: str
    setup: str | None
    """None: nobody named one, and `setup.sh` is taken where there is one."""
    maintenance: str | None
    is_trusted: bool
    """Its scripts need no approval."""
    setup_network: tuple[str, ...]
    agent_network: tuple[str, ...]
    secrets: tuple[str, ...]
    agent: str = OWN_AGENT
    """Which program does the work."""
    test: str = ""
    """How its tests are run, in its own words."""
    notes: tuple[str, ...] = ()
    """What was wrong with its own settings."""

    @property
    def scripts(self) -> tuple[str, ...]:
        """Paths of what may be run as root, the set-up script first."""
        named = (self.setup or DEFAULT_SETUP, self.maintenance)
        return tuple(path for path in named if path)


def rules_for(settings: Settings, repository: str) -> Rules:
    """What the configuration says; later tables win, field by field."""
    sandbox = settings.sandbox
    trusted = any(matches(repository, pattern) for pattern in sandbox.trust_setup)
    found: dict[str, Any] = {
        "image": None,
        "setup": None,
        "maintenance": None,
        "trust_setup": trusted,
        "setup_network": sandbox.setup_network,
        "agent_network": sandbox.agent_network,
        "secrets": (),
        "test": "",
        "agent": settings.agent.default,
    }
    for rule in settings.repositories:
        if matches(repository, rule.match):
            found |= rule.model_dump(exclude={"match"}, exclude_none=True)
    return Rules(
        image=found["image"] or "",
        setup=found["setup"],
        maintenance=found["maintenance"],
        is_trusted=found["trust_setup"],
        setup_network=tuple(found["setup_network"]),
        agent_network=tuple(found["agent_network"]),
        secrets=tuple(found["secrets"]),
        test=found["test"],
        agent=found["agent"],
    )


async def rules_of(
    settings: Settings, repository: str, tree: Tree, *, image: str | None = None
) -> Rules:
    """With what the tree itself asks for, and the task's own ``image``, which wins.

    A repository may choose among what the host offers, and never weaken a rule of it.
    """
    rules = rules_for(settings, repository)
    given = rules.image or settings.sandbox.image
    data = await read_file(tree, OWN_SETTINGS, limit_bytes=OWN_BYTES)
    own, notes = _parse(data) if data is not None else ({}, [])
    chosen = image or rules.image or own.get("image") or given
    if chosen != given and rules.secrets:
        # Whoever names the image says what the script's own shell is.
        notes.append("The image is not the configuration's: the set-up script gets no secrets.")
        rules = replace(rules, secrets=())
    return replace(
        rules,
        image=chosen,
        setup=rules.setup or own.get("setup"),
        maintenance=rules.maintenance or own.get("maintenance"),
        test=rules.test or own.get("test", ""),
        notes=tuple(notes),
    )


def _parse(data: bytes) -> tuple[dict[str, str], list[str]]:
    """The known settings of a repository's own file, and what is wrong with it."""
    try:
        values = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [f"`{OWN_SETTINGS}` cannot be read and is left out: {error}"]
    own: dict[str, str] = {}
    notes = []
    for name, value in values.items():
        if name not in _TEXTS:
            notes.append(f"`{OWN_SETTINGS}`: `{name[:40]}` is not a setting of a repository.")
        elif not isinstance(value, str) or not value.strip():
            notes.append(f"`{OWN_SETTINGS}`: `{name}` must be a text.")
        elif name == "image" and not IMAGE.fullmatch(value):
            notes.append(f"`{OWN_SETTINGS}`: `{value[:80]}` is no name of an image.")
        else:
            own[name] = value.strip()
    return own, notes
