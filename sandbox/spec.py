"""What a run needs, as frozen data with a JSON round trip."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Mode = Literal["change", "explain", "review"]
Phase = Literal["setup", "agent", "verify"]

OWN_AGENT = "threadsmith"
AgentName = Literal["threadsmith", "claude-code", "codex", "mini-swe-agent"]
AGENTS: tuple[str, ...] = get_args(AgentName)
AGENT_UID = 1000
"""The unprivileged user of the agent phase; a number, so that any image will do."""
WORKSPACE = "/workspace"
AGENT_HOME = "/home/agent"
AGENT_PROGRAM = "/opt/threadsmith/agent_image"
"""Where the host's `agent_image` folder is mounted, read-only."""
AGENT_COMMAND = ("python3", "-I", "-S", f"{AGENT_PROGRAM}/agent")
AUTHORITIES = "/opt/threadsmith/authorities.crt"
"""Where the host's certificate authorities are mounted when a phase may reach the outside."""
GATEWAY_DIRECTORY = "/run/threadsmith"
GATEWAY_SOCKET = f"{GATEWAY_DIRECTORY}/gateway.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use at the most."""

    memory_bytes: int = 4 * 1024**3
    cpus: float = 2.0
    processes: int = 512
    context_tokens: int = 0
    """The model's window; 0: by the table of known models."""
    turns: int = 100
    """Model replies in one run."""
    wall_seconds: int = 3600
    """The whole agent phase."""
    setup_seconds: int = 900
    verify_seconds: int = 900
    """All commands that are run again in a clean container."""
    command_seconds: int = 300
    """One command of the agent, unless it asks for less."""
    output_bytes: int = 30_000
    """What of one command's output reaches the model (head and tail)."""
    patch_bytes: int = 10 * 1024**2
    disk_bytes: int = 10 * 1024**3
    """What one container may write over its image."""
    disk_files: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A prepared source: one commit in a bare repository on the host."""

    mirror: str
    """Path of the bare repository; nothing a container wrote is ever in it."""
    commit: str
    """Full object id."""
    branch: str | None
    """The branch the commit was found on; None for a tag, a bare commit or a zip."""
    repository: str
    """What people call it: `owner/name`, or the zip's file name."""
    default_branch: str | None = None
    """The remote's own; None where there is none, or nobody asked."""

    @property
    def scope(self) -> str:
        """Whose word the tree is: `default`, or a name for everything that is not merged yet."""
        if self.branch is not None and self.branch == self.default_branch:
            return "default"
        return f"branch {self.branch}" if self.branch else f"commit {self.commit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The repository's scripts that somebody approved, and what they may have."""

    path: str = "setup.sh"
    """Run once for an environment."""
    maintenance: str | None = None
    """Run where an environment is used again for another commit."""
    network: tuple[str, ...] = ()
    """Egress rules, see `sandbox.egress.rules`; empty: none."""
    secrets: tuple[str, ...] = ()
    """Names of the variables that the configuration declares for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One run of the task, in the words of both sides."""

    request: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything a run is made from. ``resume_turn`` counts the task's turns before this run."""

    run_id: str
    task_id: str
    mode: Mode
    request: str
    author: str
    tree: Tree
    image: str
    model: str
    """`provider:name`."""
    fallback: str = ""
    """Who takes over for the rest of the run where that is away; empty: nobody."""
    agent: str = OWN_AGENT
    """The program that does the work; others than our own speak to the model by themselves."""
    limits: Limits = field(default_factory=Limits)
    setup: Setup | None = field(default_factory=Setup)
    """None: there is no script, or nobody approved it."""
    agent_network: tuple[str, ...] = ()
    """Egress rules of the agent phase; empty, as it should be: none."""
    notes: tuple[str, ...] = ()
    """What the model should know of its source."""
    can_ask: bool = True
    """Whether there is anybody who could answer a question."""
    verify: bool = True
    """Whether the result is checked in a clean container."""
    checks: tuple[str, ...] = ()
    """Commands by which it is, beside those that the agent names."""
    earlier: tuple[Exchange, ...] = ()
    """What was asked and done before, for agents that do not keep the conversation themselves."""
    patch: bytes = b""
    """The task's work so far, laid over the commit before the agent starts."""
    resume_turn: int = 0
    own_container: bool = False
    """Never the one that stayed after the task's last run."""

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["patch"] = self.patch.decode("latin-1")
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RunSpec:
        data = dict(data)
        data["tree"] = Tree(**data["tree"])
        data["limits"] = Limits(**data["limits"])
        if (setup := data["setup"]) is not None:
            setup = {**setup, "network": tuple(setup["network"])}
            data["setup"] = Setup(**{**setup, "secrets": tuple(setup["secrets"])})
        data["agent_network"] = tuple(data["agent_network"])
        data["notes"] = tuple(data["notes"])
        data["checks"] = tuple(data.get("checks", ()))
        data["earlier"] = tuple(Exchange(**each) for each in data.get("earlier", ()))
        data["patch"] = data["patch"].encode("latin-1")
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host directory shown in a container; read-only unless said otherwise."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """What an engine needs to start one container of a run; it has no network but loopback."""

    run_id: str
    phase: Phase
    image: str
    command: tuple[str, ...]
    environment: dict[str, str]
    """No secret but the run's own gateway token may stand in it."""
    mounts: tuple[Mount, ...]
    limits: Limits
    privileged_user: bool = False
    """True: root with the default capabilities (set-up); False: AGENT_UID with none."""
    labels: dict[str, str] = field(default_factory=dict)
