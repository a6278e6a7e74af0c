"""Other agent programs that may do a run's work, each at the version it was tried with.

How one is installed is our own recipe, so nobody needs to approve it; how it is started and heard
is up to its adapter in the container, `agent_image.agent.seat`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sandbox.errors import ThreadsmithError
from sandbox.spec import AGENTS, OWN_AGENT

SEAT: Final = "/opt/threadsmith-seat"
"""Where the program lies in its image."""

_NPM: Final = """\
set -e
command -v npm >/dev/null || {{ echo "The image has no npm for {name}." >&2; exit 1; }}
export npm_config_cache="$PWD/cache" npm_config_update_notifier=false
npm install --global --prefix {seat} --no-audit --no-fund --include=optional {package}@{version}
{seat}/bin/{command} --version
"""
_PIP: Final = """\
set -e
python3 -m venv {seat}
{seat}/bin/python -m pip install --no-cache-dir --progress-bar off {package}=={version}
{seat}/bin/python -c 'import {command}'
"""
_NPM_NETWORK: Final = ("registry.npmjs.org",)
_PIP_NETWORK: Final = ("pypi.org", "files.pythonhosted.org")


class AgentRefused(ThreadsmithError):
    """That agent cannot be named here."""

    code = "agent_refused"
    resolution = "Name another agent, or a model that it speaks to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """What is run as root, once for each base image."""

    name: str
    script: str
    network: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"install {self.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.script.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One other agent."""

    name: str
    package: str
    version: str
    command: str
    """By which it is seen to be there."""
    is_npm: bool
    providers: tuple[str, ...]
    """Whose protocols it speaks."""

    @property
    def install(self) -> Install:
        script = (_NPM if self.is_npm else _PIP).format(
            name=self.name,
            seat=SEAT,
            package=self.package,
            version=self.version,
            command=self.command,
        )
        network = _NPM_NETWORK if self.is_npm else _PIP_NETWORK
        return Install(name=f"{self.name} {self.version}", script=script, network=network)


SEATS: Final = {
    seat.name: seat
    for seat in (
        Seat(
            name="claude-code",
            package="@anthropic-ai/claude-code",
            version="2.1.197",
            command="claude",
            is_npm=True,
            providers=("anthropic",),
        ),
        Seat(
            name="codex",
            package="@openai/codex",
            version="0.171.0",
            command="codex",
            is_npm=True,
            providers=("openai",),
        ),
        Seat(
            name="mini-swe-agent",
            package="mini-swe-agent",
            version="2.4.6",
            command="minisweagent",
            is_npm=False,
            providers=("anthropic", "openai"),
        ),
    )
}


def check_agent(agent: str, model: str) -> None:
    """Raise AgentRefused for an agent that there is not, or that cannot speak to that model."""
    if agent == OWN_AGENT:
        return
    if agent not in SEATS:
        names = ", ".join(AGENTS)
        raise AgentRefused(f"There is no agent `{agent[:80]}`.", resolution=f"Agents: {names}.")
    providers = SEATS[agent].providers
    if model.partition(":")[0] not in providers:
        named = " or ".join(f"`{provider}:…`" for provider in providers)
        raise AgentRefused(
            f"The agent {agent} does not speak to the model `{model[:80]}`.",
            resolution=f"Name a model as {named}, or another agent.",
        )
